import Store

/// The local files of snapshots: one that this node exported, one that is arriving, and those that
/// arrived and wait to be installed. All live in the data folder and hold ciphertext only.
package struct SnapshotFolder: Sendable {
    private let folder: String

    /// - Parameter folder: the node's data folder.
    package init(folder: String) {
        self.folder = folder
    }

    private static let prefix = "snapshot-"
    private static let exportedName = prefix + "exported"
    private static let arrivingName = prefix + "arriving"

    var exportedPath: String { folder + "/" + Self.exportedName }
    var arrivingPath: String { folder + "/" + Self.arrivingName }

    /// One name for each arrival: a later one cannot touch the file that is being installed.
    func arrivedPath(_ number: UInt64) -> String {
        "\(folder)/\(Self.prefix)arrived-\(number)"
    }

    /// Removes what an earlier process left, except for what can still be used.
    func removeLeftovers(keepsExported: Bool, keepsArriving: Bool) throws(StoreError) {
        try ChunkFile.removeAll(in: folder) { name in
            guard name.hasPrefix(Self.prefix) else { return false }
            if keepsExported, Self.isPart(name, of: Self.exportedName) { return false }
            return !(keepsArriving && Self.isPart(name, of: Self.arrivingName))
        }
    }

    /// The file itself, or what says how far it got and what it is.
    private static func isPart(_ name: String, of file: String) -> Bool {
        [file, file + ".label", file + ".mark"].contains(name)
    }
}
