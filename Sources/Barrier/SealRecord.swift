import Cryptography
package import Shamir
package import Store
import Wire

/// What a sealed node knows about its seal: who has to come together, how to tell a right share
/// from a wrong one, and the root key, wrapped. In the clear, under a fixed storage key.
///
/// Layout, big-endian, of format 1. Share set (made by init or rekey, fixed for the set's life):
/// ```
/// format                u8    1
/// seal type             string, "shamir"
/// vault id              16
/// set id                16    random, one for each share set
/// identifier            u16   15 bits, stands on every share of the set
/// groups needed         u8
/// group count           u8    1 to 16; for each: members needed u8, members u8
/// recipient public key  1216  X-Wing; its seed is HKDF(seal key, seal-key-pair)
/// seal key commitment   32    HKDF(seal key, commit-seal-key): accepts or refuses a set of shares
/// slot count            u16   for each slot, by group, then member: Ed25519 public key 32
/// custody MAC           32    over all of the above; key HKDF(seal key, custody-mac)
/// ```
/// Root wrap (made anew with every new root, which needs no shares):
/// ```
/// seal generation       u64   1 at init
/// root key commitment   32    HKDF(root key, commit-root)
/// wrapped root key      varint length, then HPKE base mode to the recipient: 1120 ‖ 32 ‖ 16
/// root wrap MAC         32    over vault id, set id and the three above; key HKDF(seal key,
///                             root-wrap)
/// ```
/// Associated data of the wrap: label, seal type, vault id, set id, seal generation.
///
/// Why two MACs, and why not under the root key. Everybody can wrap a root of his own to a public
/// key, and then MAC whatever he likes with keys derived from it: a disk writer could so replace
/// the whole hierarchy by one that he can read. Both keys therefore come from the seal key, which
/// only shares give. The key of the root wrap MAC is also kept inside the barrier, so an unsealed
/// node can wrap a new root; the key of the custody MAC is not, so who takes an unsealed node's
/// memory still cannot appoint share holders.
package struct SealRecord: Sendable, Equatable {
    static let formatVersion: UInt8 = 1

    /// The part that stays as it is for the life of a share set.
    package struct ShareSet: Sendable, Equatable {
        /// 16 bytes.
        package let vaultID: [UInt8]
        /// 16 bytes.
        package let setID: [UInt8]
        /// 15 bits, the same on every share.
        package let identifier: UInt16
        package let layout: ShareLayout
        /// 1216 bytes.
        package let recipientPublicKey: [UInt8]
        /// 32 bytes.
        package let sealKeyCommitment: [UInt8]
        package let custody: CustodyTable
    }

    /// The part that a new root replaces.
    struct RootWrap: Sendable, Equatable {
        let generation: UInt64
        let rootCommitment: [UInt8]
        let wrappedRoot: [UInt8]
    }

    /// Who has to come together, and what their shares are checked against.
    package let shareSet: ShareSet
    let custodyMAC: [UInt8]
    let rootWrap: RootWrap
    let rootWrapMAC: [UInt8]

    /// The only kind of seal so far.
    package static let sealType = "shamir"

    /// 16 bytes; the same after a restore into another cluster.
    package var vaultID: [UInt8] { shareSet.vaultID }

    /// Counts the roots of this vault; 1 at init.
    package var sealGeneration: UInt64 { rootWrap.generation }

    /// Shares that have to be given in the cheapest case. For one group: its threshold.
    package var sharesRequired: Int {
        let layout = shareSet.layout
        return layout.groups.map(\.threshold).sorted().prefix(layout.groupThreshold).reduce(0, +)
    }

    /// Shares that were issued.
    package var sharesIssued: Int { shareSet.layout.shareCount }

    /// SHA-256 over the share set's part of the record: stands on every share sheet, so a holder
    /// can compare before he gives his share to a node.
    package var custodyDigest: [UInt8] { sha256(shareSet.encoded()) }

    /// The seal record in the store; nil if there is no vault yet.
    ///
    /// Nothing in it is verified: that takes the seal key. See ``SealMachine``.
    /// - Throws: ``BarrierError/hierarchyFormat(_:have:want:)``, `hierarchyDamaged`, `store`.
    package static func load(_ view: borrowing ReadView) throws(BarrierError) -> SealRecord? {
        let record: Record?
        do throws(StoreError) {
            record = try view.record(ClearRecord.sealKey)
        } catch {
            throw .store(error)
        }
        guard let record else { return nil }
        return try SealRecord(decoding: record)
    }
}

