/// Everything the core can learn. There is no other way in.
package enum Input: Sendable {
    /// 10 ms have passed. After a pause the driver delivers a few ticks at most.
    case tick
    /// The node's own clock, in nanoseconds since some fixed moment: monotonic, running on while
    /// the process is stopped. Read after the turn's inputs were taken and given before them.
    /// Only leases use it; without it there are none.
    case clock(UInt64)
    /// A peer spoke. The driver has authenticated it; what it says is not trusted.
    case received(Message, from: NodeID)
    /// Clients want entries. Each is answered once, by `appended` or `refused`.
    case proposed([Proposal])
    /// Clients want to read. Each ticket is answered once, by `readReady` or `readRefused`.
    /// `mustConfirm`: by a round that starts from now on, lease or not.
    case readRequested([ReadTicket], mustConfirm: Bool = false)
    /// Everything up to and including this persist is on disk.
    case durable(PersistToken)
    /// Term and vote of everything up to and including this persist are on disk. Their entries, for
    /// which there was no room, are not.
    case voteDurable(PersistToken)
    /// The driver evaluated committed entries through here.
    case evaluated(LogIndex)
    /// The driver dropped its durable log through here, which its durable state holds; the core
    /// drops its memory too.
    case compacted(through: LogIndex)
    /// Leader: the stream asked for by `streamSnapshot` ended, at this point.
    case snapshotStreamed(to: NodeID, point: SnapshotPoint, delivered: Bool)
    /// Follower: a whole snapshot is in a local file and verified. `term` is the sender's when
    /// its stream began. The core answers with `installSnapshot` if it wants it; if it does not,
    /// the file can go.
    case snapshotArrived(SnapshotPoint, from: NodeID, term: Term)
    /// The connection to this peer was reset: a hint that its process died.
    case linkReset(NodeID)
    /// This node was sealed or unsealed.
    case sealChanged(isSealed: Bool)
    /// Leader: let this voter lead, or the fittest one. Answered once, by `transferEnded`.
    case transferRequested(Ticket, to: NodeID?)
    /// The storage stalls, or has recovered.
    case diskHealth(DiskHealth)
    /// The storage has so little room left that clients' writes are refused, or has enough again.
    case roomChanged(isShort: Bool)
}

/// An entry somebody wants in the log.
package struct Proposal: Equatable, Sendable {
    /// Comes back in the answer.
    package let ticket: Ticket
    /// Of a `configuration`, the body is a ``ConfigurationEntry``.
    package let kind: EntryKind
    /// At most ``Limits/entryBodyBytesMax`` bytes.
    package let body: [UInt8]

    package init(ticket: Ticket, kind: EntryKind, body: [UInt8]) {
        self.ticket = ticket
        self.kind = kind
        self.body = body
    }
}
