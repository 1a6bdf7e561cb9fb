package import Raft
package import Wire

/// What a receiver says about a stream as a whole.
package enum SnapshotVerdict: UInt8, Sendable {
    /// It is here, and what it holds was verified.
    case whole = 1
    /// Not wanted, or no room for it.
    case refused = 2
    /// Bytes changed on their way, or the file was never what its digest says. What had arrived
    /// was thrown away.
    case damaged = 3
}

/// What travels on the snapshot connections between two members.
///
///     sender                          receiver
///     begin (point, bytes, digest) ->
///                                  <- resume (at what it has of this very file) | received (no)
///     chunk (offset, bytes, CRC)   ->
///                                  <- taken (through here: the window moves on)
///     ...
///                                  <- received (whole, or damaged)
package enum SnapshotFrame: Equatable, Sendable {
    /// A stream is offered by the leader of `term`.
    case begin(term: Term, SnapshotOffer)
    /// The receiver has this many bytes of the file at `index`: go on from there.
    case resume(index: LogIndex, offset: UInt64)
    /// Bytes of the file at `offset`, at most ``Limits/snapshotChunkBytes``, and
    /// ``checksum(of:at:)`` as the sender reckoned it.
    case chunk(offset: UInt64, bytes: [UInt8], checksum: UInt32)
    /// The receiver has written this many bytes of the file at `index`: the sender may send
    /// ``Limits/snapshotWindowBytes`` beyond them.
    case taken(index: LogIndex, offset: UInt64)
    /// The receiver's word on the file at `index`. Ends the stream.
    case received(index: LogIndex, SnapshotVerdict)

    /// CRC-32C over offset and bytes: from where the sender read its file to where the receiver
    /// writes its own, whatever lies between.
    package static func checksum(of bytes: [UInt8], at offset: UInt64) -> UInt32 {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(offset)
        return crc32c(bytes, continuing: crc32c(writer.bytes))
    }

    /// Kind byte, then the fields in order.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        switch self {
        case .begin(let term, let offer):
            writer.writeUInt8(1)
            writer.writeUInt64(term.number)
            writer.writeUInt64(offer.point.index.number)
            writer.writeUInt64(offer.point.term.number)
            writer.writeBlob(offer.point.configuration.encoded())
            writer.writeUInt64(offer.bytes)
            writer.writeBytes(offer.digest)
        case .chunk(let offset, let bytes, let checksum):
            writer.writeUInt8(2)
            writer.writeUInt64(offset)
            writer.writeUInt32(checksum)
            writer.writeBlob(bytes)
        case .received(let index, let verdict):
            writer.writeUInt8(3)
            writer.writeUInt64(index.number)
            writer.writeUInt8(verdict.rawValue)
        case .taken(let index, let offset):
            writer.writeUInt8(4)
            writer.writeUInt64(index.number)
            writer.writeUInt64(offset)
        case .resume(let index, let offset):
            writer.writeUInt8(5)
            writer.writeUInt64(index.number)
            writer.writeUInt64(offset)
        }
        return writer.bytes
    }

    /// - Throws: ``WireError`` for anything that `encoded()` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        switch try reader.readUInt8() {
        case 1:
            let term = Term(number: try reader.readUInt64())
            self = .begin(term: term, try Self.readOffer(&reader))
        case 2:
            let offset = try reader.readUInt64()
            let checksum = try reader.readUInt32()
            self = .chunk(
                offset: offset,
                bytes: try reader.readBlob(atMost: Limits.snapshotChunkBytes),
                checksum: checksum
            )
        case 3:
            let index = LogIndex(number: try reader.readUInt64())
            let code = try reader.readUInt8()
            guard let verdict = SnapshotVerdict(rawValue: code) else {
                throw .malformed("verdict \(code) on a snapshot")
            }
            self = .received(index: index, verdict)
        case 4:
            let index = LogIndex(number: try reader.readUInt64())
            self = .taken(index: index, offset: try reader.readUInt64())
        case 5:
            let index = LogIndex(number: try reader.readUInt64())
            self = .resume(index: index, offset: try reader.readUInt64())
        case let kind: throw .malformed("snapshot frame of kind \(kind)")
        }
        try reader.finish()
    }

    private static func readOffer(_ reader: inout ByteReader) throws(WireError) -> SnapshotOffer {
        let index = LogIndex(number: try reader.readUInt64())
        let term = Term(number: try reader.readUInt64())
        let configuration = try Configuration(decoding: try reader.readBlob(atMost: 1 << 16))
        let bytes = try reader.readUInt64()
        guard bytes > 0, bytes <= Limits.snapshotBytesMax else {
            throw .malformed("a snapshot of \(bytes) bytes")
        }
        return SnapshotOffer(
            point: SnapshotPoint(index: index, term: term, configuration: configuration),
            bytes: bytes,
            digest: try reader.readBytes(Limits.snapshotDigestBytes)
        )
    }
}
