import Raft
import Replica
import Store

// Operators who change who takes part, the autopilot of each leader, and disks made anew.

extension World {
    /// Nodes there ever are in one run; ids are never given twice.
    static let nodesMax = 12
    /// Members at a time.
    private static let membersMost = 8
    private static let lookEvery: UInt64 = 1_000_000_000

    // MARK: Who has what was promised

    /// Whether this member's disk is the admitted one, and sound. An old image never is again, even
    /// when the log has brought back what it lacked: some may remember, and refuse it.
    func isWhole(_ member: Member) -> Bool {
        let position = Int(member.id.number) - 1
        guard nodes.indices.contains(position) else { return false }
        let node = nodes[position]
        return node.isJoined && !node.isAway && !node.disk.isDamaged
            && node.incarnation == member.incarnation && !node.wasRestored
    }

    private func isWhole(_ configuration: Configuration, without position: Int?) -> Bool {
        configuration.isBacked { Int($0.id.number) - 1 != position && isWhole($0) }
    }

    /// Whether the others can decide without this node, whatever configuration they go by: what
    /// takes more than that is for disaster recovery.
    func canSpare(_ position: Int) -> Bool {
        knownConfigurations.allSatisfy { isWhole($0, without: position) }
    }

    /// Every configuration that anybody goes by, or may.
    var knownConfigurations: [Configuration] {
        var known = [checker.oracle.configuration]
        known += operators.open.map(\.next)
        for node in nodes where node.isJoined {
            if let process = node.process { known.append(process.configuration) }
            known += configurations(of: node.disk.durable)
        }
        return known
    }

    /// Every configuration that a node with these tables may go by. Where they say nothing it is
    /// the one of its settings.
    func configurations(of tables: DiskTables) -> [Configuration] {
        var known = tables.cluster == nil ? [configuration] : []
        if let bytes = tables.cluster?.configuration,
            let applied = try? Configuration(decoding: bytes)
        {
            known.append(applied)
        }
        for row in tables.log where row.entry.kind == EntryKind.configuration.rawValue {
            guard let entry = try? ConfigurationEntry(decoding: row.entry.body) else { continue }
            known.append(entry.configuration)
        }
        return known
    }

    func isMember(_ position: Int) -> Bool {
        checker.oracle.configuration.member(nodes[position].id) != nil
    }

    // MARK: Operators

    /// Something that an operator may ask for, sensible or not: the product judges it.
    ///
    /// - Returns: whether a leader was asked.
    func operate(_ kind: FaultKind) -> Bool {
        guard let position = leaderPosition, let leader = nodes[position].process else {
            return false
        }
        if kind == .transfer {
            transfer(leader)
            return true
        }
        let before = operators.begun
        askForMembers(kind, of: leader)
        return operators.begun > before
    }

    private func askForMembers(_ kind: FaultKind, of leader: Process) {
        let configuration = leader.configuration
        let voters = configuration.voters.map(\.id)
        let learners = configuration.members.filter { $0.role == .learner }.map(\.id)
        let voter = voters[dice.below(voters.count)]
        let learner = learners.isEmpty ? voter : learners[dice.below(learners.count)]
        switch kind {
        case .admit: admit(configuration, at: leader)
        case .promote:
            let all = dice.chance(256) && !learners.isEmpty ? learners : [learner]
            change([.voters(promote: all, demote: [])], at: leader)
        case .demote: change([.voters(promote: [], demote: [voter])], at: leader)
        case .replace:
            // One for one, or all for one.
            let leaving = dice.chance(900) ? [voter] : voters
            change([.voters(promote: [learner], demote: leaving)], at: leader)
        default:
            if dice.chance(512) { return change([.remove(learner)], at: leader) }
            change([.voters(promote: [], demote: [voter]), .remove(voter)], at: leader)
        }
    }

    private func admit(_ configuration: Configuration, at leader: Process) {
        let number = configuration.nextNodeID.number
        guard number <= Self.nodesMax, configuration.members.count < Self.membersMost else {
            return
        }
        let addition = MembershipChange.add(
            Configuration.newMember(number),
            incarnation: dice.next() >> 1,
            token: nil,
            awaitsPromotion: dice.chance(700)
        )
        change([addition], at: leader)
    }

