import Raft
import Store
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Replica

/// Two couriers with a link in our hands between them.
@Suite("snapshot courier")
struct CourierTests {
    /// Hands frames over, through their encoding, or loses them.
    private final class Link: SnapshotLink {
        private struct State {
            var peer: Mailbox<CourierJob>?
            var drop: (@Sendable (SnapshotFrame) -> Bool)?
            var isDown = false
            var sent = 0
        }

        private let own: NodeID
        private let state = Mutex(State())

        init(of own: NodeID) { self.own = own }

        func connect(_ peer: Mailbox<CourierJob>) { state.withLock { $0.peer = peer } }
        func drop(_ rule: (@Sendable (SnapshotFrame) -> Bool)?) {
            state.withLock { $0.drop = rule }
        }
        func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
        var sent: Int { state.withLock { $0.sent } }

        func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
            let (peer, drop, isDown) = state.withLock { state in
                if !state.isDown { state.sent += 1 }
                return (state.peer, state.drop, state.isDown)
            }
            if isDown { return false }
            if let drop, drop(frame) { return true }
            guard let copy = try? SnapshotFrame(decoding: frame.encoded()) else {
                preconditionFailure("a frame decodes")
            }
            return peer?.offer(.frame(copy, from: own)) ?? false
        }
    }

    /// One node's courier; what it tells the core stays in the mailbox.
    private final class Side: Sendable {
        let folder = TemporaryFolder()
        let store: LocalStore
        let mailbox = Mailbox<CourierJob>(bound: Limits.courierInboxMax)
        let core = Mailbox<CoreInput>(bound: 10_000)
        let repair = Mailbox<RepairJob>(bound: 100)
        let link: Link
        let board: StatusBoard

        init(_ number: UInt64, leads: UInt64? = nil, evaluated: UInt64 = 0) throws {
            store = try folder.open()
            link = Link(of: node(number))
            var status = ReplicaStatus()
            status.role = leads == nil ? .follower : .leader
            status.term = term(leads ?? 1)
            status.committed = index(evaluated)
            status.evaluated = index(evaluated)
            board = StatusBoard(status, applied: index(evaluated))
        }

        func start() {
            let (store, mailbox, core, link, board) = (store, mailbox, core, link, board)
            let repair = repair
            let folder = SnapshotFolder(folder: folder.path + "/node")
            WorkerThread.start(name: "courier") {
                SnapshotCourier(
                    store: store,
                    mailbox: mailbox,
                    core: core,
                    repair: repair,
                    folder: folder,
                    link: link,
                    status: board,
                    digest: testDigest,
                    logger: quietLogger
                ).run()
            }
        }

        /// The next thing that the core is told.
        func heard() throws -> CoreInput {
            let inputs = core.take(most: 1, until: .now + .seconds(120)) ?? []
            return try #require(inputs.first, "the courier says something")
        }

        var snapshotFiles: [String] { folder.files.filter { $0.hasPrefix("snapshot-") } }
    }

    /// A sender that applied `last` entries with `bytes` of incompressible state in all.
    private func sender(last: UInt64 = 20, bytes: Int = 1_000) throws -> Side {
        let side = try Side(1, leads: 3, evaluated: last)
        var random = Seeded(9)
        let layers = (1...last).map { number in
            OverlayLayer(
                index: number,
                writes: [(key(number), record(random.bytes(bytes / Int(last))).encoded())],
                requestID: nil
            )
        }
        try side.store.write { transaction throws(StoreError) in
            try transaction.setCluster(clusterRecord(voters(3)))
            try transaction.setHardState(term: 3, vote: nil, commit: 0)
            try transaction.appendEntries(
                (1...last).map { StoredEntry(index: $0, term: 2, kind: 0, body: []) }
            )
            try transaction.apply(layers: layers, appliedIndex: last, appliedTerm: 2)
        }
        return side
    }

    private func connected(_ sender: Side, _ receiver: Side) {
        sender.link.connect(receiver.mailbox)
        receiver.link.connect(sender.mailbox)
        sender.start()
        receiver.start()
    }

    private func ask(_ sender: Side, atLeast number: UInt64 = 1, term of: UInt64 = 3) {
        sender.mailbox.post(.stream(to: node(2), atLeast: index(number), term: term(of)))
    }

    private func expectStreaming(_ input: CoreInput, at number: UInt64) {
        guard case .streaming(node(2), let point, term(3)) = input else {
            return #expect(Bool(false), "a stream begins, not \(input)")
        }
        #expect(point.index == index(number))
        #expect(point.term == term(2))
    }

    private func expectEnd(_ input: CoreInput, isDelivered: Bool) {
        guard case .streamEnded(node(2), _, term(3), isDelivered) = input else {
            return #expect(Bool(false), "the stream ends, delivered \(isDelivered), not \(input)")
        }
    }

    private func arrivedFile(_ input: CoreInput, at number: UInt64) throws -> String {
        guard case .arrived(let point, node(1), term(3), let file) = input else {
            throw TookTooLong(description: "a snapshot arrives, not \(input)")
        }
        #expect(point.index == index(number))
        return file
    }

    @Test("a snapshot of any size arrives whole", arguments: [0, 1_000, 300_000, 9 << 20])
    func delivers(bytes: Int) throws {
        let (sender, receiver) = (try sender(bytes: bytes), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        connected(sender, receiver)
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        let file = try arrivedFile(try receiver.heard(), at: 20)
        expectEnd(try sender.heard(), isDelivered: true)
        let manifest = try LocalStore.verifySnapshot(at: file, digest: testDigest)
        #expect(manifest.index == 20)
        #expect(receiver.snapshotFiles == ["snapshot-arrived-1"])
        #expect(
            sender.snapshotFiles == ["snapshot-exported", "snapshot-exported.label"],
            "it is kept for a while"
        )
        // What is not wanted goes.
        receiver.mailbox.post(.discard(file))
        try eventuallyBlocking("the file is gone") { receiver.snapshotFiles == [] }
    }

    /// Before, the copy was tried once a second until the scrubber came by.
    @Test("a copy that meets a damaged record says so, and succeeds once that is repaired")
    func damagedRecord() throws {
        let sender = try sender(bytes: 3_000)
        defer { sender.mailbox.close() }
        let whole = try sender.store.view { view throws(StoreError) in try view.record(key(7)) }
        let record = try #require(whole)
        flipBit(sender.folder.path + "/node/holdfast.mdb", record.valueBox, at: 9)
        sender.start()
        ask(sender)
        let jobs = try #require(sender.repair.take(most: 9, until: .now + .seconds(120)))
        guard jobs.count == 1, case .found(.record(key(7), _)) = jobs.first else {
            Issue.record("the repair machine hears \(jobs)")
            return
        }
        let (bucket, bytes) = (key(7).bucket, record.encoded())
        try sender.store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(
                [RepairedRecord(key: key(7), bytes: bytes)],
                bucket: bucket
            )
        }
        guard case .streamEnded(node(2), nil, term(3), false) = try sender.heard() else {
            Issue.record("the copy failed, and the core asks again")
            return
        }
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
    }

    /// The next process finds what can still be used, and nothing else.
    @Test("what was exported, and what has arrived in part, outlive the process")
    func shelf() throws {
        let side = try sender(bytes: 3_000)
        let folder = SnapshotFolder(folder: side.folder.path + "/node")
        func open() throws -> SnapshotFiles {
            let files = SnapshotFiles(store: side.store, folder: folder, digest: testDigest) {
                side.board.commits
            }
            try files.open()
            return files
        }
        let (first, now) = (try open(), Moment.now)
        #expect(first.exported == nil && first.arriving == nil)
        try first.export(StreamPacer(now, side.board.commits))
        let offer = try #require(first.exported)
        let bytes = try first.readExported(at: 0, atMost: 1 << 20)
        #expect(offer.bytes == UInt64(bytes.count) && offer.digest == Array(bytes.suffix(32)))
        try first.beginArriving(offer)
        try first.appendArriving(Array(bytes[..<700]))
        try first.settleArriving()
        try first.appendArriving(Array(bytes[700..<800]))

        let second = try open()
        #expect(second.exported == offer && second.arriving == offer)
        #expect(second.arrivingBytes == 700)
        try second.appendArriving(Array(bytes[700...]))
        let file = try second.prepareArriving {}
        #expect(second.arriving == nil)
        #expect(try LocalStore.verifySnapshot(at: file, digest: testDigest).index == 20)
        // The next export's bytes are the same: the same entries, the same state.
        try second.export(StreamPacer(now, side.board.commits))
        #expect(second.exported == offer)

        // Another content than announced is none of this.
        try second.beginArriving(TestShelf.offer(20, bytes))
        try second.appendArriving(bytes)
        #expect(throws: StoreError.self) { try second.prepareArriving {} }
        try second.dropArriving()
        let third = try open()
        #expect(third.exported == offer && third.arriving == nil)
        #expect(side.snapshotFiles == ["snapshot-exported", "snapshot-exported.label"])
        try third.dropExported()
        while third.releaseRetired() {}
        #expect(side.snapshotFiles == [])
    }

    @Test("files of an earlier process are removed at the start")
    func leftovers() throws {
        let side = try Side(2)
        defer { side.mailbox.close() }
        _ = try ChunkFile(creating: side.folder.path + "/node/snapshot-arrived-7")
        _ = try ChunkFile(creating: side.folder.path + "/node/snapshot-exported")
        side.start()
        try eventuallyBlocking("they are gone") { side.snapshotFiles == [] }
    }

    /// Found by reading: nothing bounded what was on its way, so a receiver with a slow disk lost
    /// chunks, and the stream began again for ever.
    @Test("no more than a window is on its way before the receiver has written it")
    func window() throws {
        let (sender, receiver) = (try sender(bytes: 9 << 20), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        let waiting = Collector<Int>()
        sender.link.connect(receiver.mailbox)
        receiver.link.connect(sender.mailbox)
        sender.start()
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        // The receiver's thread does not run yet: it is as slow as can be.
        let chunks = Limits.snapshotWindowBytes / Limits.snapshotChunkBytes
        try eventuallyBlocking("it begins") { receiver.mailbox.count == 1 }
        sender.mailbox.post(.frame(.resume(index: index(20), offset: 0), from: node(2)))
        try eventuallyBlocking("a window is full") { receiver.mailbox.count == chunks + 1 }
        for _ in 0..<20 {
            waiting.add(receiver.mailbox.count)
            WakeSignal.pause(.milliseconds(5))
        }
        #expect(waiting.all.max() == chunks + 1)
        receiver.start()
        _ = try arrivedFile(try receiver.heard(), at: 20)
        expectEnd(try sender.heard(), isDelivered: true)
    }

    @Test("a lost chunk is sent again")
    func lostChunk() throws {
        let (sender, receiver) = (try sender(bytes: 2 << 20), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        let lost = Atomic(false)
        sender.link.drop { frame in
            guard case .chunk(let offset, _, _) = frame, offset > 0 else { return false }
            return !lost.exchange(true, ordering: .relaxed)
        }
        connected(sender, receiver)
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        _ = try arrivedFile(try receiver.heard(), at: 20)
        expectEnd(try sender.heard(), isDelivered: true)
    }

    @Test("bytes that are no snapshot are thrown away at their end")
    func damage() throws {
        let (sender, receiver) = (try sender(), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        receiver.start()
        receiver.link.connect(sender.mailbox)
        // The sender's part is played by hand.
        let bytes = [UInt8](repeating: 1, count: 300)
        let frames: [SnapshotFrame] = [
            .begin(term: term(3), TestShelf.offer(20, bytes)),
            .chunk(offset: 0, bytes: bytes, checksum: SnapshotFrame.checksum(of: bytes, at: 0)),
        ]
        for frame in frames { receiver.mailbox.post(.frame(frame, from: node(1))) }
        #expect(
            answers(to: sender, count: 3) == [
                .resume(index: index(20), offset: 0), .taken(index: index(20), offset: 300),
                .received(index: index(20), .damaged),
            ]
        )
        #expect(receiver.core.count == 0)
        try eventuallyBlocking("nothing is left of it") { receiver.snapshotFiles == [] }
    }

    /// What a hand-played peer is told.
    private func answers(to peer: Side, count: Int) -> [SnapshotFrame] {
        var answers: [SnapshotFrame] = []
        while answers.count < count {
            for job in peer.mailbox.take(most: 9, until: .now + .seconds(120)) ?? [] {
                if case .frame(let frame, _) = job { answers.append(frame) }
            }
        }
        return answers
    }

    /// The receiver takes a byte at a time, so silence cannot be what ends the stream.
    @Test("a broken connection ends the stream at once")
    func linkReset() throws {
        let (sender, receiver) = (try sender(bytes: 300_000), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        sender.link.connect(receiver.mailbox)
        sender.start()
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        sender.mailbox.post(.linkReset(node(2)))
        sender.mailbox.post(.frame(.resume(index: index(20), offset: 0), from: node(2)))
        var taken: UInt64 = 0
        try eventuallyBlocking("the stream ends") {
            taken += 1
            sender.mailbox.post(.frame(.taken(index: index(20), offset: taken), from: node(2)))
            return sender.core.count > 0
        }
        expectEnd(try sender.heard(), isDelivered: false)
    }

    @Test("another member's broken connection ends nothing")
    func otherLinkReset() throws {
        let (sender, receiver) = (try sender(bytes: 300_000), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        sender.link.connect(receiver.mailbox)
        receiver.link.connect(sender.mailbox)
        sender.start()
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        sender.mailbox.post(.linkReset(node(3)))
        try eventuallyBlocking("it is noticed") { sender.mailbox.count == 0 }
        receiver.start()
        _ = try arrivedFile(try receiver.heard(), at: 20)
        expectEnd(try sender.heard(), isDelivered: true)
    }

    @Test("waits for a connection that is down")
    func linkDown() throws {
        let (sender, receiver) = (try sender(), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        sender.link.setDown(true)
        connected(sender, receiver)
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        #expect(sender.link.sent == 0)
        sender.link.setDown(false)
        _ = try arrivedFile(try receiver.heard(), at: 20)
        expectEnd(try sender.heard(), isDelivered: true)
    }

    @Test("says so when nothing can be exported")
    func nothingToExport() throws {
        let sender = try Side(1, leads: 3, evaluated: 20)
        defer { sender.mailbox.close() }
        sender.start()
        ask(sender)
        guard case .streamEnded(node(2), nil, term(3), false) = try sender.heard() else {
            return #expect(Bool(false), "the core is told")
        }
    }

    /// Found by reading: the stream carried whatever term the node was in when it began.
    @Test("sends nothing in a term that it does not lead", arguments: [2, 4])
    func otherTerm(number: UInt64) throws {
        let (sender, receiver) = (try sender(), try Side(2))
        defer { [sender, receiver].forEach { $0.mailbox.close() } }
        connected(sender, receiver)
        ask(sender, term: number)
        ask(sender)
        // Only the second request is heard of.
        expectStreaming(try sender.heard(), at: 20)
    }

    @Test("stops when it is deposed, without a word")
    func deposed() throws {
        let sender = try sender(bytes: 300_000)
        defer { sender.mailbox.close() }
        sender.link.setDown(true)
        sender.start()
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
        sender.board.update { $0.role = .follower }
        // Two turns of the courier: in the second it has surely noticed.
        for _ in 0..<2 {
            sender.mailbox.post(.linkReset(node(3)))
            try eventuallyBlocking("a turn") { sender.mailbox.count == 0 }
        }
        sender.mailbox.post(.linkReset(node(3)))
        try eventuallyBlocking("the last turn has begun") { sender.mailbox.count == 0 }
        sender.board.update { $0.role = .leader }
        // The receiver's word on the stream comes too late; a new one is begun.
        let late = SnapshotFrame.received(index: index(20), .whole)
        sender.mailbox.post(.frame(late, from: node(2)))
        ask(sender)
        expectStreaming(try sender.heard(), at: 20)
    }

    struct Begin: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let term: UInt64
        let index: UInt64
        let isTaken: Bool
    }

    /// The receiver is in term 5 and has evaluated 10; member 3 is sending to it as of term 6.
    static let begins = [
        Begin(testDescription: "newer than all", term: 7, index: 11, isTaken: true),
        Begin(testDescription: "the same term again", term: 6, index: 11, isTaken: true),
        Begin(testDescription: "older than the stream", term: 5, index: 11, isTaken: false),
        Begin(testDescription: "older than the node", term: 4, index: 11, isTaken: false),
        Begin(testDescription: "nothing new", term: 7, index: 10, isTaken: false),
    ]

    /// Found by reading: a deposed leader's stream could throw out its successor's.
    @Test("takes the newest leader's stream", arguments: begins)
    func begin(_ row: Begin) throws {
        let (receiver, peer) = (try Side(2, evaluated: 10), try Side(1))
        defer { receiver.mailbox.close() }
        receiver.board.update { $0.term = term(5) }
        receiver.link.connect(peer.mailbox)
        receiver.start()
        let bytes = [UInt8](repeating: 1, count: 1_000)
        func begin(_ number: UInt64, _ at: UInt64) -> SnapshotFrame {
            .begin(term: term(number), TestShelf.offer(at, bytes))
        }
        let chunk = SnapshotFrame.chunk(
            offset: 0,
            bytes: [1],
            checksum: SnapshotFrame.checksum(of: [1], at: 0)
        )
        receiver.mailbox.post(.frame(begin(6, 12), from: node(3)))
        receiver.mailbox.post(.frame(begin(row.term, row.index), from: node(1)))
        receiver.mailbox.post(.frame(chunk, from: node(1)))
        receiver.mailbox.post(.frame(chunk, from: node(3)))
        // One of the two chunks is taken; a refused stream hears that it is refused.
        let taken = SnapshotFrame.taken(index: index(row.isTaken ? row.index : 12), offset: 1)
        let second =
            row.isTaken
            ? SnapshotFrame.resume(index: index(row.index), offset: 0)
            : .received(index: index(row.index), .refused)
        #expect(
            answers(to: peer, count: 3)
                == [.resume(index: index(12), offset: 0), second, taken]
        )
    }
}
