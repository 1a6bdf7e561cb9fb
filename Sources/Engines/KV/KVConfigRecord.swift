import Wire

/// Settings of a KV v2 mount at rest: format 1, `max_versions` (0 = default), flags,
/// `delete_version_after` in nanoseconds (0 = not set, -1 s = off whatever a key says).
struct KVConfigRecord: Equatable {
    var versionsMax: UInt64 = 0
    var isCASRequired = false
    var isMetadataCASRequired = false
    /// Nanoseconds; 0 = not set, ``KVSettings/deleteAfterOff`` = off.
    var deleteAfter: Int64 = 0

    init() {}

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a KV configuration")
            versionsMax = try reader.readVarint()
            isCASRequired = try reader.readBool()
            isMetadataCASRequired = try reader.readBool()
            deleteAfter = Int64(bitPattern: try reader.readUInt64())
            guard deleteAfter >= 0 || deleteAfter == KVSettings.deleteAfterOff else {
                throw .malformed("delete_version_after is negative")
            }
            try reader.finish()
        } catch {
            throw .damaged("KV configuration: \(error.summary)")
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.writeUInt8(1)
        writer.writeVarint(versionsMax)
        writer.writeBool(isCASRequired)
        writer.writeBool(isMetadataCASRequired)
        writer.writeUInt64(UInt64(bitPattern: deleteAfter))
        return writer.bytes
    }
}
