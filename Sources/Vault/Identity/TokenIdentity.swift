import Barrier
import Policy
import Wire

/// The entity behind a token, and what it brings along, as one state of identity has it.
///
/// Never kept in a token: a change of the entity or of its groups takes effect with the next
/// request, and stops a write that is on its way (``check(in:)``).
struct TokenIdentity: Sendable {
    let id: IdentityID
    /// Of the entity's record.
    let modificationIndex: UInt64
    /// Of the mark of all groups; nil for an entity that is in no group, which no change of a group
    /// concerns.
    let groupsIndex: UInt64?
    /// Its tokens are refused.
    let isDisabled: Bool
    /// Tokens made up to then are refused; see ``EntityRecord/revokedThrough``.
    private(set) var revokedThrough: Timestamp?
    /// Of the entity and of all groups that it belongs to: `identity_policies`. Sorted.
    let policies: [String]
    /// Why its tokens may do nothing, if so: for operators.
    let problem: String?
    /// What templates can speak of.
    let subject: PolicySubject
    /// Bytes of the records that it was put together from.
    let bytes: Int

    /// As tokens keep it.
    var entityID: String { id.text }

    /// Whether a token of this entity may not be used any more.
    func bars(_ token: TokenRecord) -> Bool {
        isDisabled || revokedThrough.map { token.created <= $0 } ?? false
    }

    /// The same for the tokens of an entity that was merged into it: others of them are revoked.
    func judging(tokensOf merged: MergedEntity) -> TokenIdentity {
        var identity = self
        identity.revokedThrough = merged.revokedThrough(with: revokedThrough)
        return identity
    }

    /// Whether it still holds for a view.
    func holds(_ view: borrowing BarrierView) throws(VaultError) -> Bool {
        guard try view.systemIndex(IdentityPaths.entity(id)) == modificationIndex else {
            return false
        }
        guard let groupsIndex else { return true }
        return try view.systemIndex(IdentityPaths.groupMark) == groupsIndex
    }

    /// A batch that this identity allowed holds only while it is the same.
    ///
    /// - Parameter home: of the namespace that it belongs to.
    func check(in draft: inout BatchDraft, _ home: MountID) throws(VaultError) {
        try draft.check(IdentityPaths.entity(id), modificationIndex, in: home)
        if let groupsIndex { try draft.check(IdentityPaths.groupMark, groupsIndex, in: home) }
    }

    /// - Parameter suffix: what ids of its namespace end with.
    /// - Returns: nil if there is no such entity.
    static func load(
        _ id: IdentityID,
        suffix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenIdentity? {
        guard let opened = try view.systemRecord(IdentityPaths.entity(id)) else { return nil }
        let record = try EntityRecord(decoding: opened.value)
        var records = IdentityRecords()
        let closure = try records.closure(record.groups, view)
        let groups = closure ?? []
        return TokenIdentity(
            id: id,
            modificationIndex: opened.modificationIndex,
            groupsIndex: record.groups.isEmpty
                ? nil : try view.systemIndex(IdentityPaths.groupMark),
            isDisabled: record.isDisabled,
            revokedThrough: record.revokedThrough,
            policies: IdentityText.once(record.policies + groups.flatMap(\.record.policies)),
            problem: closure == nil
                ? "its entity belongs to more than \(VaultLimits.inheritedGroupsMax) groups" : nil,
            subject: PolicySubject(
                entity: PolicySubject.Named(
                    id: id.text + suffix,
                    name: record.name,
                    metadata: record.metadata?.dictionary ?? [:]
                ),
                aliases: record.aliases.map { PolicySubject.Alias($0, suffix) },
                groups: groups.map { PolicySubject.Named($0.id, $0.record, suffix) }
            ),
            bytes: opened.value.count + groups.reduce(0) { $0 + $1.record.encoded().count }
        )
    }
}

extension PolicySubject.Alias {
    init(_ record: AliasRecord, _ suffix: String) {
        self.init(
            mountAccessor: record.mountAccessor,
            id: record.id.text + suffix,
            name: record.name,
            metadata: record.metadata?.dictionary ?? [:],
            customMetadata: record.customMetadata.dictionary
        )
    }
}

extension PolicySubject.Named {
    init(_ id: IdentityID, _ record: GroupRecord, _ suffix: String) {
        self.init(
            id: id.text + suffix,
            name: record.name,
            metadata: record.metadata?.dictionary ?? [:]
        )
    }
}

/// The identities of tokens that were used lately. A value inside ``VaultCache``.
struct IdentityCache {
    /// Only looked up.
    private var identities: [IdentityID: Kept<TokenIdentity>] = [:]
    private var bytes = 0

    func find(_ id: IdentityID) -> Kept<TokenIdentity>? { identities[id] }

    /// Keeps one, and forgets all others where there is no room.
    mutating func keep(_ kept: Kept<TokenIdentity>) {
        let identity = kept.value
        // A request on an older view must not replace what newer ones use.
        if let old = identities[identity.id] {
            guard !old.isNewer(than: kept, by: \.modificationIndex) else { return }
            bytes -= old.value.bytes
            identities[identity.id] = nil
        }
        if identities.count >= VaultLimits.cachedIdentitiesMax
            || bytes + identity.bytes > VaultLimits.cachedIdentityBytesMax
        {
            identities = [:]
            bytes = 0
        }
        identities[identity.id] = kept
        bytes += identity.bytes
    }
}
