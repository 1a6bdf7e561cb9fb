import Audit
import Barrier
import Cryptography
import Logging
import NIOPosix
import Replica
import Store
import Synchronization
import Wire

/// What became of a line.
enum AuditOutcome: Sendable, Equatable {
    /// It is a leaf; its hash, 32 bytes. In the page cache at least.
    case written([UInt8])
    /// There is no vault yet, so there is no key to write with and nothing to write about.
    case noVault
    /// It could not be written. What it is about must not happen, or not be told.
    case refused
}

/// This node's audit log: one thread that writes what the requests say, before they are answered.
///
/// ```
/// event loops ─ write(line) ─▶ bounded queue ─▶ the audit thread ─ append ─▶ callbacks
/// timer ─ tick ─────────────────────────────────▶ sync · checkpoint ─▶ anchors
/// ```
/// The log begins when this node's store shows a vault, sealed or not: the public key is in the
/// clear. An error from a sync ends the process; anything else that keeps lines out refuses the
/// requests that they are about.
final class AuditKeeper: Sendable {
    private struct Job: Sendable {
        let line: [UInt8]
        let done: @Sendable (AuditOutcome) -> Void
    }

    private struct Queue: Sendable {
        var jobs: [Job] = []
        var bytes = 0
        /// Whether the thread was told that something waits.
        var isScheduled = false
    }

    private let queue = Mutex(Queue())
    private let writer: Mutex<AuditWriter>
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let store: LocalStore
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    /// Signs checkpoints while this node has the keys.
    private let signer: @Sendable () -> AuditKeys?
    private let anchors = Mutex<(@Sendable (AuditHead) -> Void)?>(nil)
    private let hurrying = Mutex<(@Sendable () -> Void)?>(nil)
    private let restless = Atomic(false)
    let counters = AuditCounters()
    /// The vault's audit devices; nil where there are none to write to, as in tests.
    let sinks: AuditSinks?

    /// - Parameters:
    ///   - place: where the log is and what it is called.
    ///   - keys: the audit keys while the node is unsealed.
    init(
        _ place: AuditPlace,
        store: LocalStore,
        sinks: AuditSinks? = nil,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        keys: @escaping @Sendable () -> AuditKeys?
    ) {
        writer = Mutex(AuditWriter(place))
        self.store = store
        self.sinks = sinks
        self.clock = clock
        self.logger = logger
        signer = keys
        thread.start()
    }

    /// Whom this log's checkpoints go to, as often as ``Limits`` says, while there are new leaves.
    func deliver(to receiver: @escaping @Sendable (AuditHead) -> Void) {
        anchors.withLock { $0 = receiver }
    }

    /// Called on the audit thread when the first line waits for a sync or a checkpoint; until
    /// ``isRestless`` is false again there is somebody to tick.
    func whenRestless(_ hurry: @escaping @Sendable () -> Void) {
        hurrying.withLock { $0 = hurry }
    }

    /// Whether lines wait for a sync or a checkpoint.
    var isRestless: Bool { restless.load(ordering: .sequentiallyConsistent) }

    // MARK: Lines

    /// Writes a line; `done` is called once, on the audit thread or at once.
    ///
    /// - Parameter isOwed: what it is about has begun already, so it does not count against the
    ///   bound: there are at most as many of them as there were lines before.
    func write(
        _ line: [UInt8],
        isOwed: Bool = false,
        done: @escaping @Sendable (AuditOutcome) -> Void
    ) {
        guard line.count <= AuditLimits.recordBytesMax else {
            logger.error("an audit record of \(line.count) bytes was refused")
            return done(.refused)
        }
        let (isTaken, mustWake) = queue.withLock { queue -> (Bool, Bool) in
            let hasRoom =
                queue.jobs.count < Limits.auditWaitingMax
                && queue.bytes + line.count <= Limits.auditWaitingBytesMax
            guard hasRoom || isOwed else { return (false, false) }
            queue.jobs.append(Job(line: line, done: done))
            queue.bytes += line.count
            let mustWake = !queue.isScheduled
            queue.isScheduled = true
            return (true, mustWake)
        }
        guard isTaken else {
            counters.refused()
            return done(.refused)
        }
        if mustWake { wake() }
    }

    /// Lines that wait.
    var waiting: Int { queue.withLock { $0.jobs.count } }

    private func wake() {
        thread.submit { [self] state in
            while true {
                let jobs = take()
                guard !jobs.isEmpty else { return }
                guard state == .active else {
                    for job in jobs { job.done(.refused) }
                    continue
                }
                write(jobs)
            }
        }
    }

