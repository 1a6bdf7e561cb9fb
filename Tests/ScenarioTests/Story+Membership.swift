@testable import Raft
@testable import RaftLaboratory

extension Story {
    /// `change NODE (add | remove NODE | promote NODES | demote NODES ... | format N) [refused]`: asks
    /// this leader for one change. What is added is the next node; it starts with `restart`.
    func change(_ words: inout Words) throws {
        let world = try running(words)
        let position = try words.node()
        guard let core = world.nodes[position].core else { throw words.error("it is down") }
        let change = try membershipChange(core, &words)
        let isRefused = words.take("refused")
        if let next = try? core.configuration.applying(change) {
            let entry = ConfigurationEntry(configuration: next, authorisation: [1])
            changes += 1
            let proposal = Proposal(
                ticket: Ticket(number: 1 << 40 + changes),
                kind: .configuration,
                body: entry.encoded()
            )
            try world.turn(position, [.proposed([proposal])])
        }
        let isTaken = world.nodes[position].core?.lastIndex != core.lastIndex
        guard isTaken != isRefused else {
            throw words.error(isTaken ? "the change was taken" : "the change was refused")
        }
        if isTaken, case .add(_, let incarnation, _, _) = change {
            let id = core.configuration.nextNodeID
            // A change that was taken back leaves its number to the next one.
            guard Int(id.number) == world.nodes.count + 1 else { return }
            var node = SimNode(id: id, disk: SimDisk(configuration: world.initial))
            node.incarnation = incarnation
            world.nodes.append(node)
            world.ticking.insert(id)
        }
    }

    private func membershipChange(
        _ core: RaftCore,
        _ words: inout Words
    ) throws -> MembershipChange {
        if words.take("add") {
            let number = core.configuration.nextNodeID.number
            return .add(
                member(number).details,
                incarnation: 100 + number,
                token: nil,
                awaitsPromotion: false
            )
        }
        if words.take("remove") { return .remove(id(try words.node())) }
        if words.take("format") { return .raiseFormat(UInt64(try words.number("a level"))) }
        var promoted: [NodeID] = []
        var demoted: [NodeID] = []
        if words.take("promote") { promoted = try words.nodes().map(id) }
        if words.take("demote") { demoted = try words.nodes().map(id) }
        guard !promoted.isEmpty || !demoted.isEmpty else {
            throw words.error("add, remove, promote, demote or format is expected")
        }
        return .voters(promote: promoted, demote: demoted)
    }

    /// `version NODES N`: from their next start on they know format levels up to N.
    func changeVersion(_ words: inout Words) throws {
        guard let world else { throw words.error("\"nodes\" comes first") }
        let positions = try words.nodes()
        let level = UInt64(try words.number("a level"))
        guard level >= 1 else { throw words.error("levels begin with 1") }
        for position in positions {
            guard world.nodes[position].core == nil else { throw words.error("it is running") }
            world.nodes[position].formatLevel = level
        }
    }

    private func id(_ position: Int) -> NodeID { node(UInt64(position) + 1) }

    /// `wipe NODE`: it dies and gets an empty disk, which draws a new incarnation.
    func wipe(_ words: inout Words) throws {
        let world = try running(words)
        let position = try words.node()
        world.crash(position)
        try loseWhatGoes(to: position)
        heldDisks.remove(position)
        world.wipes += 1
        world.nodes[position].disk = SimDisk(configuration: world.initial)
        world.nodes[position].incarnation = 1_000 + UInt64(world.wipes)
        world.nodes[position].boots = 0
        world.checker.wiped(world.nodes[position].id)
    }

    /// `expect NODES voters NODES`, `... learners NODES | none`, `... joint`, `... settled`
    func expectMembers(_ what: String, of core: RaftCore, _ words: inout Words) throws {
        let configuration = core.configuration
        switch what {
        case "joint", "settled":
            guard configuration.isJoint == (what == "joint") else {
                throw words.error("node \(core.id.number) is not \(what)")
            }
        default:
            let role = what == "voters" ? MemberRole.voter : .learner
            let found = configuration.members.filter { $0.role == role }.map { $0.id }
            let wanted = words.take("none") ? [] : try words.nodes().map(id)
            guard found == wanted else {
                throw words.error("\(what) of \(core.id.number) are \(found.map { $0.number })")
            }
        }
    }
}