    private func transfer(_ leader: Process) {
        let members = leader.configuration.members
        let target = dice.chance(512) ? nil : members[dice.below(members.count)].id
        say("an operator wants \(target.map { "\($0.number)" } ?? "another") to lead")
        let request = TransferRequest(
            target: target,
            deadline: instant(leader.node) + .seconds(5)
        ) { _ in }
        leader.coreInbox.append(.transfer(request))
        wakeCore(leader)
    }

    /// Asks a leader for the first of some changes, as `MembershipFlow` does: only an unsealed one
    /// has the keys, and what cannot follow on its configuration is not even proposed.
    func change(_ steps: [MembershipChange], at process: Process) {
        guard let first = steps.first, !nodes[process.node].isSealed,
            !operators.isBusy(process.number),
            let next = try? process.configuration.applying(first),
            isWhole(next, without: nil)
        else { return }
        var admitted: UInt64?
        if case .add(_, let incarnation, _, _) = first { admitted = incarnation }
        let serial = operators.begin { serial in
            MemberChange(
                serial: serial,
                process: process.number,
                next: next,
                admitted: admitted,
                rest: Array(steps.dropFirst())
            )
        }
        say("change \(serial) at node \(process.node + 1): \(first)")
        let answer = answers.hearing(from: process.number, about: serial)
        let proposal = MembershipProposal(
            entry: ConfigurationEntry(configuration: next, authorisation: [1, 2, 3]),
            deadline: deadline(process),
            onProposed: { answer(.changeProposed($0)) },
            onCommitted: { answer(.changeCommitted($0)) }
        )
        process.coreInbox.append(.change(proposal))
        wakeCore(process)
    }

    func changeProposed(_ serial: UInt64, _ outcome: ProposeOutcome) {
        if case .appended = outcome { return }
        say("change \(serial) is not made: \(outcome)")
        operators.end(serial)
    }

    func changeCommitted(_ serial: UInt64, _ outcome: CommitOutcome) {
        guard operators.change(serial) != nil else { return }
        // Of one that was lost nobody hears; whoever it admitted never starts.
        guard outcome == .applied else { return operators.end(serial) }
        counts.changes += 1
        settle(serial, patience: 300)
    }

    func handle(_ event: MemberEvent) throws {
        switch event {
        case .readmit(let position): try readmit(position)
        case .look: lookAfterMembers()
        case .settle(let serial, let patience): settle(serial, patience: patience)
        }
    }

    /// Goes on when no configuration is joint any more, as `MembershipFlow` does.
    private func settle(_ serial: UInt64, patience: Int) {
        guard let change = operators.change(serial) else { return }
        guard let process = processes[change.process], patience > 0 else {
            return operators.end(serial)
        }
        guard !process.configuration.isJoint, process.pausedUntil <= now else {
            let event = MemberEvent.settle(change: serial, patience: patience - 1)
            queue.add(.members(event), at: now + 10_000_000)
            return
        }
        operators.end(serial)
        if let incarnation = change.admitted { join(incarnation, as: process) }
        self.change(change.rest, at: process)
    }

    /// The node that was admitted hears so, with the members as they are agreed on, and starts.
    private func join(_ incarnation: UInt64, as leader: Process) {
        let configuration = leader.core.committedConfiguration
        guard let member = configuration.members.first(where: { $0.incarnation == incarnation })
        else { return }
        let position = Int(member.id.number) - 1
        guard nodes.indices.contains(position), !nodes[position].isJoined else { return }
        say("node \(position + 1) joins")
        nodes[position].isJoined = true
        nodes[position].disk.found(
            Self.clusterRecord(incarnation: incarnation, configuration: configuration)
        )
        planStart(position, after: dice.draw(1_000_000...300_000_000))
    }

    static func clusterRecord(
        incarnation: UInt64,
        configuration: Configuration
    ) -> ClusterRecord {
        ClusterRecord(
            clusterID: [UInt8](repeating: 7, count: StoreLimits.digestBytes),
            epoch: epoch,
            incarnation: incarnation,
            bootCounter: 0,
            configuration: configuration.encoded(),
            formatLevel: configuration.formatLevel
        )
    }

    // MARK: Autopilot

    func startAutopilots() { queue.add(.members(.look), at: now + Self.lookEvery) }

