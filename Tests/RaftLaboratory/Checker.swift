import Raft

/// A broken promise, in words.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Knows everything that ever happened and compares each step with it.
struct Checker {
    private struct Position: Hashable {
        let index: LogIndex
        let term: Term
    }

    private struct Identity: Equatable {
        let previousTerm: Term
        let kind: EntryKind
        let body: [UInt8]
    }

    private struct Voter: Hashable {
        let id: NodeID
        /// A vote binds the disk that holds it.
        let incarnation: UInt64
        let term: Term
    }

    private struct Committed {
        let entry: LogEntry
        /// The term of the node that was first to call it committed.
        let committedIn: Term
    }

    private var leaders: [Term: NodeID] = [:]
    private var identities: [Position: Identity] = [:]
    private var votes: [Voter: NodeID] = [:]
    private var committed: [Committed] = []
    /// By node: the highest position that it acknowledged, in the last term in which it did.
    private var acknowledgements: [NodeID: Position] = [:]
    private var refusedTickets: Set<UInt64> = []
    /// By node: its commit index when last seen, and the token last issued.
    private var commits: [NodeID: LogIndex] = [:]
    private var tokens: [NodeID: PersistToken] = [:]
    private var terms: [NodeID: Term] = [:]
    /// As of the highest committed index; nil while it is the initial one.
    var committedConfiguration: Configuration?
    private(set) var elections = 0
    private(set) var readsServed = 0
    private(set) var snapshotsInstalled = 0

    /// The highest index any node has ever called committed.
    var committedIndex: LogIndex { LogIndex(number: UInt64(committed.count)) }
    var committedCount: Int { committed.count }

    func committedEntry(at index: LogIndex) -> LogEntry? {
        index > .zero && index <= committedIndex
            ? committed[Int(index.number) - 1].entry : nil
    }

    mutating func started(_ node: SimNode) throws {
        guard let core = node.core else { return }
        tokens[node.id] = PersistToken(number: 0)
        commits[node.id] = .zero
        if let known = terms[node.id], node.disk.hardState.term > known {
            throw Violation("node \(node.id.number) starts in a term it never entered")
        }
        terms[node.id] = core.term
    }

    /// A disk is lost, and with it everything that the node knew.
    mutating func wiped(_ id: NodeID) {
        terms[id] = nil
        commits[id] = nil
        acknowledgements[id] = nil
    }

    /// For scenarios that write a disk by hand.
    mutating func forgetTerms() {
        terms = [:]
    }

    // MARK: After every step

    mutating func stepped(_ core: RaftCore, at position: Int, world: World) throws {
        try checkTerm(core)
        try checkCandidate(core)
        try checkElectionSafety(core)
        try checkCommit(core)
        guard core.commitIndex <= core.lastIndex, core.durableIndex <= core.lastIndex,
            core.snapshotIndex <= core.commitIndex
        else { throw Violation("the indexes of node \(core.id.number) are out of order") }
    }

    private mutating func checkTerm(_ core: RaftCore) throws {
        if let known = terms[core.id], core.term < known {
            throw Violation("the term of node \(core.id.number) fell")
        }
        terms[core.id] = core.term
    }

    /// Only voters ask to lead: of the newest configuration in their log, or of the committed one.
    private func checkCandidate(_ core: RaftCore) throws {
        guard core.role == .preCandidate || core.role == .candidate,
            !core.configuration.isVoter(core.id), !core.committedConfiguration.isVoter(core.id)
        else { return }
        throw Violation("node \(core.id.number) campaigns and is no voter")
    }

    /// At most one leader a term; and whoever leads has every entry committed before its term.
    private mutating func checkElectionSafety(_ core: RaftCore) throws {
        guard core.role == .leader else { return }
        if let known = leaders[core.term] {
            guard known == core.id else {
                throw Violation("two leaders in term \(core.term.number)")
            }
            return
        }
        leaders[core.term] = core.id
        guard core.configuration.isVoter(core.id) || core.committedConfiguration.isVoter(core.id)
        else {
            throw Violation("node \(core.id.number) leads and is no voter")
        }
        elections += 1
        for item in committed where item.committedIn < core.term {
            let index = item.entry.index
            guard index <= core.snapshotIndex || core.term(at: index) == item.entry.term else {
                throw Violation(
                    "leader \(core.id.number) of term \(core.term.number) lacks the committed "
                        + "entry \(index.number)"
                )
            }
        }
    }

