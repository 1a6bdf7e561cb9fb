import Raft
import Replica

/// The voters' clocks, as far as this node has heard of them.
struct WallClocks {
    private var others: [NodeID: (wall: UInt64, at: Moment)] = [:]

    /// How this node's clock stands to the others'.
    struct Standing: Equatable {
        /// This node's clock, nanoseconds since 1970.
        let own: UInt64
        /// Of an even number the earlier of the two in the middle.
        let median: UInt64
        /// Other voters whose clocks are right, in order.
        let sound: [NodeID]

        /// How much this node's clock is ahead of the median, in nanoseconds; negative: behind.
        var ahead: Int64 { difference(own, median) }

        /// Whether this node should not give the time.
        var isWrong: Bool { ahead.magnitude > Limits.clockDifferenceMax }

        /// What a node may take for cluster time at most: its own clock, and a second more than
        /// the median. A clock that is wrong does not go beyond the median.
        var bound: UInt64 {
            min(own, isWrong ? median : median &+ Limits.clockLeadMax)
        }
    }

    /// A member has said what its clock shows.
    ///
    /// - Returns: whether nothing was known of it, or nothing that still counts.
    @discardableResult
    mutating func heard(_ wall: UInt64, from member: NodeID, at now: Moment) -> Bool {
        let former = others.updateValue((wall, now), forKey: member)
        return former.map { now.nanoseconds(since: $0.at) >= Limits.clockAgeMax } ?? true
    }

    /// - Parameters:
    ///   - own: this node's clock, nanoseconds since 1970.
    ///   - voters: all of them.
    /// - Returns: nil while the clocks of fewer than a majority are known.
    func standing(
        own: UInt64,
        of this: NodeID,
        among voters: [NodeID],
        _ now: Moment
    ) -> Standing? {
        var clocks: [(id: NodeID, wall: UInt64)] = []
        for voter in voters {
            if voter == this {
                clocks.append((voter, own))
            } else if let (wall, at) = others[voter] {
                let age = now.nanoseconds(since: at)
                guard age < Limits.clockAgeMax else { continue }
                clocks.append((voter, wall &+ UInt64(max(0, age))))
            }
        }
        guard clocks.count >= voters.count / 2 + 1 else { return nil }
        let sorted = clocks.map(\.wall).sorted()
        let median = sorted[(sorted.count - 1) / 2]
        let sound = clocks.filter { clock in
            clock.id != this
                && difference(clock.wall, median).magnitude <= Limits.clockDifferenceMax
        }
        return Standing(
            own: own,
            median: median,
            sound: sound.map(\.id).sorted { $0.number < $1.number }
        )
    }
}

private func difference(_ clock: UInt64, _ other: UInt64) -> Int64 {
    clock >= other ? Int64(clamping: clock - other) : -Int64(clamping: other - clock)
}
