import Engines
import Wire

/// Where every node writes audit records besides its own log: a device, as clients of OpenBao know
/// it. One record holds them all; each node writes its own records.
package struct AuditDevice: Sendable, Equatable {
    /// Its place below `sys/audit/`, with a slash at the end.
    package let path: String
    /// As clients name it.
    package let type: String
    package let description: String
    /// Shown as it was given; every device is of every node.
    package let isLocal: Bool
    /// As they were given, sorted by name.
    let options: [MountRecord.Option]
    /// The key of the digests in its lines, 32 bytes; drawn when the device was made.
    package let salt: [UInt8]
    /// What the options say.
    package let plan: AuditDevicePlan

    static let saltBytes = 32

    init(
        path: String,
        type: String,
        options: [MountRecord.Option],
        description: String = "",
        isLocal: Bool = false,
        salt: [UInt8]
    ) throws(VaultError) {
        precondition(salt.count == Self.saltBytes, "a device's salt has 32 bytes")
        self.path = path
        self.type = type
        self.options = options
        self.description = description
        self.isLocal = isLocal
        self.salt = salt
        plan = try AuditDevicePlan(type: type, options)
    }

    /// As `sys/audit` shows it.
    var shown: JSONObject {
        [
            "description": .string(description),
            "local": .bool(isLocal),
            "options": .object(JSONObject(options.map { ($0.name, .string($0.value)) })),
            "path": .string(path),
            "type": .string(type),
        ]
    }

    fileprivate func write(into writer: inout ByteWriter) {
        writer.writeString(path)
        writer.writeString(type)
        writer.writeString(description)
        writer.writeBool(isLocal)
        writer.writeTexts(options.map(\.name))
        writer.writeTexts(options.map(\.value))
        writer.writeBytes(salt)
    }

    /// What was stored was checked before; it is checked again, since it comes from a disk.
    fileprivate static func read(_ reader: inout ByteReader) throws(WireError) -> AuditDevice {
        let path = try reader.readString(atMost: VaultLimits.mountPathBytesMax)
        let type = try reader.readString(atMost: 128)
        let description = try reader.readString(atMost: VaultLimits.descriptionBytesMax)
        let isLocal = try reader.readBool()
        let names = try texts(&reader)
        let values = try texts(&reader)
        guard path.utf8.last == 0x2F, names.count == values.count else {
            throw .malformed("an audit device without its slash, or an option without a value")
        }
        let salt = try reader.readBytes(saltBytes)
        do throws(VaultError) {
            return try AuditDevice(
                path: path,
                type: type,
                options: zip(names, values).map { MountRecord.Option(name: $0, value: $1) },
                description: description,
                isLocal: isLocal,
                salt: salt
            )
        } catch {
            throw .malformed("an audit device: \(error.summary)")
        }
    }

    private static func texts(_ reader: inout ByteReader) throws(WireError) -> [String] {
        try reader.readTexts(
            countMax: VaultLimits.mountOptionsMax,
            bytesMax: VaultLimits.auditOptionBytesMax
        )
    }
}

/// All audit devices of a vault: one record of the system mount.
///
/// Format 1: count varint, then of each device path, type, description, whether it is local, names
/// and values of the options, salt.
package struct AuditDeviceTable: Sendable, Equatable {
    private static let formatVersion: UInt8 = 1

    /// In the order in which they were made.
    package internal(set) var devices: [AuditDevice] = []
    /// When it was written; 0 if there never was a device.
    package internal(set) var modificationIndex: UInt64 = 0

    init() {}

    /// The device at exactly this path.
    func device(at path: String) -> AuditDevice? {
        devices.first { utf8Equals($0.path, path) }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 512 * devices.count + 16)
        writer.writeUInt8(Self.formatVersion)
        writer.writeVarint(UInt64(devices.count))
        for device in devices { device.write(into: &writer) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            _ = try reader.readFormat(Self.formatVersion...Self.formatVersion, of: "audit devices")
            let count = try reader.readVarint()
            guard count <= UInt64(VaultLimits.auditDevicesMax) else {
                throw .malformed("\(count) of them")
            }
            for _ in 0..<count { devices.append(try AuditDevice.read(&reader)) }
            try reader.finish()
        } catch {
            throw .damaged("audit devices: \(error.summary)")
        }
    }
}
