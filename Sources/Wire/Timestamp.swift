/// A moment in cluster time or wall time, decided by whoever proposes. Wire has no clock.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds. Lasts until the year 2554.
    package let nanoseconds: UInt64

    /// - Parameter nanoseconds: since 1970-01-01T00:00:00Z.
    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Reads RFC 3339 as Go does: `2026-11-22T21:36:33.37570366Z`, or an offset such as `+01:00`
    /// instead of `Z`. Digits behind the ninth are dropped.
    ///
    /// - Returns: nil for anything else, for a date that does not exist, for a leap second, and for
    ///   moments before 1970 or after the last nanosecond that fits.
    package init?(rfc3339 text: String) {
        var reader = DateReader(bytes: Array(text.utf8))
        guard let nanoseconds = reader.moment() else { return nil }
        self.nanoseconds = nanoseconds
    }

    /// UTC with up to nine fractional digits, trailing zeros trimmed: `2026-11-22T21:36:33.5Z`.
    package var rfc3339: String {
        let seconds = nanoseconds / 1_000_000_000
        let (year, month, day) = CivilDate.date(ofDay: Int64(seconds / 86_400))
        let inDay = seconds % 86_400
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let clock =
            "\(padded(Int64(inDay / 3_600), 2)):\(padded(Int64(inDay / 60 % 60), 2)):"
            + padded(Int64(inDay % 60), 2)
        let fraction = decimal(nanoseconds % 1_000_000_000, digits: 9).dropFirst()
        return "\(date)T\(clock)\(fraction)Z"
    }

    /// Earlier moments are smaller.
    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Days to dates and back in the proleptic Gregorian calendar. A year begins in March here, so that
/// the leap day is the last one and months follow one pattern (153 days in every five). The method
/// is Howard Hinnant's, "chrono-compatible low-level date algorithms".
private enum CivilDate {
    /// Days between 0000-03-01 and 1970-01-01.
    private static let epochDay: Int64 = 719_468

    static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + epochDay
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// Days since 1970-01-01, or nil if there is no such date. Years 1...9999.
    static func day(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard year >= 1, (1...12).contains(month), day >= 1 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[Int(month) - 1] else { return nil }
        let marchYear = month <= 2 ? year - 1 : year
        let marchMonth = month <= 2 ? month + 9 : month - 3
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return marchYear / 400 * 146_097 + dayOfEra - epochDay
    }
}

/// Reads fixed fields of a date from its start.
private struct DateReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Nanoseconds since 1970, or nil.
    mutating func moment() -> UInt64? {
        guard let year = number(4), skip("-"), let month = number(2), skip("-"),
            let day = number(2), skip("T"), let hour = number(2), skip(":"),
            let minute = number(2), skip(":"), let second = number(2),
            hour < 24, minute < 60, second < 60,
            let days = CivilDate.day(year: year, month: month, day: day),
            let nanosecond = fraction(), let offset = offsetSeconds(), position == bytes.count
        else { return nil }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        guard let sinceEpoch = UInt64(exactly: seconds) else { return nil }
        let (whole, isOver) = sinceEpoch.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isOverToo) = whole.addingReportingOverflow(nanosecond)
        return isOver || isOverToo ? nil : sum
    }

    private mutating func number(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    private mutating func digit() -> Int64? {
        guard position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 else {
            return nil
        }
        defer { position += 1 }
        return Int64(bytes[position] - 0x30)
    }

    private mutating func skip(_ expected: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == expected.value else {
            return false
        }
        position += 1
        return true
    }

    /// Nanoseconds behind a point; 0 without one; nil if the point has no digit.
    private mutating func fraction() -> UInt64? {
        guard skip(".") else { return 0 }
        guard var value = digit().map({ UInt64($0) }) else { return nil }
        var digitsCount = 1
        while let digit = digit() {
            if digitsCount < 9 {
                value = value * 10 + UInt64(digit)
                digitsCount += 1
            }
        }
        for _ in digitsCount..<9 {
            value *= 10
        }
        return value
    }

    private mutating func offsetSeconds() -> Int64? {
        if skip("Z") { return 0 }
        let isWest = skip("-")
        guard isWest || skip("+"), let hours = number(2), skip(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
    }
}
