import Logging
import Synchronization
import Wire

/// Who watches the log of this node, and what they get of it: `sys/monitor`.
///
/// Whoever logs never waits for a watcher: a line that one has no room for is dropped and counted,
/// and the watcher is told how many when it takes lines again.
final class LogMonitor: Sendable {
    /// How a watcher wants its lines.
    enum Format: String, Sendable {
        case standard, json
    }

    /// One watcher.
    final class Watch: Sendable {
        fileprivate let level: Logger.Level
        private let format: Format
        private let write: @Sendable ([UInt8]) -> Bool
        fileprivate let finish: @Sendable () -> Void
        private let dropped = Atomic(0)

        /// - Parameters:
        ///   - level: the least that it gets.
        ///   - write: takes lines whole, or nothing of them and says so. Must not wait, nor log.
        ///   - finish: is called when there will be no more of them.
        init(
            _ level: Logger.Level,
            _ format: Format,
            write: @escaping @Sendable ([UInt8]) -> Bool,
            finish: @escaping @Sendable () -> Void
        ) {
            (self.level, self.format) = (level, format)
            (self.write, self.finish) = (write, finish)
        }

        fileprivate func take(_ line: LogLine) {
            let missed = dropped.exchange(0, ordering: .relaxed)
            var bytes = line.bytes(format)
            if missed > 0 {
                let text = "\(missed) lines were dropped here: they were not read in time"
                bytes = LogLine(line.time, .warning, "monitor", text).bytes(format) + bytes
            }
            if !write(bytes) { dropped.add(missed + 1, ordering: .relaxed) }
        }
    }

    private let watches = Mutex<[Watch]>([])
    /// The place of the least level that is watched; ``nobody`` for none.
    private let least = Atomic(LogMonitor.nobody)
    private let clock: @Sendable () -> Timestamp

    init(clock: @escaping @Sendable () -> Timestamp = { WallClock.now() }) { self.clock = clock }

    /// Whether one more may watch.
    var hasRoom: Bool { watches.withLock { $0.count < Limits.logWatchersMax } }

    /// The least level that somebody watches, or this one if it is less.
    func level(atMost level: Logger.Level) -> Logger.Level {
        let place = least.load(ordering: .relaxed)
        return place < level.place ? Logger.Level.allCases[place] : level
    }

    /// Lines go to this watcher from here on.
    ///
    /// - Returns: false if there is no room.
    func begin(_ watch: Watch) -> Bool {
        watches.withLock { watches in
            guard watches.count < Limits.logWatchersMax else { return false }
            watches.append(watch)
            note(watches)
            return true
        }
    }

    /// No line goes to it any more: it has gone.
    func end(_ watch: Watch) {
        watches.withLock { watches in
            watches.removeAll { $0 === watch }
            note(watches)
        }
    }

    /// No line goes to anybody any more.
    func endAll() {
        let ended = watches.withLock { watches -> [Watch] in
            defer { watches = [] }
            note([])
            return watches
        }
        for watch in ended { watch.finish() }
    }

    private func note(_ watches: [Watch]) {
        least.store(watches.map(\.level.place).min() ?? Self.nobody, ordering: .relaxed)
    }

    /// A line of the log, whether or not it is written elsewhere.
    func take(_ event: LogEvent, _ metadata: Logger.Metadata, of part: LogPart) {
        guard event.level.place >= least.load(ordering: .relaxed) else { return }
        // Taken out first: what a watcher does with a line is its own affair.
        let watches = watches.withLock { $0 }
        let line = LogLine(
            clock(),
            event.level,
            part.rawValue,
            event.message.description,
            metadata.merging(event.metadata ?? [:]) { $1 }
        )
        for watch in watches where watch.level <= event.level { watch.take(line) }
    }

    private static let nobody = Logger.Level.allCases.count
}

extension Logger.Level {
    /// In the order of the levels, `trace` first.
    fileprivate var place: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}

/// A line as watchers get it: what OpenBao's are read for, in the same two shapes.
struct LogLine {
    let time: Timestamp
    private let level: Logger.Level
    private let part: String
    private let message: String
    private let metadata: Logger.Metadata

    init(
        _ time: Timestamp,
        _ level: Logger.Level,
        _ part: String,
        _ message: String,
        _ metadata: Logger.Metadata = [:]
    ) {
        (self.time, self.level, self.part) = (time, level, part)
        (self.message, self.metadata) = (message, metadata)
    }

    /// The line with its end.
    func bytes(_ format: LogMonitor.Format) -> [UInt8] {
        switch format {
        case .standard: standard
        case .json: json
        }
    }

    /// `2026-11-27T04:17:13.123Z [INFO]  core: sealed: name=value`
    private var standard: [UInt8] {
        let name = "[\(level.monitored.uppercased())]"
        let blanks = String(repeating: " ", count: max(1, 8 - name.utf8.count))
        var text = "\(clock) \(name)\(blanks)\(part): \(Self.printable(message))"
        if !metadata.isEmpty { text += ":" }
        for (name, value) in members {
            text += " \(Self.printable(name))=\(Self.quotedIfNeeded("\(value)"))"
        }
        return Array(text.utf8) + [0x0A]
    }

    /// Members as OpenBao's lines have them, then what else is known, by name.
    private var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        for (name, text) in [
            ("@level", level.monitored), ("@message", message), ("@module", part),
            ("@timestamp", time.rfc3339),
        ] {
            writer.name(name)
            writer.string(text)
        }
        for (name, value) in members {
            // The first four are the line's own.
            writer.name(name.utf8.first == 0x40 ? "_" + name : name)
            writer.string("\(value)")
        }
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    /// To the millisecond, in which a column of them is even.
    private var clock: String {
        let second = Timestamp(nanoseconds: time.nanoseconds / 1_000_000_000 * 1_000_000_000)
        let digits = String(1_000 + time.nanoseconds / 1_000_000 % 1_000).dropFirst()
        return "\(second.rfc3339.dropLast()).\(digits)Z"
    }

    private var members: [(key: String, value: Logger.Metadata.Value)] {
        metadata.sorted { $0.key < $1.key }
    }

    /// A line is one line.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        let scalars = text.unicodeScalars.map { isControl($0) ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let needs = text.isEmpty || text.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D }
        guard needs else { return printable(text) }
        let quoted = JSONValue.string(text).encoded(sortingKeys: false)
        return printable(String(decoding: quoted, as: UTF8.self))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}

extension Logger.Level {
    /// The five names that OpenBao's lines have.
    fileprivate var monitored: String {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error, .critical: "error"
        }
    }
}
