import Barrier
import Replica
import Store
import Synchronization
import Vault

/// Something of the vault's state that every request asks for, read again only when more was
/// evaluated since the last look, or something was repaired.
///
/// What was evaluated before a request came is what it sees. One value for each unsealing: keys
/// that are gone answer nobody.
///
/// It is kept only where the buckets that it rests on were whole not long ago. Otherwise it is
/// read again for each who asks, until a worker has looked at them.
final class EvaluatedCache<Value: Sendable>: Sendable {
    private struct Loaded {
        let value: Value
        let vault: VaultCache
        /// What was evaluated when it was looked at, at least.
        let evaluated: UInt64
        let edition: StateEdition
        let rested: RestedBuckets

        /// Whether this look shows more than another.
        func isNewer(than other: Loaded) -> Bool {
            edition == other.edition ? evaluated > other.evaluated : edition > other.edition
        }
    }

    /// What it is read from, who knows what that can be trusted, and who looks.
    typealias Parts = (store: LocalStore, replica: LocalReplica, workers: Workers)

    private let parts: Parts
    private let load: @Sendable (Value?, Keyring, borrowing ReadView) throws(VaultError) -> Value
    private let loaded = Mutex<Loaded?>(nil)
    private let secondLook: SecondLook

    /// - Parameter load: reads the value; gets the one that was read before, to give it back if it
    ///   is the same still.
    init(
        _ parts: Parts,
        load: @escaping @Sendable (Value?, Keyring, borrowing ReadView) throws(VaultError) -> Value
    ) {
        self.parts = parts
        self.load = load
        secondLook = SecondLook(parts.workers)
    }

    /// As it is now. Without a write since the last call it costs three locks.
    ///
    /// - Throws: what `load` throws; nothing is remembered then.
    func current(_ unsealed: Unsealed) throws(VaultError) -> Value {
        let evaluated = parts.store.evaluatedIndex
        let known = loaded.withLock { loaded in loaded?.vault === unsealed.cache ? loaded : nil }
        if let known, known.evaluated >= evaluated, known.edition == parts.store.edition {
            return known.value
        }
        let (fresh, isWhole) = try read(unsealed, known, mayWalk: false)
        if !isWhole { examine(unsealed) }
        return fresh.value
    }

    /// Reads it, and keeps it if it can be trusted.
    private func read(
        _ unsealed: Unsealed,
        _ known: Loaded?,
        mayWalk: Bool
    ) throws(VaultError) -> (fresh: Loaded, isWhole: Bool) {
        // Before the view is opened, so that the view shows at least this.
        let evaluated = parts.store.evaluatedIndex
        let (fresh, verdict) = try parts.store.view { view throws(VaultError) in
            let fresh = try look(unsealed, known, evaluated, view)
            var doubts = ViewDoubts()
            doubts.note(fresh.rested)
            let verdict = parts.replica.verdict(on: doubts, in: view, .init(mayWalk: mayWalk))
            return (fresh, verdict)
        }
        guard verdict == .whole else { return (fresh, false) }
        loaded.withLock { loaded in
            // An older look must not replace a newer one.
            if let loaded, loaded.vault === unsealed.cache, loaded.isNewer(than: fresh) { return }
            loaded = fresh
        }
        return (fresh, true)
    }

    private func look(
        _ unsealed: Unsealed,
        _ known: Loaded?,
        _ evaluated: UInt64,
        _ view: borrowing ReadView
    ) throws(VaultError) -> Loaded {
        // What was read before a repair is not the same, whatever its index.
        let same = known.flatMap { $0.edition == view.edition ? $0 : nil }
        let (value, rested) = try view.recording { () throws(VaultError) in
            if let same { view.note(same.rested) }
            return try load(same?.value, unsealed.keyring, view)
        }
        return Loaded(
            value: value,
            vault: unsealed.cache,
            evaluated: evaluated,
            edition: view.edition,
            rested: rested
        )
    }

    /// Has a worker look at what it rests on.
    private func examine(_ unsealed: Unsealed) {
        secondLook.ask { [self] in
            // Whoever asks next reads it again, and is told what is wrong.
            do throws(VaultError) {
                _ = try read(unsealed, nil, mayWalk: true)
            } catch {
                guard case .barrier(.store(let cause)) = error,
                    let bucket = cause.bucketToRepair
                else { return }
                parts.replica.mend(bucket, deadline: .now + .seconds(1)) { _ in }
            }
        }
    }
}
