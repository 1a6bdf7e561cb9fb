import Cryptography
import Store
import Wire

/// Names a keyring inside its vault.
struct KeyringIdentity: Sendable, Equatable {
    /// 16 bytes, drawn at creation and kept across a restore.
    let vaultID: [UInt8]
    /// 16 bytes, drawn with the keyring.
    let keyringID: [UInt8]
}

/// One version of the key that wraps mount keys, ready for use. 1 is the first version.
struct KeyEncryptionKey: Sendable {
    let version: UInt32
    /// HKDF(key-encryption key, mount-wrap).
    let wrap: XAESKey
    /// HKDF(key-encryption key, batch-token).
    let token: XAESKey
    /// HKDF(key-encryption key, commit-mount-key): 32 bytes, public.
    let commitment: [UInt8]

    init(version: UInt32, key: borrowing SecretBytes, vaultID: [UInt8]) {
        self.version = version
        wrap = XAESKey(deriveKey(.mountWrap, from: key, vaultID: vaultID))
        token = XAESKey(deriveKey(.batchToken, from: key, vaultID: vaultID))
        commitment = keyCommitment(.commitMountKey, of: key, vaultID: vaultID)
    }
}

/// What is inside a keyring record: all that is needed to install a keyring, and what an unsealed
/// node must know about the seal to make a new root without shares.
struct KeyringContent: Sendable {
    static let formatVersion: UInt8 = 1

    /// One stored version of a key-encryption key.
    struct Version: Sendable {
        let number: UInt32
        /// Cluster time, nanoseconds since 1970.
        let created: UInt64
        let key: KeyBox
    }

    /// The share set that the recipient key belongs to.
    let setID: [UInt8]
    let sealGeneration: UInt64
    /// The true public half that roots are wrapped to. The copy in the seal record is in the clear,
    /// where a disk writer could put his own.
    let recipientPublicKey: [UInt8]
    /// Authenticates root wraps; see ``SealRecord``.
    let rootWrapKey: KeyBox
    /// K_batch, K_token and what later steps need are derived from it, each for its purpose.
    let authority: KeyBox
    /// Ascending, at least one; the last is the one that wraps.
    let versions: [Version]

    /// In locked memory, big-endian: format u8 · set id 16 · seal generation u64 · recipient public
    /// key 1216 · root-wrap key 32 · authority key 32 · count u16 · for each version: number u32,
    /// created u64, key 32.
    func encoded() -> SecretBytes {
        var writer = SecretWriter()
        var head = ByteWriter(capacity: 1_300)
        head.writeUInt8(Self.formatVersion)
        head.writeBytes(setID)
        head.writeUInt64(sealGeneration)
        head.writeBytes(recipientPublicKey)
        writer.writeBytes(head.bytes)
        writer.writeKey(rootWrapKey)
        writer.writeKey(authority)
        writer.writeBytes([UInt8(versions.count >> 8), UInt8(versions.count & 0xFF)])
        for version in versions {
            var header = ByteWriter(capacity: 12)
            header.writeUInt32(version.number)
            header.writeUInt64(version.created)
            writer.writeBytes(header.bytes)
            writer.writeKey(version.key)
        }
        return writer.finish()
    }
}

extension KeyringContent {
    /// Reads what ``encoded()`` writes.
    init(decoding secret: consuming SecretBytes) throws(WireError) {
        var reader = SecretReader(secret)
        let format = try reader.readUInt8()
        guard format == Self.formatVersion else { throw .malformed("inner format \(format)") }
        setID = try reader.readBytes(BarrierLimits.idBytes)
        sealGeneration = try reader.readUInt64()
        recipientPublicKey = try reader.readBytes(HPKERecipient.publicKeyBytes)
        rootWrapKey = KeyBox(try reader.readKey())
        authority = KeyBox(try reader.readKey())
        let count = Int(try reader.readUInt16())
        guard (1...BarrierLimits.keyVersionsMax).contains(count) else {
            throw .malformed("\(count) keyring versions")
        }
        var versions: [Version] = []
        for _ in 0..<count {
            let number = try reader.readUInt32()
            guard number > versions.last?.number ?? 0 else {
                throw .malformed("keyring versions out of order")
            }
            let created = try reader.readUInt64()
            let key = KeyBox(try reader.readKey())
            versions.append(Version(number: number, created: created, key: key))
        }
        try reader.finish()
        self.versions = versions
    }
}

