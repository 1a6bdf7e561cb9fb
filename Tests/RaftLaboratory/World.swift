import Raft
import TestSupport

/// What a node's disk holds. Only finished operations are in it.
struct SimDisk {
    var hardState = HardState.initial
    var baseIndex = LogIndex.zero
    var baseTerm = Term.zero
    var configuration: Configuration
    var entries: [LogEntry] = []
    /// The state is as of here.
    var evaluated = LogIndex.zero

    var lastIndex: LogIndex { entries.last?.index ?? baseIndex }

    func term(at index: LogIndex) -> Term? {
        if index == baseIndex { return baseTerm }
        guard index > baseIndex, index <= lastIndex else { return nil }
        return entries[Int(index.number - baseIndex.number) - 1].term
    }

    mutating func write(_ persist: Persist) {
        if let hardState = persist.hardState {
            self.hardState = hardState
        }
        if let index = persist.truncateFrom {
            entries.removeAll { $0.index >= index }
        }
        entries += persist.entries
    }

    /// What was evaluated is applied in a transaction, with the configuration as of there.
    mutating func apply(through index: LogIndex) {
        for entry in entries where entry.index > evaluated && entry.index <= index {
            guard entry.kind == .configuration else { continue }
            guard let decoded = try? ConfigurationEntry(decoding: entry.body) else {
                preconditionFailure("a configuration that cannot be read was committed")
            }
            configuration = decoded.configuration
        }
        evaluated = max(evaluated, index)
    }

    mutating func install(_ point: SnapshotPoint) {
        baseIndex = point.index
        baseTerm = point.term
        configuration = point.configuration
        entries = []
        evaluated = point.index
    }

    mutating func drop(through index: LogIndex) {
        guard index > baseIndex, let term = term(at: index) else { return }
        entries.removeAll { $0.index <= index }
        baseIndex = index
        baseTerm = term
    }
}

/// One node: a core while it runs, a disk always.
struct SimNode {
    enum Operation {
        case persist(Persist)
        case install(SnapshotPoint)
    }

    struct Job {
        let token: PersistToken
        let operation: Operation
    }

    struct Gated {
        let token: PersistToken
        let message: Message
        let target: NodeID
    }

    let id: NodeID
    var core: RaftCore?
    var disk: SimDisk
    var isSealed = false
    /// Persists under way, oldest first.
    var jobs: [Job] = []
    var gated: [Gated] = []
    /// Operations through here are on the disk.
    var finished = PersistToken(number: 0)
    /// Told to evaluate through here.
    var committed = LogIndex.zero
    var evaluated = LogIndex.zero
    var boots = 0
    /// What its disk drew; 0 for the first disk of a first member.
    var incarnation: UInt64 = 0
    /// The format level that its version knows, where that is not the settings'.
    var formatLevel: UInt64?
    /// Reads asked here, with the highest index committed anywhere at that moment.
    var reads: [ReadTicket: LogIndex] = [:]
    /// Transfers without an answer yet.
    var transfers: Set<Ticket> = []
    /// Proposals of this turn without an answer yet.
    var proposals: Set<Ticket> = []
}

/// Cluster, network and disks, advanced one tick at a time. Everything is drawn from one seed.
final class World {
    struct Flight {
        let source: NodeID
        let target: NodeID
        let message: Message
    }

    struct Stream {
        let source: NodeID
        let target: NodeID
        let point: SnapshotPoint
        let term: Term
    }

    enum Event {
        case message(Flight)
        case stream(Stream)
        case linkReset(of: NodeID, at: NodeID)

        var target: NodeID {
            switch self {
            case .message(let flight): flight.target
            case .stream(let stream): stream.target
            case .linkReset(_, let observer): observer
            }
        }
    }

    /// How unkind the world is. Ratios are out of 100.
    struct Faults {
        var loss = 0
        var duplication = 0
        var delayTicksMax = 1
        /// How often a disk finishes something in a tick. 100 = at once.
        var diskSpeed = 100
        var evaluationSpeed = 100
        /// By node: how often its clock ticks. Empty: always.
        var clockSpeeds: [Int] = []
    }

