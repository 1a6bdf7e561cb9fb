package import Raft

/// What a replica's state added up to after one entry.
///
/// Equal on all replicas at equal index. Taken where the index is a multiple of
/// ``Limits/checkpointEntries``, so that replicas which apply in different steps have some in
/// common.
package struct Checkpoint: Equatable, Sendable {
    /// The entry.
    package let index: LogIndex
    /// ``Store/StateDigest/root``, 32 bytes.
    package let root: [UInt8]

    /// Collects the two.
    package init(index: LogIndex, root: [UInt8]) {
        self.index = index
        self.root = root
    }
}

/// Two replicas whose states differ after the same entry: one of them holds something wrong that
/// each of its own checks calls right.
package struct Divergence: Equatable, Sendable {
    /// What this node had.
    package let own: Checkpoint
    /// The other one.
    package let member: NodeID
    /// What that one had.
    package let theirs: [UInt8]
}

/// The checkpoints of this node and of the others, the newest few of each.
struct CheckpointTable {
    private(set) var own: [Checkpoint] = []
    /// Looked up by member, never walked.
    private var others: [NodeID: [Checkpoint]] = [:]
    /// Pairs that were told already.
    private var told: [Divergence] = []
    /// Highest index at which a majority, this node among them, had the same.
    private(set) var agreed = LogIndex.zero

    /// Those of one replica that are kept.
    private static let keptMax = 4

    mutating func reached(_ checkpoint: Checkpoint) { Self.keep(checkpoint, in: &own) }

    mutating func heard(_ checkpoint: Checkpoint, from member: NodeID) {
        Self.keep(checkpoint, in: &others[member, default: []])
    }

    func own(at index: LogIndex) -> Checkpoint? { own.first { $0.index == index } }

    private static func keep(_ checkpoint: Checkpoint, in list: inout [Checkpoint]) {
        list.removeAll { $0.index == checkpoint.index }
        list.append(checkpoint)
        if list.count > keptMax { list.removeFirst() }
    }

    /// The members whose state after `index` is not known here.
    func unknown(at index: LogIndex, of members: [NodeID]) -> [NodeID] {
        members.filter { member in
            !(others[member] ?? []).contains { $0.index == index }
        }
    }

    /// What the comparison at `index` comes to.
    struct Verdict: Equatable {
        /// Others that differ, and were not told before.
        var divergences: [Divergence] = []
        /// A majority of all agrees on something else than this node: it is the wrong one.
        var outvotedBy: [UInt8]?
        /// `index`, when a majority has agreed with this node for the first time.
        var agreed: LogIndex?
    }

    /// Compares. Nothing comes of it before this node has a checkpoint there.
    mutating func judge(_ index: LogIndex, _ members: [NodeID]) -> Verdict {
        var verdict = Verdict()
        guard let own = own(at: index) else { return verdict }
        var roots: [[UInt8]] = [own.root]
        for member in members {
            let theirs = others[member]?.first { $0.index == index }
            guard let theirs else { continue }
            roots.append(theirs.root)
            guard theirs.root != own.root else { continue }
            let divergence = Divergence(own: own, member: member, theirs: theirs.root)
            guard !told.contains(divergence) else { continue }
            if told.count >= 4 * Self.keptMax { told.removeFirst() }
            told.append(divergence)
            verdict.divergences.append(divergence)
        }
        let majority = (members.count + 1) / 2 + 1
        for root in roots where roots.filter({ $0 == root }).count >= majority {
            if root != own.root {
                verdict.outvotedBy = root
            } else if index > agreed {
                agreed = index
                verdict.agreed = index
            }
            break
        }
        return verdict
    }
}

extension RepairMachine {
    /// This node has applied through a checkpoint: the others are told, and answer with theirs.
    mutating func reached(_ checkpoint: Checkpoint, _ now: Moment) {
        checkpoints.reached(checkpoint)
        tell(checkpoint, members, now)
        judge(checkpoint.index)
    }

    /// Says it again to those whose answer is missing: they may not have been that far, or a frame
    /// was lost. Ends with their answers, or with the next checkpoint.
    mutating func stepCheckpoints(_ now: Moment) {
        guard let due = checkpointDue, due <= now, let newest = checkpoints.own.last else { return }
        tell(newest, checkpoints.unknown(at: newest.index, of: members), now)
    }

    private mutating func tell(
        _ checkpoint: Checkpoint,
        _ receivers: [NodeID],
        _ now: Moment
    ) {
        let silent = checkpoints.unknown(at: checkpoint.index, of: members)
        for member in receivers {
            let wantsAnswer = silent.contains(member)
            _ = ports.send(.checkpoint(checkpoint, wantsAnswer: wantsAnswer), to: member)
        }
        checkpointDue = silent.isEmpty ? nil : now + .seconds(Limits.checkpointPauseSeconds)
    }

    mutating func heard(_ checkpoint: Checkpoint, wantsAnswer: Bool, from member: NodeID) {
        guard members.contains(member) else { return }
        checkpoints.heard(checkpoint, from: member)
        if wantsAnswer, let own = checkpoints.own(at: checkpoint.index) {
            _ = ports.send(.checkpoint(own, wantsAnswer: false), to: member)
        }
        judge(checkpoint.index)
    }

    private mutating func judge(_ index: LogIndex) {
        let verdict = checkpoints.judge(index, members)
        for divergence in verdict.divergences { ports.note(.diverged(divergence)) }
        if let agreed = verdict.agreed { ports.note(.agreed(agreed)) }
        if let root = verdict.outvotedBy, let own = checkpoints.own(at: index) {
            ports.note(.outvoted(own, majority: root))
        }
    }
}