    /// What waits, as much as one batch takes.
    private func take() -> [Job] {
        queue.withLock { queue in
            var bytes = 0
            var count = 0
            for job in queue.jobs.prefix(Limits.auditBatchMax) {
                guard count == 0 || bytes + job.line.count <= Limits.auditBatchBytesMax else {
                    break
                }
                bytes += job.line.count
                count += 1
            }
            guard count > 0 else {
                queue.isScheduled = false
                return []
            }
            let jobs = Array(queue.jobs.prefix(count))
            queue.jobs.removeFirst(count)
            queue.bytes -= bytes
            return jobs
        }
    }

    private func write(_ jobs: [Job]) {
        let (outcomes, head, isRestless) = writer.withLock {
            writer -> ([AuditOutcome], AuditHead?, Bool) in
            let outcomes = append(jobs.map(\.line), to: &writer)
            let isDue = writer.uncovered >= AuditLimits.uncoveredLeavesMax
            let head = isDue ? takeHead(&writer) : nil
            return (outcomes, head, writer.uncovered > 0)
        }
        for (job, outcome) in zip(jobs, outcomes) { job.done(outcome) }
        if let head { send(head) }
        if isRestless, !restless.exchange(true, ordering: .sequentiallyConsistent) {
            hurrying.withLock { $0 }?()
        }
    }

    private func append(_ lines: [[UInt8]], to writer: inout AuditWriter) -> [AuditOutcome] {
        let same = { (outcome: AuditOutcome) in
            [AuditOutcome](repeating: outcome, count: lines.count)
        }
        do throws(AuditError) {
            guard try open(&writer) else { return same(.noVault) }
            let leaves = try writer.append(lines, at: clock())
            counters.wrote(lines)
            return leaves.map { .written($0.hash.bytes) }
        } catch {
            fail(error, lines.count)
            return same(.refused)
        }
    }

    /// Says why requests are refused, not more often than it helps.
    private func fail(_ error: AuditError, _ count: Int) {
        if error.isFatal { Halt.now(error, while: "writing the audit log", logger: logger) }
        guard counters.refused(count, at: .now) else { return }
        logger.critical(
            "requests are refused, because they cannot be recorded: \(error.summary)",
            metadata: ["remedy": "\(error.remedy)"]
        )
    }

    // MARK: Time

    /// Called several times a second, and more often while it ``isRestless``.
    func tick() {
        thread.submit { [self] state in
            guard state == .active else { return }
            sinks?.refresh()
            let head = writer.withLock { writer -> AuditHead? in
                tend(&writer)
                if writer.isCheckpointDue(at: .now) { return takeHead(&writer) }
                guard writer.isSyncDue(at: .now) else { return nil }
                do throws(AuditError) {
                    try writer.sync()
                } catch {
                    fail(error, 0)
                }
                return nil
            }
            if let head { send(head) }
        }
    }

    /// Takes room ahead, and says when there is no more of it, or again.
    private func tend(_ writer: inout AuditWriter) {
        do throws(AuditError) {
            guard let room = try writer.tend(), counters.noted(room) else { return }
            guard room.isShort else {
                return logger.notice("there is room for the audit log again")
            }
            logger.error(
                "the disk of the audit log is full: what is kept for it lasts for some more",
                metadata: [
                    "bytes": "\(room.bytes ?? 0)",
                    "remedy": "make room on the disk; when this ends requests are refused",
                ]
            )
        } catch {
            fail(error, 0)
        }
    }

    /// Makes durable what is written, and ends the thread.
    func stop() async {
        // Waited for by itself: what a pool still has when it is shut down may run after that.
        await withCheckedContinuation { stopped in
            thread.submit { [self] _ in
                let head = writer.withLock { takeHead(&$0) }
                if let head { send(head) }
                stopped.resume()
            }
        }
        try? await thread.shutdownGracefully()
        await sinks?.stop()
    }

    private func send(_ head: AuditHead) {
        let receiver = anchors.withLock { $0 }
        receiver?(head)
    }

    /// The log as it is now, durable and signed if there is a key; nil without new leaves.
    private func takeHead(_ writer: inout AuditWriter) -> AuditHead? {
        do throws(AuditError) {
            let head = try writer.head(signedBy: signer(), at: .now)
            counters.checkpointed(writer.size)
            restless.store(writer.uncovered > 0, ordering: .sequentiallyConsistent)
            return head
        } catch {
            fail(error, 0)
            return nil
        }
    }

    // MARK: Opening

