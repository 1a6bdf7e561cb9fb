import Barrier
import Cryptography
import Dispatch
import Replica
import Shamir
import Store
import TestSupport
import Testing
import Vault

@testable import Node

/// A replica of one voter that leads, with a sealed vault of two of three shares.
struct VaultBench {
    let one: TestReplica
    let keeper: SealKeeper
    let shares: [String]
    let rootToken: String

    /// A vault of two of three shares, made through the log.
    init() async throws {
        one = try TestReplica(voters: 1)
        keeper = SealKeeper(
            store: one.store,
            replica: one.replica,
            epoch: 0,
            logger: quietLogger
        )
        try await one.lead()
        let made = try Self.creation(one)
        (shares, rootToken) = (made.shares, made.rootToken)
        #expect(try await one.commit(made.batch) == .applied)
    }

    static func creation(
        _ one: TestReplica
    ) throws -> (batch: WriteBatch, shares: [String], rootToken: String) {
        let vault = try VaultCreation.make(
            layout: try ShareLayout(threshold: 2, of: 3),
            facts: VaultCreation.Facts(
                baseIndex: one.store.view { $0.evaluatedIndex },
                requestID: try Random.bytes(16),
                time: 1,
                epoch: 0
            ),
            entropy: Entropy(seed: try Random.bytes(Entropy.seedBytes)),
            populate: { (builder, token) throws(BarrierError) in
                try VaultBirth.populate(&builder, token)
            }
        )
        let token = String(decoding: vault.rootToken.exposedCopy(), as: UTF8.self)
        return (vault.batch, vault.shares.map { $0.words }, token)
    }

    /// A batch that nobody with keys made.
    func forged() -> WriteBatch {
        let bytes = [UInt8](repeating: 0xEE, count: 32)
        guard let key = StorageKey(bytes) else { preconditionFailure("32 bytes are a key") }
        let record = Record(flags: 0, dataKeyID: 1, nameBox: [], valueBox: [])
        return WriteBatch(
            requestID: [UInt8](repeating: 9, count: 16),
            baseIndex: one.store.view { $0.evaluatedIndex },
            time: 1,
            dataKeyIDs: [1],
            operations: [.put(key, record)]
        )
    }

    /// Gives a share away from the test's thread: it may wait for the evaluation thread.
    func give(_ share: String) async throws -> String {
        let answers = Collector<String>()
        let keeper = keeper
        DispatchQueue.global().async { answers.add("\(keeper.give(share))") }
        try await eventually("the share is answered") { answers.count == 1 }
        return answers.all[0]
    }

    func unseal() async throws {
        #expect(try await give(shares[0]) == "collecting")
        #expect(try await give(shares[1]) == "unsealed")
    }
}
