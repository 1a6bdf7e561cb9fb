import NIOCore

/// Why a request is answered by the server itself; the connection closes after that answer.
struct HTTPRefusal: Error, Equatable {
    let status: Int
    /// One plain ASCII sentence without quotes, for `{"errors":[...]}`.
    let reason: String

    static func malformed(_ reason: String) -> HTTPRefusal {
        HTTPRefusal(status: 400, reason: "http: " + reason)
    }
    static let headTooLarge = HTTPRefusal(
        status: 431,
        reason: "http: request header fields too large"
    )
    static let bodyTooLarge = HTTPRefusal(status: 413, reason: "http: request body too large")
    static let tooSlow = HTTPRefusal(status: 408, reason: "http: request took too long to arrive")
    static let tooMuchInFlight = HTTPRefusal(
        status: 503,
        reason: "http: too many request bytes are being handled"
    )

    var body: [UInt8] { Array("{\"errors\":[\"\(reason)\"]}\n".utf8) }
}

/// Reads one complete request head, strictly: what two HTTP implementations could understand
/// differently is refused, because behind a proxy such a difference smuggles requests.
///
/// Refused with 400: bare CR or LF, folded lines, blanks around a field name, control bytes,
/// no or two `Host`, two framings, anything but digits in `Content-Length`, a second
/// `Content-Length`, `Transfer-Encoding` in HTTP/1.0. 501: a coding other than `chunked`.
/// 505: another major version. Source: RFC 9112 sections 2 to 6, RFC 9110 section 5.
struct HTTPHeadParser {
    private let block: [UInt8]
    private let fieldsMax: Int
    private var offset = 0

    private var fields: [HTTPHead.Field] = []
    private var length: Int?
    private var isChunked = false
    private var isKeptAlive: Bool
    private var expectsContinue = false
    private var hosts = 0

    /// - Parameter block: starts with the request line and ends with the empty line.
    static func parse(_ block: [UInt8], fieldsMax: Int) throws(HTTPRefusal) -> HTTPHead {
        var parser = HTTPHeadParser(block: block, fieldsMax: fieldsMax)
        return try parser.run()
    }

    private init(block: [UInt8], fieldsMax: Int) {
        self.block = block
        self.fieldsMax = fieldsMax
        isKeptAlive = true
    }

    private mutating func run() throws(HTTPRefusal) -> HTTPHead {
        let method = try word("method", atMost: 32, isAllowed: isTokenByte)
        let target = try word("request target", atMost: .max, isAllowed: isTargetByte)
        let isModern = try version()
        isKeptAlive = isModern
        fields.reserveCapacity(12)
        while !(block[offset] == 0x0D && block[offset + 1] == 0x0A) {
            guard fields.count < fieldsMax else { throw .headTooLarge }
            let field = try readField()
            try note(field)
            fields.append(field)
        }
        return HTTPHead(
            block: block,
            method: method,
            target: try pathAndQuery(target, method),
            fields: fields,
            framing: try framing(isModern: isModern),
            isModern: isModern,
            isKeptAlive: isKeptAlive,
            expectsContinue: expectsContinue && isModern
        )
    }

    /// A run of allowed bytes and the one blank after it.
    private mutating func word(
        _ what: String,
        atMost limit: Int,
        isAllowed: (UInt8) -> Bool
    ) throws(HTTPRefusal) -> Range<Int> {
        let start = offset
        while isAllowed(block[offset]) { offset += 1 }
        guard offset > start, offset - start <= limit, block[offset] == 0x20 else {
            throw .malformed("malformed \(what)")
        }
        offset += 1
        return start..<offset - 1
    }

    /// `HTTP/1.x` and the end of the line. The block ends with CR LF CR LF, so reading past a
    /// byte that is neither is safe.
    private mutating func version() throws(HTTPRefusal) -> Bool {
        for byte in Self.protocolName {
            guard block[offset] == byte else { throw .malformed("malformed protocol version") }
            offset += 1
        }
        let major = block[offset]
        guard isDigit(major), block[offset + 1] == 0x2E, isDigit(block[offset + 2]) else {
            throw .malformed("malformed protocol version")
        }
        guard major == 0x31 else {
            throw HTTPRefusal(status: 505, reason: "http: only version 1.1 is spoken here")
        }
        let minor = block[offset + 2]
        offset += 3
        try endLine()
        return minor >= 0x31
    }

    private mutating func endLine() throws(HTTPRefusal) {
        guard block[offset] == 0x0D, block[offset + 1] == 0x0A else {
            throw .malformed("malformed line end")
        }
        offset += 2
    }

    private mutating func readField() throws(HTTPRefusal) -> HTTPHead.Field {
        let nameStart = offset
        while isTokenByte(block[offset]) { offset += 1 }
        let nameEnd = offset
        guard nameEnd > nameStart, block[offset] == 0x3A else {
            throw .malformed("malformed header field name")
        }
        offset += 1
        while isBlank(block[offset]) { offset += 1 }
        let valueStart = offset
        while isValueByte(block[offset]) { offset += 1 }
        var valueEnd = offset
        try endLine()
        while valueEnd > valueStart && isBlank(block[valueEnd - 1]) { valueEnd -= 1 }
        return HTTPHead.Field(
            nameStart: UInt32(nameStart),
            nameEnd: UInt32(nameEnd),
            valueStart: UInt32(valueStart),
            valueEnd: UInt32(valueEnd)
        )
    }

