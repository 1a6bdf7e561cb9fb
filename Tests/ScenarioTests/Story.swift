import Raft

@testable import RaftLaboratory

/// A scenario that is being told: real cores, virtual disks, and a network that moves only when
/// the script says so. Disks and evaluation are instant unless they are held.
///
/// After every step of every core the checker of the laboratory looks at everything; see
/// `Tests/Scenarios/README.md` for the words of the language.
final class Story {
    /// Something under way from one node to another.
    struct Parcel {
        let event: World.Event
        let kind: String
    }

    /// Loses all messages of a kind on some links until the network is healed.
    struct Loss {
        let links: Set<Link>
        let kind: String?
        let line: Int
        var count = 0
    }

    enum Delay: Equatable {
        case everything
        case kind(String)
    }

    let file: ScenarioFile
    var settings = RaftSettings()
    var world: World?
    /// Under way, oldest first, by link.
    var parcels: [Link: [Parcel]] = [:]
    /// What is sent here meanwhile is lost.
    var cuts: Set<Link> = []
    /// What is sent here waits for an explicit delivery.
    var delays: [Link: Delay] = [:]
    var losses: [Loss] = []
    /// How often each node asked for a vote or a pre-vote.
    var campaigns: [Int: Int] = [:]
    /// Streams of snapshots that were lost; their senders do not know it yet.
    var brokenStreams: [World.Stream] = []
    var heldDisks: Set<Int> = []
    var heldEvaluations: Set<Int> = []
    /// Changes of members that were asked for.
    var changes: UInt64 = 0
    private var isStarted = false

    init(_ file: ScenarioFile) {
        self.file = file
        // Stories count ticks, so they do not depend on how production is tuned.
        settings.heartbeatTicks = 5
        settings.relayAfterTicks = 15
        settings.relayMemoryTicks = 20
    }

    /// Tells the story from the first line to the convergence that must follow the last one.
    /// - Throws: ``ScenarioError``.
    func tell() throws {
        var last = 1
        for line in file.lines {
            last = line.number
            var words = Words(line, of: file.name, nodeCount: world?.nodes.count ?? 0)
            do {
                try perform(&words)
                try words.finish()
                try settleDisks()
            } catch let error as Violation {
                throw words.error("\(error)\(recently)")
            } catch let error as ScenarioError {
                throw words.error("\(error.text)\(recently)")
            }
        }
        do {
            try converge()
        } catch let error as Violation {
            throw ScenarioError(file: file.name, line: last, text: "\(error)\(recently)")
        } catch let error as ScenarioError {
            throw error
        }
    }

    /// The end of what happened, for a person.
    private var recently: String {
        guard let trace = world?.trace, !trace.isEmpty else { return "" }
        return "\n" + trace.suffix(40).joined(separator: "\n")
    }

    // MARK: Lines

    private func perform(_ words: inout Words) throws {
        let verb = try words.next("a command")
        switch verb {
        case "settings": try configure(&words)
        case "leases": try useLeases(&words)
        case "nodes": try build(&words)
        case "disk": try writeDisk(&words)
        case "start": try start(&words)
        case "tick", "campaign", "elect", "run", "stabilize": try passTime(verb, &words)
        case "propose", "read", "compact", "seal", "unseal", "transfer": try ask(verb, &words)
        case "crash", "restart": try restart(verb, &words)
        case "change": try change(&words)
        case "wipe": try wipe(&words)
        case "version": try changeVersion(&words)
        case "hold", "release": try holdOrRelease(verb, &words)
        case "stall", "recover": try stallOrRecover(verb, &words)
        case "clock": try moveClocks(&words)
        case "timeout": try setTimeout(&words)
        case "deliver", "drop", "duplicate", "reverse", "cut", "delay", "lose", "heal", "reset":
            try network(verb, &words)
        case "expect": try expect(&words)
        default: throw words.error("\"\(verb)\" is no command")
        }
    }

    static let settingNames: [String: any WritableKeyPath<RaftSettings, Int> & Sendable] = [
        "heartbeat-ticks": \.heartbeatTicks,
        "election-ticks-min": \.electionTicksMin,
        "election-ticks-max": \.electionTicksMax,
        "in-flight-messages": \.inFlightMessagesMax,
        "in-flight-bytes": \.inFlightBytesMax,
        "append-entries": \.appendEntriesMax,
        "append-bytes": \.appendBytesMax,
        "resend-ticks": \.resendTicks,
        "snapshot-answer-ticks": \.snapshotAnswerTicksMax,
        "read-forward-ticks": \.readForwardTicksMax,
        "relay-after-ticks": \.relayAfterTicks,
    ]

