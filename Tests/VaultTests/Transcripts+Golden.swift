extension Transcripts {
    /// The API contract's transcript of both versions of KV.
    static let goldenKeyValue = #"""
        # B.1 kv v1 (mount g1) and kv v2 (mount g2)
        > POST sys/mounts/g1 {"type":"kv"}
        < 204 (empty)
        > POST sys/mounts/g2 {"type":"kv-v2"}
        < 204 (empty)
        > GET sys/mounts/g2
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_n\#
        o_cache":false,"max_lease_ttl":0},"deprecation_status":"supported","description":"\#
        ","external_entropy_access":false,"local":false,"options":{"version":"2"},"plugin_\#
        version":"","running_plugin_version":"v0.1.0+builtin.holdfast","running_sha256":""\#
        ,"seal_wrap":false,"type":"kv","uuid":"<uuid>"}}   (+ data members injected at to\#
        p level)
        > POST g1/a {"foo":"bar","ttl":"1h"}
        < 204 (empty)
        > GET g1/a
        < 200 ENV{"lease_duration":3600,"data":{"foo":"bar","ttl":"1h"}}
        > GET g1/zz
        < 404 {"errors":[]}
        > LIST g1
        < 200 ENV{"data":{"keys":["a"]}}
        > POST g1/a {}
        < 400 {"errors":["missing data fields"]}
        > DELETE g1/a
        < 204 (empty)
        > POST g2/data/a {"data":{"k":"v"},"options":{"cas":0}}
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":1}}
        > POST g2/data/a {"data":{"k":"w"},"options":{"cas":0}}
        < 400 {"errors":["check-and-set parameter did not match the current version"]}
        > GET g2/data/a
        < 200 ENV{"data":{"data":{"k":"v"},"metadata":{"created_time":"<time>","custom_met\#
        adata":null,"deletion_time":"","destroyed":false,"version":1}}}
        > PATCH g2/data/a {"data":{"n":1,"k":null}}   [Content-Type: application/merge-pat\#
        ch+json;]
        < 200 ENV{"data":{"created_time":"<time>","custom_metadata":null,"deletion_time":"\#
        ","destroyed":false,"version":2}}
        > GET g2/data/a?version=1
        < 200 ENV{"data":{"data":{"k":"v"},"metadata":{"created_time":"<time>","custom_met\#
        adata":null,"deletion_time":"","destroyed":false,"version":1}}}
        > DELETE g2/data/a
        < 204 (empty)
        > GET g2/data/a   # deleted latest
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"<time>","destroyed":false,"version":2}}}
        > POST g2/undelete/a {"versions":[2]}
        < 204 (empty)
        > POST g2/destroy/a {"versions":["1"]}
        < 204 (empty)
        > GET g2/data/a?version=1   # destroyed
        < 404 ENV{"data":{"data":null,"metadata":{"created_time":"<time>","custom_metadata\#
        ":null,"deletion_time":"","destroyed":true,"version":1}}}
        > POST g2/metadata/a {"custom_metadata":{"o":"p"},"max_versions":5}
        < 204 (empty)
        > GET g2/metadata/a
        < 200 ENV{"data":{"cas_required":false,"created_time":"<time>","current_metadata_v\#
        ersion":1,"current_version":2,"custom_metadata":{"o":"p"},"delete_version_after":"\#
        0s","max_versions":5,"metadata_cas_required":false,"oldest_version":0,"updated_tim\#
        e":"<time>","versions":{"1":{"created_time":"<time>","deletion_time":"","destroyed\#
        ":true},"2":{"created_time":"<time>","deletion_time":"","destroyed":false}}}}
        > LIST g2/metadata
        < 200 ENV{"data":{"keys":["a"]}}
        > GET g2/a   # wrong path
        < 404 ENV{"warnings":["Invalid path for a versioned K/V secrets engine. See the AP\#
        I docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'ba\#
        o kv get' for this operation."],"data":null}
        > GET g2/subkeys/a
        < 200 ENV{"data":{"metadata":{"created_time":"<time>","custom_metadata":{"o":"p"},\#
        "deletion_time":"","destroyed":false,"version":2},"subkeys":{"n":null}}}
        > GET g2/data/none
        < 404 {"errors":[]}
        > PATCH g2/data/none {"data":{"a":1}}   [Content-Type: application/merge-patch+jso\#
        n;]
        < 404 (empty)
        """#
}
