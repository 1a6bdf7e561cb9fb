extension Transcripts {
    /// Roles and secret ids.
    static let approle = #"""
        > POST sys/auth/ar {"type":"approle"}
        < 204 (empty)
        > LIST auth/ar/role
        < 404 {"errors":[]}
        > POST auth/ar/role/R1 {}
        < 204 (empty)
        > GET auth/ar/role/r1
        < 200 ENV{"data":{"bind_secret_id":true,"local_secret_ids":false,"secret_id_bound_cidrs":\#
        null,"secret_id_num_uses":0,"secret_id_ttl":0,"token_bound_cidrs":[],"token_explicit_max_\#
        ttl":0,"token_max_ttl":0,"token_no_default_policy":false,"token_num_uses":0,"token_period\#
        ":0,"token_policies":[],"token_strictly_bind_ip":false,"token_ttl":0,"token_type":"defaul\#
        t"}}
        > LIST auth/ar/role
        < 200 ENV{"data":{"keys":["r1"]}}
        > POST auth/ar/role/r2 {"bind_secret_id":false}
        < 500 {"errors":["1 error occurred:\n\t* at least one constraint should be enabled on th\#
        e role\n\n"]}
        > POST auth/ar/role/r2 {"bind_secret_id":false,"token_bound_cidrs":"127.0.0.0/8"}
        < 204 (empty)
        > POST auth/ar/role/r2 {"bind_secret_id":false,"secret_id_bound_cidrs":"127.0.0.1"}
        < 500 {"errors":["1 error occurred:\n\t* failed to validate CIDR blocks: invalid CIDR add\#
        ress: 127.0.0.1\n\n"]}
        > POST auth/ar/role/r3 {"policies":"a","period":60,"secret_id_num_uses":2,"secret_id_ttl"\#
        :"10m","token_ttl":60,"local_secret_ids":true,"role_id":"my-role","foo":1}
        < 204 (empty)
        > GET auth/ar/role/r3
        < 200 ENV{"data":{"bind_secret_id":true,"local_secret_ids":true,"period":60,"policies":["\#
        a"],"secret_id_bound_cidrs":null,"secret_id_num_uses":2,"secret_id_ttl":600,"token_bound_\#
        cidrs":[],"token_explicit_max_ttl":0,"token_max_ttl":0,"token_no_default_policy":false,"t\#
        oken_num_uses":0,"token_period":60,"token_policies":["a"],"token_strictly_bind_ip":false,\#
        "token_ttl":60,"token_type":"default"}}
        > POST auth/ar/role/r3 {"local_secret_ids":false}
        < 400 {"errors":["local_secret_ids can only be modified during role creation"]}
        > POST auth/ar/role/r4 {"role_id":"my-role"}
        < 500 {"errors":["1 error occurred:\n\t* role_id already in use\n\n"]}
        > POST auth/ar/role/r4 {"secret_id_num_uses":-1}
        < 400 {"errors":["secret_id_num_uses cannot be negative"]}
        > POST auth/ar/role/r4 {"token_type":"batch","token_num_uses":3}
        < 400 {"errors":["'token_type' cannot be 'batch' or 'default_batch' when set to generat\#
        e tokens with limited use count"]}
        > POST auth/ar/role/r4 {"token_type":"default-service"}
        < 200 ENV{"warnings":["default-service has no useful meaning; adjusting to service"]}
        > GET auth/ar/role/r3/role-id
        < 200 ENV{"data":{"role_id":"my-role"}}
        > POST auth/ar/role/r3/role-id {"role_id":"other"}
        < 204 (empty)
        > POST auth/ar/role/r3/role-id {"role_id":""}
        < 400 {"errors":["missing role_id"]}
        > POST auth/ar/role/r1/role-id {"role_id":"other"}
        < 500 {"errors":["1 error occurred:\n\t* role_id already in use\n\n"]}
        > POST auth/ar/role/r1/role-id {"role_id":"my-role"}
        < 204 (empty)
        > GET auth/ar/role/nope/role-id
        < 404 {"errors":[]}
        > POST auth/ar/role/nope/role-id {"role_id":"x"}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > DELETE auth/ar/role/nope
        < 204 (empty)
        > POST auth/ar/role/r1/secret-id {}
        < 200 ENV{"data":{"secret_id":"<uuid>","secret_id_accessor":"<uuid>","secret_id_num_uses"\#
        :0,"secret_id_ttl":0}}
        > POST auth/ar/role/r1/secret-id
        < 200 ENV{"data":{"secret_id":"<uuid>","secret_id_accessor":"<uuid>","secret_id_num_uses"\#
        :0,"secret_id_ttl":0}}
        > POST auth/ar/role/nope/secret-id
        < 404 {"errors":["role \"nope\" does not exist"]}
        > LIST auth/ar/role/r1/secret-id
        < 200 ENV{"data":{"keys":["<uuid>","<uuid>"]}}
        > LIST auth/ar/role/r2/secret-id
        < 404 {"errors":[]}
        > LIST auth/ar/role/nope/secret-id
        < 400 {"errors":["role \"nope\" does not exist"]}
        > POST auth/ar/role/r2/secret-id
        < 400 {"errors":["bind_secret_id is not set on the role"]}
        > POST auth/ar/role/r1/secret-id {"metadata":{"a":"b"}}
        < 400 {"errors":["Field validation failed: error converting input for field \"metadata\"\#
        : '' expected type 'string', got unconvertible type 'map[string]interface {}'"]}
        > POST auth/ar/role/r1/secret-id {"metadata":"zz"}
        < 400 {"errors":["failed to parse metadata: failed to parse the input: invalid <key,value\#
        > format"]}
        > POST auth/ar/role/r1/secret-id {"metadata":"{\"a\":1}"}
        < 400 {"errors":["failed to parse metadata: failed to parse the input: invalid <key,value\#
        > format"]}
        > POST auth/ar/role/r1/secret-id {"cidr_list":"127.0.0.1/32,::1/128","token_bound_cidrs":\#
        "127.0.0.0/8","num_uses":3,"ttl":"5m","metadata":"{\"a\":\"1\"}"}
        < 200 ENV{"data":{"secret_id":"<uuid>","secret_id_accessor":"<uuid>","secret_id_num_uses"\#
        :3,"secret_id_ttl":300}}
        > POST auth/ar/role/r1/secret-id {"cidr_list":"127.0.0.1"}
        < 500 {"errors":["1 error occurred:\n\t* failed to validate CIDR blocks: invalid CIDR add\#
        ress: 127.0.0.1\n\n"]}
        > POST auth/ar/role/r1/secret-id {"token_bound_cidrs":"abc"}
        < 500 {"errors":["1 error occurred:\n\t* failed to validate token CIDR blocks: invalid CI\#
        DR address: abc\n\n"]}
        > POST auth/ar/role/r1/secret-id {"num_uses":-3}
        < 400 {"errors":["num_uses cannot be negative"]}
        > POST auth/ar/role/r1/secret-id {"ttl":-3}
        < 400 {"errors":["Field validation failed: error converting input for field \"ttl\": cann\#
        ot provide negative value '-3'"]}
        > POST auth/ar/role/r3/secret-id {"num_uses":3}
        < 400 {"errors":["num_uses cannot be higher than the role's secret_id_num_uses"]}
        > POST auth/ar/role/r3/secret-id {"ttl":"20m"}
        < 400 {"errors":["ttl cannot be longer than the role's secret_id_ttl"]}
        > POST auth/ar/role/r3/secret-id {"num_uses":0,"ttl":0}
        < 400 {"errors":["num_uses cannot be higher than the role's secret_id_num_uses"]}
        > POST auth/ar/role/r1/custom-secret-id {"secret_id":"abc"}
        < 200 ENV{"data":{"secret_id":"abc","secret_id_accessor":"<uuid>","secret_id_num_uses":0,\#
        "secret_id_ttl":0}}
        > POST auth/ar/role/r1/custom-secret-id {"secret_id":"abc"}
        < 500 {"errors":["1 error occurred:\n\t* failed to store secret_id: SecretID is already r\#
        egistered\n\n"]}
        > POST auth/ar/role/r1/custom-secret-id {}
        < 400 {"errors":["missing secret_id"]}
        > POST auth/ar/role/r1/secret-id/lookup {"secret_id":"abc"}
        < 200 ENV{"data":{"cidr_list":[],"creation_time":"<time>","expiration_time":"0001-01-01T0\#
        0:00:00Z","last_updated_time":"<time>","metadata":{},"secret_id_accessor":"<uuid>","secre\#
        t_id_num_uses":0,"secret_id_ttl":0,"token_bound_cidrs":[]}}
        > POST auth/ar/role/r3/secret-id/lookup {"secret_id":"abc"}
        < 204 (empty)
        > POST auth/ar/role/r1/secret-id/lookup {"secret_id":"nope"}
        < 204 (empty)
        > POST auth/ar/role/r1/secret-id/lookup {}
        < 400 {"errors":["missing secret_id"]}
        > POST auth/ar/role/nope/secret-id/lookup {"secret_id":"abc"}
        < 500 {"errors":["1 error occurred:\n\t* role \"nope\" does not exist\n\n"]}
        > POST auth/ar/role/r1/secret-id/destroy {"secret_id":"nope"}
        < 204 (empty)
        > POST auth/ar/role/nope/secret-id/destroy {"secret_id":"abc"}
        < 500 {"errors":["1 error occurred:\n\t* role \"nope\" does not exist\n\n"]}
        > DELETE auth/ar/role/r1/secret-id/destroy?secret_id=abc
        < 204 (empty)
        > POST auth/ar/role/r1/secret-id/lookup {"secret_id":"abc"}
        < 204 (empty)
        > POST auth/ar/role/r1/secret-id-accessor/lookup {"secret_id_accessor":"zz"}
        < 404 ENV{"data":{"error":"failed to find accessor entry for secret_id_accessor: \"zz\""}}
        > POST auth/ar/role/r1/secret-id-accessor/lookup {}
        < 400 {"errors":["missing secret_id_accessor"]}
        > POST auth/ar/role/r1/secret-id-accessor/destroy {"secret_id_accessor":"zz"}
        < 500 {"errors":["1 error occurred:\n\t* failed to find accessor entry for secret_id_acce\#
        ssor: \"zz\"\n\n"]}
        > POST auth/ar/tidy/secret-id {}
        < 202 ENV{"warnings":["Tidy operation successfully started. Any information from the oper\#
        ation will be printed to OpenBao's server logs."]}
        > POST auth/ar/role/r3/policies {"token_policies":"x,y"}
        < 204 (empty)
        > GET auth/ar/role/r3/policies
        < 200 ENV{"data":{"token_policies":["x","y"]}}
        > POST auth/ar/role/r3/policies {}
        < 400 {"errors":["missing token_policies"]}
        > POST auth/ar/role/r3/policies {"policies":"x,y"}
        < 204 (empty)
        > GET auth/ar/role/r3/policies
        < 200 ENV{"data":{"policies":["x","y"],"token_policies":["x","y"]}}
        > DELETE auth/ar/role/r3/policies
        < 204 (empty)
        > GET auth/ar/role/r3/policies
        < 200 ENV{"data":{"token_policies":[]}}
        > POST auth/ar/role/r3/secret-id-num-uses {"secret_id_num_uses":7}
        < 204 (empty)
        > GET auth/ar/role/r3/secret-id-num-uses
        < 200 ENV{"data":{"secret_id_num_uses":7}}
        > POST auth/ar/role/r3/secret-id-ttl {}
        < 400 {"errors":["missing secret_id_ttl"]}
        > POST auth/ar/role/r3/period {"period":541}
        < 204 (empty)
        > GET auth/ar/role/r3/period
        < 200 ENV{"data":{"period":541,"token_period":541}}
        > POST auth/ar/role/r3/period {}
        < 400 {"errors":["missing period"]}
        > DELETE auth/ar/role/r3/period
        < 204 (empty)
        > GET auth/ar/role/r3/period
        < 200 ENV{"data":{"token_period":0}}
        > POST auth/ar/role/r3/token-bound-cidrs {"token_bound_cidrs":"10.0.0.0/8"}
        < 204 (empty)
        > POST auth/ar/role/r3/token-bound-cidrs {}
        < 204 (empty)
        > GET auth/ar/role/r3/token-bound-cidrs
        < 200 ENV{"data":{"token_bound_cidrs":["10.0.0.0/8"]}}
        > DELETE auth/ar/role/r3/token-bound-cidrs
        < 204 (empty)
        > GET auth/ar/role/r3/token-bound-cidrs
        < 200 ENV{"data":{"token_bound_cidrs":null}}
        > GET auth/ar/role/r3/token-period
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/ar/role/r3/bind-secret-id
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/ar/role/nope/policies
        < 404 {"errors":[]}
        > POST auth/ar/role/nope/policies {"token_policies":"x"}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > DELETE auth/ar/role/nope/policies
        < 204 (empty)
        > POST auth/ar/role/r6 {"secret_id_bound_cidrs":"10.0.0.0/8"}
        < 204 (empty)
        > POST auth/ar/role/r6/secret-id {"cidr_list":"127.0.0.1/32"}
        < 500 {"errors":["1 error occurred:\n\t* failed to verify subset relationship between CID\#
        R blocks on the role [\"10.0.0.0/8\"] and CIDR blocks on the secret ID [\"127.0.0.1/32\"]\#
        \n\n"]}
        > POST auth/ar/role/r6/secret-id {"cidr_list":"10.1.0.0/16"}
        < 200 ENV{"data":{"secret_id":"<uuid>","secret_id_accessor":"<uuid>","secret_id_num_uses"\#
        :0,"secret_id_ttl":0}}
        > GET auth/ar/role
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET auth/ar/role/r1/secret-id
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET auth/ar/role/a@b
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        """#
}