    private func lookAfterMembers() {
        queue.add(.members(.look), at: now + Self.lookEvery)
        for node in nodes {
            if let process = node.process, process.pausedUntil <= now { scrub(process) }
            guard let process = node.process, process.core.standing.role == .leader,
                process.pausedUntil <= now, let step = dueStep(process)
            else { continue }
            say("autopilot: \(step.text)")
            change(step.changes(in: process.configuration), at: process)
        }
    }

    /// What a leader's autopilot would do now and could: production's plan. It removes nobody.
    func dueStep(_ process: Process) -> AutopilotPlan.Step? {
        let configuration = process.configuration
        let members = process.silence.states(
            of: process.core.memberProgress,
            in: configuration,
            term: process.core.standing.term,
            now: instant(process.node)
        )
        let plan = AutopilotPlan(configuration: configuration, members: members)
        guard let step = plan.next(removing: nil),
            let first = step.changes(in: configuration).first,
            let next = try? configuration.applying(first), isWhole(next, without: nil)
        else { return nil }
        return step
    }

    // MARK: New disks

    /// The database of a stopped node is put aside and made anew, as `StoreCheck` does it.
    func makeAnew(_ position: Int) {
        let node = nodes[position]
        say("node \(position + 1) begins anew with an empty database")
        counts.rebuilt += 1
        nodes[position].formerDisks.append(
            FormerDisk(incarnation: node.incarnation, tables: node.disk.durable)
        )
        // Of a first member the settings know the cluster, if nothing else does.
        let isForgotten = position < configuration.members.count && dice.chance(200)
        let copy = isForgotten ? nil : node.disk.durable.cluster
        var record =
            copy ?? Self.clusterRecord(incarnation: 0, configuration: self.configuration)
        record.incarnation = dice.next() >> 1
        record.bootCounter = 0
        node.disk.renew(record, keepsVote: dice.chance(700))
        nodes[position].wasDamaged = false
        nodes[position].suspicion = .none
        nodes[position].oldImage = nil
        nodes[position].wasRestored = false
        checker.renewed(position)
    }

    // MARK: Checks

    /// What a leader takes for committed, more than half of the voters have on the disks that the
    /// members go by; its last entry is of the leader's own term.
    func checkQuorum(_ process: Process, _ configurations: [Configuration]) throws {
        let standing = process.core.standing
        guard let term = process.core.term(at: standing.commit), term == standing.term else {
            throw Violation(
                "node \(process.node + 1) leads term \(standing.term.number) and commits "
                    + "\(standing.commit.number), an entry of another term"
            )
        }
        let index = standing.commit.number
        let isBacked = configurations.contains { configuration in
            configuration.isBacked { hasDurably(index, of: term.number, $0) }
        }
        guard isBacked else {
            throw Violation(
                "node \(process.node + 1) commits \(index), which no majority has on disk"
            )
        }
    }

    private func hasDurably(_ index: UInt64, of term: UInt64, _ member: Member) -> Bool {
        let position = Int(member.id.number) - 1
        guard nodes.indices.contains(position) else { return false }
        let node = nodes[position]
        if node.incarnation == member.incarnation, node.disk.durable.holds(index, of: term) {
            return true
        }
        return node.formerDisks.contains {
            $0.incarnation == member.incarnation && $0.tables.holds(index, of: term)
        }
    }

    /// A leader has the votes of more than half of the voters, of the admitted disks.
    func checkElection(_ process: Process) throws {
        let term = process.core.standing.term
        let own = nodes[process.node]
        let isElected = process.configuration.isBacked { member in
            if member.id == own.id {
                let ballot = own.disk.durableBallot
                return ballot.term == term.number && ballot.vote == own.id.number
                    && own.incarnation == member.incarnation
            }
            return checker.hasVoted(member, for: own.id, in: term)
        }
        guard isElected else {
            throw Violation("node \(process.node + 1) leads term \(term.number) without the votes")
        }
    }

    /// Nodes that somebody was admitted for.
    func growIfAdmitted() {
        let last = checker.oracle.configuration.nextNodeID.number - 1
        while nodes.count < Int(last) {
            let node = Node(
                id: NodeID(number: UInt64(nodes.count) + 1),
                disk: Disk(requestsRetained: tuning.requestsRetained),
                clock: NodeClock(startingAt: UInt64(dice.below(1 << 40)))
            )
            node.isJoined = false
            nodes.append(node)
        }
    }
}
