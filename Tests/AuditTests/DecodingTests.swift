import TestSupport
import Testing
import Wire

@testable import Audit

/// Bytes that somebody else wrote are refused, or read as exactly what they are.
@Suite("Audit decoding")
struct DecodingTests {
    /// The bytes with one to three random changes.
    private static func spoiled(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let position = random.below(bytes.count)
            switch random.below(4) {
            case 0: bytes[position] = UInt8(random.below(256))
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(UInt8(random.below(256)), at: position)
            default: bytes.removeLast(random.below(bytes.count) + 1)
            }
        }
        return bytes
    }

    @Test("openings and leaves: what is read is written back the same")
    func leaves() throws {
        var test = try TestLog()
        _ = try test.write([3])
        _ = try test.write([1])
        let segments = try test.segments
        let opening = segments[1].frames[0].content
        let leaf = segments[0].frames[1].content
        #expect(try SegmentOpening(decoding: opening).encoded() == opening)
        #expect(try LeafBox(decoding: leaf).encoded() == leaf)
        var random = Seeded(21)
        for _ in 0..<5_000 {
            let first = Self.spoiled(opening, &random)
            if let read = try? SegmentOpening(decoding: first) {
                #expect(read.encoded() == first)
            }
            let second = Self.spoiled(leaf, &random)
            if let read = try? LeafBox(decoding: second) {
                #expect(read.encoded() == second)
            }
        }
    }

    @Test("whole segments, with good and with bad checksums")
    func segments() throws {
        var test = try TestLog()
        _ = try test.write([2, 1])
        let path = test.folder.path + "/audit-000000000001.log"
        let good = try TestFile.read(path)
        let frames = try Segment(good, path: path, isLast: true).frames
        var random = Seeded(22)
        for _ in 0..<2_000 {
            _ = try? Segment(Self.spoiled(good, &random), path: path, isLast: true)
            var writer = ByteWriter()
            writer.writeBytes(Segment.head)
            for frame in frames {
                Frame(frame.kind, Self.spoiled(frame.content, &random)).write(into: &writer)
            }
            let segment = try? Segment(writer.bytes, path: path, isLast: true)
            #expect(segment.map { $0.ending == .whole } ?? true)
        }
    }

    @Test("a segment of a later format is named as such")
    func format() throws {
        var head = Array("HFAUDIT\n".utf8) + [Segment.formatVersion + 1]
        var sum = ByteWriter()
        sum.writeUInt32(crc32c(head))
        head += sum.bytes
        #expect(throws: AuditError.wrongFormat(path: "x", have: 2, want: 1)) {
            try Segment(head, path: "x", isLast: true)
        }
    }

    @Test("proofs")
    func proofs() throws {
        let (test, _) = try VerifierTests.written(batches: 3)
        let keys = [try testSigner().verifier]
        let newest = try #require(try test.verify().proven)
        let proof = try LeafProver.prove(leaf: 2, under: newest, folder: test.folder.path)
        let good = try proof.json().encoded(sortingKeys: false)
        var random = Seeded(23)
        for _ in 0..<2_000 {
            let bytes = Self.spoiled(good, &random)
            guard let read = try? LeafProof(parsing: bytes), (try? read.verify(keys: keys)) != nil
            else { continue }
            // A change of what is not needed, such as the origin's copy, proves the same.
            #expect(read.leaf == proof.leaf)
            #expect(read.inclusion == proof.inclusion)
        }
    }
}
