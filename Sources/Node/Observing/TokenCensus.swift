import Replica
import Store
import Synchronization
import Vault

/// How many tokens there are, counted at most once in ``Limits/tokenCensusSeconds``: the count goes
/// over all of them.
final class TokenCensus: Sendable {
    private let last = Mutex<(count: Int, at: Moment)?>(nil)

    /// On a worker.
    ///
    /// - Parameter mayTakeLong: else a store with many records is not gone over, and what was
    ///   counted before is told.
    /// - Returns: nil where nothing was counted, and on a node that lacks the keys.
    func count(_ seal: SealKeeper, in store: LocalStore, mayTakeLong: Bool) -> Int? {
        guard let unsealed = seal.unsealed else { return nil }
        let known = last.withLock { $0 }
        if let known, Moment.now - known.at < .seconds(Limits.tokenCensusSeconds) {
            return known.count
        }
        if !mayTakeLong {
            let records = try? store.growth().records
            guard let records, records <= Limits.tokenCensusRecordsQuick else {
                return known?.count
            }
        }
        let counted = try? store.view { view throws(VaultError) in
            try WorkSummary.tokens(unsealed.keyring, unsealed.cache, view: view)
        }
        guard let counted else { return known?.count }
        last.withLock { $0 = (counted, .now) }
        return counted
    }
}
