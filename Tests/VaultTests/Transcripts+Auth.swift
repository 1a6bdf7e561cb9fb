extension Transcripts {
    /// Auth methods: enabling, showing, tuning, disabling.
    static let authMounts = #"""
        > POST sys/auth/gup {"type":"userpass"}
        < 204 (empty)
        > GET sys/auth/gup
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_no_cache\#
        ":false,"max_lease_ttl":0,"token_type":"default-service"},"deprecation_status":"supported\#
        ","description":"","external_entropy_access":false,"local":false,"options":{},"plugin_ver\#
        sion":"","running_plugin_version":"<any>","running_sha256":"","seal_wrap":false,"type":"u\#
        serpass","uuid":"<uuid>"}}   (+ data members injected at top level)
        > GET sys/auth/gup/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"","force_no_cache":false,"ma\#
        x_lease_ttl":2764800,"token_type":"default-service"}}   (+ data members injected at top l\#
        evel)
        > GET sys/mounts/auth/gup/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"","force_no_cache":false,"ma\#
        x_lease_ttl":2764800,"token_type":"default-service"}}   (+ data members injected at top l\#
        evel)
        > POST sys/auth/x1 {"type":"ldap"}
        < 400 {"errors":["plugin not found in the catalog: ldap"]}
        > POST sys/auth/x1 {"type":""}
        < 400 {"errors":["backend type must be specified as a string"]}
        > POST sys/auth/kv {"type":"kv"}
        < 400 {"errors":["plugin not found in the catalog: kv"]}
        > POST sys/auth/tk {"type":"token"}
        < 400 {"errors":["token credential backend cannot be instantiated"]}
        > POST sys/mounts/upp {"type":"userpass"}
        < 400 {"errors":["plugin not found in the catalog: userpass"]}
        > POST sys/mounts/auth/upp {"type":"kv"}
        < 400 {"errors":["cannot mount \"auth/upp/\""]}
        > POST sys/auth/gup {"type":"userpass"}
        < 400 {"errors":["path is already in use at gup/"]}
        > POST sys/auth/gup/sub {"type":"userpass"}
        < 400 {"errors":["path is already in use at gup/"]}
        > POST sys/auth/a/b/c {"type":"userpass"}
        < 204 (empty)
        > POST sys/auth/a/b {"type":"userpass"}
        < 400 {"errors":["path is already in use at a/b/c/"]}
        > POST sys/auth/token {"type":"userpass"}
        < 400 {"errors":["path is already in use at token/"]}
        > POST sys/auth/token/x {"type":"userpass"}
        < 400 {"errors":["path is already in use at token/"]}
        > POST sys/auth/v1 {"type":"userpass","description":"d","config":{"token_type":"batch","d\#
        efault_lease_ttl":"1h","max_lease_ttl":"2h","listing_visibility":"unauth"},"options":{"a"\#
        :"b"}}
        < 204 (empty)
        > GET sys/auth/v1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":3600,"force_no_ca\#
        che":false,"listing_visibility":"unauth","max_lease_ttl":7200,"token_type":"batch"},"depr\#
        ecation_status":"supported","description":"d","external_entropy_access":false,"local":fal\#
        se,"options":{"a":"b"},"plugin_version":"","running_plugin_version":"<any>","running_sha2\#
        56":"","seal_wrap":false,"type":"userpass","uuid":"<uuid>"}}   (+ data members injected a\#
        t top level)
        > GET sys/auth/v1/tune
        < 200 ENV{"data":{"default_lease_ttl":3600,"description":"d","force_no_cache":false,"list\#
        ing_visibility":"unauth","max_lease_ttl":7200,"options":{"a":"b"},"token_type":"batch"}\#
        }   (+ data members injected at top level)
        > GET sys/internal/ui/mounts   [no token]
        < 200 ENV{"data":{"auth":{"v1/":{"description":"d","options":{"a":"b"},"type":"userpass"}\#
        },"secret":{}}}
        > GET sys/internal/ui/mounts/auth/v1/login
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":3600,"force_no_ca\#
        che":false,"listing_visibility":"unauth","max_lease_ttl":7200,"token_type":"batch"},"depr\#
        ecation_status":"supported","description":"d","external_entropy_access":false,"local":fal\#
        se,"options":{"a":"b"},"path":"v1/","plugin_version":"","running_plugin_version":"<any>",\#
        "running_sha256":"","seal_wrap":false,"type":"userpass","uuid":"<uuid>"}}
        > POST sys/auth/v2 {"type":"userpass","config":{"token_type":"zz"}}
        < 400 {"errors":["invalid value for 'token_type'"]}
        > POST sys/auth/v1/tune {"token_type":"default-batch"}
        < 204 (empty)
        > POST sys/auth/v1/tune {"token_type":"zz"}
        < 400 {"errors":["invalid value for 'token_type'"]}
        > GET sys/mounts/auth/v1
        < 400 {"errors":["No secret engine mount at auth/v1/"]}
        > DELETE sys/mounts/auth/v1
        < 400 {"errors":["cannot unmount \"auth/v1/\""]}
        > DELETE sys/auth/v1
        < 204 (empty)
        > DELETE sys/auth/v1
        < 204 (empty)
        > DELETE sys/auth/token
        < 400 {"errors":["token credential backend cannot be disabled"]}
        > GET sys/auth/v1
        < 400 {"errors":["No auth engine at v1/"]}
        > GET sys/auth/v1/tune
        < 400 {"errors":["cannot fetch sysview for path \"auth/v1/\""]}
        > POST sys/auth/v1/tune {"description":"x"}
        < 400 {"errors":["tune of path \"auth/v1/\" failed: no mount entry found"]}
        > POST auth/v1/users/bob {"password":"pw"}
        < 404 {"errors":["no handler for route \"auth/v1/users/bob\". route entry not found."]}
        > POST sys/auth/v2 {"type":"userpass"}
        < 204 (empty)
        > POST sys/remount {"from":"auth/v2","to":"auth/v3"}
        < 200 ENV{"data":{"migration_id":"<uuid>"},"warnings":"<any>"}   (+ data members injecte\#
        d at top level)
        > GET sys/auth/v3/tune
        < 200 ENV{"data":"<any>"}   (+ data members injected at top level)
        > POST sys/remount {"from":"auth/v3","to":"other/v3"}
        < 400 {"errors":["cannot remount auth mount to non-auth mount \"other/v3/\""]}
        > POST sys/remount {"from":"auth/token","to":"auth/v4"}
        < 400 {"errors":["cannot remount \"auth/token/\""]}
        > POST sys/remount {"from":"auth/v3","to":"auth/token/x"}
        < 400 {"errors":["cannot remount to destination auth/token/x/"]}
        > POST sys/remount {"from":"auth/nope","to":"auth/v4"}
        < 400 {"errors":["no matching mount at \"auth/nope/\""]}
        > POST sys/remount {"from":"auth/v3","to":"auth/gup"}
        < 400 {"errors":["path already in use at \"auth/gup/\""]}
        """#

    /// What an auth mount says about guessing.
    static let lockoutTuning = #"""
        > POST sys/auth/l1 {"type":"userpass"}
        < 204 (empty)
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_threshold":"2","lockout_duration\#
        ":"1m","lockout_counter_reset_duration":"30s","lockout_disable":false}}
        < 204 (empty)
        > GET sys/auth/l1/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"","force_no_cache":false,"ma\#
        x_lease_ttl":2764800,"token_type":"default-service","user_lockout_counter_reset_duration"\#
        :30,"user_lockout_disable":false,"user_lockout_duration":60,"user_lockout_threshold":2}\#
        }   (+ data members injected at top level)
        > GET sys/auth/l1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_no_cache\#
        ":false,"max_lease_ttl":0,"token_type":"default-service","user_lockout_config":{"user_loc\#
        kout_counter_reset_duration":30,"user_lockout_disable":false,"user_lockout_duration":60,"\#
        user_lockout_threshold":2}},"deprecation_status":"supported","description":"","external_e\#
        ntropy_access":false,"local":false,"options":{},"plugin_version":"","running_plugin_versi\#
        on":"<any>","running_sha256":"","seal_wrap":false,"type":"userpass","uuid":"<uuid>"}}   (\#
        + data members injected at top level)
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_threshold":"x"}}
        < 400 {"errors":["unable to parse user lockout threshold: strconv.ParseUint: parsing \"x\#
        \": invalid syntax"]}
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_threshold":-1}}
        < 400 {"errors":["unable to parse user lockout threshold: strconv.ParseUint: parsing \"-1\#
        \": invalid syntax"]}
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_duration":"x"}}
        < 400 {"errors":["time: invalid duration \"x\""]}
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_disable":"true"}}
        < 400 {"errors":["unable to convert given user lockout config information"]}
        > POST sys/auth/l1/tune {"user_lockout_config":{"lockout_duration":60,"lockout_threshold"\#
        :3,"lockout_disable":true}}
        < 204 (empty)
        > GET sys/auth/l1/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"","force_no_cache":false,"ma\#
        x_lease_ttl":2764800,"token_type":"default-service","user_lockout_counter_reset_duration"\#
        :30,"user_lockout_disable":true,"user_lockout_duration":60,"user_lockout_threshold":3}\#
        }   (+ data members injected at top level)
        > POST sys/auth/token/tune {"user_lockout_config":{"lockout_threshold":2}}
        < 400 {"errors":["tuning of user lockout configuration for auth type \"token\" not allowe\#
        d"]}
        > GET sys/locked-users
        < 200 ENV{"data":{"by_namespace":[{"namespace_id":"root","namespace_path":"","counts":0,"\#
        mount_accessors":[]}],"total":0}}
        > GET sys/locked-users?mount_accessor=zz
        < 200 ENV{"data":{"by_namespace":[{"namespace_id":"root","namespace_path":"","counts":0,"\#
        mount_accessors":[{"mount_accessor":"zz","counts":0,"alias_identifiers":null}]}],"total":\#
        0}}
        > LIST sys/locked-users
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST sys/locked-users/zz/unlock/nope {}
        < 204 (empty)
        > GET sys/locked-users/zz/unlock/nope
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        """#

    /// Users with passwords.
    static let userpass = #"""
        > POST sys/auth/gup {"type":"userpass"}
        < 204 (empty)
        > LIST auth/gup/users
        < 404 {"errors":[]}
        > POST auth/gup/users/bob {"password":"pw"}
        < 204 (empty)
        > GET auth/gup/users/bob
        < 200 ENV{"data":{"token_bound_cidrs":[],"token_explicit_max_ttl":0,"token_max_ttl":0,"to\#
        ken_no_default_policy":false,"token_num_uses":0,"token_period":0,"token_policies":[],"tok\#
        en_strictly_bind_ip":false,"token_ttl":0,"token_type":"default"}}
        > POST auth/gup/users/Bob2 {"password":"pw","policies":"a,b","ttl":"20m","bound_cidrs":"1\#
        27.0.0.1,10.0.0.0/8","max_ttl":"1h"}
        < 204 (empty)
        > GET auth/gup/users/bob2
        < 200 ENV{"data":{"bound_cidrs":["127.0.0.1","10.0.0.0/8"],"max_ttl":3600,"policies":["a"\#
        ,"b"],"token_bound_cidrs":["127.0.0.1","10.0.0.0/8"],"token_explicit_max_ttl":0,"token_ma\#
        x_ttl":3600,"token_no_default_policy":false,"token_num_uses":0,"token_period":0,"token_po\#
        licies":["a","b"],"token_strictly_bind_ip":false,"token_ttl":1200,"token_type":"default",\#
        "ttl":1200}}
        > POST auth/gup/users/x {"password":"p","token_ttl":"2h","token_max_ttl":"1h"}
        < 400 {"errors":["'token_ttl' cannot be greater than 'token_max_ttl'"]}
        > POST auth/gup/users/x {"password":"p","token_ttl":-1}
        < 400 {"errors":["error converting input for field \"token_ttl\": cannot provide negativ\#
        e value '-1'"]}
        > POST auth/gup/users/y {"token_ttl":3}
        < 400 {"errors":["must provide either password or password_hash"]}
        > POST auth/gup/users/y {"password":""}
        < 400 {"errors":["must provide either password or password_hash"]}
        > POST auth/gup/users/y {"password":"a","password_hash":"x"}
        < 400 {"errors":["only one of password or password_hash may be provided"]}
        > POST auth/gup/users/y {"password_hash":"x"}
        < 400 {"errors":["password_hash is not a valid bcrypt hash"]}
        > POST auth/gup/users/bob {"token_ttl":3}
        < 204 (empty)
        > POST auth/gup/users/nope/password {"password":"a"}
        < 500 {"errors":["1 error occurred:\n\t* username does not exist\n\n"]}
        > POST auth/gup/users/bob/password {}
        < 400 {"errors":["must provide either password or password_hash"]}
        > POST auth/gup/users/bob/password {"password":"new"}
        < 204 (empty)
        > POST auth/gup/users/nope/policies {"token_policies":"a"}
        < 500 {"errors":["1 error occurred:\n\t* username does not exist\n\n"]}
        > POST auth/gup/users/bob/policies {"policies":"a,x"}
        < 204 (empty)
        > GET auth/gup/users/bob
        < 200 ENV{"data":{"policies":["a","x"],"token_bound_cidrs":[],"token_explicit_max_ttl":0,\#
        "token_max_ttl":0,"token_no_default_policy":false,"token_num_uses":0,"token_period":0,"to\#
        ken_policies":["a","x"],"token_strictly_bind_ip":false,"token_ttl":3,"token_type":"defaul\#
        t"}}
        > POST auth/gup/users/bob/policies {"token_policies":"q","foo":1}
        < 204 (empty)
        > GET auth/gup/users/bob
        < 200 ENV{"data":{"token_bound_cidrs":[],"token_explicit_max_ttl":0,"token_max_ttl":0,"to\#
        ken_no_default_policy":false,"token_num_uses":0,"token_period":0,"token_policies":["q"],"\#
        token_strictly_bind_ip":false,"token_ttl":3,"token_type":"default"}}
        > GET auth/gup/users/bob/policies
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET auth/gup/users
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST auth/gup/users
        < 200 ENV{"data":{"keys":["bob","bob2"]}}
        > DELETE auth/gup/users/zz
        < 204 (empty)
        > DELETE auth/gup/users/BOB2
        < 204 (empty)
        > GET auth/gup/users/bob2
        < 404 {"errors":[]}
        > POST auth/gup/foo {"password":""}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST auth/gup/users/a/b {"password":"q"}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST auth/gup/users/a@b.c {"password":"q"}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST auth/gup/users/ab- {"password":"q"}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        """#
}
