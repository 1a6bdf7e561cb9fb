import NIOCore

/// Collects one request body from bytes as they arrive.
///
/// Memory grows with what has arrived, never with what the client announces.
struct HTTPBodyReader {
    private enum State {
        case length(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkEnd
        case trailers
        case done
    }

    private var state: State
    private let bytesMax: Int
    /// Bytes of chunk sizes, extensions and trailers, against clients that send only these.
    private var overheadBytes = 0
    private(set) var bytes: [UInt8] = []

    init(framing: HTTPFraming, bytesMax: Int) {
        self.bytesMax = bytesMax
        switch framing {
        case .none: state = .done
        case .length(let count): state = .length(remaining: count)
        case .chunked: state = .chunkSize
        }
    }

    /// Takes what it can from `input`.
    ///
    /// - Returns: true once the body is complete; bytes after it stay in `input`.
    /// - Throws: a refusal for a body over the limit or for malformed chunks.
    mutating func read(_ input: inout ByteBuffer) throws(HTTPRefusal) -> Bool {
        while true {
            switch state {
            case .done:
                return true
            case .length(let remaining):
                let left = take(remaining, from: &input)
                state = left == 0 ? .done : .length(remaining: left)
                if left > 0 { return false }
            case .chunkData(let remaining):
                let left = take(remaining, from: &input)
                state = left == 0 ? .chunkEnd : .chunkData(remaining: left)
                if left > 0 { return false }
            case .chunkSize:
                guard let line = try line(&input) else { return false }
                let size = try chunkSize(line)
                guard size <= bytesMax - bytes.count else { throw .bodyTooLarge }
                state = size == 0 ? .trailers : .chunkData(remaining: size)
            case .chunkEnd:
                guard let line = try line(&input) else { return false }
                guard line.isEmpty else { throw .malformed("malformed chunk") }
                state = .chunkSize
            case .trailers:
                guard let line = try line(&input) else { return false }
                if line.isEmpty { state = .done }
            }
        }
    }

    /// - Returns: how many of `count` bytes are still missing.
    private mutating func take(_ count: Int, from input: inout ByteBuffer) -> Int {
        let have = min(count, input.readableBytes)
        if bytes.isEmpty && have == count {
            bytes = input.readBytes(length: have) ?? []
        } else if let view = input.readSlice(length: have)?.readableBytesView {
            bytes.append(contentsOf: view)
        }
        return count - have
    }

    /// One line without its end; nil while it has not arrived whole.
    private mutating func line(_ input: inout ByteBuffer) throws(HTTPRefusal) -> [UInt8]? {
        let view = input.readableBytesView.prefix(TransportLimits.chunkLineMax)
        guard let end = view.firstIndex(of: 0x0A) else {
            guard view.count < TransportLimits.chunkLineMax else {
                throw .malformed("chunk line too long")
            }
            return nil
        }
        let count = end - view.startIndex + 1
        overheadBytes += count
        // Twelve bytes of frame around a byte of data is what the smallest chunks cost.
        guard overheadBytes <= TransportLimits.chunkLineMax * 4 + bytes.count * 12 else {
            throw .malformed("more chunk framing than data")
        }
        guard var line = input.readBytes(length: count), line.count >= 2,
            line[line.count - 2] == 0x0D
        else { throw .malformed("malformed line end") }
        line.removeLast(2)
        guard !line.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw .malformed("malformed chunk line")
        }
        return line
    }

    /// The hexadecimal size; an extension after `;` is ignored. Source: RFC 9112 section 7.1.
    private func chunkSize(_ line: [UInt8]) throws(HTTPRefusal) -> Int {
        var size = 0
        var digits = 0
        for byte in line {
            guard let digit = hexDigit(byte) else {
                guard digits > 0, byte == 0x3B || isBlank(byte) else {
                    throw .malformed("malformed chunk size")
                }
                break
            }
            digits += 1
            guard digits <= 15 else { throw .bodyTooLarge }
            size = size << 4 | digit
        }
        guard digits > 0 else { throw .malformed("malformed chunk size") }
        return size
    }
}

private func hexDigit(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x30...0x39: Int(byte) - 0x30
    case 0x41...0x46: Int(byte) - 0x37
    case 0x61...0x66: Int(byte) - 0x57
    default: nil
    }
}
