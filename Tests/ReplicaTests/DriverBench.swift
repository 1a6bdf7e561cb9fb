import Raft
import Store
import TestSupport

@testable import Replica

/// Writes down what the driver asks of the world.
final class RecordingPorts: CorePorts {
    enum Event: Equatable {
        case sent(Message, to: NodeID)
        case persist(Persist)
        case install(LogIndex, PersistToken, file: String)
        case compact(LogIndex)
        case probe
        case entries([LogIndex])
        case readers(Int, LogIndex)
        case wait(LogIndex, Term)
        case installed(LogIndex)
        case inspect([LogIndex])
        case stream(NodeID, atLeast: LogIndex, Term)
        case discard(String)
        case role(Role, Term, NodeID?)
        case alarm(Alarm)
    }

    var events: [Event] = []

    func send(_ message: Message, to member: NodeID) { events.append(.sent(message, to: member)) }

    func persist(_ job: StorageJob) {
        switch job {
        case .persist(let persist): events.append(.persist(persist))
        case .install(let point, let token, let file):
            events.append(.install(point.index, token, file: file))
        case .compact(let through): events.append(.compact(through))
        case .probe: events.append(.probe)
        case .maintain(let body): body()
        case .apply, .reconfigured: preconditionFailure("only the evaluation thread asks for that")
        }
    }

    func evaluate(_ job: EvaluationJob) {
        switch job {
        case .entries(let entries): events.append(.entries(entries.map(\.index)))
        case .readers(let readers, let index): events.append(.readers(readers.count, index))
        case .wait(let waiter): events.append(.wait(waiter.index, waiter.term))
        case .installed(let point): events.append(.installed(point.index))
        case .inspect(let entries, _, _): events.append(.inspect(entries.map(\.index)))
        }
    }

    func streamSnapshot(to member: NodeID, atLeast index: LogIndex, term: Term) {
        events.append(.stream(member, atLeast: index, term))
    }

    func discardSnapshot(_ file: String) { events.append(.discard(file)) }

    func roleChanged(_ role: Role, term: Term, leader: NodeID?) {
        events.append(.role(role, term, leader))
    }

    func configurationChanged(_ configuration: Configuration) {}
    func raised(_ alarm: Alarm) { events.append(.alarm(alarm)) }
}

/// A driver over a real core of node 1, and hands to play disk, evaluation and peers with.
struct DriverBench {
    typealias Event = RecordingPorts.Event

    var driver: CoreDriver
    let ports = RecordingPorts()

    /// - Parameters:
    ///   - count: voters; node 1 is one of them.
    ///   - log: entries on disk, all of term 1, evaluated and applied through `evaluated`.
    init(
        voters count: UInt64 = 1,
        log: UInt64 = 0,
        evaluated: UInt64 = 0,
        retention: LogRetention = LogRetention()
    ) {
        let entries = (0..<log).map { position in
            LogEntry(index: index(position + 1), term: term(1), kind: .noop, body: [])
        }
        let core = RaftCore(
            id: node(1),
            life: NodeLife(epoch: 0, boot: 1, incarnation: 0, mayVote: true),
            configuration: voters(count),
            hardState: HardState(term: term(1), vote: nil, commit: index(evaluated)),
            snapshotIndex: .zero,
            snapshotTerm: .zero,
            entries: entries,
            evaluated: index(evaluated),
            isSealed: false,
            settings: RaftSettings(),
            seed: 1
        )
        driver = CoreDriver(
            core: core,
            applied: index(evaluated),
            ports: ports,
            retention: retention
        )
    }

    /// One turn. Returns what it asked for.
    @discardableResult
    mutating func turn(_ inputs: CoreInput...) -> [Event] { turn(inputs) }

    @discardableResult
    mutating func turn(_ inputs: [CoreInput]) -> [Event] {
        let before = ports.events.count
        driver.turn(inputs)
        return Array(ports.events[before...])
    }

    /// The disk has done all that was asked of it.
    @discardableResult
    mutating func flush() -> [Event] { turn(.raft(.durable(driver.core.newestToken))) }

    /// Evaluates and applies everything that is committed and durable.
    mutating func settle() {
        let index = min(driver.core.commitIndex, driver.core.durableIndex)
        turn(.raft(.evaluated(index)), .applied(index))
    }

    mutating func receive(_ body: MessageBody, from member: UInt64, term: Term) -> [Event] {
        let message = Message(term: term, epoch: 0, boot: 1, incarnation: 0, body: body)
        return turn(.raft(.received(message, from: node(member))))
    }

    /// Wins an election; of several voters, node 2 helps. Ends with the own no-op on disk, and
    /// evaluated where that commits it.
    mutating func lead() {
        while driver.core.role != .leader {
            turn(.raft(.tick))
            flush()
            let term = driver.core.term
            switch driver.core.role {
            case .preCandidate:
                let response = PreVoteResponse(proposedTerm: term.next, isGranted: true)
                _ = receive(.preVoteResponse(response), from: 2, term: term)
            case .candidate: _ = receive(.voteResponse(isGranted: true), from: 2, term: term)
            case .follower, .leader: break
            }
            flush()
        }
        flush()
        settle()
    }

    /// Node `member` has the whole log, and says so.
    mutating func acknowledge(from member: UInt64) {
        let response = AppendResponse(
            outcome: .accepted(through: driver.core.lastIndex),
            isSealed: false
        )
        _ = receive(.appendResponse(response), from: member, term: driver.core.term)
    }

    /// Proposals with distinct keys, each `bytes` long; committed when there is one voter.
    mutating func propose(_ count: Int, bytes: Int = 10) {
        let base = driver.core.evaluatedIndex.number
        turn(
            (0..<count).map { number in
                .propose(
                    proposal(
                        batch(
                            UInt64(number),
                            base: base,
                            put: [UInt64(number)],
                            value: [UInt8](repeating: 1, count: bytes)
                        )
                    )
                )
            }
        )
    }
}

/// A proposal whose outcome goes to `outcomes`, and whose commit nobody waits for unless asked.
func proposal(
    _ batch: WriteBatch,
    since: LogIndex? = nil,
    outcomes: Collector<ProposeOutcome> = Collector(),
    onCommitted: (@Sendable (CommitOutcome) -> Void)? = nil
) -> BatchProposal {
    BatchProposal(
        batch: batch,
        since: since,
        deadline: .now + .seconds(300),
        onProposed: { outcomes.add($0) },
        onCommitted: onCommitted
    )
}
