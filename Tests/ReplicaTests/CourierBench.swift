import Raft
import Store
import TestSupport

@testable import Replica

/// Snapshot files in memory. A crash keeps what was settled, as a disk does.
final class TestShelf: SnapshotShelf {
    /// What an export made now would hold, and as of which entry.
    var state: (index: UInt64, bytes: [UInt8])
    private(set) var exports = 0
    private(set) var exportedBytes: [UInt8] = []
    private(set) var exported: SnapshotOffer?
    private(set) var arriving: SnapshotOffer?
    private(set) var received: [UInt8] = []
    private var settled = 0
    private(set) var arrived: [String: [UInt8]] = [:]
    private var arrivals = 0
    /// What appending says instead of taking the bytes.
    var appendError: StoreError?

    init(index: UInt64 = 20, bytes: [UInt8] = []) {
        state = (index, bytes)
    }

    static func offer(_ index: UInt64, _ bytes: [UInt8]) -> SnapshotOffer {
        SnapshotOffer(
            point: SnapshotPoint(
                index: LogIndex(number: index),
                term: term(2),
                configuration: voters(3)
            ),
            bytes: UInt64(bytes.count),
            digest: testDigest(bytes)
        )
    }

    /// The process ended. What the next one finds has to be opened.
    func crash() {
        received.removeLast(received.count - settled)
        if received.isEmpty { arriving = nil }
        arrived = [:]
    }

    /// A bit of the exported file turns over on its disk.
    func damageExported(at position: Int) { exportedBytes[position] ^= 1 }

    func open() throws(StoreError) {}

    func export(_ pacer: StreamPacer) throws(StoreError) {
        guard !state.bytes.isEmpty else { throw .unsuitableSnapshot("nothing is applied yet") }
        exports += 1
        exportedBytes = state.bytes
        exported = Self.offer(state.index, state.bytes)
    }

    func readExported(at offset: UInt64, atMost most: Int) throws(StoreError) -> [UInt8] {
        Array(exportedBytes[Int(offset)...].prefix(most))
    }

    func dropExported() throws(StoreError) {
        exported = nil
        exportedBytes = []
    }

    var arrivingBytes: UInt64 { UInt64(received.count) }

    func beginArriving(_ offer: SnapshotOffer) throws(StoreError) {
        try dropArriving()
        arriving = offer
    }

    func appendArriving(_ bytes: [UInt8]) throws(StoreError) {
        if let appendError { throw appendError }
        received += bytes
        if received.count - settled >= 1 << 19 { try settleArriving() }
    }

    func settleArriving() throws(StoreError) { settled = received.count }

    func dropArriving() throws(StoreError) {
        arriving = nil
        received = []
        settled = 0
    }

    func prepareArriving(_ progress: () -> Void) throws(StoreError) -> String {
        try settleArriving()
        for _ in 0..<Limits.snapshotStepsPerWord { progress() }
        guard testDigest(received) == arriving?.digest else {
            throw .damagedSnapshot("it does not match its digest")
        }
        arrivals += 1
        let name = "arrived-\(arrivals)"
        arrived[name] = received
        try dropArriving()
        return name
    }

    func discard(_ file: String) throws(StoreError) { arrived[file] = nil }

    func releaseRetired() -> Bool { false }
}

/// Couriers of a few nodes with a link between them that can be made as bad as wanted, and a core
/// for each that asks again when a stream failed. Time passes in steps of five milliseconds.
final class CourierBench {
    final class Node: CourierPorts {
        let id: NodeID
        let shelf: TestShelf
        var role = Role.follower
        var number: UInt64 = 3
        var committed: UInt64 = 0
        var last: UInt64 = 20
        fileprivate(set) var inbox: [CourierJob] = []
        fileprivate(set) var told: [CoreInput] = []
        fileprivate(set) var said: [(frame: SnapshotFrame, target: NodeID)] = []
        /// Frames that its connections take in one step.
        var roomInStep = 64
        fileprivate var room = 64
        /// Turns that it sleeps through.
        var isAsleep = false
        fileprivate var machine: CourierMachine?

        init(_ number: UInt64, _ shelf: TestShelf) {
            id = node(number)
            self.shelf = shelf
        }

        func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
            guard room > 0 else { return false }
            room -= 1
            said.append((frame, member))
            return true
        }