    let settings: RaftSettings
    /// What every disk begins with.
    let initial: Configuration
    var random: Seeded
    var faults = Faults()
    var nodes: [SimNode]
    var checker: Checker
    var now = 0
    /// What arrives, by tick.
    private var calendar: [Int: [Event]] = [:]
    /// One-way cuts: messages from the first to the second vanish.
    var cuts: Set<[NodeID]> = []
    /// For scenarios: true lets a message vanish.
    var loses: (Flight) -> Bool = { _ in false }
    /// For scripts: true takes over what was about to travel; ``deliver(_:)`` brings it.
    var takesOver: (Event) -> Bool = { _ in false }
    /// Nodes whose clock runs; all by default.
    var ticking: Set<NodeID>
    /// Frozen nodes, until when. What is sent to them waits.
    var frozen: [NodeID: Int] = [:]
    /// A leader that is to die soon after its election, and when.
    var doomed: (position: Int, at: Int)?
    var electionsSeen = 0
    var nextTicket: UInt64 = 1
    /// Clocks of the nodes, for leases; none: nodes are not told the time.
    var clocks: [SimClock] = []
    /// What became of a read, its index and what vouches for it; by default the checker sees it.
    var onRead: ((World, Int, ReadTicket, LogIndex, UInt64?) throws -> Void)?
    /// Proposals that a leader took, in order.
    var accepted: [Ticket] = []
    /// Proposals that were refused.
    var refusals = 0
    /// How transfers ended.
    var transferOutcomes: [Ticket: TransferOutcome] = [:]
    /// Nodes whose disk finishes nothing.
    var hung: Set<NodeID> = []
    /// Filled when asked for.
    var trace: [String]?
    /// Members come and go.
    var churns = false
    /// Disks lost so far.
    var wipes = 0
    /// Mixes everything that happened, to compare runs.
    private(set) var fingerprint: UInt64 = 0

    init(seed: UInt64, count: Int, learners: Int = 0, settings: RaftSettings = .hectic) {
        self.settings = settings
        random = Seeded(seed)
        let configuration = cluster(count, learners: learners)
        initial = configuration
        nodes = configuration.members.map {
            SimNode(id: $0.id, disk: SimDisk(configuration: configuration))
        }
        ticking = Set(configuration.members.map { $0.id })
        checker = Checker()
    }

    // MARK: Nodes

    func start(_ position: Int) throws {
        precondition(nodes[position].core == nil)
        let disk = nodes[position].disk
        nodes[position].boots += 1
        nodes[position].finished = PersistToken(number: 0)
        nodes[position].evaluated = disk.evaluated
        nodes[position].committed = disk.evaluated
        var settings = settings
        settings.formatLevel = nodes[position].formatLevel ?? settings.formatLevel
        nodes[position].core = RaftCore(
            id: nodes[position].id,
            life: NodeLife(
                epoch: 0,
                boot: UInt64(nodes[position].boots),
                incarnation: nodes[position].incarnation,
                mayVote: true
            ),
            configuration: disk.configuration,
            hardState: disk.hardState,
            snapshotIndex: disk.baseIndex,
            snapshotTerm: disk.baseTerm,
            entries: disk.entries,
            evaluated: disk.evaluated,
            isSealed: nodes[position].isSealed,
            settings: settings,
            seed: random.next()
        )
        note("start \(position + 1) \(disk.hardState.term.number) last \(disk.lastIndex.number)")
        try checker.started(nodes[position])
        try turn(position, [])
    }

    func startAll() throws {
        for position in nodes.indices where nodes[position].core == nil {
            try start(position)
        }
    }

    /// Loses everything but what reached the disk; operations under way may have reached it.
    func crash(_ position: Int, keepingJobs kept: Int = 0) {
        note("crash \(position + 1) keeping \(kept) of \(nodes[position].jobs.count)")
        for job in nodes[position].jobs.prefix(kept) {
            carryOut(job, at: position)
        }
        nodes[position].core = nil
        nodes[position].jobs = []
        nodes[position].gated = []
        nodes[position].reads = [:]
        nodes[position].proposals = []
        nodes[position].transfers = []
    }

    func position(of id: NodeID) -> Int { Int(id.number) - 1 }

    // MARK: A turn

    func turn(_ position: Int, _ inputs: [Input]) throws {
        guard var core = nodes[position].core else { return }
        // In place, or every step would copy the log.
        nodes[position].core = nil
        var effects: [Effect] = []
        if !clocks.isEmpty { core.step(.clock(clock(position).reading), into: &effects) }
        for input in inputs {
            core.step(input, into: &effects)
            try checker.stepped(core, at: position, world: self)
        }
        core.endTurn(into: &effects)
        try checker.stepped(core, at: position, world: self)
        nodes[position].core = core
        for effect in effects {
            try perform(effect, at: position)
        }
    }

