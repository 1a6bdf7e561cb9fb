import Engines
package import Wire

/// One number that a node tells about itself, or one for each of its members.
package struct Metric: Sendable {
    /// How the number moves.
    package enum Kind: String, Sendable {
        /// Up and down.
        case gauge
        /// Only up, from 0 at the start of the process.
        case counter
        /// How many values fell into which range, from 0 at the start of the process.
        case histogram
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

    /// A distribution, and what it is of.
    package struct Distribution: Sendable {
        /// As in ``Sample``.
        package let labels: [(name: String, value: String)]
        /// Upper bounds of the ranges, ascending, in the unit that the metric's name ends with; a
        /// last one without bound follows.
        package let bounds: [Double]
        /// Values in each range, not summed up: one more than there are bounds.
        package let counts: [UInt64]
        /// Of all values.
        package let sum: Double

        /// - Precondition: there is one count more than bounds.
        package init(
            labels: [(name: String, value: String)] = [],
            bounds: [Double],
            counts: [UInt64],
            sum: Double
        ) {
            precondition(counts.count == bounds.count + 1, "one count more than bounds")
            self.labels = labels
            self.bounds = bounds
            self.counts = counts
            self.sum = sum
        }

        var total: UInt64 { counts.reduce(0, +) }
    }

    /// Letters, digits and `_`, the unit last; a counter's ends with `_total`.
    package let name: String
    /// One line, for people.
    package let help: String
    package let kind: Kind
    /// Of a gauge or counter.
    package let samples: [Sample]
    /// Of a histogram.
    package let distributions: [Distribution]

    /// - Precondition: a histogram has distributions.
    package init(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
        precondition(kind != .histogram, "a histogram has distributions")
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
        distributions = []
    }

    /// A histogram.
    package init(_ name: String, _ help: String, _ distributions: [Distribution]) {
        self.name = name
        self.help = help
        kind = .histogram
        samples = []
        self.distributions = distributions
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
    static func unknownFormat(_ name: String) -> APIResponse {
        APIResponse(
            status: 400,
            contentType: "text/plain",
            body: Array("metric response format \(GoText.quoted(name)) unknown".utf8)
        )
    }

    // MARK: Prometheus

    private static func text(_ metric: Metric) -> String {
        let head = """
            # HELP \(metric.name) \(escaped(metric.help, quotes: false))
            # TYPE \(metric.name) \(metric.kind.rawValue)

            """
        let lines =
            metric.samples.map { line(metric.name, $0.labels, $0.value) }
            + metric.distributions.flatMap { text(metric.name, $0) }
        return head + lines.joined()
    }

    private static func line(
        _ name: String,
        _ labels: [(name: String, value: String)],
        _ value: Double
    ) -> String {
        let labels = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        let tail = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
        return "\(name)\(tail) \(digits(value))\n"
    }

    /// The ranges summed up, as the format has them: each holds all below it.
    private static func text(_ name: String, _ distribution: Metric.Distribution) -> [String] {
        var below: UInt64 = 0
        let bounds = distribution.bounds.map(digits) + ["+Inf"]
        let buckets = zip(bounds, distribution.counts).map { bound, count in
            below += count
            return line("\(name)_bucket", distribution.labels + [("le", bound)], Double(below))
        }
        return buckets + [
            line("\(name)_sum", distribution.labels, distribution.sum),
            line("\(name)_count", distribution.labels, Double(below)),
        ]
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
        samples(metrics, into: &writer)
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    /// Distributions as OpenBao tells them: how many, their sum and their mean.
    private static func samples(_ metrics: [Metric], into writer: inout JSONWriter) {
        writer.beginArray()
        for metric in metrics {
            for distribution in metric.distributions {
                let total = Double(distribution.total)
                writer.beginObject()
                writer.name("Name")
                writer.string(metric.name)
                let numbers = [
                    ("Count", total), ("Sum", distribution.sum),
                    ("Mean", total > 0 ? distribution.sum / total : 0),
                ]
                for (name, value) in numbers {
                    writer.name(name)
                    writer.raw(Array(digits(value).utf8))
                }
                write(distribution.labels, into: &writer)
                writer.endObject()
            }
        }
        writer.endArray()
    }

    private static func write(
        _ labels: [(name: String, value: String)],
        into writer: inout JSONWriter
    ) {
        writer.name("Labels")
        writer.beginObject()
        for label in labels {
            writer.name(label.name)
            writer.string(label.value)
        }
        writer.endObject()
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
                write(sample.labels, into: &writer)
                writer.endObject()
            }
        }
        writer.endArray()
    }
}
