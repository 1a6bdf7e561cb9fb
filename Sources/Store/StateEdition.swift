/// Which repairs a view shows the state with.
///
/// A repair changes records and no index: what was read before it is not what is there afterwards,
/// whatever their indexes say. So whoever keeps what was read keeps this with it, and uses it for
/// views of the same edition only. A snapshot's database has editions of its own.
package struct StateEdition: Sendable, Equatable, Comparable {
    /// The generation of the database file.
    private let database: UInt64
    /// The last write transaction that repaired something, of those that are shown; or another one
    /// between it and the next that did.
    private let transaction: UInt64

    /// - Parameters: as the properties say.
    package init(database: UInt64, transaction: UInt64) {
        (self.database, self.transaction) = (database, transaction)
    }

    /// Whether it lacks repairs that the other has.
    package static func < (a: StateEdition, b: StateEdition) -> Bool {
        (a.database, a.transaction) < (b.database, b.transaction)
    }
}
