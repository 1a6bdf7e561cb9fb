package import Wire

/// What the vault's answers say about the cluster. `Node` fills it; the vault has no other source.
package struct NodeFacts: Sendable {
    /// Version of this program, `0.1.0`.
    package let version: String
    /// Applied position of this node.
    package let appliedIndex: UInt64
    /// Every member, in the order of their ids.
    package let members: [Member]

    package init(version: String, appliedIndex: UInt64, members: [Member]) {
        self.version = version
        self.appliedIndex = appliedIndex
        self.members = members
    }

    /// One member of the cluster.
    package struct Member: Sendable, Equatable {
        /// Name from the configuration: `eu-1`.
        package let name: String
        /// Its region; empty where none is set.
        package let region: String
        /// Its zone; empty where none is set.
        package let zone: String
        /// Where clients reach it: `https://127.0.0.1:8200`.
        package let apiAddress: String
        /// Where members reach it: `127.0.0.1:8201`.
        package let peerAddress: String
        package let isLeader: Bool
        package let isVoter: Bool
        /// When it was last heard from; nil for the leader and for members never heard from.
        package let lastEcho: Timestamp?

        package init(
            name: String,
            region: String,
            zone: String,
            apiAddress: String,
            peerAddress: String,
            isLeader: Bool,
            isVoter: Bool,
            lastEcho: Timestamp?
        ) {
            self.name = name
            self.region = region
            self.zone = zone
            self.apiAddress = apiAddress
            self.peerAddress = peerAddress
            self.isLeader = isLeader
            self.isVoter = isVoter
            self.lastEcho = lastEcho
        }
    }
}
