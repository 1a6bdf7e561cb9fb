import Cryptography
import Shamir
import Store
import Testing
import Wire

@testable import Barrier

/// What a disk writer may try with the clear records, and what unsealing then says.
@Suite("key hierarchy")
struct HierarchyTests {
    /// The error of an unseal with enough shares.
    private func failure(_ vault: TestVault) throws -> SealError? {
        do {
            switch try tryUnseal(vault.store, vault.shares) {
            case .opened: return nil
            case .failed(let error): return error
            }
        } catch let error as SealError {
            return error
        }
    }

    private func isDamage(_ error: SealError?, of part: HierarchyPart) -> Bool {
        if case .barrier(.hierarchyDamaged(part, _)) = error { true } else { false }
    }

    private func storedBytes(_ vault: TestVault, _ key: StorageKey) throws -> [UInt8] {
        try #require(try vault.store.record(key)).valueBox
    }

    @Test("a seal record comes back from its bytes")
    func sealRecord() throws {
        let vault = try TestVault()
        let loaded = try vault.store.local.view { view throws(BarrierError) in
            try SealRecord.load(view)
        }
        #expect(loaded == vault.record)
        #expect(vault.record.sharesRequired == 3 && vault.record.sharesIssued == 5)
        #expect(vault.record.sealGeneration == 1)
        #expect(vault.record.custodyDigest.count == 32)
        let empty = try TestStore()
        #expect(
            try empty.local.view { view throws(BarrierError) in try SealRecord.load(view) } == nil
        )
    }

    @Test("any flipped bit of the seal record is found before or while unsealing")
    func flippedSealRecord() throws {
        let vault = try TestVault()
        let bytes = try storedBytes(vault, ClearRecord.sealKey)
        let machine = SealMachine(vault.record)
        #expect(machine.progress.given == 0)
        let positions =
            Array(0..<60) + Array(stride(from: 60, to: bytes.count, by: 61))
            + [bytes.count - 1, bytes.count - 33, bytes.count - 80]
        for position in positions {
            var forged = bytes
            forged[position] ^= 0x01
            try vault.store.alter(ClearRecord.sealKey) { $0.changed(valueBox: forged) }
            var isFound = false
            do { isFound = try failure(vault) != nil } catch { isFound = true }
            #expect(isFound, "byte \(position)")
        }
        try vault.store.alter(ClearRecord.sealKey) { $0.changed(valueBox: bytes) }
        #expect(try failure(vault) == nil)
    }

    @Test("a forged custody table is found even if every given share fits it")
    func forgedCustody() throws {
        let vault = try TestVault()
        let set = vault.record.shareSet
        var keys = set.custody.publicKeys
        keys[4] = [UInt8](repeating: 0x42, count: 32)
        try store(
            vault,
            SealRecord(
                shareSet: set.with(custody: CustodyTable(publicKeys: keys)),
                custodyMAC: vault.record.custodyMAC,
                rootWrap: vault.record.rootWrap,
                rootWrapMAC: vault.record.rootWrapMAC
            )
        )
        #expect(isDamage(try failure(vault), of: .sealRecord))
    }

    @Test("a root that a disk writer wrapped to the public recipient key is refused")
    func foreignRoot() throws {
        let vault = try TestVault()
        let set = vault.record.shareSet
        let root = try SecretBytes.random(count: 32)
        let wrapped = try HPKERecipient.seal(
            root,
            to: set.recipientPublicKey,
            info: Array("holdfast/root-wrap".utf8),
            associatedData: set.associatedData(generation: 1)
        )
        let wrap = SealRecord.RootWrap(
            generation: 1,
            rootCommitment: keyCommitment(.commitRoot, of: root, vaultID: set.vaultID),
            wrappedRoot: wrapped
        )
        try store(
            vault,
            SealRecord(
                shareSet: set,
                custodyMAC: vault.record.custodyMAC,
                rootWrap: wrap,
                rootWrapMAC: vault.record.rootWrapMAC
            )
        )
        #expect(isDamage(try failure(vault), of: .sealRecord))
    }

    @Test("another recipient public key is refused")
    func foreignRecipient() throws {
        let vault = try TestVault()
        let pair = try HPKERecipient.keyPair(from: try SecretBytes.random(count: 32))
        let set = vault.record.shareSet.with(recipientPublicKey: pair.publicKey)
        try store(
            vault,
            SealRecord(
                shareSet: set,
                custodyMAC: vault.record.custodyMAC,
                rootWrap: vault.record.rootWrap,
                rootWrapMAC: vault.record.rootWrapMAC
            )
        )
        #expect(isDamage(try failure(vault), of: .sealRecord))
    }

    @Test("an older seal record beside a newer keyring, or the reverse, is refused")
    func rollback() throws {
        let vault = try TestVault()
        let old = try storedBytes(vault, ClearRecord.keyringKey)
        // What rotating the root will do: the keyring of generation 2 under the same wrapping key.
        let content = try keyringContent(vault)
        let newer = KeyringContent(
            setID: content.setID,
            sealGeneration: 2,
            recipientPublicKey: content.recipientPublicKey,
            rootWrapKey: content.rootWrapKey,
            authority: content.authority,
            versions: content.versions
        )
        try storeKeyring(vault, newer)
        #expect(isDamage(try failure(vault), of: .sealRecord))

        let swapped = KeyringContent(
            setID: content.setID,
            sealGeneration: 1,
            recipientPublicKey: content.recipientPublicKey.flipped(at: 9),
            rootWrapKey: content.rootWrapKey,
            authority: content.authority,
            versions: content.versions
        )
        try storeKeyring(vault, swapped)
        #expect(isDamage(try failure(vault), of: .sealRecord))

        let otherSet = KeyringContent(
            setID: content.setID.flipped(at: 0),
            sealGeneration: 1,
            recipientPublicKey: content.recipientPublicKey,
            rootWrapKey: content.rootWrapKey,
            authority: content.authority,
            versions: content.versions
        )
        try storeKeyring(vault, otherSet)
        #expect(isDamage(try failure(vault), of: .sealRecord))

        try vault.store.alter(ClearRecord.keyringKey) { $0.changed(valueBox: old) }
        #expect(try failure(vault) == nil)
    }

    @Test("any flipped bit of the keyring record is found")
    func flippedKeyring() throws {
        let vault = try TestVault()
        let bytes = try storedBytes(vault, ClearRecord.keyringKey)
        let positions = Array(0..<90) + Array(stride(from: 90, to: bytes.count, by: 53))
        for position in positions {
            var forged = bytes
            forged[position] ^= 0x01
            try vault.store.alter(ClearRecord.keyringKey) { $0.changed(valueBox: forged) }
            let error = try failure(vault)
            switch error {
            case .barrier(.hierarchyDamaged(.keyring, _)): break
            case .barrier(.hierarchyFormat(.keyring, have: 0, want: 1)) where position == 0: break
            default: Issue.record("byte \(position): \(String(describing: error))")
            }
        }
    }

    @Test("the keyring of another vault is refused")
    func foreignKeyring() throws {
        let vault = try TestVault(seed: 1)
        let other = try TestVault(seed: 2)
        let foreign = try storedBytes(other, ClearRecord.keyringKey)
        try vault.store.alter(ClearRecord.keyringKey) { $0.changed(valueBox: foreign) }
        #expect(isDamage(try failure(vault), of: .keyring))
    }

    @Test("a missing keyring or missing keys of the system mount is said to be missing")
    func missing() throws {
        let vault = try TestVault()
        let keyring = try #require(try vault.store.record(ClearRecord.keyringKey)).encoded()
        try vault.store.overwrite(ClearRecord.keyringKey, with: nil)
        #expect(try failure(vault) == .barrier(.hierarchyMissing(.keyring)))
        try vault.store.overwrite(ClearRecord.keyringKey, with: keyring)
        try vault.store.overwrite(ClearRecord.mountKey(of: .system), with: nil)
        #expect(
            try failure(vault) == .barrier(.mountKeysMissing(mount: MountID.system.text))
        )
    }

    @Test("a newer format of any clear record is named, with both numbers")
    func formats() throws {
        let vault = try TestVault()
        let mountPart = HierarchyPart.mountKeys(mount: MountID.system.text)
        let cases: [(StorageKey, HierarchyPart)] = [
            (ClearRecord.mountKey(of: .system), mountPart), (ClearRecord.keyringKey, .keyring),
            (ClearRecord.sealKey, .sealRecord),
        ]
        for (key, part) in cases {
            try vault.store.alter(key) { $0.changed(valueBox: [9] + $0.valueBox.dropFirst()) }
            var found: BarrierError?
            do {
                if case .barrier(let error) = try failure(vault) { found = error }
            } catch {
                found = error as? BarrierError
            }
            #expect(found == .hierarchyFormat(part, have: 9, want: 1))
        }
    }

    @Test("shares that were replaced, or whose vault is gone, are not used")
    func replaced() throws {
        let vault = try TestVault(seed: 1)
        let other = try create(try ShareLayout(threshold: 3, of: 5), seed: 2, in: vault.store)
        var machine = SealMachine(vault.record)
        let given = vault.shares.prefix(3)
        for share in given {
            _ = machine.shareArrived(share, freshAttempt: [UInt8](repeating: 1, count: 16))
        }
        try store(vault, other.sealRecord)
        #expect(open(&machine, vault) == .setReplaced)
        #expect(machine.progress.given == 0)
        for share in given {
            _ = machine.shareArrived(share, freshAttempt: [UInt8](repeating: 1, count: 16))
        }
        try vault.store.overwrite(ClearRecord.sealKey, with: nil)
        #expect(open(&machine, vault) == .vaultGone)
    }

    private func open(_ machine: inout SealMachine, _ vault: TestVault) -> SealError? {
        vault.store.local.view { view in
            if case .failed(let error) = machine.open(view, epoch: 7) { error } else { nil }
        }
    }

    private func store(_ vault: TestVault, _ record: SealRecord) throws {
        try vault.store.alter(ClearRecord.sealKey) { $0.changed(valueBox: record.encoded()) }
    }

    private func storeKeyring(_ vault: TestVault, _ content: KeyringContent) throws {
        var entropy = Entropy(seed: try Random.bytes(32))
        let record = KeyringRecord(
            sealing: content,
            of: vault.keyring.identity,
            under: try wrappingKey(vault),
            entropy: &entropy
        )
        try vault.store.alter(ClearRecord.keyringKey) { $0.changed(valueBox: record.encoded()) }
    }

    private func keyringContent(_ vault: TestVault) throws -> KeyringContent {
        let key = try wrappingKey(vault)
        let stored = try vault.store.local.view { view throws(BarrierError) in
            try KeyringRecord.load(view)
        }
        return try stored.open(with: key)
    }

    /// As an unseal derives it.
    private func wrappingKey(_ vault: TestVault) throws -> SecretBytes {
        let set = vault.record.shareSet
        var shares = ShareSet(identifier: set.identifier, layout: set.layout)
        for share in vault.shares.prefix(3) { try shares.insert(try Share.parse(share)) }
        let keys = try SealRecord.SealKeys(
            try shares.combine(),
            vaultID: set.vaultID,
            setID: set.setID
        )
        let root = try vault.record.openRoot(with: keys)
        return deriveKey(.wrappingKey, from: root, vaultID: set.vaultID)
    }
}

extension SealRecord.ShareSet {
    /// The same with some parts replaced.
    func with(custody: CustodyTable? = nil, recipientPublicKey: [UInt8]? = nil) -> Self {
        SealRecord.ShareSet(
            vaultID: vaultID,
            setID: setID,
            identifier: identifier,
            layout: layout,
            recipientPublicKey: recipientPublicKey ?? self.recipientPublicKey,
            sealKeyCommitment: sealKeyCommitment,
            custody: custody ?? self.custody
        )
    }
}
