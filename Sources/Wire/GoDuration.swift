/// Why a text is not a duration. Summaries are those of Go's `time.ParseDuration`.
package enum DurationError: OperatorError, Equatable {
    /// Not a duration at all, or outside ±292 years.
    case invalid(String)
    /// A number without a unit where one is needed, such as `1.5`.
    case missingUnit(String)
    /// The second text, found in the first one, is no unit.
    case unknownUnit(String, unit: String)

    /// Whoever wrote it.
    package var blame: Blame { .caller }

    /// Go's words.
    package var summary: String {
        switch self {
        case .invalid(let text): "time: invalid duration \"\(text)\""
        case .missingUnit(let text): "time: missing unit in duration \"\(text)\""
        case .unknownUnit(let text, let unit):
            "time: unknown unit \"\(unit)\" in duration \"\(text)\""
        }
    }

    /// What to write instead.
    package var remedy: String { "write seconds (90) or numbers with units (1h30m, 250ms, 7d)" }
}

/// Durations as OpenBao's API reads and writes them.
package enum GoDuration {
    /// The duration in nanoseconds, or nil. See ``nanoseconds(of:)``.
    package static func parse(_ text: String) -> Int64? {
        try? nanoseconds(of: text)
    }

    /// The duration that `text` spells, in whole seconds; one that is negative is refused.
    package static func seconds(of text: String) throws(DurationError) -> Int {
        let seconds = try nanoseconds(of: text) / 1_000_000_000
        guard seconds >= 0 else { throw .invalid(text) }
        return Int(seconds)
    }

    /// The duration that `text` spells, in nanoseconds.
    ///
    /// Accepted: nothing (0); digits with or without a sign (seconds); a whole number and `d`
    /// (24 hours); Go's form, numbers with a unit after each other (`1h30m`, `1.5s`, `-250ms`),
    /// units `h m s ms us µs ns`.
    package static func nanoseconds(of text: String) throws(DurationError) -> Int64 {
        if text.isEmpty { return 0 }
        if let seconds = Int64(text) {
            return try product(seconds, second, text)
        }
        if text.utf8.last == 0x64, let days = Int64(text.dropLast()) {
            return try product(days, 24 * 60 * minute, text)
        }
        return try goForm(text)
    }

    /// Go's spelling: `24h0m0s`, `10s`, `1.5s`, `250ms`, `0s`.
    package static func format(nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        switch magnitude {
        case 0..<1_000:
            return "\(sign)\(magnitude)ns"
        case 1_000..<1_000_000:
            return "\(sign)\(decimal(magnitude, digits: 3))µs"
        case 1_000_000..<1_000_000_000:
            return "\(sign)\(decimal(magnitude, digits: 6))ms"
        default:
            let minutes = magnitude / UInt64(minute)
            let seconds = decimal(magnitude % UInt64(minute), digits: 9)
            if minutes == 0 { return "\(sign)\(seconds)s" }
            if minutes < 60 { return "\(sign)\(minutes)m\(seconds)s" }
            return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)s"
        }
    }

    private static let second: Int64 = 1_000_000_000
    private static let minute: Int64 = 60 * second

    private static func product(
        _ count: Int64,
        _ unit: Int64,
        _ text: String
    ) throws(DurationError) -> Int64 {
        let (value, isOver) = count.multipliedReportingOverflow(by: unit)
        guard !isOver else { throw .invalid(text) }
        return value
    }

    private static func goForm(_ text: String) throws(DurationError) -> Int64 {
        let bytes = Array(text.utf8)
        var position = 0
        let isNegative = bytes[0] == 0x2D
        if isNegative || bytes[0] == 0x2B {
            position = 1
        }
        guard position < bytes.count else { throw .invalid(text) }
        var total: UInt64 = 0
        while position < bytes.count {
            let part = try goPart(bytes, from: &position, text)
            let (sum, isOver) = total.addingReportingOverflow(part)
            guard !isOver else { throw .invalid(text) }
            total = sum
        }
        if isNegative {
            guard total <= Int64.min.magnitude else { throw .invalid(text) }
            return Int64(truncatingIfNeeded: 0 &- total)
        }
        guard let value = Int64(exactly: total) else { throw .invalid(text) }
        return value
    }

    /// One number with its unit, in nanoseconds; a fraction of a nanosecond is dropped.
    private static func goPart(
        _ bytes: [UInt8],
        from position: inout Int,
        _ text: String
    ) throws(DurationError) -> UInt64 {
        var whole: UInt64 = 0
        var fraction: UInt64 = 0
        var scale: UInt64 = 1
        var digitsCount = 0
        while let digit = digit(bytes, position) {
            let (tenfold, isOver) = whole.multipliedReportingOverflow(by: 10)
            let (sum, isOverToo) = tenfold.addingReportingOverflow(digit)
            guard !isOver && !isOverToo else { throw .invalid(text) }
            whole = sum
            digitsCount += 1
            position += 1
        }
        if position < bytes.count && bytes[position] == 0x2E {
            position += 1
            while let digit = digit(bytes, position) {
                // Digits behind the 18th are worth less than a nanosecond in any unit.
                if scale < 1_000_000_000_000_000_000 {
                    fraction = fraction * 10 + digit
                    scale *= 10
                }
                digitsCount += 1
                position += 1
            }
        }
        guard digitsCount > 0 else { throw .invalid(text) }
        let unit = try unit(bytes, from: &position, text)
        let (value, isOver) = whole.multipliedReportingOverflow(by: unit)
        let part = scale.dividingFullWidth(fraction.multipliedFullWidth(by: unit)).quotient
        let (sum, isOverToo) = value.addingReportingOverflow(part)
        guard !isOver && !isOverToo else { throw .invalid(text) }
        return sum
    }

    private static func unit(
        _ bytes: [UInt8],
        from position: inout Int,
        _ text: String
    ) throws(DurationError) -> UInt64 {
        let start = position
        while position < bytes.count && bytes[position] != 0x2E && digit(bytes, position) == nil {
            position += 1
        }
        guard position > start else { throw .missingUnit(text) }
        let name = String(decoding: bytes[start..<position], as: UTF8.self)
        switch name {
        case "ns": return 1
        case "us", "\u{B5}s", "\u{3BC}s": return 1_000
        case "ms": return 1_000_000
        case "s": return UInt64(second)
        case "m": return UInt64(minute)
        case "h": return UInt64(60 * minute)
        default: throw .unknownUnit(text, unit: name)
        }
    }

    private static func digit(_ bytes: [UInt8], _ position: Int) -> UInt64? {
        guard position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 else {
            return nil
        }
        return UInt64(bytes[position] - 0x30)
    }
}

/// `value` with a point before its last `digits` digits, without trailing zeros: 1500 and 3 is 1.5.
func decimal(_ value: UInt64, digits: Int) -> String {
    var scale: UInt64 = 1
    for _ in 0..<digits {
        scale *= 10
    }
    guard value % scale != 0 else { return String(value / scale) }
    var fraction = Array(String(value % scale + scale).utf8.dropFirst())
    while fraction.last == 0x30 {
        fraction.removeLast()
    }
    return "\(value / scale).\(String(decoding: fraction, as: UTF8.self))"
}
