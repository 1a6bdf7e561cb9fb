import Dispatch
import Logging
package import Raft
package import Store

/// Work for the evaluation thread, in the order in which it must happen.
package enum EvaluationJob: Sendable {
    /// Committed entries, ascending, each exactly once.
    case entries([LogEntry])
    /// Reads that may be served once this index is evaluated.
    case readers([ReadWaiter], LogIndex)
    /// Someone waits for the outcome of an entry.
    case wait(CommitWaiter)
    /// A snapshot replaced everything through its point.
    case installed(SnapshotPoint)
    /// Entries that were evaluated before, to be looked at once more.
    case inspect([LogEntry], EntryInspector, completion: @Sendable () -> Void)
}

/// What an unsealed node checks in every committed entry before it serves at or past it.
///
/// Called on the evaluation thread, before the entry's effect is visible. The entry is evaluated
/// whatever the inspector finds, because replicas must not differ; whoever set it stops serving.
package typealias EntryInspector = @Sendable (LogEntry, WriteBatch) -> Void

/// The evaluation thread: committed entries become layers of the overlay, and answers leave.
///
/// Its own thread, because reading the store may wait for the disk: neither heartbeats (core) nor
/// appends (storage) may wait for that, and an answer must not wait for the next append's flush.
final class Evaluator {
    private struct Remembered {
        var index = LogIndex.zero
        var term = Term.zero
        var outcome = CommitOutcome.unknown
    }

    private let store: LocalStore
    private let mailbox: Mailbox<EvaluationJob>
    private let core: Mailbox<CoreInput>
    private let storage: Mailbox<StorageJob>
    private let inspector: () -> EntryInspector?
    private let logger: Logger
    private var evaluated: LogIndex
    private var commitWaiters: [LogIndex: [CommitWaiter]] = [:]
    private var readWaiters: [(index: LogIndex, waiter: ReadWaiter)] = []
    private var remembered: [Remembered]
    private var lastSweep = ContinuousClock.now

    init(
        store: LocalStore,
        mailbox: Mailbox<EvaluationJob>,
        core: Mailbox<CoreInput>,
        storage: Mailbox<StorageJob>,
        evaluated: LogIndex,
        logger: Logger,
        inspector: @escaping () -> EntryInspector?
    ) {
        self.store = store
        self.mailbox = mailbox
        self.core = core
        self.storage = storage
        self.evaluated = evaluated
        self.logger = logger
        self.inspector = inspector
        remembered = Array(repeating: Remembered(), count: Limits.outcomesRemembered)
    }

    /// Runs until the mailbox is closed.
    func run() {
        while let jobs = mailbox.take(
            most: Limits.inputsPerTurnMax,
            until: .now() + .milliseconds(250)
        ) {
            for job in jobs { perform(job) }
            sweep()
        }
    }

    private func perform(_ job: EvaluationJob) {
        switch job {
        case .entries(let entries):
            for entry in entries { evaluate(entry) }
            core.post(.raft(.evaluated(evaluated)))
            releaseReaders()
        case .readers(let waiters, let index):
            if index <= evaluated {
                for waiter in waiters { waiter.completion(.ready(evaluated)) }
            } else {
                readWaiters += waiters.map { (index, $0) }
            }
        case .wait(let waiter): register(waiter)
        case .installed(let point): installed(point)
        case .inspect(let entries, let inspect, let completion):
            for entry in entries where entry.kind == .batch {
                inspect(entry, decoded(entry))
            }
            completion()
        }
    }

    /// - Returns: the entry's batch. One that does not decode ends the process: going on would make
    ///   this replica differ from the others.
    private func decoded(_ entry: LogEntry) -> WriteBatch {
        do throws(StoreError) {
            return try WriteBatch(decoding: entry.body)
        } catch {
            Halt.now(error, while: "reading entry \(entry.index.number)", logger: logger)
        }
    }

    /// One committed entry: decide, publish, answer.
    private func evaluate(_ entry: LogEntry) {
        guard entry.index > evaluated else { return }
        precondition(entry.index == evaluated.next, "committed entries arrive without gaps")
        waitForRoom()
        var layer = OverlayLayer(index: entry.index.number, writes: [], requestID: nil)
        var outcome = CommitOutcome.applied
        if entry.kind == .batch {
            (layer, outcome) = evaluateBatch(entry)
        }
        store.appendLayer(layer)
        evaluated = entry.index
        storage.post(.apply(layer, entry.term))
        remember(entry, outcome)
    }

