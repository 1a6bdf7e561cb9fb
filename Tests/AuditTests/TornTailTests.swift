import TestSupport
import Testing
import Wire

@testable import Audit

/// A crash leaves at the end what was written and not synced, in any state. Everything else is
/// damage, and "corrupt is not absent".
@Suite("Torn tails")
struct TornTailTests {
    /// A segment with a batch that was synced, its checkpoint, and a batch that was not. The two
    /// positions are the ends of the checkpoint's frame and of the last frame.
    private static func segment() throws -> (bytes: [UInt8], synced: Int, path: String) {
        var test = try TestLog()
        var log = try test.open()
        _ = try log.append([[1], [2]], at: TestLog.now, entropy: &test.entropy)
        _ = try log.checkpoint(by: testSigner())
        let path = test.folder.path + "/audit-000000000001.log"
        let synced = try TestFile.read(path).count
        _ = try log.append([[3], [4], [5]], at: TestLog.now, entropy: &test.entropy)
        return (try TestFile.read(path), synced, path)
    }

    @Test("cut anywhere behind the last sync, it is torn there and whole before")
    func cut() throws {
        let (bytes, synced, path) = try Self.segment()
        let whole = try Segment(bytes, path: path, isLast: true)
        #expect(whole.ending == .whole)
        var ends = [Segment.headBytes]
        for frame in whole.frames { ends.append(ends[ends.count - 1] + frame.byteCount) }
        #expect(ends.last == bytes.count)
        for length in synced..<bytes.count {
            let segment = try Segment(Array(bytes[..<length]), path: path, isLast: true)
            let lastEnd = try #require(ends.last { $0 <= length })
            let want: Segment.Ending =
                lastEnd == length
                ? .whole : .torn(offset: UInt64(lastEnd), bytes: UInt64(length - lastEnd))
            #expect(segment.ending == want)
            #expect(segment.frames == Array(whole.frames.prefix(segment.frames.count)))
        }
    }

    @Test("blocks that did not reach the disk behind the last sync are a torn write too")
    func holes() throws {
        let (bytes, synced, path) = try Self.segment()
        for start in synced..<bytes.count {
            var torn = bytes
            for position in start..<min(start + 40, bytes.count) { torn[position] = 0 }
            let segment = try Segment(torn, path: path, isLast: true)
            guard torn != bytes else { continue }
            guard case .torn(let offset, let count) = segment.ending else {
                Issue.record("\(segment.ending) for zeros from \(start)")
                continue
            }
            #expect(offset >= UInt64(synced))
            #expect(offset + count == UInt64(bytes.count))
        }
    }

    @Test("a changed byte before the last sync is damage, wherever it is")
    func damage() throws {
        let (bytes, synced, path) = try Self.segment()
        for position in 0..<synced {
            var damaged = bytes
            damaged[position] ^= 0x40
            do throws(AuditError) {
                let segment = try Segment(damaged, path: path, isLast: true)
                // The checkpoint's own frame is the last thing that says "synced".
                let isLastMark = segment.frames.filter { $0.kind == .leaf }.count == 3
                switch segment.ending {
                case .damaged: break
                case .torn where isLastMark: break
                default: Issue.record("\(segment.ending) for byte \(position)")
                }
            } catch {
                switch error {
                case .damaged, .wrongFormat: break
                default: Issue.record("\(error) for byte \(position)")
                }
            }
        }
    }

    @Test("only the newest segment can be torn")
    func older() throws {
        let (bytes, _, path) = try Self.segment()
        let segment = try Segment(Array(bytes.dropLast(3)), path: path, isLast: false)
        guard case .damaged = segment.ending else {
            Issue.record("\(segment.ending)")
            return
        }
    }

    @Test("a tail that is longer than anything unsynced ever is, is damage")
    func longTail() throws {
        let (bytes, synced, path) = try Self.segment()
        let zeros = [UInt8](repeating: 0, count: AuditLimits.unsyncedBytesMax + 1)
        let short = try Segment(
            Array(bytes[..<synced] + zeros.prefix(9_999)),
            path: path,
            isLast: true
        )
        #expect(short.ending == .torn(offset: UInt64(synced), bytes: 9_999))
        let long = [UInt8](repeating: 0, count: AuditLimits.noteBytesMax) + zeros
        let segment = try Segment(Array(bytes[..<synced] + long), path: path, isLast: true)
        guard case .damaged = segment.ending else {
            Issue.record("\(segment.ending)")
            return
        }
    }

    @Test("after a crash the torn write is cut off, and the next segment says so")
    func recovery() throws {
        var test = try TestLog()
        var log = try test.open()
        _ = try log.append([[1], [2]], at: TestLog.now, entropy: &test.entropy)
        try log.sync()
        _ = try log.append([[3]], at: TestLog.now, entropy: &test.entropy)
        let path = test.folder.path + "/audit-000000000001.log"
        try TestFile.write(Array(try TestFile.read(path).dropLast(5)), to: path)
        let before = try test.verify()
        #expect(before.findings == [])
        #expect(before.tornBytes > 0)
        #expect(before.leaves == 3)
        _ = try test.write([1])
        let verdict = try test.verify()
        #expect(verdict.findings == [])
        #expect(verdict.tornBytes == 0)
        #expect(verdict.cuts == 1)
        #expect(verdict.leaves == 5)
        #expect(UInt64(try test.segments[1].opening.cutBytes) == before.tornBytes)
        #expect(try test.records() == [[1], [2], TestLog.record(4)])
    }

    @Test("damage in the newest segment keeps a node from writing on")
    func refusal() throws {
        var test = try TestLog()
        _ = try test.write([2, 2])
        let path = test.folder.path + "/audit-000000000001.log"
        let good = try TestFile.read(path)
        var damaged = good
        damaged[good.count - 300] ^= 1
        try TestFile.write(damaged, to: path)
        #expect(throws: AuditError.self) { _ = try test.open() }
        // Frames that are sound but do not give the root beside them.
        let frames = try Segment(good, path: path, isLast: true).frames
        try TestFile.write(Array(frames[..<2] + frames[3...]), to: path)
        #expect(throws: AuditError.self) { _ = try test.open() }
        try TestFile.write(good, to: path)
        #expect(throws: Never.self) { _ = try test.open() }
    }
}
