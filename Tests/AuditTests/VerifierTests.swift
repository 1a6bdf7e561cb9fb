import Cryptography
import TestSupport
import Testing
import Wire

@testable import Audit

@Suite("Verifier")
struct VerifierTests {
    /// A log of several segments with a checkpoint behind every third leaf, and its checkpoints.
    static func written(
        batches: Int = 12,
        origin: String = "holdfast/test/eu-1"
    ) throws -> (test: TestLog, notes: [SignedNote]) {
        var test = try TestLog(origin: origin, segmentBytes: 3_000)
        let notes = try test.write(Array(repeating: 3, count: batches))
        return (test, notes)
    }

    /// A copy of the log with other frames in one of its segments.
    private static func changed(
        _ test: TestLog,
        segment position: Int,
        _ change: (inout [Frame]) throws -> Void
    ) throws -> TemporaryFolder {
        let copy = try TestFile.copy(test.folder.path)
        let segment = try test.segments[position]
        var frames = segment.frames
        try change(&frames)
        let name = try #require(segment.path.split(separator: "/").last)
        try TestFile.write(frames, to: copy.path + "/" + name)
        return copy
    }

    /// Checks that a spoiled folder is found out, with and without anchors.
    private static func expect(
        _ kind: String,
        in folder: TemporaryFolder,
        _ notes: [SignedNote],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let alone = try TestLog.verify(folder.path)
        #expect(!alone.isIntact, sourceLocation: location)
        let kinds = alone.findings.map(\.kind)
        #expect(kinds.contains(kind), "\(alone.findings)", sourceLocation: location)
        let anchored = try TestLog.verify(folder.path, anchors: notes)
        #expect(!anchored.isIntact, sourceLocation: location)
    }

    @Test("a sound log is complete, and the honest sentence says what is not proven")
    func sound() throws {
        let (test, notes) = try Self.written()
        let alone = try test.verify()
        #expect(alone.findings == [])
        #expect(alone.segments > 3)
        #expect(alone.covered == alone.leaves)
        #expect(alone.checkpoints == notes.count)
        #expect(alone.anchored == nil)
        #expect(alone.claims.contains { $0.contains("that takes anchors") })
        let anchored = try test.verify(anchors: notes)
        #expect(anchored.anchored == alone.leaves)
        #expect(anchored.claims.contains { $0.contains("nothing up to there was cut off") })
        #expect(anchored.root == alone.root)
    }

    @Test("alteration: each leaf of a segment, with a good checksum")
    func alteration() throws {
        let (test, notes) = try Self.written(batches: 6)
        for position in try test.segments[1].frames.indices {
            guard try test.segments[1].frames[position].kind == .leaf else { continue }
            let folder = try Self.changed(test, segment: 1) { frames in
                var content = frames[position].content
                content[content.count - 1] ^= 1
                frames[position] = Frame(.leaf, content)
            }
            try Self.expect("altered", in: folder, notes)
        }
    }

    @Test("deletion of a leaf, of the last ones of a segment, and of whole segments")
    func deletion() throws {
        let (test, notes) = try Self.written()
        var folder = try Self.changed(test, segment: 1) { $0.remove(at: 2) }
        try Self.expect("reordered", in: folder, notes)
        folder = try Self.changed(test, segment: 1) { $0.removeLast($0.count - 2) }
        try Self.expect("deleted", in: folder, notes)
        // Also when the rest is numbered anew.
        folder = try Self.changed(test, segment: 1) { frames in
            frames.remove(at: 1)
            frames = frames.map { frame in
                guard frame.kind == .leaf, frame.content[0] == LeafBox.leafType else {
                    return frame
                }
                var content = frame.content
                content[8] -= 1
                return Frame(.leaf, content)
            }
        }
        try Self.expect("deleted", in: folder, notes)
        for numbers in [[1], [2], [2, 3], [1, 2]] {
            folder = try TestFile.copy(test.folder.path)
            for number in numbers {
                let name = SegmentName(number: UInt64(number)).text
                try AuditFolder.remove(folder.path + "/" + name)
            }
            try Self.expect("deleted", in: folder, notes)
        }
    }