    /// Committed entries never differ between nodes, and commit indexes never fall.
    private mutating func checkCommit(_ core: RaftCore) throws {
        let seen = commits[core.id] ?? .zero
        guard core.commitIndex >= seen else {
            throw Violation("the commit index of node \(core.id.number) fell")
        }
        guard core.commitIndex > seen else { return }
        commits[core.id] = core.commitIndex
        var index = max(seen, core.snapshotIndex)
        if index == core.snapshotIndex, index > .zero {
            guard let known = committedEntry(at: index), known.term == core.snapshotTerm else {
                throw Violation("node \(core.id.number) has a snapshot of what is not committed")
            }
        }
        while index < core.commitIndex {
            index = index.next
            guard let entry = core.entry(at: index) else {
                throw Violation("node \(core.id.number) lacks its committed entry \(index.number)")
            }
            try commit(entry, seenBy: core)
        }
    }

    private mutating func commit(_ entry: LogEntry, seenBy core: RaftCore) throws {
        if let known = committedEntry(at: entry.index) {
            guard known == entry else {
                throw Violation(
                    "node \(core.id.number) committed another entry \(entry.index.number)"
                )
            }
            return
        }
        guard entry.index == committedIndex.next else {
            throw Violation("entry \(entry.index.number) is committed before its predecessors")
        }
        if entry.kind == .batch {
            let ticket = entry.body.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard !refusedTickets.contains(ticket) else {
                throw Violation("the refused proposal \(ticket) was committed")
            }
        }
        committed.append(Committed(entry: entry, committedIn: core.term))
        if entry.kind == .configuration {
            try commitConfiguration(entry)
        }
    }

    // MARK: Effects

    mutating func persisting(_ persist: Persist, at node: SimNode) throws {
        try issued(persist.token, by: node.id)
        if persist.votesChanged && persist.hardState == nil {
            throw Violation("votes changed but no hard state is persisted")
        }
        if let cut = persist.truncateFrom, let known = acknowledgements[node.id],
            known.term == node.core?.term, cut <= known.index
        {
            throw Violation(
                "node \(node.id.number) cuts its log at \(cut.number), and acknowledged "
                    + "\(known.index.number) to the same leader"
            )
        }
        guard let core = node.core, let first = persist.entries.first else { return }
        // Log matching, by induction: the same index and term mean the same entry and the same
        // one before it. The first one's predecessor may be gone if a snapshot came meanwhile.
        var previousTerm =
            core.entry(at: first.index) == nil
            ? nil : core.term(at: first.index.previous)
        for entry in persist.entries {
            if let previousTerm {
                try match(entry, after: previousTerm)
            }
            previousTerm = entry.term
        }
    }

    private mutating func match(_ entry: LogEntry, after previousTerm: Term) throws {
        let identity = Identity(previousTerm: previousTerm, kind: entry.kind, body: entry.body)
        let position = Position(index: entry.index, term: entry.term)
        if let known = identities[position], known != identity {
            throw Violation("logs differ at \(entry.index.number):\(entry.term.number)")
        }
        identities[position] = identity
    }

    mutating func installing(
        _ point: SnapshotPoint,
        as token: PersistToken,
        at node: SimNode
    ) throws {
        try issued(token, by: node.id)
        snapshotsInstalled += 1
        guard committedEntry(at: point.index)?.term == point.term else {
            throw Violation("a snapshot of uncommitted state at \(point.index.number)")
        }
        // A log that has the snapshot's entry agrees through there, and goes on as it was.
        if let known = acknowledgements[node.id], known.index > point.index,
            node.disk.term(at: point.index) == point.term
        {
            throw Violation(
                "node \(node.id.number) acknowledged \(known.index.number), and a snapshot at "
                    + "\(point.index.number) takes it away"
            )
        }
    }

