extension Transcripts {
    /// Rate limits as they are kept.
    static let quotas = #"""
        > GET sys/quotas/config
        < 200 ENV{"data":{"enable_rate_limit_audit_logging":false,"enable_rate_limit_response_headers":false,\#
        "rate_limit_exempt_paths":["sys/generate-recovery-token/attempt","sys/generate-recovery-token/update",\#
        "sys/generate-root/attempt","sys/generate-root/update","sys/health","sys/seal-status","sys/unseal"]}}
        > GET sys/quotas/rate-limit
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST sys/quotas/rate-limit
        < 404 {"errors":[]}
        > POST sys/quotas/rate-limit/q {"rate":1000}
        < 204
        > GET sys/quotas/rate-limit/q
        < 200 ENV{"data":{"block_interval":0,"inheritable":true,"interval":1,"name":"q","path":"","rate":1000,\#
        "role":"","type":"rate-limit"}}
        > LIST sys/quotas/rate-limit
        < 200 ENV{"data":{"keys":["q"]}}
        > POST sys/quotas/rate-limit/bad {"rate":-1}
        < 400 {"errors":["'rate' is invalid"]}
        > POST sys/quotas/rate-limit/bad {"rate":null}
        < 400 {"errors":["'rate' is invalid"]}
        > POST sys/quotas/rate-limit/bad {"rate":"x"}
        < 400 {"errors":["Field validation failed: error converting input for field \"rate\": '' cannot parse \#
        value as 'float64': strconv.ParseFloat: invalid syntax"]}
        > POST sys/quotas/rate-limit/bad {"rate":[1]}
        < 400 {"errors":["Field validation failed: error converting input for field \"rate\": '' expected type \#
        'float64', got unconvertible type '[]interface {}'"]}
        > POST sys/quotas/rate-limit/bad {"rate":1,"path":"nope"}
        < 400 {"errors":["invalid mount path \"nope/\""]}
        > POST sys/quotas/rate-limit/bad {"rate":100,"interval":"10s","block_interval":"2m"}
        < 400 {"errors":["quota rule with similar properties exists under the name \"q\""]}
        > POST sys/quotas/rate-limit/bad {"rate":100,"interval":-1}
        < 400 {"errors":["Field validation failed: error converting input for field \"interval\": cannot provide \#
        negative value '-1'"]}
        > POST sys/mounts/k1 {"type":"kv"}
        < 204
        > POST sys/quotas/rate-limit/d {"rate":"100.25","path":"/k1/","interval":"90s","block_interval":"2m"}
        < 204
        > GET sys/quotas/rate-limit/d
        < 200 ENV{"data":{"block_interval":120,"inheritable":false,"interval":90,"name":"d","path":"k1/",\#
        "rate":100.25,"role":"","type":"rate-limit"}}
        > POST sys/quotas/rate-limit/e {"rate":0.000000125,"path":"k1/x*"}
        < 204
        > GET sys/quotas/rate-limit/e
        < 200 ENV{"data":{"block_interval":0,"inheritable":false,"interval":1,"name":"e","path":"k1/x*",\#
        "rate":1.25e-7,"role":"","type":"rate-limit"}}
        > POST sys/quotas/rate-limit/f {"rate":1,"path":"k1","role":"x"}
        < 400 {"errors":["Mount path \"k1/\" is not a valid auth method and therefore unsuitable for use with \#
        role-based quotas"]}
        > POST sys/quotas/rate-limit/f {"rate":1,"role":"x"}
        < 400 {"errors":["Mount path \"\" is not a valid auth method and therefore unsuitable for use with \#
        role-based quotas"]}
        > POST sys/auth/userpass {"type":"userpass"}
        < 204
        > POST sys/quotas/rate-limit/f {"rate":1,"path":"auth/userpass","role":"x"}
        < 400 {"errors":["Mount path \"auth/userpass/\" does not support use with role-based quotas"]}
        > POST sys/quotas/rate-limit/g {"rate":100,"path":"auth/token"}
        < 204
        > GET sys/quotas/rate-limit/g
        < 200 ENV{"data":{"block_interval":0,"inheritable":false,"interval":1,"name":"g","path":"auth/token/",\#
        "rate":100,"role":"","type":"rate-limit"}}
        > POST sys/remount {"from":"k1","to":"k2"}
        < 200 "<any>"
        > GET sys/quotas/rate-limit/e
        < 200 ENV{"data":{"block_interval":0,"inheritable":false,"interval":1,"name":"e","path":"k2/x*",\#
        "rate":1.25e-7,"role":"","type":"rate-limit"}}
        > DELETE sys/mounts/k2
        < 204
        > GET sys/quotas/rate-limit/d
        < 404 {"errors":[]}
        > GET sys/quotas/rate-limit/e
        < 404 {"errors":[]}
        > LIST sys/quotas/rate-limit
        < 200 ENV{"data":{"keys":["g","q"]}}
        > LIST sys/quotas/rate-limit?after=g
        < 200 ENV{"data":{"keys":["q"]}}
        > DELETE sys/quotas/rate-limit/q
        < 204
        > DELETE sys/quotas/rate-limit/q
        < 204
        > POST sys/quotas/config {"enable_rate_limit_response_headers":true,"rate_limit_exempt_paths":"a,b"}
        < 204
        > GET sys/quotas/config
        < 200 ENV{"data":{"enable_rate_limit_audit_logging":false,"enable_rate_limit_response_headers":true,\#
        "rate_limit_exempt_paths":["a,b"]}}
        > POST sys/quotas/config {}
        < 204
        > GET sys/quotas/config
        < 200 ENV{"data":{"enable_rate_limit_audit_logging":false,"enable_rate_limit_response_headers":false,\#
        "rate_limit_exempt_paths":[]}}
        > DELETE sys/quotas/config
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        """#
}
