import Raft
package import Store

/// The local files of snapshots: one that this node exported, one that is arriving.
///
/// Both live in the data folder, hold ciphertext only, and are worthless after a restart, so a
/// start removes them.
package struct SnapshotFolder: Sendable {
    private let folder: String

    /// - Parameter folder: the node's data folder.
    package init(folder: String) {
        self.folder = folder
    }

    var exportedPath: String { folder + "/snapshot-exported" }
    var arrivingPath: String { folder + "/snapshot-arriving" }

    /// One name per point: a later arrival cannot replace the file that is being installed.
    func arrivedPath(_ point: SnapshotPoint) -> String {
        "\(folder)/snapshot-arrived-\(point.term.number)-\(point.index.number)"
    }

    /// Removes what an earlier process, or an earlier snapshot, left.
    package func removeAll() throws(StoreError) {
        try ChunkFile.removeAll(in: folder, prefix: "snapshot-")
    }

    /// A snapshot is installed: its file, and those that came before it, have served.
    func removeArrived() throws(StoreError) {
        try ChunkFile.removeAll(in: folder, prefix: "snapshot-arrived-")
    }
}