    @Test("reordering of leaves and of segments, and a leaf twice")
    func reordering() throws {
        let (test, notes) = try Self.written()
        var folder = try Self.changed(test, segment: 1) { $0.swapAt(1, 2) }
        try Self.expect("reordered", in: folder, notes)
        folder = try Self.changed(test, segment: 1) { $0.insert($0[1], at: 2) }
        try Self.expect("reordered", in: folder, notes)
        folder = try TestFile.copy(test.folder.path)
        let names = try SegmentName.all(in: folder.path).map { folder.path + "/" + $0.text }
        let (second, third) = (try TestFile.read(names[1]), try TestFile.read(names[2]))
        try TestFile.write(third, to: names[1])
        try TestFile.write(second, to: names[2])
        try Self.expect("reordered", in: folder, notes)
    }

    @Test("a damaged byte anywhere but in an unsynced end")
    func damage() throws {
        let (test, notes) = try Self.written(batches: 8)
        let names = try SegmentName.all(in: test.folder.path)
        try #require(names.count > 1)
        let name = names[0]
        let good = try TestFile.read(test.folder.path + "/" + name.text)
        let folder = try TestFile.copy(test.folder.path)
        for position in stride(from: 0, to: good.count, by: 7) {
            var bytes = good
            bytes[position] ^= 2
            try TestFile.write(bytes, to: folder.path + "/" + name.text)
            let verdict = try TestLog.verify(folder.path, anchors: notes)
            #expect(!verdict.isIntact, "byte \(position)")
        }
    }

