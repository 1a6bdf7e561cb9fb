import NIOCore

/// Writes answers as bytes: status line, `Date`, `Content-Length`, the handler's fields, body.
enum HTTPResponseEncoder {
    /// - Parameters:
    ///   - hasBody: false for HEAD, which still gets the length.
    ///   - closes: adds `Connection: close`.
    ///   - date: 29 bytes of RFC 9110 date.
    /// - Returns: the body, if it is too large to be worth copying behind the head.
    static func encode(
        _ answer: HTTPAnswer,
        hasBody: Bool,
        closes: Bool,
        date: [UInt8],
        into out: inout ByteBuffer
    ) -> [UInt8]? {
        let hasLength = answer.status != 204 && answer.status != 304
        out.writeBytes(StatusLines.line(answer.status))
        out.writeBytes(date)
        if hasLength {
            out.writeStaticString("\r\nContent-Length: ")
            writeDecimal(answer.body.count, into: &out)
        }
        out.writeStaticString(closes ? "\r\nConnection: close\r\n" : "\r\n")
        out.writeBytes(answer.fields.bytes)
        out.writeStaticString("\r\n")
        guard hasBody, hasLength, !answer.body.isEmpty else { return nil }
        guard answer.body.count <= bodyCopiedMax else { return answer.body }
        out.writeBytes(answer.body)
        return nil
    }

    /// Writes the head of an answer whose length nobody knows; the connection closes behind it.
    ///
    /// - Parameter isChunked: false for clients that tell the end by that.
    static func encodeHead(
        of answer: HTTPAnswer,
        isChunked: Bool,
        date: [UInt8],
        into out: inout ByteBuffer
    ) {
        out.writeBytes(StatusLines.line(answer.status))
        out.writeBytes(date)
        if isChunked { out.writeStaticString("\r\nTransfer-Encoding: chunked") }
        out.writeStaticString("\r\nConnection: close\r\n")
        out.writeBytes(answer.fields.bytes)
        out.writeStaticString("\r\n")
    }

    /// Writes a piece of such an answer's body. Source: RFC 9112 section 7.1.
    ///
    /// - Parameter isLast: nothing comes behind it.
    static func encodePiece(
        _ bytes: [UInt8],
        isLast: Bool,
        isChunked: Bool,
        into out: inout ByteBuffer
    ) {
        guard isChunked else {
            out.writeBytes(bytes)
            return
        }
        // An empty chunk would be the end.
        if !bytes.isEmpty {
            out.writeString(String(bytes.count, radix: 16))
            out.writeStaticString("\r\n")
            out.writeBytes(bytes)
            out.writeStaticString("\r\n")
        }
        if isLast { out.writeStaticString("0\r\n\r\n") }
    }

    /// Room that the head of an answer takes besides its fields.
    static let headBytes = 192
    /// A larger body travels in a buffer of its own.
    static let bodyCopiedMax = 64 << 10

    private static func writeDecimal(_ number: Int, into out: inout ByteBuffer) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            out.writeInteger(UInt8(0x30 + number / divisor % 10))
            divisor /= 10
        }
    }
}

/// `HTTP/1.1 200 OK`, the end of that line, and `Date: `, for every status.
enum StatusLines {
    static func line(_ status: Int) -> [UInt8] { table[status - 200] }

    private static let table: [[UInt8]] = (200..<600).map { status in
        Array("HTTP/1.1 \(status) \(reason(status))\r\nDate: ".utf8)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`. Source: RFC 9110 section 5.6.7.
enum HTTPDate {
    /// - Parameter seconds: since 1970, not negative.
    /// - Returns: 29 bytes.
    static func text(seconds: Int) -> [UInt8] {
        let days = seconds / 86_400
        let clock = seconds % 86_400
        let (year, month, day) = civil(days: days)
        let weekday = weekdays[(days + 4) % 7]
        let date = "\(weekday), \(two(day)) \(months[month - 1]) \(year)"
        let time = "\(two(clock / 3_600)):\(two(clock / 60 % 60)):\(two(clock % 60))"
        return Array("\(date) \(time) GMT".utf8)
    }

    /// Gregorian date of a day number; the year is taken to begin in March, so that the leap
    /// day is its last.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
