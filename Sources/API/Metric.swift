package import Wire

/// One number that a node tells about itself, or one for each of its members.
package struct Metric: Sendable {
    /// How the number moves.
    package enum Kind: String, Sendable {
        /// Up and down.
        case gauge
        /// Only up, from 0 at the start of the process.
        case counter
    }

    /// One value, and what it is of.
    package struct Sample: Sendable {
        /// In the order in which they are printed; a name is letters, digits and `_`.
        package let labels: [(name: String, value: String)]
        /// In the unit that the metric's name ends with.
        package let value: Double

        package init(labels: [(name: String, value: String)] = [], value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    /// Letters, digits and `_`, the unit last; a counter's ends with `_total`.
    package let name: String
    /// One line, for people.
    package let help: String
    package let kind: Kind
    package let samples: [Sample]

    package init(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}

/// What a client of `sys/metrics` can read.
package enum MetricsFormat: Equatable, Sendable {
    /// OpenBao's default: gauges and counters in two lists.
    case json
    /// Prometheus text, version 0.0.4.
    case prometheus

    /// - Parameter name: of the parameter `format`; empty for the default.
    init?(_ name: String) {
        switch name {
        case "": self = .json
        case "prometheus": self = .prometheus
        default: return nil
        }
    }
}

/// Bodies of `GET sys/metrics`.
package enum MetricsReply {
    /// The answer with all of `metrics`, as of `now`.
    package static func response(
        _ metrics: [Metric],
        _ format: MetricsFormat,
        now: Timestamp
    ) -> APIResponse {
        switch format {
        case .json: APIResponse(status: 200, body: json(metrics, now))
        case .prometheus:
            APIResponse(
                status: 200,
                contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: Array(metrics.map(text).joined().utf8)
            )
        }
    }

    /// To a client that wants a format that there is not.
    static let unknownFormat = APIResponse(
        status: 400,
        contentType: "text/plain",
        body: Array("the format of metrics is prometheus, or none is given\n".utf8)
    )

    // MARK: Prometheus

    private static func text(_ metric: Metric) -> String {
        let head = """
            # HELP \(metric.name) \(escaped(metric.help, quotes: false))
            # TYPE \(metric.name) \(metric.kind.rawValue)

            """
        return metric.samples.reduce(into: head) { lines, sample in
            let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            let tail = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
            lines += "\(metric.name)\(tail) \(digits(sample.value))\n"
        }
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        text.reduce(into: "") { line, character in
            switch character {
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\"" where quotes: line += "\\\""
            default: line.append(character)
            }
        }
    }

    /// Whole numbers without a fraction, so that an index is not `1e+16`.
    private static func digits(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        return Int64(exactly: value).map(String.init) ?? value.description
    }

    // MARK: JSON

    private static func json(_ metrics: [Metric], _ now: Timestamp) -> [UInt8] {
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        writer.name("Timestamp")
        writer.string(now.rfc3339)
        writer.name("Gauges")
        list(metrics, .gauge, "Value", into: &writer)
        writer.name("Points")
        writer.beginArray()
        writer.endArray()
        writer.name("Counters")
        list(metrics, .counter, "Count", into: &writer)
        writer.name("Samples")
        writer.beginArray()
        writer.endArray()
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    private static func list(
        _ metrics: [Metric],
        _ kind: Metric.Kind,
        _ valueName: String,
        into writer: inout JSONWriter
    ) {
        writer.beginArray()
        for metric in metrics where metric.kind == kind {
            for sample in metric.samples {
                writer.beginObject()
                writer.name("Name")
                writer.string(metric.name)
                writer.name(valueName)
                writer.raw(Array(digits(sample.value).utf8))
                writer.name("Labels")
                writer.beginObject()
                for label in sample.labels {
                    writer.name(label.name)
                    writer.string(label.value)
                }
                writer.endObject()
                writer.endObject()
            }
        }
        writer.endArray()
    }
}
