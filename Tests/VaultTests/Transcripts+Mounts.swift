extension Transcripts {
    /// Mounts: making, showing, tuning, removing.
    static let mounts = #"""
        > POST sys/mounts/m1 {}
        < 400 {"errors":["backend type must be specified as a string"]}
        > POST sys/mounts/m1 {"type":1}
        < 400 {"errors":["plugin not found in the catalog: 1"]}
        > POST sys/mounts/m1 {"type":"nope"}
        < 400 {"errors":["plugin not found in the catalog: nope"]}
        > POST sys/mounts/m1 {"type":""}
        < 400 {"errors":["backend type must be specified as a string"]}
        > POST sys/mounts/m1 {"type":"KV"}
        < 400 {"errors":["plugin not found in the catalog: KV"]}
        > POST sys/mounts/m1 {"type":"system"}
        < 400 {"errors":["mount type of \"system\" is not mountable"]}
        > POST sys/mounts/m1 {"type":"cubbyhole"}
        < 400 {"errors":["mount type of \"cubbyhole\" is not mountable"]}
        > POST sys/mounts/m1 {"type":"kv","config":{"default_lease_ttl":"10h","max_lease_t\#
        tl":"1h"}}
        < 400 {"errors":["given default lease TTL greater than given max lease TTL"]}
        > POST sys/mounts/m1 {"type":"kv","config":{"default_lease_ttl":"zz"}}
        < 400 {"errors":["unable to parse default TTL of zz: time: invalid duration \"zz\"\#
        "]}
        > POST sys/mounts/m1 {"type":"kv","config":{"max_lease_ttl":"9999999h"}}
        < 400 {"errors":["unable to parse max TTL of 9999999h: time: invalid duration \"99\#
        99999h\""]}
        > POST sys/mounts/m1 {"type":"kv","config":{"default_lease_ttl":"1000h"}}
        < 400 {"errors":["given default lease TTL greater than system max lease TTL of 276\#
        4800"]}
        > POST sys/mounts/m1 {"type":"kv","config":{"listing_visibility":"bogus"}}
        < 400 {"errors":["invalid listing_visibility bogus"]}
        > POST sys/mounts/m1 {"type":"kv","config":{"force_no_cache":"true"}}
        < 400 {"errors":["unable to convert given mount config information"]}
        > POST sys/mounts/m1 {"type":"kv","config":"x"}
        < 400 {"errors":["Field validation failed: error converting input for field \"conf\#
        ig\": '' expected type 'map[string]interface {}', got unconvertible type 'string'"]}
        > GET sys/mounts/m1
        < 400 {"errors":["No secret engine mount at m1/"]}
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","options":{"version":2},"foo":1}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"plugin_\#
        version":"","running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":""\#
        ,"seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at to\#
        p level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","options":"version=2"}
        < 204 (empty)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","options":["version=2"]}
        < 204 (empty)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","options":[]}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{},"plugin_version":"","\#
        running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":"","seal_wrap":\#
        false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at top level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","options":{"foo":"bar"},"description":5}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        5","external_entropy_access":false,"local":false,"options":{"foo":"bar"},"plugin_v\#
        ersion":"","running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":"",\#
        "seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at to\#
        p level)
        > DELETE sys/mounts/m1/
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv-v1","options":{"version":"2"}}
        < 204 (empty)
        > GET sys/mounts/m1/
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"1"},"plugin_\#
        version":"","running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":""\#
        ,"seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at to\#
        p level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv-v2","options":{"version":"1"}}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"plugin_\#
        version":"","running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":""\#
        ,"seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at to\#
        p level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"generic"}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"description":"","external_entropy_access":false\#
        ,"local":false,"options":{},"plugin_version":"","running_plugin_version":"v0.1.0+b\#
        uiltin.holdfast","running_sha256":"","seal_wrap":false,"type":"generic","uuid":"<u\#
        uid>"}}   (+ data members injected at top level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"plugin","plugin_name":"kv"}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{},"plugin_version":"","\#
        running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":"","seal_wrap":\#
        false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at top level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","description":"","config":{"options":null,"defau\#
        lt_lease_ttl":"0s","max_lease_ttl":"0s","force_no_cache":false},"local":false,"sea\#
        l_wrap":false,"external_entropy_access":false,"options":null}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{},"plugin_version":"","\#
        running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":"","seal_wrap":\#
        false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at top level)
        > DELETE sys/mounts/m1
        < 204 (empty)
        > POST sys/mounts/m1 {"type":"kv","config":{"max_lease_ttl":3600,"default_lease_tt\#
        l":60,"listing_visibility":"unauth","audit_non_hmac_request_keys":["a","b"],"passt\#
        hrough_request_headers":"X-A,X-B"}}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"audit_non_hmac_request_keys":\#
        ["a","b"],"default_lease_ttl":60,"force_no_cache":false,"listing_visibility":"unau\#
        th","max_lease_ttl":3600,"passthrough_request_headers":["X-A","X-B"]},"deprecation\#
        _status":"supported","description":"","external_entropy_access":false,"local":fals\#
        e,"options":{},"plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfa\#
        st","running_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ dat\#
        a members injected at top level)
        > GET sys/mounts/m1?path=zz&foo=1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"audit_non_hmac_request_keys":\#
        ["a","b"],"default_lease_ttl":60,"force_no_cache":false,"listing_visibility":"unau\#
        th","max_lease_ttl":3600,"passthrough_request_headers":["X-A","X-B"]},"deprecation\#
        _status":"supported","description":"","external_entropy_access":false,"local":fals\#
        e,"options":{},"plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfa\#
        st","running_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"},"warnings":\#
        ["Endpoint ignored these unrecognized parameters: [foo]","Endpoint replaced the va\#
        lue of these parameters with the values captured from the endpoint's path: [path]"\#
        ]}   (+ data members injected at top level)
        > GET sys/mounts/m1/tune
        < 200 ENV{"data":{"audit_non_hmac_request_keys":["a","b"],"default_lease_ttl":60,"\#
        description":"","force_no_cache":false,"listing_visibility":"unauth","max_lease_tt\#
        l":3600,"passthrough_request_headers":["X-A","X-B"]}}   (+ data members injected a\#
        t top level)
        > GET sys/mounts/m1/tune?foo=1
        < 200 ENV{"data":{"audit_non_hmac_request_keys":["a","b"],"default_lease_ttl":60,"\#
        description":"","force_no_cache":false,"listing_visibility":"unauth","max_lease_tt\#
        l":3600,"passthrough_request_headers":["X-A","X-B"]},"warnings":["Endpoint ignore\#
        d these unrecognized parameters: [foo]"]}   (+ data members injected at top level)
        > GET sys/internal/ui/mounts   [no token]
        < 200 ENV{"data":{"auth":{},"secret":{"m1/":{"description":"","options":{},"type":\#
        "kv"}}}}
        > POST m1/x {"a":1}
        < 204 (empty)
        > GET m1/x
        < 200 ENV{"lease_duration":60,"data":{"a":1}}
        > GET m1/x?foo=1
        < 200 ENV{"lease_duration":60,"data":{"a":1},"warnings":["Endpoint ignored these u\#
        nrecognized parameters: [foo]"]}
        # paths of mounts
        > POST sys/mounts/m1 {"type":"kv"}
        < 400 {"errors":["path is already in use at m1/"]}
        > POST sys/mounts/m1/sub {"type":"kv"}
        < 400 {"errors":["path is already in use at m1/"]}
        > POST sys/mounts/sys {"type":"kv"}
        < 400 {"errors":["cannot mount \"sys/\""]}
        > POST sys/mounts/sys/x {"type":"kv"}
        < 400 {"errors":["cannot mount \"sys/x/\""]}
        > POST sys/mounts/auth {"type":"kv"}
        < 400 {"errors":["cannot mount \"auth/\""]}
        > POST sys/mounts/auth/foo {"type":"kv"}
        < 400 {"errors":["cannot mount \"auth/foo/\""]}
        > POST sys/mounts/identity/x {"type":"kv"}
        < 400 {"errors":["cannot mount \"identity/x/\""]}
        > POST sys/mounts/cubbyhole {"type":"kv"}
        < 400 {"errors":["cannot mount \"cubbyhole/\""]}
        > POST sys/mounts/mm/b/c {"type":"kv"}
        < 204 (empty)
        > POST sys/mounts/mm/b {"type":"kv"}
        < 400 {"errors":["path is already in use at mm/b/c/"]}
        > POST sys/mounts/mm {"type":"kv"}
        < 400 {"errors":["path is already in use at mm/b/c/"]}
        > POST sys/mounts/mm/b/c/d {"type":"kv"}
        < 400 {"errors":["path is already in use at mm/b/c/"]}
        > POST sys/mounts/mm2 {"type":"kv"}
        < 204 (empty)
        > POST mm/b/c/k {"v":1}
        < 204 (empty)
        > GET mm/b/c/k
        < 200 ENV{"lease_duration":2764800,"data":{"v":1}}
        > LIST mm/b/c
        < 200 ENV{"data":{"keys":["k"]}}
        > GET mm/b
        < 404 {"errors":["no handler for route \"mm/b\". route entry not found."]}
        > GET mm/b/
        < 404 {"errors":["no handler for route \"mm/b/\". route entry not found."]}
        > POST sys/mounts {"type":"kv"}
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > DELETE sys/mounts
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST sys/mounts
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > LIST sys/mounts/m1
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PATCH sys/mounts/m1 {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/mounts/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/mounts/mm/b
        < 400 {"errors":["No secret engine mount at mm/b/"]}
        > DELETE sys/mounts/nope
        < 204 (empty)
        > DELETE sys/mounts/sys
        < 400 {"errors":["cannot unmount \"sys/\""]}
        > DELETE sys/mounts/identity
        < 400 {"errors":["cannot unmount \"identity/\""]}
        > DELETE sys/mounts/cubbyhole
        < 400 {"errors":["cannot unmount \"cubbyhole/\""]}
        > DELETE sys/mounts/auth/token
        < 400 {"errors":["cannot unmount \"auth/token/\""]}
        > DELETE sys/mounts/mm/b
        < 204 (empty)
        > DELETE sys/mounts/mm/b/c
        < 204 (empty)
        > DELETE sys/mounts/mm2
        < 204 (empty)
        > GET mm/b/c/k
        < 404 {"errors":["no handler for route \"mm/b/c/k\". route entry not found."]}
        > GET sys/mounts/nope
        < 400 {"errors":["No secret engine mount at nope/"]}
        > GET sys/auth/nope
        < 400 {"errors":["No auth engine at nope/"]}
        > GET sys/auth/token/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"token based credentia\#
        ls","force_no_cache":false,"max_lease_ttl":2764800,"token_type":"default-service"}\#
        }   (+ data members injected at top level)
        > GET sys/mounts/auth/token/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"token based credentia\#
        ls","force_no_cache":false,"max_lease_ttl":2764800,"token_type":"default-service"}\#
        }   (+ data members injected at top level)
        > POST sys/auth/token {"type":"token"}
        < 400 {"errors":["token credential backend cannot be instantiated"]}
        > POST sys/auth/foo {"type":"nope"}
        < 400 {"errors":["plugin not found in the catalog: nope"]}
        > POST sys/auth/bar {}
        < 400 {"errors":["backend type must be specified as a string"]}
        > DELETE sys/auth/token
        < 400 {"errors":["token credential backend cannot be disabled"]}
        > DELETE sys/auth/nope
        < 204 (empty)
        # tuning
        > GET sys/mounts/nope/tune
        < 400 {"errors":["cannot fetch sysview for path \"nope/\""]}
        > GET sys/mounts/tune
        < 400 {"errors":["No secret engine mount at tune/"]}
        > DELETE sys/mounts/m1/tune
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST sys/mounts/m1/tune {}
        < 204 (empty)
        > POST sys/mounts/m1/tune
        < 204 (empty)
        > POST sys/mounts/m1/tune {"default_lease_ttl":"1h"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"max_lease_ttl":"2h"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"default_lease_ttl":"3h"}
        < 400 {"errors":["backend max lease TTL of 7200 would be less than backend defaul\#
        t lease TTL of 10800"]}
        > POST sys/mounts/m1/tune {"max_lease_ttl":"30m"}
        < 400 {"errors":["backend max lease TTL of 1800 would be less than backend defaul\#
        t lease TTL of 3600"]}
        > GET sys/mounts/m1/tune
        < 200 ENV{"data":{"audit_non_hmac_request_keys":["a","b"],"default_lease_ttl":3600\#
        ,"description":"","force_no_cache":false,"listing_visibility":"unauth","max_lease_\#
        ttl":7200,"passthrough_request_headers":["X-A","X-B"]}}   (+ data members injecte\#
        d at top level)
        > POST sys/mounts/m1/tune {"default_lease_ttl":"system","max_lease_ttl":"system"}
        < 204 (empty)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"audit_non_hmac_request_keys":\#
        ["a","b"],"default_lease_ttl":0,"force_no_cache":false,"listing_visibility":"unaut\#
        h","max_lease_ttl":0,"passthrough_request_headers":["X-A","X-B"]},"deprecation_sta\#
        tus":"supported","description":"","external_entropy_access":false,"local":false,"o\#
        ptions":{},"plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfast",\#
        "running_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data memb\#
        ers injected at top level)
        > POST sys/mounts/m1/tune {"default_lease_ttl":"zz"}
        < 400 {"errors":["time: invalid duration \"zz\""]}
        > POST sys/mounts/m1/tune {"default_lease_ttl":60}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"max_lease_ttl":"9000h"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"max_lease_ttl":"0"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"description":"hi"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"listing_visibility":"hidden"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"listing_visibility":"bogus"}
        < 400 {"errors":["invalid listing_visibility bogus"]}
        > POST sys/mounts/m1/tune {"listing_visibility":""}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"options":{"foo":"bar"}}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"options":{}}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"options":{"version":"x"}}
        < 400 {"errors":["unable to parse options: strconv.ParseInt: parsing \"x\": invali\#
        d syntax"]}
        > POST sys/mounts/m1/tune {"token_type":"service"}
        < 400 {"errors":["'token_type' can only be modified on auth mounts"]}
        > POST sys/mounts/m1/tune {"audit_non_hmac_request_keys":"c,d"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"passthrough_request_headers":["X-A"]}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"allowed_response_headers":"X-B"}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"foo":1}
        < 204 (empty)
        > POST sys/mounts/m1/tune {"user_lockout_config":{"lockout_threshold":3}}
        < 400 {"errors":["tuning of user lockout configuration for auth type \"kv\" not al\#
        lowed"]}
        > POST sys/mounts/m1/tune {"options":null,"default_lease_ttl":"","max_lease_ttl":"\#
        ","force_no_cache":false}
        < 204 (empty)
        > GET sys/mounts/m1/tune
        < 200 ENV{"data":{"allowed_response_headers":["X-B"],"audit_non_hmac_request_keys"\#
        :["c","d"],"default_lease_ttl":60,"description":"hi","force_no_cache":false,"max_l\#
        ease_ttl":2764800,"options":{"foo":"bar"},"passthrough_request_headers":["X-A"]}\#
        }   (+ data members injected at top level)
        > GET sys/mounts/m1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"allowed_response_headers":["X\#
        -B"],"audit_non_hmac_request_keys":["c","d"],"default_lease_ttl":60,"force_no_cach\#
        e":false,"max_lease_ttl":0,"passthrough_request_headers":["X-A"]},"deprecation_sta\#
        tus":"supported","description":"hi","external_entropy_access":false,"local":false,\#
        "options":{"foo":"bar"},"plugin_version":"","running_plugin_version":"v0.1.0+built\#
        in.holdfast","running_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}\#
        }   (+ data members injected at top level)
        > POST sys/mounts/nope/tune {"description":"x"}
        < 400 {"errors":["tune of path \"nope/\" failed: no mount entry found"]}
        > POST sys/mounts/sys/tune {"description":"x"}
        < 400 {"errors":["cannot tune parameter description of sys/"]}
        > POST sys/mounts/sys/tune {"default_lease_ttl":"1h"}
        < 400 {"errors":["cannot tune parameter default_lease_ttl of sys/"]}
        > POST sys/mounts/m2 {"type":"kv-v2"}
        < 204 (empty)
        > POST sys/mounts/m2/tune {"options":{"version":"1"}}
        < 400 {"errors":["cannot downgrade mount from version 2"]}
        > POST sys/mounts/m2/tune {"options":{"version":"2"}}
        < 204 (empty)
        > GET sys/mounts/m2/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"","force_no_cache":fa\#
        lse,"max_lease_ttl":2764800,"options":{"version":"2"}}}   (+ data members injecte\#
        d at top level)
        """#
}
