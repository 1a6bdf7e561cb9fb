package import Raft
package import Wire

/// What travels on the snapshot connection between two members.
package enum SnapshotFrame: Equatable, Sendable {
    /// A stream begins: who leads, what point the file stands for, how long it is.
    case begin(term: Term, point: SnapshotPoint, bytes: UInt64)
    /// Bytes of the file at `offset`; at most ``Limits/snapshotChunkBytes``.
    case chunk(offset: UInt64, bytes: [UInt8])
    /// The receiver has written this many bytes of the file at `index`: the sender may send on.
    case taken(index: LogIndex, offset: UInt64)
    /// The receiver's word: the file at `index` is whole and verified, or it is not.
    case received(index: LogIndex, isWhole: Bool)

    /// Kind byte, then the fields in order.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        switch self {
        case .begin(let term, let point, let bytes):
            writer.writeUInt8(1)
            writer.writeUInt64(term.number)
            writer.writeUInt64(point.index.number)
            writer.writeUInt64(point.term.number)
            writer.writeBlob(point.configuration.encoded())
            writer.writeUInt64(bytes)
        case .chunk(let offset, let bytes):
            writer.writeUInt8(2)
            writer.writeUInt64(offset)
            writer.writeBlob(bytes)
        case .received(let index, let isWhole):
            writer.writeUInt8(3)
            writer.writeUInt64(index.number)
            writer.writeBool(isWhole)
        case .taken(let index, let offset):
            writer.writeUInt8(4)
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
            let index = LogIndex(number: try reader.readUInt64())
            let pointTerm = Term(number: try reader.readUInt64())
            let configuration = try Configuration(
                decoding: try reader.readBlob(atMost: 1 << 16)
            )
            let point = SnapshotPoint(index: index, term: pointTerm, configuration: configuration)
            self = .begin(term: term, point: point, bytes: try reader.readUInt64())
        case 2:
            let offset = try reader.readUInt64()
            self = .chunk(
                offset: offset,
                bytes: try reader.readBlob(atMost: Limits.snapshotChunkBytes)
            )
        case 3:
            let index = LogIndex(number: try reader.readUInt64())
            self = .received(index: index, isWhole: try reader.readBool())
        case 4:
            let index = LogIndex(number: try reader.readUInt64())
            self = .taken(index: index, offset: try reader.readUInt64())
        case let kind: throw .malformed("snapshot frame of kind \(kind)")
        }
        try reader.finish()
    }
}
