import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport
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

extension TemporaryFolder {
    func file(_ name: String) -> String { "\(path)/\(name)" }

    func mode(of name: String) -> UInt32 {
        var status = stat()
        guard unsafe stat(file(name), &status) == 0 else { return 0 }
        return UInt32(status.st_mode & 0o777)
    }
}
