import Raft
import Replica
import Store

// Reads: confirmed, by lease, or of a state that may be so old; on every node.

extension World {
    /// Nanoseconds for which a stale read waits for another member, as in `RequestFlow`.
    private static let confirmStale: UInt64 = 500_000_000

    /// True time that may pass while some clock shows `nanoseconds`.
    static func slowest(_ nanoseconds: UInt64) -> UInt64 {
        nanoseconds / (NodeClock.trueRate - NodeClock.rateErrorMost) * NodeClock.trueRate
            + NodeClock.trueRate
    }

    /// As `RequestFlow` reads: what is fresh enough as it is needs nobody.
    func read(_ operation: Operation, at process: Process) {
        if case .staleRead(let bound) = operation.kind, let asOf = process.core.currentAsOf {
            let end = asOf + .nanoseconds(Int64(bound))
            if instant(process.node) < end {
                let proof = ReadProof(currentAsOf: asOf, validUntil: end)
                return planServe(operation, process.number, proof)
            }
        }
        let mustConfirm = operation.kind == .read(mustConfirm: true)
        askToRead(operation, at: process, mustConfirm: mustConfirm)
    }

    private func askToRead(_ operation: Operation, at process: Process, mustConfirm: Bool) {
        let answer = hearing(operation, from: process)
        let waiter = ReadWaiter(deadline: deadline(process), mustConfirm: mustConfirm) {
            answer(.read($0))
        }
        process.coreInbox.append(.read(waiter))
        wakeCore(process)
    }

    /// The index itself must cover what had been seen: that the view shows more is luck.
    func readReady(_ position: Int, _ number: Int, _ outcome: ReadOutcome) throws {
        guard case .ready(let index, let proof) = outcome else {
            return retry(position, after: dice.draw(2_000_000...40_000_000))
        }
        let floor = clients[position].floor
        guard index.number >= floor else {
            throw Violation("a read is promised entry \(index.number), \(floor) had been seen")
        }
        planServe(clients[position], number, proof)
    }

    /// The answer goes over to an event loop, where the view is opened.
    private func planServe(_ operation: Operation, _ number: Int, _ proof: ReadProof) {
        let event = ClientEvent.serve(
            operation: operation.serial,
            attempt: operation.attempt,
            process: number,
            proof
        )
        queue.add(.client(event), at: now + wakeTime())
    }

    func serve(_ position: Int, at process: Process, _ proof: ReadProof) throws {
        let operation = clients[position]
        let view = SimulatedView(process.store)
        let clock = instant(process.node)
        if let end = proof.validUntil, clock >= end {
            return askToRead(operation, at: process, mustConfirm: true)
        }
        let shown = look(operation, view)
        let doubts = process.store.doubts
        // Corrupt is not absent, a miss is a claim, and what was found may be an older record.
        let verdict = process.trust.verdict(
            on: doubts,
            .init(isAlone: operation.isAlone),
            clock,
            walk: { (bucket) throws(StoreError) in try process.store.bucketDamage(bucket) },
            found: { post(.found($0), toRepairOf: process.node) }
        )
        if case .damaged(let bucket) = verdict { return wait(for: bucket, operation, process) }
        guard let shown else { return retry(position, after: dice.draw(5_000_000...50_000_000)) }
        try checkAge(operation, view, process, proof.currentAsOf.map { clock - $0 })
        if proof.validUntil != nil { counts.unconfirmedReads += 1 }
        clients[position].shown = (shown, view.evaluatedIndex)
        guard case .record(nil) = shown, !doubts.missed.isEmpty, !operation.isAlone else {
            return try answer(position, process.node)
        }
        confirm(doubts.missed, view.evaluatedIndex, clients[position], process)
    }

    /// Nil where damage is in the way.
    private func look(_ operation: Operation, _ view: SimulatedView) -> Shown? {
        let key = Keyspace.key(operation.keys[0])
        do throws(StoreError) {
            guard operation.kind == .list else { return .record(try view.record(key)) }
            return .list(try view.list(key.directory))
        } catch {
            return nil
        }
    }

    /// The client waits for the repair, and what it asked is read again then.
    private func wait(for bucket: Int, _ operation: Operation, _ process: Process) {
        let answer = hearing(operation, from: process)
        mend(bucket, in: process, for: operation.deadline - min(now, operation.deadline)) {
            answer(.mended($0))
        }
    }

