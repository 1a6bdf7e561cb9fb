package import Raft
package import Store

/// A snapshot file as its sender announces it. Files of equal offers have equal bytes, whoever
/// made them, so a stream of one can go on with the other.
package struct SnapshotOffer: Equatable, Sendable {
    /// What the file stands for.
    package let point: SnapshotPoint
    /// Bytes of the whole file.
    package let bytes: UInt64
    /// 32 bytes over the whole file.
    package let digest: [UInt8]

    /// - Parameter digest: ``Limits/snapshotDigestBytes`` long.
    package init(point: SnapshotPoint, bytes: UInt64, digest: [UInt8]) {
        precondition(digest.count == Limits.snapshotDigestBytes)
        self.point = point
        self.bytes = bytes
        self.digest = digest
    }

    /// - Throws: ``StoreError/corrupt(_:)`` when the label's configuration is none.
    package init(_ label: SnapshotLabel) throws(StoreError) {
        guard let configuration = try? Configuration(decoding: label.configuration) else {
            throw .corrupt("configuration in the snapshot")
        }
        self.init(
            point: SnapshotPoint(
                index: LogIndex(number: label.index),
                term: Term(number: label.term),
                configuration: configuration
            ),
            bytes: label.bytes,
            digest: label.digest
        )
    }

    /// The same, as the store keeps it beside the file.
    package var label: SnapshotLabel {
        SnapshotLabel(
            index: point.index.number,
            term: point.term.number,
            configuration: point.configuration.encoded(),
            bytes: bytes,
            digest: digest
        )
    }
}

/// The snapshot files of one node, as its courier needs them: at most one that it exported, at
/// most one that is arriving, and those that arrived and wait for their installation.
///
/// ``SnapshotFiles`` in production; the simulator has one that forgets what was not settled.
package protocol SnapshotShelf: AnyObject {
    /// Removes what an earlier process left and nobody can use. Comes before everything else.
    func open() throws(StoreError)

    /// The file that this node exported.
    var exported: SnapshotOffer? { get }

    /// Copies what is applied to a file, in the place of the one exported before.
    ///
    /// - Parameter pacer: as of now; what it allows is how fast the copy may go.
    func export(_ pacer: StreamPacer) throws(StoreError)

    /// Up to `most` bytes of the exported file; fewer only at its end.
    func readExported(at offset: UInt64, atMost most: Int) throws(StoreError) -> [UInt8]

    /// Removes the exported file; nothing if there is none.
    func dropExported() throws(StoreError)

    /// What is arriving, or arrived in part before this process began.
    var arriving: SnapshotOffer? { get }

    /// Bytes of it that are here.
    var arrivingBytes: UInt64 { get }

    /// Begins with another one, in the place of what was arriving.
    func beginArriving(_ offer: SnapshotOffer) throws(StoreError)

    /// Adds bytes at its end, no more than there are left.
    func appendArriving(_ bytes: [UInt8]) throws(StoreError)

    /// The bytes that are here survive a crash from now on.
    func settleArriving() throws(StoreError)

    /// Removes it; nothing if there is none.
    func dropArriving() throws(StoreError)

    /// Verifies what arrived whole on the way into a database beside the live one, and gives it a
    /// name of its own. Nothing is arriving afterwards, unless this throws.
    ///
    /// - Parameter progress: called after each step of it.
    /// - Returns: the name by which it can be installed or discarded.
    func prepareArriving(_ progress: () -> Void) throws(StoreError) -> String

    /// Removes a file that arrived and is not wanted.
    func discard(_ file: String) throws(StoreError)

    /// Frees some of the room of what is not needed any more.
    ///
    /// - Returns: whether there is more to free.
    func releaseRetired() -> Bool
}
