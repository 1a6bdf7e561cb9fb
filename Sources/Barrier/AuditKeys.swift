package import Cryptography
package import Store
import Wire

/// The keys of the audit, all derived from the keyring's secret that a rotation leaves as it is:
/// digests stay comparable, and one key opens the logs of all years.
package final class AuditKeys: Sendable {
    /// Key of the digests that stand for secrets in audit records; one for the whole cluster.
    package let hash: HMACKey
    private let vaultID: [UInt8]
    private let signingSeed: SecretBytes
    private let pairSeed: SecretBytes

    init(_ authority: KeyBox, vaultID: [UInt8]) {
        self.vaultID = vaultID
        hash = HMACKey(deriveKey(.auditMAC, from: authority.secret, vaultID: vaultID))
        signingSeed = deriveKey(.auditSigning, from: authority.secret, vaultID: vaultID)
        pairSeed = deriveKey(.auditKeyPair, from: authority.secret, vaultID: vaultID)
    }

    /// The key that signs anchors.
    package func signingKey() throws(CryptographyError) -> SigningKey {
        try SigningKey(seed: signingSeed.clone())
    }

    /// What the segments of audit logs are opened with. Takes about 0.2 ms.
    package func keyPair() throws(CryptographyError) -> HPKERecipient.KeyPair {
        try HPKERecipient.keyPair(from: pairSeed)
    }

    /// The public halves.
    func record() throws(BarrierError) -> AuditKeyRecord {
        do throws(CryptographyError) {
            return AuditKeyRecord(
                vaultID: vaultID,
                recipient: try keyPair().publicKey,
                anchorKey: try signingKey().publicKey
            )
        } catch {
            throw .cryptography(error)
        }
    }

    /// Compares the record in the clear with the keys: who can write the disk could put a key of
    /// his own there, and read everything that a sealed node records.
    ///
    /// - Throws: ``BarrierError/hierarchyMissing(_:)`` for a vault that was made without audit
    ///   keys, `hierarchyDamaged` for other keys.
    func check(_ stored: AuditKeyRecord?) throws(BarrierError) {
        guard let stored else { throw .hierarchyMissing(.auditKeys) }
        guard try stored == record() else {
            throw .hierarchyDamaged(.auditKeys, reason: "these are not the keys of this vault")
        }
    }
}

/// The public halves of the audit keys, in the clear, so that a sealed node can write its log and
/// anybody can verify one.
///
/// Layout: format u8, 1 · vault id 16 · X-Wing public key 1216 · Ed25519 public key 32.
package struct AuditKeyRecord: Sendable, Equatable {
    static let formatVersion: UInt8 = 1

    /// 16 bytes.
    package let vaultID: [UInt8]
    /// 1216 bytes: whom segments of audit logs are sealed to.
    package let recipient: [UInt8]
    /// 32 bytes: whose signature anchors carry.
    package let anchorKey: [UInt8]

    init(vaultID: [UInt8], recipient: [UInt8], anchorKey: [UInt8]) {
        self.vaultID = vaultID
        self.recipient = recipient
        self.anchorKey = anchorKey
    }

    /// The record in the store; nil where there is no vault.
    ///
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)``, `hierarchyFormat`, `store`.
    package static func load(
        _ view: borrowing ReadView
    ) throws(BarrierError) -> AuditKeyRecord? {
        let record: Record?
        do throws(StoreError) {
            record = try view.record(ClearRecord.auditKey)
        } catch {
            throw .store(error)
        }
        return try record.map { record throws(BarrierError) in try AuditKeyRecord(decoding: record)
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 1_280)
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(vaultID)
        writer.writeBytes(recipient)
        writer.writeBytes(anchorKey)
        return writer.bytes
    }

    init(decoding record: Record) throws(BarrierError) {
        var reader = try ClearRecord.reader(of: record, .auditKeys, format: Self.formatVersion)
        do throws(WireError) {
            vaultID = try reader.readBytes(BarrierLimits.idBytes)
            recipient = try reader.readBytes(HPKERecipient.publicKeyBytes)
            anchorKey = try reader.readBytes(SigningKey.publicKeyBytes)
            try reader.finish()
        } catch {
            throw .unreadable(.auditKeys, error)
        }
    }
}