    private func perform(_ effect: Effect, at position: Int) throws {
        note("  \(position + 1): \(brief(effect))")
        switch effect {
        case .send(let message, let target, let after):
            if let after, after > nodes[position].finished {
                nodes[position].gated.append(
                    SimNode.Gated(token: after, message: message, target: target)
                )
            } else {
                try transmit(message, from: position, to: target)
            }
        case .persist(let persist):
            try checker.persisting(persist, at: nodes[position])
            nodes[position].jobs.append(
                SimNode.Job(token: persist.token, operation: .persist(persist))
            )
        case .installSnapshot(let point, let token):
            try checker.installing(point, as: token, at: nodes[position])
            nodes[position].jobs.append(SimNode.Job(token: token, operation: .install(point)))
        case .commit(let index):
            try checker.committing(through: index, at: nodes[position])
            nodes[position].committed = index
        case .appended(let ticket, let term, let index):
            nodes[position].proposals.remove(ticket)
            accepted.append(ticket)
            try checker.appended(ticket, term: term, index: index)
        case .refused(let ticket, _):
            nodes[position].proposals.remove(ticket)
            refusals += 1
            try checker.refused(ticket)
        case .readReady(let tickets, let index, let until):
            for ticket in tickets {
                guard let floor = nodes[position].reads.removeValue(forKey: ticket) else {
                    throw Violation("read \(ticket.number) was answered twice or never asked")
                }
                try onRead?(self, position, ticket, index, until)
                try checker.readServed(at: index, floor: floor)
            }
        case .readRefused(let tickets, _):
            for ticket in tickets {
                guard nodes[position].reads.removeValue(forKey: ticket) != nil else {
                    throw Violation("read \(ticket.number) was refused twice or never asked")
                }
            }
        case .transferEnded(let ticket, let outcome):
            guard nodes[position].transfers.remove(ticket) != nil else {
                throw Violation("transfer \(ticket.number) ended twice or was never asked")
            }
            transferOutcomes[ticket] = outcome
        case .streamSnapshot(let target, let atLeast):
            try stream(from: position, to: target, atLeast: atLeast)
        case .configurationChanged:
            if let core = nodes[position].core { try checker.reconfigured(core) }
        case .roleChanged:
            break
        case .raise(let alarm):
            throw Violation("alarm at \(position + 1): \(alarm.summary)")
        }
    }

    // MARK: Disk

    private func carryOut(_ job: SimNode.Job, at position: Int) {
        switch job.operation {
        case .persist(let persist):
            nodes[position].disk.write(persist)
            // What was evaluated is applied in the same transaction.
            let index = min(nodes[position].evaluated, nodes[position].disk.lastIndex)
            nodes[position].disk.apply(through: index)
        case .install(let point):
            nodes[position].disk.install(point)
            nodes[position].evaluated = max(nodes[position].evaluated, point.index)
            nodes[position].committed = max(nodes[position].committed, point.index)
        }
    }

    /// Finishes the oldest `count` operations in one go and reports only the newest.
    func finishJobs(_ position: Int, count: Int) throws {
        guard count > 0, nodes[position].core != nil else { return }
        let done = nodes[position].jobs.prefix(count)
        nodes[position].jobs.removeFirst(done.count)
        for job in done {
            carryOut(job, at: position)
            nodes[position].finished = job.token
        }
        note("disk \(position + 1) through \(nodes[position].finished.number)")
        let finished = nodes[position].finished
        let open = nodes[position].gated.filter { $0.token <= finished }
        nodes[position].gated.removeAll { $0.token <= finished }
        // Of a term that has ended nothing leaves any more; see `Effect`.
        let term = nodes[position].core?.term
        for gated in open where gated.message.term == term {
            try transmit(gated.message, from: position, to: gated.target)
        }
        try turn(position, [.durable(finished)])
    }

    /// Drops the log through what the disk's state already holds.
    func compact(_ position: Int, keeping kept: UInt64) throws {
        guard let core = nodes[position].core, !isFrozen(position) else { return }
        let safe = min(nodes[position].disk.evaluated, core.evaluatedIndex)
        guard safe.number > core.snapshotIndex.number + kept,
            safe >= nodes[position].disk.baseIndex,
            nodes[position].jobs.isEmpty
        else { return }
        let index = LogIndex(number: safe.number - kept)
        nodes[position].disk.drop(through: index)
        note("compact \(position + 1) through \(index.number)")
        try turn(position, [.compacted(through: index)])
    }

    // MARK: Network

