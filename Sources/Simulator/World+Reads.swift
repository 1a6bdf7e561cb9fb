import Raft
import Replica
import Store

// Reads: confirmed, by lease, or of a state that may be so old; on every node.

extension World {
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
        var mustConfirm = false
        if case .read(mustConfirm: true) = operation.kind { mustConfirm = true }
        askToRead(operation, at: process, mustConfirm: mustConfirm)
    }

    private func askToRead(_ operation: Operation, at process: Process, mustConfirm: Bool) {
        let (answers, number) = (answers, process.number)
        let (serial, attempt) = (operation.serial, operation.attempt)
        let waiter = ReadWaiter(deadline: deadline(process), mustConfirm: mustConfirm) {
            answers.add(
                AnswerBox.Addressed(
                    process: number,
                    operation: serial,
                    attempt: attempt,
                    answer: .read($0)
                )
            )
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
        try checkAge(operation, view, process, proof.currentAsOf.map { clock - $0 })
        if proof.validUntil != nil { counts.unconfirmedReads += 1 }
        let key = Keyspace.key(operation.keys[0])
        // A damaged record is an error to the client, never an absence.
        if let record = try? view.record(key) {
            try compare(record.encoded(), key, view.evaluatedIndex, process)
            let writer = record.valueBox[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
            clients.record(
                operation,
                .found((writer: writer, version: record.modificationIndex)),
                at: now
            )
        } else if (try? view.contains(key)) == false {
            try compare(nil, key, view.evaluatedIndex, process)
            clients.record(operation, .found(nil), at: now)
        }
        hash.mix(operation.serial, view.evaluatedIndex)
        if case .read = operation.kind { checker.observe(view.evaluatedIndex, at: now) }
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
        let nanoseconds = UInt64(max(0, age / .nanoseconds(1)))
        let known = checker.observed(before: now - min(now, Self.slowest(nanoseconds)))
        guard shown >= known else {
            throw Violation(
                "node \(process.node + 1) calls its state \(nanoseconds) ns old: it shows "
                    + "\(shown), but \(known) had been seen before"
            )
        }
    }

    private func compare(
        _ bytes: [UInt8]?,
        _ key: StorageKey,
        _ index: UInt64,
        _ process: Process
    ) throws {
        guard bytes == checker.oracle.record(of: key, at: index) else {
            throw Violation("node \(process.node + 1) reads something else at \(index)")
        }
    }
}
