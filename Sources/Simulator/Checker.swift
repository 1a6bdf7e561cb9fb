import Raft
import Replica
import Store

/// The rules that hold at every moment, checked as things happen and never twice: each check costs
/// what is new, not what there is.
/// A class, so that looking at it copies nothing.
final class Checker {
    private struct Seen {
        let term: Term
        let previousTerm: Term?
        let entry: LogEntry
    }

    private struct Vote {
        var term: UInt64 = 0
        var candidate: NodeID?
    }

    /// A vote that was given, by which disk of a node.
    private struct Grant: Equatable {
        let term: UInt64
        let candidate: NodeID
        let voter: NodeID
        let incarnation: UInt64
    }

    private(set) var oracle: Oracle
    /// Every entry that was ever on its way to a disk, by index.
    private var seen: [[Seen]] = []
    /// Who leads a term, ascending by term.
    private var leaders: [(term: UInt64, node: Int)] = []
    private var votes: [Vote]
    /// The newest that each node has acknowledged, in the newest term in which it did.
    private var acknowledgements: [(term: Term, index: LogIndex)]
    private var grants: [Grant] = []
    private var processCommit: [UInt64]
    private var processTerm: [UInt64]
    /// Everything through here has been seen by a client.
    private(set) var observed: UInt64 = 0
    /// Since when; ascending in both.
    private var observations: [(time: UInt64, index: UInt64)] = []

    init(count: Int, oracle: Oracle) {
        self.oracle = oracle
        votes = Array(repeating: Vote(), count: count)
        acknowledgements = Array(repeating: (.zero, .zero), count: count)
        processCommit = Array(repeating: 0, count: count)
        processTerm = Array(repeating: 0, count: count)
    }

    // MARK: Processes

    /// The commit index that the node's process was seen with.
    func commit(of position: Int) -> UInt64 { processCommit[position] }

    func started(_ position: Int, _ process: Process) throws {
        let standing = process.core.standing
        guard standing.term.number >= processTerm[position] else {
            throw Violation("node \(position + 1) forgot term \(processTerm[position])")
        }
        processCommit[position] = 0
        processTerm[position] = standing.term.number
        try turned(process, isNewRole: false)
    }

    func ended(_ position: Int) {
        // What it thought but did not persist is forgotten; promises are checked where they leave.
        processTerm[position] = 0
    }

    /// The node's disk was made anew: it has promised nothing.
    func renewed(_ position: Int) {
        votes[position] = Vote()
        acknowledgements[position] = (.zero, .zero)
        processTerm[position] = 0
    }

    func hasVoted(_ member: Member, for candidate: NodeID, in term: Term) -> Bool {
        let grant = Grant(
            term: term.number,
            candidate: candidate,
            voter: member.id,
            incarnation: member.incarnation
        )
        return grants.contains(grant)
    }

    func alarmed(_ alarm: Alarm, at node: NodeID) throws {
        throw Violation("node \(node.number) raises an alarm: \(alarm.summary)")
    }

    func roleChanged(
        _ position: Int,
        _ role: Role,
        _ term: Term,
        _ leader: NodeID?
    ) throws {
        guard let leader else { return }
        let node = Int(leader.number) - 1
        guard role != .leader || node == position else {
            throw Violation("node \(position + 1) leads and believes in \(node + 1)")
        }
        var at = leaders.count
        while at > 0, leaders[at - 1].term >= term.number { at -= 1 }
        if at < leaders.count, leaders[at].term == term.number {
            guard leaders[at].node == node else {
                throw Violation(
                    "term \(term.number) has two leaders: \(leaders[at].node + 1) and \(node + 1)"
                )
            }
        } else {
            leaders.insert((term.number, node), at: at)
        }
    }

    /// After a turn of the core: commits, and what a new leader must have.
    func turned(_ process: Process, isNewRole: Bool) throws {
        let standing = process.core.standing
        let position = process.node
        let commit = standing.commit.number
        guard commit >= processCommit[position] else {
            throw Violation("node \(position + 1): commit index fell to \(commit)")
        }
        guard standing.term.number >= processTerm[position] else {
            throw Violation("node \(position + 1): term fell to \(standing.term.number)")
        }
        processCommit[position] = commit
        processTerm[position] = standing.term.number
        while process.checkedCommit < commit {
            process.checkedCommit += 1
            try checkCommitted(process.checkedCommit, process, standing)
        }
        if isNewRole, standing.role == .leader { try checkComplete(process, standing) }
    }

