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
        let bytes = point.encoded()
        #expect(bytes.count == HardPoint.encodedBytes)
        #expect(try HardPoint(decoding: bytes) == point)
        var old = Array(bytes.dropLast(12))
        old[0] = 1
        var writer = ByteWriter(capacity: 4)
        writer.writeUInt32(crc32c(old[...]))
        point.time = 0
        #expect(try HardPoint(decoding: old + writer.bytes) == point)
        for format in [UInt8(0), 3] {
            var other = Array(bytes.dropLast(4))
            other[0] = format
            var check = ByteWriter(capacity: 4)
            check.writeUInt32(crc32c(other[...]))
            #expect(throws: StoreError.self) { try HardPoint(decoding: other + check.bytes) }
        }
    }
}
