import Cryptography
import Store
import Wire

/// The records of the key hierarchy: in the clear, under fixed storage keys, replicated like all
/// others.
///
/// | storage key | content |
/// |---|---|
/// | fifteen 00, 01 ‖ fifteen 00, 01 | ``SealRecord`` |
/// | fifteen 00, 01 ‖ fifteen 00, 02 | `KeyringRecord` |
/// | fifteen 00, 01 ‖ fifteen 00, 03 | opened record, see ``VaultOpening`` |
/// | fifteen 00, 01 ‖ fifteen 00, 04 | ``AuditKeyRecord`` |
/// | fifteen 00, 01 ‖ fifteen 00, 05 | the cluster's log of anchors, see ``AuditAnchors`` |
/// | fifteen 00, 03 ‖ eight 00, number mod ring u64 | an anchor |
/// | fifteen 00, 04 ‖ start of SHA-256(name of a log) | its newest anchor |
/// | fifteen 00, 02 ‖ mount id | `MountKeyRecord`, one for each mount |
///
/// Every other storage key is an HMAC; that one falls into these ranges by accident has a
/// probability of 2^-127. They carry the header of any record, with the flags "clear", data-key id
/// 0, no name box, and their bytes as value box. The bytes begin with their own format version.
enum ClearRecord {
    static let sealKey = key(range: 1, name: fixed(1))
    static let keyringKey = key(range: 1, name: fixed(2))
    static let openedKey = key(range: 1, name: fixed(3))
    static let auditKey = key(range: 1, name: fixed(4))
    static let anchorHead = key(range: 1, name: fixed(5))
    /// The range of the last anchors of all logs.
    static let anchorRing = anchor(number: 0).directory
    /// The range of the newest anchor of each log.
    static let newestAnchors = newestAnchor(of: "").directory
    /// The range of all mount-key records.
    static let mountKeys = mountKey(of: .system).directory

    static func mountKey(of mount: MountID) -> StorageKey {
        key(range: 2, name: mount.bytes)
    }

    static func anchor(number: UInt64) -> StorageKey {
        var writer = ByteWriter(capacity: 16)
        writer.writeUInt64(0)
        writer.writeUInt64(number % BarrierLimits.anchorsKept)
        return key(range: 3, name: writer.bytes)
    }

    static func newestAnchor(of origin: String) -> StorageKey {
        key(range: 4, name: Array(sha256(Array(origin.utf8)).prefix(16)))
    }

    /// Bytes as a record. The caller keeps them under `BarrierLimits.clearRecordBytesMax`.
    static func record(_ bytes: [UInt8]) -> Record {
        precondition(bytes.count <= BarrierLimits.clearRecordBytesMax, "a clear record is small")
        return Record(flags: RecordFlags.clear, dataKeyID: 0, nameBox: [], valueBox: bytes)
    }

    /// A reader over the bytes of a record, behind their format version.
    ///
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)`` if it is another kind of record,
    ///   ``BarrierError/hierarchyFormat(_:have:want:)``.
    static func reader(
        of record: Record,
        _ part: HierarchyPart,
        format: UInt8
    ) throws(BarrierError) -> ByteReader {
        guard record.flags == RecordFlags.clear, record.dataKeyID == 0, record.nameBox.isEmpty
        else {
            throw .hierarchyDamaged(part, reason: "it is not marked as a clear record")
        }
        guard record.valueBoxBytes <= BarrierLimits.clearRecordBytesMax else {
            throw .hierarchyDamaged(part, reason: "it is \(record.valueBoxBytes) bytes long")
        }
        let bytes = record.valueBox
        guard let have = bytes.first else {
            throw .hierarchyDamaged(part, reason: "it is empty")
        }
        guard have == format else { throw .hierarchyFormat(part, have: have, want: format) }
        return ByteReader(bytes.dropFirst())
    }

    private static func fixed(_ byte: UInt8) -> [UInt8] {
        [UInt8](repeating: 0, count: 15) + [byte]
    }

    private static func key(range: UInt8, name: [UInt8]) -> StorageKey {
        guard let key = StorageKey(fixed(range) + name) else {
            preconditionFailure("a storage key is two times 16 bytes")
        }
        return key
    }
}