    private func configure(_ words: inout Words) throws {
        guard world == nil else { throw words.error("settings come before nodes") }
        repeat {
            let name = try words.next("a setting")
            guard let path = Self.settingNames[name] else {
                throw words.error("\"\(name)\" is no setting")
            }
            settings[keyPath: path] = try words.number(name)
        } while !words.isEmpty
        if let problem = settings.problem { throw words.error(problem) }
    }

    private func build(_ words: inout Words) throws {
        guard world == nil else { throw words.error("there are nodes already") }
        let count = try words.number("the number of voters")
        var learners = 0
        if words.take("learners") { learners = try words.number("the number of learners") }
        guard (1...9).contains(count) else { throw words.error("1 to 9 voters are supported") }
        let world = World(seed: 1, count: count, learners: learners, settings: settings)
        world.trace = []
        startClocks(of: world)
        world.takesOver = { [unowned self] event in
            self.post(event)
            return true
        }
        self.world = world
    }

    /// The world, all nodes of it running if nobody started them by hand.
    func running(_ words: Words) throws -> World {
        guard let world else { throw words.error("\"nodes\" comes first") }
        if !isStarted {
            isStarted = true
            try world.startAll()
            try settleDisks()
        }
        return world
    }

    private func start(_ words: inout Words) throws {
        guard let world else { throw words.error("\"nodes\" comes first") }
        guard !isStarted else { throw words.error("they are started already, use restart") }
        isStarted = true
        for position in try words.nodes() {
            try world.start(position)
        }
    }

    /// `disk 1 terms 1 1 2 [term 3] [vote 2] [commit 1]`
    private func writeDisk(_ words: inout Words) throws {
        guard let world, !isStarted else {
            throw words.error("disks are written after nodes and before anything starts")
        }
        let position = try words.node()
        var terms: [UInt64] = []
        if words.take("terms") {
            while let number = words.numberIfAny() {
                terms.append(UInt64(number))
            }
        }
        var highest = terms.last ?? 0
        if words.take("term") { highest = UInt64(try words.number("the term")) }
        var vote: NodeID?
        if words.take("vote") { vote = world.nodes[try words.node()].id }
        var commit = LogIndex.zero
        if words.take("commit") { commit = index(UInt64(try words.number("the commit index"))) }
        guard zip(terms, terms.dropFirst()).allSatisfy({ $0 <= $1 }), highest >= terms.last ?? 0,
            commit.number <= UInt64(terms.count)
        else { throw words.error("no disk can hold that") }
        world.nodes[position].disk.entries = Self.entries(terms: terms)
        world.nodes[position].disk.hardState = HardState(
            term: term(highest),
            vote: vote,
            commit: commit
        )
    }

    /// Entries that say where and when they were made, so equal index and term mean equal entries.
    static func entries(terms: [UInt64]) -> [LogEntry] {
        terms.enumerated().map { offset, number in
            LogEntry(
                index: index(UInt64(offset) + 1),
                term: term(number),
                kind: .noop,
                body: []
            )
        }
    }

    // MARK: Nodes

    private func ask(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        let position = try words.node()
        guard let core = world.nodes[position].core else { throw words.error("it is down") }
        switch verb {
        case "propose":
            try propose(at: position, after: core.lastIndex, &words)
        case "read":
            try world.read(position, count: words.numberIfAny() ?? 1)
        case "compact":
            let kept = words.take("keeping") ? UInt64(try words.number("a number of entries")) : 0
            try world.compact(position, keeping: kept)
            guard try running(words).nodes[position].core?.firstIndex != core.firstIndex else {
                throw words.error("there is nothing to compact")
            }
        case "transfer":
            let target = words.take("to") ? UInt64(try words.node()) + 1 : nil
            _ = try world.transfer(position, to: target)
        default:
            let isSealed = verb == "seal"
            world.nodes[position].isSealed = isSealed
            try world.turn(position, [.sealChanged(isSealed: isSealed)])
        }
    }

