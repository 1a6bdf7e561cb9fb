import CFaults
import Cryptography
import Glibc
import TestSupport
import Testing
import Wire

@testable import Audit

@Suite("Audit log")
struct AuditLogTests {
    @Test("records come back in order, across batches and restarts")
    func roundTrip() throws {
        var test = try TestLog()
        _ = try test.write([1, 3, 0, 2])
        _ = try test.write([2])
        #expect(try test.records().count == 8)
        // Leaves 0 and 7 are the openings of the two segments.
        let numbers: [UInt64] = [1, 2, 3, 4, 5, 6, 8, 9]
        #expect(try test.records() == numbers.map(TestLog.record))
        let verdict = try test.verify()
        #expect(verdict.findings == [])
        #expect(verdict.leaves == 10)
        #expect(verdict.covered == 10)
        #expect(verdict.segments == 2)
    }

    @Test("receipts are the places and hashes of the leaves")
    func receipts() throws {
        var test = try TestLog()
        var log = try test.open()
        let receipts = try log.append(
            [[1], [2], []],
            at: TestLog.now,
            entropy: &test.entropy
        )
        #expect(receipts.map(\.index) == [1, 2, 3])
        let head = try log.head()
        #expect(head.size == 4)
        let leaves = try test.segments[0].frames.filter { $0.kind == .leaf }.map {
            TreeHash.leaf($0.content)
        }
        #expect(Array(leaves.dropFirst()) == receipts.map(\.hash))
        var frontier = Frontier()
        for leaf in leaves { frontier.append(leaf) }
        #expect(frontier.root == head.root)
    }

    @Test("the folder shows no record")
    func secrecy() throws {
        var test = try TestLog()
        _ = try test.write([5])
        let bytes = try TestFile.read(test.folder.path + "/audit-000000000001.log")
        let name = Array("secret".utf8)
        let shows = bytes.indices.contains { bytes[$0...].starts(with: name) }
        #expect(!shows)
        // Records of about the same length take the same room.
        let lengths = try test.segments[0].frames.dropFirst().filter { $0.kind == .leaf }
            .map(\.content.count)
        #expect(Set(lengths).count == 1)
    }

