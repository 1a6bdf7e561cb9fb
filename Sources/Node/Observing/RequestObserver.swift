import API
import Logging
import Transport
import Wire

/// What a node tells of the requests of its clients: numbers always, a line each where the setting
/// `log_requests_level` asks for it.
///
/// A line has no header, no parameter, no body and no token: the path is all of a request that is
/// told, and only to whoever switched it on, since names of secrets are in it.
struct RequestObserver: Sendable {
    let meter = RequestMeter()
    let inFlight = InFlightRequests()
    private let level: Logger.Level?
    private let logger: Logger

    /// - Parameter level: of the lines; nil for none.
    init(level: Logger.Level?, logger: Logger) {
        self.level = level
        self.logger = logger
    }

    /// A client's request is worked on from here.
    func arrived() { meter.arrived() }

    /// What it is, is known.
    func began(_ request: APIRequest, from address: String, at now: Timestamp) {
        inFlight.began(request, from: address, at: now)
    }

    /// The answer leaves.
    ///
    /// - Parameter request: nil where none could be made of what came.
    func answered(_ exchange: HTTPExchange, _ request: APIRequest?, status: Int) {
        let method = exchange.request.method
        let nanoseconds = exchange.nanosecondsSinceArrival
        meter.answered(method: method, status: status, after: nanoseconds)
        if let request { inFlight.ended(request.requestID) }
        guard let level, logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [
            "client_address": "\(exchange.remoteAddress)",
            "duration_ms": "\(Self.milliseconds(nanoseconds))",
            "request_method": "\(Self.printable(Array(method.utf8)))",
            "request_path": "\(Self.printable(exchange.request.target))",
            "status_code": "\(status)",
        ]
        if let request { metadata.merge(Self.identity(of: request)) { $1 } }
        logger.log(level: level, "completed_request", metadata: metadata)
    }

    /// What names a request in every line about it.
    ///
    /// - Parameter isForwarded: it is another member's client that asks.
    static func identity(of request: APIRequest, isForwarded: Bool = false) -> Logger.Metadata {
        let trace = TraceContext(
            of: TraceContext(header: request.headers.trace),
            requestID: request.requestID,
            isForwarded: isForwarded
        )
        return [
            "request_id": "\(uuidText(request.requestID))",
            "span_id": "\(Hex.encode(trace.parentID))",
            "trace_id": "\(Hex.encode(trace.traceID))",
        ]
    }

    /// The path without the query, which can hold secrets. A byte that could end a line or move a
    /// terminal's cursor is shown by its number.
    static func printable(_ target: [UInt8]) -> String {
        let path = target.prefix { $0 != UInt8(ascii: "?") }.prefix(Limits.loggedPathBytesMax)
        return path.reduce(into: "") { text, byte in
            if (0x21...0x7E).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + Hex.encode([byte]).uppercased()
            }
        }
    }

    private static func milliseconds(_ nanoseconds: Int64) -> String {
        let micros = max(0, nanoseconds) / 1_000
        let fraction = String(micros % 1_000 + 1_000).dropFirst()
        return "\(micros / 1_000).\(fraction)"
    }
}
