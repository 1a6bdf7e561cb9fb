/// Finds where one HTTP/1.1 response ends and the next begins, and what its status was.
///
/// Bodies are skipped, not kept: the load generator shares the machine with the servers that it
/// measures, so it does as little as it can. Content-Length and chunked bodies are understood;
/// a body that ends with the connection is not, since no measured server sends one.
package struct ResponseFramer {
    package enum Failure: Error, Equatable {
        case malformedHead
        case malformedChunk
        case headTooLong
        case bodyWithoutLength
    }

    package struct Response: Equatable {
        package let status: Int
        /// The server said `Connection: close`.
        package let closes: Bool
    }

    private enum Stage {
        case head
        case body(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case trailers
    }

    /// Longest head that is accepted.
    private static let headBytesMax = 64 * 1024

    private var bytes: [UInt8] = []
    private var position = 0
    private var stage = Stage.head
    private var response = Response(status: 0, closes: false)

    package init() {}

    package mutating func append(_ new: some Collection<UInt8>) {
        if position == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            position = 0
        }
        bytes.append(contentsOf: new)
    }

    /// The next complete response, or nil if more bytes are needed.
    package mutating func next() throws(Failure) -> Response? {
        while true {
            switch stage {
            case .head:
                guard let end = endOfHead() else {
                    if bytes.count - position > Self.headBytesMax { throw .headTooLong }
                    return nil
                }
                try readHead(through: end)
            case .body(let remaining):
                let taken = min(remaining, bytes.count - position)
                position += taken
                guard taken == remaining else {
                    stage = .body(remaining: remaining - taken)
                    return nil
                }
                return finish()
            case .chunkSize:
                guard let line = takeLine() else { return nil }
                let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
                guard let size = Self.hexadecimal(digits) else { throw .malformedChunk }
                stage = size == 0 ? .trailers : .chunk(remaining: size + 2)
            case .chunk(let remaining):
                let taken = min(remaining, bytes.count - position)
                position += taken
                guard taken == remaining else {
                    stage = .chunk(remaining: remaining - taken)
                    return nil
                }
                stage = .chunkSize
            case .trailers:
                guard let line = takeLine() else { return nil }
                if line.isEmpty { return finish() }
            }
        }
    }

    private mutating func finish() -> Response {
        stage = .head
        return response
    }

    /// Offset just after the empty line that ends the head.
    private func endOfHead() -> Int? {
        var offset = position + 3
        while offset < bytes.count {
            // Looking at every byte, the newline first: heads are a few hundred bytes.
            if bytes[offset] == 0x0A, bytes[offset - 1] == 0x0D, bytes[offset - 2] == 0x0A {
                return offset + 1
            }
            offset += 1
        }
        return nil
    }

    /// The next line without its CR LF, or nil if it is not complete yet.
    private mutating func takeLine() -> ArraySlice<UInt8>? {
        guard let newline = bytes[position...].firstIndex(of: 0x0A) else { return nil }
        var line = bytes[position..<newline]
        if line.last == 0x0D { line.removeLast() }
        position = newline + 1
        return line
    }

    private mutating func readHead(through end: Int) throws(Failure) {
        // "HTTP/1.1 200 …"
        let start = position
        guard end - start >= 12, bytes[start...].starts(with: "HTTP/1.".utf8),
            let status = Self.decimal(bytes[(start + 9)..<(start + 12)])
        else { throw .malformedHead }
        var length: Int?
        var isChunked = false
        var closes = false
        _ = takeLine()
        while position < end, let line = takeLine(), !line.isEmpty {
            if let value = Self.value(of: line, named: "content-length") {
                guard let number = Self.decimal(value) else { throw .malformedHead }
                length = number
            } else if let value = Self.value(of: line, named: "transfer-encoding") {
                isChunked = Self.matches(value, "chunked")
            } else if let value = Self.value(of: line, named: "connection") {
                closes = Self.matches(value, "close")
            }
        }
        position = end
        response = Response(status: status, closes: closes)
        if isChunked {
            stage = .chunkSize
        } else if status == 204 || status == 304 || status < 200 {
            stage = .body(remaining: 0)
        } else if let length {
            stage = .body(remaining: length)
        } else {
            throw .bodyWithoutLength
        }
    }

    /// The trimmed value if `line` is the header `name` (which is lower case).
    private static func value(of line: ArraySlice<UInt8>, named name: StaticString)
        -> ArraySlice<UInt8>?
    {
        let name = name.description.utf8
        guard line.count > name.count,
            line[line.startIndex + name.count] == UInt8(ascii: ":"),
            matches(line.prefix(name.count), name)
        else { return nil }
        let value = line.dropFirst(name.count + 1).drop { $0 == 0x20 || $0 == 0x09 }
        return value.prefix { $0 != 0x20 && $0 != 0x09 }
    }

    private static func matches(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        matches(bytes, text.utf8)
    }

    private static func matches(_ bytes: ArraySlice<UInt8>, _ lower: String.UTF8View) -> Bool {
        bytes.count == lower.count
            && zip(bytes, lower).allSatisfy { byte, wanted in
                byte == wanted || (byte >= 0x41 && byte <= 0x5A && byte + 0x20 == wanted)
            }
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 15 else { return nil }
        var number = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 8 else { return nil }
        var number = 0
        for digit in digits {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            number = number * 16 + value
        }
        return number
    }
}
