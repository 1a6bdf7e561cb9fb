extension Transcripts {
    /// KV version 1: paths, folders, leases, parameters.
    static let keyValue1 = #"""
        > POST sys/mounts/w1 {"type":"kv"}
        < 204 (empty)
        > POST w1/a {"x":1}
        < 204 (empty)
        > POST w1/a/b {"x":1}
        < 204 (empty)
        > POST w1/a/b/c {"x":1}
        < 204 (empty)
        > GET w1
        < 404 {"errors":[]}
        > GET w1/
        < 404 {"errors":[]}
        > LIST w1
        < 200 ENV{"data":{"keys":["a","a/"]}}
        > LIST w1/
        < 200 ENV{"data":{"keys":["a","a/"]}}
        > LIST w1/a
        < 200 ENV{"data":{"keys":["b","b/"]}}
        > LIST w1/a/b/
        < 200 ENV{"data":{"keys":["c"]}}
        > LIST w1/zz
        < 404 {"errors":[]}
        > GET w1?list=true
        < 200 ENV{"data":{"keys":["a","a/"]}}
        > GET w1/a?list=true
        < 200 ENV{"data":{"keys":["b","b/"]}}
        > GET w1/a/
        < 404 {"errors":[]}
        > DELETE w1/a/
        < 204 (empty)
        > DELETE w1
        < 204 (empty)
        > DELETE w1/
        < 204 (empty)
        > POST w1 {"a":1}
        < 400 {"errors":["missing path"]}
        > POST w1/ {"a":1}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > POST w1/n null
        < 400 {"errors":["missing data fields"]}
        > POST w1/n
        < 400 {"errors":["missing data fields"]}
        > POST w1/n {"a":null}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":2764800,"data":{"a":null}}
        > POST w1/n {"ttl":"zz","lease":"5m","f":1.5,"<":"&"}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":2764800,"data":{"<":"&","f":1.5,"lease":"5m","ttl":"zz"}}
        > POST w1/n {"ttl":30}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":30,"data":{"ttl":30}}
        > POST w1/n {"ttl":"0"}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"data":{"ttl":"0"}}
        > POST w1/n {"lease":"7m"}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":420,"data":{"lease":"7m"}}
        > POST w1/n {"ttl":{"a":1}}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":2764800,"data":{"ttl":{"a":1}}}
        > POST w1/n {"ttl":"1.5s"}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":1,"data":{"ttl":"1.5s"}}
        > POST w1/n {"path":"q","z":1}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":2764800,"data":{"path":"q","z":1}}
        > POST w1/n?y=1 {"z":1}
        < 204 (empty)
        > GET w1/n
        < 200 ENV{"lease_duration":2764800,"data":{"z":1}}
        > POST w1/n?y=1
        < 400 {"errors":["missing data fields"]}
        > GET w1/n?list=true
        < 404 {"errors":[]}
        > GET w1/n?x=1&x=2&y=&z
        < 200 ENV{"lease_duration":2764800,"data":{"z":1},"warnings":["Endpoint ignored th\#
        ese unrecognized parameters: [x y z]"]}
        > GET w1/n?a;b=1
        < 200 ENV{"lease_duration":2764800,"data":{"z":1}}
        > LIST w1?after=a
        < 200 ENV{"data":{"keys":["a","a/","n"]},"warnings":["Endpoint ignored these unrec\#
        ognized parameters: [after]"]}
        > LIST w1?limit=x
        < 200 ENV{"data":{"keys":["a","a/","n"]},"warnings":["Endpoint ignored these unrec\#
        ognized parameters: [limit]"]}
        > PATCH w1/n {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET w1/nothere?foo=1
        < 404 {"errors":[]}
        > DELETE w1/nothere
        < 204 (empty)
        > DELETE w1/a/b/c
        < 204 (empty)
        > LIST w1/a
        < 200 ENV{"data":{"keys":["b"]}}
        > LIST w1/a/b
        < 404 {"errors":[]}
        > POST w1/a%20b {"x":1}
        < 204 (empty)
        > POST w1/a%2520b {"x":1}
        < 204 (empty)
        > POST w1/a%2Fz {"x":1}
        < 204 (empty)
        > GET w1/a/z
        < 200 ENV{"lease_duration":2764800,"data":{"x":1}}
        > LIST w1/a
        < 200 ENV{"data":{"keys":["b","z"]}}
        > LIST w1
        < 200 ENV{"data":{"keys":["a","a b","a%20b","a/","n"]}}
        > POST w1/m {"x":1,"x":2}
        < 204 (empty)
        > GET w1/m
        < 200 ENV{"lease_duration":2764800,"data":{"x":2}}
        > POST w1/m a=1&b=two&b=three   [Content-Type: application/x-www-form-urlencoded]
        < 204 (empty)
        > GET w1/m
        < 200 ENV{"lease_duration":2764800,"data":{"a":"1","b":"two,three"}}
        """#
}
