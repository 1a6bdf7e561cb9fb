import Cryptography
import Shamir
import Store
import Testing

@testable import Barrier

@Suite("audit keys")
struct AuditKeyTests {
    private func stored(_ vault: TestVault) throws -> AuditKeyRecord? {
        try vault.store.local.view { view throws(BarrierError) in try AuditKeyRecord.load(view) }
    }

    @Test("the public halves are in the clear from the first batch on, and open with the keys")
    func publicHalves() throws {
        let vault = try TestVault()
        let record = try #require(try stored(vault))
        #expect(record.vaultID == vault.keyring.vaultID)
        let pair = try vault.keyring.audit.keyPair()
        #expect(record.recipient == pair.publicKey)
        let anchorKey = try vault.keyring.audit.signingKey().publicKey
        #expect(record.anchorKey == anchorKey)
        let secret = SecretBytes(copying: [UInt8](repeating: 7, count: 32).span)
        let sealed = try HPKERecipient.seal(
            secret,
            to: record.recipient,
            info: [1],
            associatedData: [2]
        )
        let opened = try pair.privateKey.open(sealed, info: [1], associatedData: [2])
        let bytes = opened.exposedCopy()
        #expect(bytes == [UInt8](repeating: 7, count: 32))
    }

    @Test("an unseal gives the same keys again, and another vault has others")
    func stability() throws {
        let vault = try TestVault(seed: 1)
        let again = try unseal(vault.store, Array(vault.shares.prefix(3)))
        #expect(again.audit.hash.tag([1]) == vault.keyring.audit.hash.tag([1]))
        let other = try TestVault(seed: 2)
        #expect(other.keyring.audit.hash.tag([1]) != vault.keyring.audit.hash.tag([1]))
    }

    @Test("a record with other keys, and one of a vault without them, keeps it sealed")
    func exchangedKeys() throws {
        let vault = try TestVault(seed: 1)
        let other = try #require(try stored(TestVault(seed: 2)))
        let mine = try #require(try stored(vault))
        let forged = AuditKeyRecord(
            vaultID: mine.vaultID,
            recipient: other.recipient,
            anchorKey: mine.anchorKey
        )
        #expect(
            barrierError { try vault.keyring.audit.check(forged) }
                == .hierarchyDamaged(
                    .auditKeys,
                    reason: "these are not the keys of this vault"
                )
        )
        #expect(
            barrierError { try vault.keyring.audit.check(nil) } == .hierarchyMissing(.auditKeys)
        )
        let bytes = forged.encoded()
        try vault.store.alter(ClearRecord.auditKey) { $0.changed(valueBox: bytes) }
        #expect(throws: (any Error).self) {
            _ = try unseal(vault.store, Array(vault.shares.prefix(3)))
        }
    }

    @Test("the record is read back as it was written, and damage never traps")
    func damage() throws {
        let vault = try TestVault()
        let record = try #require(try stored(vault))
        let bytes = record.encoded()
        let decoded = try AuditKeyRecord(decoding: ClearRecord.record(bytes))
        #expect(decoded == record)
        for length in 0..<bytes.count {
            let cut = ClearRecord.record(Array(bytes.prefix(length)))
            #expect(barrierError { _ = try AuditKeyRecord(decoding: cut) } != nil)
        }
        let long = ClearRecord.record(bytes + [0])
        #expect(barrierError { _ = try AuditKeyRecord(decoding: long) } != nil)
        var newer = bytes
        newer[0] = 2
        #expect(
            barrierError { _ = try AuditKeyRecord(decoding: ClearRecord.record(newer)) }
                == .hierarchyFormat(.auditKeys, have: 2, want: 1)
        )
    }

    @Test("an announced batch does what it did, is authentic, and says which leaf announced it")
    func announcement() throws {
        let vault = try TestVault()
        var builder = BatchBuilder(
            keyring: vault.keyring,
            baseIndex: vault.store.lastIndex,
            requestID: [UInt8](repeating: 4, count: 16),
            time: 5,
            entropy: Entropy(seed: [UInt8](repeating: 6, count: 32))
        )
        builder.once()
        try builder.check(TestVault.mount, "announced", modificationIndex: 0)
        try builder.put(TestVault.mount, "announced", [9])
        let batch = try builder.finish()
        let leaf = sha256([1, 2, 3])
        let announced = vault.keyring.announced(batch, by: leaf)
        #expect(verify(announced, with: vault.keyring))
        #expect(announced.tag != batch.tag)
        let key = try #require(StorageKey(leaf))
        let others = announced.operations.filter { $0 != .check(key, modificationIndex: 0) }
        #expect(others == batch.operations && announced.operations.count == others.count + 1)
        guard case .applied = try vault.store.commit(announced) else {
            Issue.record("it was not applied")
            return
        }
        #expect(try vault.read("announced") == [9])
    }

    @Test("anchors come back in their order, the newest of each log besides; the ring is bounded")
    func anchors() throws {
        let vault = try TestVault()
        func anchors() throws -> AuditAnchors {
            try vault.store.local.view { view throws(BarrierError) in try AuditAnchors(view) }
        }
        #expect(try anchors().head == nil)
        func write(_ first: UInt64, _ notes: [(String, [UInt8])], read: UInt64) throws -> Evaluation
        {
            var builder = BatchBuilder(
                keyring: vault.keyring,
                baseIndex: vault.store.lastIndex,
                requestID: sha256([UInt8(truncatingIfNeeded: first)]).prefix(16).map { $0 },
                time: 5,
                entropy: Entropy(seed: [UInt8](repeating: 6, count: 32))
            )
            builder.putAnchors(
                head: [UInt8(truncatingIfNeeded: first)],
                first: first,
                notes: notes.map { ($0.0, $0.1) },
                read: read
            )
            return try vault.store.commit(try builder.finish())
        }
        _ = try write(0, [("a", [1]), ("b", [2])], read: 0)
        let seen = try anchors()
        #expect(seen.recent == [[1], [2]] && Set(seen.newest) == [[1], [2]] && seen.head == [0])
        guard case .rejected = try write(2, [("a", [3])], read: 0) else {
            Issue.record("two leaders wrote the same place")
            return
        }
        let last = BarrierLimits.anchorsKept
        _ = try write(last, [("a", [4])], read: seen.headIndex)
        #expect(try anchors().recent == [[2], [4]], "the first one's place was taken")
        #expect(try Set(anchors().newest) == [[2], [4]])
    }
}
