extension Transcripts {
    /// `sys/policy` and `sys/policies`. Where the expected line is ours: the first version of a
    /// policy without options shows name and text only on `sys/policies/acl`; a policy that is
    /// written again after a delete goes on counting; names are sorted.
    static let policies = #"""
        > PUT sys/policies/acl/a/b {"policy":"path \"s/*\" { capabilities = [\"read\"] }"}
        < 204 (empty)
        > GET sys/policies/acl/a/b
        < 200 ENV{"data":{"name":"a/b","policy":"path \"s/*\" { capabilities = [\"read\"] }"}}
        > GET sys/policy/a/b
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"modified":"<time>","name":"a/b","rules":\#
        "path \"s/*\" { capabilities = [\"read\"] }","version":1}}   (+ data members injected)
        > LIST sys/policies/acl
        < 200 ENV{"data":{"keys":["a/b","default","root"]}}
        > GET sys/policies/acl?list=true&limit=2
        < 200 ENV{"data":{"keys":["a/b","default","root"]},"warnings":["Endpoint ignored thes\#
        e unrecognized parameters: [limit]"]}
        > GET sys/policies/acl
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/policy
        < 200 ENV{"data":{"keys":["a/b","default","root"],"policies":["a/b","default","root"]\#
        }}   (+ data members injected)
        > LIST sys/policy
        < 200 ENV{"data":{"keys":["a/b","default","root"],"policies":["a/b","default","root"]\#
        }}   (+ data members injected)
        > LIST sys/policies/acl/a
        < 200 ENV{"data":{"keys":["a/b"]}}
        > LIST sys/policies/acl/nope
        < 404 {"errors":[]}
        > PUT sys/policies/acl/ABC {"policy":"path \"s/*\" { capabilities = [\"read\"] }"}
        < 204 (empty)
        > GET sys/policies/acl/aBc
        < 200 ENV{"data":{"name":"abc","policy":"path \"s/*\" { capabilities = [\"read\"] }"}}
        > GET sys/policies/acl/%20abc%20
        < 200 ENV{"data":{"name":"abc","policy":"path \"s/*\" { capabilities = [\"read\"] }"}}
        > GET sys/policies/acl/abc?foo=1
        < 200 ENV{"data":{"name":"abc","policy":"path \"s/*\" { capabilities = [\"read\"] }"}\#
        ,"warnings":["Endpoint ignored these unrecognized parameters: [foo]"]}
        > PUT sys/policies/acl/%C3%84x {"policy":"path \"s\" {}"}
        < 204 (empty)
        > GET sys/policies/acl/%C3%A4X
        < 200 ENV{"data":{"name":"äx","policy":"path \"s\" {}"}}
        > DELETE sys/policies/acl/%C3%A4x
        < 204 (empty)
        > PUT sys/policies/acl/ {"policy":"path \"s\" {}"}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > PUT sys/policies/acl {"policy":"path \"s\" {}"}
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/policies/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/policies
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/policies/acl/
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/policies/acl/a/
        < 404 {"errors":[]}
        > PUT sys/policies/acl/cas {"policy":"path \"s\" {}","cas_required":true}
        < 400 {"errors":["check-and-set parameter required for this call"]}
        > PUT sys/policies/acl/cas {"policy":"path \"s\" {}","cas":-1,"cas_required":true}
        < 204 (empty)
        > DELETE sys/policies/acl/cas
        < 204 (empty)
        > PUT sys/policies/acl/b64 {"policy":"cGF0aCAicyIge30="}
        < 204 (empty)
        > GET sys/policies/acl/b64
        < 200 ENV{"data":{"name":"b64","policy":"path \"s\" {}"}}
        > DELETE sys/policies/acl/b64
        < 204 (empty)
        # built-in policies
        > PUT sys/policies/acl/root {"policy":"path \"s\" {}"}
        < 400 {"errors":["cannot update \"root\" policy"]}
        > GET sys/policies/acl/root
        < 200 ENV{"data":{"name":"root","policy":""}}
        > GET sys/policy/root
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"name":"root","rules":"","version":0}}   \#
        (+ data members injected)
        > DELETE sys/policies/acl/root
        < 400 {"errors":["cannot delete \"root\" policy"]}
        > DELETE sys/policy/ROOT
        < 400 {"errors":["cannot delete \"root\" policy"]}
        > DELETE sys/policies/acl/default
        < 400 {"errors":["cannot delete default policy"]}
        > PUT sys/policies/acl/response-wrapping {"policy":"path \"s\" {}"}
        < 400 {"errors":["cannot update \"response-wrapping\" policy"]}
        > GET sys/policies/acl/response-wrapping
        < 200 ENV{"data":{"name":"response-wrapping","policy":"<any>"}}
        > DELETE sys/policies/acl/response-wrapping
        < 400 {"errors":["cannot delete \"response-wrapping\" policy"]}
        > DELETE sys/policies/acl/none
        < 204 (empty)
        > GET sys/policies/acl/none
        < 404 {"errors":[]}
        > GET sys/policy/none
        < 404 {"errors":[]}
        # what a write needs
        > PUT sys/policies/acl/x {}
        < 400 {"errors":["'policy' parameter not supplied or empty"]}
        > PUT sys/policies/acl/x {"policy":""}
        < 400 {"errors":["'policy' parameter not supplied or empty"]}
        > PUT sys/policies/acl/x {"policy":"foo = 1"}
        < 400 {"errors":["failed to parse policy: 1 error occurred:\n\t* invalid key \"foo\" on\#
         line 1\n\n"]}
        > PUT sys/policies/acl/x {"policy":"path \"x\" { foo = 1 }"}
        < 400 {"errors":["failed to parse policy: path \"x\": 1 error occurred:\n\t* invalid key\#
         \"foo\" on line 1\n\n"]}
        > PUT sys/policies/acl/x {"rules":"path \"a\" {}"}
        < 400 {"errors":["'policy' parameter not supplied or empty"]}
        > PUT sys/policy/x {"rules":"path \"a\" {}"}
        < 200 ENV{"warnings":["'rules' is deprecated, please use 'policy' instead"]}
        > PUT sys/policy/x {"rules":"path \"a\" {}","policy":"path \"b\" {}","foo":1}
        < 204 (empty)
        > GET sys/policy/x
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"modified":"<time>","name":"x","rules":"p\#
        ath \"b\" {}","version":2}}   (+ data members injected)
        > PATCH sys/policy/x {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PUT sys/policies/acl/json {"policy":"{\"path\":{\"a\":{\"capabilities\":[\"read\"]}}}"}
        < 204 (empty)
        > GET sys/policies/acl/json
        < 200 ENV{"data":{"name":"json","policy":"{\"path\":{\"a\":{\"capabilities\":[\"read\\#
        "]}}}"}}
        """#

    /// Check-and-set, expiry, partial changes, details.
    static let policyOptions = #"""
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":1}
        < 400 {"errors":["check-and-set parameter 1 did not match the current version 0"]}
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":-1}
        < 204 (empty)
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":-1}
        < 400 {"errors":["check-and-set parameter set to -1 on existing entry"]}
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":0}
        < 400 {"errors":["check-and-set parameter 0 did not match the current version 1"]}
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":-5}
        < 400 {"errors":["check-and-set parameter -5 did not match the current version 1"]}
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas_required":true,"cas":1}
        < 204 (empty)
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}"}
        < 400 {"errors":["check-and-set parameter required for this call"]}
        > GET sys/policies/acl/c
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":true,"modified":"<time>","name":"c","policy":"p\#
        ath \"s\" {}","version":2}}
        > DELETE sys/policies/acl/c
        < 204 (empty)
        > PUT sys/policies/acl/c {"policy":"path \"s\" {}","cas":-1}
        < 204 (empty)
        > GET sys/policies/acl/c
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"modified":"<time>","name":"c","policy":"\#
        path \"s\" {}","version":3}}
        > PUT sys/policies/acl/t {"policy":"path \"s\" {}","ttl":"2s"}
        < 204 (empty)
        > GET sys/policies/acl/t
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"expiration":"<time>","modified":"<time>"\#
        ,"name":"t","policy":"path \"s\" {}","version":1}}
        > PUT sys/policies/acl/t2 {"policy":"path \"s\" {}","expiration":"2006-11-26T13:00:00Z"}
        < 400 {"errors":["refusing to update policy as expiration time has already elapsed"]}
        > PUT sys/policies/acl/t2 {"policy":"path \"s\" {}","expiration":"bogus"}
        < 400 {"errors":["Field validation failed: error converting input for field \"expirat\#
        ion\": could not parse string as date and time"]}
        > PUT sys/policies/acl/t2 {"policy":"path \"s\" {}","expiration":"2036-11-26T13:00:00\#
        Z","ttl":"5s"}
        < 400 {"errors":["cannot supply both 'expiration' and 'ttl' for policies"]}
        > PUT sys/policies/acl/t2 {"policy":"path \"s\" {}","ttl":"-5s"}
        < 400 {"errors":["Field validation failed: error converting input for field \"ttl\":\#
         cannot provide negative value '-5'"]}
        > PUT sys/policies/acl/p {"policy":"path \"s\" {}"}
        < 204 (empty)
        > PATCH sys/policies/acl/p {"cas_required":true}   [Content-Type: application/merge-pat\#
        ch+json]
        < 200 ENV{}
        > PATCH sys/policies/acl/p {"policy":"path \"x\" {}"}   [Content-Type: application/mer\#
        ge-patch+json]
        < 200 ENV{}
        > PATCH sys/policies/acl/none {"cas_required":true}   [Content-Type: application/merge\#
        -patch+json]
        < 400 {"errors":["policy not found"]}
        > PATCH sys/policies/acl/p {"policy":"path \"x\" {}","cas":2}   [Content-Type: applica\#
        tion/merge-patch+json]
        < 400 {"errors":["check-and-set parameter 2 did not match the current version 3"]}
        > PATCH sys/policies/acl/p {"ttl":"1h","cas":3}   [Content-Type: application/merge-pat\#
        ch+json]
        < 200 ENV{}
        > GET sys/policies/acl/p
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":true,"expiration":"<time>","modified":"<time>",\#
        "name":"p","policy":"path \"x\" {}","version":4}}
        > PATCH sys/policies/acl/p {"policy":"","cas":4}   [Content-Type: application/merge-pa\#
        tch+json]
        < 400 {"errors":["'policy' parameter not supplied or empty"]}
        > PUT sys/policies/acl/p {"policy":"path \"y\" {}","cas":4}
        < 204 (empty)
        > GET sys/policies/acl/p
        < 200 ENV{"data":{"allow_slashes_in_identity_templates":false,"allow_wildcards_in_ide\#
        ntity_templates":false,"cas_required":false,"modified":"<time>","name":"p","policy":"\#
        path \"y\" {}","version":5}}
        > LIST sys/policies/detailed/acl/p
        < 404 {"errors":[]}
        > LIST sys/policies/detailed/acl
        < 200 ENV{"data":{"key_info":"<any>","keys":["c","default","p","root","t"]}}
        > GET sys/policies/detailed/acl
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/policies/detailed/acl/p
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        """#

    /// What root may ask about tokens.
    static let capabilities = #"""
        > PUT sys/capabilities {"token":"nope","paths":["a"]}
        < 400 {"errors":["1 error occurred:\n\t* invalid token\n\n"]}
        > PUT sys/capabilities {"paths":["a"]}   # 500 there; the request is what is wrong
        < 400 {"errors":["1 error occurred:\n\t* no token found\n\n"]}
        > PUT sys/capabilities {"token":"nope"}
        < 400 {"errors":["paths must be supplied"]}
        > GET sys/capabilities
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PUT sys/capabilities-accessor {"accessor":"x","paths":["a"]}
        < 400 {"errors":["1 error occurred:\n\t* invalid accessor\n\n"]}
        > PUT sys/capabilities-accessor {"paths":["a"]}
        < 400 {"errors":["missing accessor"]}
        > PUT sys/capabilities-accessor {"accessor":"x"}
        < 400 {"errors":["paths must be supplied"]}
        """#
}
