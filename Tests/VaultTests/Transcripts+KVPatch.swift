extension Transcripts {
    /// KV v2: patches of secrets, and their names without values.
    static let keyValue2Patch = #"""
        > POST sys/mounts/t1 {"type":"kv-v2"}
        < 204 (empty)
        > PATCH t1/data/none {"data":{"a":1}}   [Content-Type: application/merge-patch+json]
        < 404 (empty)
        > PATCH t1/data/none {"data":{"a":1},"options":{"cas":0}}   [Content-Type: application/mer\#
        ge-patch+json]
        < 404 (empty)
        > PATCH t1/data/none {}   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["no data provided"]}
        > POST t1/data/a {"data":{"a":{"b":1,"c":[1,2]},"d":"x","e":{}}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":1}}
        > PATCH t1/data/a {"data":{"a":{"b":null,"z":{"y":null,"q":1}},"d":{"k":1}}}   [Content-Ty\#
        pe: application/merge-patch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":2}}
        > GET t1/data/a
        < 200 ENV{"data":{"data":{"a":{"c":[1,2],"z":{"q":1}},"d":{"k":1},"e":{}},"metadata":{"cre\#
        ated_time":"<time>","custom_metadata":null,"deletion_time":"","destroyed":false,"version":\#
        2}}}
        > PATCH t1/data/a {}   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["no data provided"]}
        > PATCH t1/data/a {"data":"x"}   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["Field validation failed: error converting input for field \"data\": '' e\#
        xpected type 'map[string]interface {}', got unconvertible type 'string'"]}
        > PATCH t1/data/a {"data":{}}   [Content-Type: application/merge-patch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":3}}
        > PATCH t1/data/a {"data":{"f":1},"options":{"cas":1}}   [Content-Type: application/merge-\#
        patch+json]
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > PATCH t1/data/a {"data":{"f":1},"options":{"cas":3}}   [Content-Type: application/merge-\#
        patch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":4}}
        > PATCH t1/data/a {"data":{"f":[{"x":null}]},"options":{"cas":"4"}}   [Content-Type: appli\#
        cation/merge-patch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":5}}
        > PATCH t1/data/a {"data":{"f":1},"options":{"cas":"x"}}   [Content-Type: application/merg\#
        e-patch+json]
        < 400 {"errors":["error parsing check-and-set parameter"]}
        > PATCH t1/data/a {"data":{"g":2},"options":{"cas":null}}   [Content-Type: application/mer\#
        ge-patch+json]
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > PATCH t1/data/a {"data":{"g":2},"foo":1,"path":"z"}   [Content-Type: application/merge-p\#
        atch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":6},"warnings":["Endpoint ignored these unrecognized parameters: [foo\#
        ]","Endpoint replaced the value of these parameters with the values captured from the endp\#
        oint's path: [path]"]}
        > PATCH t1/data/a {"data":{"f":2},"version":1}   [Content-Type: application/merge-patch+js\#
        on]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":7}}
        > GET t1/data/a
        < 200 ENV{"data":{"data":{"a":{"c":[1,2],"z":{"q":1}},"d":{"k":1},"e":{},"f":2,"g":2},"met\#
        adata":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destroyed":fals\#
        e,"version":7}}}
        > PATCH t1/data {"data":{"f":2}}   [Content-Type: application/merge-patch+json]
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are not suppor\#
        ted."]}
        > PATCH t1/data/ {"data":{"f":2}}   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > GET t1/subkeys/a
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":{"c":null,"z":{"q":null}},"d":{"k":nul\#
        l},"e":null,"f":null,"g":null}}}
        > GET t1/subkeys/a?depth=1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":null,"d":null,"e":null,"f":null,"g":nu\#
        ll}}}
        > GET t1/subkeys/a?depth=0
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":{"c":null,"z":{"q":null}},"d":{"k":nul\#
        l},"e":null,"f":null,"g":null}}}
        > GET t1/subkeys/a?depth=-1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":null,"d":null,"e":null,"f":null,"g":nu\#
        ll}}}
        > GET t1/subkeys/a?depth=2
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":{"c":null,"z":null},"d":{"k":null},"e"\#
        :null,"f":null,"g":null}}}
        > GET t1/subkeys/a?depth=x
        < 400 {"errors":["Field validation failed: error converting input for field \"depth\": '' \#
        cannot parse value as 'int': strconv.ParseInt: invalid syntax"]}
        > GET t1/subkeys/a?version=1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":1},"subkeys":{"a":{"b":null,"c":null},"d":null,"e":null}\#
        }}
        > GET t1/subkeys/a?version=1&depth=1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":1},"subkeys":{"a":null,"d":null,"e":null}}}
        > GET t1/subkeys/a?version=1&depth=2
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":1},"subkeys":{"a":{"b":null,"c":null},"d":null,"e":null}\#
        }}
        > GET t1/subkeys/a?version=99
        < 404 {"errors":[]}
        > GET t1/subkeys/a?version=-1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":{"c":null,"z":{"q":null}},"d":{"k":nul\#
        l},"e":null,"f":null,"g":null}}}
        > GET t1/subkeys/a?foo=1
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":7},"subkeys":{"a":{"c":null,"z":{"q":null}},"d":{"k":nul\#
        l},"e":null,"f":null,"g":null}},"warnings":["Endpoint ignored these unrecognized parameter\#
        s: [foo]"]}
        > GET t1/subkeys/none
        < 404 {"errors":[]}
        > GET t1/subkeys
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the API docs f\#
        or the appropriate API endpoints to use. If using the OpenBao CLI, use 'bao kv get' for th\#
        is operation."]}
        > GET t1/subkeys/
        < 404 {"errors":[]}
        > POST t1/subkeys/a {}
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST t1/subkeys/a
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > DELETE t1/subkeys/a
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > DELETE t1/data/a
        < 204 (empty)
        > GET t1/subkeys/a
        < 404 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"<time>","destroyed":false,"version":7},"subkeys":null}}
        > PATCH t1/data/a {"data":{"f":1}}   [Content-Type: application/merge-patch+json]
        < 404 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"<time>",\#
        "destroyed":false,"version":7}}
        > PATCH t1/data/a {"data":{"f":1},"options":{"cas":1}}   [Content-Type: application/merge-\#
        patch+json]
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > POST t1/destroy/a {"versions":[1,7]}
        < 204 (empty)
        > GET t1/subkeys/a?version=1
        < 404 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":true,"version":1},"subkeys":null}}
        > POST t1/data/n {"data":null}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":1}}
        > GET t1/subkeys/n
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":null,"deletion_tim\#
        e":"","destroyed":false,"version":1},"subkeys":null}}
        > POST t1/config {"cas_required":true}
        < 204 (empty)
        > PATCH t1/data/b {"data":{"f":2}}   [Content-Type: application/merge-patch+json]
        < 404 (empty)
        > POST t1/data/b {"data":{"f":2},"options":{"cas":0}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":1}}
        > PATCH t1/data/b {"data":{"f":2}}   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["check-and-set parameter required for this call"]}
        > PATCH t1/data/b {"data":{"f":2},"options":{"cas":1}}   [Content-Type: application/merge-\#
        patch+json]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"","destr\#
        oyed":false,"version":2}}
        > POST t1/config {"cas_required":false}
        < 204 (empty)
        > POST t1/metadata/m {"max_versions":3}
        < 204 (empty)
        > PATCH t1/data/m {"data":{"f":1}}   [Content-Type: application/merge-patch+json]
        < 404 (empty)
        > PATCH t1/data/m {"data":{"f":1},"options":{"cas":1}}   [Content-Type: application/merge-\#
        patch+json]
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > GET t1/subkeys/m
        < 404 {"errors":[]}
        > PATCH t1/config {"max_versions":6}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PATCH t1/delete/a {"versions":[1]}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PATCH t1/metadata {"max_versions":6}   [Content-Type: application/merge-patch+json]
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are not suppor\#
        ted."]}
        """#
}