/// The keyring as it is stored: sealed under a key derived from the wrapping key.
///
/// Layout, big-endian, of format 1:
/// ```
/// format             u8    1
/// vault id           16
/// keyring id         16
/// oldest version     u32   lowest key-encryption key inside
/// active version     u32   the one that wraps
/// seal generation    u64   of the root that this was wrapped under
/// commitment         32    of the wrapping key; compared before the box is opened
/// box                varint length, then nonce 24 ‖ XAES-256-GCM ciphertext ‖ tag 16
/// ```
/// Key of the box: HKDF(wrapping key, keyring). Associated data: label and everything before the
/// commitment. Content: ``KeyringContent``.
struct KeyringRecord {
    static let formatVersion: UInt8 = 1

    let identity: KeyringIdentity
    let oldestVersion: UInt32
    let activeVersion: UInt32
    let sealGeneration: UInt64
    private(set) var commitment: [UInt8] = []
    private(set) var box: [UInt8] = []

    /// Seals a keyring.
    init(
        sealing content: KeyringContent,
        of identity: KeyringIdentity,
        under wrappingKey: borrowing SecretBytes,
        entropy: inout Entropy
    ) {
        guard let oldest = content.versions.first, let active = content.versions.last else {
            preconditionFailure("a keyring has a version")
        }
        self.identity = identity
        oldestVersion = oldest.number
        activeVersion = active.number
        sealGeneration = content.sealGeneration
        commitment = keyCommitment(.commitKeyring, of: wrappingKey, vaultID: identity.vaultID)
        let key = deriveKey(.keyring, from: wrappingKey, vaultID: identity.vaultID)
        box = XAESKey(key).box(
            secret: content.encoded(),
            associatedData: associatedData,
            entropy: &entropy
        )
    }

    /// The keyring record in the store.
    ///
    /// - Throws: ``BarrierError/hierarchyMissing(_:)``, `hierarchyFormat`, `hierarchyDamaged`.
    static func load(_ view: borrowing ReadView) throws(BarrierError) -> KeyringRecord {
        let record: Record?
        do throws(StoreError) {
            record = try view.record(ClearRecord.keyringKey)
        } catch {
            throw .store(error)
        }
        guard let record else { throw .hierarchyMissing(.keyring) }
        return try KeyringRecord(decoding: record)
    }

    /// As it is stored.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 2_048)
        writeHead(into: &writer)
        writer.writeBytes(commitment)
        writer.writeBlob(box)
        return writer.bytes
    }

    /// - Throws: ``BarrierError/hierarchyFormat(_:have:want:)``, `hierarchyDamaged`.
    init(decoding record: Record) throws(BarrierError) {
        var reader = try ClearRecord.reader(of: record, .keyring, format: Self.formatVersion)
        do throws(WireError) {
            let vaultID = try reader.readBytes(BarrierLimits.idBytes)
            let keyringID = try reader.readBytes(BarrierLimits.idBytes)
            identity = KeyringIdentity(vaultID: vaultID, keyringID: keyringID)
            oldestVersion = try reader.readUInt32()
            activeVersion = try reader.readUInt32()
            sealGeneration = try reader.readUInt64()
            commitment = try reader.readBytes(32)
            box = try reader.readBlob(atMost: BarrierLimits.clearRecordBytesMax)
            try reader.finish()
        } catch {
            throw .hierarchyDamaged(.keyring, reason: error.summary)
        }
    }

    /// Opens the keyring and checks that its head says what its inside says.
    ///
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)`` saying which check failed.
    func open(with wrappingKey: borrowing SecretBytes) throws(BarrierError) -> KeyringContent {
        let vaultID = identity.vaultID
        let want = keyCommitment(.commitKeyring, of: wrappingKey, vaultID: vaultID)
        guard constantTimeEquals(commitment, want) else {
            throw .hierarchyDamaged(.keyring, reason: "its key commitment does not match")
        }
        let key = XAESKey(deriveKey(.keyring, from: wrappingKey, vaultID: vaultID))
        let content: KeyringContent
        do {
            content = try KeyringContent(
                decoding: key.unboxSecret(box, associatedData: associatedData)
            )
        } catch let error as any OperatorError {
            throw .hierarchyDamaged(.keyring, reason: error.summary)
        } catch {
            throw .hierarchyDamaged(.keyring, reason: "\(error)")
        }
        guard content.versions.first?.number == oldestVersion,
            content.versions.last?.number == activeVersion,
            content.sealGeneration == sealGeneration
        else {
            throw .hierarchyDamaged(.keyring, reason: "its head does not fit its content")
        }
        return content
    }

    private func writeHead(into writer: inout ByteWriter) {
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(identity.vaultID)
        writer.writeBytes(identity.keyringID)
        writer.writeUInt32(oldestVersion)
        writer.writeUInt32(activeVersion)
        writer.writeUInt64(sealGeneration)
    }

    private var associatedData: [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeString("holdfast/keyring")
        writeHead(into: &writer)
        return writer.bytes
    }
}