// MARK: - Making and checking

extension SealRecord {
    /// Keys that a seal key gives, and what they are checked against.
    struct SealKeys: ~Copyable {
        let commitment: [UInt8]
        let recipient: HPKERecipient.KeyPair
        let custodyMAC: HMACKey
        /// Kept inside the barrier too.
        let rootWrap: KeyBox

        init(
            _ sealKey: borrowing SecretBytes,
            vaultID: [UInt8],
            setID: [UInt8]
        ) throws(CryptographyError) {
            commitment = keyCommitment(
                .commitSealKey,
                of: sealKey,
                vaultID: vaultID,
                context: setID
            )
            recipient = try HPKERecipient.keyPair(
                from: deriveKey(.sealKeyPair, from: sealKey, vaultID: vaultID, context: setID)
            )
            custodyMAC = HMACKey(
                deriveKey(.custodyMAC, from: sealKey, vaultID: vaultID, context: setID)
            )
            rootWrap = KeyBox(
                deriveKey(.rootWrap, from: sealKey, vaultID: vaultID, context: setID)
            )
        }
    }

    /// Wraps `rootKey` for a share set whose keys are at hand.
    init(
        _ shareSet: ShareSet,
        wrapping rootKey: borrowing SecretBytes,
        generation: UInt64,
        with keys: borrowing SealKeys
    ) throws(CryptographyError) {
        let wrapped = try HPKERecipient.seal(
            rootKey,
            to: shareSet.recipientPublicKey,
            info: Self.wrapInfo,
            associatedData: shareSet.associatedData(generation: generation)
        )
        let wrap = RootWrap(
            generation: generation,
            rootCommitment: keyCommitment(.commitRoot, of: rootKey, vaultID: shareSet.vaultID),
            wrappedRoot: wrapped
        )
        self.shareSet = shareSet
        custodyMAC = keys.custodyMAC.tag(shareSet.encoded())
        rootWrap = wrap
        rootWrapMAC = HMACKey(keys.rootWrap.secret).tag(wrap.authenticated(of: shareSet))
    }

    /// Checks everything in the record with the seal key's help and unwraps the root key.
    ///
    /// - Precondition: the caller compared the seal key's commitment.
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)`` saying which check failed.
    func openRoot(with keys: borrowing SealKeys) throws(BarrierError) -> SecretBytes {
        precondition(constantTimeEquals(keys.commitment, shareSet.sealKeyCommitment))
        guard keys.custodyMAC.verifies(custodyMAC, shareSet.encoded()) else {
            throw .hierarchyDamaged(.sealRecord, reason: "the custody table's MAC does not match")
        }
        guard keys.recipient.publicKey == shareSet.recipientPublicKey else {
            throw .hierarchyDamaged(.sealRecord, reason: "the recipient key is not the seal's")
        }
        let rootMAC = HMACKey(keys.rootWrap.secret)
        guard rootMAC.verifies(rootWrapMAC, rootWrap.authenticated(of: shareSet)) else {
            throw .hierarchyDamaged(.sealRecord, reason: "the root wrap's MAC does not match")
        }
        let rootKey: SecretBytes
        do throws(CryptographyError) {
            rootKey = try keys.recipient.privateKey.open(
                rootWrap.wrappedRoot,
                info: Self.wrapInfo,
                associatedData: shareSet.associatedData(generation: rootWrap.generation)
            )
        } catch {
            throw .hierarchyDamaged(.sealRecord, reason: "root wrap: \(error.summary)")
        }
        let commitment = keyCommitment(.commitRoot, of: rootKey, vaultID: vaultID)
        guard constantTimeEquals(commitment, rootWrap.rootCommitment) else {
            throw .hierarchyDamaged(.sealRecord, reason: "the root key's commitment does not match")
        }
        return rootKey
    }

    private static let wrapInfo = Array("holdfast/root-wrap".utf8)
}

// MARK: - Bytes

