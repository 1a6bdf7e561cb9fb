import Logging
import Synchronization
import Testing

@testable import Node

/// Loggers whose level changes while they are in use.
@Suite("log levels")
struct LogLevelTests {
    /// Keeps what it is given.
    private struct Keeping: LogHandler {
        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.all.withLock { $0.append("\(event.level) \(event.message)") }
        }
    }

    @Test("a copy that was made before hears of a change, and other parts do not")
    func changes() {
        let lines = Keeping.Lines()
        let loggers = NodeLoggers(.warning, Keeping(lines: lines))
        let (audit, core) = (loggers[.audit], loggers[.core])
        audit.info("one")
        loggers.levels[.audit] = .debug
        audit.debug("two")
        core.info("three")
        loggers.levels[.audit] = loggers.levels.initial
        audit.debug("four")
        audit.warning("five")
        #expect(lines.all.withLock { $0 } == ["debug two", "warning five"])
    }

    @Test("names are those that OpenBao takes and shows")
    func names() {
        #expect(Logger.Level(named: "WARN") == .warning)
        #expect(Logger.Level(named: "err") == .error)
        #expect(Logger.Level(named: "loud") == nil)
        #expect(Logger.Level.warning.shortName == "warn")
        #expect(Logger.Level.info.shortName == "info")
    }
}
