extension Transcripts {
    /// Part B.7 of the API contract. `custom_metadata` of an entity's alias is always an object.
    static let goldenIdentity = #"""
        > POST identity/entity {"name":"ge","metadata":{"a":"b"},"policies":["gp"]}   => ge
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"ge"}}
        > POST identity/entity {"name":"ge","metadata":{"c":"d"}}
        < 204 (empty)
        > GET identity/entity/id/$ge
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,\#
        "group_ids":[],"id":"$ge","inherited_group_ids":[],"last_update_time":"<time>",\#
        "merged_entity_ids":null,"metadata":{"c":"d"},"name":"ge","namespace_id":"root",\#
        "policies":["gp"]}}
        > POST identity/entity-alias {"name":"al","canonical_id":"$ge",\#
        "mount_accessor":"$one"}   => al
        < 200 ENV{"data":{"canonical_id":"$ge","id":"<uuid>"}}
        > GET identity/entity-alias/id/$al
        < 200 ENV{"data":{"canonical_id":"$ge","creation_time":"<time>","custom_metadata":{},\#
        "id":"$al",\#
        "last_update_time":"<time>","local":false,"merged_from_canonical_ids":null,\#
        "metadata":null,\#
        "mount_accessor":"$one","mount_path":"one/","mount_type":"kv","name":"al",\#
        "namespace_id":"root"}}
        > POST identity/group {"name":"gg","member_entity_ids":["$ge"]}   => gg
        < 200 ENV{"data":{"id":"<uuid>","name":"gg"}}
        > POST identity/group {"name":"gg","member_entity_ids":["$ge"]}
        < 204 (empty)
        > GET identity/group/name/gg
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$gg",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$ge"],"member_group_ids":null,"metadata":null,"modify_index":2,\#
        "name":"gg",\#
        "namespace_id":"root","parent_group_ids":null,"policies":null,"type":"internal"}}
        > POST identity/lookup/entity {"name":"none"}
        < 204 (empty)
        > DELETE identity/entity/id/$ge
        < 204 (empty)
        > GET identity/entity/id/$ge
        < 404 {"errors":[]}
        > GET identity/entity-alias/id/$al
        < 404 {"errors":[]}
        > GET identity/group/name/gg
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$gg",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":null,"member_group_ids":null,"metadata":null,"modify_index":3,\#
        "name":"gg",\#
        "namespace_id":"root","parent_group_ids":null,"policies":null,"type":"internal"}}
        """#

    private static let longName = String(repeating: "k", count: 129)
    private static let longValue = String(repeating: "v", count: 513)

    /// Ours: metadata over its limits is 400, not 500; listings take `after` and `limit`.
    static let entities = #"""
        > GET identity/entity
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET identity/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET identity/nope
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET identity
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > LIST identity/entity
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > LIST identity/entity/id
        < 404 {"errors":[]}
        > GET identity/entity/name
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST identity/entity {"name":"e1","policies":["root"]}
        < 400 {"errors":["policies cannot contain root"]}
        > POST identity/entity {"name":"e1","policies":["response-wrapping"]}
        < 400 {"errors":["policies cannot contain response-wrapping"]}
        > POST identity/entity {"name":"e1"}   => e
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"e1"}}
        > POST identity/entity {"name":"E1","policies":"B, a,A"}
        < 204 (empty)
        > POST identity/entity {"name":"e1","metadata":["x=y"]}
        < 204 (empty)
        > GET identity/entity/name/E1
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,\#
        "group_ids":[],"id":"$e","inherited_group_ids":[],"last_update_time":"<time>",\#
        "merged_entity_ids":null,"metadata":{"x":"y"},"name":"e1","namespace_id":"root",\#
        "policies":["a","b"]}}
        > POST identity/entity
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"<any>"}}
        > POST identity/entity {"id":"nope"}
        < 400 {"errors":["entity not found from id"]}
        > POST identity/entity/id/nope {"name":"zz"}
        < 400 {"errors":["entity not found from id"]}
        > POST identity/entity/id/$e {"name":"e1b"}
        < 204 (empty)
        > POST identity/entity/id/$e {"disabled":true}
        < 204 (empty)
        > GET identity/entity/name/e1
        < 404 {"errors":[]}
        > GET identity/entity/name/e1b?foo=1
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":true,\#
        "group_ids":[],"id":"$e","inherited_group_ids":[],"last_update_time":"<time>",\#
        "merged_entity_ids":null,"metadata":{"x":"y"},"name":"e1b","namespace_id":"root",\#
        "policies":["a","b"]},"warnings":["Endpoint ignored these unrecognized parameters: [foo]"]}
        > POST identity/entity/name/e1b {"disabled":false,"metadata":{}}
        < 204 (empty)
        > POST identity/entity/name/new {"metadata":{"k":"v"},"foo":1}   => n
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"new"},"warnings":["Endpoint ignored\#
         these unrecognized parameters: [foo]"]}
        > POST identity/entity/name/new {"foo":1}
        < 204 (empty)
        > POST identity/entity {"name":"slash/name"}
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"slash/name"}}
        > GET identity/entity/name/slash/name
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,\#
        "group_ids":[],"id":"<uuid>","inherited_group_ids":[],"last_update_time":"<time>",\#
        "merged_entity_ids":null,"metadata":null,"name":"slash/name","namespace_id":"root",\#
        "policies":[]}}
        > POST identity/entity/id/$n {"name":"E1B"}
        < 400 {"errors":["entity name is already in use"]}
        > POST identity/entity {"id":"$n","name":"e1b"}
        < 400 {"errors":["entity name is already in use"]}
        > POST identity/entity {"id":"$n","name":"NEW"}
        < 204 (empty)
        > POST identity/entity {"name":"new","metadata":{"\#(longName)":"v"}}
        < 400 {"errors":["1 error occurred:\n\t* invalid entity metadata: failed to load metadata\#
         pair \"\#(longName)\": key is too long\#
         (limit: 128 characters)\n\n"]}
        > POST identity/entity {"name":"new","metadata":{"k":"\#(longValue)"}}
        < 400 {"errors":["1 error occurred:\n\t* invalid entity metadata: failed to load metadata\#
         pair \"k\": value is too long\#
         (limit: 512 characters)\n\n"]}
        > GET identity/entity/id/nope
        < 404 {"errors":[]}
        > DELETE identity/entity/id/nope
        < 204 (empty)
        > DELETE identity/entity/name/nope
        < 204 (empty)
        > PATCH identity/entity/id/$e {"name":"q"}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > DELETE identity/entity/name/e1b
        < 204 (empty)
        > GET identity/entity/id/$e
        < 404 {"errors":[]}
        > POST identity/entity/batch-delete {}
        < 400 {"errors":["missing entity ids to delete"]}
        > POST identity/entity/batch-delete {"entity_ids":["$n","$n","nope"]}
        < 204 (empty)
        > GET identity/entity/name/new
        < 404 {"errors":[]}
        """#

    /// Ours: an alias keeps its custom metadata where a change says nothing of it.
    static let entityAliases = #"""
        > POST identity/entity {"name":"e1"}   => e
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"e1"}}
        > POST identity/entity {"name":"e2"}   => f
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"e2"}}
        > POST identity/entity-alias {"name":"al","canonical_id":"$e","mount_accessor":"bad"}
        < 400 {"errors":["invalid mount accessor \"bad\""]}
        > POST identity/entity-alias {"name":"al","canonical_id":"$e"}
        < 400 {"errors":["'id' or 'mount_accessor' and 'name' must be provided"]}
        > POST identity/entity-alias {"canonical_id":"$e","mount_accessor":"$one"}
        < 400 {"errors":["'id' or 'mount_accessor' and 'name' must be provided"]}
        > POST identity/entity-alias {"name":"al","canonical_id":"nope","mount_accessor":"$one"}
        < 400 {"errors":["invalid canonical ID"]}
        > POST identity/entity-alias {"name":"al","canonical_id":"$e","mount_accessor":"$one",\#
        "custom_metadata":{"c":"d"}}   => a
        < 200 ENV{"data":{"canonical_id":"$e","id":"<uuid>"}}
        > POST identity/entity-alias {"name":"al","canonical_id":"$e","mount_accessor":"$one"}
        < 204 (empty)
        > POST identity/entity-alias {"name":"AL","canonical_id":"$e","mount_accessor":"$one"}
        < 200 ENV{"data":{"canonical_id":"$e","id":"$a"}}
        > GET identity/entity-alias/id/$a
        < 200 ENV{"data":{"canonical_id":"$e","creation_time":"<time>",\#
        "custom_metadata":{"c":"d"},\#
        "id":"$a","last_update_time":"<time>","local":false,"merged_from_canonical_ids":null,\#
        "metadata":null,"mount_accessor":"$one","mount_path":"one/","mount_type":"kv","name":"AL",\#
        "namespace_id":"root"}}
        > POST identity/entity-alias {"name":"al2","canonical_id":"$e","mount_accessor":"$one"}
        < 400 {"errors":["Alias already exists for requested entity and mount accessor"]}
        > POST identity/entity-alias {"name":"al","canonical_id":"$f","mount_accessor":"$one"}
        < 200 ENV{"data":{"canonical_id":"$f","id":"$a"}}
        > POST identity/entity-alias {"name":"al","canonical_id":"$e","mount_accessor":"$one"}
        < 200 ENV{"data":{"canonical_id":"$e","id":"$a"}}
        > POST identity/entity-alias/id/$a {"name":"al9"}
        < 200 ENV{"data":{"canonical_id":"$e","id":"$a"}}
        > POST identity/entity-alias/id/$a {"custom_metadata":{"x":"y"}}
        < 200 ENV{"data":{"canonical_id":"$e","id":"$a"}}
        > POST identity/entity-alias/id/$a {"name":"al","mount_accessor":"$two"}
        < 200 ENV{"data":{"canonical_id":"$e","id":"$a"}}
        > POST identity/entity-alias/id/$a {"name":"al","mount_accessor":"zzz"}
        < 400 {"errors":["invalid mount accessor \"zzz\""]}
        > POST identity/entity-alias/id/nope {"name":"al"}
        < 400 {"errors":["invalid alias ID provided"]}
        > POST identity/entity-alias {}
        < 400 {"errors":["'id' or 'mount_accessor' and 'name' must be provided"]}
        > POST identity/entity-alias {"name":"b","canonical_id":"$f","mount_accessor":"$two"}   => b
        < 200 ENV{"data":{"canonical_id":"$f","id":"<uuid>"}}
        > POST identity/entity-alias/id/$b {"name":"AL"}
        < 400 {"errors":["alias with combination of mount accessor and name already exists"]}
        > POST identity/entity-alias/id/$b {"canonical_id":"$e"}
        < 400 {"errors":["Alias cannot be updated as the given entity already has an alias for\#
         this\#
         mount "]}
        > POST identity/entity-alias/id/$b {"canonical_id":"nope"}
        < 400 {"errors":["given 'canonical_id' is not associated with an entity"]}
        > LIST identity/entity-alias
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET identity/entity-alias
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET identity/entity/id/$e
        < 200 ENV{"data":{"aliases":[{"canonical_id":"$e","creation_time":"<time>",\#
        "custom_metadata":{"x":"y"},"id":"$a","last_update_time":"<time>","local":false,\#
        "merged_from_canonical_ids":null,"metadata":null,"mount_accessor":"$two",\#
        "mount_path":"two/",\#
        "mount_type":"kv","name":"al"}],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,"group_ids":[],"id":"$e","inherited_group_ids":[],\#
        "last_update_time":"<time>","merged_entity_ids":null,"metadata":null,"name":"e1",\#
        "namespace_id":"root","policies":[]}}
        > DELETE identity/entity-alias/id/$b
        < 204 (empty)
        > DELETE identity/entity-alias/id/$b
        < 204 (empty)
        > LIST identity/alias/id
        < 200 ENV{"data":{"key_info":{"$a":{"canonical_id":"$e","custom_metadata":{"x":"y"},\#
        "local":false,"metadata":null,"mount_accessor":"$two","mount_path":"two/",\#
        "mount_type":"kv",\#
        "name":"al"}},"keys":["$a"]}}
        > POST identity/persona {"name":"q","entity_id":"$f","mount_accessor":"$two"}
        < 200 ENV{"data":{"canonical_id":"$f","id":"<uuid>"}}
        > POST identity/entity-alias {"name":"alone","mount_accessor":"$one"}
        < 200 ENV{"data":{"canonical_id":"<uuid>","id":"<uuid>"}}
        > DELETE sys/mounts/two
        < 204 (empty)
        > GET identity/entity-alias/id/$a
        < 200 ENV{"data":{"canonical_id":"$e","creation_time":"<time>",\#
        "custom_metadata":{"x":"y"},\#
        "id":"$a","last_update_time":"<time>","local":false,"merged_from_canonical_ids":null,\#
        "metadata":null,"mount_accessor":"$two","name":"al","namespace_id":"root"}}
        """#
}
