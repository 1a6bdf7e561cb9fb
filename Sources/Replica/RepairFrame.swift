package import Raft
package import Store
package import Wire

/// What members ask each other when something of theirs is damaged or in doubt. Travels on the data
/// connection; nothing of it is consensus, and any of it may be lost.
package enum RepairFrame: Equatable, Sendable {
    /// "Send me the body of this entry": by its identity, never by its place alone.
    case bodyRequest(index: LogIndex, term: Term, digest: [UInt8])
    /// The body.
    case body(index: LogIndex, term: Term, bytes: [UInt8])
    /// No such entry here. The term of the *committed* entry at that place, where one is known, and
    /// whether the log begins after it: what was there is applied.
    case noBody(index: LogIndex, term: Term, committedTerm: Term?, isCompacted: Bool)
    /// "Lend me the records of this bucket from this key on, as they were after this entry."
    case bucketRequest(number: UInt64, bucket: UInt8, asOf: LogIndex, from: StorageKey?)
    /// Some of them.
    case bucket(number: UInt64, LentBucket)
    /// "Which of these keys have a record, once you have evaluated this entry?"
    case presenceRequest(number: UInt64, index: LogIndex, keys: [StorageKey])
    /// The records' modification indexes, in the order of the question; 0: there is none.
    case presence(number: UInt64, indexes: [UInt64])
    /// "My state was this after that entry"; and perhaps "what was yours?".
    case checkpoint(Checkpoint, wantsAnswer: Bool)

    /// Kind byte, then the fields in order.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        switch self {
        case .bodyRequest(let index, let term, let digest):
            Self.head(1, index, term, &writer)
            writer.writeBytes(digest)
        case .body(let index, let term, let bytes):
            Self.head(2, index, term, &writer)
            writer.writeBlob(bytes)
        case .noBody(let index, let term, let committedTerm, let isCompacted):
            Self.head(3, index, term, &writer)
            writer.writeBool(committedTerm != nil)
            writer.writeUInt64(committedTerm?.number ?? 0)
            writer.writeBool(isCompacted)
        case .bucketRequest(let number, let bucket, let index, let start):
            writer.writeUInt8(4)
            writer.writeUInt64(number)
            writer.writeUInt8(bucket)
            writer.writeUInt64(index.number)
            writer.writeBool(start != nil)
            if let start { writer.writeBytes(start.bytes) }
        case .bucket(let number, let lent):
            writer.writeUInt8(5)
            writer.writeUInt64(number)
            lent.write(into: &writer)
        case .presenceRequest(let number, let index, let keys):
            writer.writeUInt8(6)
            writer.writeUInt64(number)
            writer.writeUInt64(index.number)
            writer.writeUInt32(UInt32(keys.count))
            for key in keys { writer.writeBytes(key.bytes) }
        case .presence(let number, let indexes):
            writer.writeUInt8(7)
            writer.writeUInt64(number)
            writer.writeUInt32(UInt32(indexes.count))
            for index in indexes { writer.writeUInt64(index) }
        case .checkpoint(let checkpoint, let wantsAnswer):
            writer.writeUInt8(8)
            writer.writeUInt64(checkpoint.index.number)
            writer.writeBytes(checkpoint.root)
            writer.writeBool(wantsAnswer)
        }
        return writer.bytes
    }

    private static func head(
        _ kind: UInt8,
        _ index: LogIndex,
        _ term: Term,
        _ writer: inout ByteWriter
    ) {
        writer.writeUInt8(kind)
        writer.writeUInt64(index.number)
        writer.writeUInt64(term.number)
    }

    /// - Throws: ``WireError`` for anything that `encoded()` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let kind = try reader.readUInt8()
        switch kind {
        case 1...3: self = try Self.body(kind, &reader)
        case 4, 5: self = try Self.bucket(kind, &reader)
        case 6, 7: self = try Self.presence(kind, &reader)
        case 8:
            let index = LogIndex(number: try reader.readUInt64())
            let root = try reader.readBytes(StoreLimits.digestBytes)
            self = .checkpoint(
                Checkpoint(index: index, root: root),
                wantsAnswer: try reader.readBool()
            )
        default: throw .malformed("repair frame of kind \(kind)")
        }
        try reader.finish()
    }

    private static func body(
        _ kind: UInt8,
        _ reader: inout ByteReader
    ) throws(WireError) -> RepairFrame {
        let index = LogIndex(number: try reader.readUInt64())
        let term = Term(number: try reader.readUInt64())
        switch kind {
        case 1:
            let digest = try reader.readBytes(StoreLimits.digestBytes)
            return .bodyRequest(index: index, term: term, digest: digest)
        case 2:
            let bytes = try reader.readBlob(atMost: StoreLimits.entryBytesMax)
            return .body(index: index, term: term, bytes: bytes)
        default:
            let isKnown = try reader.readBool()
            let committed = Term(number: try reader.readUInt64())
            return .noBody(
                index: index,
                term: term,
                committedTerm: isKnown ? committed : nil,
                isCompacted: try reader.readBool()
            )
        }
    }

    private static func bucket(
        _ kind: UInt8,
        _ reader: inout ByteReader
    ) throws(WireError) -> RepairFrame {
        let number = try reader.readUInt64()
        guard kind == 4 else { return .bucket(number: number, try LentBucket(from: &reader)) }
        let bucket = try reader.readUInt8()
        let index = LogIndex(number: try reader.readUInt64())
        let start = try reader.readBool() ? try key(&reader) : nil
        return .bucketRequest(number: number, bucket: bucket, asOf: index, from: start)
    }

    private static func presence(
        _ kind: UInt8,
        _ reader: inout ByteReader
    ) throws(WireError) -> RepairFrame {
        let number = try reader.readUInt64()
        if kind == 6 {
            let index = LogIndex(number: try reader.readUInt64())
            let count = try count(&reader)
            var keys: [StorageKey] = []
            for _ in 0..<count { keys.append(try key(&reader)) }
            return .presenceRequest(number: number, index: index, keys: keys)
        }
        let count = try count(&reader)
        var indexes: [UInt64] = []
        for _ in 0..<count { indexes.append(try reader.readUInt64()) }
        return .presence(number: number, indexes: indexes)
    }

    private static func count(_ reader: inout ByteReader) throws(WireError) -> Int {
        let count = Int(try reader.readUInt32())
        guard count <= Limits.presenceKeysMax else {
            throw .malformed("\(count) keys in a repair frame")
        }
        return count
    }

    private static func key(_ reader: inout ByteReader) throws(WireError) -> StorageKey {
        guard let key = StorageKey(try reader.readBytes(StoreLimits.storageKeyBytes)) else {
            throw .malformed("storage key")
        }
        return key
    }
}
