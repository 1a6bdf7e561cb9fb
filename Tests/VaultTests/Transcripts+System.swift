extension Transcripts {
    /// The system's endpoints, tokens, headers, methods.
    static let system = #"""
        > POST sys/mounts/s2 {"type":"kv-v2"}
        < 204 (empty)
        > POST sys/capabilities-self {"path":"secret/data/x"}
        < 200 ENV{"data":{"capabilities":["root"],"secret/data/x":["root"]}}   (+ data mem\#
        bers injected at top level)
        > POST sys/capabilities-self {"paths":["a","b"]}
        < 200 ENV{"data":{"a":["root"],"b":["root"]}}   (+ data members injected at top le\#
        vel)
        > POST sys/capabilities-self {"paths":"a,b"}
        < 200 ENV{"data":{"a":["root"],"b":["root"]}}   (+ data members injected at top le\#
        vel)
        > POST sys/capabilities-self {"path":"a","foo":1,"token":"x"}
        < 200 ENV{"data":{"a":["root"],"capabilities":["root"]},"warnings":["Endpoint igno\#
        red these unrecognized parameters: [foo]"]}   (+ data members injected at top level)
        > POST sys/capabilities-self {}
        < 400 {"errors":["paths must be supplied"]}
        > POST sys/capabilities-self {"paths":["a",""]}
        < 400 {"errors":["1 error occurred:\n\t* missing path\n\n"]}
        > POST sys/capabilities-self {"paths":[]}
        < 400 {"errors":["paths must be supplied"]}
        > GET sys/capabilities-self
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/internal/ui/resultant-acl
        < 200 ENV{"data":{"root":true}}
        > GET sys/internal/ui/mounts/s2
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"path":"\#
        s2/","plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfast","runni\#
        ng_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}}
        > GET sys/internal/ui/mounts/s2/
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"path":"\#
        s2/","plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfast","runni\#
        ng_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}}
        > GET sys/internal/ui/mounts/s2/a/b
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"path":"\#
        s2/","plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfast","runni\#
        ng_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"}}
        > GET sys/internal/ui/mounts/s2?foo=1
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"path":"\#
        s2/","plugin_version":"","running_plugin_version":"v0.1.0+builtin.holdfast","runni\#
        ng_sha256":"","seal_wrap":false,"type":"kv","uuid":"<uuid>"},"warnings":["Endpoin\#
        t ignored these unrecognized parameters: [foo]"]}
        > GET sys/internal/ui/mounts/nope/x
        < 403 {"errors":["preflight capability check returned 403, please ensure client'\#
        s policies grant access to path \"nope/x/\""]}
        > GET sys/internal/ui/mounts/nope
        < 403 {"errors":["preflight capability check returned 403, please ensure client'\#
        s policies grant access to path \"nope/\""]}
        > GET sys/internal/ui/mounts/auth
        < 403 {"errors":["preflight capability check returned 403, please ensure client'\#
        s policies grant access to path \"auth/\""]}
        > GET sys/internal/ui/mounts/s
        < 403 {"errors":["preflight capability check returned 403, please ensure client'\#
        s policies grant access to path \"s/\""]}
        > GET sys/internal/ui/mounts/
        < 404 {"errors":["unsupported path"]}
        > POST sys/internal/ui/mounts {}
        < 405 {"errors":["unsupported operation"]}
        > GET sys/internal/ui/mounts   [X-Vault-Token: bad]
        < 403 {"errors":["permission denied"]}
        > GET sys/internal/ui/mounts/s2   [no token]
        < 403 {"errors":["permission denied"]}
        > GET sys/internal/ui/mounts/s2   [X-Vault-Token: bad]
        < 403 {"errors":["permission denied"]}
        > DELETE auth/token/lookup-self
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PUT auth/token/lookup-self {bad
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > LIST auth/token/lookup-self
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/token/nope
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/token
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/token/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET auth/nope/x
        < 404 {"errors":["no handler for route \"auth/nope/x\". route entry not found."]}
        > GET auth
        < 404 {"errors":["no handler for route \"auth\". route entry not found."]}
        > GET auth/
        < 404 {"errors":["no handler for route \"auth/\". route entry not found."]}
        > GET sys/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/nope
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/leader/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/health/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST sys/seal/
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > POST sys/ha-status
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST sys/storage/raft/nope
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET nomount
        < 404 {"errors":["no handler for route \"nomount\". route entry not found."]}
        > GET nomount/x
        < 404 {"errors":["no handler for route \"nomount/x\". route entry not found."]}
        > PUT nomount/x {"a":1}
        < 404 {"errors":["no handler for route \"nomount/x\". route entry not found."]}
        > DELETE nomount/x
        < 404 {"errors":["no handler for route \"nomount/x\". route entry not found."]}
        # who asks
        > GET s2/data/x   [no token]
        < 403 {"errors":["permission denied"]}
        > GET s2/data/x   [X-Vault-Token: bad]
        < 403 {"errors":["permission denied"]}
        > GET nomount/x   [no token]
        < 403 {"errors":["permission denied"]}
        > GET sys/nope   [no token]
        < 403 {"errors":["permission denied"]}
        > GET sys/mounts   [no token]
        < 403 {"errors":["permission denied"]}
        > FOO sys/mounts   [no token]
        < 405 {"errors":[]}
        > POST s2/data/x {bad   [no token]
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > POST s2/data/x/ {}   [no token]
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > GET auth/token/lookup-self   [no token]
        < 403 {"errors":["permission denied"]}
        > GET s2/data/x   [X-Vault-Token: ; Authorization: Bearer root]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Token: ; Authorization: bearer root]
        < 403 {"errors":["permission denied"]}
        > GET s2/data/x   [Authorization: Bearer bad]
        < 404 {"errors":[]}
        > GET s2/data/x?help=1   [no token]
        < 403 {"errors":["permission denied"]}
        # headers
        > GET s2/data/x   [X-Vault-Namespace: ]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Namespace: root]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Namespace: root/]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Namespace: /]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Namespace: none]
        < 404 {"errors":["namespace not found"]}
        > GET s2/data/x   [X-Vault-Namespace: a/b]
        < 404 {"errors":["namespace not found"]}
        > GET s2/data/x   [X-Vault-Namespace: none; no token]
        < 404 {"errors":["namespace not found"]}
        > GET sys/init   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/health   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > PUT sys/unseal   [X-Vault-Namespace: root]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/storage/raft/configuration   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/metrics   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/rekey/init   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/generate-root/attempt   [X-Vault-Namespace: none]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET sys/ha-status   [X-Vault-Namespace: none]
        < 404 {"errors":["namespace not found"]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: 0]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: 0s]
        < 404 {"errors":[]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: x]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: time: invalid duration \"\#
        x\""]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: -1]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: requested wrap ttl canno\#
        t be negative"]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: -5s]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: requested wrap ttl canno\#
        t be negative"]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: 1.5]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: time: missing unit in dur\#
        ation \"1.5\""]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: 99999999999999999999]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: time: invalid duration \"\#
        99999999999999999999\""]}
        > GET s2/data/x   [X-Vault-Wrap-TTL: x; no token]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: time: invalid duration \"\#
        x\""]}
        > GET s2/data/x   [X-Vault-MFA: x]
        < 404 {"errors":[]}
        # methods
        > PATCH s2/data/x {"data":{}}
        < 400 {"errors":["mime: no media type"]}
        > PATCH s2/data/x {"data":{}}   [Content-Type: application/json]
        < 415 {"errors":["PATCH requires Content-Type of application/merge-patch+json, pro\#
        vided application/json"]}
        > PATCH s2/data/x {bad   [Content-Type: application/merge-patch+json]
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > PATCH s2/data/x []   [Content-Type: Application/Merge-Patch+JSON]
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal array into G\#
        o value of type map[string]interface {}"]}
        > PATCH sys/mounts {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > HEAD s2/data/x
        < 405 (empty)
        > OPTIONS s2/data/x
        < 400 {"errors":["cannot handle internal-only request operation"]}
        > FOO s2/data/x
        < 405 {"errors":[]}
        > HEAD sys/seal-status
        < 405 (empty)
        > POST sys/health
        < 405 {"errors":[]}
        > DELETE sys/seal-status
        < 405 {"errors":[]}
        > POST sys/seal-status
        < 405 {"errors":[]}
        > POST sys/leader
        < 405 {"errors":[]}
        > GET sys/unseal
        < 405 {"errors":[]}
        > GET sys/seal
        < 405 {"errors":[]}
        > DELETE sys/init
        < 405 {"errors":[]}
        > OPTIONS sys/health
        < 405 {"errors":[]}
        > GET sys/health?standbyok=x
        < 400 {"errors":[]}
        > GET sys/health?activecode=x
        < 400 {"errors":[]}
        > GET sys/health?sealedcode=x
        < 400 {"errors":[]}
        > PUT sys/init []
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal array into G\#
        o value of type http.InitRequest"]}
        > PUT sys/init {bad
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > PUT sys/init {}
        < 400 {"errors":["invalid seal configuration: shares must be at least one"]}
        > PUT sys/init {"secret_shares":5}
        < 400 {"errors":["invalid seal configuration: threshold must be at least one"]}
        > PUT sys/init {"secret_shares":0,"secret_threshold":3}
        < 400 {"errors":["invalid seal configuration: shares must be at least one"]}
        > PUT sys/init {"secret_shares":1,"secret_threshold":0}
        < 400 {"errors":["invalid seal configuration: threshold must be at least one"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":5}
        < 400 {"errors":["invalid seal configuration: threshold cannot be larger than shar\#
        es"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":1}
        < 400 {"errors":["invalid seal configuration: threshold must be greater than one f\#
        or multiple shares"]}
        > PUT sys/init {"secret_shares":300,"secret_threshold":5}
        < 400 {"errors":["invalid seal configuration: shares must be less than 256"]}
        > PUT sys/init {"secret_shares":"3","secret_threshold":"2"}
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal string int\#
        o Go struct field InitRequest.secret_shares of type int"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":2.5}
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal number 2.5 i\#
        nto Go struct field InitRequest.secret_threshold of type int"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":2,"pgp_keys":["a"]}
        < 400 {"errors":["invalid seal configuration: count mismatch between number of pro\#
        vided PGP keys and number of shares"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":2,"pgp_keys":"a"}
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal string int\#
        o Go struct field InitRequest.pgp_keys of type []string"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":2,"recovery_shares":1}
        < 400 {"errors":["parameters recovery_shares not applicable to seal type shamir"]}
        > PUT sys/init {"secret_shares":3,"secret_threshold":2,"recovery_shares":1,"recove\#
        ry_threshold":1}
        < 400 {"errors":["parameters recovery_shares,recovery_threshold not applicable t\#
        o seal type shamir"]}
        > PUT sys/init {"secret_shares":1,"secret_threshold":1,"recovery_pgp_keys":["a"]}
        < 400 {"errors":["parameters recovery_pgp_keys not applicable to seal type shamir"]}
        > PUT sys/unseal
        < 400 {"errors":["'key' must be specified in request body as JSON, or 'reset' se\#
        t to true"]}
        > PUT sys/unseal {}
        < 400 {"errors":["'key' must be specified in request body as JSON, or 'reset' se\#
        t to true"]}
        > PUT sys/unseal []
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal array into G\#
        o value of type http.UnsealRequest"]}
        > PUT sys/unseal {bad
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > PUT sys/unseal {"key":""}
        < 400 {"errors":["'key' must be specified in request body as JSON, or 'reset' se\#
        t to true"]}
        > PUT sys/unseal {"key":1}
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal number int\#
        o Go struct field UnsealRequest.key of type string"]}
        > PUT sys/unseal {"reset":"true"}
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal string int\#
        o Go struct field UnsealRequest.reset of type bool"]}
        > PUT sys/unseal {"key":"x"} x
        < 400 {"errors":["failed to decode JSON input: invalid character 'x' looking for b\#
        eginning of value"]}
        """#
}
