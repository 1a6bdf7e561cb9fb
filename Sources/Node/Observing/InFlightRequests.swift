import API
import Synchronization
import Wire

/// What clients wait for on this node: `sys/in-flight-req`. Every event loop writes it.
final class InFlightRequests: Sendable {
    /// One of them. The path is that of the request without its query.
    struct Entry: Sendable {
        let id: [UInt8]
        let started: Timestamp
        let address: String
        let method: String
        let target: [UInt8]
    }

    private struct State {
        /// Only looked up, and sorted before it is shown.
        var entries: [Key: Entry] = [:]
    }

    /// A request id, which has 16 bytes and is drawn anew for each request.
    private struct Key: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ id: [UInt8]) {
            precondition(id.count == 16, "a request id has 16 bytes")
            high = id[..<8].reduce(0) { $0 << 8 | UInt64($1) }
            low = id[8...].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private let state = Mutex(State())

    /// A request is worked on from here.
    func began(_ request: APIRequest, from address: String, at now: Timestamp) {
        let entry = Entry(
            id: request.requestID,
            started: now,
            address: address,
            method: request.method,
            target: request.target
        )
        state.withLock { state in
            guard state.entries.count < Limits.inFlightNotedMax else { return }
            state.entries[Key(request.requestID)] = entry
        }
    }

    /// It was answered.
    func ended(_ id: [UInt8]) {
        let key = Key(id)
        state.withLock { _ = $0.entries.removeValue(forKey: key) }
    }

    /// All of them, the oldest first.
    var entries: [Entry] {
        let entries = state.withLock { Array($0.entries.values) }
        return entries.sorted { a, b in
            (a.started.nanoseconds, Hex.encode(a.id)) < (b.started.nanoseconds, Hex.encode(b.id))
        }
    }
}
