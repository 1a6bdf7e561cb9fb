import NIOCore
package import Wire

/// The three streams from one member to another. Each is a connection of its own, so that a
/// snapshot never stands in the way of a heartbeat.
package enum PeerChannel: UInt8, CaseIterable, Sendable {
    /// Heartbeats, votes, read index.
    case control = 1
    /// Appends, their answers, forwarded requests.
    case data = 2
    /// Snapshot pieces.
    case snapshot = 3
}

/// Kinds of frames that the transport keeps for itself. Owners use 0x00...0xEF.
enum FrameKind {
    static let reservedFirst: UInt8 = 0xF0
    /// First frame of a connection, from the member that dialed.
    static let hello: UInt8 = 0xF0
    /// The answer to a hello: frames may follow.
    static let accepted: UInt8 = 0xF1
    /// The answer to a hello: text that says why not; the connection closes.
    static let refused: UInt8 = 0xF2
    /// Text that says why the connection closes now, so that its end is no sign of a crash.
    static let farewell: UInt8 = 0xF3
}

/// One message between members.
struct Frame: Sendable, Equatable {
    let kind: UInt8
    let payload: [UInt8]
}

/// Bytes that are no frame. The connection closes: there is no way to find the next frame.
package enum FrameError: OperatorError, Equatable {
    case tooLong(limit: Int, have: UInt32)
    case version(UInt8)
    case checksum(have: UInt32, want: UInt32)

    package var blame: Blame { .peer }

    package var summary: String {
        switch self {
        case .tooLong(let limit, let have):
            "a frame announces \(have) bytes of payload, the limit is \(limit)"
        case .version(let have):
            "a frame has format version \(have), this node knows \(FrameCodec.version)"
        case .checksum(let have, let want):
            "a frame is damaged: its checksum is \(Self.hex(want)), its bytes give "
                + Self.hex(have)
        }
    }

    package var remedy: String {
        switch self {
        case .tooLong, .checksum: "check the network between the nodes; the connection is remade"
        case .version: "bring both nodes to the same release"
        }
    }

    private static func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
}

/// Frame layout, big-endian: payload length u32, format version u8, kind u8, CRC-32C u32 over
/// the six bytes before it and the payload, payload.
///
/// The checksum is against damage between TLS and memory, not against an attacker.
enum FrameCodec {
    static let version: UInt8 = 1
    static let headerBytes = 10

    /// - Precondition: the payload is at most ``TransportLimits/framePayloadMax``.
    static func checksum(kind: UInt8, payload: [UInt8]) -> UInt32 {
        precondition(payload.count <= TransportLimits.framePayloadMax, "payload above the limit")
        var head = ByteWriter(capacity: 6)
        head.writeUInt32(UInt32(payload.count))
        head.writeUInt8(version)
        head.writeUInt8(kind)
        return crc32c(payload, continuing: crc32c(head.bytes))
    }

    static func encode(_ frame: Frame, checksum: UInt32, into out: inout ByteBuffer) {
        out.writeInteger(UInt32(frame.payload.count))
        out.writeInteger(version)
        out.writeInteger(frame.kind)
        out.writeInteger(checksum)
        out.writeBytes(frame.payload)
    }

    static func encode(_ frame: Frame) -> ByteBuffer {
        var out = ByteBuffer()
        out.reserveCapacity(headerBytes + frame.payload.count)
        encode(frame, checksum: checksum(kind: frame.kind, payload: frame.payload), into: &out)
        return out
    }

    /// Takes the first frame from `input`; nil while it has not arrived whole.
    ///
    /// - Parameter payloadMax: checked before anything of the payload is waited for.
    static func next(
        from input: inout ByteBuffer,
        payloadMax: Int
    ) throws(FrameError) -> Frame? {
        let start = input.readerIndex
        guard input.readableBytes >= headerBytes,
            let length = input.getInteger(at: start, as: UInt32.self),
            let version = input.getInteger(at: start + 4, as: UInt8.self),
            let kind = input.getInteger(at: start + 5, as: UInt8.self),
            let want = input.getInteger(at: start + 6, as: UInt32.self)
        else { return nil }
        guard version == Self.version else { throw .version(version) }
        guard length <= payloadMax else { throw .tooLong(limit: payloadMax, have: length) }
        guard input.readableBytes >= headerBytes + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: headerBytes)
        guard let payload = input.readBytes(length: Int(length)) else { return nil }
        let have = checksum(kind: kind, payload: payload)
        guard have == want else { throw .checksum(have: have, want: want) }
        return Frame(kind: kind, payload: payload)
    }
}

/// Collects bytes of one peer connection until they make a frame.
struct FrameInbox {
    private var buffer = ByteBuffer()

    mutating func add(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            var bytes = bytes
            buffer.discardReadBytes()
            buffer.writeBuffer(&bytes)
        }
    }

    mutating func next(payloadMax: Int) throws(FrameError) -> Frame? {
        let frame = try FrameCodec.next(from: &buffer, payloadMax: payloadMax)
        if frame == nil && buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return frame
    }
}
