import Barrier
import Synchronization

/// What the vault keeps decoded between requests: the mount table and tokens.
///
/// Never stale: each thing is kept with the modification index of the record it came from, and
/// every request compares that with its own view before it uses it. Made with a keyring and
/// dropped with it, so nothing is left of it after sealing.
///
/// - Precondition: only views of committed entries may be used with it. An index seen in an entry
///   that is not committed could come back with another content.
package final class VaultCache: Sendable {
    private struct State {
        var mounts: MountTable?
        /// By the place of the token's record. Only looked up.
        var tokens: [String: CachedToken] = [:]
    }

    private struct CachedToken {
        let record: TokenRecord
        let modificationIndex: UInt64
    }

    private let state = Mutex(State())

    /// Nothing kept yet.
    package init() {}

    /// Forgets everything at once.
    package func wipe() {
        state.withLock { $0 = State() }
    }

    /// The mount table as this view has it.
    func mounts(_ view: borrowing BarrierView) throws(VaultError) -> MountTable {
        let index = try view.systemIndex(SystemPaths.mountTable)
        if let kept = state.withLock({ $0.mounts }), kept.modificationIndex == index {
            return kept
        }
        let table = try MountTable.load(view)
        state.withLock { state in
            // A request on an older view must not replace what newer ones use.
            if (state.mounts?.modificationIndex ?? 0) <= table.modificationIndex {
                state.mounts = table
            }
        }
        return table
    }

    /// A token's record at this place, as this view has it; nil if there is none.
    func token(
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: TokenRecord, modificationIndex: UInt64)? {
        let index = try view.systemIndex(path)
        guard index > 0 else {
            state.withLock { _ = $0.tokens.removeValue(forKey: path) }
            return nil
        }
        if let kept = state.withLock({ $0.tokens[path] }), kept.modificationIndex == index {
            return (kept.record, index)
        }
        guard let opened = try view.systemRecord(path) else {
            throw .damaged("a token's record is there and not there in one view")
        }
        let record = try TokenRecord(decoding: opened.value)
        let cached = CachedToken(record: record, modificationIndex: opened.modificationIndex)
        state.withLock { state in
            if state.tokens.count >= VaultLimits.cachedTokensMax { state.tokens = [:] }
            state.tokens[path] = cached
        }
        return (record, opened.modificationIndex)
    }
}
