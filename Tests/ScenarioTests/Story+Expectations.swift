@testable import Raft
@testable import RaftLaboratory

extension Story {
    /// Until its next leader or campaign, the node waits this long before it campaigns.
    func setTimeout(at position: Int, ticks: Int) {
        world?.nodes[position].core?.electionTimeoutTicks = ticks
    }

    // MARK: expect

    func expect(_ words: inout Words) throws {
        let world = try running(words)
        switch words.upcoming {
        case "leader":
            _ = words.take("leader")
            try expectLeader(&words)
        case "committed":
            _ = words.take("committed")
            try compare(world.checker.committedIndex.number, &words)
        case "served":
            _ = words.take("served")
            try compare(UInt64(world.checker.readsServed), &words)
        case "snapshots":
            _ = words.take("snapshots")
            try compare(UInt64(world.checker.snapshotsInstalled), &words)
        case "equal":
            _ = words.take("equal")
            try words.require("logs")
            try world.requireEqualLogs()
            let ends = Set(world.nodes.compactMap { $0.core?.lastIndex })
            guard ends.count == 1 else {
                throw words.error("logs end at \(ends.map { $0.number }.sorted())")
            }
        default:
            let positions = try words.nodes()
            if words.upcoming == "->" || words.upcoming == "<->" {
                try expectUnderWay(from: positions, &words)
            } else {
                try expectNodes(positions, &words)
            }
        }
    }

    /// `expect leader 2`, `expect leader none`
    private func expectLeader(_ words: inout Words) throws {
        let world = try running(words)
        let leaders = world.nodes.indices.filter { world.nodes[$0].core?.role == .leader }
        let wanted = words.take("none") ? [] : [try words.node()]
        guard leaders == wanted else {
            throw words.error("leaders are \(leaders.map { $0 + 1 }), not \(wanted.map { $0 + 1 })")
        }
    }

    /// `expect 1 -> 2 append 3`, `expect 1 -> 2 nothing`
    private func expectUnderWay(from sources: [Int], _ words: inout Words) throws {
        _ = try words.next("->")
        let targets = try words.nodes()
        let kind = words.take("nothing") ? nil : try words.next("a kind of message or nothing")
        let wanted = kind == nil ? 0 : words.numberIfAny() ?? 1
        for source in sources {
            for target in targets where target != source {
                let waiting = parcels[Link(source: source, target: target)] ?? []
                let count = waiting.count { kind == nil || $0.kind == kind }
                guard count == wanted else {
                    throw words.error(
                        "under way from \(source + 1) to \(target + 1): "
                            + "\(waiting.map { $0.kind })"
                    )
                }
            }
        }
    }

    private func expectNodes(_ positions: [Int], _ words: inout Words) throws {
        let start = words
        for position in positions {
            words = start
            if words.take("down") {
                guard world?.nodes[position].core == nil else {
                    throw words.error("node \(position + 1) is running")
                }
                continue
            }
            guard let node = world?.nodes[position], let core = node.core else {
                throw words.error("node \(position + 1) is down")
            }
            try expect(node, core, &words)
        }
    }

    private func expect(_ node: SimNode, _ core: RaftCore, _ words: inout Words) throws {
        let what = try words.next("what is expected")
        switch what {
        case "is", "leader", "vote", "progress", "match":
            try expectOpinion(what, core, &words)
        case "voters", "learners", "joint", "settled":
            try expectMembers(what, of: core, &words)
        case "term": try compare(core.term.number, &words)
        case "format": try compare(core.configuration.formatLevel, &words)
        case "commit": try compare(core.commitIndex.number, &words)
        case "last": try compare(core.lastIndex.number, &words)
        case "first": try compare(core.firstIndex.number, &words)
        case "snapshot": try compare(core.snapshotIndex.number, &words)
        case "durable": try compare(core.durableIndex.number, &words)
        case "evaluated": try compare(core.evaluatedIndex.number, &words)
        case "leased-reads": try compare(core.readCounters.leased, &words)
        case "waiting-reads": try compare(UInt64(node.reads.count), &words)
        case "waiting-writes": try compare(UInt64(node.jobs.count), &words)
        case "log":
            let indexes = (core.firstIndex.number..<core.lastIndex.number + 1).map { index($0) }
            try compareTerms(indexes.map { core.term(at: $0)?.number ?? 0 }, &words)
        case "disk-log":
            try compareTerms(node.disk.entries.map { $0.term.number }, &words)
        case "entry":
            let at = index(UInt64(try words.number("an index")))
            try words.require("term")
            try compare(core.term(at: at)?.number ?? 0, &words)
        default: throw words.error("\"\(what)\" is nothing that can be expected")
        }
    }

    private func expectOpinion(_ what: String, _ core: RaftCore, _ words: inout Words) throws {
        switch what {
        case "is":
            let wanted = try words.next("a role")
            let role = core.role == .preCandidate ? "pre-candidate" : "\(core.role)"
            guard role == wanted else {
                throw words.error("node \(core.id.number) is \(role), not \(wanted)")
            }
        case "leader": try compare(core.leader, what, of: core, &words)
        case "vote": try compare(core.vote, what, of: core, &words)
        default:
            let peer = try words.node()
            let lines = core.memberProgress
            guard let progress = lines.first(where: { $0.id.number == UInt64(peer) + 1 }) else {
                throw words.error("node \(core.id.number) does not lead")
            }
            if what == "match" { return try compare(progress.match.number, &words) }
            let wanted = try words.next("probe, replicate or snapshot")
            let found = "\(progress.progress.map { "\($0)" } ?? "none")".prefix { $0 != "(" }
            guard found == wanted else {
                throw words.error("the progress of \(peer + 1) is \(found), not \(wanted)")
            }
        }
    }

    private func compare(
        _ found: NodeID?,
        _ what: String,
        of core: RaftCore,
        _ words: inout Words
    ) throws {
        let wanted = words.take("none") ? nil : NodeID(number: UInt64(try words.node()) + 1)
        guard found == wanted else {
            let text = found.map { "\($0.number)" } ?? "none"
            throw words.error("the \(what) of node \(core.id.number) is \(text)")
        }
    }

    /// `7`, `at-least 7`, `at-most 7`
    private func compare(_ found: UInt64, _ words: inout Words) throws {
        let isLow = words.take("at-least")
        let isHigh = words.take("at-most")
        let wanted = UInt64(try words.number("a number"))
        let fits = isLow ? found >= wanted : isHigh ? found <= wanted : found == wanted
        guard fits else { throw words.error("it is \(found), not \(wanted)") }
    }

    private func compareTerms(_ found: [UInt64], _ words: inout Words) throws {
        var wanted: [UInt64] = []
        while let number = words.numberIfAny() {
            wanted.append(UInt64(number))
        }
        guard found == wanted else { throw words.error("its terms are \(found), not \(wanted)") }
    }
}
