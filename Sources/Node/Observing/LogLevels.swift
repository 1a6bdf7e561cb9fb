package import Logging
import Synchronization

/// The loggers of a node: one for each of its parts, whose level can be changed while it runs.
package enum LogPart: String, CaseIterable, Sendable {
    /// Starts, stops, unsealing, members, and whatever is none of the others.
    case core
    /// What every request leaves where it is asked for, and why one failed.
    case requests
    /// The log, its storage, elections.
    case replica
    /// Connections of clients and members.
    case transport
    /// The node's audit log and the cluster's anchors.
    case audit
    /// What the vault does by itself.
    case tasks
}

/// How much each part of a node logs. Shared by all loggers of the node.
package final class LogLevels: Sendable {
    /// What the settings say: where a level goes back to.
    package let initial: Logger.Level
    private let levels: Mutex<[Logger.Level]>

    /// - Parameter initial: of every part.
    package init(_ initial: Logger.Level) {
        self.initial = initial
        levels = Mutex(Array(repeating: initial, count: LogPart.allCases.count))
    }

    /// The least level that a part logs.
    package subscript(part: LogPart) -> Logger.Level {
        get { levels.withLock { $0[part.position] } }
        set { levels.withLock { $0[part.position] = newValue } }
    }
}

extension LogPart {
    fileprivate var position: Int {
        switch self {
        case .core: 0
        case .requests: 1
        case .replica: 2
        case .transport: 3
        case .audit: 4
        case .tasks: 5
        }
    }
}

/// A handler whose level is the shared one, however often its logger was copied; less where the log
/// is watched.
private struct LevelledHandler: LogHandler {
    var handler: any LogHandler
    let levels: LogLevels
    let monitor: LogMonitor
    let part: LogPart

    var logLevel: Logger.Level {
        get { monitor.level(atMost: levels[part]) }
        // The level of one copy would say nothing about the part.
        set {}
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= levels[part] { handler.log(event: event) }
        monitor.take(event, metadata, of: part)
    }
}

/// The loggers of one node.
package struct NodeLoggers: Sendable {
    /// What `sys/loggers` shows and sets.
    package let levels: LogLevels
    /// Who watches what they log.
    let monitor = LogMonitor()
    private let handler: any LogHandler

    /// - Parameters:
    ///   - initial: of every part.
    ///   - handler: writes lines, of whatever level.
    package init(_ initial: Logger.Level, _ handler: any LogHandler) {
        levels = LogLevels(initial)
        self.handler = handler
    }

    /// A part's logger.
    package subscript(part: LogPart) -> Logger {
        Logger(label: "holdfast") { _ in
            LevelledHandler(handler: handler, levels: levels, monitor: monitor, part: part)
        }
    }
}

extension Logger.Level {
    /// From the names that OpenBao takes; nil for any other.
    init?(named name: String) {
        switch name.lowercased() {
        case "trace": self = .trace
        case "debug": self = .debug
        case "info": self = .info
        case "notice": self = .notice
        case "warn", "warning": self = .warning
        case "err", "error": self = .error
        default: return nil
        }
    }

    /// As OpenBao shows it.
    var shortName: String { self == .warning ? "warn" : rawValue }
}
