import Replica
import Store

/// A real store, of which those that inherit do some things otherwise.
class WrappedStorage: ReplicaStorage {
    let store: LocalStore

    init(_ store: LocalStore) {
        self.store = store
    }

    var space: SpaceState { store.space }
    var overlayCount: Int { store.overlayCount }
    var overlayBytes: Int { store.overlayBytes }

    func commit(_ turn: StorageTurn) throws(StoreError) -> UInt64? { try store.commit(turn) }

    func saveVote(term: UInt64, vote: UInt64?) throws(StoreError) {
        try store.saveVote(term: term, vote: vote)
    }

    func preallocateIfNeeded() throws(StoreError) -> Bool { try store.preallocateIfNeeded() }

    func installSnapshot(_ file: String) throws(StoreError) -> (index: UInt64, term: UInt64) {
        try store.installSnapshot(file)
    }

    func removeSnapshot(_ file: String) throws(StoreError) { try store.removeSnapshot(file) }

    func evaluate(_ batch: WriteBatch, at index: UInt64) throws(StoreError) -> Evaluated? {
        try store.evaluate(batch, at: index)
    }

    func shows(_ edition: StateEdition) throws(StoreError) -> Bool { try store.shows(edition) }
    func checkpoint() throws(StoreError) -> Checkpoint? { try store.checkpoint() }

    func bucketDamage(_ number: Int) throws(StoreError) -> String? {
        try store.bucketDamage(number)
    }

    func appendLayer(_ layer: OverlayLayer) { store.appendLayer(layer) }
    func pruneOverlay(through index: UInt64) { store.pruneOverlay(through: index) }
}
