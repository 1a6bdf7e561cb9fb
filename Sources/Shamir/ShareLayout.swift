package import Wire

/// One group of share holders: any `threshold` of its `count` members speak for the group.
package struct GroupSpec: Equatable, Sendable {
    /// Shares needed, and shares issued: 1 to 16.
    package let threshold: Int
    package let count: Int

    /// Any numbers; ``ShareLayout`` is where they are checked.
    package init(threshold: Int, count: Int) {
        self.threshold = threshold
        self.count = count
    }
}

/// Who has to come together: `groupThreshold` of the groups. Cannot be built wrong.
///
/// A flat k of n is one group. 1 to 16 groups of 1 to 16 members.
package struct ShareLayout: Equatable, Sendable {
    /// Groups needed, and the groups.
    package let groupThreshold: Int
    package let groups: [GroupSpec]

    /// Checks every rule of the format; a layout that exists can be split.
    package init(groupThreshold: Int, groups: [GroupSpec]) throws(ShareLayoutError) {
        guard !groups.isEmpty else { throw .noGroups }
        guard groups.count <= Limits.groupsMax else { throw .tooManyGroups(groups.count) }
        guard (1...groups.count).contains(groupThreshold) else {
            throw .groupThreshold(groupThreshold, groups: groups.count)
        }
        for (position, group) in groups.enumerated() {
            let number = position + 1
            guard group.count >= 1 else { throw .noMembers(group: number) }
            guard group.count <= Limits.membersMax else {
                throw .tooManyMembers(group: number, count: group.count)
            }
            guard (1...group.count).contains(group.threshold) else {
                throw .memberThreshold(group.threshold, group: number, count: group.count)
            }
            guard group.threshold > 1 || group.count == 1 else {
                throw .thresholdOneOfMany(group: number, count: group.count)
            }
        }
        self.groupThreshold = groupThreshold
        self.groups = groups
    }

    /// A flat `threshold` of `count`.
    package init(threshold: Int, of count: Int) throws(ShareLayoutError) {
        try self.init(
            groupThreshold: 1,
            groups: [GroupSpec(threshold: threshold, count: count)]
        )
    }

    /// All shares of all groups.
    package var shareCount: Int { groups.reduce(0) { $0 + $1.count } }

    /// Every slot, by group, then by member.
    package var slots: [Slot] {
        groups.enumerated().flatMap { group, spec in
            (0..<spec.count).map { Slot(group: group, member: $0) }
        }
    }
}

/// The place of one share: group and member, both from 0. People are shown numbers from 1.
package struct Slot: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Positions from 0; people count from 1.
    package let group: Int
    package let member: Int

    package init(group: Int, member: Int) {
        self.group = group
        self.member = member
    }

    package static func < (a: Slot, b: Slot) -> Bool {
        (a.group, a.member) < (b.group, b.member)
    }

    package var description: String { "share \(member + 1) of group \(group + 1)" }
}

/// Why a layout cannot be. Groups are numbered from 1.
package enum ShareLayoutError: OperatorError, Equatable {
    case noGroups
    case tooManyGroups(Int)
    case groupThreshold(Int, groups: Int)
    case noMembers(group: Int)
    case tooManyMembers(group: Int, count: Int)
    case memberThreshold(Int, group: Int, count: Int)
    case thresholdOneOfMany(group: Int, count: Int)

    package var blame: Blame { .caller }

    package var summary: String {
        switch self {
        case .noGroups:
            "there is no group of share holders"
        case .tooManyGroups(let count):
            "\(count) groups are more than the \(Limits.groupsMax) that shares can name"
        case .groupThreshold(let threshold, let groups):
            "a threshold of \(threshold) groups cannot be met by \(groups)"
        case .noMembers(let group):
            "group \(group) has no members"
        case .tooManyMembers(let group, let count):
            "group \(group) has \(count) shares, a group holds at most \(Limits.membersMax)"
        case .memberThreshold(let threshold, let group, let count):
            "a threshold of \(threshold) shares cannot be met by the \(count) of group \(group)"
        case .thresholdOneOfMany(let group, let count):
            "group \(group) has \(count) shares and a threshold of 1, so all would be the same"
        }
    }

    package var remedy: String {
        switch self {
        case .noGroups, .noMembers:
            "give at least one group with at least one member"
        case .tooManyGroups:
            "use at most \(Limits.groupsMax) groups"
        case .groupThreshold:
            "use a group threshold from 1 to the number of groups"
        case .tooManyMembers:
            "divide the holders into groups, for instance one a region, of up to "
                + "\(Limits.membersMax) shares each"
        case .memberThreshold:
            "use a threshold from 1 to the number of shares"
        case .thresholdOneOfMany:
            "use one share with a threshold of 1, or a threshold of at least 2"
        }
    }
}