    private mutating func issued(_ token: PersistToken, by id: NodeID) throws {
        let last = tokens[id] ?? PersistToken(number: 0)
        guard token.number == last.number + 1 else {
            throw Violation("token \(token.number) follows \(last.number)")
        }
        tokens[id] = token
    }

    /// What is handed to evaluation is committed and on this disk.
    func committing(through index: LogIndex, at node: SimNode) throws {
        guard index > node.committed else {
            throw Violation("node \(node.id.number) is told twice to evaluate \(index.number)")
        }
        var at = max(node.committed, node.disk.baseIndex)
        while at < index {
            at = at.next
            guard let known = committedEntry(at: at), node.disk.term(at: at) == known.term else {
                throw Violation(
                    "node \(node.id.number) evaluates \(at.number), which is not on its disk"
                )
            }
        }
    }

    func appended(_ ticket: Ticket, term: Term, index: LogIndex) throws {
        guard !refusedTickets.contains(ticket.number) else {
            throw Violation("proposal \(ticket.number) was refused and appended")
        }
    }

    mutating func refused(_ ticket: Ticket) throws {
        refusedTickets.insert(ticket.number)
    }

    mutating func readServed(at index: LogIndex, floor: LogIndex) throws {
        guard index >= floor else {
            throw Violation("a stale read: \(index.number), but \(floor.number) was committed")
        }
        readsServed += 1
    }

    // MARK: Messages

    /// Nothing leaves that the disk does not back.
    mutating func leaving(
        _ message: Message,
        from node: SimNode,
        to target: NodeID,
        world: World
    ) throws {
        if case .relayed(let relayed) = message.body {
            guard relayed.origin == node.id else { return }
            return try leaving(relayed.message, from: node, to: relayed.target, world: world)
        }
        guard node.disk.hardState.term >= message.term else {
            throw Violation("node \(node.id.number) speaks in a term that is not on its disk")
        }
        switch message.body {
        case .voteRequest:
            try voted(node, for: node.id, in: message.term)
        case .voteResponse(isGranted: true):
            try voted(node, for: target, in: message.term)
        case .appendResponse(let response):
            if case .accepted(let index) = response.outcome {
                try acknowledged(index, by: node, in: message.term, to: target, world: world)
            }
        case .heartbeatResponse(let response):
            try acknowledged(
                response.durable,
                by: node,
                in: message.term,
                to: target,
                world: world
            )
        default:
            break
        }
    }

    private mutating func voted(_ node: SimNode, for candidate: NodeID, in term: Term) throws {
        let voter = Voter(id: node.id, incarnation: node.incarnation, term: term)
        if let known = votes[voter], known != candidate {
            throw Violation("node \(node.id.number) voted twice in term \(term.number)")
        }
        votes[voter] = candidate
        let state = node.disk.hardState
        guard state.term > term || state.vote == candidate else {
            throw Violation("node \(node.id.number) sends a vote that is not on its disk")
        }
    }

    /// An acknowledged append is on the disk, and is what the leader of that term has: nothing of
    /// a later one.
    private mutating func acknowledged(
        _ index: LogIndex,
        by node: SimNode,
        in term: Term,
        to target: NodeID,
        world: World
    ) throws {
        guard node.disk.lastIndex >= index else {
            throw Violation(
                "node \(node.id.number) acknowledges \(index.number), its disk ends at "
                    + "\(node.disk.lastIndex.number)"
            )
        }
        let known = acknowledgements[node.id]
        if known == nil || (term, index) > (known?.term ?? .zero, known?.index ?? .zero) {
            acknowledgements[node.id] = Position(index: index, term: term)
        }
        guard let ownTerm = node.disk.term(at: index) else { return }
        guard ownTerm <= term else {
            throw Violation(
                "node \(node.id.number) acknowledges \(index.number) in term \(term.number), "
                    + "and has one of term \(ownTerm.number)"
            )
        }
        guard let leader = world.nodes[world.position(of: target)].core, leader.role == .leader,
            leader.term == term, let leaderTerm = leader.term(at: index)
        else { return }
        guard leaderTerm == ownTerm else {
            throw Violation(
                "node \(node.id.number) acknowledges \(index.number) of another term"
            )
        }
    }
}
