import Logging
import Synchronization
import Testing
import Wire

@testable import Commands

@Suite("lines of the log in JSON")
struct JSONLogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func logger(_ lines: Lines, _ change: (inout Logger) -> Void = { _ in }) -> Logger {
        var logger = Logger(label: "test") { _ in
            var handler = JSONLogHandler()
            handler.now = { Timestamp(nanoseconds: 1_764_126_000_250_000_000) }
            handler.write = { bytes in
                lines.all.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
            return handler
        }
        change(&logger)
        return logger
    }

    @Test("one object a line, names in order, what cannot stand in a line escaped")
    func line() {
        let lines = Lines()
        let logger = logger(lines) { $0[metadataKey: "node"] = "eu-1" }
        logger.warning(
            "a \"b\"\nc\u{1B}[31m",
            metadata: ["z": ["a", "b"], "level": "mine", "map": ["k": "v"], "node": "us-1"]
        )
        logger.debug("too low")
        #expect(
            lines.all.withLock { $0 } == [
                #"{"time":"2025-11-26T03:00:00.25Z","level":"warning","message":"#
                    + #""a \"b\"\nc\u001b[31m","_level":"mine","map":{"k":"v"},"node":"us-1","#
                    + #""z":["a","b"]}"# + "\n"
            ]
        )
    }
}
