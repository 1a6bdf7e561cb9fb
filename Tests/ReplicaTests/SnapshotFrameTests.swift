import Raft
import TestSupport
import Testing
import Wire

@testable import Replica

@Suite("snapshot frames")
struct SnapshotFrameTests {
    static let frames: [SnapshotFrame] = [
        .begin(
            term: term(3),
            SnapshotOffer(
                point: SnapshotPoint(index: index(70), term: term(2), configuration: voters(3)),
                bytes: 1 << 40,
                digest: Array(0..<32)
            )
        ),
        .resume(index: index(9), offset: 0),
        .resume(index: index(70), offset: 1 << 39),
        .chunk(offset: 0, bytes: [], checksum: 0),
        .chunk(offset: .max, bytes: Array(0...255), checksum: .max),
        .chunk(
            offset: 5,
            bytes: [UInt8](repeating: 7, count: Limits.snapshotChunkBytes),
            checksum: 1
        ),
        .taken(index: index(9), offset: 12_345),
        .received(index: index(9), .whole),
        .received(index: index(.max), .refused),
        .received(index: index(1), .damaged),
    ]

    @Test("come back as they were", arguments: frames)
    func roundTrip(_ frame: SnapshotFrame) throws {
        #expect(try SnapshotFrame(decoding: frame.encoded()) == frame)
    }

    @Test("are refused when anything is missing or too much", arguments: frames)
    func lengths(_ frame: SnapshotFrame) {
        let whole = frame.encoded()
        // Every length for the short ones; for a full chunk, both ends.
        let cuts = whole.count < 1_000 ? Array(0..<whole.count) : [0, 1, 8, 9, 12, whole.count - 1]
        for count in cuts {
            #expect(throws: WireError.self, "the first \(count) bytes") {
                try SnapshotFrame(decoding: Array(whole[..<count]))
            }
        }
        #expect(throws: WireError.self) { try SnapshotFrame(decoding: whole + [0]) }
    }

    @Test("a chunk above the limit is refused")
    func chunkLimit() {
        let bytes = [UInt8](repeating: 0, count: Limits.snapshotChunkBytes + 1)
        #expect(throws: WireError.self) {
            try SnapshotFrame(
                decoding: SnapshotFrame.chunk(offset: 0, bytes: bytes, checksum: 0).encoded()
            )
        }
    }

    @Test("nothing of no length, or beyond all disks, is announced", arguments: [0, 1 << 45])
    func size(bytes: UInt64) {
        let point = SnapshotPoint(index: index(70), term: term(2), configuration: voters(3))
        let offer = SnapshotOffer(point: point, bytes: bytes, digest: Array(0..<32))
        #expect(throws: WireError.self) {
            try SnapshotFrame(decoding: SnapshotFrame.begin(term: term(3), offer).encoded())
        }
    }

    @Test("a checksum covers the bytes and where they belong")
    func checksum() {
        let bytes = Array("bytes".utf8)
        let sum = SnapshotFrame.checksum(of: bytes, at: 9)
        #expect(sum == SnapshotFrame.checksum(of: bytes, at: 9))
        #expect(sum != SnapshotFrame.checksum(of: bytes, at: 10))
        #expect(sum != SnapshotFrame.checksum(of: bytes + [0], at: 9))
    }

    /// Each frame has one encoding, and nothing else decodes.
    @Test("random bytes are refused or mean what they say", arguments: UInt64(1)...4)
    func random(seed: UInt64) {
        var random = Seeded(seed)
        var understood = 0
        for _ in 0..<5_000 {
            var bytes = random.bytes(Int(random.next() % 40))
            if !bytes.isEmpty && random.chance(3, of: 4) { bytes[0] = UInt8(random.next() % 7) }
            guard let frame = try? SnapshotFrame(decoding: bytes) else { continue }
            understood += 1
            #expect(frame.encoded() == bytes)
        }
        #expect(understood > 0, "some inputs must get past the first check")
    }

    @Test("damaged frames are refused or mean what they say", arguments: frames)
    func damage(_ frame: SnapshotFrame) {
        var random = Seeded(99)
        let whole = frame.encoded()
        for _ in 0..<200 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            guard let other = try? SnapshotFrame(decoding: bytes) else { continue }
            #expect(other != frame)
            #expect(other.encoded() == bytes)
        }
    }
}
