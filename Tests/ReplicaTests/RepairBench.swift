import Raft
import Store
import Synchronization
import TestSupport
import Testing

@testable import Replica

/// Members of which only the repair machines run, on one thread and a clock of their own.
final class RepairBench {
    final class Ports: RepairPorts {
        let id: NodeID
        let store: LocalStore
        let sent = Mutex<[(RepairFrame, NodeID)]>([])
        let jobs = Mutex<[RepairJob]>([])
        let events = Collector<RepairEvent>()
        let doubts = Collector<[Int]>()
        let trust = BucketTrust()
        let memory = Mutex<[UInt64: [UInt8]]>([:])

        init(_ id: NodeID, _ store: LocalStore) {
            self.id = id
            self.store = store
        }

        func send(_ frame: RepairFrame, to member: NodeID) -> Bool {
            sent.withLock { $0.append((frame, member)) }
            return true
        }

        func write(_ body: @escaping @Sendable (LocalStore) -> Void) { body(store) }
        func again(_ job: RepairJob) { jobs.withLock { $0.append(job) } }
        func note(_ event: RepairEvent) { events.add(event) }
        func doubt(_ buckets: [Int]) { doubts.add(buckets) }

        func body(
            of index: LogIndex,
            _ term: Term,
            _ completion: @escaping @Sendable ([UInt8]?) -> Void
        ) {
            completion(memory.withLock { $0[index.number] })
        }
    }

    let folders: [TemporaryFolder]
    let ports: [Ports]
    private var machines: [RepairMachine<Ports>]
    private var now = Moment.now
    /// Members that hear and say nothing.
    var silent: Set<UInt64> = []
    /// Who has answered the first member with the last part of a bucket.
    private(set) var heard: [NodeID] = []
    /// Questions of the first member for parts of a bucket, whoever heard them.
    private(set) var asked = 0

    /// - Parameters:
    ///   - damaged: how many members, from the first on, suffer `damage`.
    ///   - bucketBytesMax: as the machines have it.
    ///   - damage: done to a member's file before it is opened again.
    init(
        _ count: Int,
        damaged: Int = 1,
        bucketBytesMax: Int = Limits.repairBucketBytesMax,
        fill: (LocalStore) throws -> Void,
        damage: (String) -> Void
    ) throws {
        let folders = (0..<count).map { _ in TemporaryFolder() }
        for folder in folders { try fill(try folder.open()) }
        for folder in folders.prefix(damaged) { damage(folder.path + "/node/holdfast.mdb") }
        let ids = (1...UInt64(count)).map(node)
        let ports = try zip(ids, folders).map { Ports($0, try $1.open()) }
        self.folders = folders
        self.ports = ports
        machines = ports.map { port in
            RepairMachine(
                store: port.store,
                ports: port,
                trust: port.trust,
                members: ids.filter { $0 != port.id },
                bucketBytesMax: bucketBytesMax
            )
        }
    }

    func give(_ job: RepairJob, to position: Int = 0) {
        ports[position].jobs.withLock { $0.append(job) }
    }

    /// Lets messages run and time pass: 20 ms a turn.
    func run(turns: Int = 200, until isDone: () -> Bool = { false }) throws {
        for _ in 0..<turns {
            if isDone() { return }
            for position in machines.indices {
                let jobs = ports[position].jobs.withLock { jobs in
                    defer { jobs = [] }
                    return jobs
                }
                machines[position].turn(jobs, now: now)
                try deliver(from: position)
            }
            now += .milliseconds(20)
        }
    }

    private func deliver(from position: Int) throws {
        let frames = ports[position].sent.withLock { sent in
            defer { sent = [] }
            return sent
        }
        let sender = UInt64(position + 1)
        for (frame, member) in frames {
            if position == 0, case .bucketRequest = frame { asked += 1 }
            guard !silent.contains(sender), !silent.contains(member.number) else { continue }
            let copy = try RepairFrame(decoding: frame.encoded())
            #expect(copy == frame)
            give(.frame(copy, from: node(sender)), to: Int(member.number) - 1)
            if member == node(1), case .bucket(_, let lent) = copy, lent.next == nil {
                heard.append(node(sender))
            }
        }
    }

    var deadline: Moment { now + .seconds(60) }
}
