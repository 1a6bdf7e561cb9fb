import Barrier
import Cryptography
import Dispatch
import Raft
import Replica
import Store
import TestSupport
import Testing
import Vault

@testable import Node

/// Unsealing and sealing over a running replica of one voter.
@Suite("seal keeper")
struct SealKeeperTests {
    @Test("enough shares open it, once; sealing closes it")
    func unseal() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        #expect(bench.keeper.progress.given == 0)
        #expect(try await bench.give(bench.shares[2]) == "collecting")
        #expect(bench.keeper.progress.given == 1)
        #expect(try await bench.give(bench.shares[2]) == "collecting", "a share given twice")
        #expect(bench.keeper.progress.given == 1)
        #expect(bench.keeper.unsealed == nil)
        #expect(try await bench.give(bench.shares[0]) == "unsealed")
        #expect(bench.keeper.unsealed != nil)
        #expect(bench.keeper.progress.given == 0)
        #expect(try await bench.give(bench.shares[1]) == "alreadyUnsealed")
        #expect(!bench.keeper.reset(), "there is nothing to forget")
        bench.keeper.seal()
        #expect(bench.keeper.unsealed == nil)
        try await bench.unseal()
    }

    @Test("a share is forgotten on request")
    func reset() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        #expect(try await bench.give(bench.shares[0]) == "collecting")
        #expect(bench.keeper.reset())
        #expect(bench.keeper.progress.given == 0)
        #expect(try await bench.give(bench.shares[1]) == "collecting")
    }

    @Test("without a vault there is nothing to open")
    func noVault() async throws {
        let one = try TestReplica(voters: 1)
        defer { one.stop() }
        let keeper = SealKeeper(
            store: one.store,
            replica: one.replica,
            epoch: 0,
            logger: quietLogger
        )
        #expect("\(keeper.give("abandon"))" == "notInitialized")
    }

    @Test("a batch that was not made by this vault seals it before it can be seen")
    func forgedBatch() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let genuine = try VaultOpening.openedBatch(
            of: bench.keeper,
            store: bench.one.store
        )
        #expect(try await bench.one.commit(genuine) == .applied)
        #expect(bench.keeper.unsealed != nil)
        #expect(try await bench.one.commit(bench.forged()) == .applied)
        #expect(bench.keeper.unsealed == nil)
    }

    @Test("a second vault's creation is rejected, and no reason to seal")
    func secondCreation() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let other = try VaultBench.creation(bench.one)
        #expect(try await bench.one.commit(other.batch) == .rejected)
        #expect(bench.keeper.unsealed != nil)
    }

    @Test("a forged batch in the retained log keeps it sealed")
    func forgedBefore() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        #expect(try await bench.one.commit(bench.forged()) == .applied)
        #expect(try await bench.give(bench.shares[0]) == "collecting")
        #expect(try await bench.give(bench.shares[1]).hasPrefix("refused"))
        #expect(bench.keeper.unsealed == nil)
    }

    /// Found by reading: an alarm (or an operator) that sealed the node while its log was being
    /// checked was overruled by the unseal that was under way, and nobody inspected from then on.
    @Test("sealing wins over an unseal that is under way")
    func sealMeanwhile() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        #expect(try await bench.give(bench.shares[0]) == "collecting")
        // The evaluation thread is held up, so the check of the log cannot end.
        let (held, gate) = (Collector<Bool>(), DispatchSemaphore(value: 0))
        bench.one.replica.waitForEvaluation(.zero, deadline: .now + .seconds(300)) { _ in
            held.add(true)
            gate.wait()
        }
        try await eventually("the evaluation thread waits") { held.count == 1 }
        let answers = Collector<String>()
        let (keeper, share) = (bench.keeper, bench.shares[1])
        DispatchQueue.global().async { answers.add("\(keeper.give(share))") }
        try await eventually("the vault is open, and not installed") {
            keeper.progress.given == 0
        }
        #expect(answers.count == 0)
        keeper.seal()
        gate.signal()
        try await eventually("the share is answered") { answers.count == 1 }
        #expect(answers.all == ["collecting"])
        #expect(keeper.unsealed == nil)
        // It opens as ever afterwards, and inspects.
        try await bench.unseal()
        #expect(try await bench.one.commit(bench.forged()) == .applied)
        #expect(keeper.unsealed == nil)
    }
}

extension VaultOpening {
    /// The record of the first unseal, which any holder of the keys can make.
    fileprivate static func openedBatch(
        of keeper: SealKeeper,
        store: LocalStore
    ) throws -> WriteBatch {
        guard let keyring = keeper.unsealed?.keyring else {
            throw TookTooLong(description: "the vault is open")
        }
        let seed = try Random.bytes(Entropy.seedBytes)
        return try store.view { view in
            try openedBatch(keyring: keyring, view: view, time: 1, entropy: Entropy(seed: seed))
        }
    }
}
