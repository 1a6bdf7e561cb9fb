import Cryptography
import TestSupport
import Testing
import Wire

@testable import Audit

@Suite("Audit tail")
struct TailTests {
    /// Follows a log and keeps what it saw.
    private final class Follower {
        let test: TestLog
        var tail: AuditTail
        var records: [[UInt8]] = []
        var damage: [AuditError] = []

        init(_ test: TestLog, from segment: UInt64 = 1) {
            self.test = test
            tail = AuditTail(folder: test.folder.path, segment: segment)
        }

        /// Takes what there is.
        ///
        /// - Returns: bytes at the end that are no whole write.
        func catchUp() throws -> Int {
            while true {
                switch try tail.next() {
                case .opened(let opening):
                    let pair = try test.privateKey()
                    try tail.unlock(with: opening.secret(with: pair.privateKey))
                case .leaves(let leaves):
                    for leaf in leaves { records.append(try tail.open(leaf)) }
                case .idle(let bytes): return bytes
                case .over:
                    let hasMore = try tail.advance()
                    #expect(hasMore)
                case .gap(let error): damage.append(error)
                case .damaged(let error):
                    damage.append(error)
                    guard try tail.advance() else { return 0 }
                }
            }
        }
    }

    @Test("gives each record once, across batches, checkpoints and restarts")
    func follows() throws {
        var test = try TestLog()
        _ = try test.write([2])
        let follower = Follower(test)
        #expect(try follower.catchUp() == 0)
        #expect(follower.records.count == 2)
        #expect(try follower.catchUp() == 0)
        #expect(follower.records.count == 2)
        _ = try test.write([3, 1])
        _ = try test.write([1])
        #expect(try follower.catchUp() == 0)
        #expect(try follower.records == test.records())
        #expect(follower.tail.segment == 3)
        #expect(follower.damage.isEmpty)
    }

    @Test("a write that is under way is waited for, whole records before it are given")
    func unfinished() throws {
        var test = try TestLog()
        _ = try test.write([2])
        let path = test.folder.path + "/" + SegmentName(number: 1).text
        let frame = try #require(try test.segments[0].frames.last { $0.kind == .leaf })
        var writer = ByteWriter()
        frame.write(into: &writer)
        let whole = try TestFile.read(path)
        try TestFile.write(whole + writer.bytes.dropLast(10), to: path)
        let follower = Follower(test)
        #expect(try follower.catchUp() == writer.count - 10)
        #expect(follower.records.count == 2)
        #expect(follower.damage.isEmpty)
        // The node is started again: it cuts the torn write off and goes on in the next segment.
        _ = try test.write([1])
        #expect(try follower.catchUp() == 0)
        #expect(follower.records.count == 3)
        #expect(follower.damage.isEmpty)
    }

    @Test("damage is named, and the segments behind it are read")
    func damaged() throws {
        var test = try TestLog()
        _ = try test.write([3])
        _ = try test.write([2])
        let path = test.folder.path + "/" + SegmentName(number: 1).text
        try spoilFirstRecord(path)
        let follower = Follower(test)
        #expect(try follower.catchUp() == 0)
        #expect(follower.damage.count == 1)
        guard case .damaged(path, _, _) = follower.damage.first else {
            Issue.record("\(follower.damage)")
            return
        }
        // Leaves 0 and 4 are the openings.
        #expect(follower.records == [5, 6].map(TestLog.record))
    }

    private func spoilFirstRecord(_ path: String) throws {
        var bytes = try TestFile.read(path)
        let opening = try Frame(in: bytes, at: Segment.headBytes).byteCount
        bytes[Segment.headBytes + opening + 30] ^= 1
        try TestFile.write(bytes, to: path)
    }

    @Test("in the newest segment too, where what is behind was once on the disk")
    func damagedBehindCheckpoint() throws {
        var test = try TestLog()
        _ = try test.write([1, 1])
        let path = test.folder.path + "/" + SegmentName(number: 1).text
        try spoilFirstRecord(path)
        let follower = Follower(test)
        #expect(try follower.catchUp() == 0)
        #expect(follower.damage.count == 1)
        #expect(follower.records.isEmpty)
    }

    @Test("missing segments, a file that became shorter, a file that is none")
    func otherDamage() throws {
        var test = try TestLog()
        for _ in 0..<3 { _ = try test.write([1]) }
        func path(_ number: UInt64) -> String {
            test.folder.path + "/" + SegmentName(number: number).text
        }
        let follower = Follower(test)
        _ = try follower.catchUp()
        let whole = try TestFile.read(path(3))
        try TestFile.write(Array(whole.dropLast(200)), to: path(3))
        _ = try follower.catchUp()
        #expect(follower.damage.count == 1)
        try TestFile.write(whole, to: path(3))

        try AuditFolder.remove(path(2))
        let second = Follower(test)
        _ = try second.catchUp()
        #expect(second.damage == [.missingSegments(after: 1, next: 3)])
        #expect(second.records.count == 2)

        try TestFile.write(Array("nothing of ours".utf8), to: path(3))
        let third = Follower(test, from: 3)
        _ = try third.catchUp()
        #expect(third.damage.count == 1)
    }

    @Test("the key of one segment opens no other one")
    func wrongKey() throws {
        var test = try TestLog()
        for _ in 0..<2 { _ = try test.write([1]) }
        let openings = try test.segments.map(\.opening)
        let pair = try test.privateKey()
        let secret = try openings[0].secret(with: pair.privateKey)
        var tail = AuditTail(folder: test.folder.path, segment: 2)
        _ = try tail.next()
        do throws(AuditError) {
            try tail.unlock(with: secret)
            Issue.record("a key of segment 1 opened segment 2")
        } catch {
            #expect(error.summary.contains("commitment"))
        }
    }
}
