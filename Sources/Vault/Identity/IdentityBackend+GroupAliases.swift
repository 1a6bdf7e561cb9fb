import Barrier
import Engines
import Wire

/// `identity/group-alias…`: what an auth method calls an external group.
///
/// Who is in such a group is what the auth method says of the alias. So where the alias goes, or
/// becomes another name, the members go with it, until they log in again.
extension IdentityBackend {
    private static let groupAliasFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("mount_accessor", .text), ("canonical_id", .text),
    ]

    /// The group that has this alias.
    private func groupOfAlias(
        _ text: String,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (id: IdentityID, record: GroupRecord, alias: AliasRecord)? {
        guard let alias = IdentityID(text: text),
            let id = try records.pointer(IdentityPaths.groupAlias(alias), view)
        else { return nil }
        let record = try records.existingGroup(id, view)
        guard let own = record.alias, own.id == alias else {
            throw .damaged("group \(id.text) does not have its alias \(alias.text)")
        }
        return (id, record, own)
    }

    /// `group-alias/id/<id>`
    func groupAlias(
        _ text: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .update:
            return try writeGroupAlias(text, view)
        case .read:
            let fields = try parse([], captured: "id")
            var records = IdentityRecords()
            guard let found = try groupOfAlias(text, &records, view) else { throw .notFound }
            let members = answers.alias(found.alias, of: found.id, .alone, isOfGroup: true)
            return .answer(IdentityAnswers.answer(members, fields.warnings))
        case .delete:
            var records = IdentityRecords()
            guard let found = try groupOfAlias(text, &records, view) else {
                return .answer(.empty)
            }
            try replaceAlias(of: found.id, with: nil, &records, view)
            return try commit(records, draft(view), .empty)
        case .list, .scan, .patch, .help:
            throw .engine(.unsupportedOperation)
        }
    }

    /// - Parameter id: as the path names it.
    func writeGroupAlias(
        _ id: String?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try parse(Self.groupAliasFields, captured: id == nil ? nil : "id")
        func text(_ name: String) -> String? {
            fields.text(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        var records = IdentityRecords()
        var old: (id: IdentityID, record: GroupRecord, alias: AliasRecord)?
        if let given = id ?? text("id") {
            old = try groupOfAlias(given, &records, view)
            guard old != nil else { throw .invalid("invalid group alias ID") }
        }
        guard let accessor = text("mount_accessor") else {
            throw .invalid("missing mount_accessor")
        }
        guard let name = text("name") else { throw .invalid("missing alias name") }
        try checkMount(accessor)
        let path = IdentityPaths.groupAliasName(name, accessor)
        if let holder = try records.pointer(path, view) {
            guard let old, old.id == holder else {
                throw .invalid("combination of mount and group alias name is already in use")
            }
        }
        var draft = try draft(view)
        let owner: IdentityID
        if let canonicalID = text("canonical_id") {
            guard let found = try records.group(.id(canonicalID), view) else {
                throw .invalid("invalid group ID given in 'canonical_id'")
            }
            guard found.record.isExternal else {
                throw .invalid("alias can't be set on an internal group")
            }
            owner = found.id
        } else if let old {
            owner = old.id
        } else {
            owner = try makeExternalGroup(in: &draft, &records, view)
        }
        let alias = AliasRecord(
            id: old?.alias.id ?? draft.identityID(),
            name: try IdentityText.checkName(name),
            mountAccessor: accessor,
            created: old?.alias.created ?? now,
            updated: now,
            metadata: nil,
            customMetadata: .none,
            mergedFrom: []
        )
        if let old, old.id != owner { try replaceAlias(of: old.id, with: nil, &records, view) }
        try replaceAlias(of: owner, with: alias, &records, view)
        let answer = IdentityAnswers.answer(
            [
                "canonical_id": .string(answers.text(owner)),
                "id": .string(answers.text(alias.id)),
            ],
            fields.warnings
        )
        return try commit(records, draft, answer)
    }

    private func makeExternalGroup(
        in draft: inout BatchDraft,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> IdentityID {
        let id = draft.identityID()
        let name = try records.freshName(GroupRecord.self, in: &draft, view)
        try records.setPointer(id, at: IdentityPaths.groupName(name), view)
        try records.setGroup(GroupRecord(name: name, isExternal: true, created: now), id, view)
        try records.setRoster(RosterRecord(created: now), of: id, view)
        return id
    }

    /// Gives a group another alias or takes it away, and with a name that is another one the
    /// members.
    private func replaceAlias(
        of id: IdentityID,
        with alias: AliasRecord?,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var record = try records.existingGroup(id, view)
        if let old = record.alias { try records.point(old, to: nil, GroupRecord.self, view) }
        let keepsMembers =
            if let old = record.alias, let alias {
                old.isNamed(alias.name, alias.mountAccessor)
            } else {
                false
            }
        record.alias = alias
        if let alias { try records.point(alias, to: id, GroupRecord.self, view) }
        try records.setGroup(record, id, view)
        if !keepsMembers {
            for member in try records.roster(of: id, view).entities {
                var entity = try records.existingEntity(member, view)
                entity.groups.removeAll { $0 == id }
                try records.setEntity(entity, member, view)
            }
        }
        try records.changeRoster(id, at: now, view) { if !keepsMembers { $0.entities = [] } }
    }
}
