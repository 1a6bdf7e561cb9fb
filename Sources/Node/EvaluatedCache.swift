import Barrier
import Store
import Synchronization
import Vault

/// Something of the vault's state that every request asks for, read again only when more was
/// evaluated since the last look.
///
/// What was evaluated before a request came is what it sees. One value for each unsealing: keys
/// that are gone answer nobody.
final class EvaluatedCache<Value: Sendable>: Sendable {
    private struct Loaded {
        let value: Value
        let vault: VaultCache
        /// What was evaluated when it was looked at, at least.
        let evaluated: UInt64
    }

    private let store: LocalStore
    private let load: @Sendable (Value?, Keyring, borrowing ReadView) throws(VaultError) -> Value
    private let loaded = Mutex<Loaded?>(nil)

    /// - Parameter load: reads the value; gets the one that was read before, to give it back if it
    ///   is the same still.
    init(
        store: LocalStore,
        load: @escaping @Sendable (Value?, Keyring, borrowing ReadView) throws(VaultError) -> Value
    ) {
        self.store = store
        self.load = load
    }

    /// As it is now. Without a write since the last call it costs a lock.
    ///
    /// - Throws: what `load` throws; nothing is remembered then.
    func current(_ unsealed: Unsealed) throws(VaultError) -> Value {
        // Before the view is opened, so that the view shows at least this.
        let evaluated = store.evaluatedIndex
        let known = loaded.withLock { loaded in loaded?.vault === unsealed.cache ? loaded : nil }
        if let known, known.evaluated >= evaluated { return known.value }
        let value = try store.view { view throws(VaultError) in
            try load(known?.value, unsealed.keyring, view)
        }
        loaded.withLock { loaded in
            // An older look must not replace a newer one.
            if let loaded, loaded.vault === unsealed.cache, loaded.evaluated > evaluated { return }
            loaded = Loaded(value: value, vault: unsealed.cache, evaluated: evaluated)
        }
        return value
    }
}
