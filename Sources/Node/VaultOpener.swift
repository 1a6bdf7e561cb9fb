import Barrier
import Cryptography
import Logging
import Replica
import Store
import Synchronization
import Wire

/// Records the first unseal of a vault, after which it cannot be abandoned any more.
///
/// No data is written before that record is committed, so whatever is abandoned is empty.
final class VaultOpener: Sendable {
    private let store: LocalStore
    private let replica: LocalReplica
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    /// The record is never removed, so once seen is enough.
    private let hasSeenRecord = Atomic(false)

    init(
        store: LocalStore,
        replica: LocalReplica,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.replica = replica
        self.clock = clock
        self.logger = logger
    }

    /// What this node's store shows of the first unseal.
    enum Record {
        /// This vault was unsealed once.
        case isThere
        case isMissing
        /// The record is damaged, in this bucket.
        case isDamaged(Int)
    }

    func look() -> Record {
        if hasSeenRecord.load(ordering: .acquiring) { return .isThere }
        do throws(BarrierError) {
            let isOpened = try store.view { view throws(BarrierError) in
                try VaultOpening.isOpened(view)
            }
            guard isOpened else { return .isMissing }
            hasSeenRecord.store(true, ordering: .releasing)
            return .isThere
        } catch .store(let error) where error.bucketToRepair != nil {
            return error.bucketToRepair.map { .isDamaged($0) } ?? .isMissing
        } catch {
            Halt.now(error, while: "reading the record of the first unseal", logger: logger)
        }
    }

    /// Proposes the record; `completion` is called when the attempt has ended, either way.
    func recordOpening(
        _ unsealed: Unsealed,
        deadline: Moment,
        completion: @escaping @Sendable () -> Void
    ) {
        let batch: WriteBatch
        do throws(BarrierError) {
            batch = try openedBatch(unsealed.keyring)
        } catch {
            logger.error(
                "recording the first unseal: \(error.summary)",
                metadata: ["remedy": "\(error.remedy)"]
            )
            return completion()
        }
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: deadline,
                onProposed: { outcome in
                    guard case .appended = outcome else { return completion() }
                },
                // Another node may have been first: then the batch is rejected, harmlessly.
                onCommitted: { _ in completion() }
            )
        )
    }

    private func openedBatch(_ keyring: Keyring) throws(BarrierError) -> WriteBatch {
        let seed: [UInt8]
        do throws(CryptographyError) {
            seed = try Random.bytes(Entropy.seedBytes)
        } catch {
            throw .cryptography(error)
        }
        let time = clock().nanoseconds
        return try store.view { view throws(BarrierError) in
            try VaultOpening.openedBatch(
                keyring: keyring,
                view: view,
                time: time,
                entropy: Entropy(seed: seed)
            )
        }
    }
}
