extension Transcripts {
    /// The cubbyhole of root.
    static let cubbyhole = #"""
        > POST cubbyhole/x {}
        < 500 {"errors":["1 error occurred:\n\t* missing data fields\n\n"]}
        > POST cubbyhole/a {"k":"v","ttl":"1h","n":12345678901234567890}
        < 204 (empty)
        > GET cubbyhole/a
        < 200 ENV{"data":{"k":"v","n":12345678901234567890,"ttl":"1h"}}
        > POST cubbyhole/a {"z":[1,{"b":null}]}
        < 204 (empty)
        > GET cubbyhole/a
        < 200 ENV{"data":{"z":[1,{"b":null}]}}
        > POST cubbyhole/d/e {"k":1}
        < 204 (empty)
        > LIST cubbyhole
        < 200 ENV{"data":{"keys":["a","d/"]}}
        > LIST cubbyhole/
        < 200 ENV{"data":{"keys":["a","d/"]}}
        > LIST cubbyhole/d
        < 200 ENV{"data":{"keys":["e"]}}
        > LIST cubbyhole/none
        < 404 {"errors":[]}
        > GET cubbyhole/none
        < 404 {"errors":[]}
        > GET cubbyhole/d
        < 404 {"errors":[]}
        > GET cubbyhole/d/
        < 404 {"errors":[]}
        > GET cubbyhole
        < 500 {"errors":["1 error occurred:\n\t* missing path\n\n"]}
        > GET cubbyhole/
        < 500 {"errors":["1 error occurred:\n\t* missing path\n\n"]}
        > GET cubbyhole/a?foo=1
        < 200 ENV{"data":{"z":[1,{"b":null}]},"warnings":["Endpoint ignored these unrecognized par\#
        ameters: [foo]"]}
        > LIST cubbyhole?foo=1
        < 200 ENV{"data":{"keys":["a","d/"]},"warnings":["Endpoint ignored these unrecognized \#
        parameters: [foo]"]}
        > LIST cubbyhole?limit=1
        < 200 ENV{"data":{"keys":["a","d/"]},"warnings":["Endpoint ignored these unrecognized \#
        parameters: [limit]"]}
        > LIST cubbyhole?after=a
        < 200 ENV{"data":{"keys":["a","d/"]},"warnings":["Endpoint ignored these unrecognized \#
        parameters: [after]"]}
        > SCAN cubbyhole
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PATCH cubbyhole/a {"k":1}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > DELETE cubbyhole/none
        < 204 (empty)
        > DELETE cubbyhole/d/e
        < 204 (empty)
        > LIST cubbyhole/d
        < 404 {"errors":[]}
        > DELETE cubbyhole/a
        < 204 (empty)
        > LIST cubbyhole
        < 404 {"errors":[]}
        > POST cubbyhole {"k":1}
        < 500 {"errors":["1 error occurred:\n\t* missing path\n\n"]}
        > POST cubbyhole/ {"k":1}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > DELETE cubbyhole
        < 204 (empty)
        > GET sys/mounts/cubbyhole
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_no_cache":f\#
        alse,"max_lease_ttl":0},"description":"per-token private secret storage","external_entropy\#
        _access":false,"local":true,"options":null,"plugin_version":"","running_plugin_version":"<\#
        any>","running_sha256":"","seal_wrap":false,"type":"cubbyhole","uuid":"<uuid>"}}   (+ data\#
         members)
        > GET sys/mounts/cubbyhole/tune
        < 200 ENV{"data":{"default_lease_ttl":2764800,"description":"per-token private secret stor\#
        age","force_no_cache":false,"max_lease_ttl":2764800}}   (+ data members)
        > POST sys/mounts/cubbyhole/tune {"description":"x"}
        < 400 {"errors":["cannot tune parameter description of cubbyhole/"]}
        > POST sys/mounts/cubbyhole {"type":"kv"}
        < 400 {"errors":["cannot mount \"cubbyhole/\""]}
        > POST sys/mounts/cubbyhole/x {"type":"kv"}
        < 400 {"errors":["cannot mount \"cubbyhole/x/\""]}
        > DELETE sys/mounts/cubbyhole
        < 400 {"errors":["cannot unmount \"cubbyhole/\""]}
        > POST sys/mounts/cc {"type":"cubbyhole"}
        < 400 {"errors":["mount type of \"cubbyhole\" is not mountable"]}
        > GET sys/internal/ui/mounts/cubbyhole/x
        < 200 ENV{"data":{"accessor":"<accessor>","config":{"default_lease_ttl":0,"force_no_cache":f\#
        alse,"max_lease_ttl":0},"description":"per-token private secret storage","external_entropy\#
        _access":false,"local":true,"options":null,"path":"cubbyhole/","plugin_version":"","runnin\#
        g_plugin_version":"<any>","running_sha256":"","seal_wrap":false,"type":"cubbyhole","uuid":\#
        "<uuid>"}}
        """#
}