    private func evaluateBatch(_ entry: LogEntry) -> (OverlayLayer, CommitOutcome) {
        let batch = decoded(entry)
        if let inspect = inspector() { inspect(entry, batch) }
        do throws(StoreError) {
            let evaluation = try store.view { view throws(StoreError) -> Evaluation? in
                // A snapshot beyond this entry was installed meanwhile: its effect is in there.
                guard view.evaluatedIndex < entry.index.number else { return nil }
                return try Store.evaluate(batch, at: entry.index.number, in: view)
            }
            switch evaluation {
            case nil:
                return (empty(entry), .unknown)
            case .applied(let layer):
                return (layer, .applied)
            case .duplicate(let first):
                return (empty(entry), .duplicate(of: LogIndex(number: first)))
            case .rejected:
                return (empty(entry), .rejected)
            }
        } catch {
            // An operation that this version does not know, or a record that cannot be read:
            // going on would make this replica differ from the others.
            Halt.now(error, while: "evaluating entry \(entry.index.number)", logger: logger)
        }
    }

    private func empty(_ entry: LogEntry) -> OverlayLayer {
        OverlayLayer(index: entry.index.number, writes: [], requestID: nil)
    }

    /// The overlay is the back-pressure point: evaluation waits for the disk, never the reverse.
    private func waitForRoom() {
        while !mailbox.isClosed,
            store.overlayCount >= Limits.overlayLayersMax
                || store.overlayBytes >= Limits.overlayBytesMax
        {
            // The storage thread applies overdue layers by itself; a short sleep is enough.
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(1))
        }
    }

    private func remember(_ entry: LogEntry, _ outcome: CommitOutcome) {
        let slot = Int(entry.index.number % UInt64(remembered.count))
        remembered[slot] = Remembered(index: entry.index, term: entry.term, outcome: outcome)
        guard let waiters = commitWaiters.removeValue(forKey: entry.index) else { return }
        for waiter in waiters {
            waiter.completion(waiter.term == entry.term ? outcome : .superseded)
        }
    }

    private func register(_ waiter: CommitWaiter) {
        guard waiter.index <= evaluated else {
            commitWaiters[waiter.index, default: []].append(waiter)
            return
        }
        let known = remembered[Int(waiter.index.number % UInt64(remembered.count))]
        guard known.index == waiter.index else { return waiter.completion(.unknown) }
        waiter.completion(known.term == waiter.term ? known.outcome : .superseded)
    }

    private func releaseReaders() {
        guard !readWaiters.isEmpty else { return }
        var waiting: [(index: LogIndex, waiter: ReadWaiter)] = []
        for (index, waiter) in readWaiters {
            if index <= evaluated {
                waiter.completion(.ready(evaluated))
            } else {
                waiting.append((index, waiter))
            }
        }
        readWaiters = waiting
    }

    /// The snapshot stands for entries whose outcomes this node never saw.
    private func installed(_ point: SnapshotPoint) {
        guard point.index > evaluated else { return }
        evaluated = point.index
        for index in commitWaiters.keys.filter({ $0 <= point.index }).sorted() {
            for waiter in commitWaiters.removeValue(forKey: index) ?? [] {
                waiter.completion(.unknown)
            }
        }
        releaseReaders()
        core.post(.raft(.evaluated(evaluated)))
    }

    /// Ends the wait of those whose deadline passed, a few times a second.
    private func sweep() {
        let now = ContinuousClock.now
        guard now - lastSweep >= .milliseconds(200) else { return }
        lastSweep = now
        for index in commitWaiters.keys.sorted() {
            guard let waiters = commitWaiters[index] else { continue }
            let late = waiters.filter { $0.deadline <= now }
            guard !late.isEmpty else { continue }
            let rest = waiters.filter { $0.deadline > now }
            commitWaiters[index] = rest.isEmpty ? nil : rest
            for waiter in late { waiter.completion(.unknown) }
        }
        let late = readWaiters.filter { $0.waiter.deadline <= now }
        readWaiters.removeAll { $0.waiter.deadline <= now }
        for (_, waiter) in late { waiter.completion(.refused(.notLeader(hint: nil))) }
    }
}