    private func transmit(_ message: Message, from position: Int, to target: NodeID) throws {
        // A node that is being added may not exist yet.
        guard nodes.indices.contains(self.position(of: target)) else { return }
        try checker.leaving(message, from: nodes[position], to: target, world: self)
        let flight = Flight(source: nodes[position].id, target: target, message: message)
        if loses(flight) || random.chance(faults.loss, of: 100) { return }
        arrive(.message(flight))
        if random.chance(faults.duplication, of: 100) {
            // The copy may come when terms, leaders and processes have changed.
            arrive(.message(flight), lateBy: random.chance(30, of: 100) ? random.below(80) : 0)
        }
    }

    func arrive(_ event: Event, lateBy late: Int = 0) {
        if takesOver(event) { return }
        let delay = 1 + late + random.below(faults.delayTicksMax)
        calendar[now + delay, default: []].append(event)
    }

    /// Some streams come twice, the second time when it is not needed any more.
    func stream(from position: Int, to target: NodeID, atLeast: LogIndex) throws {
        guard let core = nodes[position].core,
            nodes.indices.contains(self.position(of: target))
        else { return }
        let at = core.evaluatedIndex
        guard at >= atLeast, let pointTerm = core.term(at: at) else {
            throw Violation("asked for a snapshot at \(atLeast.number), evaluated \(at.number)")
        }
        let point = SnapshotPoint(
            index: at,
            term: pointTerm,
            configuration: core.configuration(asOf: at)
        )
        let stream = Stream(
            source: nodes[position].id,
            target: target,
            point: point,
            term: core.term
        )
        arrive(.stream(stream))
        if random.chance(faults.duplication, of: 100) {
            arrive(.stream(stream), lateBy: random.below(80))
        }
    }

    func deliver(_ event: Event) throws {
        switch event {
        case .message(let flight):
            guard !cuts.contains([flight.source, flight.target]) else { return }
            try turn(position(of: flight.target), [.received(flight.message, from: flight.source)])
        case .stream(let stream):
            let isCut = cuts.contains([stream.source, stream.target])
            let receiver = position(of: stream.target)
            let isDelivered =
                !isCut && nodes[receiver].core != nil
                && !random.chance(faults.loss, of: 100)
            if isDelivered {
                try turn(
                    receiver,
                    [.snapshotArrived(stream.point, from: stream.source, term: stream.term)]
                )
            }
            try turn(
                position(of: stream.source),
                [
                    .snapshotStreamed(
                        to: stream.target,
                        point: stream.point,
                        delivered: isDelivered
                    )
                ]
            )
        case .linkReset(let lost, let observer):
            try turn(position(of: observer), [.linkReset(lost)])
        }
    }

    // MARK: Time

    func tick() throws {
        now += 1
        for position in nodes.indices where !clocks.isEmpty {
            _ = clock(position)
            clocks[position].run()
        }
        for event in calendar.removeValue(forKey: now) ?? [] {
            if let thaw = frozen[event.target], thaw >= now {
                calendar[thaw + 1, default: []].append(event)
            } else {
                try deliver(event)
            }
        }
        for position in nodes.indices where !isFrozen(position) {
            try moveDisk(position)
            try evaluate(position)
            if clocks.isEmpty {
                if clockTicks(position) { try turn(position, [.tick]) }
            } else {
                for _ in 0..<clocks[position].ticksDue() { try turn(position, [.tick]) }
            }
        }
    }

    /// The clock of a node; one that was added lately gets a right one.
    private func clock(_ position: Int) -> SimClock {
        while clocks.count <= position {
            clocks.append(SimClock(startingAt: 1_000_000_000, driftPPM: 0))
        }
        return clocks[position]
    }

    func isFrozen(_ position: Int) -> Bool {
        frozen[nodes[position].id].map { $0 >= now } ?? false
    }

    private func clockTicks(_ position: Int) -> Bool {
        guard ticking.contains(nodes[position].id) else { return false }
        return position >= faults.clockSpeeds.count
            || random.chance(faults.clockSpeeds[position], of: 100)
    }

    func run(_ ticks: Int) throws {
        for _ in 0..<ticks {
            try tick()
        }
    }

    /// Runs until `condition` holds; false if it does not within `ticks`.
    func run(atMost ticks: Int, until condition: (World) -> Bool) throws -> Bool {
        for _ in 0..<ticks {
            if condition(self) { return true }
            try tick()
        }
        return condition(self)
    }

    private func moveDisk(_ position: Int) throws {
        guard !nodes[position].jobs.isEmpty, !hung.contains(nodes[position].id),
            random.chance(faults.diskSpeed, of: 100)
        else { return }
        let all = nodes[position].jobs.count
        try finishJobs(position, count: faults.diskSpeed == 100 ? all : 1 + random.below(all))
    }

