import Wire

/// A segment file as it was read: its frames in order, and how it ends.
///
/// Layout: magic 8 · format u8 · CRC-32C u32 of both; then frames, of which the first is the leaf
/// ``SegmentOpening``.
struct Segment: Sendable {
    static let formatVersion: UInt8 = 1
    private static let magic: [UInt8] = Array("HFAUDIT\n".utf8)
    /// Bytes before the first frame.
    static let headBytes = 13

    /// How the readable part ends.
    enum Ending: Sendable, Equatable {
        /// With a whole frame.
        case whole
        /// In the middle of a write that a crash cut off: so many bytes from here on are not a
        /// frame, and nothing says that they were ever durable.
        case torn(offset: UInt64, bytes: UInt64)
        /// With bytes that no crash explains.
        case damaged(offset: UInt64, reason: String)
    }

    let path: String
    let opening: SegmentOpening
    /// All frames, the opening included.
    let frames: [Frame]
    let ending: Ending

    /// The bytes before the first frame.
    static var head: [UInt8] {
        var writer = ByteWriter(capacity: headBytes)
        writer.writeBytes(magic)
        writer.writeUInt8(formatVersion)
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    /// Reads a segment.
    ///
    /// - Parameter isLast: whether it is the newest of its log. Only there can a write have been
    ///   cut off, since the one before is synced before the next one is made.
    /// - Throws: ``AuditError/wrongFormat(path:have:want:)``, or `damaged` if not even the opening
    ///   is there. A segment gets its name when the opening is durable, so no crash explains that.
    init(reading path: String, isLast: Bool) throws(AuditError) {
        let limit =
            AuditLimits.segmentBytesMax + AuditLimits.unsyncedBytesMax
            + AuditLimits.frameContentBytesMax
        let bytes = try AuditFile(reading: path).readAll(atMost: limit)
        try self.init(bytes, path: path, isLast: isLast)
    }

    init(_ bytes: [UInt8], path: String, isLast: Bool) throws(AuditError) {
        self.path = path
        try Self.checkHead(of: bytes, path: path)
        var frames: [Frame] = []
        var offset = Self.headBytes
        var ending = Ending.whole
        while offset < bytes.count {
            do throws(Frame.Unreadable) {
                let frame = try Frame(in: bytes, at: offset)
                frames.append(frame)
                offset += frame.byteCount
            } catch {
                ending = Self.ending(of: bytes, at: offset, error.reason, isLast: isLast)
                break
            }
        }
        guard let first = frames.first, first.kind == .leaf else {
            throw .damaged(
                path: path,
                offset: UInt64(Self.headBytes),
                reason: "it does not begin with its opening"
            )
        }
        do throws(WireError) {
            opening = try SegmentOpening(decoding: first.content)
        } catch {
            throw .damaged(path: path, offset: UInt64(Self.headBytes), reason: error.summary)
        }
        self.frames = frames
        self.ending = ending
    }

    /// - Throws: ``AuditError/wrongFormat(path:have:want:)`` or `damaged`.
    static func checkHead(of bytes: [UInt8], path: String) throws(AuditError) {
        guard bytes.count >= headBytes, bytes.starts(with: magic) else {
            throw .damaged(path: path, offset: 0, reason: "it is not a segment of an audit log")
        }
        let sum = bytes[9..<13].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard crc32c(bytes[..<9]) == sum else {
            throw .damaged(path: path, offset: 0, reason: "the checksum of its head does not match")
        }
        guard bytes[8] == formatVersion else {
            throw .wrongFormat(path: path, have: bytes[8], want: formatVersion)
        }
    }

    /// What an unreadable place means. A crash leaves at the end of the newest segment what had
    /// been written and not yet synced, in any state, since a disk writes blocks in any order.
    /// Everything else is damage.
    private static func ending(
        of bytes: [UInt8],
        at offset: Int,
        _ reason: String,
        isLast: Bool
    ) -> Ending {
        let damaged = Ending.damaged(offset: UInt64(offset), reason: reason)
        let rest = bytes.count - offset
        guard isLast, rest <= AuditLimits.unsyncedBytesMax + AuditLimits.noteBytesMax,
            !Frame.hasSyncMark(in: bytes, from: offset)
        else { return damaged }
        return .torn(offset: UInt64(offset), bytes: UInt64(rest))
    }
}