    /// Takes in the few fields that steer the connection.
    private mutating func note(_ field: HTTPHead.Field) throws(HTTPRefusal) {
        switch field.name.count {
        case 4 where equals(field.name, .host):
            hosts += 1
        case 6 where equals(field.name, .expect):
            guard equals(field.value, .continues) else {
                throw HTTPRefusal(status: 417, reason: "http: unknown expectation")
            }
            expectsContinue = true
        case 10 where equals(field.name, .connection):
            noteConnection(field.value)
        case 14 where equals(field.name, .contentLength):
            guard length == nil else { throw .malformed("two content lengths") }
            length = try decimal(field.value)
        case 17 where equals(field.name, .transferEncoding):
            guard !isChunked else { throw .malformed("two transfer encodings") }
            guard equals(field.value, .chunked) else {
                throw HTTPRefusal(status: 501, reason: "http: unknown transfer encoding")
            }
            isChunked = true
        default:
            break
        }
    }

    private mutating func noteConnection(_ value: Range<Int>) {
        for option in block[value].split(separator: 0x2C) {
            var option = option
            while let byte = option.first, isBlank(byte) { option = option.dropFirst() }
            while let byte = option.last, isBlank(byte) { option = option.dropLast() }
            if equals(option.startIndex..<option.endIndex, .close) { isKeptAlive = false }
        }
    }

    private func decimal(_ range: Range<Int>) throws(HTTPRefusal) -> Int {
        guard !range.isEmpty, range.count <= 18, block[range].allSatisfy(isDigit) else {
            throw .malformed("malformed content length")
        }
        return block[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private func framing(isModern: Bool) throws(HTTPRefusal) -> HTTPFraming {
        guard hosts == 1 || (hosts == 0 && !isModern) else {
            throw .malformed("exactly one host header field is required")
        }
        if isChunked {
            guard length == nil, isModern else { throw .malformed("two framings of the body") }
            return .chunked
        }
        guard let length, length > 0 else { return .none }
        return .length(length)
    }

    /// Reduces an absolute target to path and query, and refuses the forms that only a proxy
    /// can serve. Source: RFC 9112 section 3.2.
    private func pathAndQuery(
        _ target: Range<Int>,
        _ method: Range<Int>
    ) throws(HTTPRefusal) -> Range<Int> {
        if block[target.lowerBound] == 0x2F { return target }
        if target.count == 1 && block[target.lowerBound] == 0x2A { return target }
        for scheme in Self.schemes where target.count > scheme.count {
            let prefixEnd = target.lowerBound + scheme.count
            guard equals(target.lowerBound..<prefixEnd, scheme) else { continue }
            if let slash = block[prefixEnd..<target.upperBound].firstIndex(of: 0x2F) {
                return slash..<target.upperBound
            }
        }
        throw .malformed("malformed request target")
    }

    private func equals(_ range: Range<Int>, _ name: StaticName) -> Bool {
        equals(range, name.bytes)
    }

    private func equals(_ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
        guard range.count == bytes.count else { return false }
        var offset = range.lowerBound
        for byte in bytes {
            guard asciiLowered(block[offset]) == byte else { return false }
            offset += 1
        }
        return true
    }

    private static let protocolName = Array("HTTP/".utf8)
    private static let schemes = [Array("https://".utf8), Array("http://".utf8)]
}

/// Looks for the end of a request head in bytes that are still arriving, each byte once.
enum HTTPHeadScan {
    /// - Parameters:
    ///   - scanned: bytes looked at before; moves on.
    ///   - limit: a head above it is refused, whether its end has arrived or not.
    /// - Returns: bytes through the empty line, or nil while that has not arrived.
    static func length(
        in buffer: ByteBuffer,
        scanned: inout Int,
        limit: Int
    ) throws(HTTPRefusal) -> Int? {
        let bytes = buffer.readableBytesUInt8Span
        let count = bytes.count
        if scanned == 0, count > 0, !isTokenByte(bytes[0]), bytes[0] != 0x0D {
            throw .malformed("malformed method")
        }
        for offset in scanned..<count where bytes[offset] == 0x0A {
            guard offset > 0, bytes[offset - 1] == 0x0D else {
                throw .malformed("malformed line end")
            }
            if offset >= 3, bytes[offset - 2] == 0x0A {
                guard offset < limit else { throw .headTooLarge }
                return offset + 1
            }
        }
        scanned = count
        guard count < limit else { throw .headTooLarge }
        return nil
    }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// What a target may hold: no blank, no control byte. Bytes above ASCII pass, as elsewhere.
private func isTargetByte(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7F }

/// Field content: visible, blank, or above ASCII.
private func isValueByte(_ byte: UInt8) -> Bool {
    (byte >= 0x20 && byte != 0x7F) || byte == 0x09
}

/// `tchar` of RFC 9110 section 5.6.2, as a 128-bit table.
func isTokenByte(_ byte: UInt8) -> Bool {
    let table: (UInt64, UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
    guard byte < 0x80 else { return false }
    let half = byte < 0x40 ? table.0 : table.1
    return half >> UInt64(byte & 0x3F) & 1 == 1
}
