import Cryptography
import Shamir
import Store
import Testing

@testable import Barrier

@Suite("batches")
struct BatchTests {
    private let mount = TestVault.mount

    private func sample(_ vault: TestVault) throws -> WriteBatch {
        var builder = try vault.builder()
        builder.once()
        try builder.put(mount, "a/b", [1, 2, 3])
        try builder.check(mount, "a/b", modificationIndex: 0)
        try builder.delete(mount, "a/c")
        return try builder.finish()
    }

    @Test("once comes first, then checks, then writes in their order")
    func order() throws {
        let vault = try TestVault()
        let batch = try sample(vault)
        let kinds = batch.operations.map { operation in
            switch operation {
            case .once: "once"
            case .check: "check"
            case .ensure: "ensure"
            case .put: "put"
            case .delete: "delete"
            case .prune: "prune"
            }
        }
        #expect(kinds == ["once", "check", "ensure", "put", "delete", "prune"])
        #expect(batch.dataKeyIDs == [1])
        #expect(batch.baseIndex == vault.store.lastIndex)
    }

    @Test("a failed check rejects the batch; a repeat changes nothing")
    func checks() throws {
        let vault = try TestVault()
        let batch = try sample(vault)
        guard case .applied = try vault.store.commit(batch) else {
            Issue.record("not applied")
            return
        }
        guard case .duplicate(let index) = try vault.store.commit(batch) else {
            Issue.record("a repeat was carried out")
            return
        }
        #expect(index == vault.store.lastIndex - 1)
        let evaluation = try vault.change { builder throws(BarrierError) in
            try builder.check(TestVault.mount, "a/b", modificationIndex: index + 5)
            try builder.put(TestVault.mount, "a/b", [])
        }
        guard case .rejected(operation: 0) = evaluation else {
            Issue.record("a wrong check passed: \(evaluation)")
            return
        }
        #expect(try vault.read("a/b") == [1, 2, 3])
    }

    @Test("a batch verifies after it was encoded, in its own vault and epoch only")
    func verification() throws {
        let vault = try TestVault(seed: 1)
        let other = try TestVault(seed: 2)
        let batch = try sample(vault)
        #expect(verify(try WriteBatch(decoding: batch.encoded()), with: vault.keyring))
        #expect(!verify(batch, with: other.keyring))
        let later = try unseal(vault.store, vault.shares, epoch: 8)
        #expect(!verify(batch, with: later))
        let again = try unseal(vault.store, Array(vault.shares.reversed()))
        #expect(verify(batch, with: again))
    }

    @Test("any change to a batch is found")
    func tampering() throws {
        let vault = try TestVault()
        let batch = try sample(vault)
        let operations = batch.operations
        let key = try vault.key("a/b")
        var changed = [
            batch.changed(baseIndex: batch.baseIndex + 1),
            batch.changed(requestID: batch.requestID.flipped(at: 0)),
            batch.changed(time: batch.time + 1),
            batch.changed(dataKeyIDs: []),
            batch.changed(operations: Array(operations.dropLast())),
            batch.changed(operations: operations.reversed()),
            batch.changed(operations: operations + [.delete(key)]),
            batch.changed(operations: []),
        ]
        for position in [0, 15, 31] {
            var forged = batch
            forged.tag = forged.tag.flipped(at: position)
            changed.append(forged)
        }
        var untagged = batch
        untagged.tag = [UInt8](repeating: 0, count: 32)
        changed.append(untagged)
        for (position, forged) in changed.enumerated() {
            #expect(!verify(forged, with: vault.keyring), "change \(position)")
        }
        #expect(verify(batch, with: vault.keyring))
    }

    @Test("a flipped bit anywhere in the encoding does not decode or does not verify")
    func flippedBits() throws {
        let vault = try TestVault()
        let encoded = try sample(vault).encoded()
        for position in encoded.indices {
            var bytes = encoded
            bytes[position] ^= 0x04
            guard let decoded = try? WriteBatch(decoding: bytes) else { continue }
            #expect(!verify(decoded, with: vault.keyring), "byte \(position)")
        }
    }

    @Test("the creating batch and later ones verify with the unsealed keyring")
    func creation() throws {
        let store = try TestStore()
        let made = try create(try .init(threshold: 2, of: 3), seed: 5, in: store)
        try store.commit(made.batch)
        let keyring = try unseal(store, made.shares.map { $0.words })
        #expect(verify(made.batch, with: keyring))
    }

    @Test("the same request prepared again on the same state is the same batch")
    func repeatable() throws {
        let vault = try TestVault()
        let seed = [UInt8](repeating: 4, count: 32)
        func make(_ value: [UInt8], attempt: UInt32) throws -> WriteBatch {
            var builder = try vault.builder(attempt: attempt, seed: seed)
            try builder.put(mount, builder.randomBytes(4).map { "\($0)" }.joined(), value)
            return try builder.finish()
        }
        #expect(try make([1], attempt: 0) == make([1], attempt: 0))
        let first = try make([1], attempt: 0)
        let second = try make([1], attempt: 1)
        #expect(first.writtenKeys == second.writtenKeys, "ids must not depend on the attempt")
        #expect(first != second)
    }

    @Test("no two boxes share a nonce, whatever seeds and attempts are reused")
    func nonces() throws {
        let vault = try TestVault()
        var nonces: [[UInt8]] = []
        for seed in [UInt8(1), 2] {
            for attempt in [UInt32(0), 1] {
                // The last byte stands for state that changed between two preparations; a caller
                // that forgets to count attempts is the worst case.
                for value in [UInt8(1), 2] {
                    var builder = try vault.builder(
                        attempt: attempt,
                        seed: [UInt8](repeating: seed, count: 32)
                    )
                    try builder.put(mount, "a/b/c", [value])
                    try builder.put(mount, "a/b/d", [value, value])
                    nonces += try builder.finish().operations.flatMap(valueNonces)
                }
            }
        }
        #expect(nonces.count == 16)
        #expect(Set(nonces).count == nonces.count)
    }

    @Test("boxes of one batch have distinct nonces")
    func noncesInOneBatch() throws {
        let vault = try TestVault()
        var builder = try vault.builder()
        for number in 0..<20 { try builder.put(mount, "a/\(number)/x", [7]) }
        let nonces = try builder.finish().operations.flatMap(allNonces)
        #expect(nonces.count == 61)
        #expect(Set(nonces).count == nonces.count)
    }

    private func valueNonces(_ operation: BatchOperation) -> [[UInt8]] {
        guard case .put(_, let record) = operation else { return [] }
        return [Array(record.valueBox.prefix(24))]
    }

    private func allNonces(_ operation: BatchOperation) -> [[UInt8]] {
        switch operation {
        case .put(_, let record):
            [Array(record.nameBox.prefix(24)), Array(record.valueBox.prefix(24))]
        case .ensure(_, let record): [Array(record.nameBox.prefix(24))]
        default: []
        }
    }
}

extension WriteBatch {
    /// The same tag on another content.
    func changed(
        requestID: [UInt8]? = nil,
        baseIndex: UInt64? = nil,
        time: UInt64? = nil,
        dataKeyIDs: [UInt32]? = nil,
        operations: [BatchOperation]? = nil
    ) -> WriteBatch {
        WriteBatch(
            requestID: requestID ?? self.requestID,
            baseIndex: baseIndex ?? self.baseIndex,
            time: time ?? self.time,
            dataKeyIDs: dataKeyIDs ?? self.dataKeyIDs,
            operations: operations ?? self.operations,
            tag: tag
        )
    }
}
