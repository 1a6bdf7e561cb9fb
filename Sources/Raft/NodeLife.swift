/// Which life of a node speaks: everything about a sender that is not its term.
///
/// Every message carries it, so that what a node said before it lost its memory, or in an epoch
/// that a disaster recovery has ended, is not taken for what it says now.
package struct NodeLife: Equatable, Sendable {
    /// Raised by each disaster recovery, equal on all members. Messages of another epoch are
    /// not processed: the histories they speak of are different ones.
    package let epoch: UInt64
    /// This start of the process, counted on its own disk; 1 or above. Goes backwards only when
    /// an old image of the disk was put in its place.
    package let boot: UInt64
    /// Under which the node was last admitted, as its disk says. It counts only as long as it is
    /// the one in the configuration, see ``Member/incarnation``.
    package let incarnation: UInt64
    /// False after the log or the vote was lost, quarantined or rebuilt: this node grants no
    /// vote, never campaigns, and what it acknowledges counts for nothing, until it is admitted
    /// again under a new incarnation.
    package let mayVote: Bool

    /// - Parameter boot: 1 or above.
    package init(epoch: UInt64, boot: UInt64, incarnation: UInt64, mayVote: Bool) {
        precondition(boot >= 1, "boots are counted from 1")
        precondition(incarnation < Self.forgotten, "no such incarnation is ever given")
        self.epoch = epoch
        self.boot = boot
        self.incarnation = incarnation
        self.mayVote = mayVote
    }

    /// What a node that may not vote says instead of its incarnation: it equals none that a
    /// configuration can hold, so nobody counts such a node by mistake.
    package static let forgotten = UInt64.max

    /// What its messages say.
    var spokenIncarnation: UInt64 { mayVote ? incarnation : Self.forgotten }
}

/// What this process remembers of the lives of one other node.
struct PeerLife: Sendable {
    let id: NodeID
    /// The incarnation that `boot` was heard under.
    var incarnation: UInt64
    /// The newest start of its process that was heard.
    var boot: UInt64
    /// When an earlier boot was first heard with none of the newest since.
    var regressedTick: UInt64?
    /// The alarm about that was raised.
    var isReported = false
    /// It was caught without entries that it had acknowledged, so it may have forgotten votes,
    /// too. Under another incarnation it begins anew.
    var hasForgotten = false
}

/// One ``PeerLife`` for each node that was heard, ascending by id.
struct PeerLives: Sendable {
    private var lives: [PeerLife] = []

    subscript(id: NodeID) -> PeerLife? {
        let position = position(of: id)
        return position < lives.count && lives[position].id == id ? lives[position] : nil
    }

    /// Replaces what is remembered of this node.
    mutating func record(_ life: PeerLife) {
        let position = position(of: life.id)
        if position < lives.count, lives[position].id == life.id {
            lives[position] = life
        } else {
            lives.insert(life, at: position)
        }
    }

    /// Forgets who is no member any more.
    mutating func keep(_ members: [NodeID]) {
        lives.removeAll { !members.contains($0.id) }
    }

    private func position(of id: NodeID) -> Int {
        lives.firstIndex { $0.id >= id } ?? lives.count
    }
}
