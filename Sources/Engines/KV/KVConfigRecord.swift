import Wire

/// Settings of a KV v2 mount at rest: format 1, `max_versions` (0 = default), flags, and a place
/// for `delete_version_after` in nanoseconds, which this version always writes as 0.
struct KVConfigRecord: Equatable {
    var versionsMax: UInt64 = 0
    var isCASRequired = false
    var isMetadataCASRequired = false

    init() {}

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            guard try reader.readUInt8() == 1 else {
                throw .malformed("the format of a KV configuration is not 1")
            }
            versionsMax = try reader.readVarint()
            isCASRequired = try reader.readBool()
            isMetadataCASRequired = try reader.readBool()
            guard try reader.readUInt64() == 0 else {
                throw .malformed("delete_version_after is set, which needs a newer version")
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
        writer.writeUInt64(0)
        return writer.bytes
    }
}
