import Raft
import Replica
import Store

/// A cluster, its network, its clients and its bad luck: one seed's run.
///
/// Everything happens on one thread, one event after the other, and every choice comes from the
/// dice. Nothing here reads a clock: time is a number that leaps to the next event.
final class World {
    let settings: SimulationSettings
    let faults: Faults
    let tuning: Tuning
    let configuration: Configuration
    var dice: Dice
    var now: UInt64 = 0
    var queue = EventQueue()
    var nodes: [Node] = []
    /// By number. Dead ones are nil.
    var processes: [Process?] = []
    var network: Network
    /// One at a time.
    var jam: Jam?
    let checker: Checker
    var clients = Clients()
    let answers = AnswerBox()
    var operators = Operators()
    /// When somebody first knew each entry committed.
    var commitTimes: [UInt64] = []
    var hash = TraceHash()
    var counts = SimulationCounts()
    let trace: ((String) -> Void)?
    /// Faults are over.
    var isHealing = false

    init(_ settings: SimulationSettings, trace: ((String) -> Void)?) {
        self.settings = settings
        self.trace = trace
        dice = Dice(seed: settings.seed)
        let count = Self.drawCount(settings, &dice)
        faults = Self.drawFaults(settings, &dice)
        tuning = Tuning(&dice)
        configuration = Self.voters(count)
        network = Network(count: Self.nodesMax)
        let oracle = Oracle(requestsRetained: tuning.requestsRetained, initial: configuration)
        checker = Checker(count: Self.nodesMax, oracle: oracle)
        for position in 0..<count {
            nodes.append(
                Node(
                    id: NodeID(number: UInt64(position) + 1),
                    disk: Disk(requestsRetained: tuning.requestsRetained),
                    clock: NodeClock(startingAt: UInt64(dice.below(1 << 40)))
                )
            )
        }
    }

    private static func drawCount(_ settings: SimulationSettings, _ dice: inout Dice) -> Int {
        let drawn = [3, 3, 5, 5, 7][dice.below(5)]
        return settings.nodes ?? drawn
    }

    private static func drawFaults(_ settings: SimulationSettings, _ dice: inout Dice) -> Faults {
        let drawn = Faults.swarm(&dice)
        return settings.faults ?? drawn
    }

    private static func voters(_ count: Int) -> Configuration {
        Configuration(
            members: (1...UInt64(count)).map { number in
                Member(
                    id: NodeID(number: number),
                    details: Configuration.newMember(number),
                    role: .voter,
                    incarnation: 0
                )
            }
        )
    }

    // MARK: Time

    /// Says what happens, to whoever reads the trace.
    func say(_ text: @autoclosure () -> String) {
        guard let trace else { return }
        trace("\(now / 1_000_000).\((now / 1_000) % 1_000 + 1_000) \(text())")
    }

    /// What a node's clock shows.
    func instant(_ node: Int) -> Moment {
        Moment(nanoseconds: Int64(nodes[node].clock.local(at: now)))
    }

    /// Runs until `time`, or until `isDone` says so, which is asked about once a millisecond.
    ///
    /// - Returns: whether `isDone` did.
    @discardableResult
    func run(until time: UInt64, isDone: (World) -> Bool = { _ in false }) throws -> Bool {
        var look: UInt64 = 0
        while let next = queue.nextTime, next <= time {
            guard let (event, at) = queue.next() else { break }
            now = at
            counts.events += 1
            try handle(event)
            guard now >= look else { continue }
            look = now + 1_000_000
            if isDone(self) { return true }
        }
        now = max(now, time)
        return false
    }

    private func handle(_ event: Event) throws {
        switch event {
        case .core(let number):
            guard let process = awake(number, event) else { return }
            let isTick = isOver(&process.coreTick, again: event)
            guard process.coreDue == now || isTick else { return }
            try turnCore(process)
        case .storage(let number):
            guard let process = awake(number, event) else { return }
            let isIdle = isOver(&process.storageIdle, again: event)
            guard process.storageDue == now || isIdle, !process.isStorageBusy else { return }
            try turnStorage(process)
        case .storageDone(let number):
            guard let process = awake(number, event) else { return }
            try storageDone(process)
        case .evaluation(let number):
            guard let process = awake(number, event) else { return }
            let isIdle = isOver(&process.evaluationIdle, again: event)
            guard process.evaluationDue == now || isIdle else { return }
            try turnEvaluation(process)
        case .courier(let number):
            guard let process = awake(number, event) else { return }
            let isIdle = isOver(&process.courierIdle, again: event)
            guard process.courierDue == now || isIdle else { return }
            turnCourier(process)
        case .repair(let number):
            guard let process = awake(number, event) else { return }
            let isIdle = isOver(&process.repair.idle, again: event)
            guard process.repair.due == now || isIdle else { return }
            try turnRepair(process)
        case .recovery(let position):
            guard let desk = nodes[position].recovery else { return }
            let isIdle = isOver(&desk.idle, again: event)
            guard desk.due == now || isIdle else { return }
            try turnRecovery(position, desk)
        case .message(let delivery): deliver(delivery)
        case .frame(let delivery): deliver(delivery)
        case .arrival: operationArrives()
        case .client(let event): try handle(event)
        case .members(let event): try handle(event)
        case .fault: try disturb()
        case .resume(let number): try resume(number)
        case .start(let position): try start(position)
        case .doom(let number): try doom(number)
        case .loss(let position): try lose(position)
        case .unjam(let number): unjam(number)
        case .reset(let peer, let position):
            linkBroke(at: position, with: peer)
        }
    }

