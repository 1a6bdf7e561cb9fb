import Testing
import Wire

@testable import Audit

@Suite("Syslog format")
struct SyslogFormatTests {
    private static let time = Timestamp(nanoseconds: 1_790_000_000_123_456_789)

    private static func text(_ format: SyslogFormat, _ line: String) -> String {
        String(decoding: format.message(Array(line.utf8), at: time), as: UTF8.self)
    }

    @Test("a message with its length, without the line's end, in microseconds")
    func message() {
        let format = SyslogFormat(host: "eu-1.example.net", processID: 42)
        #expect(
            Self.text(format, "{\"a\":1}\n")
                == "78 <38>1 2026-09-21T14:13:20.123456Z eu-1.example.net holdfast 42 audit - "
                + #"{"a":1}"#
        )
    }

    @Test("the length counts bytes, not characters")
    func length() throws {
        let format = SyslogFormat(facility: .local7, host: "h", application: "t", processID: 1)
        let message = Self.text(format, "{\"a\":\"é\u{1F511}\"}")
        let parts = message.split(separator: " ", maxSplits: 1)
        #expect(Int(parts[0]) == parts[1].utf8.count)
        #expect(parts[1].hasPrefix("<190>1 "))
        #expect(parts[1].hasSuffix(" h t 1 audit - {\"a\":\"é\u{1F511}\"}"))
    }

    @Test("fields without a visible character are a dash, long ones are cut")
    func fields() {
        let long = String(repeating: "x", count: 300)
        let message = Self.text(
            SyslogFormat(host: "a b\nc\u{E9}", application: long, processID: 1),
            "{}"
        )
        #expect(message.contains("Z abc \(long.prefix(48)) 1 audit - {}"))
        let empty = SyslogFormat(host: "", application: " ", processID: 1)
        #expect(Self.text(empty, "{}").contains("Z - - 1 audit - {}"))
    }

    @Test(
        "names of facilities",
        arguments: [
            ("AUTH", 4), ("auth", 4), ("KERN", 0), ("AUTHPRIV", 10), ("LOCAL0", 16), ("local7", 23),
            ("", nil), ("nope", nil), ("12", nil),
        ] as [(String, UInt8?)]
    )
    func facilities(name: String, number: UInt8?) {
        #expect(SyslogFormat.Facility(name: name)?.rawValue == number)
    }
}
