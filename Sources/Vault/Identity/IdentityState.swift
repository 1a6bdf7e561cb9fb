import Barrier
import Engines
import Wire

/// What an auth method knows about who logged in.
struct LoginAlias: Sendable {
    /// What the method calls them. Case makes no difference.
    let name: String
    /// Of the auth method's mount.
    let mountAccessor: String
    /// What the method says about them; replaces what it said before.
    var metadata: [(name: String, value: String)] = []
    /// Names of groups, as the method calls them, of which it says that they are members, and of no
    /// others; nil: the method knows no groups.
    var groups: [String]?
}

/// Who logged in.
struct LoginIdentity: Sendable, Equatable {
    /// What the token's record keeps.
    let entityID: String
    /// What the entity and its groups bring along: `identity_policies`.
    let policies: [String]
    /// Whether there was no entity before.
    let isNew: Bool
}

/// Who is behind an alias.
enum IdentityState {
    /// Looks only.
    static func entity(
        forAlias name: String,
        mountAccessor: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (id: String, isDisabled: Bool)? {
        var records = IdentityRecords()
        let path = IdentityPaths.entityAliasName(name, mountAccessor)
        guard let id = try records.pointer(path, view) else { return nil }
        return (id.text, try records.existingEntity(id, view).isDisabled)
    }

    /// Finds the entity of a login, or plans to make it, all in the login's own batch: two first
    /// logins of one alias make one entity. Keeps the alias' metadata and the entity's external
    /// groups as the method says they are.
    ///
    /// - Throws: ``VaultError/permissionDenied`` for an entity that is disabled, or was at this
    ///   moment; ``VaultError/invalid(_:)`` where a limit is reached.
    static func entity(
        for login: LoginAlias,
        in draft: inout BatchDraft,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LoginIdentity {
        var records = IdentityRecords()
        let path = IdentityPaths.entityAliasName(login.name, login.mountAccessor)
        let metadata =
            login.metadata.isEmpty ? nil : try IdentityTexts(login.metadata, "alias metadata")
        let id: IdentityID
        var isNew = false
        if let found = try records.pointer(path, view) {
            id = found
            try refresh(id, login, metadata, at: now, &records, view)
        } else {
            isNew = true
            id = draft.identityID()
            try make(id, login, metadata, at: now, in: &draft, &records, view)
        }
        if let groups = login.groups {
            try follow(groups, id, login.mountAccessor, at: now, &records, view)
        }
        let record = try records.existingEntity(id, view)
        guard let closure = try records.closure(record.groups, view) else {
            throw .invalid("the entity belongs to more groups than a token can follow")
        }
        if !record.groups.isEmpty { _ = try records.value(at: IdentityPaths.groupMark, view) }
        try records.write(into: &draft)
        let policies = IdentityText.once(record.policies + closure.flatMap(\.record.policies))
        return LoginIdentity(entityID: id.text, policies: policies, isNew: isNew)
    }

    /// A known alias: what the method says now.
    private static func refresh(
        _ id: IdentityID,
        _ login: LoginAlias,
        _ metadata: IdentityTexts?,
        at now: Timestamp,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var record = try records.existingEntity(id, view)
        // The moment may be a little older than the view: a token made then would be over.
        guard !record.isDisabled, record.revokedThrough.map({ $0 < now }) ?? true else {
            throw .permissionDenied
        }
        let position = record.aliases.firstIndex { $0.isNamed(login.name, login.mountAccessor) }
        guard let position else {
            throw .damaged("entity \(id.text) does not have the alias that leads to it")
        }
        guard record.aliases[position].metadata != metadata else { return }
        record.aliases[position].metadata = metadata
        record.aliases[position].updated = now
        record.updated = now
        try records.setEntity(record, id, view)
    }

    /// A first login.
    private static func make(
        _ id: IdentityID,
        _ login: LoginAlias,
        _ metadata: IdentityTexts?,
        at now: Timestamp,
        in draft: inout BatchDraft,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var record = EntityRecord(
            name: try records.freshName(EntityRecord.self, in: &draft, view),
            created: now
        )
        let alias = AliasRecord(
            id: draft.identityID(),
            name: try IdentityText.checkName(login.name),
            mountAccessor: login.mountAccessor,
            created: now,
            updated: now,
            metadata: metadata,
            customMetadata: .none,
            mergedFrom: []
        )
        record.aliases = [alias]
        try records.point(alias, to: id, EntityRecord.self, view)
        try records.setPointer(id, at: IdentityPaths.entityName(record.name), view)
        try records.setEntity(record, id, view)
    }

    /// Makes the entity a member of exactly those external groups of this mount that the method
    /// names.
    private static func follow(
        _ names: [String],
        _ id: IdentityID,
        _ mountAccessor: String,
        at now: Timestamp,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var record = try records.existingEntity(id, view)
        var wanted: [IdentityID] = []
        for name in names {
            let path = IdentityPaths.groupAliasName(name, mountAccessor)
            if let group = try records.pointer(path, view) { wanted.append(group) }
        }
        wanted = wanted.sortedOnce
        var unwanted: [IdentityID] = []
        for group in record.groups where !wanted.contains(group) {
            let alias = try records.existingGroup(group, view).alias
            if let alias, utf8Equals(alias.mountAccessor, mountAccessor) {
                unwanted.append(group)
            }
        }
        let joined = wanted.filter { !record.groups.contains($0) }
        guard !joined.isEmpty || !unwanted.isEmpty else { return }
        record.groups.removeAll { unwanted.contains($0) }
        for group in unwanted {
            try records.changeRoster(group, at: now, view) { $0.entities.removeAll { $0 == id } }
        }
        for group in joined {
            record.groups.insertInOrder(group)
            try records.changeRoster(group, at: now, view) { $0.entities.insertInOrder(id) }
        }
        try records.checkGroups(of: record)
        try records.setEntity(record, id, view)
    }
}

extension IdentityRecords {
    func checkGroups(of record: EntityRecord) throws(VaultError) {
        guard record.groups.count <= VaultLimits.entityGroupsMax else {
            throw .invalid(
                "entity \(GoText.quoted(record.name)) would be a member of "
                    + "\(record.groups.count) groups, the limit is \(VaultLimits.entityGroupsMax)"
            )
        }
    }
}
