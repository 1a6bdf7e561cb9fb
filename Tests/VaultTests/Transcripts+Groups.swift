extension Transcripts {
    /// Ours: unknown members and a group in itself are 400, not 500; a group without members shows
    /// `null`; without policies, too.
    static let groups = #"""
        > POST identity/entity {"name":"a"}   => a
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"a"}}
        > POST identity/entity {"name":"b"}   => b
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"b"}}
        > POST identity/group {"name":"g","member_entity_ids":["$a"],"policies":["x","X","w"],\#
        "metadata":{"m":"n"}}   => g
        < 200 ENV{"data":{"id":"<uuid>","name":"g"}}
        > POST identity/group {"name":"g","policies":["root"]}
        < 400 {"errors":["policies cannot contain root"]}
        > GET identity/group/id/$g
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$g",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$a"],"member_group_ids":null,"metadata":{"m":"n"},"modify_index":1,\#
        "name":"g","namespace_id":"root","parent_group_ids":null,"policies":["w","x"],\#
        "type":"internal"}}
        > POST identity/group {"name":"g","member_entity_ids":["nope"]}
        < 400 {"errors":["1 error occurred:\n\t* invalid entity ID \"nope\"\n\n"]}
        > POST identity/group {"name":"g","member_group_ids":["nope"]}
        < 400 {"errors":["1 error occurred:\n\t* invalid member group ID \"nope\"\n\n"]}
        > POST identity/group {"name":"g","type":"external"}
        < 400 {"errors":["group type cannot be changed"]}
        > POST identity/group {"name":"g3","type":"bogus"}
        < 400 {"errors":["invalid group type \"bogus\""]}
        > POST identity/group {"name":"gx","type":"external","member_entity_ids":["$a"]}
        < 400 {"errors":["member entities can't be set manually for external groups"]}
        > POST identity/group {"name":"gx","type":"external","policies":["ext"]}   => x
        < 200 ENV{"data":{"id":"<uuid>","name":"gx"}}
        > POST identity/group {"name":"gx","member_group_ids":["$g"]}
        < 400 {"errors":["member groups can't be set for external groups"]}
        > POST identity/group {"id":"nope"}
        < 400 {"errors":["invalid group ID"]}
        > POST identity/group/id/nope {"name":"q"}
        < 400 {"errors":["invalid group ID"]}
        > POST identity/group/name/byname {"policies":[]}
        < 200 ENV{"data":{"id":"<uuid>","name":"byname"}}
        > POST identity/group {}
        < 200 ENV{"data":{"id":"<uuid>","name":"<any>"}}
        > POST identity/group {"name":"g2","member_group_ids":["$g","$x"]}   => h
        < 200 ENV{"data":{"id":"<uuid>","name":"g2"}}
        > POST identity/group/id/$g {"member_group_ids":["$h"]}
        < 400 {"errors":["cyclic relationship detected for member group ID \"$h\""]}
        > POST identity/group/id/$g {"member_group_ids":["$g"]}
        < 400 {"errors":["1 error occurred:\n\t* member group ID \"$g\" is same as the ID of the\#
         group\n\n"]}
        > POST identity/group/id/$g {"name":"G2"}
        < 400 {"errors":["group name is already in use"]}
        > POST identity/group/id/$g {"name":"g1"}
        < 204 (empty)
        > POST identity/group/id/$g {"policies":"q"}
        < 204 (empty)
        > GET identity/group/id/$g
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$g",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$a"],"member_group_ids":null,"metadata":{"m":"n"},"modify_index":4,\#
        "name":"g1","namespace_id":"root","parent_group_ids":["$h"],"policies":["q"],\#
        "type":"internal"}}
        > GET identity/entity/id/$a
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":["$g"],\#
        "disabled":false,"group_ids":["$g","$h"],"id":"$a","inherited_group_ids":["$h"],\#
        "last_update_time":"<time>","merged_entity_ids":null,"metadata":null,"name":"a",\#
        "namespace_id":"root","policies":[]}}
        > POST identity/group {"name":"G2","member_entity_ids":["$b","$b"]}
        < 204 (empty)
        > GET identity/group/name/G2
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$h",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$b"],"member_group_ids":"<any>","metadata":null,"modify_index":2,\#
        "name":"g2","namespace_id":"root","parent_group_ids":null,"policies":null,\#
        "type":"internal"}}
        > GET identity/group
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST identity/group
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET identity/group/id/nope
        < 404 {"errors":[]}
        > GET identity/group/name/nope
        < 404 {"errors":[]}
        > DELETE identity/group/id/$g
        < 204 (empty)
        > DELETE identity/group/id/$x
        < 204 (empty)
        > GET identity/group/id/$h
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$h",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$b"],"member_group_ids":null,"metadata":null,"modify_index":4,\#
        "name":"g2","namespace_id":"root","parent_group_ids":null,"policies":null,\#
        "type":"internal"}}
        > DELETE identity/group/name/g2
        < 204 (empty)
        > DELETE identity/group/name/g2
        < 204 (empty)
        > GET identity/entity/id/$b
        < 200 ENV{"data":{"aliases":[],"creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,"group_ids":[],"id":"$b","inherited_group_ids":[],\#
        "last_update_time":"<time>","merged_entity_ids":null,"metadata":null,"name":"b",\#
        "namespace_id":"root","policies":[]}}
        """#

    static let groupAliases = #"""
        > POST identity/group {"name":"in"}   => i
        < 200 ENV{"data":{"id":"<uuid>","name":"in"}}
        > POST identity/group {"name":"ex","type":"external"}   => x
        < 200 ENV{"data":{"id":"<uuid>","name":"ex"}}
        > POST identity/group-alias {"name":"n","mount_accessor":"$one","canonical_id":"$i"}
        < 400 {"errors":["alias can't be set on an internal group"]}
        > POST identity/group-alias {"name":"n","mount_accessor":"bad","canonical_id":"$x"}
        < 400 {"errors":["invalid mount accessor \"bad\""]}
        > POST identity/group-alias {"name":"n","canonical_id":"$x"}
        < 400 {"errors":["missing mount_accessor"]}
        > POST identity/group-alias {"mount_accessor":"$one","canonical_id":"$x"}
        < 400 {"errors":["missing alias name"]}
        > POST identity/group-alias {"name":"n","mount_accessor":"$one","canonical_id":"nope"}
        < 400 {"errors":["invalid group ID given in 'canonical_id'"]}
        > POST identity/group-alias {"name":"n1","mount_accessor":"$one","canonical_id":"$x"}   => r
        < 200 ENV{"data":{"canonical_id":"$x","id":"<uuid>"}}
        > GET identity/group-alias/id/$r
        < 200 ENV{"data":{"canonical_id":"$x","creation_time":"<time>","custom_metadata":null,\#
        "id":"$r","last_update_time":"<time>","local":false,"merged_from_canonical_ids":null,\#
        "metadata":null,"mount_accessor":"$one","mount_path":"one/","mount_type":"kv","name":"n1",\#
        "namespace_id":"root"}}
        > POST identity/group-alias {"name":"N1","mount_accessor":"$one"}
        < 400 {"errors":["combination of mount and group alias name is already in use"]}
        > POST identity/group-alias/id/$r {"name":"n2"}
        < 400 {"errors":["missing mount_accessor"]}
        > POST identity/group-alias/id/$r {"name":"n2","mount_accessor":"$one"}
        < 200 ENV{"data":{"canonical_id":"$x","id":"$r"}}
        > POST identity/group-alias {"id":"$r","name":"n4","mount_accessor":"$one",\#
        "canonical_id":"$x"}
        < 200 ENV{"data":{"canonical_id":"$x","id":"$r"}}
        > POST identity/group-alias/id/nope {"name":"m","mount_accessor":"$one","canonical_id":"$x"}
        < 400 {"errors":["invalid group alias ID"]}
        > GET identity/group/id/$x
        < 200 ENV{"data":{"alias":{"canonical_id":"$x","creation_time":"<time>","id":"$r",\#
        "last_update_time":"<time>","merged_from_canonical_ids":null,"metadata":null,\#
        "mount_accessor":"$one","mount_path":"one/","mount_type":"kv","name":"n4"},\#
        "creation_time":"<time>","id":"$x","last_update_time":"<time>","member_entity_ids":null,\#
        "member_group_ids":null,"metadata":null,"modify_index":4,"name":"ex",\#
        "namespace_id":"root",\#
        "parent_group_ids":null,"policies":null,"type":"external"}}
        > POST identity/group-alias {"name":"o","mount_accessor":"$two","canonical_id":"$x"}   => s
        < 200 ENV{"data":{"canonical_id":"$x","id":"<uuid>"}}
        > GET identity/group-alias/id/$r
        < 404 {"errors":[]}
        > LIST identity/group-alias/id
        < 200 ENV{"data":{"key_info":{"$s":{"canonical_id":"$x","custom_metadata":null,\#
        "local":false,\#
        "metadata":null,"mount_accessor":"$two","mount_path":"two/","mount_type":"kv",\#
        "name":"o"}},\#
        "keys":["$s"]}}
        > POST identity/group-alias {"name":"solo","mount_accessor":"$two"}   => t
        < 200 ENV{"data":{"canonical_id":"<uuid>","id":"<uuid>"}}
        > POST identity/group-alias/id/$t {"name":"solo","mount_accessor":"$two",\#
        "canonical_id":"$x"}
        < 200 ENV{"data":{"canonical_id":"$x","id":"$t"}}
        > GET identity/group-alias/id/$s
        < 404 {"errors":[]}
        > LIST identity/group-alias
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > DELETE identity/group-alias/id/$t
        < 204 (empty)
        > DELETE identity/group-alias/id/$t
        < 204 (empty)
        > GET identity/group-alias/id/$t
        < 404 {"errors":[]}
        > LIST identity/group-alias/id
        < 404 {"errors":[]}
        """#

    static let identityLookups = #"""
        > POST identity/entity {"name":"a"}   => a
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"a"}}
        > POST identity/entity-alias {"name":"al","canonical_id":"$a",\#
        "mount_accessor":"$one"}   => l
        < 200 ENV{"data":{"canonical_id":"$a","id":"<uuid>"}}
        > POST identity/group {"name":"g","type":"external"}   => g
        < 200 ENV{"data":{"id":"<uuid>","name":"g"}}
        > POST identity/group-alias {"name":"gl","mount_accessor":"$one","canonical_id":"$g"}   => m
        < 200 ENV{"data":{"canonical_id":"$g","id":"<uuid>"}}
        > POST identity/lookup/entity {}
        < 400 {"errors":["query parameter not supplied"]}
        > POST identity/lookup/entity {"id":"$a","name":"a"}
        < 400 {"errors":["query parameter conflict; please supply distinct set of query\#
         parameters"]}
        > POST identity/lookup/entity {"id":"nope"}
        < 204 (empty)
        > POST identity/lookup/entity {"alias_id":"nope"}
        < 204 (empty)
        > POST identity/lookup/entity {"alias_name":"al"}
        < 400 {"errors":["both 'alias_name' and 'alias_mount_accessor' needs to be set"]}
        > POST identity/lookup/entity {"alias_mount_accessor":"$one"}
        < 400 {"errors":["both 'alias_name' and 'alias_mount_accessor' needs to be set"]}
        > POST identity/lookup/entity {"alias_name":"al","alias_mount_accessor":"$two"}
        < 204 (empty)
        > POST identity/lookup/entity {"id":"$a"}   => a1
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"name":"A"}   => a2
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"alias_id":"$l"}   => a3
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"alias_name":"AL","alias_mount_accessor":"$one"}   => a4
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"id":"$a1"}
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"id":"$a4"}
        < 200 ENV{"data":{"aliases":"<any>","creation_time":"<time>","direct_group_ids":[],\#
        "disabled":false,"group_ids":[],"id":"$a","inherited_group_ids":[],\#
        "last_update_time":"<time>","merged_entity_ids":null,"metadata":null,"name":"a",\#
        "namespace_id":"root","policies":[]}}
        > POST identity/lookup/group {"id":"$g","name":"g"}
        < 400 {"errors":["query parameter conflict; please supply distinct set of query\#
         parameters"]}
        > POST identity/lookup/group {}
        < 400 {"errors":["query parameter not supplied"]}
        > POST identity/lookup/group {"name":"none"}
        < 204 (empty)
        > POST identity/lookup/group {"alias_id":"$m"}   => g1
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/group {"alias_name":"GL","alias_mount_accessor":"$one"}   => g2
        < 200 ENV{"data":"<any>"}
        > DELETE identity/group/id/$g1
        < 204 (empty)
        > POST identity/lookup/group {"id":"$g2"}
        < 204 (empty)
        > GET identity/lookup/group
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        """#

    /// Ours: of two aliases of one mount the one that is not to be kept is gone; the real server
    /// keeps both.
    static let merging = #"""
        > POST identity/entity {"name":"a","policies":["pa"],"metadata":{"k":"1"}}   => a
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"a"}}
        > POST identity/entity {"name":"b","policies":["pb"],"metadata":{"k":"2"}}   => b
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"b"}}
        > POST identity/entity {"name":"c"}   => c
        < 200 ENV{"data":{"aliases":null,"id":"<uuid>","name":"c"}}
        > POST identity/entity-alias {"name":"A","canonical_id":"$a",\#
        "mount_accessor":"$one"}   => la
        < 200 ENV{"data":{"canonical_id":"$a","id":"<uuid>"}}
        > POST identity/entity-alias {"name":"B","canonical_id":"$b",\#
        "mount_accessor":"$two"}   => lb
        < 200 ENV{"data":{"canonical_id":"$b","id":"<uuid>"}}
        > POST identity/entity-alias {"name":"C","canonical_id":"$c",\#
        "mount_accessor":"$one"}   => lc
        < 200 ENV{"data":{"canonical_id":"$c","id":"<uuid>"}}
        > POST identity/group {"name":"g","member_entity_ids":["$b"]}   => g
        < 200 ENV{"data":{"id":"<uuid>","name":"g"}}
        > POST identity/entity/merge {}
        < 400 {"errors":["missing entity id to merge to"]}
        > POST identity/entity/merge {"to_entity_id":"$a"}
        < 400 {"errors":["missing entity ids to merge from"]}
        > POST identity/entity/merge {"from_entity_ids":["nope"],"to_entity_id":"$a"}
        < 400 {"errors":["entity id to merge from is invalid"]}
        > POST identity/entity/merge {"from_entity_ids":["$b"],"to_entity_id":"nope"}
        < 400 {"errors":["entity id to merge to is invalid"]}
        > POST identity/entity/merge {"from_entity_ids":["$a"],"to_entity_id":"$a"}
        < 400 {"errors":["to_entity_id should not be present in from_entity_ids"]}
        > POST identity/entity/merge {"from_entity_ids":["$b","$b"],"to_entity_id":"$a"}
        < 204 (empty)
        > GET identity/entity/id/$a
        < 200 ENV{"data":{"aliases":[{"canonical_id":"$a","creation_time":"<time>",\#
        "custom_metadata":{},"id":"$la","last_update_time":"<time>","local":false,\#
        "merged_from_canonical_ids":null,"metadata":null,"mount_accessor":"$one",\#
        "mount_path":"one/","mount_type":"kv","name":"A"},{"canonical_id":"$a",\#
        "creation_time":"<time>","custom_metadata":{},"id":"$lb","last_update_time":"<time>",\#
        "local":false,"merged_from_canonical_ids":["$b"],"metadata":null,"mount_accessor":"$two",\#
        "mount_path":"two/","mount_type":"kv","name":"B"}],"creation_time":"<time>",\#
        "direct_group_ids":["$g"],"disabled":false,"group_ids":["$g"],"id":"$a",\#
        "inherited_group_ids":[],"last_update_time":"<time>","merged_entity_ids":["$b"],\#
        "metadata":{"k":"1"},"name":"a","namespace_id":"root","policies":["pa"]}}
        > GET identity/entity/id/$b
        < 404 {"errors":[]}
        > POST identity/lookup/entity {"name":"b"}
        < 204 (empty)
        > GET identity/group/id/$g
        < 200 ENV{"data":{"alias":{},"creation_time":"<time>","id":"$g",\#
        "last_update_time":"<time>",\#
        "member_entity_ids":["$a"],"member_group_ids":null,"metadata":null,"modify_index":2,\#
        "name":"g","namespace_id":"root","parent_group_ids":null,"policies":null,\#
        "type":"internal"}}
        > POST identity/entity/merge {"from_entity_ids":["$c"],"to_entity_id":"$a","force":true}
        < 400 {"errors":["2 errors occurred:\n\t* toEntity and at least one fromEntity have\#
         aliases\#
         with the same mount accessor, repeat the merge request specifying exactly one fromEntity,\#
         clashes: \n\t* mountAccessor: $one, toEntity ID: $a, fromEntity ID: $c, conflicting\#
         toEntity alias ID: $la, conflicting fromEntity alias ID: $lc\n\n"]}
        > POST identity/entity/merge {"from_entity_ids":["$c"],"to_entity_id":"$a",\#
        "conflicting_alias_ids_to_keep":["nope"]}
        < 400 {"errors":["conflicting mount accessors in following alias IDs and neither were\#
         present in conflicting_alias_ids_to_keep: $lc, $la"]}
        > POST identity/entity/merge {"from_entity_ids":["$c"],"to_entity_id":"$a",\#
        "conflicting_alias_ids_to_keep":["$lc"]}
        < 204 (empty)
        > GET identity/entity-alias/id/$la
        < 404 {"errors":[]}
        > POST identity/lookup/entity {"alias_name":"C","alias_mount_accessor":"$one"}   => x
        < 200 ENV{"data":"<any>"}
        > POST identity/lookup/entity {"alias_name":"A","alias_mount_accessor":"$one"}
        < 204 (empty)
        > DELETE identity/entity/id/$x
        < 204 (empty)
        > LIST identity/entity-alias/id
        < 404 {"errors":[]}
        > LIST identity/entity/id
        < 404 {"errors":[]}
        """#
}