    @Test("truncation: silent without anchors, found with them, to the leaf")
    func truncation() throws {
        let (test, notes) = try Self.written()
        let whole = try test.verify().leaves
        let folder = try TestFile.copy(test.folder.path)
        let names = try SegmentName.all(in: folder.path)
        try AuditFolder.remove(folder.path + "/" + (try #require(names.last)).text)
        let alone = try TestLog.verify(folder.path)
        #expect(alone.isIntact)
        #expect(alone.claims.contains { $0.contains("nothing proves that there is no more") })
        let anchored = try TestLog.verify(folder.path, anchors: notes)
        #expect(anchored.findings == [.truncated(have: alone.leaves, anchored: whole)])
    }

    @Test("truncation of the last leaf and its checkpoint only")
    func shortTruncation() throws {
        let (test, notes) = try Self.written(batches: 1)
        let folder = try Self.changed(test, segment: 0) { $0.removeLast(2) }
        #expect(try TestLog.verify(folder.path).isIntact)
        #expect(
            try TestLog.verify(folder.path, anchors: notes).findings
                == [.truncated(have: 3, anchored: 4)]
        )
    }

    @Test("a fork: two histories under one name, both signed")
    func fork() throws {
        let (test, notes) = try Self.written()
        // The same node, the same key, another past.
        var other = try TestLog(segmentBytes: 3_000)
        other.entropy = SeededEntropy(99)
        let otherNotes = try other.write(Array(repeating: 3, count: 12))
        #expect(try test.verify().isIntact)
        #expect(try other.verify().isIntact)
        let verdict = try test.verify(anchors: [otherNotes[4]])
        #expect(verdict.findings.map(\.kind) == ["forked"])
        #expect(try other.verify(anchors: notes).findings.map(\.kind) == ["forked"])
        // Without a signature of its own over it, the folder is simply not what was anchored.
        let folder = try Self.changed(other, segment: 0) { frames in
            frames.removeAll { $0.kind == .checkpoint }
        }
        for name in try SegmentName.all(in: folder.path).dropFirst() {
            try AuditFolder.remove(folder.path + "/" + name.text)
        }
        let kinds = try TestLog.verify(folder.path, anchors: notes).findings.map(\.kind)
        #expect(kinds == ["altered", "truncated"])
    }

    @Test("leaves behind the last checkpoint are counted, too many are a finding")
    func uncovered() throws {
        var test = try TestLog()
        var log = try test.open()
        _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
        _ = try log.checkpoint(by: testSigner())
        let many = [[UInt8]](repeating: [2], count: Int(AuditLimits.uncoveredLeavesMax))
        _ = try log.append(many, at: TestLog.now, entropy: &test.entropy)
        let most = try test.verify()
        #expect(most.isIntact)
        #expect(most.covered == 2)
        #expect(most.claims.contains { $0.contains("1000 leaves behind the last checkpoint") })
        _ = try log.append([[3]], at: TestLog.now, entropy: &test.entropy)
        #expect(try test.verify().findings == [.uncovered(2..<1_003)])
        // An anchor of a node that cannot sign for itself covers them as well.
        let head = try log.head()
        let note = try head.signed(by: testSigner())
        #expect(try test.verify(anchors: [note]).isIntact)
    }

    @Test("checkpoints of unknown keys do not count, wrong ones are found")
    func signers() throws {
        let (test, _) = try Self.written(batches: 2)
        let stranger = try testSigner(seed: 50).verifier
        let verdict = try AuditVerifier(keys: [stranger]).verify(folder: test.folder.path)
        #expect(verdict.isIntact)
        #expect(verdict.foreignCheckpoints == 2)
        #expect(verdict.covered == 0)
        #expect(verdict.claims.contains { $0.contains("nothing about them is proven") })
        let folder = try Self.changed(test, segment: 0) { frames in
            let position = try #require(frames.firstIndex { $0.kind == .checkpoint })
            var content = frames[position].content
            // A letter of the log's name.
            content[0] ^= 1
            frames[position] = Frame(.checkpoint, content)
        }
        #expect(try TestLog.verify(folder.path).findings.map(\.kind) == ["bad-checkpoint"])
    }

    @Test("anchors of other logs are passed over")
    func otherAnchors() throws {
        let (test, notes) = try Self.written(batches: 2)
        let others = try Self.written(batches: 3, origin: "holdfast/test/us-1").notes
        let verdict = try test.verify(anchors: notes + others)
        #expect(verdict.isIntact)
        #expect(verdict.anchors == 2)
        #expect(verdict.foreignAnchors == 3)
    }

    @Test("a folder without a log, and a file of another log among the segments")
    func strangers() throws {
        let empty = TemporaryFolder()
        #expect(throws: AuditError.empty(path: empty.path)) { try TestLog.verify(empty.path) }
        let (test, notes) = try Self.written()
        let (other, _) = try Self.written(origin: "holdfast/test/us-1")
        let folder = try TestFile.copy(test.folder.path)
        let name = SegmentName(number: 2).text
        try TestFile.write(
            try TestFile.read(other.folder.path + "/" + name),
            to: folder.path + "/" + name
        )
        try Self.expect("foreign", in: folder, notes)
    }

    @Test("random changes of the frames are never taken for the log that was anchored")
    func model() throws {
        let (test, notes) = try Self.written(batches: 5)
        let leaves = try Self.leaves(of: test.folder.path)
        var random = Seeded(11)
        for _ in 0..<150 {
            let folder = try Self.changed(
                test,
                segment: random.below(try test.segments.count)
            ) { frames in
                for _ in 0...random.below(2) where !frames.isEmpty {
                    Self.spoil(&frames, &random)
                }
            }
            let isSame = (try? Self.leaves(of: folder.path)) == leaves
            guard let verdict = try? TestLog.verify(folder.path, anchors: notes) else {
                #expect(!isSame)
                continue
            }
            #expect(!verdict.isIntact || isSame)
        }
    }

    private static func spoil(_ frames: inout [Frame], _ random: inout Seeded) {
        let position = random.below(frames.count)
        switch random.below(4) {
        case 0: frames.remove(at: position)
        case 1: frames.swapAt(position, random.below(frames.count))
        case 2: frames.insert(frames[random.below(frames.count)], at: position)
        default:
            var content = frames[position].content
            content[random.below(content.count)] ^= UInt8(1 << random.below(8))
            frames[position] = Frame(frames[position].kind, content)
        }
    }

    private static func leaves(of folder: String) throws -> [[UInt8]] {
        let names = try SegmentName.all(in: folder)
        return try names.flatMap { name in
            try Segment(reading: folder + "/" + name.text, isLast: name == names.last).frames
                .filter { $0.kind == .leaf }.map(\.content)
        }
    }
}
