package import Cryptography

/// How far the collection of a set has come.
package struct ShareProgress: Equatable, Sendable {
    /// One group: shares accepted, and shares needed. `need` is 0 while nothing is known of it.
    package struct Group: Equatable, Sendable {
        /// Shares given and needed; needed is 0 until one of the group was given.
        package let have: Int
        package let need: Int
        /// Whether the group has enough.
        package var isComplete: Bool { need > 0 && have >= need }
    }

    /// Every group of the set, and how many have to be complete.
    package let groups: [Group]
    package let groupsNeeded: Int

    /// Groups that have enough shares, and whether those are enough groups.
    package var groupsComplete: Int { groups.filter(\.isComplete).count }
    package var isComplete: Bool { groupsNeeded > 0 && groupsComplete >= groupsNeeded }
    /// Shares accepted, over all groups.
    package var have: Int { groups.reduce(0) { $0 + $1.have } }
}

/// Collects shares of one set until they rebuild its secret.
///
/// A refused share changes nothing: what was given correctly is kept. More shares than needed are
/// welcome, and then have to agree with the others.
package struct ShareSet: ~Copyable, Sendable {
    /// What all shares of one set have in common.
    private struct Kind: Equatable, Sendable {
        var identifier: UInt16
        var groupThreshold: Int
        var groupCount: Int
    }

    private var kind: Kind?
    private let layout: ShareLayout?
    /// Ordered by slot.
    private var shares: [ShareHolder] = []

    /// For shares whose set is not known: the first one decides.
    package init() {
        kind = nil
        layout = nil
    }

    /// For the shares of one known set; any other is refused at once.
    package init(identifier: UInt16, layout: ShareLayout) {
        kind = Kind(
            identifier: identifier,
            groupThreshold: layout.groupThreshold,
            groupCount: layout.groups.count
        )
        self.layout = layout
    }

    /// Takes the share, or refuses it and stays as it was.
    package mutating func insert(_ share: consuming Share) throws(ShareError) {
        let its = Kind(
            identifier: share.identifier,
            groupThreshold: share.groupThreshold,
            groupCount: share.groupCount
        )
        try Self.check(its, against: kind ?? its)
        try checkMember(share)
        kind = its
        let slot = share.slot
        let position = shares.firstIndex { slot < $0.share.slot } ?? shares.endIndex
        shares.insert(ShareHolder(share), at: position)
    }

    /// Whether no share was given.
    package var isEmpty: Bool { shares.isEmpty }

    /// The set's identifier, once known.
    package var identifier: UInt16? { kind?.identifier }

    /// Slots whose share was accepted, in order.
    package var slots: [Slot] { shares.map { $0.share.slot } }

    /// How far each group has come.
    package var progress: ShareProgress {
        let groupCount = kind?.groupCount ?? 0
        return ShareProgress(
            groups: (0..<groupCount).map { group in
                let members = members(of: group)
                let need =
                    layout?.groups[group].threshold ?? members.first?.share.memberThreshold
                return ShareProgress.Group(have: members.count, need: need ?? 0)
            },
            groupsNeeded: kind?.groupThreshold ?? 0
        )
    }

    /// Whether ``combine()`` may be called.
    package var isComplete: Bool { progress.isComplete }

    /// The secret, 32 bytes.
    ///
    /// Sets that are wrong in spite of matching digests are possible (1 in 2³²) and anyone can make
    /// one on purpose, so the caller compares the result with the seal key's commitment.
    /// - Throws: `incomplete`, `inconsistentMembers`, `inconsistentGroups`.
    package func combine() throws(ShareError) -> SecretBytes {
        let progress = progress
        guard progress.isComplete else {
            throw .incomplete(groups: progress.groupsComplete, need: progress.groupsNeeded)
        }
        var groups: [Point] = []
        for group in 0..<progress.groups.count where progress.groups[group].isComplete {
            let points = members(of: group).map { holder in
                Point(x: UInt8(holder.share.slot.member), y: holder.share.value.clone())
            }
            let secret = Self.rebuild(points, threshold: progress.groups[group].need)
            guard let secret else { throw .inconsistentMembers(group: group) }
            groups.append(Point(x: UInt8(group), y: secret))
        }
        let encrypted = Self.rebuild(groups, threshold: progress.groupsNeeded)
        guard let encrypted else { throw .inconsistentGroups }
        return MasterSecret.decrypt(encrypted)
    }

    private func members(of group: Int) -> [ShareHolder] {
        shares.filter { $0.share.slot.group == group }
    }

    private static func check(_ its: Kind, against kind: Kind) throws(ShareError) {
        guard its.identifier == kind.identifier else {
            throw .otherSet(want: kind.identifier, have: its.identifier)
        }
        guard its == kind else {
            throw .otherGroups(
                wantThreshold: kind.groupThreshold,
                wantCount: kind.groupCount,
                haveThreshold: its.groupThreshold,
                haveCount: its.groupCount
            )
        }
    }

    private func checkMember(_ share: borrowing Share) throws(ShareError) {
        let slot = share.slot
        let members = members(of: slot.group)
        let spec = layout?.groups[slot.group]
        let need = spec?.threshold ?? members.first?.share.memberThreshold
        if let need, need != share.memberThreshold {
            throw .memberThreshold(group: slot.group, want: need, have: share.memberThreshold)
        }
        if let spec, slot.member >= spec.count { throw .unknownSlot(slot) }
        guard let same = members.first(where: { $0.share.slot == slot }) else { return }
        let isSame = same.share.value.constantTimeEquals(share.value)
        throw isSame ? .duplicate(slot) : .conflictingValue(slot)
    }

    /// The secret from the first `threshold` points, if it is sound and all other points fit too.
    private static func rebuild(_ points: [Point], threshold: Int) -> SecretBytes? {
        let base = Array(points.prefix(threshold))
        guard let secret = SecretSharing.combine(base, threshold: threshold) else { return nil }
        for point in points.dropFirst(threshold) {
            let expected = interpolate(base, at: point.x)
            guard expected.constantTimeEquals(point.y) else { return nil }
        }
        return secret
    }
}
