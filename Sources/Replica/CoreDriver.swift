import Raft
import Store

/// Everything that can wake the core's thread.
enum CoreInput: Sendable {
    case raft(Input)
    case propose(BatchProposal)
    case read(ReadWaiter)
    /// The storage thread applied through this index.
    case applied(LogIndex)
    /// A snapshot is being streamed to a member: keep the log after its point until it ended.
    case streaming(to: NodeID, SnapshotPoint)
    /// Somebody wants to check every retained entry that was handed over.
    case inspect(EntryInspector, completion: @Sendable () -> Void)
}

/// Where the core's effects go. Production has threads and sockets behind it.
protocol CorePorts {
    func send(_ message: Message, to member: NodeID)
    func persist(_ job: StorageJob)
    func evaluate(_ job: EvaluationJob)
    func streamSnapshot(to member: NodeID, atLeast index: LogIndex)
    func roleChanged(_ role: Role, term: Term, leader: NodeID?)
    func raised(_ alarm: Alarm)
}

/// Turns inputs into steps of the consensus core and its effects into work for others.
///
/// It holds back what must wait for the disk, matches tickets with whoever waits for them and
/// decides when the log is compacted. It owns no thread, clock or socket, so the same code can
/// run under a simulator.
struct CoreDriver<Ports: CorePorts> {
    private(set) var core: RaftCore
    private let ports: Ports
    private var effects: [Effect] = []
    private var proposals: [UInt64: BatchProposal] = [:]
    private var readers: [UInt64: ReadWaiter] = [:]
    private var nextTicket: UInt64 = 1
    /// Messages that wait for a persist, in token order.
    private var held: [(after: PersistToken, message: Message, member: NodeID)] = []
    private var durable = PersistToken(number: 0)
    private var installing: (token: PersistToken, point: SnapshotPoint)?
    private var recent = RecentWrites()
    private var handedOver: LogIndex
    /// Highest index that the storage thread says is in the state tables.
    private(set) var applied: LogIndex
    private var compactionAsked: LogIndex
    private var streams: [(member: NodeID, point: LogIndex)] = []

    init(core: RaftCore, applied: LogIndex, ports: Ports) {
        self.core = core
        self.ports = ports
        self.applied = applied
        handedOver = applied
        compactionAsked = LogIndex(number: core.firstIndex.number - 1)
    }

    /// Handles one turn's inputs: every proposal in it shares one append and one flush.
    mutating func turn(_ inputs: [CoreInput]) {
        var reads: [ReadTicket] = []
        for input in inputs {
            switch input {
            case .propose(let proposal):
                admit(proposal)
            case .read(let waiter):
                let number = ticket()
                readers[number] = waiter
                reads.append(ReadTicket(number: number))
            case .applied(let index):
                applied = max(applied, index)
            case .streaming(let member, let point):
                streams.append((member, point.index))
            case .inspect(let inspector, let completion):
                let first = core.firstIndex
                let entries = stride(from: first.number, through: handedOver.number, by: 1)
                    .compactMap { core.entry(at: LogIndex(number: $0)) }
                ports.evaluate(.inspect(entries, inspector, completion: completion))
            case .raft(let input):
                step(input)
            }
        }
        if !reads.isEmpty { core.step(.readRequested(reads), into: &effects) }
        core.endTurn(into: &effects)
        perform()
        compactIfNeeded()
    }

    /// Copies the core's numbers to where other threads read them.
    func report(to board: StatusBoard) {
        board.applied(through: applied)
        board.update { status in
            status.term = core.term
            status.committed = core.commitIndex
            status.evaluated = core.evaluatedIndex
            status.last = core.lastIndex
        }
    }

    private mutating func ticket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    /// Looks for a conflict with what is pending; otherwise the proposal joins the turn's append.
    ///
    /// One at a time, because two proposals of one turn can conflict with each other.
    private mutating func admit(_ proposal: BatchProposal) {
        guard core.role == .leader else {
            return proposal.onProposed(.refused(.notLeader(hint: core.leader)))
        }
        if let after = recent.conflict(of: proposal.batch) {
            return proposal.onProposed(.conflict(after: after))
        }
        let number = ticket()
        proposals[number] = proposal
        let entry = Proposal(ticket: Ticket(number: number), kind: .batch, body: proposal.body)
        core.step(.proposed([entry]), into: &effects)
        perform()
    }

