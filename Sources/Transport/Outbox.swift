import NIOCore
import Synchronization

/// Frames that wait to be written to one connection. Filled from any thread, emptied on the
/// peer event loop; what piles up within one turn of that loop leaves with one flush.
final class Outbox: Sendable {
    struct Entry: Sendable {
        let frame: Frame
        let checksum: UInt32

        var byteCount: Int { FrameCodec.headerBytes + frame.payload.count }
    }

    enum Offer: Equatable {
        /// Link down or queue full; the frame is dropped.
        case refused
        /// Taken; somebody is already on the way to empty the queue.
        case taken
        /// Taken; the caller has to wake the link.
        case takenWakeLink
    }

    struct Batch {
        let entries: [Entry]
        let byteCount: Int
        /// More is waiting.
        let isPartial: Bool
        /// A refused sender may try again.
        let hasRoomAgain: Bool
    }

    private struct State {
        var entries = CircularBuffer<Entry>()
        var byteCount = 0
        var isOpen = false
        var isWakeDue = false
        var hasRefused = false
    }

    private let limit: QueueLimit
    private let state = Mutex(State())

    init(limit: QueueLimit) { self.limit = limit }

    func offer(_ entry: Entry) -> Offer {
        state.withLock { state in
            guard state.isOpen, hasRoom(state, for: entry.byteCount) else {
                state.hasRefused = true
                return .refused
            }
            state.entries.append(entry)
            state.byteCount += entry.byteCount
            guard !state.isWakeDue else { return .taken }
            state.isWakeDue = true
            return .takenWakeLink
        }
    }

    /// Whether a frame of the usual size would be taken now. A no counts as a refused frame: it
    /// is followed by word that there is room.
    func canTake(bytes: Int) -> Bool {
        state.withLock { state in
            let can = state.isOpen && hasRoom(state, for: bytes)
            if !can { state.hasRefused = true }
            return can
        }
    }

    var isOpen: Bool { state.withLock(\.isOpen) }

    func open() { state.withLock { $0 = State(isOpen: true) } }

    /// Forgets everything that waits: on a new connection it would be stale.
    func close() { state.withLock { $0 = State() } }

    /// Up to `bytesMax` of frames, always at least one if there is one; nil if there is none.
    func take(bytesMax: Int) -> Batch? {
        state.withLock { state in
            guard !state.entries.isEmpty else {
                state.isWakeDue = false
                return nil
            }
            var entries: [Entry] = []
            var byteCount = 0
            while let entry = state.entries.first,
                entries.isEmpty || byteCount + entry.byteCount <= bytesMax
            {
                state.entries.removeFirst()
                entries.append(entry)
                byteCount += entry.byteCount
            }
            state.byteCount -= byteCount
            let isPartial = !state.entries.isEmpty
            state.isWakeDue = isPartial
            let hasRoomAgain =
                state.hasRefused && state.byteCount <= limit.bytesMax / 2
                && state.entries.count <= limit.framesMax / 2
            if hasRoomAgain { state.hasRefused = false }
            return Batch(
                entries: entries,
                byteCount: byteCount,
                isPartial: isPartial,
                hasRoomAgain: hasRoomAgain
            )
        }
    }

    private func hasRoom(_ state: State, for bytes: Int) -> Bool {
        state.entries.isEmpty
            || (state.entries.count < limit.framesMax && state.byteCount + bytes <= limit.bytesMax)
    }
}