    // MARK: Processes

    /// The process, if it lives and runs; while it is paused the event waits for its return.
    private func awake(_ number: Int, _ event: Event) -> Process? {
        guard let process = processes[number] else { return nil }
        if process.pausedUntil > now {
            process.deferred.append(event)
            return nil
        }
        return process
    }

    private func resume(_ number: Int) throws {
        guard let process = processes[number], process.pausedUntil <= now else { return }
        say("node \(process.node + 1) goes on")
        process.pausedUntil = 0
        let waiting = process.deferred
        process.deferred = []
        // What was due is due now, in the order in which it would have come.
        if process.coreDue < now { process.coreDue = now }
        if process.storageDue < now { process.storageDue = now }
        if process.evaluationDue < now { process.evaluationDue = now }
        if process.courierDue < now { process.courierDue = now }
        if process.repair.due < now { process.repair.due = now }
        for event in waiting where processes[number] != nil { try handle(event) }
    }

    func process(at position: Int) -> Process? { nodes[position].process }

    func isRunning(_ position: Int) -> Bool {
        guard let process = nodes[position].process else { return false }
        return process.pausedUntil <= now
    }

    // MARK: Mail

    /// Puts something into a core's mailbox and wakes it.
    func post(_ input: CoreInput, to position: Int) {
        guard let process = nodes[position].process else { return }
        process.coreInbox.append(input)
        wakeCore(process)
    }

    func wakeCore(_ process: Process) {
        let due = now + wakeTime()
        guard due < process.coreDue else { return }
        process.coreDue = due
        queue.add(.core(process: process.number), at: due)
    }

    func wakeStorage(_ process: Process, at due: UInt64) {
        guard !process.isStorageBusy, due < process.storageDue else { return }
        process.storageDue = due
        queue.add(.storage(process: process.number), at: due)
    }

    func wakeEvaluation(_ process: Process, at due: UInt64) {
        guard due < process.evaluationDue else { return }
        process.evaluationDue = due
        queue.add(.evaluation(process: process.number), at: due)
    }

    /// Sets when a machine turns if nothing comes before.
    func setIdle(_ timer: inout IdleTimer, at due: UInt64, _ event: Event) {
        timer.due = due
        guard timer.planned > due else { return }
        timer.planned = due
        queue.add(event, at: due)
    }

    /// Whether an event that has come is the idle timer's, and on time.
    private func isOver(_ timer: inout IdleTimer, again event: Event) -> Bool {
        guard timer.planned <= now else { return false }
        timer.planned = .max
        guard timer.due > now else { return true }
        setIdle(&timer, at: timer.due, event)
        return false
    }

    /// From a signal to a thread that runs: microseconds, rarely more.
    func wakeTime() -> UInt64 {
        let draw = dice.next()
        let usual = 4_000 + draw & 0xFFFF
        return draw >> 56 == 0 ? usual + 2_000_000 : usual
    }
}

/// What differs between runs besides the faults.
struct Tuning {
    let requestsRetained: UInt64
    let retention: LogRetention
    let keyCount: Int
    /// Whether some keys are written once and then only read.
    let hasArchive: Bool
    let raft: RaftSettings
    let checkpointEntries: UInt64
    let streams: StreamSizes
    /// Frames of a snapshot that a connection takes at a time.
    let snapshotFramesMost: Int

    init(_ dice: inout Dice) {
        requestsRetained = [256, 2_000, 20_000, 20_000][dice.below(4)]
        var retention = LogRetention()
        retention.entries = [8, 32, 128, 512][dice.below(4)]
        retention.bytes = 1 << 20
        retention.entriesMax = retention.entries * [2, 8][dice.below(2)]
        retention.bytesMax = 4 << 20
        retention.requests = requestsRetained
        self.retention = retention
        keyCount = [2, 8, 24][dice.below(3)]
        // Small appends: an old entry and the first one of a new leader then travel apart, and a
        // leader can die between the two.
        var raft = RaftSettings()
        raft.appendEntriesMax = [1, 1, 8, 1_024][dice.below(4)]
        raft.inFlightMessagesMax = [1, 4, 128][dice.below(3)]
        if dice.chance(512) {
            var lease = ReadLeaseSettings()
            // The bound that the drifting clocks keep to, rounded up.
            lease.clockDriftPPM = 100_000
            lease.marginNanoseconds = dice.chance(512) ? 50_000_000 : 0
            raft.readLease = lease
        }
        self.raft = raft
        checkpointEntries = [32, 256][dice.below(2)]
        // Files are small: small chunks make streams that last long enough to be broken off.
        var streams = StreamSizes()
        streams.chunkBytes = [256, 2_048, 65_536][dice.below(3)]
        streams.windowBytes = streams.chunkBytes * [2, 16][dice.below(2)]
        self.streams = streams
        snapshotFramesMost = [1, 4, 64][dice.below(3)]
        hasArchive = dice.chance(512)
    }
}
