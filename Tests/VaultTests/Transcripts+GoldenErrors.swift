extension Transcripts {
    /// The API contract's transcript of errors and edges.
    static let goldenErrors = #"""
        # B.8 errors and edges
        > GET nomount/x
        < 404 {"errors":["no handler for route \"nomount/x\". route entry not found."]}
        > GET sys/nope
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > POST sys/mounts/x/ {"type":"kv"}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > POST cubbyhole/x {bad
        < 400 {"errors":["failed to decode JSON input: invalid character 'b' looking for b\#
        eginning of value"]}
        > POST cubbyhole/x []
        < 400 {"errors":["failed to decode JSON input: json: cannot unmarshal array into G\#
        o value of type map[string]interface {}"]}
        > POST cubbyhole/x null
        < 500 {"errors":["1 error occurred:\n\t* missing data fields\n\n"]}
        > GET g2/metadata?list=foo
        < 400 {"errors":[]}
        > PATCH g2/data/a {"data":{}}   [Content-Type: application/json;]
        < 415 {"errors":["PATCH requires Content-Type of application/merge-patch+json, pro\#
        vided application/json"]}
        > GET g1/x?foo=bar
        < 404 {"errors":[]}
        > GET g2/data/a?foo=bar
        < 200 ENV{"data":{"data":{"n":1},"metadata":{"created_time":"<time>","custom_metad\#
        ata":{"o":"p"},"deletion_time":"","destroyed":false,"version":2}},"warnings":["End\#
        point ignored these unrecognized parameters: [foo]"]}
        > GET sys/mounts   [X-Vault-Namespace: none;]
        < 404 {"errors":["namespace not found"]}
        > GET sys/health   [X-Vault-Namespace: a;]
        < 400 {"errors":["operation unavailable in namespaces"]}
        > GET g2/data/a   [X-Vault-Wrap-TTL: x;]
        < 400 {"errors":["error parsing X-Vault-Wrap-TTL header: time: invalid duration \"\#
        x\""]}
        > HEAD g2/data/a
        < 405 (empty)
        > GET sys/mounts/none
        < 400 {"errors":["No secret engine mount at none/"]}
        > GET sys/remount/status/x
        < 404 {"errors":[]}
        """#
}
