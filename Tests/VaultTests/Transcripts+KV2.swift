extension Transcripts {
    /// KV version 2: bodies, versions, wrong paths.
    static let keyValue2 = #"""
        > POST sys/mounts/w2 {"type":"kv-v2"}
        < 204 (empty)
        > POST w2/data/b
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b null
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b {}
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b []
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal array into G\#
        o value of type map[string]interface {}"]}
        > POST w2/data/b 1
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal number int\#
        o Go value of type map[string]interface {}"]}
        > POST w2/data/b "x"
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal string int\#
        o Go value of type map[string]interface {}"]}
        > POST w2/data/b true
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal bool into G\#
        o value of type map[string]interface {}"]}
        > POST w2/data/b {bad
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > POST w2/data/b {"data":{}
        < 400 {"errors":["failed to decode JSON input: unexpected EOF"]}
        > POST w2/data/b {"data":{"a":1}} x
        < 400 {"errors":["failed to decode JSON input: invalid character 'x' looking for b\#
        eginning of value"]}
        > POST w2/data/b {"data":null}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w2/data/b {"data":1}
        < 400 {"errors":["error converting input for field \"data\": '' expected type 'map\#
        [string]interface {}', got unconvertible type 'json.Number'"]}
        > POST w2/data/b {"data":[]}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":2}}
        > POST w2/data/b {"data":[1]}
        < 400 {"errors":["error converting input for field \"data\": '[0]' expected type '\#
        map[string]interface {}', got unconvertible type 'json.Number'"]}
        > POST w2/data/b {"data":"{}"}
        < 400 {"errors":["error converting input for field \"data\": '' expected type 'map\#
        [string]interface {}', got unconvertible type 'string'"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":"x"}}
        < 400 {"errors":["error parsing check-and-set parameter"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":1.5}}
        < 400 {"errors":["error parsing check-and-set parameter"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":null}}
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":-1}}
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":99999999999999999999}}
        < 400 {"errors":["error parsing check-and-set parameter"]}
        > POST w2/data/b {"data":{"a":1},"options":null}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":3}}
        > POST w2/data/b {"data":{"a":1},"options":1}
        < 400 {"errors":["error converting input for field \"options\": '' expected type '\#
        map[string]interface {}', got unconvertible type 'json.Number'"]}
        > POST w2/data/b {"data":{"a":1},"options":{"cas":"3"}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":4}}
        > POST w2/data/b {"options":{}}
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b {"data":{"a":1},"x":2,"b":3}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":5},"warnings":["Endpoint ignored these unrecognize\#
        d parameters: [b x]"]}
        > POST w2/data/b {"data":{"a":1},"path":"zz"}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":6},"warnings":["Endpoint replaced the value of thes\#
        e parameters with the values captured from the endpoint's path: [path]"]}
        > POST w2/data/b {"data":{"a":1},"version":3}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":7}}
        > POST w2/data/b {"data":{"a":1},"version":"x"}
        < 400 {"errors":["error converting input for field \"version\": '' cannot parse va\#
        lue as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w2/data/b {"DATA":{"a":1}}
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b {"data":{"a":1},"data":{"b":2}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":8}}
        > GET w2/data/b
        < 200 ENV{"data":{"data":{"b":2},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":8}}}
        > POST w2/data/b a=b   [Content-Type: application/x-www-form-urlencoded]
        < 400 {"errors":["no data provided"]}
        > POST w2/data/b data=b   [Content-Type: application/x-www-form-urlencoded]
        < 400 {"errors":["error converting input for field \"data\": '' expected type 'map\#
        [string]interface {}', got unconvertible type 'string'"]}
        > POST w2/data/b {"data":{"z":1}}   [Content-Type: application/x-www-form-urlencod\#
        ed]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":9}}
        > POST w2/data/b?cas=1 {"data":{"q":1}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":10}}
        > GET w2/data/b?version=0
        < 200 ENV{"data":{"data":{"q":1},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":10}}}
        > GET w2/data/b?version=1
        < 200 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"","destroyed":false,"version":1}}}
        > GET w2/data/b?version=x
        < 400 {"errors":["Field validation failed: error converting input for field \"vers\#
        ion\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax"]}
        > GET w2/data/b?version=-1
        < 200 ENV{"data":{"data":{"q":1},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":10}}}
        > GET w2/data/b?version=
        < 200 ENV{"data":{"data":{"q":1},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":10}}}
        > GET w2/data/b?version=999
        < 404 {"errors":[]}
        > DELETE w2/data/b?versions=1
        < 204 (empty)
        > GET w2/data/b
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"<time>","destroyed":false,"version":10}}}
        > GET w2/data/b?foo=1
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"<time>","destroyed":false,"version":10}}}
        > GET w2/metadata/b
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":0,"current_version":10,"custom_metadata":null,"delete_version_after":"0s",\#
        "max_versions":0,"metadata_cas_required":false,"oldest_version":1,"updated_time":"\#
        <time>","versions":{"1":{"created_time":"<time>","deletion_time":"","destroyed":fa\#
        lse},"10":{"created_time":"<time>","deletion_time":"<time>","destroyed":false},"2"\#
        :{"created_time":"<time>","deletion_time":"","destroyed":false},"3":{"created_time\#
        ":"<time>","deletion_time":"","destroyed":false},"4":{"created_time":"<time>","del\#
        etion_time":"","destroyed":false},"5":{"created_time":"<time>","deletion_time":"",\#
        "destroyed":false},"6":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se},"7":{"created_time":"<time>","deletion_time":"","destroyed":false},"8":{"creat\#
        ed_time":"<time>","deletion_time":"","destroyed":false},"9":{"created_time":"<time\#
        >","deletion_time":"","destroyed":false}}}}
        > DELETE w2/data/b
        < 204 (empty)
        # paths
        > GET w2
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > GET w2/
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > LIST w2
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv list' for this operation."]}
        > GET w2/x
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > POST w2/x {"a":1}
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv put' for this operation."]}
        > DELETE w2/x
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv delete' for this operation."]}
        > LIST w2/x
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv list' for this operation."]}
        > PATCH w2/x {}   [Content-Type: application/merge-patch+json]
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv patch' for this operation."]}
        > GET w2/data
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > GET w2/data/
        < 404 {"errors":[]}
        > POST w2/data {"data":{}}
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > POST w2/data/ {"data":{}}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > DELETE w2/data
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > DELETE w2/data/
        < 204 (empty)
        > LIST w2/data/
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST w2/data/a
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET w2/metadata
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > GET w2/metadata/
        < 404 {"errors":[]}
        > POST w2/metadata {}
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > DELETE w2/metadata
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > DELETE w2/metadata/
        < 204 (empty)
        > GET w2/delete/x
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET w2/delete
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > POST w2/delete {"versions":[1]}
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > POST w2/undelete {"versions":[1]}
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > POST w2/destroy {"versions":[1]}
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > DELETE w2/destroy/x
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET w2/config
        < 200 ENV{"data":{"cas_required":false,"delete_version_after":"0s","max_versions":\#
        0,"metadata_cas_required":false}}
        > GET w2/config?foo=1
        < 200 ENV{"data":{"cas_required":false,"delete_version_after":"0s","max_versions":\#
        0,"metadata_cas_required":false},"warnings":["Endpoint ignored these unrecognize\#
        d parameters: [foo]"]}
        > GET w2/config/
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > GET w2/config/x
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > DELETE w2/config
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST w2/config
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv list' for this operation."]}
        > PATCH w2/config {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET w2/datax
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."]}
        > GET w2/metadata/zz
        < 404 {"errors":[]}
        > LIST w2/metadata/zz
        < 404 {"errors":[]}
        # versions
        > POST w2/data/v {"data":{"i":1}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w2/data/v {"data":{"i":2}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":2}}
        > POST w2/data/v {"data":{"i":3}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":3}}
        > POST w2/data/v {"data":{"i":4}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":4}}
        > POST w2/delete/v
        < 400 {"errors":["No version number provided"]}
        > POST w2/destroy/v {}
        < 400 {"errors":["no version number provided"]}
        > POST w2/undelete/v {"versions":[]}
        < 400 {"errors":["No version number provided"]}
        > POST w2/delete/v {"versions":null}
        < 400 {"errors":["No version number provided"]}
        > POST w2/delete/v {"versions":"1"}
        < 204 (empty)
        > POST w2/delete/v {"versions":"1,2"}
        < 204 (empty)
        > POST w2/delete/v {"versions":["x"]}
        < 400 {"errors":["Field validation failed: error converting input for field \"vers\#
        ions\": decoding failed due to the following error(s):\n\n'[0]' cannot parse valu\#
        e as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w2/delete/v {"versions":[1.5]}
        < 400 {"errors":["Field validation failed: error converting input for field \"vers\#
        ions\": decoding failed due to the following error(s):\n\n'[0]' cannot parse valu\#
        e as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w2/delete/v {"versions":[0,-1,99,null,true,""]}
        < 204 (empty)
        > POST w2/delete/v {"versions":[[1]]}
        < 400 {"errors":["Field validation failed: error converting input for field \"vers\#
        ions\": decoding failed due to the following error(s):\n\n'[0]' expected type 'int\#
        ', got unconvertible type '[]interface {}'"]}
        > POST w2/delete/v {"versions":[99999999999999999999]}
        < 400 {"errors":["Field validation failed: error converting input for field \"vers\#
        ions\": decoding failed due to the following error(s):\n\n'[0]' cannot parse valu\#
        e as 'int': strconv.ParseInt: value out of range"]}
        > POST w2/delete/v {"versions":{}}
        < 400 {"errors":["No version number provided"]}
        > POST w2/destroy/none {"versions":[1]}
        < 204 (empty)
        > GET w2/metadata/v
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":0,"current_version":4,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":0,"metadata_cas_required":false,"oldest_version":0,"updated_time":"<\#
        time>","versions":{"1":{"created_time":"<time>","deletion_time":"<time>","destroye\#
        d":false},"2":{"created_time":"<time>","deletion_time":"<time>","destroyed":false}\#
        ,"3":{"created_time":"<time>","deletion_time":"","destroyed":false},"4":{"created_\#
        time":"<time>","deletion_time":"","destroyed":false}}}}
        > POST w2/undelete/v {"versions":[1,1,99]}
        < 204 (empty)
        > POST w2/destroy/v {"versions":[2,3]}
        < 204 (empty)
        > POST w2/undelete/v {"versions":[2]}
        < 204 (empty)
        > POST w2/delete/v {"versions":[2,3,4]}
        < 204 (empty)
        > GET w2/metadata/v
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":0,"current_version":4,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":0,"metadata_cas_required":false,"oldest_version":0,"updated_time":"<\#
        time>","versions":{"1":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se},"2":{"created_time":"<time>","deletion_time":"<time>","destroyed":true},"3":{"\#
        created_time":"<time>","deletion_time":"","destroyed":true},"4":{"created_time":"<\#
        time>","deletion_time":"<time>","destroyed":false}}}}
        > GET w2/data/v
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"<time>","destroyed":false,"version":4}}}
        > GET w2/data/v?version=2
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"<time>","destroyed":true,"version":2}}}
        > GET w2/data/v?version=3
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"","destroyed":true,"version":3}}}
        > GET w2/data/v?version=1
        < 200 ENV{"data":{"data":{"i":1},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":1}}}
        > DELETE w2/data/v
        < 204 (empty)
        > POST w2/data/v {"data":{"a":1},"options":{"cas":0}}
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > POST w2/data/v {"data":{"a":1},"options":{"cas":4}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":5}}
        > POST w2/destroy/v {"versions":[5]}
        < 204 (empty)
        > GET w2/data/v
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"","destroyed":true,"version":5}}}
        > DELETE w2/data/v
        < 204 (empty)
        > GET w2/data/v
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"","destroyed":true,"version":5}}}
        > DELETE w2/metadata/v
        < 204 (empty)
        > GET w2/metadata/v
        < 404 {"errors":[]}
        > GET w2/data/v
        < 404 {"errors":[]}
        > POST w2/data/v {"data":{"again":true}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > GET w2/data/v?version=2
        < 404 {"errors":[]}
        > DELETE w2/data/absent
        < 204 (empty)
        > GET w2/metadata/absent
        < 404 {"errors":[]}
        """#
}
