import Cryptography
import Shamir
import Store
import Testing

@testable import Barrier

@Suite("creation and opening")
struct CreationTests {
    @Test("a root token is s. and 24 characters, and its record is found by it")
    func rootToken() throws {
        let vault = try TestVault()
        #expect(vault.rootToken.utf8.count == 26 && vault.rootToken.hasPrefix("s."))
        #expect(
            vault.rootToken.utf8.dropFirst(2).allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0)
            }
        )
        let path = vault.keyring.tokenPath(Array(vault.rootToken.utf8))
        #expect(path.utf8.count == 64)
        #expect(try vault.read("token/" + path, .system) == Array("root".utf8))
        #expect(try vault.read("first") == [1, 2, 3])
    }

    @Test("two vaults share nothing, not even with the same layout")
    func distinct() throws {
        let vault = try TestVault(seed: 1)
        let other = try TestVault(seed: 2)
        #expect(vault.rootToken != other.rootToken)
        #expect(vault.record.vaultID != other.record.vaultID)
        #expect(vault.record.shareSet.setID != other.record.shareSet.setID)
        #expect(Set(vault.shares).isDisjoint(with: other.shares))
        let token = Array(vault.rootToken.utf8)
        #expect(vault.keyring.tokenPath(token) != other.keyring.tokenPath(token))
    }

    @Test("a second vault in the same store is rejected by the log")
    func second() throws {
        let vault = try TestVault(seed: 1)
        let made = try create(try ShareLayout(threshold: 1, of: 1), seed: 2, in: vault.store)
        guard case .rejected(operation: 0) = try vault.store.commit(made.batch) else {
            Issue.record("two vaults in one store")
            return
        }
    }

    @Test(
        "every layout creates and opens",
        arguments: [(1, 1), (2, 2), (2, 3), (16, 16), (3, 16)]
    )
    func layouts(threshold: Int, count: Int) throws {
        let vault = try TestVault(layout: try ShareLayout(threshold: threshold, of: count))
        #expect(vault.shares.count == count)
        #expect(vault.record.shareSet.custody.publicKeys.count == count)
        _ = try unseal(vault.store, vault.shares.suffix(threshold))
    }

    @Test("a share signs as its slot, and no other")
    func custody() throws {
        let vault = try TestVault()
        let set = vault.record.shareSet
        let share = try Share.parse(vault.shares[2])
        let key = try CustodyTable.signingKey(of: share, vaultID: set.vaultID, setID: set.setID)
        let signature = try key.sign([1, 2, 3])
        for slot in set.layout.slots {
            let publicKey = try #require(set.custody.publicKey(of: slot, in: set.layout))
            let isValid = SigningKey.verify(
                signature: signature,
                message: [1, 2, 3],
                publicKey: publicKey
            )
            #expect(isValid == (slot.member == 2))
        }
        #expect(set.custody.publicKey(of: Slot(group: 0, member: 5), in: set.layout) == nil)
    }

    @Test("an error of the caller's records ends the creation")
    func populateFails() throws {
        let store = try TestStore()
        let error = barrierError {
            _ = try VaultCreation.make(
                layout: try ShareLayout(threshold: 1, of: 1),
                facts: VaultCreation.Facts(
                    baseIndex: 0,
                    requestID: [UInt8](repeating: 0, count: 16),
                    time: 0,
                    epoch: 0
                ),
                entropy: Entropy(seed: [UInt8](repeating: 1, count: 32))
            ) { builder, _ throws(BarrierError) in
                try builder.put(.system, "/", [])
            }
        }
        #expect(error == .pathMalformed("it starts with a slash"))
        #expect(store.lastIndex == 0)
    }

    @Test("creation and abandonment are recognised by their exact shape")
    func shapes() throws {
        let store = try TestStore()
        let made = try create(try ShareLayout(threshold: 2, of: 3), seed: 1, in: store)
        #expect(VaultOpening.isCreation(made.batch) && !VaultOpening.isAbandonment(made.batch))
        let operations = made.batch.operations
        let key = ClearRecord.openedKey
        let creations: [[BatchOperation]] = [
            [], Array(operations.dropFirst()), operations + [.delete(ClearRecord.sealKey)],
            operations + [.put(key, ClearRecord.record([]))],
            operations + [.put(ClearRecord.sealKey, ClearRecord.record([]))],
            operations.map { $0 == operations[0] ? .check(key, modificationIndex: 0) : $0 },
            operations + [.check(key, modificationIndex: 3)], [operations[0]],
        ]
        for (position, other) in creations.enumerated() {
            #expect(
                !VaultOpening.isCreation(made.batch.changed(operations: other)),
                "\(position)"
            )
        }
        try store.commit(made.batch)
        let abandon = try #require(try abandonBatch(store))
        #expect(VaultOpening.isAbandonment(abandon) && !VaultOpening.isCreation(abandon))
        let steps = abandon.operations
        let abandonments: [[BatchOperation]] = [
            [], Array(steps.dropFirst()), Array(steps.prefix(3)), steps + [.delete(key)],
            steps + [.put(ClearRecord.sealKey, ClearRecord.record([]))],
            [.check(ClearRecord.sealKey, modificationIndex: 0)] + steps.dropFirst(),
            [steps[0], .check(key, modificationIndex: 4)] + steps.dropFirst(2),
        ]
        for (position, other) in abandonments.enumerated() {
            #expect(
                !VaultOpening.isAbandonment(abandon.changed(operations: other)),
                "\(position)"
            )
        }
    }

    @Test("a vault that was never opened can be abandoned and made again")
    func abandon() throws {
        let store = try TestStore()
        #expect(try abandonBatch(store) == nil)
        let lost = try create(try ShareLayout(threshold: 2, of: 3), seed: 1, in: store)
        try store.commit(lost.batch)
        #expect(try !isOpened(store))
        let batch = try #require(try abandonBatch(store))
        #expect(batch.tag == [UInt8](repeating: 0, count: 32))
        guard case .applied = try store.commit(batch) else {
            Issue.record("not abandoned")
            return
        }
        #expect(try store.record(ClearRecord.sealKey) == nil)
        #expect(try store.record(ClearRecord.keyringKey) == nil)
        #expect(try store.record(ClearRecord.mountKey(of: TestVault.mount)) == nil)
        let vault = try TestVault(in: store, seed: 2)
        #expect(try vault.read("first") == [1, 2, 3])
        #expect(try vault.list("") == ["first"])
    }

    @Test("a vault that was opened once is never abandoned")
    func opened() throws {
        let vault = try TestVault()
        let early = try #require(try abandonBatch(vault.store))
        func open() throws -> Evaluation {
            let batch = try vault.store.local.view { view throws(BarrierError) in
                try VaultOpening.openedBatch(
                    keyring: vault.keyring,
                    view: view,
                    time: 5,
                    entropy: Entropy(seed: [UInt8](repeating: 8, count: 32))
                )
            }
            #expect(verify(batch, with: vault.keyring))
            return try vault.store.commit(batch)
        }
        guard case .applied = try open() else {
            Issue.record("the opened record was not written")
            return
        }
        #expect(try isOpened(vault.store))
        guard case .rejected = try open() else {
            Issue.record("opened twice")
            return
        }
        #expect(barrierError { _ = try abandonBatch(vault.store) } == .alreadyOpened)
        guard case .rejected = try vault.store.commit(early) else {
            Issue.record("an old abandonment was carried out")
            return
        }
        try vault.store.alter(ClearRecord.openedKey) { $0.changed(valueBox: [1]) }
        #expect(barrierError { _ = try isOpened(vault.store) } != nil)
    }

    private func isOpened(_ store: TestStore) throws -> Bool {
        try store.local.view { view throws(BarrierError) in try VaultOpening.isOpened(view) }
    }

    private func abandonBatch(_ store: TestStore) throws -> WriteBatch? {
        try store.local.view { view throws(BarrierError) in
            try VaultOpening.abandonBatch(
                view: view,
                requestID: [UInt8](repeating: 2, count: 16),
                time: 1
            )
        }
    }
}