    /// State-machine safety: the same entry at the same index, everywhere.
    private func checkCommitted(
        _ index: UInt64,
        _ process: Process,
        _ standing: CoreStanding
    ) throws {
        let node = process.node + 1
        guard let entry = process.core.entry(at: LogIndex(number: index)) else {
            guard index <= standing.base.number, index <= oracle.lastIndex else {
                throw Violation("node \(node) committed \(index) and does not have it")
            }
            return
        }
        if let isEqual = oracle.isCommitted(entry) {
            guard isEqual else {
                throw Violation("node \(node) committed another entry \(index)")
            }
            return
        }
        guard index == oracle.lastIndex + 1 else {
            throw Violation("node \(node) committed \(index) after \(oracle.lastIndex)")
        }
        try oracle.commit(entry, knownIn: standing.term)
    }

    /// Leader completeness: it has whatever an earlier term committed.
    private func checkComplete(_ process: Process, _ standing: CoreStanding) throws {
        var index = oracle.lastIndex
        while index > standing.base.number, let known = oracle.committed(at: index) {
            if known.knownIn < standing.term {
                guard process.core.term(at: LogIndex(number: index)) == known.entry.term else {
                    throw Violation(
                        "node \(process.node + 1) leads term \(standing.term.number) without the "
                            + "committed entry \(index)"
                    )
                }
                return
            }
            index -= 1
        }
    }

    /// Log matching: the same index and term, the same entry, after the same term.
    func persisting(_ job: StorageJob, by process: Process) throws {
        if case .install(let point, _, _) = job { return try installing(point, process) }
        guard case .persist(let persist) = job, let first = persist.entries.first else { return }
        var previousTerm = process.core.term(at: first.index.previous)
        for entry in persist.entries {
            let position = Int(entry.index.number)
            while seen.count <= position { seen.append([]) }
            if let known = seen[position].first(where: { $0.term == entry.term }) {
                let isSameBefore =
                    previousTerm == nil || known.previousTerm == nil
                    || previousTerm == known.previousTerm
                guard known.entry == entry, isSameBefore else {
                    throw Violation(
                        "node \(process.node + 1) has another entry \(position) of term "
                            + "\(entry.term.number)"
                    )
                }
            } else {
                seen[position].append(
                    Seen(term: entry.term, previousTerm: previousTerm, entry: entry)
                )
            }
            previousTerm = entry.term
        }
    }

    /// What a node acknowledged to the leader of its term stays, whatever snapshot comes late.
    private func installing(_ point: SnapshotPoint, _ process: Process) throws {
        let (term, index) = acknowledgements[process.node]
        guard term == process.core.standing.term, index > point.index else { return }
        throw Violation(
            "node \(process.node + 1) acknowledged \(index.number), and a snapshot at "
                + "\(point.index.number) takes it away"
        )
    }

    // MARK: Promises

    /// Only voters ask to lead: of the newest configuration in their log, or of the committed one.
    func campaigning(_ process: Process) throws {
        let id = NodeID(number: UInt64(process.node) + 1)
        guard !process.configuration.isVoter(id), !process.core.committedConfiguration.isVoter(id)
        else { return }
        throw Violation("node \(id.number) campaigns and is no voter")
    }

    /// Nothing leaves that the disk does not back.
    func leaving(_ message: Message, from node: Node, to target: NodeID) throws {
        if case .relayed(let relayed) = message.body {
            guard relayed.origin == node.id else { return }
            return try leaving(relayed.message, from: node, to: relayed.target)
        }
        let position = Int(node.id.number) - 1
        let ballot = node.disk.durableBallot
        guard ballot.term >= message.term.number else {
            throw Violation(
                "node \(position + 1) speaks in term \(message.term.number), its disk knows "
                    + "\(ballot.term)"
            )
        }
        switch message.body {
        case .voteRequest: try voted(position, node, for: node.id, in: message.term)
        case .voteResponse(isGranted: true):
            try voted(position, node, for: target, in: message.term)
            grants.append(
                Grant(
                    term: message.term.number,
                    candidate: target,
                    voter: node.id,
                    incarnation: message.incarnation
                )
            )
        case .appendResponse(let response):
            guard case .accepted(let through) = response.outcome else { return }
            try acknowledged(through, node, in: message.term)
        case .heartbeatResponse(let response):
            try acknowledged(response.durable, node, in: message.term)
        default: break
        }
    }

