extension Transcripts {
    /// What `sys` keeps about itself and its engines.
    static let selfKnowledge = #"""
        > GET sys/version-history
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/internal/counters/tokens
        < 200 ENV{"data":{"counters":{"service_tokens":{"total":1}}}}
        > GET sys/internal/counters/entities
        < 200 ENV{"data":{"counters":{"entities":{"total":0}}}}
        > POST identity/entity {"name":"one"}
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"one"}}
        > POST auth/token/create {"policies":["default"]}
        < 200 "<any>"
        > GET sys/internal/counters/entities
        < 200 ENV{"data":{"counters":{"entities":{"total":1}}}}
        > GET sys/internal/counters/tokens
        < 200 ENV{"data":{"counters":{"service_tokens":{"total":2}}}}
        > POST sys/internal/counters/tokens {}
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/internal/counters/requests
        < 404 {"errors":["The functionality has been removed on this path"]}
        > GET sys/internal/counters/activity
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/internal/ui/namespaces
        < 200 ENV{"data":{}}
        > GET sys/internal/ui/namespaces   [no token]
        < 403 {"errors":["permission denied"]}
        """#

    /// Which web pages may use the API.
    static let crossOrigin = #"""
        > GET sys/config/cors
        < 200 ENV{"data":{"enabled":false}}   (+ data members injected at top level)
        > POST sys/config/cors {"enable":true}
        < 400 {"errors":["1 error occurred:\n\t* at least one origin or the wildcard must be provided\n\n"]}
        > POST sys/config/cors {"allowed_origins":"*,http://a"}
        < 400 {"errors":["1 error occurred:\n\t* to allow all origins the '*' must be the only \#
        value for allowed_origins\n\n"]}
        > POST sys/config/cors {"allowed_origins":"http://a,http://b","allowed_headers":"X-Mine","allow_credentials":true}
        < 204
        > GET sys/config/cors
        < 200 ENV{"data":{"allow_credentials":true,"allowed_headers":["Content-Type","Authorization","X-Vault-Token",\#
        "X-Vault-MFA","X-Vault-No-Request-Forwarding","X-Vault-Wrap-Format","X-Vault-Wrap-TTL","X-Requested-With",\#
        "X-Vault-AWS-IAM-Server-ID","X-Vault-Policy-Override","X-Mine"],"allowed_origins":["http://a","http://b"],\#
        "enabled":true}}   (+ data members injected at top level)
        > POST sys/config/cors {"allowed_origins":["http://a\r\nX: y"]}
        < 400 "<any>"
        > LIST sys/config/cors
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > DELETE sys/config/cors
        < 204
        > DELETE sys/config/cors
        < 204
        > GET sys/config/cors
        < 200 ENV{"data":{"enabled":false}}   (+ data members injected at top level)
        """#

    /// The engines that there are, and the tokens that were sent under a one-time password.
    static let catalog = #"""
        > LIST sys/plugins/catalog/auth
        < 200 "<any>"
        > LIST sys/plugins/catalog/secret
        < 200 ENV{"data":{"keys":["kv","totp"]}}
        > LIST sys/plugins/catalog/database
        < 404 {"errors":[]}
        > LIST sys/plugins/catalog/nope
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/plugins/catalog/secret/kv
        < 200 ENV{"data":{"args":null,"builtin":true,"command":"","declarative":false,\#
        "deprecation_status":"supported","name":"kv","oci":false,"sha256":"","version":"<any>"}}
        > GET sys/plugins/catalog/secret/nope
        < 404 {"errors":[]}
        > GET sys/plugins/catalog/auth
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PUT sys/decode-token {"encoded_token":"AAAA","otp":"x"}   [no token]
        < 400 {"errors":["error xoring token: length of byte slices is not equivalent: 3 != 1"]}
        > PUT sys/decode-token {"encoded_token":"AAAA","otp":"xxx"}   [no token]
        < 200 ENV{"data":{"token":"xxx"}}
        > PUT sys/decode-token {"encoded_token":"AAAA"}
        < 400 {"errors":["provided 'encoded_token' or 'otp' is empty"]}
        > PUT sys/decode-token {"encoded_token":"A","otp":"x"}
        < 400 {"errors":["error decoding base64'd token: illegal base64 data at input byte 0"]}
        > PUT sys/decode-token {"encoded_token":"AA==","otp":"x"}
        < 400 {"errors":["error decoding base64'd token: illegal base64 data at input byte 2"]}
        > GET sys/decode-token   [no token]
        < 405 {"errors":["unsupported operation"]}
        """#
}
