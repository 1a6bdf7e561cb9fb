import Audit
import Glibc
import NIOPosix
import TestSupport
import Testing
import Wire

@testable import Node
@testable import Vault

/// What a node writes to its audit devices, and what it does when they take nothing.
@Suite("audit sinks")
struct AuditSinkTests {
    private static let group = MultiThreadedEventLoopGroup.singleton

    private func sink(_ options: [(String, String)], type: String = "file") throws -> AuditSink {
        let device = try AuditDevice(
            path: "d/",
            type: type,
            options: options.map { MountRecord.Option(name: $0.0, value: $0.1) },
            salt: [UInt8](repeating: 7, count: AuditDevice.saltBytes)
        )
        return AuditSink(device, node: "eu-1", on: Self.group.next())
    }

    private func record(_ path: String) -> AuditRecord {
        var request = AuditRequest(id: "id", operation: "read", path: path)
        request.data = ["password": "swordfish"]
        return AuditRecord(
            time: Timestamp(nanoseconds: 1_790_000_000_000_000_000),
            request: request
        )
    }

    private func write(_ sink: AuditSink, _ paths: [String]) async throws -> String? {
        let seen = Collector<String?>()
        sink.write(paths.map { record($0) }) { seen.add($0) }
        try await eventually("it is taken or refused") { seen.count == 1 }
        return seen.all[0]
    }

    private func lines(_ path: String) throws -> [JSONObject] {
        try FileBytes.read(path).split(separator: 0x0A).map {
            try #require(try JSONScanner.parse(Array($0)).asObject)
        }
    }

    @Test("lines go into a file in their order, with digests, and into a new one after a rotation")
    func file() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/below/audit.log"
        let sink = try sink([("file_path", path), ("mode", "0640")])
        #expect(try await write(sink, ["a", "b"]) == nil)
        #expect(try await write(sink, ["c"]) == nil)
        let written = try lines(path)
        #expect(written.map { $0["request"]?.asObject?["path"]?.asString } == ["a", "b", "c"])
        let data = written[0]["request"]?.asObject?["data"]?.asObject
        #expect(data?["password"]?.asString == sink.device.hash.text("swordfish"))
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)

        #expect(unsafe rename(path, path + ".1") == 0)
        #expect(try await write(sink, ["d"]) == nil)
        #expect(try lines(path).count == 1)
        #expect(try lines(path + ".1").count == 3)
        sink.close()
    }

    @Test("a file that cannot be written refuses, and takes records when it can")
    func refused() async throws {
        let folder = TemporaryFolder()
        // A folder stands where the file would be.
        let path = folder.path + "/audit.log"
        #expect(unsafe mkdir(path, 0o700) == 0)
        let sink = try sink([("file_path", path)])
        let problem = try #require(try await write(sink, ["a"]))
        #expect(problem.contains("open failed"))
        #expect(unsafe rmdir(path) == 0)
        #expect(try await write(sink, ["b"]) == nil)
        #expect(try lines(path).count == 1)
        sink.close()
    }

    @Test("a device that blocks keeps who waits waiting, and loses nothing")
    func blocked() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let sink = try sink([("file_path", path), ("mode", "0000")])
        let taken = Collector<String?>()
        for number in 0..<20 { sink.write([record("p\(number)")]) { taken.add($0) } }
        #expect(taken.count == 0)
        let reader = Task.detached { try FileBytes.read(path) }
        try await eventually("all are taken once somebody reads") { taken.count == 20 }
        #expect(taken.all.allSatisfy { $0 == nil })
        sink.close()
        let read = try await reader.value
        #expect(read.count(where: { $0 == 0x0A }) == 20)
    }

    @Test("a collector that is not there refuses; what waits for a device that is gone is let go")
    func nowhere() async throws {
        let sink = try sink(
            [("address", "127.0.0.1:1"), ("protocol", "tcp")],
            type: "syslog"
        )
        #expect(try await write(sink, ["a"])?.contains("cannot connect") == true)
        sink.close()
        #expect(try await write(sink, ["b"]) == nil)
        let broken = try self.sink(
            [("address", "127.0.0.1:1"), ("tls_ca_cert", "no certificate")],
            type: "syslog"
        )
        #expect(try await write(broken, ["a"])?.contains("PEM") == true)
    }
}
