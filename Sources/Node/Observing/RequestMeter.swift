import API
import Synchronization

/// Counts what clients ask of this node and how long it takes. Every event loop writes it.
///
/// A label is a word from a fixed list, never something that a client sent: else one client could
/// fill memory with labels.
final class RequestMeter: Sendable {
    private struct State {
        /// By method and class of status.
        var counts = [UInt64](repeating: 0, count: methods.count * classes.count)
        /// By range, for what may write and what may not.
        var reads = [UInt64](repeating: 0, count: bounds.count + 1)
        var writes = [UInt64](repeating: 0, count: bounds.count + 1)
        var readSeconds = 0.0
        var writeSeconds = 0.0
    }

    /// The last one stands for every method that is none of the others.
    private static let methods = [
        "GET", "HEAD", "LIST", "SCAN", "POST", "PUT", "DELETE", "PATCH", "other",
    ]
    /// Of these, the first so many cannot write.
    private static let readingMethods = 4
    private static let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"]
    /// In seconds. A healthy read or write on one continent lies in the middle of them.
    private static let bounds = [
        0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
    ]

    /// Apart from the rest, so that a request takes the lock once.
    private let inFlight = Atomic<Int>(0)
    private let state = Mutex(State())

    /// A request is worked on from here.
    func arrived() {
        inFlight.add(1, ordering: .relaxed)
    }

    /// It was answered.
    ///
    /// - Parameter nanoseconds: since it had arrived whole.
    func answered(method: String, status: Int, after nanoseconds: Int64) {
        let other = Self.methods.count - 1
        let row = Self.methods.firstIndex { $0 == method } ?? other
        let column = min(max(status / 100, 1), Self.classes.count) - 1
        let seconds = Double(max(0, nanoseconds)) / 1e9
        let range = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        inFlight.subtract(1, ordering: .relaxed)
        state.withLock { state in
            state.counts[row * Self.classes.count + column] += 1
            if row < Self.readingMethods {
                state.reads[range] += 1
                state.readSeconds += seconds
            } else {
                state.writes[range] += 1
                state.writeSeconds += seconds
            }
        }
    }

    /// Everything so far.
    var metrics: [Metric] {
        let state = state.withLock { $0 }
        return [
            Metric(
                "holdfast_http_requests_total",
                "Answers to clients, by method and class of status",
                .counter,
                Self.samples(state.counts)
            ),
            Metric(
                "holdfast_http_requests_in_flight",
                "Requests of clients that are worked on",
                .gauge,
                [Metric.Sample(value: Double(inFlight.load(ordering: .relaxed)))]
            ),
            Metric(
                "holdfast_http_request_seconds",
                "From the whole request to its answer",
                [
                    Self.distribution("read", state.reads, state.readSeconds),
                    Self.distribution("write", state.writes, state.writeSeconds),
                ]
            ),
        ]
    }

    /// What never happened has no sample.
    private static func samples(_ counts: [UInt64]) -> [Metric.Sample] {
        counts.indices.filter { counts[$0] > 0 }.map { position in
            Metric.Sample(
                labels: [
                    ("method", methods[position / classes.count]),
                    ("status", classes[position % classes.count]),
                ],
                value: Double(counts[position])
            )
        }
    }

    private static func distribution(
        _ kind: String,
        _ counts: [UInt64],
        _ seconds: Double
    ) -> Metric.Distribution {
        Metric.Distribution(
            labels: [("kind", kind)],
            bounds: bounds,
            counts: counts,
            sum: seconds
        )
    }
}
