/// One complete request as it came over the wire.
///
/// The head stays one block of bytes with a table of ranges, so reading it costs three
/// allocations whatever the number of fields; strings are made only for what is asked.
package struct HTTPRequest: Sendable {
    /// Request line and fields, as received.
    let head: HTTPHead
    /// The body after chunked decoding; empty when there is none.
    package let body: [UInt8]

    /// The method as sent, case kept: `GET`, `LIST`, ...
    package var method: String { String(decoding: head.block[head.method], as: UTF8.self) }

    /// Path and query as sent, percent-encoding kept. Starts with `/`, or is `*`.
    package var target: [UInt8] { Array(head.block[head.target]) }

    /// The value of the first field of that name, without surrounding blanks; bytes that are
    /// not UTF-8 come out as U+FFFD.
    ///
    /// - Parameter name: compared without regard to ASCII case.
    package func header(_ name: String) -> String? {
        headerBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The raw value of the first field of that name.
    package func headerBytes(_ name: String) -> ArraySlice<UInt8>? {
        for field in head.fields where head.isNamed(field, name) {
            return head.block[field.value]
        }
        return nil
    }

    /// The values of all fields of that name, in order.
    package func headerValues(_ name: String) -> [String] {
        head.fields.filter { head.isNamed($0, name) }
            .map { String(decoding: head.block[$0.value], as: UTF8.self) }
    }
}

/// How the body of a request is delimited. Source: RFC 9112 section 6.
enum HTTPFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// A request head that has passed every check of ``HTTPHeadParser``.
struct HTTPHead: Sendable {
    /// Ranges of one field within the block. A head has at most 64 KiB plus one read buffer.
    struct Field: Sendable {
        let nameStart: UInt32
        let nameEnd: UInt32
        let valueStart: UInt32
        let valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let block: [UInt8]
    let method: Range<Int>
    let target: Range<Int>
    let fields: [Field]
    let framing: HTTPFraming
    /// False for HTTP/1.0, which knows no chunks.
    let isModern: Bool
    /// False for HTTP/1.0 and for `Connection: close`.
    let isKeptAlive: Bool
    /// The client waits for `100 Continue` before it sends the body.
    let expectsContinue: Bool

    func isNamed(_ field: Field, _ name: String) -> Bool {
        let wanted = name.utf8
        guard wanted.count == Int(field.nameEnd - field.nameStart) else { return false }
        var offset = Int(field.nameStart)
        for byte in wanted {
            guard asciiLowered(byte) == asciiLowered(block[offset]) else { return false }
            offset += 1
        }
        return true
    }

    func isMethod(_ name: StaticName) -> Bool { block[method].elementsEqual(name.bytes) }

    /// Methods that change nothing, so that pipelined ones may be handled side by side.
    /// Source: RFC 9110 section 9.2.1; LIST, SCAN and HELP are the vault's own.
    var isSafe: Bool { StaticName.safeMethods.contains { isMethod($0) } }
}

/// Names that the server itself looks at, lower-case for fields and as sent for methods.
struct StaticName: Sendable {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    static let get = StaticName("GET")
    static let head = StaticName("HEAD")
    static let safeMethods = [
        get, StaticName("LIST"), head, StaticName("SCAN"), StaticName("HELP"),
        StaticName("OPTIONS"),
    ]
    static let connection = StaticName("connection")
    static let contentLength = StaticName("content-length")
    static let transferEncoding = StaticName("transfer-encoding")
    static let expect = StaticName("expect")
    static let host = StaticName("host")
    static let chunked = StaticName("chunked")
    static let close = StaticName("close")
    static let continues = StaticName("100-continue")
}

func asciiLowered(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
}
