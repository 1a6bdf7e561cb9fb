import Cryptography
import Store
import Testing

@testable import Barrier

@Suite("mount keys")
struct MountKeysTests {
    private let mount = MountID([UInt8](repeating: 0x77, count: 16)) ?? .system

    private func addMount(_ vault: TestVault) throws -> Evaluation {
        let mount = mount
        return try vault.change { builder throws(BarrierError) in
            try builder.createMount(mount)
            try builder.put(mount, "inside/x", [5])
        }
    }

    @Test("a new mount can be written in the batch that makes it")
    func creation() throws {
        let vault = try TestVault()
        guard case .applied = try addMount(vault) else {
            Issue.record("rejected")
            return
        }
        #expect(try vault.read("inside/x", mount) == [5])
        #expect(try vault.list("", mount) == ["inside/"])
    }

    @Test("another node that is unsealed finds the keys on demand")
    func onDemand() throws {
        let vault = try TestVault()
        let elsewhere = try unseal(vault.store, vault.shares)
        _ = try addMount(vault)
        #expect(elsewhere.cachedKeys(of: mount) == nil)
        let value = try vault.store.local.view { view throws(BarrierError) in
            try BarrierView(elsewhere, over: view).read(mount, "inside/x")?.value
        }
        #expect(value == [5])
        let first = try #require(elsewhere.cachedKeys(of: mount))
        try vault.store.local.view { view throws(BarrierError) in
            try BarrierView(elsewhere, over: view).loadKeys(mount)
        }
        #expect(
            elsewhere.cachedKeys(of: mount) === first,
            "an unchanged record is not opened again"
        )
    }

    @Test("a keyring installed later has all mounts at hand")
    func installed() throws {
        let vault = try TestVault()
        _ = try addMount(vault)
        let later = try unseal(vault.store, vault.shares)
        #expect(later.cachedKeys(of: mount) != nil)
        #expect(later.cachedKeys(of: TestVault.mount) != nil)
        #expect(later.cachedKeys(of: .system) != nil)
    }

    @Test("the keys of a mount are made once")
    func once() throws {
        let vault = try TestVault()
        let elsewhere = try unseal(vault.store, vault.shares)
        _ = try addMount(vault)
        #expect(try vault.read("inside/x", mount) == [5])
        #expect(barrierError { _ = try addMount(vault) } == .mountKeysExist(mount: mount.text))
        // A node that has not seen the mount yet proposes it too: the log decides.
        var builder = BatchBuilder(
            keyring: elsewhere,
            baseIndex: 0,
            requestID: [UInt8](repeating: 6, count: 16),
            time: 1,
            entropy: Entropy(seed: [UInt8](repeating: 6, count: 32))
        )
        try builder.createMount(mount)
        guard case .rejected = try vault.store.commit(try builder.finish()) else {
            Issue.record("two sets of keys for one mount")
            return
        }
    }

    @Test("keys that vanish from the view vanish from the cache")
    func removal() throws {
        let vault = try TestVault()
        _ = try addMount(vault)
        #expect(try vault.read("inside/x", mount) == [5])
        try vault.store.overwrite(ClearRecord.mountKey(of: mount), with: nil)
        #expect(
            barrierError { _ = try vault.read("inside/x", mount) }
                == .mountKeysMissing(mount: mount.text)
        )
        #expect(vault.keyring.cachedKeys(of: mount) == nil)
    }

    @Test("newer keys replace cached ones, and an older view does not bring those back")
    func replacement() throws {
        let vault = try TestVault()
        _ = try addMount(vault)
        let key = ClearRecord.mountKey(of: mount)
        try vault.view { try $0.loadKeys(mount) }
        let first = try #require(vault.keyring.cachedKeys(of: mount))
        try vault.store.local.view { older throws(any Error) in
            var entropy = Entropy(seed: try Random.bytes(32))
            let made = MountKeyRecord.make(
                mount,
                wrappedBy: vault.keyring.wrapping,
                of: vault.keyring.identity,
                time: 9,
                entropy: &entropy
            )
            let record = Record(
                flags: RecordFlags.clear,
                dataKeyID: 0,
                modificationIndex: vault.store.lastIndex + 1,
                nameBox: [],
                valueBox: made.record.encoded()
            )
            try vault.store.overwrite(key, with: record.encoded())
            try vault.view { try $0.loadKeys(mount) }
            let second = try #require(vault.keyring.cachedKeys(of: mount))
            #expect(second.modificationIndex == first.modificationIndex + 1)
            let seenBefore = try vault.keyring.mountKeys(of: mount, in: older)
            #expect(seenBefore.modificationIndex == first.modificationIndex)
            #expect(vault.keyring.cachedKeys(of: mount) === second)
        }
    }

    @Test("one damaged mount does not keep the vault sealed, and does not open")
    func damaged() throws {
        let vault = try TestVault()
        _ = try addMount(vault)
        let key = ClearRecord.mountKey(of: mount)
        let bytes = try #require(try vault.store.record(key)).valueBox
        for position in stride(from: 1, to: bytes.count, by: 3) {
            var forged = bytes
            forged[position] ^= 0x20
            try vault.store.alter(key) { $0.changed(valueBox: forged) }
            let keyring = try unseal(vault.store, vault.shares)
            let error = barrierError {
                _ = try vault.store.local.view { view throws(BarrierError) in
                    try BarrierView(keyring, over: view).read(mount, "inside/x")
                }
            }
            guard case .hierarchyDamaged(.mountKeys, _) = error else {
                Issue.record("byte \(position): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("the keys of one mount under the id of another do not open")
    func swapped() throws {
        let vault = try TestVault()
        _ = try addMount(vault)
        let other = try #require(try vault.store.record(ClearRecord.mountKey(of: TestVault.mount)))
        try vault.store.alter(ClearRecord.mountKey(of: mount)) {
            $0.changed(valueBox: other.valueBox)
        }
        let error = barrierError { _ = try vault.read("inside/x", mount) }
        guard case .hierarchyDamaged(.mountKeys(mount.text), _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
