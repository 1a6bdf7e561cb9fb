import Barrier
import Cryptography
import Logging
import Raft
import Replica
import Store
import Vault
import Wire

/// Writes this program's version into the vault's history, once, when it leads unsealed.
final class VersionKeeper: Sendable {
    private let store: LocalStore
    private let replica: LocalReplica
    private let opener: VaultOpener
    private let facts: @Sendable () -> NodeFacts
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        parts: (store: LocalStore, replica: LocalReplica, opener: VaultOpener),
        facts: @escaping @Sendable () -> NodeFacts,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        (store, replica, opener) = parts
        self.facts = facts
        self.clock = clock
        self.logger = logger
    }

    /// Call when this node came to lead, or to have the keys. That the vault was unsealed is on
    /// record first: nothing else is written before.
    func note(_ unsealed: Unsealed) {
        guard replica.status.role == .leader else { return }
        if case .isMissing = opener.look() {
            opener.recordOpening(unsealed, deadline: deadline) { [self] in
                guard case .isThere = opener.look() else { return }
                propose(unsealed, attempt: 0)
            }
        } else {
            propose(unsealed, attempt: 0)
        }
    }

    private var deadline: Moment { Moment.now + .seconds(Limits.requestSeconds) }

    /// What fails here for good is done by whoever leads next.
    private func propose(_ unsealed: Unsealed, attempt: UInt32) {
        let batch: WriteBatch?
        do {
            batch = try self.batch(unsealed, attempt: attempt)
        } catch {
            return logger.warning("the history of versions cannot be written: \(error)")
        }
        guard let batch else { return }
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: deadline,
                onProposed: { [self] outcome in
                    guard case .conflict(let index) = outcome, attempt < Limits.attemptsMax else {
                        return
                    }
                    replica.waitForEvaluation(index, deadline: deadline) { [self] outcome in
                        guard case .ready = outcome else { return }
                        propose(unsealed, attempt: attempt + 1)
                    }
                },
                onCommitted: { _ in }
            )
        )
    }

    private func batch(_ unsealed: Unsealed, attempt: UInt32) throws -> WriteBatch? {
        let environment = VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: clock(),
            seed: try Random.bytes(Entropy.seedBytes),
            attempt: attempt,
            facts: facts()
        )
        return try store.view { view throws(VaultError) in
            try VersionHistory.batch(
                noting: Version.number,
                built: Version.date,
                in: environment,
                view: view
            )
        }
    }
}
