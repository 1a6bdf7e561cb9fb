import Wire

/// One piece of a segment file, written whole.
///
/// Layout, big-endian: content length u32 · kind u8 · content · CRC-32C u32 over all of it. The CRC
/// is against accidents; against forgery there is the tree, which covers every content of the kind
/// `leaf`.
struct Frame: Sendable, Equatable {
    /// What the content is. A block of zeros, which a crash may leave behind, is no frame.
    enum Kind: UInt8, Sendable {
        /// A leaf of the tree: ``SegmentOpening`` or ``LeafBox``.
        case leaf = 1
        /// A signed note over all leaves before it; what it covers was durable when it was written.
        case checkpoint = 2
        /// Everything before it was durable when it was written: a size u64.
        case syncMark = 3
    }

    let kind: Kind
    let content: [UInt8]

    /// Bytes around the content.
    static let overheadBytes = 9
    private static let headBytes = 5

    func write(into writer: inout ByteWriter) {
        let start = writer.count
        writer.writeUInt32(UInt32(content.count))
        writer.writeUInt8(kind.rawValue)
        writer.writeBytes(content)
        writer.writeUInt32(crc32c(writer.bytes[start...]))
    }

    /// Why there is no frame at some place.
    struct Unreadable: Error, Equatable {
        let reason: String
    }

    /// The frame that begins at `offset`.
    init(in bytes: [UInt8], at offset: Int) throws(Unreadable) {
        guard bytes.count - offset >= Self.overheadBytes else {
            throw Unreadable(reason: "\(bytes.count - offset) bytes are no whole frame")
        }
        var length = 0
        for byte in bytes[offset..<offset + 4] { length = length << 8 | Int(byte) }
        guard let kind = Kind(rawValue: bytes[offset + 4]) else {
            throw Unreadable(reason: "a frame of kind \(bytes[offset + 4])")
        }
        guard length <= AuditLimits.frameContentBytesMax else {
            throw Unreadable(reason: "a frame of \(length) bytes")
        }
        let end = offset + Self.headBytes + length
        guard end + 4 <= bytes.count else {
            throw Unreadable(reason: "the file ends inside a frame")
        }
        var sum: UInt32 = 0
        for byte in bytes[end..<end + 4] { sum = sum << 8 | UInt32(byte) }
        guard crc32c(bytes[offset..<end]) == sum else {
            throw Unreadable(reason: "the checksum of a frame does not match")
        }
        self.kind = kind
        content = Array(bytes[(offset + Self.headBytes)..<end])
    }

    init(_ kind: Kind, _ content: [UInt8]) {
        precondition(content.count <= AuditLimits.frameContentBytesMax)
        self.kind = kind
        self.content = content
    }

    /// Bytes of the frame in the file.
    var byteCount: Int { content.count + Self.overheadBytes }

    /// Whether a frame that was written behind a sync begins at `offset` or later: then what is
    /// before it was on the disk once.
    static func hasSyncMark(in bytes: [UInt8], from offset: Int) -> Bool {
        var position = offset
        while bytes.count - position >= overheadBytes {
            let kind = bytes[position + 4]
            // A note is short, so most places are excluded by their first bytes.
            if kind == Kind.checkpoint.rawValue || kind == Kind.syncMark.rawValue,
                bytes[position] == 0, bytes[position + 1] <= 2,
                (try? Frame(in: bytes, at: position)) != nil
            {
                return true
            }
            position += 1
        }
        return false
    }
}
