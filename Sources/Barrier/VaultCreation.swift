package import Cryptography
package import Shamir
package import Store
import Wire

/// A vault that exists on paper: nothing is stored until the batch is committed.
///
/// Shares and root token leave once, after the commit; then drop this and they are wiped.
package struct CreatedVault: ~Copyable, Sendable {
    /// Everything of the vault that is stored, guarded by "there is no seal record".
    package let batch: WriteBatch
    /// All shares, ordered by slot.
    package let shares: ShareBundle
    /// "s." and 24 characters 0-9, A-Z, a-z.
    package let rootToken: SecretBytes
    /// What the batch stores as seal record.
    package let sealRecord: SealRecord
}

/// Makes a vault.
package enum VaultCreation {
    /// What the caller of ``make(layout:facts:entropy:populate:)`` decides.
    package struct Facts: Sendable {
        /// Evaluated index of the view that showed no seal record.
        package let baseIndex: UInt64
        /// 16 bytes, the batch's id.
        package let requestID: [UInt8]
        /// Cluster time, nanoseconds since 1970.
        package let time: UInt64
        /// Of the cluster, from the node's hard state.
        package let epoch: UInt64

        package init(baseIndex: UInt64, requestID: [UInt8], time: UInt64, epoch: UInt64) {
            self.baseIndex = baseIndex
            self.requestID = requestID
            self.time = time
            self.epoch = epoch
        }
    }

    /// Makes every key of a vault, splits the seal key, and seals the first records.
    ///
    /// Seal key and root key are wiped before this returns; the keyring when the caller's closure
    /// and this call are done. A vault is created sealed.
    /// - Parameters:
    ///   - layout: who has to come together.
    ///   - facts: time, ids and indexes.
    ///   - entropy: of this request. The HPKE encapsulation draws from the system besides, so two
    ///     calls with one seed differ in the root's wrap.
    ///   - populate: writes the first records, of the system mount (whose keys are there) and of
    ///     mounts that it creates. Gets the root token's text; `keyring.tokenPath` gives its place.
    /// - Throws: what `populate` throws; ``BarrierError/cryptography(_:)`` if the system's random
    ///   source fails; ``BarrierError/batchTooLong(have:limit:)``.
    /// - Complexity: about 20 ms, most of it in the shares.
    package static func make(
        layout: ShareLayout,
        facts: Facts,
        entropy: consuming Entropy,
        populate: (inout BatchBuilder, borrowing SecretBytes) throws(BarrierError) -> Void
    ) throws(BarrierError) -> CreatedVault {
        let vaultID = entropy.bytes(BarrierLimits.idBytes)
        let identity = KeyringIdentity(
            vaultID: vaultID,
            keyringID: entropy.bytes(BarrierLimits.idBytes)
        )
        let rootToken = makeToken(&entropy)
        let seal: MadeSeal
        do throws(CryptographyError) {
            seal = try makeSeal(layout, vaultID: vaultID, entropy: &entropy)
        } catch {
            throw .cryptography(error)
        }
        let content = makeContent(seal.record, seal.rootWrapKey, facts, &entropy)
        let wrappingKey = deriveKey(.wrappingKey, from: seal.rootKey, vaultID: vaultID)
        let keyringRecord = KeyringRecord(
            sealing: content,
            of: identity,
            under: wrappingKey,
            entropy: &entropy
        )
        let keyring = Keyring(content, of: identity, epoch: facts.epoch)

        var builder = BatchBuilder(
            keyring: keyring,
            baseIndex: facts.baseIndex,
            requestID: facts.requestID,
            time: facts.time,
            entropy: entropy
        )
        builder.checkClear(ClearRecord.sealKey, modificationIndex: 0)
        builder.putClear(ClearRecord.sealKey, seal.record.encoded())
        builder.putClear(ClearRecord.keyringKey, keyringRecord.encoded())
        builder.putClear(ClearRecord.auditKey, try keyring.audit.record().encoded())
        try builder.createMount(.system)
        try populate(&builder, rootToken)
        let batch = try builder.finish()
        let record = seal.record
        return CreatedVault(
            batch: batch,
            shares: seal.takeShares(),
            rootToken: rootToken,
            sealRecord: record
        )
    }

    /// A seal and what it protects, between making and storing.
    private struct MadeSeal: ~Copyable {
        let record: SealRecord
        let rootWrapKey: KeyBox
        let rootKey: SecretBytes
        let shares: ShareBundle

        consuming func takeShares() -> ShareBundle { shares }
    }

    private static func makeSeal(
        _ layout: ShareLayout,
        vaultID: [UInt8],
        entropy: inout Entropy
    ) throws(CryptographyError) -> MadeSeal {
        let setID = entropy.bytes(BarrierLimits.idBytes)
        let number = entropy.bytes(2)
        let identifier = (UInt16(number[0]) << 8 | UInt16(number[1])) & 0x7FFF
        let sealKey = entropy.secret(32)
        let rootKey = entropy.secret(32)
        let keys = try SealRecord.SealKeys(sealKey, vaultID: vaultID, setID: setID)
        var branch = EntropyBranch(&entropy)
        let shares = try split(sealKey, layout: layout, identifier: identifier, entropy: &branch)
        let shareSet = SealRecord.ShareSet(
            vaultID: vaultID,
            setID: setID,
            identifier: identifier,
            layout: layout,
            recipientPublicKey: keys.recipient.publicKey,
            sealKeyCommitment: keys.commitment,
            custody: try CustodyTable(of: shares, vaultID: vaultID, setID: setID)
        )
        let record = try SealRecord(shareSet, wrapping: rootKey, generation: 1, with: keys)
        return MadeSeal(
            record: record,
            rootWrapKey: keys.rootWrap,
            rootKey: rootKey,
            shares: shares
        )
    }

    private static func makeContent(
        _ record: SealRecord,
        _ rootWrapKey: KeyBox,
        _ facts: Facts,
        _ entropy: inout Entropy
    ) -> KeyringContent {
        let first = KeyringContent.Version(
            number: 1,
            created: facts.time,
            key: KeyBox(entropy.secret(32))
        )
        return KeyringContent(
            setID: record.shareSet.setID,
            sealGeneration: record.sealGeneration,
            recipientPublicKey: record.shareSet.recipientPublicKey,
            rootWrapKey: rootWrapKey,
            authority: KeyBox(entropy.secret(32)),
            versions: [first]
        )
    }

    private static func makeToken(_ entropy: inout Entropy) -> SecretBytes {
        let prefix = Array("s.".utf8)
        let random = entropy.base62(BarrierLimits.tokenCharacters)
        return SecretBytes(count: prefix.count + random.count) { target in
            for position in prefix.indices { target[position] = prefix[position] }
            random.withBytes { bytes in
                for position in bytes.indices {
                    target[prefix.count + position] = bytes[position]
                }
            }
        }
    }
}

/// A stream of its own, branched off a request's entropy, for code that wants a source it can pass
/// on. Copies share the stream.
struct EntropyBranch: EntropySource {
    private final class Stream {
        var entropy: Entropy
        init(_ entropy: consuming Entropy) { self.entropy = entropy }
    }

    private let stream: Stream

    init(_ entropy: inout Entropy) {
        stream = Stream(Entropy(seed: entropy.secret(Entropy.seedBytes)))
    }

    mutating func secret(count: Int) throws(CryptographyError) -> SecretBytes {
        stream.entropy.secret(count)
    }
}
