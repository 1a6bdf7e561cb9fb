import Raft
package import Store

/// What a replica's machines need of its disk: one transaction a turn, the vote's own file, and
/// evaluation over what is applied plus what was evaluated since.
///
/// ``LocalStore`` in production; a disk that loses, tears and forgets in the simulator.
package protocol ReplicaStorage: AnyObject {
    /// Writes all of `turn` in one transaction and returns when it is on disk.
    ///
    /// - Returns: the log's base, when the turn drops entries.
    func commit(_ turn: StorageTurn) throws(StoreError) -> UInt64?

    /// Stores the vote durably, apart from the tables. Comes before the transaction that has it.
    func saveVote(term: UInt64, vote: UInt64?) throws(StoreError)

    /// Extends the file ahead of need, a bounded step.
    ///
    /// - Returns: whether there is more to do.
    func preallocateIfNeeded() throws(StoreError) -> Bool

    /// How much room is left, as of the last transaction or step of the file.
    var space: SpaceState { get }

    /// Replaces everything by a verified snapshot, atomically.
    ///
    /// - Returns: the last entry in it.
    func installSnapshot(_ file: String) throws(StoreError) -> (index: UInt64, term: UInt64)

    /// Removes a snapshot file that is used up.
    func removeSnapshot(_ file: String) throws(StoreError)

    /// What a committed batch does at `index`, given everything before it.
    ///
    /// - Returns: nil when a snapshot beyond `index` was installed meanwhile: it is in there.
    func evaluate(_ batch: WriteBatch, at index: UInt64) throws(StoreError) -> Evaluated?

    /// Whether a view opened now shows the state with the same repairs as one of that edition.
    func shows(_ edition: StateEdition) throws(StoreError) -> Bool

    /// Why the records of a bucket are not those that its digest stands for, or nil if they are.
    func bucketDamage(_ number: Int) throws(StoreError) -> String?

    /// What the state adds up to after the last transaction; nil when a part of it is damaged and
    /// not repaired yet.
    func checkpoint() throws(StoreError) -> Checkpoint?

    /// Makes an evaluated layer visible.
    func appendLayer(_ layer: OverlayLayer)

    /// Forgets layers that are applied.
    func pruneOverlay(through index: UInt64)

    /// Layers that are evaluated and not applied, and what they weigh.
    var overlayCount: Int { get }
    var overlayBytes: Int { get }
}

/// What a batch came to, and on what that rests.
package struct Evaluated: Sendable {
    /// What it came to.
    package let evaluation: Evaluation
    /// Buckets in which something was not found: if one of them lost records, another replica may
    /// come to something else.
    package let absences: BucketSet
    /// Buckets of records that were found: one of them may be older than it should be.
    package let found: BucketSet
    /// Which repairs that view showed. What buckets are found to be in another edition says nothing
    /// of it.
    package let edition: StateEdition

    /// - Parameters:
    ///   - doubts: of the view that the batch was evaluated against, and nothing else.
    ///   - edition: of that view.
    package init(_ evaluation: Evaluation, resting doubts: ViewDoubts, edition: StateEdition) {
        self.edition = edition
        absences = doubts.restedBuckets(countingRecords: false)
        found = doubts.foundBuckets
        guard case .applied(var layer) = evaluation else {
            self.evaluation = evaluation
            return
        }
        layer.rest(onAbsenceOf: doubts.missed)
        self.evaluation = .applied(layer)
    }
}

/// The part of a write transaction that a turn uses. Each rule of the log and the hard state is
/// checked by the transaction, which throws ``StoreError/misuse(_:)`` when one is broken.
package protocol StorageTransaction: ~Copyable {
    /// Where the node will stand when this transaction is durable.
    var point: HardPoint { get }
    /// Makes this transaction reach the disk even if it changes nothing.
    mutating func touch()
    mutating func setCluster(_ record: ClusterRecord) throws(StoreError)
    mutating func setHardState(term: UInt64, vote: UInt64?, commit: UInt64) throws(StoreError)
    mutating func truncateLog(from index: UInt64) throws(StoreError)
    mutating func appendEntries(_ entries: [StoredEntry]) throws(StoreError)
    mutating func apply(
        layers: [OverlayLayer],
        appliedIndex: UInt64,
        appliedTerm: UInt64
    ) throws(StoreError)
    /// Replaces the configuration and level of the cluster record, which must be there.
    mutating func setConfiguration(_ bytes: [UInt8], formatLevel: UInt64) throws(StoreError)
    mutating func dropLog(through index: UInt64, entriesMax: Int) throws(StoreError) -> UInt64
}

extension WriteTransaction: StorageTransaction {}

extension LocalStore: ReplicaStorage {
    /// One LMDB transaction.
    package func commit(_ turn: StorageTurn) throws(StoreError) -> UInt64? {
        try write { transaction throws(StoreError) in try turn.write(to: &transaction) }
    }

    /// The file is verified before and while it is read.
    package func installSnapshot(
        _ file: String
    ) throws(StoreError) -> (index: UInt64, term: UInt64) {
        let manifest = try importSnapshot(from: file)
        return (manifest.index, manifest.term)
    }

    /// All buckets' digests, as of the applied index.
    package func checkpoint() throws(StoreError) -> Checkpoint? {
        let state = try stateDigest()
        guard state.isTrustworthy else { return nil }
        return Checkpoint(index: LogIndex(number: state.appliedIndex), root: state.root)
    }

    /// By and by: the storage thread does not wait for it.
    package func removeSnapshot(_ file: String) throws(StoreError) {
        try removeGradually(file)
    }

    /// Against a view opened now.
    package func evaluate(
        _ batch: WriteBatch,
        at index: UInt64
    ) throws(StoreError) -> Evaluated? {
        try view { view throws(StoreError) -> Evaluated? in
            guard view.evaluatedIndex < index else { return nil }
            let evaluation = try Store.evaluate(batch, at: index, in: view)
            return Evaluated(evaluation, resting: view.doubts(), edition: view.edition)
        }
    }

    /// Opens a view only where a repair was told since: one whose commit failed is told, too.
    package func shows(_ edition: StateEdition) throws(StoreError) -> Bool {
        if edition == self.edition { return true }
        return try view { view throws(StoreError) in view.edition == edition }
    }
}
