extension Transcripts {
    /// KV version 2: metadata, lists, limits, configuration.
    static let keyValue2Metadata = #"""
        > POST sys/mounts/w3 {"type":"kv","options":{"version":"2"}}
        < 204 (empty)
        > POST w3/metadata/m {"custom_metadata":"x"}
        < 400 {"errors":["error converting input for field \"custom_metadata\": '' expecte\#
        d type 'map[string]interface {}', got unconvertible type 'string'"]}
        > POST w3/metadata/m {"custom_metadata":["a=b"]}
        < 400 {"errors":["error converting input for field \"custom_metadata\": '[0]' expe\#
        cted type 'map[string]interface {}', got unconvertible type 'string'"]}
        > POST w3/metadata/m {"custom_metadata":{"a":[1]}}
        < 400 {"errors":["custom_metadata validation failed: '' expected type 'string', go\#
        t unconvertible type '[]interface {}'"]}
        > POST w3/metadata/m {"custom_metadata":{"a":{"b":1}}}
        < 400 {"errors":["custom_metadata validation failed: '' expected type 'string', go\#
        t unconvertible type 'map[string]interface {}'"]}
        > POST w3/metadata/m {"custom_metadata":{"":"x"}}
        < 400 {"errors":["1 error occurred:\n\t* custom_metadata validation failed: lengt\#
        h of key \"\" is 0 but must be 0 \u003c len(key) \u003c= 128\n\n"]}
        > POST w3/metadata/m {"custom_metadata":{"a":""}}
        < 400 {"errors":["1 error occurred:\n\t* custom_metadata validation failed: lengt\#
        h of value for key \"a\" is 0 but must be 0 \u003c len(value) \u003c= 512\n\n"]}
        > POST w3/metadata/m {"custom_metadata":{"c":null}}
        < 400 {"errors":["1 error occurred:\n\t* custom_metadata validation failed: lengt\#
        h of value for key \"c\" is 0 but must be 0 \u003c len(value) \u003c= 512\n\n"]}
        > POST w3/metadata/m {"custom_metadata":{"a":"x\u0001"}}
        < 400 {"errors":["1 error occurred:\n\t* custom_metadata validation failed: valu\#
        e for key \"a\" contains unprintable characters\n\n"]}
        > POST w3/metadata/m {"custom_metadata":{"a\u0001":"x"}}
        < 400 {"errors":["1 error occurred:\n\t* custom_metadata validation failed: key \"\#
        a\\x01\" (a\u0001) contains unprintable characters\n\n"]}
        > POST w3/metadata/m {"custom_metadata":{"a":1,"b":true,"d":"x","e":1.50}}
        < 204 (empty)
        > GET w3/metadata/m
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":0,"custom_metadata":{"a":"1","b":"1","d":"x","e":"1.50\#
        "},"delete_version_after":"0s","max_versions":0,"metadata_cas_required":false,"old\#
        est_version":0,"updated_time":"<time>","versions":{}}}
        > POST w3/metadata/m {"custom_metadata":[]}
        < 204 (empty)
        > POST w3/metadata/m {"max_versions":"3"}
        < 204 (empty)
        > POST w3/metadata/m {"max_versions":"x"}
        < 400 {"errors":["error converting input for field \"max_versions\": '' cannot par\#
        se value as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w3/metadata/m {"max_versions":1.5}
        < 400 {"errors":["error converting input for field \"max_versions\": '' cannot par\#
        se value as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w3/metadata/m {"max_versions":null}
        < 204 (empty)
        > POST w3/metadata/m {"cas_required":"true"}
        < 204 (empty)
        > POST w3/metadata/m {"cas_required":"x"}
        < 400 {"errors":["error converting input for field \"cas_required\": '' cannot par\#
        se value as 'bool': strconv.ParseBool: invalid syntax"]}
        > POST w3/metadata/m {"cas_required":1}
        < 204 (empty)
        > POST w3/metadata/m {"delete_version_after":"0s"}
        < 204 (empty)
        > POST w3/metadata/m {"delete_version_after":"-1s"}
        < 400 {"errors":["error converting input for field \"delete_version_after\": canno\#
        t provide negative value '-1'"]}
        > POST w3/metadata/m {"delete_version_after":"x"}
        < 400 {"errors":["error converting input for field \"delete_version_after\": time\#
        : invalid duration \"x\""]}
        > POST w3/metadata/m {"delete_version_after":0}
        < 204 (empty)
        > POST w3/metadata/m {"metadata_cas":99}
        < 204 (empty)
        > POST w3/metadata/m {"foo":1}
        < 204 (empty)
        > POST w3/metadata/m
        < 204 (empty)
        > POST w3/metadata/m {"path":"x"}
        < 204 (empty)
        > GET w3/metadata/m
        < 200 ENV{"data":{"cas_required":true,"created_time":"<time>","current_metadata_ve\#
        rsion":8,"current_version":0,"custom_metadata":null,"delete_version_after":"0s","m\#
        ax_versions":0,"metadata_cas_required":false,"oldest_version":0,"updated_time":"<t\#
        ime>","versions":{}}}
        > GET w3/data/m
        < 404 {"errors":[]}
        > DELETE w3/data/m
        < 204 (empty)
        > POST w3/data/m {"data":{}}
        < 400 {"errors":["check-and-set parameter required for this call"]}
        > POST w3/data/m {"data":{},"options":{"cas":0}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w3/metadata/new
        < 204 (empty)
        > GET w3/metadata/new
        < 404 {"errors":[]}
        > POST w3/metadata/m?max_versions=2 {}
        < 204 (empty)
        > POST w3/data/n/o {"data":{}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w3/data/p {"data":{}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > LIST w3/metadata
        < 200 ENV{"data":{"keys":["m","n/","p"]}}
        > LIST w3/metadata/n
        < 200 ENV{"data":{"keys":["o"]}}
        > LIST w3/metadata?after=m
        < 200 ENV{"data":{"keys":["n/","p"]}}
        > LIST w3/metadata?after=n
        < 200 ENV{"data":{"keys":["n/","p"]}}
        > LIST w3/metadata?limit=2
        < 200 ENV{"data":{"keys":["m","n/"]}}
        > LIST w3/metadata?limit=2&after=m
        < 200 ENV{"data":{"keys":["n/","p"]}}
        > LIST w3/metadata?limit=x
        < 400 {"errors":["Field validation failed: error converting input for field \"limi\#
        t\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax"]}
        > LIST w3/metadata?limit=-1
        < 200 ENV{"data":{"keys":["m","n/","p"]}}
        > LIST w3/metadata?foo=1
        < 200 ENV{"data":{"keys":["m","n/","p"]},"warnings":["Endpoint ignored these unrec\#
        ognized parameters: [foo]"]}
        > LIST w3/metadata?after=zzz
        < 404 {"errors":[]}
        > GET w3/metadata?list=true
        < 200 ENV{"data":{"keys":["m","n/","p"]}}
        > GET w3/metadata?list=1
        < 200 ENV{"data":{"keys":["m","n/","p"]}}
        > GET w3/metadata?list=false
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > GET w3/metadata?list=
        < 404 ENV{"warnings":["Non-listing operations on the root of a K/V v2 mount are no\#
        t supported."]}
        > GET w3/metadata?list=true&list=false
        < 200 ENV{"data":{"keys":["m","n/","p"]}}
        > GET w3/metadata?list=true&scan=true
        < 400 {"errors":[]}
        > GET w3/metadata?scan=maybe
        < 400 {"errors":[]}
        > DELETE w3/metadata/n/o
        < 204 (empty)
        > LIST w3/metadata/n
        < 404 {"errors":[]}
        > LIST w3/metadata
        < 200 ENV{"data":{"keys":["m","p"]}}
        > DELETE w3/metadata/absent
        < 204 (empty)
        # max_versions: the larger of mount and key counts
        > POST w3/config {"max_versions":5}
        < 204 (empty)
        > POST w3/metadata/a {"max_versions":2}
        < 204 (empty)
        > POST w3/data/a {"data":{"i":1}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w3/data/a {"data":{"i":2}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":2}}
        > POST w3/data/a {"data":{"i":3}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":3}}
        > POST w3/data/a {"data":{"i":4}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":4}}
        > POST w3/data/a {"data":{"i":5}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":5}}
        > POST w3/data/a {"data":{"i":6}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":6}}
        > POST w3/data/a {"data":{"i":7}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":7}}
        > GET w3/metadata/a
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":7,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":2,"metadata_cas_required":false,"oldest_version":3,"updated_time":"<\#
        time>","versions":{"3":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se},"4":{"created_time":"<time>","deletion_time":"","destroyed":false},"5":{"creat\#
        ed_time":"<time>","deletion_time":"","destroyed":false},"6":{"created_time":"<time\#
        >","deletion_time":"","destroyed":false},"7":{"created_time":"<time>","deletion_ti\#
        me":"","destroyed":false}}}}
        > GET w3/data/a?version=2
        < 404 {"errors":[]}
        > GET w3/data/a?version=3
        < 200 ENV{"data":{"data":{"i":3},"metadata":{"created_time":"<time>","custom_metad\#
        ata":null,"deletion_time":"","destroyed":false,"version":3}}}
        > POST w3/config {"max_versions":3}
        < 204 (empty)
        > POST w3/data/a {"data":{}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":8}}
        > GET w3/metadata/a
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":8,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":2,"metadata_cas_required":false,"oldest_version":6,"updated_time":"<\#
        time>","versions":{"6":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se},"7":{"created_time":"<time>","deletion_time":"","destroyed":false},"8":{"creat\#
        ed_time":"<time>","deletion_time":"","destroyed":false}}}}
        > POST w3/config {"max_versions":0}
        < 204 (empty)
        > POST w3/data/a {"data":{}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":9}}
        > GET w3/metadata/a
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":9,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":2,"metadata_cas_required":false,"oldest_version":8,"updated_time":"<\#
        time>","versions":{"8":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se},"9":{"created_time":"<time>","deletion_time":"","destroyed":false}}}}
        # config
        > POST w3/config
        < 204 (empty)
        > POST w3/config {}
        < 204 (empty)
        > POST w3/config {"max_versions":"x"}
        < 400 {"errors":["Field validation failed: error converting input for field \"max_\#
        versions\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax"]}
        > POST w3/config {"foo":1}
        < 204 (empty)
        > POST w3/config {"cas_required":true}
        < 204 (empty)
        > POST w3/config {"delete_version_after":"0s"}
        < 204 (empty)
        > GET w3/config
        < 200 ENV{"data":{"cas_required":true,"delete_version_after":"0s","max_versions":0\#
        ,"metadata_cas_required":false}}
        > POST w3/data/c {"data":{}}
        < 400 {"errors":["check-and-set parameter required for this call"]}
        > POST w3/data/c {"data":{},"options":{"cas":0}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w3/data/c {"data":{},"options":{"cas":null}}
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > POST w3/data/d {"data":{},"options":{"cas":""}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST w3/data/d {"data":{},"options":{"cas":true}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":2}}
        > POST w3/metadata/c {"cas_required":false}
        < 200 ENV{"warnings":["\"cas_required\" set to false, but is mandated by backend c\#
        onfig. This value will be ignored."]}
        > POST w3/config {"metadata_cas_required":"true"}
        < 204 (empty)
        > GET w3/config
        < 200 ENV{"data":{"cas_required":true,"delete_version_after":"0s","max_versions":0\#
        ,"metadata_cas_required":true}}
        > POST w3/metadata/c {"max_versions":1}
        < 400 {"errors":["metadata check-and-set parameter required for this call"]}
        > POST w3/metadata/c {"max_versions":1,"metadata_cas":0}
        < 400 {"errors":["metadata check-and-set parameter does not match the current vers\#
        ion"]}
        > POST w3/metadata/c {"cas_required":false,"metadata_cas":1}
        < 200 ENV{"warnings":["\"cas_required\" set to false, but is mandated by backend c\#
        onfig. This value will be ignored."]}
        > POST w3/metadata/zz {"max_versions":1,"metadata_cas":1}
        < 400 {"errors":["metadata_cas must be 0 when creating new metadata"]}
        > POST w3/metadata/zz {"max_versions":1,"metadata_cas":0}
        < 204 (empty)
        > GET w3/metadata/zz
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":0,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":1,"metadata_cas_required":false,"oldest_version":0,"updated_time":"<\#
        time>","versions":{}}}
        > GET w3/metadata/c
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":2,"current_version":1,"custom_metadata":null,"delete_version_after":"0s","\#
        max_versions":0,"metadata_cas_required":false,"oldest_version":0,"updated_time":"<\#
        time>","versions":{"1":{"created_time":"<time>","deletion_time":"","destroyed":fal\#
        se}}}}
        """#
}
