import Store

/// The local files of snapshots: one that this node exported, one that is arriving, and those that
/// arrived and wait to be installed.
///
/// All live in the data folder, hold ciphertext only, and are worthless after a restart, so the
/// courier removes them when it starts.
package struct SnapshotFolder: Sendable {
    private let folder: String

    /// - Parameter folder: the node's data folder.
    package init(folder: String) {
        self.folder = folder
    }

    var exportedPath: String { folder + "/snapshot-exported" }
    var arrivingPath: String { folder + "/snapshot-arriving" }

    /// One name for each arrival: a later one cannot touch the file that is being installed.
    func arrivedPath(_ number: UInt64) -> String { "\(folder)/snapshot-arrived-\(number)" }

    /// Removes what an earlier process left.
    func removeAll() throws(StoreError) {
        try ChunkFile.removeAll(in: folder, prefix: "snapshot-")
    }
}
