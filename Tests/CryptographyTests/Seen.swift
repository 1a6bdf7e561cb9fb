import Synchronization

/// Collects byte strings from several threads.
final class Seen: Sendable {
    private let values = Mutex<Set<[UInt8]>>([])
    func insert(_ value: [UInt8]) { _ = values.withLock { $0.insert(value) } }
    var count: Int { values.withLock { $0.count } }
}
