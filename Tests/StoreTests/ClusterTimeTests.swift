import TestSupport
import Testing
import Wire

@testable import Store

@Suite("cluster time on the disk")
struct ClusterTimeTests {
    private func layer(_ index: UInt64, at time: UInt64) -> OverlayLayer {
        OverlayLayer(index: index, writes: [], requestID: nil, time: time)
    }

    private func apply(_ layers: [OverlayLayer], _ store: LocalStore) throws {
        for layer in layers { store.appendLayer(layer) }
        let last = try #require(layers.last).index
        try store.applyThrough(last)
    }

    @Test("it is the newest batch's, never goes back, and is there at the next start")
    func restart() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.fillLog(10)
            #expect(store.evaluatedTime == 0)
            store.appendLayer(layer(1, at: 700))
            #expect(store.evaluatedTime == 700, "before it is applied")
            try store.applyThrough(1)
            // A leader's mistake, and an entry without a time.
            try apply([layer(2, at: 600), layer(3, at: 0)], store)
            #expect(store.evaluatedTime == 700)
            try apply([layer(4, at: 900)], store)
        }
        let store = try folder.open()
        #expect(try store.load().point.time == 900)
        #expect(store.evaluatedTime == 900)
    }

    @Test("a snapshot takes it along")
    func snapshot() throws {
        let folder = TemporaryFolder()
        let source = try folder.open()
        try source.fillLog(10)
        try apply((1...4).map { layer($0, at: 100 * $0) }, source)
        let manifest = try source.exportSnapshot(to: folder.path + "/snapshot")
        #expect(manifest.time == 400)
        let other = TemporaryFolder()
        let receiver = try other.open()
        try receiver.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
        }
        try receiver.importSnapshot(from: folder.path + "/snapshot")
        #expect(receiver.evaluatedTime == 400)
        #expect(try receiver.load().point.time == 400)
    }

    @Test("what an earlier version has written is read, and has none")
    func formats() throws {
        var point = HardPoint()
        (point.term, point.vote, point.time) = (3, 7, 1 << 60)
        let bytes = point.encoded(by: 1 << 50 | 9)
        #expect(bytes.count == HardPoint.encodedBytes && bytes.count == 158)
        #expect(try HardPoint(decoding: bytes) == point)
        #expect(HardPoint.transactionID(of: bytes) == 1 << 50 | 9)
        let second = sealed([2] + bytes[1..<146])
        #expect(try HardPoint(decoding: second) == point)
        #expect(HardPoint.transactionID(of: second) == nil)
        point.time = 0
        let first = sealed([1] + bytes[1..<138])
        #expect(try HardPoint(decoding: first) == point)
        #expect(HardPoint.transactionID(of: first) == nil)
        for format in [UInt8(0), 4] {
            let other = sealed([format] + bytes[1..<154])
            #expect(throws: StoreError.self) { try HardPoint(decoding: other) }
            #expect(HardPoint.transactionID(of: other) == nil)
        }
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 1
            #expect(HardPoint.transactionID(of: damaged) == nil)
        }
    }

    private func sealed(_ row: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 4)
        writer.writeUInt32(crc32c(row))
        return row + writer.bytes
    }
}
