/// What a member counts for.
package enum MemberRole: UInt8, Sendable {
    /// Counts in every quorum and may lead.
    case voter = 0
    /// Receives the log, counts for nothing.
    case learner = 1
}

/// One node of the cluster, as every other member knows it.
package struct Member: Equatable, Sendable {
    /// Never reused for another node.
    package let id: NodeID
    /// Unique, given by the operator, for example "eu-1".
    package let name: String
    /// Failure domain, for example "eu".
    package let region: String
    /// Failure domain inside the region, for example "eu-a".
    package let zone: String
    /// Where peers connect, "host:port".
    package let peerAddress: String
    /// Where clients connect, "https://host:port".
    package let apiAddress: String
    /// SHA-256 of the subject public key info of the node's key, 32 bytes.
    package let pin: [UInt8]
    /// Whether it counts in quorums.
    package let role: MemberRole

    package init(
        id: NodeID,
        name: String,
        region: String,
        zone: String,
        peerAddress: String,
        apiAddress: String,
        pin: [UInt8],
        role: MemberRole
    ) {
        self.id = id
        self.name = name
        self.region = region
        self.zone = zone
        self.peerAddress = peerAddress
        self.apiAddress = apiAddress
        self.pin = pin
        self.role = role
    }
}