    func mended(_ position: Int, _ number: Int, _ isMended: Bool) {
        guard isMended, let process = processes[number] else {
            return retry(position, after: dice.draw(5_000_000...50_000_000))
        }
        read(clients[position], at: process)
    }

    /// "There is none" is confirmed by another member before it is said.
    private func confirm(
        _ missed: [StorageKey],
        _ index: UInt64,
        _ operation: Operation,
        _ process: Process
    ) {
        let answer = hearing(operation, from: process)
        var patience = operation.deadline - min(now, operation.deadline)
        if case .staleRead = operation.kind { patience = min(patience, Self.confirmStale) }
        let question = PresenceQuestion(
            keys: missed,
            index: LogIndex(number: index),
            deadline: instant(process.node) + .nanoseconds(Int64(patience))
        ) {
            answer(.presence($0))
        }
        post(.confirm(question), toRepairOf: process.node)
    }

    func confirmed(_ position: Int, _ number: Int, _ verdict: PresenceVerdict) throws {
        let operation = clients[position]
        guard let process = processes[number] else { return }
        var isStale = false
        if case .staleRead = operation.kind { isStale = true }
        switch verdict {
        case .confirmed:
            counts.confirmed += 1
            try answer(position, process.node)
        // Who takes what this node has by itself gets it: its own digest confirms it, looked at in
        // the view that is answered from.
        case .nobody where isStale:
            clients[position].isAlone = true
            read(clients[position], at: process)
        case .nobody: retry(position, after: dice.draw(5_000_000...50_000_000))
        case .contradicted, .younger:
            say("node \(process.node + 1) is told that something is there after all")
            read(operation, at: process)
        }
    }

    /// The client hears what was shown, which has to be what the log says of that moment.
    private func answer(_ position: Int, _ node: Int) throws {
        let operation = clients[position]
        guard let (shown, index) = operation.shown else {
            preconditionFailure("there is nothing to answer")
        }
        let key = Keyspace.key(operation.keys[0])
        switch shown {
        case .record(let record):
            guard record?.encoded() == checker.oracle.record(of: key, at: index) else {
                throw Violation("node \(node + 1) reads something else at \(index)")
            }
            let found = record.map { record in
                (
                    writer: record.valueBox[8..<16].reduce(0) { $0 << 8 | UInt64($1) },
                    version: record.modificationIndex
                )
            }
            clients.record(operation, .found(found), at: now)
        case .list(let keys):
            let archived = Keyspace.archive..<Keyspace.archive + clients.archived
            let positions = Array(0..<tuning.keyCount) + Array(archived)
            let wanted = positions.map { Keyspace.key($0) }.filter {
                $0.directory == key.directory && checker.oracle.record(of: $0, at: index) != nil
            }
            guard keys == wanted.sorted() else {
                throw Violation(
                    "node \(node + 1) lists \(keys.count) of \(wanted.count) keys at \(index)"
                )
            }
            counts.lists += 1
        }
        hash.mix(operation.serial, index)
        if case .staleRead = operation.kind {} else { checker.observe(index, at: now) }
        clients.end(position)
    }

    /// What is shown is at least as new as all that anybody saw before the read was asked; of a
    /// stale read, before its bound. What the node says of its age is true.
    private func checkAge(
        _ operation: Operation,
        _ view: SimulatedView,
        _ process: Process,
        _ age: Duration?
    ) throws {
        let shown = view.evaluatedIndex
        var wanted = operation.floor
        if case .staleRead(let bound) = operation.kind {
            let oldest = now - min(now, Self.slowest(bound))
            wanted = min(wanted, checker.observed(before: oldest))
        }
        guard shown >= wanted else {
            throw Violation(
                "stale read at node \(process.node + 1): \(shown), but \(wanted) had been seen"
            )
        }
        guard let age else { return }
        let nanoseconds = UInt64(max(0, age.nanoseconds))
        let known = checker.observed(before: now - min(now, Self.slowest(nanoseconds)))
        guard shown >= known else {
            throw Violation(
                "node \(process.node + 1) calls its state \(nanoseconds) ns old: it shows "
                    + "\(shown), but \(known) had been seen before"
            )
        }
    }
}
