import Client
import Logging
import Node
import Wire

/// The log of a node: lines on standard error.
enum NodeLog {
    static let levels = ["trace", "debug", "info", "notice", "warning", "error"]

    static func loggers(_ level: String, _ format: Settings.LogFormat) -> NodeLoggers {
        var handler: any LogHandler =
            switch format {
            case .text: StreamLogHandler.standardError(label: "holdfast")
            case .json: JSONLogHandler()
            }
        // What is logged is decided before, part by part.
        handler.logLevel = .trace
        return NodeLoggers(Logger.Level(rawValue: level) ?? .info, handler)
    }
}

/// Writes each line of the log as one JSON object: `time`, `level`, `message`, then what else is
/// known, by name.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    /// Takes one line, its end included, and writes it whole.
    var write: @Sendable ([UInt8]) -> Void = {
        _ = StandardStreams.write($0, to: StandardStreams.error)
    }
    var now: @Sendable () -> Timestamp = { WallClock.now() }

    /// These are the line's own; what else is called so gets a `_` in front.
    private static let ownNames = ["time", "level", "message"]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.name("time")
        writer.string(now().rfc3339)
        writer.name("level")
        writer.string(event.level.rawValue)
        writer.name("message")
        writer.string(event.message.description)
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) {
            writer.name(Self.ownNames.contains(name) ? "_\(name)" : name)
            Self.write(value, into: &writer)
        }
        writer.endObject()
        write(writer.bytes + [0x0A])
    }

    private static func write(_ value: Logger.MetadataValue, into writer: inout JSONWriter) {
        switch value {
        case .string(let text): writer.string(text)
        case .stringConvertible(let value): writer.string(value.description)
        case .array(let values):
            writer.beginArray()
            for value in values { write(value, into: &writer) }
            writer.endArray()
        case .dictionary(let members):
            writer.beginObject()
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                writer.name(name)
                write(value, into: &writer)
            }
            writer.endObject()
        }
    }
}
