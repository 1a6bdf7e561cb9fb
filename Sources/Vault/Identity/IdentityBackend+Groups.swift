import Barrier
import Engines
import Wire

/// `identity/group…`: make, show, change, remove.
extension IdentityBackend {
    private static let groupFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("type", .text), ("metadata", .pairs),
        ("policies", .texts), ("member_entity_ids", .texts), ("member_group_ids", .texts),
    ]

    /// - Parameter key: as the path names it; nil: as the body does, or nobody does.
    func writeGroup(_ key: IdentityKey?, _ view: borrowing BarrierView) throws(VaultError)
        -> VaultStep
    {
        let fields = try parse(Self.groupFields, captured: key?.captured)
        var records = IdentityRecords()
        var draft = try draft(view)
        let target = try IdentityTarget<GroupRecord>(key, fields, in: &draft, &records, view)
        let policies = try fields.texts("policies").map { names throws(VaultError) in
            try IdentityText.policies(names)
        }
        let isExternal = try groupType(fields, of: target.existing)
        var record = try target.record(in: &draft, &records, view) { name in
            GroupRecord(name: name, isExternal: isExternal, created: now)
        }
        if let policies { record.policies = policies }
        if let object = fields.map("metadata") {
            record.metadata = try IdentityTexts(object, "group metadata")
        }
        let isNew = target.existing == nil
        try records.setGroup(record, target.id, view)
        try writeMembers(fields, target.id, record, isNew: isNew, &records, view)
        guard isNew else { return try commit(records, draft, .empty) }
        let answer = IdentityAnswers.answer(
            ["id": .string(answers.text(target.id)), "name": .string(record.name)],
            fields.warnings
        )
        return try commit(records, draft, answer)
    }

    private func groupType(
        _ fields: Fields,
        of existing: GroupRecord?
    ) throws(VaultError) -> Bool {
        let type = fields.text("type") ?? ""
        guard type.isEmpty || type == "internal" || type == "external" else {
            throw .invalid("invalid group type \(GoText.quoted(type))")
        }
        guard let existing else { return type == "external" }
        guard type.isEmpty || type == existing.type else {
            throw .invalid("group type cannot be changed")
        }
        return existing.isExternal
    }

    private func writeMembers(
        _ fields: Fields,
        _ id: IdentityID,
        _ record: GroupRecord,
        isNew: Bool,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var roster = RosterRecord(created: now)
        if !isNew {
            roster = try records.roster(of: id, view)
            roster.changes += 1
            roster.updated = now
        }
        let membership = GroupMembership(id: id, now: now)
        if let texts = fields.texts("member_group_ids") {
            guard !record.isExternal else {
                throw .invalid("member groups can't be set for external groups")
            }
            try membership.replaceGroups(texts, in: &roster, &records, view)
        }
        if let texts = fields.texts("member_entity_ids") {
            guard !record.isExternal else {
                throw .invalid("member entities can't be set manually for external groups")
            }
            try membership.replaceEntities(texts, in: &roster, &records, view)
        }
        try records.setRoster(roster, of: id, view)
    }

    func readGroup(_ key: IdentityKey, _ view: borrowing BarrierView) throws(VaultError)
        -> VaultAnswer
    {
        let fields = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try records.group(key, view) else { throw .notFound }
        return try show(found.id, found.record, &records, fields.warnings, view)
    }

    func show(
        _ id: IdentityID,
        _ record: GroupRecord,
        _ records: inout IdentityRecords,
        _ warnings: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let roster = try records.roster(of: id, view)
        return IdentityAnswers.answer(answers.group(id, record, roster), warnings)
    }

    func deleteGroup(_ key: IdentityKey, _ view: borrowing BarrierView) throws(VaultError)
        -> VaultStep
    {
        _ = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try records.group(key, view) else { return .answer(.empty) }
        try records.removeGroup(found.id, at: now, view)
        return try commit(records, draft(view), .empty)
    }
}

/// Who is in one group. Both ends of a membership change together: the roster, and the member.
struct GroupMembership {
    let id: IdentityID
    let now: Timestamp

    func replaceEntities(
        _ texts: [String],
        in roster: inout RosterRecord,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let wanted = try ids(texts, "entity ID")
        for member in wanted where try records.entity(member, view) == nil {
            throw Self.unknown(member.text, "entity ID")
        }
        // Only looked up.
        let (before, after) = (Set(roster.entities), Set(wanted))
        for lost in roster.entities where !after.contains(lost) {
            var entity = try records.existingEntity(lost, view)
            entity.groups.removeAll { $0 == id }
            try records.setEntity(entity, lost, view)
        }
        for member in wanted where !before.contains(member) {
            var entity = try records.existingEntity(member, view)
            entity.groups.insertInOrder(id)
            try records.checkGroups(of: entity)
            try records.setEntity(entity, member, view)
        }
        roster.entities = wanted
    }

    func replaceGroups(
        _ texts: [String],
        in roster: inout RosterRecord,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let wanted = try ids(texts, "member group ID")
        for child in wanted {
            guard child != id else {
                throw .invalid(
                    GoText.errors([
                        "member group ID \(GoText.quoted(child.text)) is same as the ID of the "
                            + "group"
                    ])
                )
            }
            guard try records.group(child, view) != nil else {
                throw Self.unknown(child.text, "member group ID")
            }
        }
        // Only looked up.
        let (before, after) = (Set(roster.groups), Set(wanted))
        for lost in roster.groups where !after.contains(lost) {
            var group = try records.existingGroup(lost, view)
            group.parents.removeAll { $0 == id }
            try records.setGroup(group, lost, view)
            try records.changeRoster(lost, at: now, view) { _ in }
        }
        let added = wanted.filter { !before.contains($0) }
        if !added.isEmpty { try refuseCycles(added, &records, view) }
        for child in added {
            var group = try records.existingGroup(child, view)
            group.parents.insertInOrder(id)
            guard group.parents.count <= VaultLimits.groupParentsMax else {
                throw .invalid(
                    "group \(child.text) would be a member of \(group.parents.count) groups, the "
                        + "limit is \(VaultLimits.groupParentsMax)"
                )
            }
            try records.setGroup(group, child, view)
            try records.changeRoster(child, at: now, view) { _ in }
        }
        roster.groups = wanted
    }

    /// A group that this one belongs to already must not become its member.
    private func refuseCycles(
        _ added: [IdentityID],
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        guard let closure = try records.closure([id], view) else {
            throw .invalid(
                "the group belongs to more than \(VaultLimits.inheritedGroupsMax) groups, which is "
                    + "too many to add members to it"
            )
        }
        // Only looked up.
        let above = Set(closure.map(\.id))
        for child in added where above.contains(child) {
            throw .invalid(
                "cyclic relationship detected for member group ID \(GoText.quoted(child.text))"
            )
        }
    }

    private func ids(_ texts: [String], _ what: String) throws(VaultError) -> [IdentityID] {
        var ids: [IdentityID] = []
        for text in texts where !text.isEmpty {
            guard let id = IdentityID(text: text) else { throw Self.unknown(text, what) }
            ids.append(id)
        }
        let once = ids.sortedOnce
        guard once.count <= VaultLimits.groupMembersMax else {
            throw .invalid(
                "\(once.count) members, the limit of a group is \(VaultLimits.groupMembersMax)"
            )
        }
        return once
    }

    private static func unknown(_ id: String, _ what: String) -> VaultError {
        .invalid(GoText.errors(["invalid \(what) \(GoText.quoted(id))"]))
    }
}
