import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import Transport

/// A logger whose lines a test can look at.
final class SeenLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func contains(_ parts: String...) -> Bool {
        all.contains { line in parts.allSatisfy { line.contains($0) } }
    }

    var logger: Logger {
        Logger(label: "test") { _ in SeenLinesHandler(seen: self) }
    }

    fileprivate func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct SeenLinesHandler: LogHandler {
    let seen: SeenLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { seen.add("\(event.level) \(event.message)") }
}

/// One test after the other: they measure nothing, but several have time-outs of the product
/// under them, which a machine that runs sixty servers at once cannot keep.
@Suite("transport", .serialized, .timeLimit(.minutes(2)))
struct NetworkTests {}

/// Waits for something that another thread brings about. The limit is only there to end a test
/// that has failed.
func eventually(
    _ what: String,
    location: SourceLocation = #_sourceLocation,
    _ condition: () async -> Bool
) async {
    for _ in 0..<2_000 {
        if await condition() { return }
        try? await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never came about: \(what)", sourceLocation: location)
}

/// A new empty folder, removed with its files when the value goes away.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/holdfast-transport-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no temporary folder")
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func mode(of name: String) -> UInt32 {
        var status = stat()
        guard unsafe stat(file(name), &status) == 0 else { return 0 }
        return UInt32(status.st_mode & 0o777)
    }

    deinit {
        for name in [
            "api-certificate.pem", "api-key.pem", "node-key.pem", "a.pem", "b.pem",
        ] {
            unsafe unlink(file(name))
        }
        unsafe rmdir(path)
    }
}