    private mutating func step(_ input: Input) {
        switch input {
        case .durable(let token):
            durable = max(durable, token)
            releaseHeld()
        case .snapshotStreamed(let member, let point, _):
            if let position = streams.firstIndex(where: {
                $0.member == member && $0.point == point.index
            }) {
                streams.remove(at: position)
            }
        case .evaluated(let index):
            recent.prune(evaluated: index)
        default: break
        }
        core.step(input, into: &effects)
        if case .durable(let token) = input { finishInstall(token) }
        perform()
    }

    /// A snapshot is installed: everything that follows is evaluated on top of it.
    private mutating func finishInstall(_ token: PersistToken) {
        guard let (wanted, point) = installing, token >= wanted else { return }
        installing = nil
        handedOver = max(handedOver, point.index)
        applied = max(applied, point.index)
        ports.evaluate(.installed(point))
    }

    private mutating func releaseHeld() {
        var released = 0
        while released < held.count, held[released].after <= durable {
            ports.send(held[released].message, to: held[released].member)
            released += 1
        }
        if released > 0 { held.removeFirst(released) }
    }

    private mutating func perform() {
        let ordered = effects
        effects.removeAll(keepingCapacity: true)
        for effect in ordered { perform(effect) }
    }

    private mutating func perform(_ effect: Effect) {
        switch effect {
        case .send(let message, let member, let after):
            if let after, after > durable {
                held.append((after, message, member))
            } else {
                ports.send(message, to: member)
            }
        case .persist(let persist): ports.persist(.persist(persist))
        case .commit(let through): handOver(through: through)
        case .appended(let ticket, let term, let index): appended(ticket, term, index)
        case .refused(let ticket, let refusal):
            proposals.removeValue(forKey: ticket.number)?.onProposed(.refused(refusal))
        case .readReady(let tickets, let index):
            let ready = tickets.compactMap { readers.removeValue(forKey: $0.number) }
            if index <= core.evaluatedIndex {
                // Nearly always: spare the reads a detour over another thread.
                for waiter in ready { waiter.completion(.ready(index)) }
            } else if !ready.isEmpty {
                ports.evaluate(.readers(ready, index))
            }
        case .readRefused(let tickets, let refusal):
            for ticket in tickets {
                readers.removeValue(forKey: ticket.number)?.completion(.refused(refusal))
            }
        case .streamSnapshot(let member, let index):
            ports.streamSnapshot(to: member, atLeast: index)
        case .installSnapshot(let point, let token):
            installing = (token, point)
            ports.persist(.install(point, token))
        case .roleChanged(let role, let term, let leader):
            if role == .leader { recent.begin(at: core.lastIndex) }
            ports.roleChanged(role, term: term, leader: leader)
        case .configurationChanged: break
        case .raise(let alarm): ports.raised(alarm)
        }
    }

    private mutating func appended(_ ticket: Ticket, _ term: Term, _ index: LogIndex) {
        guard let proposal = proposals.removeValue(forKey: ticket.number) else { return }
        recent.record(proposal.batch.writtenKeys, at: index)
        if let completion = proposal.onCommitted {
            // Registered before the entry can be handed over, so its outcome cannot be missed.
            ports.evaluate(
                .wait(
                    CommitWaiter(
                        index: index, term: term, deadline: proposal.deadline,
                        completion: completion)))
        }
        proposal.onProposed(.appended(term, index))
    }

    /// Gives newly committed entries to the evaluation thread, in order and once.
    private mutating func handOver(through: LogIndex) {
        guard through > handedOver else { return }
        var entries: [LogEntry] = []
        entries.reserveCapacity(Int(through.number - handedOver.number))
        var index = handedOver.next
        while index <= through {
            guard let entry = core.entry(at: index) else {
                preconditionFailure("committed entry \(index.number) is not in the log's memory")
            }
            entries.append(entry)
            index = index.next
        }
        handedOver = through
        ports.evaluate(.entries(entries))
    }

    /// Asks the storage thread to drop what every present follower has and what is old enough.
    private mutating func compactIfNeeded() {
        let retained = core.lastIndex.number &- (core.firstIndex.number &- 1)
        let entriesMax = UInt64(Limits.logEntriesRetained)
        let isLong = retained > entriesMax + entriesMax / 4
        let isHeavy = core.logBytes > Limits.logBytesRetained
        guard isLong || isHeavy else { return }
        var target =
            isLong
            ? core.lastIndex.number - entriesMax
            : core.firstIndex.number + retained / 4
        target = min(target, applied.number)
        for stream in streams { target = min(target, stream.point.number) }
        guard target > compactionAsked.number else { return }
        compactionAsked = LogIndex(number: target)
        ports.persist(.compact(through: compactionAsked))
    }
}
