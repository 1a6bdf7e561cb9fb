import TestSupport
import Testing
import Wire

@Suite("Go durations")
struct GoDurationTests {
    static let cases: [(text: String, nanoseconds: Int64)] = [
        ("", 0), ("0", 0), ("0s", 0), ("-0", 0), ("+0s", 0),
        ("90", 90_000_000_000), ("-5", -5_000_000_000), ("+5", 5_000_000_000),
        ("90s", 90_000_000_000), ("1h30m", 5_400_000_000_000), ("250ms", 250_000_000),
        ("1d", 86_400_000_000_000), ("-2d", -172_800_000_000_000),
        ("1.5h", 5_400_000_000_000), (".5s", 500_000_000), ("1.s", 1_000_000_000),
        ("1h1m1s1ms1us1ns", 3_661_001_001_001), ("3\u{B5}s", 3_000), ("3\u{3BC}s", 3_000),
        ("-1.5s", -1_500_000_000), ("1m1m", 120_000_000_000), ("0.000000001s", 1),
        ("0.3333333333333333333333h", 1_199_999_999_999), ("0.9ns", 0),
        ("9223372036854775807ns", .max), ("-9223372036854775808ns", .min),
        ("768h", 2_764_800_000_000_000),
    ]

    @Test("is accepted", arguments: cases.indices)
    func accepted(_ row: Int) {
        let (text, nanoseconds) = Self.cases[row]
        #expect(GoDuration.parse(text) == nanoseconds, "\(text)")
    }

    static let refused: [(text: String, summary: String)] = [
        ("bogus", "time: invalid duration \"bogus\""),
        ("1.5", "time: missing unit in duration \"1.5\""),
        ("1h5", "time: missing unit in duration \"1h5\""),
        ("1d12h", "time: unknown unit \"d\" in duration \"1d12h\""),
        ("1.5d", "time: unknown unit \"d\" in duration \"1.5d\""),
        ("d", "time: invalid duration \"d\""),
        ("1 s", "time: unknown unit \" s\" in duration \"1 s\""),
        ("9999999h", "time: invalid duration \"9999999h\""),
        ("9223372037", "time: invalid duration \"9223372037\""),
        ("200000000000d", "time: invalid duration \"200000000000d\""),
        ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ("99999999999999999999s", "time: invalid duration \"99999999999999999999s\""),
        ("-", "time: invalid duration \"-\""),
        (".", "time: invalid duration \".\""),
        (".s", "time: invalid duration \".s\""),
        ("--1s", "time: invalid duration \"--1s\""),
        ("1S", "time: unknown unit \"S\" in duration \"1S\""),
    ]

    @Test("is refused with Go's words", arguments: refused.indices)
    func refuses(_ row: Int) {
        let (text, summary) = Self.refused[row]
        #expect(GoDuration.parse(text) == nil)
        do {
            _ = try GoDuration.nanoseconds(of: text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.summary == summary)
        }
    }

    static let spellings: [(nanoseconds: Int64, text: String)] = [
        (0, "0s"), (1, "1ns"), (1_100, "1.1µs"), (2_200_000, "2.2ms"), (250_000_000, "250ms"),
        (3_300_000_000, "3.3s"), (10_000_000_000, "10s"), (60_000_000_000, "1m0s"),
        (90_000_000_000, "1m30s"), (3_600_000_000_000, "1h0m0s"),
        (86_400_000_000_000, "24h0m0s"), (31_536_000_000_000_000, "8760h0m0s"),
        (-1_500_000_000, "-1.5s"), (.max, "2562047h47m16.854775807s"),
        (.min, "-2562047h47m16.854775808s"),
    ]

    @Test("is spelled as Go does, and read back", arguments: spellings.indices)
    func spelled(_ row: Int) {
        let (nanoseconds, text) = Self.spellings[row]
        #expect(GoDuration.format(nanoseconds: nanoseconds) == text)
        #expect(GoDuration.parse(text) == nanoseconds)
    }

    @Test("random text never traps, random durations survive")
    func fuzz() {
        var random = Seeded(5)
        let alphabet = Array("0123456789.+-hmsundµ ".utf8)
        for _ in 0..<20_000 {
            let count = random.below(24)
            let guess = text((0..<count).map { _ in alphabet[random.below(alphabet.count)] })
            if let value = GoDuration.parse(guess) {
                #expect(GoDuration.parse(GoDuration.format(nanoseconds: value)) == value)
            }
            let value = Int64(bitPattern: random.next() >> UInt64(random.below(64)))
            #expect(GoDuration.parse(GoDuration.format(nanoseconds: value)) == value)
        }
    }
}

@Suite("timestamps")
struct TimestampTests {
    static let cases: [(nanoseconds: UInt64, text: String)] = [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
        (951_868_799_999_999_999, "2000-02-29T23:59:59.999999999Z"),
        (1_709_164_800_500_000_000, "2024-02-29T00:00:00.5Z"),
        (1_732_311_393_375_703_660, "2024-11-22T21:36:33.37570366Z"),
        (1_767_225_599_000_000_000, "2025-12-31T23:59:59Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
        (.max, "2554-07-21T23:34:33.709551615Z"),
    ]

    @Test("known moment", arguments: cases.indices)
    func known(_ row: Int) {
        let (nanoseconds, text) = Self.cases[row]
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    static let zones: [(text: String, nanoseconds: UInt64)] = [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T19:30:00-04:30", 0),
        ("1970-01-01T00:00:00.1234567899Z", 123_456_789),
        ("1970-01-01T00:00:01.50+00:00", 1_500_000_000),
    ]

    @Test("offsets and long fractions", arguments: zones.indices)
    func offset(_ row: Int) {
        let (text, nanoseconds) = Self.zones[row]
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test(
        "is refused",
        arguments: [
            "", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01t00:00:00Z", "1970-01-01T00:00:00z",
            "1970-01-01 00:00:00Z", "1970-1-1T00:00:00Z", "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z",
            "2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-04-31T00:00:00Z",
            "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,5Z", "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+01:60", "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00ZZ",
            "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z",
            "2554-07-21T23:34:33.709551616Z", "9999-12-31T23:59:59Z", "+970-01-01T00:00:00Z",
        ]
    )
    func refused(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("every day of 600 years follows the one before")
    func everyDay() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var (year, month, day) = (1970, 1, 1)
        for number in 0..<(584 * 365) {
            let moment = Timestamp(nanoseconds: UInt64(number) * 86_400_000_000_000)
            let expected = "\(year)-\(two(month))-\(two(day))T00:00:00Z"
            guard moment.rfc3339 == expected, Timestamp(rfc3339: expected) == moment else {
                Issue.record("day \(number): \(moment.rfc3339), expected \(expected)")
                return
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            day += 1
            if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) {
                (month, day) = (month + 1, 1)
            }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(year > 2550)
    }

    private func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    @Test("order is the order of moments, and a cut-off text never traps")
    func order() {
        #expect(Timestamp(nanoseconds: 1) < Timestamp(nanoseconds: 2))
        let whole = Array("2024-11-22T21:36:33.375+01:00".utf8)
        for count in 0..<whole.count {
            #expect(Timestamp(rfc3339: text(Array(whole[..<count]))) == nil, "\(count) bytes")
        }
        var random = Seeded(6)
        for _ in 0..<20_000 {
            var damaged = whole
            damaged[random.below(damaged.count)] = UInt8(random.below(128))
            guard let moment = Timestamp(rfc3339: text(damaged)) else { continue }
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
    }
}
