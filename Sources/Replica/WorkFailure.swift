package import Store
import Wire

/// Why a machine cannot go on. Its process ends: going on would acknowledge what is not on disk,
/// or make this replica differ from the others.
package struct WorkFailure: Error, Equatable {
    /// What the disk or the data said.
    package let error: StoreError
    /// What the machine was doing, for "stopped while ...".
    package let activity: String

    init(_ error: StoreError, while activity: String) {
        self.error = error
        self.activity = activity
    }
}

extension WorkFailure {
    /// The key of the damaged record that was met, if that is what happened.
    var damagedKey: StorageKey? {
        guard case .damagedRecord(let key, _) = error else { return nil }
        return Hex.decode(key).flatMap { StorageKey($0) }
    }
}
