import Raft
import Replica
import Store

// The clients: an open loop of operations, each with its patience and its repeats.

extension World {
    static let openMost = 400

    func startClients() {
        guard settings.operationsPerSecond > 0 else { return }
        clients.isActive = true
        queue.add(.arrival, at: now + 1)
    }

    func operationArrives() {
        guard clients.isActive else { return }
        let interval = 1_000_000_000 / UInt64(settings.operationsPerSecond)
        queue.add(.arrival, at: now + interval / 2 + dice.draw(0...interval))
        guard clients.open.count < Self.openMost else { return }
        let kind = drawKind()
        begin(kind, on: drawArchived(for: kind))
    }

    /// Some of the puts and reads are of the archive; now and then of a key that nobody wrote.
    private func drawArchived(for kind: OperationKind) -> Int? {
        guard tuning.hasArchive, kind.isRead || kind == .put, dice.chance(160) else { return nil }
        guard kind.isRead else { return clients.nextArchived() }
        return Keyspace.archive + dice.below(clients.archived + 2)
    }

    private func drawKind() -> OperationKind {
        switch dice.below(16) {
        case 0..<3: .put
        case 3..<7: .checkedPut
        case 7..<9: .pairOfPuts
        case 9: .delete
        default: drawReadKind()
        }
    }

    private func drawReadKind() -> OperationKind {
        let bound: UInt64 = [50, 200, 1_000, 5_000][dice.below(4)]
        switch dice.below(4) {
        case 0: return .read(mustConfirm: true)
        case 1: return dice.chance(256) ? .list : .staleRead(bound: bound * 1_000_000)
        default: return .read(mustConfirm: false)
        }
    }

    /// - Parameters:
    ///   - node: whom it is first asked of; nil: any.
    ///   - pause: nanoseconds until then.
    ///   - position: of its key; nil: any that is not in the archive.
    @discardableResult
    func begin(
        _ kind: OperationKind,
        at node: Int? = nil,
        after pause: UInt64 = 0,
        on position: Int? = nil
    ) -> UInt64 {
        let first = position ?? dice.below(tuning.keyCount)
        let second = dice.below(tuning.keyCount)
        let isPair = kind == .pairOfPuts && second != first
        let id = Self.requestID(clients.nextSerial)
        let deadline = now + dice.draw(1_000_000_000...6_000_000_000)
        let floor = checker.observed
        let serial = clients.begin { serial in
            Operation(
                serial: serial,
                kind: kind,
                keys: isPair ? [first, second] : [first],
                requestID: id,
                floor: floor,
                call: now,
                deadline: deadline,
                firstNode: node
            )
        }
        if kind.isRead { counts.reads += 1 } else { counts.writes += 1 }
        if pause == 0 {
            attempt(serial)
        } else {
            queue.add(.client(.attempt(operation: serial)), at: now + pause)
        }
        return serial
    }

