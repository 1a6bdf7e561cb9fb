import Cryptography
package import Store
import Synchronization
import Wire

/// What an unsealed node has: keys of the mounts, K_batch, K_token and the audit keys. Nothing that
/// needs shares is in it, neither root key nor seal key.
///
/// Shared by all threads of a node while it is unsealed. When the last reference goes, all keys are
/// wiped.
///
/// Mount keys are opened when the keyring is installed, and again when a view shows a newer record
/// of them: another node may have made the mount, or given it a new data key.
package final class Keyring: Sendable {
    /// Counts the recoveries of the cluster that this node belongs to; part of every batch's tag.
    package let epoch: UInt64

    let identity: KeyringIdentity
    private let batchKey: HMACKey
    private let tokenKey: HMACKey
    /// What audit logs are written, read and signed with; see ``AuditKeys``.
    package let audit: AuditKeys
    /// Ascending by version, at least one.
    private let versions: [KeyEncryptionKey]
    /// Looked up by mount, never iterated.
    private let mounts = Mutex<[MountID: MountKeys]>([:])

    init(_ content: KeyringContent, of identity: KeyringIdentity, epoch: UInt64) {
        self.identity = identity
        self.epoch = epoch
        let vaultID = identity.vaultID
        batchKey = HMACKey(
            deriveKey(.batchMAC, from: content.authority.secret, vaultID: vaultID)
        )
        tokenKey = HMACKey(
            deriveKey(.tokenMAC, from: content.authority.secret, vaultID: vaultID)
        )
        audit = AuditKeys(content.authority, vaultID: vaultID)
        versions = content.versions.map { version in
            KeyEncryptionKey(version: version.number, key: version.key.secret, vaultID: vaultID)
        }
    }

    /// 16 bytes; the same after a restore into another cluster.
    package var vaultID: [UInt8] { identity.vaultID }

    /// The version of the key-encryption key that wraps new mount keys. The HTTP API's "term".
    package var activeVersion: UInt32 { wrapping.version }

    /// Where a token's record is kept: hex of HMAC-SHA256(K_token, token), 64 digits. A credential
    /// is never a name on disk.
    package func tokenPath(_ token: [UInt8]) -> String {
        Hex.encode(tokenKey.tag(token))
    }

    /// The tag of a batch under K_batch: 32 bytes.
    func batchTag(_ message: [UInt8]) -> [UInt8] {
        batchKey.tag(message)
    }

    /// The key-encryption key of that version, if there is one.
    func keyEncryptionKey(_ version: UInt32) -> KeyEncryptionKey? {
        versions.first { $0.version == version }
    }

    /// Wraps new mount keys.
    var wrapping: KeyEncryptionKey {
        guard let newest = versions.last else { preconditionFailure("a keyring has a version") }
        return newest
    }
}

// MARK: - Mount keys

extension Keyring {
    /// The keys of a mount as this view shows them: from the cache if the record is unchanged.
    ///
    /// - Throws: ``BarrierError/mountKeysMissing(mount:)``, `hierarchyDamaged`, `hierarchyFormat`,
    ///   `store`.
    package func mountKeys(
        of mount: MountID,
        in view: borrowing ReadView
    ) throws(BarrierError) -> MountKeys {
        let record: Record?
        do throws(StoreError) {
            record = try view.record(ClearRecord.mountKey(of: mount))
        } catch {
            throw .store(error)
        }
        let cached = cachedKeys(of: mount)
        guard let record else {
            if let cached, cached.modificationIndex <= view.evaluatedIndex { forget(cached) }
            throw .mountKeysMissing(mount: mount.text)
        }
        if let cached, cached.modificationIndex == record.modificationIndex { return cached }
        let keys = try open(record, of: mount)
        keep(keys)
        return keys
    }

    /// Opens the keys of all mounts that the view shows.
    ///
    /// A damaged record of one mount costs that mount, not the unseal: it is found again when the
    /// mount is used. The system mount has to be sound.
    func loadAll(in view: borrowing ReadView) throws(BarrierError) {
        _ = try mountKeys(of: .system, in: view)
        do {
            try view.scan(ClearRecord.mountKeys) { key, record in
                if let mount = MountID(Array(key.bytes.suffix(BarrierLimits.idBytes))),
                    let keys = try? open(record, of: mount)
                {
                    keep(keys)
                }
                return true
            }
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            preconditionFailure("a scan throws what its body or the store throws")
        }
    }

    /// The keys that some view loaded before.
    func cachedKeys(of mount: MountID) -> MountKeys? {
        mounts.withLock { $0[mount] }
    }

    private func open(_ record: Record, of mount: MountID) throws(BarrierError) -> MountKeys {
        let stored = try MountKeyRecord(decoding: record, of: mount)
        guard let wrapping = versions.first(where: { $0.version == stored.keyringVersion }) else {
            throw .hierarchyDamaged(
                .mountKeys(mount: mount.text),
                reason: "keyring version \(stored.keyringVersion) does not exist"
            )
        }
        return try stored.open(
            with: wrapping,
            of: identity,
            modificationIndex: record.modificationIndex
        )
    }

    /// An older view must not bring back older keys.
    private func keep(_ keys: MountKeys) {
        mounts.withLock { mounts in
            let have = mounts[keys.mount]?.modificationIndex ?? 0
            if keys.modificationIndex >= have { mounts[keys.mount] = keys }
        }
    }

    private func forget(_ keys: MountKeys) {
        mounts.withLock { mounts in
            if mounts[keys.mount] === keys { mounts[keys.mount] = nil }
        }
    }
}
