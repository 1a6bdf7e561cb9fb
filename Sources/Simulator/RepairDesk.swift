import Raft
import Replica
import Store
import Synchronization

/// Where a repair machine puts what it says, for the world to fetch after each turn.
///
/// Some of it comes out of closures that the machine handed to others, so it has a lock.
final class RepairMail: RepairPorts {
    struct Said {
        var frames: [(frame: RepairFrame, target: NodeID)] = []
        /// For the thread that owns the write transaction.
        var writes: [@Sendable (SimulatedStore) -> Void] = []
        var jobs: [RepairJob] = []
        /// Asked of the log in memory.
        var bodies: [CoreInput] = []
        /// The newest list of damaged buckets, if it has changed.
        var doubts: [Int]?
        var events: [RepairEvent] = []
        /// What a search for bodies came to.
        var recovered: (bodies: [UInt64: [UInt8]], cut: UInt64?)?
    }

    private struct State {
        var said = Said()
        var isEmpty = true
        /// By position: whether there is a connection.
        var isConnected: [Bool] = []
    }

    private let state = Mutex(State())

    /// Before a turn: to whom there is a connection.
    func connect(_ isConnected: [Bool]) { state.withLock { $0.isConnected = isConnected } }

    /// What was said since the last call; nil: nothing.
    func take() -> Said? {
        state.withLock { state in
            guard !state.isEmpty else { return nil }
            defer {
                state.said = Said()
                state.isEmpty = true
            }
            return state.said
        }
    }

    private func say(_ body: (inout Said) -> Void) {
        state.withLock { state in
            state.isEmpty = false
            body(&state.said)
        }
    }

    func send(_ frame: RepairFrame, to member: NodeID) -> Bool {
        state.withLock { state in
            let position = Int(member.number) - 1
            guard state.isConnected.indices.contains(position), state.isConnected[position] else {
                return false
            }
            state.isEmpty = false
            state.said.frames.append((frame, member))
            return true
        }
    }

    func write(_ body: @escaping @Sendable (SimulatedStore) -> Void) {
        say { $0.writes.append(body) }
    }

    func again(_ job: RepairJob) { say { $0.jobs.append(job) } }

    func body(
        of index: LogIndex,
        _ term: Term,
        _ completion: @escaping @Sendable ([UInt8]?) -> Void
    ) {
        say { $0.bodies.append(.body(index, term, completion: completion)) }
    }

    func doubt(_ buckets: [Int]) { say { $0.doubts = buckets } }
    func note(_ event: RepairEvent) { say { $0.events.append(event) } }

    func recovered(_ bodies: [UInt64: [UInt8]], cut: UInt64?) {
        say { $0.recovered = (bodies, cut) }
    }
}

/// The repair thread of a node: of its process, or, while its log lacks bodies, of its start.
final class RepairDesk {
    let store: SimulatedStore
    let mail = RepairMail()
    var machine: RepairMachine<RepairMail>
    var inbox: [RepairJob] = []
    var due = UInt64.max
    var idle = IdleTimer()

    init(store: SimulatedStore, trust: BucketTrust = BucketTrust(), members: [NodeID]) {
        self.store = store
        machine = RepairMachine(store: store, ports: mail, trust: trust, members: members)
    }
}