    /// - Returns: false where there is no vault.
    private func open(_ writer: inout AuditWriter) throws(AuditError) -> Bool {
        if writer.isSettled { return true }
        let found: (keys: AuditKeyRecord?, isOpened: Bool)
        do throws(BarrierError) {
            found = try store.view { view throws(BarrierError) in
                (try AuditKeyRecord.load(view), try VaultOpening.isOpened(view))
            }
        } catch {
            throw .cryptography("the audit keys cannot be read: \(error.summary)")
        }
        guard let keys = found.keys else { return false }
        let (isNew, damage) = try writer.open(
            keys,
            isFinal: found.isOpened,
            anchor: newestAnchor,
            at: clock()
        )
        guard isNew else { return true }
        counters.began(generation: writer.generation)
        if let damage { report(damage, writer) }
        logger.info("the audit log is open", metadata: ["leaves": "\(writer.size)"])
        return true
    }

    /// What the members keep of one of this node's logs.
    private func newestAnchor(of origin: String) throws(AuditError) -> Audit.Checkpoint? {
        let note: [UInt8]?
        do throws(BarrierError) {
            note = try store.view { view throws(BarrierError) in
                try AuditAnchors.newest(of: origin, view)
            }
        } catch {
            throw .cryptography("the anchor of \(origin) cannot be read: \(error.summary)")
        }
        guard let note else { return nil }
        do throws(NoteError) {
            return try Audit.Checkpoint(text: SignedNote(note).text)
        } catch {
            throw .cryptography("the anchor of \(origin) cannot be read: \(error.summary)")
        }
    }

    private func report(_ damage: AuditError, _ writer: borrowing AuditWriter) {
        logger.critical(
            "the audit log is damaged, and another one was begun beside it: \(damage.summary)",
            metadata: [
                "remedy": "\(damage.remedy)",
                "goes_on_in": "\(writer.folder ?? "")",
            ]
        )
    }

    /// Calls `body` with the log's folder, and with the segment that this process began with, once
    /// the log is open; not at all where there is none.
    func whenOpen(_ body: @escaping @Sendable (String, UInt64) -> Void) {
        thread.submit { [self] state in
            guard state == .active else { return }
            let place = writer.withLock { writer -> (String, UInt64)? in
                do throws(AuditError) {
                    guard try open(&writer), let folder = writer.folder else { return nil }
                    return (folder, writer.firstSegment)
                } catch {
                    fail(error, 0)
                    return nil
                }
            }
            if let place { body(place.0, place.1) }
        }
    }

    /// Opens the log if there is a vault, without writing.
    func begin() {
        thread.submit { [self] state in
            guard state == .active else { return }
            writer.withLock { writer in
                do throws(AuditError) {
                    _ = try open(&writer)
                } catch {
                    fail(error, 0)
                }
            }
        }
    }
}

/// Numbers for metrics, and how often something was said.
final class AuditCounters: Sendable {
    struct Numbers: Sendable {
        var lines: UInt64 = 0
        var bytes: UInt64 = 0
        var refused: UInt64 = 0
        var lastRefusal: Moment?
        var checkpointedLeaves: UInt64 = 0
        /// Logs of this vault that were damaged.
        var damagedLogs: UInt64 = 0
        /// Room on the disk that is kept ahead; nil where none can be.
        var roomBytes: UInt64?
        var isRoomShort = false
    }

    private let state = Mutex((numbers: Numbers(), saidAt: Moment?.none))

    var numbers: Numbers { state.withLock { $0.numbers } }

    func wrote(_ lines: [[UInt8]]) {
        let bytes = lines.reduce(0) { $0 + $1.count }
        state.withLock { state in
            state.numbers.lines += UInt64(lines.count)
            state.numbers.bytes += UInt64(bytes)
        }
    }

    func refused() { state.withLock { $0.numbers.refused += 1 } }

    /// - Returns: whether to say so: not within ten seconds of the last time.
    func refused(_ count: Int, at now: Moment) -> Bool {
        state.withLock { state in
            state.numbers.refused += UInt64(count)
            state.numbers.lastRefusal = now
            if let said = state.saidAt, now - said < .seconds(10) { return false }
            state.saidAt = now
            return true
        }
    }

    func began(generation: UInt64) {
        state.withLock { $0.numbers.damagedLogs = generation - 1 }
    }

    /// - Returns: whether to say so: the disk is full now, or has room again.
    func noted(_ room: AuditLog.Room) -> Bool {
        state.withLock { state in
            state.numbers.roomBytes = room.bytes
            guard state.numbers.isRoomShort != room.isShort else { return false }
            state.numbers.isRoomShort = room.isShort
            return true
        }
    }

    func checkpointed(_ size: UInt64) {
        state.withLock { $0.numbers.checkpointedLeaves = size }
    }
}
