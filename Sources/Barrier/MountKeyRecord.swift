import Cryptography
import Store
import Wire

/// The keys of one mount as they are stored: wrapped by a key-encryption key of the keyring.
///
/// Layout, big-endian, of format 1:
/// ```
/// format             u8    1
/// mount id           16
/// keyring id         16
/// keyring version    u32   which key-encryption key wraps this
/// current data key   u32   newest data-key id inside
/// commitment         32    of the key-encryption key; compared before the box is opened
/// box                varint length, then nonce 24 ‖ XAES-256-GCM ciphertext ‖ tag 16
/// ```
/// In the box, big-endian:
/// ```
/// format             u8    1
/// name key           32
/// count              u16   1 or more
///   data-key id      u32   ascending, not 0
///   created          u64   cluster time, nanoseconds since 1970
///   data key         32
/// ```
/// Key of the box: HKDF(key-encryption key, mount-wrap). Associated data: label, vault id and
/// everything before the commitment. No seal generation: a rekey or a new root wraps the keyring
/// anew and leaves mount keys as they are.
struct MountKeyRecord {
    static let formatVersion: UInt8 = 1

    let mount: MountID
    let keyringID: [UInt8]
    let keyringVersion: UInt32
    let currentDataKeyID: UInt32
    private(set) var commitment: [UInt8] = []
    private(set) var box: [UInt8] = []

    // MARK: - Making

    /// Makes the keys of a new mount and wraps them.
    ///
    /// - Returns: the record to store, and the keys, ready for use in the same batch.
    static func make(
        _ mount: MountID,
        wrappedBy wrapping: KeyEncryptionKey,
        of identity: KeyringIdentity,
        time: UInt64,
        entropy: inout Entropy
    ) -> (record: MountKeyRecord, keys: MountKeys) {
        let nameKey = KeyBox(entropy.secret(32))
        let dataKey = KeyBox(entropy.secret(32))
        var record = MountKeyRecord(
            mount: mount,
            keyringID: identity.keyringID,
            keyringVersion: wrapping.version,
            currentDataKeyID: wrapping.version
        )
        var writer = SecretWriter()
        var head = ByteWriter(capacity: 16)
        head.writeUInt16(1)
        head.writeUInt32(record.currentDataKeyID)
        head.writeUInt64(time)
        writer.writeBytes([formatVersion])
        writer.writeKey(nameKey)
        writer.writeBytes(head.bytes)
        writer.writeKey(dataKey)
        record.commitment = wrapping.commitment
        record.box = wrapping.wrap.box(
            secret: writer.finish(),
            associatedData: record.associatedData(vaultID: identity.vaultID),
            entropy: &entropy
        )
        let keys = MountKeys(
            vaultID: identity.vaultID,
            mount: mount,
            modificationIndex: 0,
            nameKey: HMACKey(nameKey.secret),
            dataKeys: [DataKey(id: record.currentDataKeyID, key: XAESKey(dataKey.secret))]
        )
        return (record, keys)
    }

    private init(
        mount: MountID,
        keyringID: [UInt8],
        keyringVersion: UInt32,
        currentDataKeyID: UInt32
    ) {
        self.mount = mount
        self.keyringID = keyringID
        self.keyringVersion = keyringVersion
        self.currentDataKeyID = currentDataKeyID
    }

    // MARK: - Bytes

    /// As it is stored.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writeHead(into: &writer)
        writer.writeBytes(commitment)
        writer.writeBlob(box)
        return writer.bytes
    }

    /// - Parameter mount: under whose storage key the record was found.
    /// - Throws: ``BarrierError/hierarchyFormat(_:have:want:)``, `hierarchyDamaged`.
    init(decoding record: Record, of mount: MountID) throws(BarrierError) {
        let part = HierarchyPart.mountKeys(mount: mount.text)
        var reader = try ClearRecord.reader(of: record, part, format: Self.formatVersion)
        do throws(WireError) {
            let owner = try reader.readBytes(BarrierLimits.idBytes)
            guard owner == mount.bytes else { throw .malformed("it is of another mount") }
            self.mount = mount
            keyringID = try reader.readBytes(BarrierLimits.idBytes)
            keyringVersion = try reader.readUInt32()
            currentDataKeyID = try reader.readUInt32()
            commitment = try reader.readBytes(32)
            box = try reader.readBlob(atMost: BarrierLimits.clearRecordBytesMax)
            try reader.finish()
        } catch {
            throw .hierarchyDamaged(part, reason: error.summary)
        }
    }

    private func writeHead(into writer: inout ByteWriter) {
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(mount.bytes)
        writer.writeBytes(keyringID)
        writer.writeUInt32(keyringVersion)
        writer.writeUInt32(currentDataKeyID)
    }

    private func associatedData(vaultID: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeString("holdfast/mount-keys")
        writer.writeBytes(vaultID)
        writeHead(into: &writer)
        return writer.bytes
    }

    // MARK: - Opening

    /// Unwraps the keys.
    ///
    /// - Parameters:
    ///   - modificationIndex: of the stored record.
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)`` saying which check failed.
    func open(
        with wrapping: KeyEncryptionKey,
        of identity: KeyringIdentity,
        modificationIndex: UInt64
    ) throws(BarrierError) -> MountKeys {
        let part = HierarchyPart.mountKeys(mount: mount.text)
        precondition(wrapping.version == keyringVersion, "the keyring picks the version")
        guard keyringID == identity.keyringID else {
            throw .hierarchyDamaged(part, reason: "it is of another keyring")
        }
        guard constantTimeEquals(commitment, wrapping.commitment) else {
            throw .hierarchyDamaged(part, reason: "its key commitment does not match")
        }
        let plaintext: SecretBytes
        do throws(CryptographyError) {
            plaintext = try wrapping.wrap.unboxSecret(
                box,
                associatedData: associatedData(vaultID: identity.vaultID)
            )
        } catch {
            throw .hierarchyDamaged(part, reason: error.summary)
        }
        var reader = SecretReader(plaintext)
        do throws(WireError) {
            let format = try reader.readUInt8()
            guard format == Self.formatVersion else { throw .malformed("inner format \(format)") }
            let nameKey = HMACKey(try reader.readKey())
            let dataKeys = try readDataKeys(from: &reader)
            try reader.finish()
            return MountKeys(
                vaultID: identity.vaultID,
                mount: mount,
                modificationIndex: modificationIndex,
                nameKey: nameKey,
                dataKeys: dataKeys
            )
        } catch {
            throw .hierarchyDamaged(part, reason: error.summary)
        }
    }

    private func readDataKeys(from reader: inout SecretReader) throws(WireError) -> [DataKey] {
        let count = Int(try reader.readUInt16())
        guard (1...BarrierLimits.keyVersionsMax).contains(count) else {
            throw .malformed("\(count) data keys")
        }
        var dataKeys: [DataKey] = []
        for _ in 0..<count {
            let id = try reader.readUInt32()
            guard id > dataKeys.last?.id ?? 0 else { throw .malformed("data keys out of order") }
            _ = try reader.readUInt64()
            dataKeys.append(DataKey(id: id, key: XAESKey(try reader.readKey())))
        }
        guard dataKeys.last?.id == currentDataKeyID else {
            throw .malformed("the newest data key is not \(currentDataKeyID)")
        }
        return dataKeys
    }
}
