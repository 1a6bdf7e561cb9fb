import Barrier
import Engines
import Wire

/// The records of identity as one request sees and changes them.
///
/// Everything is read through here once, changed in memory, and written at the end as one batch
/// that checks all that was read. So a change that spans an entity, its groups and the indexes of
/// their names is whole or not at all, and two changes at once never both rest on the same old
/// state.
struct IdentityRecords {
    private struct Slot {
        let path: String
        /// When what is stored was written; 0: nothing is.
        let index: UInt64
        var value: [UInt8]?
        var isChanged = false
    }

    private var slots: [Slot] = []
    /// By path. Only looked up.
    private var positions: [String: Int] = [:]

    /// A record as it is after the changes so far.
    mutating func value(
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [UInt8]? {
        slots[try position(of: path, view)].value
    }

    /// Puts a record there; nil removes it.
    mutating func set(
        _ value: [UInt8]?,
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let position = try position(of: path, view)
        guard slots[position].value != value else { return }
        slots[position].value = value
        slots[position].isChanged = true
    }

    private mutating func position(
        of path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Int {
        if let position = positions[path] { return position }
        let opened = try view.systemRecord(path)
        slots.append(
            Slot(path: path, index: opened?.modificationIndex ?? 0, value: opened?.value)
        )
        positions[path] = slots.count - 1
        return slots.count - 1
    }

    /// Adds the checks and the changes to a batch. Removals come last: each makes the batch forget
    /// which folders it made sure of.
    func write(into draft: inout BatchDraft) throws(VaultError) {
        for slot in slots { try draft.check(slot.path, slot.index) }
        for slot in slots where slot.isChanged {
            if let value = slot.value { try draft.put(slot.path, value) }
        }
        for slot in slots where slot.isChanged && slot.value == nil && slot.index > 0 {
            try draft.delete(slot.path)
        }
    }
}

// MARK: entities

extension IdentityRecords {
    mutating func entity(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> EntityRecord? {
        try record(id, view)
    }

    mutating func entity(
        _ key: IdentityKey,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> FoundIdentity<EntityRecord>? {
        try find(key, view)
    }

    /// An entity that another record names.
    mutating func existingEntity(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> EntityRecord {
        try existing(id, view)
    }

    mutating func setEntity(
        _ record: EntityRecord?,
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try set(record?.encoded(), at: IdentityPaths.entity(id), view)
    }

    /// What a name or an alias leads to.
    mutating func pointer(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> IdentityID? {
        guard let bytes = try value(at: path, view) else { return nil }
        return try IdentityPointer(decoding: bytes).id
    }

    mutating func setPointer(
        _ id: IdentityID?,
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try set(id.map { IdentityPointer(id: $0).encoded() }, at: path, view)
    }

    /// An entity that another names as merged into it.
    mutating func mergedEntity(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> MergedEntity {
        guard let bytes = try value(at: IdentityPaths.merged(id), view) else {
            throw .damaged("entity \(id.text) is named as merged and leads nowhere")
        }
        return try MergedEntity(decoding: bytes)
    }

    mutating func setMerged(
        _ record: MergedEntity?,
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try set(record?.encoded(), at: IdentityPaths.merged(id), view)
    }

    /// The alias with its entity.
    mutating func entityAlias(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (entity: IdentityID, record: EntityRecord, position: Int)? {
        guard let entity = try pointer(IdentityPaths.entityAlias(id), view) else { return nil }
        let record = try existingEntity(entity, view)
        guard let position = record.aliases.firstIndex(where: { $0.id == id }) else {
            throw .damaged("entity \(entity.text) does not have its alias \(id.text)")
        }
        return (entity, record, position)
    }

    /// Removes an entity and everything that names it.
    mutating func removeEntity(
        _ id: IdentityID,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let record = try existingEntity(id, view)
        for alias in record.aliases { try point(alias, to: nil, EntityRecord.self, view) }
        for merged in record.merged { try setMerged(nil, merged, view) }
        for group in record.groups {
            try changeRoster(group, at: now, view) { $0.entities.removeAll { $0 == id } }
        }
        try setPointer(nil, at: IdentityPaths.entityName(record.name), view)
        try setEntity(nil, id, view)
    }
}

// MARK: groups

extension IdentityRecords {
    mutating func group(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> GroupRecord? {
        try record(id, view)
    }

    mutating func group(
        _ key: IdentityKey,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> FoundIdentity<GroupRecord>? {
        try find(key, view)
    }

    /// A group that another record names.
    mutating func existingGroup(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> GroupRecord {
        try existing(id, view)
    }

    /// Writes or removes a group, and the mark of all groups with it.
    mutating func setGroup(
        _ record: GroupRecord?,
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let path = IdentityPaths.group(id)
        let old = try value(at: path, view)
        let new = record?.encoded()
        guard old != new else { return }
        var mark = CountRecord(0)
        if let bytes = try value(at: IdentityPaths.groupMark, view) {
            mark = try CountRecord(decoding: bytes, of: "groups")
        }
        if old == nil {
            guard mark.count < VaultLimits.groupsMax else {
                throw .invalid("there are \(mark.count) groups, which is the limit")
            }
            mark.count += 1
        } else if new == nil {
            guard mark.count > 0 else { throw .damaged("the mark of all groups counts too few") }
            mark.count -= 1
        }
        try set(new, at: path, view)
        // The mark must change its modification index even where its content stays.
        try set(mark.encoded(), at: IdentityPaths.groupMark, view)
        touch(IdentityPaths.groupMark)
    }

    private mutating func touch(_ path: String) {
        if let position = positions[path] { slots[position].isChanged = true }
    }

    mutating func roster(
        of id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> RosterRecord {
        guard let bytes = try value(at: IdentityPaths.roster(id), view) else {
            throw .damaged("group \(id.text) has no roster")
        }
        return try RosterRecord(decoding: bytes)
    }

    mutating func setRoster(
        _ record: RosterRecord?,
        of id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try set(record?.encoded(), at: IdentityPaths.roster(id), view)
    }

    /// One change of a group's members, counted.
    ///
    /// - Throws: ``VaultError/invalid(_:)`` where it would have too many.
    mutating func changeRoster(
        _ id: IdentityID,
        at now: Timestamp,
        _ view: borrowing BarrierView,
        _ change: (inout RosterRecord) -> Void
    ) throws(VaultError) {
        var roster = try roster(of: id, view)
        change(&roster)
        let count = max(roster.entities.count, roster.groups.count)
        guard count <= VaultLimits.groupMembersMax else {
            throw .invalid(
                "group \(id.text) would have \(count) members, the limit is "
                    + "\(VaultLimits.groupMembersMax)"
            )
        }
        roster.changes += 1
        roster.updated = now
        try setRoster(roster, of: id, view)
    }

    /// The groups, and all that they are members of: the given ones first, then in the order in
    /// which they are reached.
    ///
    /// - Returns: nil for more than ``VaultLimits/inheritedGroupsMax``.
    mutating func closure(
        _ ids: [IdentityID],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [(id: IdentityID, record: GroupRecord)]? {
        var reached: Set<IdentityID> = []
        var waiting = ids
        var result: [(id: IdentityID, record: GroupRecord)] = []
        var next = 0
        while next < waiting.count {
            let id = waiting[next]
            next += 1
            guard reached.insert(id).inserted else { continue }
            guard result.count < VaultLimits.inheritedGroupsMax else { return nil }
            let record = try existingGroup(id, view)
            result.append((id, record))
            waiting += record.parents.filter { !reached.contains($0) }
        }
        return result
    }

    /// Removes a group and everything that names it.
    mutating func removeGroup(
        _ id: IdentityID,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let record = try existingGroup(id, view)
        let roster = try roster(of: id, view)
        for member in roster.entities {
            var entity = try existingEntity(member, view)
            entity.groups.removeAll { $0 == id }
            try setEntity(entity, member, view)
        }
        for child in roster.groups {
            var group = try existingGroup(child, view)
            group.parents.removeAll { $0 == id }
            try setGroup(group, child, view)
        }
        for parent in record.parents {
            try changeRoster(parent, at: now, view) { $0.groups.removeAll { $0 == id } }
        }
        if let alias = record.alias { try point(alias, to: nil, GroupRecord.self, view) }
        try setPointer(nil, at: IdentityPaths.groupName(record.name), view)
        try setRoster(nil, of: id, view)
        try setGroup(nil, id, view)
    }
}
