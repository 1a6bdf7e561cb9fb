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

    /// The end of a pipe that is there to read, and does not.
    private func openReader(_ path: String) throws -> Int32 {
        let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(reader >= 0)
        return reader
    }

    @Test("a pipe that nobody reads refuses, and takes records once somebody does")
    func unread() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let sink = try sink([("file_path", path)])
        for _ in 0..<2 {
            let problem = try #require(try await write(sink, ["a"]))
            #expect(problem == "nobody reads the pipe \(path)")
        }
        let held = try openReader(path)
        #expect(try await write(sink, ["b"]) == nil)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe Glibc.read(held, &bytes, bytes.count)
        #expect(bytes.prefix(max(count, 0)).count(where: { $0 == 0x0A }) == 1)
        sink.close()
        _ = close(held)
    }

    @Test("a device that blocks keeps who waits waiting, and loses nothing")
    func blocked() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let held = try openReader(path)
        // Full, so that it takes no byte more.
        let filler = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        let page = [UInt8](repeating: 0x78, count: 4_096)
        var count = 1
        while count > 0 { count = unsafe Glibc.write(filler, page, page.count) }
        #expect(filler >= 0 && count < 0)
        let sink = try sink([("file_path", path), ("mode", "0000")])
        let taken = Collector<String?>()
        for number in 0..<20 { sink.write([record("p\(number)")]) { taken.add($0) } }
        try await Task.sleep(for: .milliseconds(50))
        #expect(taken.count == 0)
        let reader = Task.detached { try FileBytes.read(path) }
        try await eventually("all are taken once somebody reads") { taken.count == 20 }
        #expect(taken.all.allSatisfy { $0 == nil })
        sink.close()
        _ = close(filler)
        let read = try await reader.value
        _ = close(held)
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
