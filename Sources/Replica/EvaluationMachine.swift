package import Raft
package import Store
import Wire

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
package typealias EntryInspector = @Sendable (LogEntry, InspectedBody) -> Void

/// What an inspector looks at.
package enum InspectedBody: Sendable {
    case batch(WriteBatch)
    /// Its ``Raft/ConfigurationEntry/authorisation`` says what entitles it.
    case configuration(ConfigurationEntry)
}

/// What the evaluation machine says to the others. Nothing of it may be dropped or change places.
package protocol EvaluationPorts {
    func tellCore(_ input: CoreInput)
    func tellStorage(_ job: StorageJob)
    /// What looks at each batch now, if anything does.
    var inspector: EntryInspector? { get }
    /// Asks other members for what a bucket lost, after which the entry is evaluated again.
    ///
    /// - Returns: false when nobody can be asked: then the process ends.
    func mend(_ bucket: Int) -> Bool
    /// Whether anybody else has copies of what this node has.
    var hasOthers: Bool { get }
}

extension EvaluationPorts {
    /// Alone: nobody has another copy.
    package func mend(_ bucket: Int) -> Bool { false }
    /// Alone.
    package var hasOthers: Bool { false }
}

/// The evaluation thread's work without the thread: committed entries become layers of the
/// overlay, and answers leave.
///
/// A thread of its own, because reading the store may wait for the disk: neither heartbeats (core)
/// nor appends (storage) may wait for that, and an answer must not wait for the next append's
/// flush.
package final class EvaluationMachine {
    private struct Remembered {
        var index = LogIndex.zero
        var term = Term.zero
        var outcome = CommitOutcome.unknown
    }

    private let storage: any ReplicaStorage
    private let ports: any EvaluationPorts
    private var evaluated: LogIndex
    /// Jobs that wait for room in the overlay, in order, from `head` on.
    private var backlog: [EvaluationJob] = []
    private var head = 0
    private var commitWaiters: [LogIndex: [CommitWaiter]] = [:]
    private var readWaiters: [(index: LogIndex, waiter: ReadWaiter)] = []
    private var remembered: [Remembered]
    private var lastSweep: Moment
    /// An entry that met a damaged record is not evaluated again before this.
    private var mendedAt: Moment
    private let trust: BucketTrust

    /// - Parameters:
    ///   - evaluated: what the storage has applied at the start.
    ///   - trust: which buckets are known to be whole, shared with whoever reads.
    package init(
        storage: any ReplicaStorage,
        ports: any EvaluationPorts,
        evaluated: LogIndex,
        trust: BucketTrust = BucketTrust(),
        now: Moment
    ) {
        self.storage = storage
        self.ports = ports
        self.evaluated = evaluated
        self.trust = trust
        lastSweep = now
        mendedAt = now
        remembered = Array(repeating: Remembered(), count: Limits.outcomesRemembered)
    }

    /// How long the next turn may be awaited. While the overlay is full: a moment, because the
    /// storage machine applies overdue layers by itself.
    package var waitMilliseconds: Int { backlog.isEmpty ? 250 : 1 }

    /// Handles what has come, in order. What finds the overlay full waits for a later turn, and so
    /// does everything behind it: evaluation waits for the disk, never the reverse.
    package func turn(
        _ jobs: [EvaluationJob],
        now: Moment
    ) throws(WorkFailure) {
        if backlog.isEmpty { backlog = jobs } else { backlog += jobs }
        while head < backlog.count, try perform(backlog[head], now) { head += 1 }
        if head == backlog.count {
            backlog = []
            head = 0
        }
        sweep(now)
    }

    /// - Returns: false when the job has to be begun again once the overlay has room.
    private func perform(
        _ job: EvaluationJob,
        _ now: Moment
    ) throws(WorkFailure) -> Bool {
        switch job {
        case .entries(let entries):
            for entry in entries where entry.index > evaluated {
                guard hasRoom, now >= mendedAt, try evaluate(entry, now) else { return false }
            }
            ports.tellCore(.raft(.evaluated(evaluated)))
            releaseReaders()
        case .readers(let waiters, let index):
            if index <= evaluated {
                for waiter in waiters { waiter.completion(.ready(evaluated, waiter.proof)) }
            } else {
                readWaiters += waiters.map { (index, $0) }
            }
        case .wait(let waiter): register(waiter)
        case .installed(let point):
            trust.forget(now)
            installed(point)
        case .inspect(let entries, let inspect, let completion):
            for entry in entries {
                switch entry.kind {
                case .batch: inspect(entry, .batch(try decoded(entry)))
                case .configuration: inspect(entry, .configuration(try reconfiguration(entry)))
                case .noop: break
                }
            }
            completion()
        }
        return true
    }

    /// - Returns: the entry's batch. One that does not decode ends the process: going on would make
    ///   this replica differ from the others.
    private func decoded(_ entry: LogEntry) throws(WorkFailure) -> WriteBatch {
        do throws(StoreError) {
            return try WriteBatch(decoding: entry.body)
        } catch {
            throw WorkFailure(error, while: "reading entry \(entry.index.number)")
        }
    }

    private func reconfiguration(_ entry: LogEntry) throws(WorkFailure) -> ConfigurationEntry {
        do throws(WireError) {
            return try ConfigurationEntry(decoding: entry.body)
        } catch {
            throw WorkFailure(
                .damagedLogHeader(index: entry.index.number, reason: error.summary),
                while: "reading entry \(entry.index.number)"
            )
        }
    }

    /// One committed entry: decide, publish, answer.
    ///
    /// - Returns: false when it met a damaged record, or missed one in a bucket that lost some, and
    ///   others are asked for it. Corrupt is not absent: to decide without it could make this
    ///   replica differ from them.
    private func evaluate(
        _ entry: LogEntry,
        _ now: Moment
    ) throws(WorkFailure) -> Bool {
        precondition(entry.index == evaluated.next, "committed entries arrive without gaps")
        var layer = OverlayLayer(index: entry.index.number, writes: [], requestID: nil)
        var outcome = CommitOutcome.applied
        switch entry.kind {
        case .batch:
            do throws(WorkFailure) {
                (layer, outcome) = try evaluateBatch(entry, now)
            } catch {
                guard let bucket = error.error.bucketToRepair, ports.mend(bucket) else {
                    throw error
                }
                mendedAt = now + .milliseconds(Limits.repairPauseMilliseconds)
                return false
            }
        case .configuration:
            // No effect on the state: the core has gone by it since it was appended.
            let decoded = try reconfiguration(entry)
            if let inspect = ports.inspector { inspect(entry, .configuration(decoded)) }
            ports.tellStorage(
                .reconfigured(AppliedConfiguration(decoded.configuration, at: entry.index))
            )
        case .noop: break
        }
        storage.appendLayer(layer)
        evaluated = entry.index
        ports.tellStorage(.apply(layer, entry.term))
        remember(entry, outcome)
        return true
    }

    private func evaluateBatch(
        _ entry: LogEntry,
        _ now: Moment
    ) throws(WorkFailure) -> (OverlayLayer, CommitOutcome) {
        let batch = try decoded(entry)
        if let inspect = ports.inspector { inspect(entry, .batch(batch)) }
        do throws(StoreError) {
            guard let evaluation = try evaluateWhole(batch, at: entry.index, now) else {
                // A snapshot beyond this entry was installed meanwhile: its effect is in there.
                return (empty(entry), .unknown)
            }
            switch evaluation {
            case .applied(let layer):
                return (layer, .applied)
            case .duplicate(let first):
                return (empty(entry, at: batch.time), .duplicate(of: LogIndex(number: first)))
            case .rejected:
                return (empty(entry, at: batch.time), .rejected)
            }
        } catch {
            // An operation that this version does not know, or a record that cannot be read:
            // going on would make this replica differ from the others.
            throw WorkFailure(error, while: "evaluating entry \(entry.index.number)")
        }
    }

    /// What a batch comes to in a state that lost nothing that it rests on.
    ///
    /// A repair may be committed between the moment that was evaluated and the one in which the
    /// buckets are found whole: then that says nothing, and it is evaluated once more. Each time
    /// takes another repair, so this ends.
    private func evaluateWhole(
        _ batch: WriteBatch,
        at index: LogIndex,
        _ now: Moment
    ) throws(StoreError) -> Evaluation? {
        while let evaluated = try storage.evaluate(batch, at: index.number) {
            // A check fails on a miss only when something was removed in between, or lost here.
            let isRejected = if case .rejected = evaluated.evaluation { true } else { false }
            try requireWhole(evaluated.absences, now, isCertain: isRejected)
            // Who has the only copy goes by what it found: nothing newer can be had.
            if ports.hasOthers, !planted("decidesOnOldRecords") {
                try requireWhole(evaluated.found, now, isCertain: false)
            }
            if try storage.shows(evaluated.edition) { return evaluated.evaluation }
        }
        return nil
    }

    /// A check, an `ensure` or a `prune` decides as on the other replicas only if this one lost
    /// neither a record nor the newest write to it. Each replica looks at its own digest, because
    /// to ask another one would put a round trip into every entry that rests on something.
    ///
    /// - Parameter isCertain: look now, whenever the bucket was looked at last.
    private func requireWhole(
        _ buckets: BucketSet,
        _ now: Moment,
        isCertain: Bool
    ) throws(StoreError) {
        for bucket in isCertain ? buckets.all : trust.unseen(of: buckets, now) {
            if let reason = try storage.bucketDamage(bucket),
                !planted("decidesOnShortBuckets")
            {
                throw .damagedBucket(number: bucket, reason: reason)
            }
            trust.saw(bucket, now)
        }
    }

    /// What does nothing advances cluster time all the same, so that it depends on the log alone.
    private func empty(_ entry: LogEntry, at time: UInt64 = 0) -> OverlayLayer {
        OverlayLayer(index: entry.index.number, writes: [], requestID: nil, time: time)
    }

    /// The overlay is the back-pressure point.
    private var hasRoom: Bool {
        storage.overlayCount < Limits.overlayLayersMax
            && storage.overlayBytes < Limits.overlayBytesMax
    }

    private func remember(_ entry: LogEntry, _ outcome: CommitOutcome) {
        let slot = Int(entry.index.number % UInt64(remembered.count))
        remembered[slot] = Remembered(index: entry.index, term: entry.term, outcome: outcome)
        guard let waiters = commitWaiters.removeValue(forKey: entry.index) else { return }
        for waiter in waiters {
            let isOwn = waiter.term == entry.term || planted("answersForOtherTerms")
            waiter.completion(isOwn ? outcome : .superseded)
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
                waiter.completion(.ready(evaluated, waiter.proof))
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
        ports.tellCore(.raft(.evaluated(evaluated)))
    }

    /// Ends the wait of those whose deadline passed, a few times a second.
    private func sweep(_ now: Moment) {
        guard now.nanoseconds(since: lastSweep) >= 200_000_000 else { return }
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