        func tellCore(_ input: CoreInput) { told.append(input) }

        /// What its copies of the state met.
        private(set) var damage: [ScrubFinding] = []

        func met(_ damage: ScrubFinding) { self.damage.append(damage) }

        var standing: CourierStanding {
            CourierStanding(
                (role, term(number)),
                committed: index(committed),
                applied: index(shelf.state.index),
                last: index(last),
                commits: StreamPacer.Commits(count: 0, nanoseconds: 0)
            )
        }

        func noted(_ note: CourierNote, _ counters: SnapshotCounters) {}

        var counters: SnapshotCounters { machine?.counters ?? SnapshotCounters() }
        fileprivate(set) var arrivals: [(point: SnapshotPoint, bytes: [UInt8]?)] = []
        fileprivate(set) var isDelivered = false
    }

    let nodes: [Node]
    private(set) var now = Moment.now
    /// What becomes of each frame on its way; nil loses it.
    var change: (SnapshotFrame) -> SnapshotFrame? = { $0 }
    /// All frames that arrived, in order.
    private(set) var frames: [SnapshotFrame] = []

    init(_ shelves: [TestShelf]) {
        nodes = shelves.enumerated().map { Node(UInt64($0.offset + 1), $0.element) }
        for node in nodes { start(node) }
    }

    private func start(_ node: Node) {
        let machine = CourierMachine(shelf: node.shelf, ports: node, now: now)
        machine.begin()
        node.machine = machine
    }

    /// Its process is killed and begins again.
    func restart(_ node: Node) {
        node.shelf.crash()
        node.inbox = []
        node.told = []
        node.role = .follower
        start(node)
        for other in nodes where other !== node { breakLinks(node, other) }
    }

    /// What is on its way between two nodes is lost.
    func breakLinks(_ one: Node, _ other: Node) {
        for (own, peer) in [(one, other), (other, one)] {
            own.inbox.removeAll { if case .frame(_, peer.id) = $0 { true } else { false } }
            own.inbox.append(.linkReset(peer.id))
        }
    }

    /// `node` leads a new term, and its core wants `target` to have a snapshot.
    func lead(_ node: Node, term: UInt64, to target: Node) {
        for other in nodes {
            other.role = other === node ? .leader : .follower
            other.number = term
        }
        ask(node, target)
    }

    func ask(_ node: Node, _ target: Node, atLeast number: UInt64 = 1) {
        node.inbox.append(.stream(to: target.id, atLeast: index(number), term: term(node.number)))
    }

    /// One step: every node's turn, then its words travel.
    func step() {
        now += .milliseconds(5)
        for node in nodes where !node.isAsleep {
            let jobs = node.inbox
            node.inbox = []
            node.room = node.roomInStep
            node.machine?.turn(jobs, now: now)
        }
        for node in nodes {
            let said = node.said
            node.said = []
            for (frame, target) in said { deliver(frame, from: node, to: target) }
            hear(node)
        }
    }

    private func deliver(_ frame: SnapshotFrame, from node: Node, to target: NodeID) {
        guard let changed = change(frame), let other = nodes.first(where: { $0.id == target })
        else { return }
        guard let copy = try? SnapshotFrame(decoding: changed.encoded()) else {
            preconditionFailure("a frame decodes")
        }
        frames.append(copy)
        other.inbox.append(.frame(copy, from: node.id))
    }

    /// The core's part.
    private func hear(_ node: Node) {
        for input in node.told {
            switch input {
            case .arrived(let point, _, _, let file):
                node.arrivals.append((point, node.shelf.arrived[file]))
            case .streamEnded(_, _, _, true): node.isDelivered = true
            case .streamEnded(let target, _, term(node.number), false) where node.role == .leader:
                node.inbox.append(
                    .stream(to: target, atLeast: index(1), term: term(node.number))
                )
            default: break
            }
        }
        node.told = []
    }

    /// - Returns: whether it became true within so many seconds.
    func run(seconds: Int, until isDone: () -> Bool) -> Bool {
        for _ in 0..<seconds * 200 {
            if isDone() { return true }
            step()
        }
        return isDone()
    }

    func run(seconds: Int) { _ = run(seconds: seconds) { false } }
}

/// Bytes that look like nothing else.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = Seeded(seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        var word = random.next()
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
    }
    return Array(bytes.prefix(count))
}