    @Test("a leaf does not open elsewhere, nor under another segment's key")
    func moved() throws {
        var test = try TestLog()
        _ = try test.write([2])
        _ = try test.write([1])
        let seed = [UInt8](repeating: 3, count: HPKERecipient.seedBytes)
        let pair = try HPKERecipient.keyPair(from: SecretBytes(copying: seed.span))
        let segments = try test.segments
        let first = try segments[0].opening.openKey(with: pair.privateKey)
        let second = try segments[1].opening.openKey(with: pair.privateKey)
        let content = segments[0].frames[1].content
        #expect(throws: Never.self) { try first.open(LeafBox(decoding: content)) }
        #expect(throws: AuditError.self) { try second.open(LeafBox(decoding: content)) }
        for position in content.indices.dropFirst() {
            var changed = content
            changed[position] ^= 0x10
            #expect(throws: AuditError.self) { try first.open(LeafBox(decoding: changed)) }
        }
        var opening = segments[0].frames[0].content
        opening[20] ^= 1
        if let other = try? SegmentOpening(decoding: opening) {
            #expect(throws: AuditError.self) { try other.openKey(with: pair.privateKey) }
        }
        let stranger = [UInt8](repeating: 4, count: HPKERecipient.seedBytes)
        let others = try HPKERecipient.keyPair(from: SecretBytes(copying: stranger.span))
        #expect(throws: AuditError.self) {
            try segments[0].opening.openKey(with: others.privateKey)
        }
    }

    @Test("segments follow each other when they are full")
    func rolling() throws {
        var test = try TestLog(segmentBytes: 2_500)
        let notes = try test.write(Array(repeating: 4, count: 12))
        let segments = try test.segments
        #expect(segments.count > 3)
        let openings = segments.map(\.opening)
        #expect(openings.map(\.number) == (1...UInt64(segments.count)).map { $0 })
        let verdict = try test.verify(anchors: notes)
        #expect(verdict.findings == [])
        #expect(verdict.leaves == 48 + UInt64(segments.count))
        #expect(verdict.anchored == verdict.leaves)
        #expect(try test.records().count == 48)
    }

    @Test("a checkpoint without new leaves is the one before")
    func idleCheckpoint() throws {
        var test = try TestLog()
        var log = try test.open()
        let signer = try testSigner()
        let first = try log.checkpoint(by: signer)
        let second = try log.checkpoint(by: signer)
        #expect(second == first)
        #expect(try test.segments[0].frames.count == 2)
    }

    @Test("records and batches that are too long are refused, and the log goes on")
    func limits() throws {
        var test = try TestLog()
        var log = try test.open()
        let long = [UInt8](repeating: 1, count: AuditLimits.recordBytesMax + 1)
        #expect(throws: AuditError.tooLong(limit: long.count - 1, have: long.count)) {
            try log.append([[1], long], at: TestLog.now, entropy: &test.entropy)
        }
        let most = Array(long.dropLast())
        #expect(throws: AuditError.self) {
            try log.append([most, most], at: TestLog.now, entropy: &test.entropy)
        }
        let size = log.size
        #expect(size == 1)
        _ = try log.append([most], at: TestLog.now, entropy: &test.entropy)
        _ = try log.checkpoint(by: testSigner())
        #expect(try test.verify().findings == [])
        #expect(try test.records() == [most])
    }

    @Test("a folder of another log, a gap, and a foreign file that looks like a segment")
    func strangers() throws {
        var test = try TestLog()
        _ = try test.write([1])
        _ = try test.write([1])
        _ = try test.write([1])
        var other = try TestLog(origin: "holdfast/test/us-1")
        for name in try SegmentName.all(in: test.folder.path) {
            let bytes = try TestFile.read(test.folder.path + "/" + name.text)
            try TestFile.write(bytes, to: other.folder.path + "/" + name.text)
        }
        #expect(throws: AuditError.self) { _ = try other.open() }
        try AuditFolder.remove(test.folder.path + "/audit-000000000002.log")
        #expect(throws: AuditError.missingSegments(after: 1, next: 3)) { _ = try test.open() }
        // Names that are none.
        for name in ["audit-1.log", "audit-000000000000.log", "audit-.log", "x", "audit-+1.log"] {
            #expect(SegmentName(name) == nil)
        }
        #expect(SegmentName("audit-000000000010.log")?.number == 10)
    }

    @Test("an unfinished segment of a crash is made anew")
    func draft() throws {
        var test = try TestLog()
        _ = try test.write([1])
        let long = [UInt8](repeating: 7, count: 9_000)
        try TestFile.write(long, to: test.folder.path + "/" + SegmentName.reserve)
        _ = try test.write([1])
        #expect(try test.verify().findings == [])
        #expect(TemporaryFolder.names(in: test.folder.path).count == 2)
    }

    @Test("a failed sync ends the log for good")
    func failedSync() async {
        await #expect(processExitsWith: .success) {
            var test = try TestLog()
            var log = try test.open()
            _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
            precondition(unsafe faults_plan("sync */audit-* 1+ EIO") == 0)
            do throws(AuditError) {
                try log.sync()
                exit(2)
            } catch {
                guard case .syncFailed(_, _, EIO) = error, error.isFatal else { exit(3) }
            }
            do throws(AuditError) {
                _ = try log.append([[2]], at: TestLog.now, entropy: &test.entropy)
                exit(4)
            } catch {
                guard case .ended = error, error.isFatal else { exit(5) }
            }
            let signer = try testSigner()
            do throws(AuditError) {
                _ = try log.checkpoint(by: signer)
                exit(6)
            } catch {
                guard case .ended = error else { exit(7) }
            }
            // The sync was not tried again.
            guard faults_injected() == 1 else { exit(8) }
        }
    }

    @Test("any other failed write ends the log, too: half a frame may be there")
    func failedWrite() async {
        await #expect(processExitsWith: .success) {
            var test = try TestLog()
            var log = try test.open()
            precondition(unsafe faults_plan("write */audit-* 1 EIO") == 0)
            for _ in 0..<2 {
                do throws(AuditError) {
                    _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
                    exit(2)
                } catch {
                    guard case .ended = error, error.isFatal else { exit(3) }
                }
            }
            guard faults_injected() == 1 else { exit(4) }
        }
    }

    @Test(
        "a full disk takes nothing, and the log goes on when there is room",
        arguments: [
            "write */audit-* 1 ENOSPC",
            "write */audit-* 1 short;write */audit-* 2 ENOSPC",
        ]
    )
    func fullDisk(plan: String) async {
        await #expect(processExitsWith: .success) { [plan = plan as String] in
            var test = try TestLog()
            var log = try test.open()
            _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
            precondition(unsafe faults_plan(plan) == 0)
            do throws(AuditError) {
                _ = try log.append([[2]], at: TestLog.now, entropy: &test.entropy)
                exit(2)
            } catch {
                guard case .full = error, !error.isFatal, log.size == 2 else { exit(3) }
            }
            _ = try log.append([[3]], at: TestLog.now, entropy: &test.entropy)
            _ = try log.checkpoint(by: testSigner())
            guard try test.verify().isIntact, try test.records() == [[1], [3]] else { exit(4) }
        }
    }
}
