import Logging
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node

/// What those get who watch the log of a node.
@Suite("log monitor")
struct LogMonitorTests {
    private static let now = Timestamp(nanoseconds: 1_790_000_000_012_345_678)

    /// A handler that keeps what is written anyway.
    private struct Written: LogHandler {
        let lines: Collector<String>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add("\(event.level) \(event.message)") }
    }

    /// A watcher that takes lines while it has room.
    private final class Client: Sendable {
        let lines = Collector<String>()
        let hasRoom = Atomic(true)
        private let finish = Atomic(false)

        var isFinished: Bool { finish.load(ordering: .relaxed) }

        func watch(
            _ level: Logger.Level,
            _ format: LogMonitor.Format = .standard
        ) -> LogMonitor.Watch {
            LogMonitor.Watch(level, format) { [self] bytes in
                guard hasRoom.load(ordering: .relaxed) else { return false }
                lines.add(String(decoding: bytes, as: UTF8.self))
                return true
            } finish: { [self] in
                finish.store(true, ordering: .relaxed)
            }
        }
    }

    @Test("a watcher gets what it asked for, and the log stays as long as it was")
    func levels() {
        let written = Collector<String>()
        let loggers = NodeLoggers(.warning, Written(lines: written))
        let core = loggers[.core]
        let (chatty, quiet) = (Client(), Client())
        let watch = chatty.watch(.debug)
        #expect(loggers.monitor.begin(watch) && loggers.monitor.begin(quiet.watch(.error)))
        #expect(core.logLevel == .debug)
        core.trace("one")
        core.debug("two")
        core.error("three")
        #expect(written.all == ["error three"])
        #expect(chatty.lines.count == 2 && quiet.lines.count == 1)
        loggers.monitor.end(watch)
        #expect(core.logLevel == .warning)
        core.debug("four")
        core.warning("five")
        #expect(chatty.lines.count == 2 && quiet.lines.count == 1)
        loggers.monitor.endAll()
        #expect(quiet.isFinished)
        #expect(!chatty.isFinished, "it had gone")
        core.error("six")
        #expect(quiet.lines.count == 1)
        #expect(written.all == ["error three", "warning five", "error six"])
    }

    @Test("what cannot be taken is dropped, and told later")
    func drops() {
        let monitor = LogMonitor(clock: { Self.now })
        let client = Client()
        #expect(monitor.begin(client.watch(.info)))
        let core = Logger(label: "x") { _ in Forwarding(monitor: monitor) }
        client.hasRoom.store(false, ordering: .relaxed)
        for number in 0..<5 { core.info("\(number)") }
        client.hasRoom.store(true, ordering: .relaxed)
        core.info("after")
        core.info("and on")
        #expect(
            client.lines.all == [
                "2026-09-21T14:13:20.012Z [WARN]  monitor: 5 lines were dropped here: they were "
                    + "not read in time\n2026-09-21T14:13:20.012Z [INFO]  core: after\n",
                "2026-09-21T14:13:20.012Z [INFO]  core: and on\n",
            ]
        )
    }

    @Test("only so many may watch")
    func bound() {
        let monitor = LogMonitor()
        let client = Client()
        for _ in 0..<Limits.logWatchersMax {
            #expect(monitor.hasRoom && monitor.begin(client.watch(.info)))
        }
        #expect(!monitor.hasRoom && !monitor.begin(client.watch(.info)))
        monitor.endAll()
        #expect(monitor.hasRoom)
    }

    @Test("a line is one line, whatever is in it, and names what OpenBao's name")
    func lines() throws {
        let line = LogLine(
            Self.now,
            .critical,
            "audit",
            "two\nlines \u{1B}[1m",
            ["@level": "x", "plain": "a/b", "blank": "a b", "empty": "", "quote": "\"\u{85}"]
        )
        #expect(
            String(decoding: line.bytes(.standard), as: UTF8.self)
                == "2026-09-21T14:13:20.012Z [ERROR] audit: two lines  [1m: @level=x "
                + "blank=\"a b\" empty=\"\" plain=a/b quote=\"\\\" \"\n"
        )
        let bytes = line.bytes(.json)
        #expect(bytes.last == 0x0A && bytes.count { $0 == 0x0A } == 1)
        let object = try #require(try JSONScanner.parse(Array(bytes.dropLast())).asObject)
        #expect(
            object.members.map(\.name) == [
                "@level", "@message", "@module", "@timestamp", "_@level", "blank", "empty",
                "plain", "quote",
            ]
        )
        #expect(object["@level"]?.asString == "error")
        #expect(object["@message"]?.asString == "two\nlines \u{1B}[1m")
        let short = LogLine(Self.now, .notice, "core", "sealed")
        #expect(
            String(decoding: short.bytes(.standard), as: UTF8.self)
                == "2026-09-21T14:13:20.012Z [INFO]  core: sealed\n"
        )
    }

    /// Gives a monitor everything, as the loggers of a node do.
    private struct Forwarding: LogHandler {
        let monitor: LogMonitor
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { monitor.take(event, metadata, of: .core) }
    }
}
