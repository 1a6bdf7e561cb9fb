/// Where a core stands, for whoever looks at it from outside.
package struct CoreStanding: Equatable, Sendable {
    /// Follower, candidate or leader, and of which term.
    package let role: Role
    package let term: Term
    /// Who leads, as far as the node knows.
    package let leader: NodeID?
    /// Known to be committed.
    package let commit: LogIndex
    /// The end of the log.
    package let last: LogIndex
    /// What the log begins after.
    package let base: LogIndex
    /// Bytes of the retained entries, as they count against a driver's bounds.
    package let logBytes: Int
    /// Evaluated, as far as the core has heard.
    package let evaluated: LogIndex
    /// As ``RaftCore/quietTicks``.
    package let quietTicks: Int

    /// How many entries are retained.
    package var retained: Int { Int(last.number - base.number) }
}

extension RaftCore {
    /// All of it at once. Mutating so that it is read where it is: for each getter that another
    /// module calls, the compiler copies the whole core, which is over a kilobyte.
    package mutating func standing() -> CoreStanding {
        CoreStanding(
            role: role,
            term: term,
            leader: leader,
            commit: commitIndex,
            last: log.lastIndex,
            base: log.baseIndex,
            logBytes: log.bytes,
            evaluated: evaluatedIndex,
            quietTicks: quietTicks
        )
    }
}
