@testable import Raft
@testable import RaftLaboratory

extension Story {
    // MARK: Sending

    /// Takes what a node sends.
    func post(_ event: World.Event) {
        let link: Link
        let kind: String
        switch event {
        case .message(let flight):
            link = Link(source: number(flight.source), target: number(flight.target))
            kind = Self.kind(of: flight.message.body)
        case .stream(let stream):
            link = Link(source: number(stream.source), target: number(stream.target))
            kind = "snapshot"
        case .linkReset(let lost, let observer):
            link = Link(source: number(lost), target: number(observer))
            kind = "link-reset"
        }
        let parcel = Parcel(event: event, kind: kind)
        if kind == "pre-vote-request" || kind == "vote-request" {
            campaigns[link.source, default: 0] += 1
        }
        if isLost(on: link, kind: kind) {
            if case .stream(let stream) = event { brokenStreams.append(stream) }
        } else {
            parcels[link, default: []].append(parcel)
        }
    }

    private func number(_ id: NodeID) -> Int { Int(id.number) - 1 }

    private func isLost(on link: Link, kind: String) -> Bool {
        // A node that is down hears nothing.
        if cuts.contains(link) || world?.nodes[link.target].core == nil { return true }
        for position in losses.indices where losses[position].links.contains(link) {
            if let wanted = losses[position].kind, wanted != kind { continue }
            losses[position].count += 1
            return true
        }
        return false
    }

    /// `preVoteRequest(...)` is called `pre-vote-request` in scenarios, and
    /// `relayed-pre-vote-request` on both parts of its way through a common peer.
    static func kind(of body: MessageBody) -> String {
        if case .relayed(let relayed) = body { return "relayed-\(kind(of: relayed.message.body))" }
        var kind = ""
        for character in "\(body)".prefix(while: { $0 != "(" }) {
            kind += character.isUppercase ? "-\(character.lowercased())" : String(character)
        }
        return kind
    }

    // MARK: Time

    func passTime(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        switch verb {
        case "tick":
            let positions = try words.nodes()
            for _ in 0..<(words.numberIfAny() ?? 1) {
                for position in positions {
                    try passTick(at: position)
                    try settleDisks()
                }
            }
        case "campaign":
            try campaign(words.node(), words)
        case "elect":
            try elect(words.node(), words)
        case "run":
            for _ in 0..<(try words.number("a number of ticks")) {
                for position in world.nodes.indices {
                    try passTick(at: position)
                }
                try stabilize(among: Set(world.nodes.indices), words)
            }
        default:
            let among = words.isEmpty ? Array(world.nodes.indices) : try words.nodes()
            try stabilize(among: Set(among), words)
        }
    }

    /// The node's clock runs until it campaigns.
    private func campaign(_ position: Int, _ words: Words) throws {
        let world = try running(words)
        guard let core = world.nodes[position].core else { throw words.error("it is down") }
        guard core.role != .leader else { throw words.error("it leads already") }
        let asked = campaigns[position]
        let limit = max(settings.electionTicksMax, core.electionTimeoutTicks)
        for _ in 0...limit + settings.sealedPenaltyTicks + settings.stalledPenaltyTicks {
            try passTick(at: position)
            // A lone voter asks nobody.
            let isCandidate = world.nodes[position].core.map { $0.term > core.term } == true
            try settleDisks()
            if isCandidate || campaigns[position] != asked { return }
        }
        throw words.error("node \(position + 1) does not campaign")
    }

    /// Everyone's patience with the present leader ends, this node is the first to campaign, and
    /// all that can be delivered is, until it leads.
    private func elect(_ position: Int, _ words: Words) throws {
        let world = try running(words)
        for other in world.nodes.indices where other != position {
            guard world.nodes[other].core != nil, world.nodes[other].core?.role != .leader else {
                continue
            }
            setTimeout(at: other, ticks: settings.electionTicksMax * 2)
            for _ in 0..<settings.electionTicksMin {
                try passTick(at: other)
            }
        }
        // The first try may only teach it the term.
        for _ in 0..<3 {
            try campaign(position, words)
            try stabilize(among: Set(world.nodes.indices), words)
            if world.nodes[position].core?.role == .leader { return }
        }
        throw words.error("node \(position + 1) does not lead")
    }

    func setTimeout(_ words: inout Words) throws {
        _ = try running(words)
        let positions = try words.nodes()
        let ticks = try words.number("a number of ticks")
        for position in positions {
            setTimeout(at: position, ticks: ticks)
        }
    }

    // MARK: Delivering

    /// Delivers what is under way between these nodes, and what follows from it, until all is
    /// quiet: round after round, link after link. No clock moves.
    func stabilize(among positions: Set<Int>, _ words: Words) throws {
        let world = try running(words)
        try settleDisks()
        for _ in 0..<Self.roundsMax {
            let due = parcels.keys.filter {
                positions.contains($0.source) && positions.contains($0.target)
                    && !cuts.contains($0) && !deliverable(on: $0).isEmpty
                    && world.nodes[$0.target].core != nil
            }.sorted { ($0.source, $0.target) < ($1.source, $1.target) }
            if due.isEmpty { return }
            for link in due {
                let batch = deliverable(on: link)
                parcels[link]?.removeAll { !isDelayed($0, on: link) }
                for parcel in batch {
                    try hand(parcel, over: link)
                }
            }
        }
        throw words.error("no end of messages after \(Self.roundsMax) rounds")
    }