    private static func requestID(_ serial: UInt64) -> [UInt8] {
        let words = (TraceHash.scramble(serial), serial)
        return (0..<16).map { position in
            let word = position < 8 ? words.0 : words.1
            return UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64(position & 7)))
        }
    }

    // MARK: Attempts

    func handle(_ event: ClientEvent) throws {
        switch event {
        case .attempt(let serial): attempt(serial)
        case .attemptTimeout(let serial, let number):
            guard let position = clients.position(of: serial),
                clients[position].attempt == number
            else { return }
            // The node that had it may have died, or the answer was lost.
            clients[position].isUncertain = !clients[position].kind.isRead
            counts.retries += 1
            retry(position, after: 1_000_000)
        case .forwarded(let serial, let number, let process):
            guard let position = clients.position(of: serial),
                clients[position].attempt == number, let target = processes[process],
                target.pausedUntil <= now
            else { return }
            propose(clients[position], at: target)
        case .replied(let serial, let number, let process, let outcome):
            guard let position = clients.position(of: serial),
                clients[position].attempt == number
            else { return }
            try replied(position, process, outcome)
        case .serve(let serial, let number, let process, let proof):
            guard let position = clients.position(of: serial),
                clients[position].attempt == number, let holder = processes[process]
            else { return }
            guard holder.pausedUntil <= now else { return holder.deferred.append(.client(event)) }
            try serve(position, at: holder, proof)
        }
    }

    /// Picks a node, as a client behind a load balancer does, and asks it.
    private func attempt(_ serial: UInt64) {
        guard let position = clients.position(of: serial) else { return }
        guard now < clients[position].deadline else { return giveUp(position) }
        clients.attempts += 1
        clients[position].attempt = clients.attempts
        let node = clients[position].firstNode.take() ?? dice.below(nodes.count)
        guard let process = nodes[node].process, process.pausedUntil <= now else {
            return retry(position, after: dice.draw(5_000_000...50_000_000))
        }
        // A node that knows no leader says so at once, nearly always without asking its core: most
        // of what clients try while nobody leads ends here.
        if process.core.standing.leader == nil, clients[position].kind.needsLeader,
            !dice.chance(128)
        {
            return retry(position, after: dice.draw(5_000_000...80_000_000))
        }
        clients[position].holder = process.number
        clients[position].since = clients[position].since ?? process.core.standing.evaluated
        let operation = clients[position]
        let patience: UInt64 = dice.draw(400_000_000...1_500_000_000)
        queue.add(
            .client(.attemptTimeout(operation: serial, attempt: operation.attempt)),
            at: now + patience
        )
        guard !operation.kind.isRead else { return read(operation, at: process) }
        let leader = process.core.standing.leader.map { Int($0.number) - 1 } ?? node
        guard leader != node else { return propose(operation, at: process) }
        // To the leader it goes over the peers' connection.
        guard let target = nodes[leader].process, !network.isCut(node, leader),
            !dice.chance(network.loss)
        else { return }
        let event = ClientEvent.forwarded(
            operation: serial,
            attempt: operation.attempt,
            process: target.number
        )
        queue.add(.client(event), at: now + network.drawDelay(&dice))
    }

    func retry(_ position: Int, after pause: UInt64) {
        clients.attempts += 1
        clients[position].attempt = clients.attempts
        let serial = clients[position].serial
        queue.add(.client(.attempt(operation: serial)), at: now + pause)
    }

    private func giveUp(_ position: Int) {
        let operation = clients[position]
        if operation.isUncertain {
            counts.unknown += 1
            clients.record(operation, .unknown, at: now)
        } else if !operation.kind.isRead {
            clients.refused.append(operation.requestID)
        }
        clients.end(position)
    }

    func deadline(_ process: Process) -> Moment {
        instant(process.node) + .seconds(3)
    }

    private func propose(_ operation: Operation, at process: Process) {
        // As `RequestFlow` does: what is left is for deletes, and for what is committed.
        if process.store.space == .reserved, operation.kind != .delete,
            let position = clients.position(of: operation.serial)
        {
            return retry(position, after: dice.draw(5_000_000...80_000_000))
        }
        guard let (batch, versions) = prepare(operation, at: process) else { return }
        if let own = clients.position(of: operation.serial) {
            clients[own].proposals += 1
            clients[own].versions = versions
        }
        let answer = hearing(operation, from: process)
        var onCommitted: (@Sendable (CommitOutcome) -> Void)?
        if operation.holder == process.number { onCommitted = { answer(.committed($0)) } }
        let proposal = BatchProposal(
            batch: batch,
            since: operation.since,
            deadline: deadline(process),
            onProposed: { answer(.proposed($0)) },
            onCommitted: onCommitted
        )
        process.coreInbox.append(.propose(proposal))
        wakeCore(process)
    }

    /// A batch as `Vault` prepares one: on what this node sees, named in its base index.
    ///
    /// - Returns: the batch and the versions that it checks; nil when the node meets a damaged
    ///   record, of which it tells the client.
    private func prepare(
        _ operation: Operation,
        at process: Process
    ) -> (WriteBatch, versions: [UInt64])? {
        let view = SimulatedView(process.store)
        var versions: [UInt64] = []
        var operations: [BatchOperation] = [.once(requestID: operation.requestID)]
        let value = Record(
            flags: 0,
            dataKeyID: 1,
            nameBox: [],
            valueBox: operation.requestID
                + [UInt8](
                    repeating: UInt8(truncatingIfNeeded: operation.keys[0]),
                    count: 8 + dice.below(100)
                )
        )
        let isChecked = operation.kind == .checkedPut || operation.kind == .pairOfPuts
        for position in operation.keys where isChecked {
            let key = Keyspace.key(position)
            guard let record = try? view.record(key) else {
                guard (try? view.contains(key)) == false else { return nil }
                operations.append(.check(key, modificationIndex: 0))
                versions.append(0)
                continue
            }
            // Some clients hold on to what they saw some time ago; they are refused.
            let version = record.modificationIndex - (dice.chance(64) ? 1 : 0)
            operations.append(.check(key, modificationIndex: version))
            versions.append(version)
        }
        for position in operation.keys {
            let key = Keyspace.key(position)
            let marker = Keyspace.marker(of: position)
            if operation.kind == .delete {
                operations.append(.delete(key))
                operations.append(
                    .prune([PruneStep(marker: marker, directory: key.directory)])
                )
            } else {
                operations.append(.put(key, value))
                if !Keyspace.isArchived(position) { operations.append(.ensure(marker, value)) }
            }
        }
        let batch = WriteBatch(
            requestID: operation.requestID,
            baseIndex: view.evaluatedIndex,
            time: now,
            dataKeyIDs: [1],
            operations: operations
        )
        return (batch, versions)
    }

    // MARK: Answers

    /// What a machine of `process` calls in the end about this attempt.
    func hearing(
        _ operation: Operation,
        from process: Process
    ) -> @Sendable (AnswerBox.Answer) -> Void {
        answers.hearing(
            from: process.number,
            about: operation.serial,
            attempt: operation.attempt
        )
    }

    func handleAnswers() throws {
        for answer in answers.take() {
            if case .changeProposed(let outcome) = answer.answer {
                changeProposed(answer.operation, outcome)
                continue
            }
            if case .changeCommitted(let outcome) = answer.answer {
                changeCommitted(answer.operation, outcome)
                continue
            }
            guard let position = clients.position(of: answer.operation),
                clients[position].attempt == answer.attempt
            else { continue }
            switch answer.answer {
            case .proposed(let outcome): try proposed(position, answer.process, outcome)
            case .committed(let outcome): try committed(position, outcome)
            case .read(let outcome): try readReady(position, answer.process, outcome)
            case .evaluated(let outcome):
                prepareAgain(position, answer.process, outcome)
            case .mended(let isMended): mended(position, answer.process, isMended)
            case .presence(let verdict): try confirmed(position, answer.process, verdict)
            case .changeProposed, .changeCommitted: break
            }
        }
    }

    /// The leader's first word. To a holder elsewhere it travels.
    private func proposed(_ position: Int, _ number: Int, _ outcome: ProposeOutcome) throws {
        let operation = clients[position]
        if case .conflict(let after) = outcome {
            return waitToPrepare(operation, at: number, until: after)
        }
        guard number != operation.holder else { return try replied(position, number, outcome) }
        guard let leader = processes[number], let holder = processes[operation.holder],
            !network.isCut(leader.node, holder.node), !dice.chance(network.loss)
        else { return }
        let event = ClientEvent.replied(
            operation: operation.serial,
            attempt: operation.attempt,
            process: number,
            outcome
        )
        queue.add(.client(event), at: now + network.drawDelay(&dice))
    }

    /// As `RequestFlow` does: the node that prepared the batch prepares it again once it sees what
    /// was in the way. To ask again and again instead made one seed in ten cost ten times the rest:
    /// all who wait for a leader without its majority kept asking.
    private func waitToPrepare(_ operation: Operation, at number: Int, until index: LogIndex) {
        guard let process = processes[number] else { return }
        let answer = hearing(operation, from: process)
        let waiter = ReadWaiter(deadline: deadline(process)) { answer(.evaluated($0)) }
        process.evaluationInbox.append(.readers([waiter], index))
        wakeEvaluation(process, at: now + wakeTime())
    }

    private func prepareAgain(_ position: Int, _ number: Int, _ outcome: ReadOutcome) {
        guard case .ready = outcome, let process = processes[number] else {
            return retry(position, after: dice.draw(5_000_000...80_000_000))
        }
        propose(clients[position], at: process)
    }

    private func replied(_ position: Int, _ number: Int, _ outcome: ProposeOutcome) throws {
        let operation = clients[position]
        switch outcome {
        case .appended(let term, let index):
            guard number != operation.holder, let holder = processes[operation.holder] else {
                return
            }
            // The holder waits until its own log commits it.
            let answer = hearing(operation, from: holder)
            let waiter = CommitWaiter(index: index, term: term, deadline: deadline(holder)) {
                answer(.committed($0))
            }
            holder.evaluationInbox.append(.wait(waiter))
            wakeEvaluation(holder, at: now + wakeTime())
        case .conflict: preconditionFailure("who prepared a batch prepares it again")
        case .refused: retry(position, after: dice.draw(5_000_000...80_000_000))
        }
    }

    private func committed(_ position: Int, _ outcome: CommitOutcome) throws {
        let operation = clients[position]
        switch outcome {
        case .applied, .duplicate:
            guard let index = checker.oracle.requestIndex(operation.requestID) else {
                throw Violation("operation \(operation.serial) was acknowledged, not applied")
            }
            if case .duplicate(let first) = outcome, first.number != index {
                throw Violation("operation \(operation.serial) repeats \(first.number), \(index)")
            }
            guard index > operation.floor else {
                throw Violation(
                    "operation \(operation.serial) took effect at \(index), before it was asked: "
                        + "\(operation.floor) was seen already"
                )
            }
            say("operation \(operation.serial) is done at \(index)")
            hash.mix(operation.serial, index)
            checker.observe(index, at: now)
            clients.acknowledged.append((operation.requestID, index))
            clients.record(operation, .written(index), at: now)
            clients.end(position)
        case .rejected:
            // An older attempt may still be applied, if there was one.
            say("operation \(operation.serial) is rejected")
            if operation.isUncertain {
                clients.record(operation, .unknown, at: now)
            } else {
                clients.refused.append(operation.requestID)
                clients.record(operation, .rejected, at: now)
            }
            clients.end(position)
        case .superseded: retry(position, after: dice.draw(1_000_000...20_000_000))
        case .unknown:
            clients[position].isUncertain = true
            counts.retries += 1
            retry(position, after: dice.draw(1_000_000...20_000_000))
        }
    }
}