    /// `propose 1 [count] [bytes N] [refused]`
    private func propose(at position: Int, after last: LogIndex, _ words: inout Words) throws {
        let world = try running(words)
        let count = words.numberIfAny() ?? 1
        let bytes = words.take("bytes") ? try words.number("a number of bytes") : 8
        let isRefused = words.take("refused")
        try world.propose(position, count: count, bytes: bytes)
        let taken = (world.nodes[position].core?.lastIndex.number ?? 0) - last.number
        let expected = isRefused ? 0 : count
        guard taken == UInt64(expected) else {
            throw words.error("\(taken) of \(count) proposals were taken, not \(expected)")
        }
    }

    private func restart(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        let positions = try words.nodes()
        let kept = words.take("keeping") ? try words.number("a number of writes") : 0
        for position in positions {
            let isRunning = world.nodes[position].core != nil
            guard isRunning == (verb == "crash") else {
                throw words.error("node \(position + 1) is \(isRunning ? "running" : "down")")
            }
            if verb == "crash" {
                guard kept <= world.nodes[position].jobs.count else {
                    throw words.error("only \(world.nodes[position].jobs.count) writes wait")
                }
                world.crash(position, keepingJobs: kept)
                try loseWhatGoes(to: position)
                heldDisks.remove(position)
                heldEvaluations.remove(position)
            } else {
                try world.start(position)
            }
        }
    }

    // MARK: Disks

    private func holdOrRelease(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        let what = try words.next("\"disk\" or \"evaluation\"")
        let positions = try words.nodes()
        switch (verb, what) {
        case ("hold", "disk"): heldDisks.formUnion(positions)
        case ("hold", "evaluation"): heldEvaluations.formUnion(positions)
        case ("release", "disk"):
            guard let count = words.numberIfAny() else {
                heldDisks.subtract(positions)
                return
            }
            // That many writes finish; the rest stays held.
            for position in positions {
                guard world.nodes[position].jobs.count >= count else {
                    throw words.error("only \(world.nodes[position].jobs.count) writes wait")
                }
                for _ in 0..<count {
                    try world.finishJobs(position, count: 1)
                }
            }
        case ("release", "evaluation"): heldEvaluations.subtract(positions)
        default: throw words.error("\"\(what)\" is neither disk nor evaluation")
        }
    }

    /// Disks and evaluation do at once what they are not kept from.
    func settleDisks() throws {
        guard let world else { return }
        try reportBrokenStreams()
        var isBusy = true
        while isBusy {
            isBusy = false
            for position in world.nodes.indices where world.nodes[position].core != nil {
                let jobs = world.nodes[position].jobs.count
                if jobs == 0 { applyWhenIdle(at: position) }
                if jobs > 0 && !heldDisks.contains(position) {
                    try world.finishJobs(position, count: jobs)
                    isBusy = true
                }
                if world.nodes[position].committed > world.nodes[position].evaluated,
                    !heldEvaluations.contains(position)
                {
                    let committed = world.nodes[position].committed
                    world.nodes[position].evaluated = committed
                    try world.turn(position, [.evaluated(committed)])
                    isBusy = true
                }
            }
        }
    }

    /// With nothing to write, what was evaluated is applied by itself.
    private func applyWhenIdle(at position: Int) {
        guard let world, !heldDisks.contains(position) else { return }
        let disk = world.nodes[position].disk
        let index = min(world.nodes[position].evaluated, disk.lastIndex)
        world.nodes[position].disk.apply(through: index)
    }

    // MARK: The end

    /// Whatever the story did, once nothing is in the way the cluster must elect, commit, answer
    /// and agree. What is still under way arrives late.
    private func converge() throws {
        guard let world, isStarted else {
            throw ScenarioError(file: file.name, line: 1, text: "nothing happens in it")
        }
        for loss in losses where loss.count == 0 {
            throw ScenarioError(
                file: file.name,
                line: loss.line,
                text: "nothing was ever lost to this line"
            )
        }
        world.takesOver = { _ in false }
        for link in parcels.keys.sorted(by: { ($0.source, $0.target) < ($1.source, $1.target) }) {
            for parcel in parcels[link] ?? [] {
                world.arrive(parcel.event)
            }
        }
        try world.heal()
        try world.requireProgress(ticksMax: 2_000)
    }
}