    private func voted(
        _ position: Int,
        _ node: Node,
        for candidate: NodeID,
        in term: Term
    ) throws {
        let known = votes[position]
        guard known.term < term.number || known.candidate == candidate || known.term > term.number
        else { throw Violation("node \(position + 1) voted twice in term \(term.number)") }
        if known.term <= term.number {
            votes[position] = Vote(term: term.number, candidate: candidate)
        }
        let ballot = node.disk.durableBallot
        guard ballot.term > term.number || ballot.vote == candidate.number else {
            throw Violation("node \(position + 1) sends a vote that is not on its disk")
        }
    }

    /// What is acknowledged is on the disk, and came from the leader of that term: nothing of a
    /// later one has replaced it.
    private func acknowledged(_ index: LogIndex, _ node: Node, in term: Term) throws {
        let last = node.disk.durable.point.last.index
        guard last >= index.number else {
            throw Violation(
                "node \(node.id.number) acknowledges \(index.number), its disk ends at \(last)"
            )
        }
        guard let known = node.disk.durable.term(at: index.number), known > term.number else {
            let position = Int(node.id.number) - 1
            let newest = acknowledgements[position]
            if (newest.term, newest.index) < (term, index) {
                acknowledgements[position] = (term, index)
            }
            return
        }
        throw Violation(
            "node \(node.id.number) acknowledges \(index.number) in term \(term.number), its "
                + "disk has one of term \(known)"
        )
    }

    // MARK: State

    /// The state on a disk is the one that the committed log makes at this index.
    func durable(_ node: Node) throws {
        let tables = node.disk.durable
        let applied = tables.point.appliedIndex
        guard applied <= oracle.lastIndex else {
            throw Violation("node \(node.id.number) applied \(applied), which nobody committed")
        }
        guard tables.stateHash == oracle.stateHash(at: applied) else {
            throw Violation("node \(node.id.number): another state at \(applied)")
        }
        if let bytes = node.disk.takeNewConfiguration() {
            try configured(bytes, at: applied, node.id)
        }
    }

    /// The members beside the state are the ones of its index, or what the node was told when it
    /// began and its log has not reached yet.
    private func configured(_ bytes: [UInt8], at index: UInt64, _ node: NodeID) throws {
        guard let configuration = try? Configuration(decoding: bytes) else {
            throw Violation("node \(node.number) has a configuration that cannot be read")
        }
        let wanted = oracle.configuration(at: index)
        guard configuration == wanted || configuration.revision > wanted.revision else {
            throw Violation("node \(node.number): other members at \(index)")
        }
    }

    /// An evaluated entry changes what the oracle says.
    func evaluated(_ layer: OverlayLayer, by node: NodeID) throws {
        guard let known = oracle.committed(at: layer.index) else {
            throw Violation("node \(node.number) evaluated \(layer.index), which nobody committed")
        }
        // An entry that a snapshot had overtaken is evaluated to nothing.
        let isEqual =
            known.writes.count == layer.writes.count
            && zip(known.writes, layer.writes).allSatisfy { $0.key == $1.0 && $0.bytes == $1.1 }
        guard isEqual || (layer.writes.isEmpty && layer.requestID == nil) else {
            throw Violation("node \(node.number) evaluates entry \(layer.index) differently")
        }
    }

    // MARK: Clients

    /// Strict order in real time: what a client has seen, every later operation builds on.
    func observe(_ index: UInt64, at time: UInt64) {
        guard index > observed else { return }
        observed = index
        observations.append((time, index))
    }

    /// What somebody had seen before this moment.
    func observed(before time: UInt64) -> UInt64 {
        var low = 0
        var high = observations.count
        while low < high {
            let middle = low + (high - low) / 2
            if observations[middle].time < time { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? observations[low - 1].index : 0
    }
}