    static let roundsMax = 500

    private func deliverable(on link: Link) -> [Parcel] {
        (parcels[link] ?? []).filter { !isDelayed($0, on: link) }
    }

    private func isDelayed(_ parcel: Parcel, on link: Link) -> Bool {
        guard let delay = delays[link] else { return false }
        return delay == .everything || delay == .kind(parcel.kind)
    }

    func hand(_ parcel: Parcel, over link: Link) throws {
        guard let world else { return }
        try world.deliver(parcel.event)
        try settleDisks()
    }

    func network(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        switch verb {
        case "heal":
            let isEverything = words.isEmpty
            let links = isEverything ? [] : try words.links()
            if isEverything {
                cuts = []
                delays = [:]
                try endLosses(on: nil, words)
            } else {
                cuts.subtract(links)
                for link in links {
                    delays[link] = nil
                }
                try endLosses(on: Set(links), words)
            }
        case "cut": cuts.formUnion(try words.links())
        case "delay":
            let links = try words.links()
            let delay = words.isEmpty ? Delay.everything : .kind(try words.next("a kind"))
            for link in links {
                delays[link] = delay
            }
        case "lose":
            let links = Set(try words.links())
            let kind = words.isEmpty ? nil : try words.next("a kind of message")
            losses.append(Loss(links: links, kind: kind, line: words.line))
        case "reset":
            // reset 1 at 2: node 2 sees that its connection to node 1 broke.
            let lost = try words.node()
            try words.require("at")
            for observer in try words.nodes() where observer != lost {
                try world.turn(observer, [.linkReset(world.nodes[lost].id)])
            }
        default:
            try handle(verb, &words)
        }
    }

    private func endLosses(on links: Set<Link>?, _ words: Words) throws {
        for loss in losses where links == nil || !loss.links.isDisjoint(with: links ?? []) {
            guard loss.count > 0 else {
                throw words.error("nothing was ever lost to line \(loss.line)")
            }
        }
        losses.removeAll { links == nil || !$0.links.isDisjoint(with: links ?? []) }
    }

    /// `deliver 1 -> 2 [KIND] [first [N] | last [N] | all]`, and the same for drop, duplicate and
    /// reverse. All is meant when nothing is said.
    private func handle(_ verb: String, _ words: inout Words) throws {
        let links = try words.links()
        var kind: String?
        if let word = words.upcoming, !["first", "last", "all"].contains(word) {
            kind = try words.next("a kind of message")
        }
        var total = 0
        let choice = words.isEmpty ? "all" : try words.next("first, last or all")
        let count = choice == "all" ? Int.max : words.numberIfAny() ?? 1
        for link in links {
            let matching = (parcels[link] ?? []).indices.filter {
                kind == nil || parcels[link]?[$0].kind == kind
            }
            let chosen: [Int]
            switch choice {
            case "all": chosen = matching
            case "first": chosen = Array(matching.prefix(count))
            case "last": chosen = Array(matching.suffix(count))
            default: throw words.error("\"\(choice)\" is none of first, last, all")
            }
            total += chosen.count
            try apply(verb, to: chosen, on: link)
        }
        guard total > 0 else {
            throw words.error("nothing\(kind.map { " of kind \($0)" } ?? "") is under way there")
        }
    }

    private func apply(_ verb: String, to chosen: [Int], on link: Link) throws {
        guard !chosen.isEmpty, let waiting = parcels[link] else { return }
        let picked = chosen.map { waiting[$0] }
        var rest = waiting
        for position in chosen.reversed() {
            rest.remove(at: position)
        }
        switch verb {
        case "deliver":
            parcels[link] = rest
            for parcel in picked {
                try hand(parcel, over: link)
            }
        case "drop":
            parcels[link] = rest
            for parcel in picked {
                if case .stream(let stream) = parcel.event { brokenStreams.append(stream) }
            }
            try reportBrokenStreams()
        case "duplicate":
            parcels[link] = waiting + picked
        default:
            parcels[link] = rest + picked.reversed()
        }
    }

    /// What was under way to a node that dies is lost with its connections. What it said itself
    /// may still arrive.
    func loseWhatGoes(to position: Int) throws {
        for link in parcels.keys where link.target == position {
            for parcel in parcels[link] ?? [] {
                if case .stream(let stream) = parcel.event { brokenStreams.append(stream) }
            }
            parcels[link] = []
        }
        brokenStreams.sort { $0.source < $1.source }
        try reportBrokenStreams()
    }

    /// A stream of a snapshot that breaks is noticed by its sender.
    func reportBrokenStreams() throws {
        var count = 0
        while !brokenStreams.isEmpty {
            count += 1
            guard count <= 100 else {
                throw Violation("a snapshot stream that broke is begun again and again at once")
            }
            let stream = brokenStreams.removeFirst()
            try world?.turn(
                number(stream.source),
                [
                    .snapshotStreamed(
                        to: stream.target,
                        point: stream.point,
                        delivered: false
                    )
                ]
            )
        }
    }
}
