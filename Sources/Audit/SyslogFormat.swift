package import Wire

/// Puts audit lines into messages for a syslog collector over TCP or TLS.
///
/// - Layout: the length in decimal, a space, then `<PRI>1 TIME HOST APP PROCESS audit - LINE`.
///   Counted octets, because a line may hold any character, and no byte order mark before it,
///   because what reads JSON does not expect one. PRI = facility × 8 + 6 (informational), as
///   OpenBao has it.
/// - Source: RFC 5424; RFC 6587, section 3.4.1; RFC 5425, section 4.3.
package struct SyslogFormat: Sendable {
    /// Where a collector files the messages; the numbers of RFC 5424, section 6.2.1.
    package enum Facility: UInt8, Sendable, CaseIterable {
        case kern = 0
        case user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp
        case local0 = 16
        case local1, local2, local3, local4, local5, local6, local7

        /// The name in a device's options, in either case: `AUTH` is the default.
        package init?(name: String) {
            let lower = name.lowercased()
            guard let found = Self.allCases.first(where: { "\($0)" == lower }) else { return nil }
            self = found
        }
    }

    private static let severity = 6
    private static let version = 1

    /// What stands before the time, and between the time and the line.
    private let head: String
    private let middle: String

    /// - Parameters:
    ///   - host: name of this node; at most 255 characters are sent.
    ///   - application: the device's `tag`; at most 48 characters are sent.
    ///   - processID: of this process.
    package init(
        facility: Facility = .auth,
        host: String,
        application: String = "holdfast",
        processID: Int
    ) {
        head = "<\(Int(facility.rawValue) * 8 + Self.severity)>\(Self.version) "
        let host = Self.field(host, atMost: 255)
        let application = Self.field(application, atMost: 48)
        middle = " \(host) \(application) \(processID) audit - "
    }

    /// A message with its length before it.
    ///
    /// - Parameter line: of ``AuditFormat/line(_:)``; its line end is not sent.
    package func message(_ line: [UInt8], at time: Timestamp) -> [UInt8] {
        // RFC 5424 allows six digits behind the second.
        let whole = Timestamp(nanoseconds: time.nanoseconds / 1_000 * 1_000)
        let text = line.last == 0x0A ? line.dropLast() : line[...]
        let message = Array((head + whole.rfc3339 + middle).utf8) + text
        return Array("\(message.count) ".utf8) + message
    }

    /// Visible ASCII only; `-` for nothing.
    private static func field(_ text: String, atMost limit: Int) -> String {
        let visible = text.utf8.filter { (0x21...0x7E).contains($0) }.prefix(limit)
        return visible.isEmpty ? "-" : String(decoding: visible, as: UTF8.self)
    }
}
