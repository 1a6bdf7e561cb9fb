import Raft
import TestSupport

/// Operators who change who takes part, and disks that are lost meanwhile.
extension World {
    func isMember(_ position: Int) -> Bool {
        let configuration = checker.committedConfiguration ?? initial
        return configuration.member(nodes[position].id) != nil
    }

    var hasNoReads: Bool {
        nodes.indices.allSatisfy { !isMember($0) || nodes[$0].reads.isEmpty }
    }

    var hasNoTransfers: Bool { nodes.allSatisfy { $0.transfers.isEmpty } }

    func churn() throws {
        try startAdmitted()
        if random.chance(12, of: 100), let position = leaderPosition,
            let core = nodes[position].core
        {
            try propose(drawChange(core), at: position)
        }
        if random.chance(2, of: 100) {
            try wipe(random.below(nodes.count))
        }
    }

    /// What was added is started once it is committed, as after a join that was answered.
    private func startAdmitted() throws {
        guard let configuration = checker.committedConfiguration else { return }
        while let member = configuration.members.last, Int(member.id.number) > nodes.count {
            let id = NodeID(number: UInt64(nodes.count) + 1)
            var node = SimNode(id: id, disk: SimDisk(configuration: initial))
            node.incarnation = configuration.member(id)?.incarnation ?? 1
            nodes.append(node)
            ticking.insert(id)
            if configuration.member(id) != nil { try start(nodes.count - 1) }
        }
    }

    // MARK: Operators

    /// Any change, sensible or not; ``Configuration/applying(_:)`` and the core judge it.
    private func drawChange(_ core: RaftCore) -> MembershipChange {
        let members = core.configuration.members
        let voters = members.filter { $0.role == .voter }.map(\.id)
        let learners = members.filter { $0.role == .learner }.map(\.id)
        let anyone = members[random.below(members.count)].id
        let learner = learners.isEmpty ? anyone : learners[random.below(learners.count)]
        switch random.below(12) {
        case 0, 1: return drawNewMember(core)
        case 2: return .remove(learner)
        case 3, 4: return .voters(promote: [learner], demote: [])
        case 5: return .voters(promote: [], demote: [voters[random.below(voters.count)]])
        case 6: return .voters(promote: learners, demote: [voters[random.below(voters.count)]])
        case 7: return .voters(promote: [learner], demote: voters)
        case 8: return .raiseFormat(core.configuration.formatLevel + 1)
        default: return repair(core) ?? .remove(learner)
        }
    }

    private func drawNewMember(_ core: RaftCore) -> MembershipChange {
        let number = core.configuration.nextNodeID.number
        guard core.configuration.members.count < 7 else { return .remove(node(number)) }
        return .add(
            member(number).details,
            incarnation: random.next() >> 1,
            token: nil,
            awaitsPromotion: false
        )
    }

    /// What a leader's operator would do about a disk that is not the one that was admitted.
    private func repair(_ core: RaftCore) -> MembershipChange? {
        let progress = core.memberProgress
        for (member, known) in zip(core.configuration.members, progress) where !known.isCounted {
            guard let incarnation = known.incarnation else { continue }
            return member.role == .voter
                ? .voters(promote: [], demote: [member.id])
                : .readmit(member.id, incarnation: incarnation)
        }
        return nil
    }

    private func propose(_ change: MembershipChange, at position: Int) throws {
        guard let core = nodes[position].core, !isFrozen(position),
            let next = try? core.configuration.applying(change), isWhole(next, without: nil)
        else { return }
        let entry = ConfigurationEntry(configuration: next, authorisation: [1, 2, 3])
        let ticket = Ticket(number: nextTicket)
        nextTicket += 1
        note("change \(change)")
        try turn(
            position,
            [
                .proposed([
                    Proposal(ticket: ticket, kind: .configuration, body: entry.encoded())
                ])
            ]
        )
    }

    // MARK: Disks

    /// A node loses its disk and comes back with an empty one. Only where enough others are left
    /// to decide without it: what more than that loses is for disaster recovery.
    func wipe(_ position: Int) throws {
        guard isMember(position), !isFrozen(position), canSpare(position) else { return }
        crash(position)
        wipes += 1
        note("wipe \(position + 1)")
        nodes[position].disk = SimDisk(configuration: initial)
        nodes[position].incarnation = random.next() >> 1
        nodes[position].boots = 0
        checker.wiped(nodes[position].id)
    }

    private func canSpare(_ position: Int) -> Bool {
        var known = nodes.compactMap { $0.core?.configuration }
        known.append(checker.committedConfiguration ?? initial)
        for node in nodes {
            known.append(node.disk.configuration)
            for entry in node.disk.entries where entry.kind == .configuration {
                guard let decoded = try? ConfigurationEntry(decoding: entry.body) else { continue }
                known.append(decoded.configuration)
            }
        }
        return known.allSatisfy { isWhole($0, without: position) }
    }

    /// Whether enough voters have the disk that was admitted.
    private func isWhole(_ configuration: Configuration, without position: Int?) -> Bool {
        [configuration.voters.map(\.id), configuration.outgoingVoters].allSatisfy { half in
            let whole = half.filter { isWhole($0, in: configuration, without: position) }
            return half.isEmpty || 2 * whole.count > half.count
        }
    }

    private func isWhole(
        _ id: NodeID,
        in configuration: Configuration,
        without position: Int?
    ) -> Bool {
        let own = self.position(of: id)
        guard own != position, nodes.indices.contains(own) else { return false }
        return configuration.member(id)?.incarnation == nodes[own].incarnation
    }

    // MARK: Afterwards

    /// Operators put right what is wrong, once nothing else goes wrong.
    func mend(ticksMax: Int) throws {
        var ticksLeft = 4 * ticksMax
        while let reason = unmended {
            ticksLeft -= 1
            guard ticksLeft > 0 else { throw Violation("not mended, \(reason): \(standing)") }
            try startAdmitted()
            if let position = leaderPosition, let core = nodes[position].core,
                let change = repair(core)
            {
                try propose(change, at: position)
            }
            try tick()
        }
    }

    /// Why the members are not what they should be; nil when they are.
    private var unmended: String? {
        guard let position = leaderPosition, let core = nodes[position].core else {
            return "no leader"
        }
        if core.configuration.isJoint { return "joint" }
        guard core.configuration == core.committedConfiguration else { return "uncommitted" }
        guard core.configuration == checker.committedConfiguration ?? initial else {
            return "behind"
        }
        for known in core.memberProgress where !known.isCounted {
            return "member \(known.id.number) does not count"
        }
        return nil
    }
}
