package import Store

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
