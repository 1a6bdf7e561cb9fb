import Raft
import Replica
import Store

// The turns of a process's three machines, and what leaves them.

extension World {
    func turnCore(_ process: Process) throws {
        process.coreDue = .max
        let inputs = Self.take(&process.coreInbox)
        if !process.coreInbox.isEmpty { wakeCore(process) }
        process.core.turn(inputs, now: instant(process.node))
        try drainCore(process)
        planTick(process)
        if let end = process.lastsUntil, process.core.standing.commit > end {
            try doom(process.number)
        }
    }

    func planTick(_ process: Process) {
        let local = UInt64(process.core.nextTick.nanoseconds)
        let due = nodes[process.node].clock.time(of: local, notBefore: now)
        setIdle(&process.coreTick, at: max(due, now + 1), .core(process: process.number))
    }

    private func drainCore(_ process: Process) throws {
        let ports = process.ports
        let position = process.node
        for alarm in ports.alarms { try alarmed(alarm, at: position) }
        ports.alarms.removeAll(keepingCapacity: true)
        // Roles first: what is said in a term is checked against who leads it.
        for (role, term, leader) in ports.roles {
            say("node \(position + 1) is \(role) in term \(term.number)")
            hash.mix(UInt64(position) << 8 | 1, term.number << 2 | UInt64(role.ordinal))
            if role == .leader { elected(process) }
            try checker.roleChanged(position, role, term, leader)
        }
        let hasNewRole = !ports.roles.isEmpty
        ports.roles.removeAll(keepingCapacity: true)
        try checkTurn(process, hasNewRole)
        if !ports.messages.isEmpty {
            for (message, target) in ports.messages {
                try checker.leaving(message, from: nodes[position], to: target)
                send(message, from: position, to: Int(target.number) - 1)
            }
            ports.messages.removeAll(keepingCapacity: true)
        }
        if !ports.storageJobs.isEmpty {
            for job in ports.storageJobs { try checker.persisting(job, by: process) }
            Self.move(&ports.storageJobs, to: &process.storageInbox)
            wakeStorage(process, at: now + wakeTime())
        }
        if !ports.evaluationJobs.isEmpty {
            Self.move(&ports.evaluationJobs, to: &process.evaluationInbox)
            wakeEvaluation(process, at: now + wakeTime())
        }
        if !ports.courierJobs.isEmpty {
            for job in ports.courierJobs { post(job, to: process) }
            ports.courierJobs.removeAll(keepingCapacity: true)
        }
        try drainRepair(process)
        try handleAnswers()
    }

    /// What the core's turn has changed, against the rules.
    private func checkTurn(_ process: Process, _ hasNewRole: Bool) throws {
        let known = checker.oracle.lastIndex
        let commit = checker.commit(of: process.node)
        try checker.turned(process, isNewRole: hasNewRole)
        let before = process.configuration
        let since = process.ports.configurations
        if let newest = since.last {
            process.configuration = newest
            let own = nodes[process.node].id
            post(
                .members(newest.members.map(\.id).filter { $0 != own }),
                toRepairOf: process.node
            )
            process.ports.configurations.removeAll(keepingCapacity: true)
        }
        let standing = process.core.standing
        if standing.role == .leader {
            if hasNewRole, process.ledTerm != standing.term { try checkElection(process) }
            if process.ledTerm == standing.term, standing.commit.number > commit {
                // Within a turn the configuration may change after something was committed.
                try checkQuorum(process, [before] + since)
            }
            process.ledTerm = standing.term
        }
        if hasNewRole, standing.role == .preCandidate || standing.role == .candidate {
            try checker.campaigning(process)
        }
        guard checker.oracle.lastIndex > known else { return }
        commitTimes += repeatElement(now, count: Int(checker.oracle.lastIndex - known))
        growIfAdmitted()
    }

    // MARK: Storage

