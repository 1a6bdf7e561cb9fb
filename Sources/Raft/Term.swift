/// A leader's reign. Grows only. Source: Raft dissertation, section 3.3.
package struct Term: Hashable, Comparable, Sendable {
    /// 0 before the first election; never above ``Limits/termMax``.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }

    /// Before the first election.
    package static let zero = Term(number: 0)

    /// The term after this one. Campaigns check ``Limits/termMax`` first, so it cannot overflow.
    package var next: Term { Term(number: number + 1) }

    package static func < (a: Term, b: Term) -> Bool { a.number < b.number }
}

/// Position in the log. 1 is the first entry; 0 means "before the log".
package struct LogIndex: Hashable, Comparable, Sendable {
    /// Never above ``Limits/indexMax``.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }

    /// Before the log.
    package static let zero = LogIndex(number: 0)

    /// The position after this one.
    package var next: LogIndex { LogIndex(number: number + 1) }

    /// The position before this one; there is none before ``zero``.
    package var previous: LogIndex {
        precondition(number > 0, "nothing comes before index 0")
        return LogIndex(number: number - 1)
    }

    /// The position `count` entries further on.
    package func advanced(by count: UInt64) -> LogIndex { LogIndex(number: number + count) }

    package static func < (a: LogIndex, b: LogIndex) -> Bool { a.number < b.number }
}

/// Who a member is inside the protocol: its position + 1 in the initial configuration sorted by
/// name. Never reused. 0 names nobody.
package struct NodeID: Hashable, Comparable, Sendable {
    /// 1 or above.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }

    package static func < (a: NodeID, b: NodeID) -> Bool { a.number < b.number }
}

/// Names one durable step (``Effect/persist(_:)`` or ``Effect/installSnapshot(_:token:)``).
/// Tokens grow by one each, so "durable through token n" says everything.
package struct PersistToken: Hashable, Comparable, Sendable {
    /// 1 or above; 0 stands for "nothing yet".
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }

    package static func < (a: PersistToken, b: PersistToken) -> Bool { a.number < b.number }
}

/// The driver's name for one proposal. The core only hands it back.
package struct Ticket: Hashable, Sendable {
    /// Chosen by the driver, unique while it waits.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }
}

/// The driver's name for one linearizable read. The core only hands it back.
package struct ReadTicket: Hashable, Sendable {
    /// Chosen by the driver, unique while it waits.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }
}
