package import Raft
package import Store

/// A stream that the core asked for and that waits for an export.
struct StreamRequest {
    let member: NodeID
    let atLeast: LogIndex
    let term: Term
    /// When it is given up.
    let deadline: Moment
}

/// How a sender cuts a file up.
package struct StreamSizes: Sendable {
    /// Bytes of one chunk.
    package var chunkBytes = Limits.snapshotChunkBytes
    /// Bytes on their way that the receiver has not written yet.
    package var windowBytes = Limits.snapshotWindowBytes

    /// Production's.
    package init() {}
}

/// The sender's side of a stream.
struct OutgoingStream {
    let member: NodeID
    let offer: SnapshotOffer
    let term: Term
    /// The receiver was told of it.
    var isAnnounced = false
    /// Sent through here; nil until the receiver says where to begin.
    private var sent: UInt64?
    /// Written by the receiver through here.
    private var taken: UInt64 = 0
    /// The most that it ever had written.
    private var furthest: UInt64 = 0
    private var lastProgress: Moment

    init(member: NodeID, offer: SnapshotOffer, term: Term, now: Moment) {
        self.member = member
        self.offer = offer
        self.term = term
        lastProgress = now
    }

    /// Where the next chunk begins.
    var offset: UInt64 {
        get { sent ?? 0 }
        set { sent = newValue }
    }

    /// Through here may be sent: one window beyond what the receiver has written.
    func sendableEnd(window bytes: Int) -> UInt64 {
        guard sent != nil else { return 0 }
        return min(offer.bytes, taken + UInt64(bytes))
    }

    /// - Returns: false when the receiver cannot have that much.
    mutating func resume(at offset: UInt64, _ now: Moment) -> Bool {
        guard offset <= offer.bytes else { return false }
        // That a receiver asks again and again is no progress.
        if sent == nil || offset > furthest { lastProgress = now }
        sent = offset
        taken = offset
        furthest = max(furthest, offset)
        return true
    }

    /// Nothing that was not sent can have been written. A receiver that has all of it repeats that
    /// while it verifies.
    mutating func taken(through offset: UInt64, _ now: Moment) {
        guard let sent, offset <= sent, offset > taken || offset == offer.bytes else { return }
        taken = max(taken, offset)
        guard offset > furthest || offset == offer.bytes else { return }
        furthest = offset
        lastProgress = now
    }

    func isStalled(_ now: Moment) -> Bool {
        now - lastProgress > .seconds(Limits.snapshotSilenceSeconds)
    }
}

/// The receiver's side of a stream; its file is the shelf's arriving one.
struct IncomingStream {
    let from: NodeID
    let term: Term
    /// The sender was asked to go on from here, and what it sent before that is still on its way.
    var isRewinding = false
}

/// What a courier has done since the start.
package struct SnapshotCounters: Equatable, Sendable {
    /// Local files made.
    package internal(set) var exported: UInt64 = 0
    /// Streams begun as sender.
    package internal(set) var begun: UInt64 = 0
    /// Of these, those that were delivered.
    package internal(set) var delivered: UInt64 = 0
    /// Those that ended early, or could not begin.
    package internal(set) var failed: UInt64 = 0
    /// Streams that went on where an earlier one, or a lost chunk, had left its receiver.
    package internal(set) var resumed: UInt64 = 0
    /// Streams, sent or received, that were thrown away because bytes of theirs were wrong.
    package internal(set) var damaged: UInt64 = 0
    /// Bytes that left in chunks, repetitions included.
    package internal(set) var sentBytes: UInt64 = 0
    /// Bytes that arrived and were written.
    package internal(set) var receivedBytes: UInt64 = 0
    /// Bytes of streams that did not have to be sent again.
    package internal(set) var sparedBytes: UInt64 = 0
    /// Whole, verified files handed to the core.
    package internal(set) var arrived: UInt64 = 0

    /// Nothing yet.
    package init() {}
}

/// What a courier has to tell people.
package enum CourierNote: Sendable {
    /// A stream begins.
    case sending(to: NodeID, SnapshotOffer)
    /// Its receiver has this many bytes already.
    case resuming(to: NodeID, SnapshotOffer, at: UInt64)
    /// This many bytes of it are here already.
    case receiving(from: NodeID, SnapshotOffer, have: UInt64)
    /// Whole and verified.
    case arrived(SnapshotOffer)
    /// Thrown away, and why.
    case damaged(SnapshotOffer, String)
    /// Something else did not work.
    case failed(StoreError)
}

/// Why the leader's log is kept after a snapshot: its receiver goes on from there.
struct SnapshotHold {
    enum State {
        case sending
        /// Until the receiver has it on disk.
        case delivered
        /// For a while: the next stream may be of the same file.
        case broken(since: Moment?)
    }

    let member: NodeID
    let point: LogIndex
    var state = State.sending
}