    func turnStorage(_ process: Process) throws {
        process.storageDue = .max
        let jobs = Self.take(&process.storageInbox)
        do throws(WorkFailure) {
            try process.storage.turn(jobs, now: instant(process.node))
        } catch {
            return try stopped(process, error)
        }
        // Behind what waited before them.
        if process.storageInbox.isEmpty {
            let writes = process.repairWrites
            process.repairWrites = []
            for write in writes { write(process.store) }
            if !writes.isEmpty { try drainRepair(process) }
            guard processes[process.number] != nil else { return }
        }
        for checkpoint in process.ports.checkpoints {
            post(.checkpoint(checkpoint), toRepairOf: process.node)
        }
        process.ports.checkpoints.removeAll(keepingCapacity: true)
        try diskWorks(process)
    }

    /// Waits for the flushes that a turn asked for; what it said is heard afterwards.
    func diskWorks(_ process: Process) throws {
        Self.move(&process.ports.coreInputs, to: &process.heldForCore)
        let flushes = process.store.takeFlushes()
        guard flushes > 0 else { return try storageDone(process) }
        let disk = nodes[process.node].disk
        var done = max(now, disk.stalledUntil)
        for _ in 0..<flushes { done += dice.draw(disk.flushTime) }
        process.isStorageBusy = true
        process.watch.begin()
        process.commitBegun = now
        queue.add(.storageDone(process: process.number), at: done)
    }

    func storageDone(_ process: Process) throws {
        if process.isStorageBusy {
            process.commits = StreamPacer.Commits(
                count: process.commits.count + 1,
                nanoseconds: process.commits.nanoseconds + now - process.commitBegun
            )
        }
        process.isStorageBusy = false
        process.watch.end(hasWritten: true)
        let node = nodes[process.node]
        do throws(StoreError) {
            try node.disk.finish()
        } catch {
            throw Violation("the disk of node \(process.node + 1) differs: \(error.summary)")
        }
        try checker.durable(node)
        if !process.heldForCore.isEmpty {
            Self.move(&process.heldForCore, to: &process.coreInbox)
            wakeCore(process)
        }
        if process.storageInbox.isEmpty, process.repairWrites.isEmpty {
            let wait = UInt64(process.storage.waitMilliseconds) * 1_000_000
            setIdle(&process.storageIdle, at: now + wait, .storage(process: process.number))
        } else {
            wakeStorage(process, at: now + 1_000)
        }
    }

    // MARK: Evaluation

    func turnEvaluation(_ process: Process) throws {
        process.evaluationDue = .max
        let jobs = Self.take(&process.evaluationInbox)
        do throws(WorkFailure) {
            try process.evaluation.turn(jobs, now: instant(process.node))
        } catch {
            return try stopped(process, error)
        }
        for layer in process.store.takeEvaluated() {
            try checker.evaluated(layer, by: nodes[process.node].id)
        }
        let ports = process.ports
        if !ports.mends.isEmpty { mendForEvaluation(process) }
        if !ports.coreInputs.isEmpty {
            Self.move(&ports.coreInputs, to: &process.coreInbox)
            wakeCore(process)
        }
        if !ports.storageJobs.isEmpty {
            Self.move(&ports.storageJobs, to: &process.storageInbox)
            wakeStorage(process, at: now + wakeTime())
        }
        let wait = UInt64(process.evaluation.waitMilliseconds) * 1_000_000
        setIdle(&process.evaluationIdle, at: now + wait, .evaluation(process: process.number))
        if !process.evaluationInbox.isEmpty { wakeEvaluation(process, at: now + wakeTime()) }
        try handleAnswers()
    }
}

// MARK: - Mail

extension World {
    /// What one turn takes of an inbox, which is nearly always all of it: then nothing is copied.
    static func take<Job>(_ inbox: inout [Job]) -> [Job] {
        var taken: [Job] = []
        swap(&taken, &inbox)
        guard taken.count > Limits.inputsPerTurnMax else { return taken }
        inbox = Array(taken[Limits.inputsPerTurnMax...])
        taken.removeSubrange(Limits.inputsPerTurnMax...)
        return taken
    }

    /// Puts all that was said behind what waits in an inbox.
    static func move<Job>(_ said: inout [Job], to inbox: inout [Job]) {
        if inbox.isEmpty { return swap(&said, &inbox) }
        inbox += said
        said.removeAll(keepingCapacity: true)
    }
}

extension Role {
    /// For the trace's hash.
    var ordinal: Int {
        switch self {
        case .follower: 0
        case .preCandidate: 1
        case .candidate: 2
        case .leader: 3
        }
    }
}