    private func evaluate(_ position: Int) throws {
        let target = nodes[position].committed
        guard nodes[position].core != nil, target > nodes[position].evaluated,
            random.chance(faults.evaluationSpeed, of: 100)
        else { return }
        nodes[position].evaluated = target
        try turn(position, [.evaluated(target)])
    }

    // MARK: Clients

    @discardableResult
    func propose(_ position: Int, count: Int = 1, bytes: Int = 8) throws -> Bool {
        guard nodes[position].core != nil, !isFrozen(position) else { return false }
        var proposals: [Proposal] = []
        for _ in 0..<count {
            let ticket = Ticket(number: nextTicket)
            nextTicket += 1
            var body = (0..<8).map { UInt8(truncatingIfNeeded: ticket.number >> (8 * $0)) }
            body += [UInt8](repeating: 0xA5, count: max(0, bytes - 8))
            proposals.append(Proposal(ticket: ticket, kind: .batch, body: body))
            nodes[position].proposals.insert(ticket)
        }
        try turn(position, [.proposed(proposals)])
        guard nodes[position].proposals.isEmpty else {
            throw Violation("a proposal got no answer in its turn")
        }
        return true
    }

    func read(_ position: Int, count: Int = 1) throws {
        guard nodes[position].core != nil, !isFrozen(position) else { return }
        var tickets: [ReadTicket] = []
        for _ in 0..<count {
            let ticket = ReadTicket(number: nextTicket)
            nextTicket += 1
            tickets.append(ticket)
            nodes[position].reads[ticket] = checker.committedIndex
        }
        try turn(position, [.readRequested(tickets)])
    }

    @discardableResult
    func transfer(_ position: Int, to target: UInt64? = nil) throws -> Ticket {
        let ticket = Ticket(number: nextTicket)
        nextTicket += 1
        guard nodes[position].core != nil, !isFrozen(position) else { return ticket }
        nodes[position].transfers.insert(ticket)
        try turn(position, [.transferRequested(ticket, to: target.map(node))])
        return ticket
    }

    /// The disk stops, or goes on, and the node is told.
    func hang(_ position: Int, _ isHung: Bool = true) throws {
        if isHung {
            hung.insert(nodes[position].id)
        } else {
            hung.remove(nodes[position].id)
        }
        guard nodes[position].core != nil, !isFrozen(position) else { return }
        try turn(position, [.diskHealth(isHung ? .stalled : .ok)])
    }

    // MARK: Looking

    /// The leader with the highest term among running nodes.
    var leaderPosition: Int? {
        nodes.indices.filter { nodes[$0].core?.role == .leader }
            .max { (nodes[$0].core?.term ?? .zero) < (nodes[$1].core?.term ?? .zero) }
    }

    func note(_ text: @autoclosure () -> String) {
        fingerprint = (fingerprint ^ UInt64(now)) &* 0x100_0000_01B3 &+ random.peek
        if trace != nil {
            trace?.append("\(now) \(text())")
        }
    }
}

extension Seeded {
    /// The next number, without taking it.
    var peek: UInt64 {
        var copy = self
        return copy.next()
    }
}

/// One line that tells an effect apart in a trace.
func brief(_ effect: Effect) -> String {
    switch effect {
    case .send(let message, let target, let after):
        let gate = after.map { " after \($0.number)" } ?? ""
        return "-> \(target.number) t\(message.term.number) \(brief(message.body))\(gate)"
    case .persist(let persist):
        let terms = persist.entries.map { "\($0.index.number):\($0.term.number)" }
        let state = persist.hardState
        return "persist \(persist.token.number) term \(state?.term.number ?? 0)"
            + " vote \(state?.vote?.number ?? 0) cut \(persist.truncateFrom?.number ?? 0) \(terms)"
    case .commit(let index): return "commit \(index.number)"
    case .roleChanged(let role, let term, let leader):
        return "\(role) in \(term.number) under \(leader?.number ?? 0)"
    case .installSnapshot(let point, let token):
        return "install \(point.index.number) as \(token.number)"
    case .readReady(let tickets, let index, let until):
        return "\(tickets.count) reads at \(index.number)" + (until.map { " until \($0)" } ?? "")
    default: return "\(effect)"
    }
}

func brief(_ body: MessageBody) -> String {
    switch body {
    case .append(let append):
        let terms = append.entries.map { "\($0.index.number):\($0.term.number)" }
        return "append after \(append.previousIndex.number):\(append.previousTerm.number)"
            + " commit \(append.commit.number) \(terms)"
    default:
        return "\(body)"
    }
}
