import Raft

func index(_ number: UInt64) -> LogIndex { LogIndex(number: number) }
func term(_ number: UInt64) -> Term { Term(number: number) }
func node(_ number: UInt64) -> NodeID { NodeID(number: number) }
func token(_ number: UInt64) -> PersistToken { PersistToken(number: number) }

func member(_ number: UInt64, role: MemberRole = .voter) -> Member {
    Member(
        id: node(number),
        name: "n-\(number)",
        region: "r\(number % 3)",
        zone: "z",
        peerAddress: "127.0.0.1:\(7_000 + number)",
        apiAddress: "https://127.0.0.1:\(8_000 + number)",
        pin: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32),
        role: role
    )
}

func cluster(_ count: Int, learners: Int = 0) -> Configuration {
    let voters = (1...count).map { member(UInt64($0)) }
    let others = (0..<learners).map { member(UInt64(count + 1 + $0), role: .learner) }
    return Configuration(members: voters + others)
}

/// Entries from `terms`, the first at `first`; bodies name the position and the term.
func entries(from first: UInt64 = 1, terms: [UInt64]) -> [LogEntry] {
    terms.enumerated().map { offset, number in
        LogEntry(
            index: index(first + UInt64(offset)),
            term: term(number),
            kind: .batch,
            body: [UInt8(truncatingIfNeeded: first) &+ UInt8(offset), UInt8(number)]
        )
    }
}

extension RaftSettings {
    /// Short time-outs and tiny windows, so that every limit is met often.
    static var hectic: RaftSettings {
        var settings = RaftSettings()
        settings.heartbeatTicks = 1
        settings.electionTicksMin = 6
        settings.electionTicksMax = 12
        settings.sealedPenaltyTicks = 12
        settings.linkResetDelayTicksMax = 3
        settings.inFlightMessagesMax = 3
        settings.inFlightBytesMax = 1_000
        settings.appendBytesMax = 300
        settings.appendEntriesMax = 3
        settings.resendTicks = 4
        settings.snapshotAnswerTicksMax = 10
        settings.readForwardTicksMax = 10
        settings.formatLevel = 3
        settings.bootDoubtTicks = 200
        settings.handoverIntervalTicks = 40
        settings.handoverTicksMax = 8
        settings.relayAfterTicks = 3
        settings.relayMemoryTicks = 4
        settings.transferTicksMax = 30
        settings.transferRoundTicksMax = 2
        return settings
    }
}

extension NodeLife {
    /// The first start of a node of a new cluster.
    static let first = NodeLife(epoch: 0, boot: 1, incarnation: 0, mayVote: true)
}

extension Message {
    /// Said in the first life of its sender.
    init(term: Term, body: MessageBody) {
        self.init(term: term, epoch: 0, boot: 1, incarnation: 0, body: body)
    }
}

func makeCore(
    _ id: UInt64 = 1,
    of count: Int = 3,
    hardState: HardState = .initial,
    entries: [LogEntry] = [],
    settings: RaftSettings = RaftSettings(),
    isSealed: Bool = false,
    life: NodeLife = .first,
    seed: UInt64 = 7
) -> RaftCore {
    RaftCore(
        id: node(id),
        life: life,
        configuration: cluster(count),
        hardState: hardState,
        snapshotIndex: .zero,
        snapshotTerm: .zero,
        entries: entries,
        evaluated: .zero,
        isSealed: isSealed,
        settings: settings,
        seed: seed
    )
}
