import Barrier
import Engines
import Wire

/// How identity shows its records.
struct IdentityAnswers {
    let mounts: IdentityMounts
    let namespace: Namespace

    /// Where an alias is shown; OpenBao shows other members in each place.
    enum Place {
        /// By itself: `entity-alias/id/<id>`.
        case alone
        case inEntity
        case inGroup
        /// In the list of all aliases.
        case inAliasList
        /// In the list of all entities or groups.
        case inOwnerList
    }

    // MARK: entities and groups

    /// - Parameter groups: all that it belongs to, the direct ones first.
    func entity(
        _ id: IdentityID,
        _ record: EntityRecord,
        groups: [IdentityID]
    ) -> JSONObject {
        let inherited = groups.filter { !record.groups.contains($0) }
        return [
            "aliases": .array(record.aliases.map { .object(alias($0, of: id, .inEntity)) }),
            "creation_time": .string(record.created.rfc3339),
            "direct_group_ids": list(record.groups),
            "disabled": .bool(record.isDisabled),
            "group_ids": list(groups),
            "id": .string(text(id)),
            "inherited_group_ids": list(inherited),
            "last_update_time": .string(record.updated.rfc3339),
            "merged_entity_ids": listOrNull(record.merged),
            "metadata": record.metadata?.json ?? .null,
            "name": .string(record.name),
            "namespace_id": .string(namespace.id),
            "policies": .array(record.policies.map { .string($0) }),
        ]
    }

    func group(_ id: IdentityID, _ record: GroupRecord, _ roster: RosterRecord) -> JSONObject {
        [
            "alias": .object(record.alias.map { alias($0, of: id, .inGroup) } ?? JSONObject()),
            "creation_time": .string(record.created.rfc3339),
            "id": .string(text(id)),
            "last_update_time": .string(roster.updated.rfc3339),
            "member_entity_ids": listOrNull(roster.entities),
            "member_group_ids": listOrNull(roster.groups),
            "metadata": record.metadata?.json ?? .null,
            "modify_index": .number(JSONNumber(roster.changes)),
            "name": .string(record.name),
            "namespace_id": .string(namespace.id),
            "parent_group_ids": listOrNull(record.parents),
            "policies": record.policies.isEmpty
                ? .null : .array(record.policies.map { .string($0) }),
            "type": .string(record.type),
        ]
    }

    /// What the list of all entities says of one.
    func entityInfo(_ record: EntityRecord, _ id: IdentityID) -> JSONObject {
        var members: JSONObject = ["name": .string(record.name)]
        if !record.aliases.isEmpty {
            members["aliases"] = .array(
                record.aliases.map { .object(alias($0, of: id, .inOwnerList)) }
            )
        }
        return members
    }

    /// What the list of all groups says of one.
    func groupInfo(_ record: GroupRecord, _ roster: RosterRecord, _ id: IdentityID) -> JSONObject {
        var members: JSONObject = [
            "name": .string(record.name),
            "num_member_entities": .number(JSONNumber(roster.entities.count)),
            "num_parent_groups": .number(JSONNumber(record.parents.count)),
        ]
        if let alias = record.alias {
            members["alias"] = .object(self.alias(alias, of: id, .inOwnerList))
        }
        return members
    }

    // MARK: aliases

    /// - Parameter owner: the entity or group.
    func alias(
        _ alias: AliasRecord,
        of owner: IdentityID,
        _ place: Place,
        isOfGroup: Bool = false
    ) -> JSONObject {
        var members: JSONObject = [
            "mount_accessor": .string(alias.mountAccessor), "name": .string(alias.name),
        ]
        if let mount = mounts.find(alias.mountAccessor) {
            members["mount_path"] = .string(mount.path)
            members["mount_type"] = .string(mount.type)
        }
        if place != .inAliasList { members["id"] = .string(text(alias.id)) }
        guard place != .inOwnerList else { return members }
        members["canonical_id"] = .string(text(owner))
        members["metadata"] = alias.metadata?.json ?? .null
        if place != .inGroup {
            members["custom_metadata"] = isOfGroup ? .null : alias.customMetadata.json
            members["local"] = false
        }
        guard place != .inAliasList else { return members }
        members["creation_time"] = .string(alias.created.rfc3339)
        members["last_update_time"] = .string(alias.updated.rfc3339)
        members["merged_from_canonical_ids"] = listOrNull(alias.mergedFrom)
        if place == .alone { members["namespace_id"] = .string(namespace.id) }
        return members
    }

    // MARK: shapes

    static func answer(_ members: JSONObject, _ warnings: [String] = []) -> VaultAnswer {
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: data, warnings: warnings))
    }

    /// An id as clients of the namespace know it.
    func text(_ id: IdentityID) -> String { id.text + namespace.suffix }

    private func list(_ ids: [IdentityID]) -> JSONValue {
        .array(ids.map { .string(text($0)) })
    }

    private func listOrNull(_ ids: [IdentityID]) -> JSONValue {
        ids.isEmpty ? .null : list(ids)
    }
}
