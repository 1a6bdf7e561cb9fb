import CFaults
import Glibc
import TestSupport
import Testing
import Wire

@testable import Audit

/// With a full disk the log goes on in the room that it has taken before, and the same after a
/// restart; when that ends it takes nothing, and says so.
@Suite("Room on the disk")
struct RoomTests {
    private static let reserve = 256 << 10

    private static func makeLog() throws -> TestLog {
        var test = try TestLog()
        test.reserveBytes = reserve
        return test
    }

    @Test("room is taken ahead without making the file longer, and given back at a start")
    func taken() throws {
        var test = try Self.makeLog()
        var log = try test.open()
        let room = try log.tend()
        #expect(room.isShort == false)
        let bytes = try #require(room.bytes, "this file system takes no room ahead")
        #expect(bytes >= UInt64(Self.reserve * 3 / 2))
        _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
        let first = test.folder.path + "/audit-000000000001.log"
        let live = try AuditFile(reading: first).bytes()
        #expect(live.size < 8_192 && live.room >= UInt64(Self.reserve))
        _ = try test.open()
        let closed = try AuditFile(reading: first).bytes()
        #expect(closed.size == live.size && closed.room < UInt64(Self.reserve))
        #expect(try test.verify().findings == [])
    }

    @Test("a full disk is not felt while there is room, and a start does not need any other")
    func full() async {
        await #expect(processExitsWith: .success) {
            var test = try RoomTests.makeLog()
            var written: [[UInt8]] = []
            let record = [UInt8](repeating: 0x61, count: 3_000)
            do {
                var log = try test.open()
                // Every attempt to take more room fails from here on.
                precondition(unsafe faults_plan("allocate */audit-* 1+ ENOSPC") == 0)
                for _ in 0..<20 {
                    _ = try log.append([record], at: TestLog.now, entropy: &test.entropy)
                    written.append(record)
                }
            }
            // The room of the segment before is given back, and none of it is to be had again.
            var log = try test.open()
            guard log.segmentNumber == 2, try log.tend().isShort else { exit(3) }
            var refused = false
            for _ in 0..<400 where !refused {
                do throws(AuditError) {
                    _ = try log.append([record], at: TestLog.now, entropy: &test.entropy)
                    written.append(record)
                } catch {
                    guard case .full = error, !error.isFatal else { exit(4) }
                    refused = true
                }
            }
            guard refused, written.count > 60 else { exit(5) }
            let room = try log.tend()
            guard room.isShort, let bytes = room.bytes, bytes < 8_192 else { exit(6) }
            // What is smaller than the rest of the room is still taken.
            _ = try log.append([[1]], at: TestLog.now, entropy: &test.entropy)
            written.append([1])
            faults_stop()
            guard try !log.tend().isShort else { exit(7) }
            _ = try log.append([record], at: TestLog.now, entropy: &test.entropy)
            _ = try log.checkpoint(by: testSigner())
            guard try test.verify().isIntact, try test.records() == written + [record] else {
                exit(8)
            }
        }
    }

    @Test("when a segment's room has ended, the log goes on in that of the next one")
    func spare() async {
        await #expect(processExitsWith: .success) {
            var test = try RoomTests.makeLog()
            var log = try test.open()
            precondition(unsafe faults_plan("allocate */audit-* 1+ ENOSPC") == 0)
            var count = 0
            let record = [UInt8](repeating: 0x61, count: 3_000)
            while log.segmentNumber == 1 {
                _ = try log.append([record], at: TestLog.now, entropy: &test.entropy)
                count += 1
                guard count < 400 else { exit(2) }
            }
            guard count > 60, try test.records().count == count else { exit(3) }
            _ = try log.checkpoint(by: testSigner())
            guard try test.verify().isIntact else { exit(4) }
        }
    }

    @Test("a log that ends before the place that was kept elsewhere is damaged, and not touched")
    func cut() throws {
        var test = try TestLog()
        let notes = try test.write([2, 3])
        let anchors = try notes.map { try Checkpoint(text: $0.text) }
        _ = try AuditLog.open(
            test.settings,
            anchored: anchors[1],
            at: TestLog.now,
            entropy: &test.entropy
        )
        let path = test.folder.path + "/audit-000000000001.log"
        let names = TemporaryFolder.names(in: test.folder.path)
        let beyond = Checkpoint(
            origin: anchors[1].origin,
            size: anchors[1].size + 9,
            root: anchors[1].root
        )
        let bytes = try TestFile.read(path)
        do throws(AuditError) {
            _ = try AuditLog.open(
                test.settings,
                anchored: beyond,
                at: TestLog.now,
                entropy: &test.entropy
            )
            Issue.record("it was opened")
        } catch {
            #expect(
                error
                    == .cut(
                        path: test.folder.path,
                        have: anchors[1].size + 1,
                        anchored: beyond.size
                    )
            )
            #expect(error.isDamage && !error.isFatal)
        }
        #expect(TemporaryFolder.names(in: test.folder.path).count == names.count)
        #expect(try TestFile.read(path) == bytes)
        let empty = try TestLog()
        var entropy = SeededEntropy(4)
        #expect(throws: AuditError.self) {
            _ = try AuditLog.open(
                empty.settings,
                anchored: beyond,
                at: TestLog.now,
                entropy: &entropy
            )
        }
    }

    @Test("a log that was begun beside a damaged one has a name of its own")
    func names() {
        let vault = [UInt8](repeating: 5, count: 16)
        let first = AuditNames.log(of: vault, node: "eu-1-0a0b0c0d")
        for generation in [UInt64(1), 2, 17, AuditLimits.generationsMax] {
            let name = AuditNames.log(of: vault, node: "eu-1-0a0b0c0d", generation: generation)
            #expect(AuditNames.generation(name, of: first) == generation)
            #expect(AuditNames.isLater(name) == (generation > 1))
        }
        for wrong in [".1", ".0", ".02", ".+2", ".1000", ".2.3", "2", "."] {
            #expect(AuditNames.generation(first + wrong, of: first) == nil)
        }
        #expect(AuditNames.generation("else", of: first) == nil)
    }
}