extension SealRecord {
    /// As it is stored.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 3_072)
        writer.writeBytes(shareSet.encoded())
        writer.writeBytes(custodyMAC)
        rootWrap.write(into: &writer)
        writer.writeBytes(rootWrapMAC)
        return writer.bytes
    }

    /// - Throws: ``BarrierError/hierarchyFormat(_:have:want:)``, `hierarchyDamaged`.
    init(decoding record: Record) throws(BarrierError) {
        var reader = try ClearRecord.reader(of: record, .sealRecord, format: Self.formatVersion)
        do throws(WireError) {
            shareSet = try ShareSet(from: &reader)
            custodyMAC = try reader.readBytes(32)
            rootWrap = try RootWrap(from: &reader)
            rootWrapMAC = try reader.readBytes(32)
            try reader.finish()
        } catch {
            throw .hierarchyDamaged(.sealRecord, reason: error.summary)
        }
    }
}

extension SealRecord.RootWrap {
    func write(into writer: inout ByteWriter) {
        writer.writeUInt64(generation)
        writer.writeBytes(rootCommitment)
        writer.writeBlob(wrappedRoot)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        generation = try reader.readUInt64()
        rootCommitment = try reader.readBytes(32)
        wrappedRoot = try reader.readBlob(atMost: 4_096)
    }

    /// What the root wrap MAC covers.
    func authenticated(of shareSet: SealRecord.ShareSet) -> [UInt8] {
        var writer = ByteWriter(capacity: 1_400)
        writer.writeString("holdfast/root-wrap-mac")
        writer.writeBytes(shareSet.vaultID)
        writer.writeBytes(shareSet.setID)
        write(into: &writer)
        return writer.bytes
    }
}

extension SealRecord.ShareSet {
    /// The share set's part of the record, format version first. What the custody MAC covers.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 2_048)
        writer.writeUInt8(SealRecord.formatVersion)
        writer.writeString(SealRecord.sealType)
        writer.writeBytes(vaultID)
        writer.writeBytes(setID)
        writer.writeUInt16(identifier)
        writer.writeUInt8(UInt8(layout.groupThreshold))
        writer.writeUInt8(UInt8(layout.groups.count))
        for group in layout.groups {
            writer.writeUInt8(UInt8(group.threshold))
            writer.writeUInt8(UInt8(group.count))
        }
        writer.writeBytes(recipientPublicKey)
        writer.writeBytes(sealKeyCommitment)
        writer.writeUInt16(UInt16(custody.publicKeys.count))
        for key in custody.publicKeys {
            writer.writeBytes(key)
        }
        return writer.bytes
    }

    /// Reads what ``encoded()`` writes, behind the format version.
    init(from reader: inout ByteReader) throws(WireError) {
        let sealType = try reader.readString(atMost: 64)
        guard utf8Equals(sealType, SealRecord.sealType) else {
            throw .malformed("seal type is not \(SealRecord.sealType)")
        }
        vaultID = try reader.readBytes(BarrierLimits.idBytes)
        setID = try reader.readBytes(BarrierLimits.idBytes)
        identifier = try reader.readUInt16()
        guard identifier >> 15 == 0 else { throw .malformed("identifier of 16 bits") }
        layout = try Self.readLayout(from: &reader)
        recipientPublicKey = try reader.readBytes(HPKERecipient.publicKeyBytes)
        sealKeyCommitment = try reader.readBytes(32)
        let slots = Int(try reader.readUInt16())
        guard slots == layout.shareCount, slots <= BarrierLimits.custodySlotsMax else {
            throw .malformed("\(slots) slots for \(layout.shareCount) shares")
        }
        var keys: [[UInt8]] = []
        for _ in 0..<slots {
            keys.append(try reader.readBytes(SigningKey.publicKeyBytes))
        }
        custody = CustodyTable(publicKeys: keys)
    }

    private static func readLayout(
        from reader: inout ByteReader
    ) throws(WireError) -> ShareLayout {
        let needed = Int(try reader.readUInt8())
        let count = Int(try reader.readUInt8())
        var groups: [GroupSpec] = []
        for _ in 0..<count {
            let threshold = Int(try reader.readUInt8())
            groups.append(GroupSpec(threshold: threshold, count: Int(try reader.readUInt8())))
        }
        do throws(ShareLayoutError) {
            return try ShareLayout(groupThreshold: needed, groups: groups)
        } catch {
            throw .malformed(error.summary)
        }
    }

    /// What the root wrap is bound to.
    func associatedData(generation: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeString("holdfast/root-wrap")
        writer.writeString(SealRecord.sealType)
        writer.writeBytes(vaultID)
        writer.writeBytes(setID)
        writer.writeUInt64(generation)
        return writer.bytes
    }
}
