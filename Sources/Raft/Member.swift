/// What a member counts for.
package enum MemberRole: UInt8, Sendable {
    /// Counts in every quorum and may lead.
    case voter = 0
    /// Receives the log, counts for nothing.
    case learner = 1
}

/// Who a node is and where it can be found: everything about a member that its operator chooses.
package struct MemberDetails: Equatable, Sendable {
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
    /// SHA-256 of the subject public key info of the node's key, 32 bytes. Unique.
    package let pin: [UInt8]

    package init(
        name: String,
        region: String,
        zone: String,
        peerAddress: String,
        apiAddress: String,
        pin: [UInt8]
    ) {
        self.name = name
        self.region = region
        self.zone = zone
        self.peerAddress = peerAddress
        self.apiAddress = apiAddress
        self.pin = pin
    }
}

/// One node of the cluster, as every other member knows it.
package struct Member: Equatable, Sendable {
    /// Never reused for another node.
    package let id: NodeID
    /// Name, addresses and key.
    package internal(set) var details: MemberDetails
    /// Whether it counts in quorums. While a change of voters is under way: in the incoming ones.
    package internal(set) var role: MemberRole
    /// The number that its disk drew when it began to be this member; 0 for the members of the
    /// initial configuration. What a node says under another number counts for nothing, because
    /// its disk is not the one that voted and acknowledged before.
    package internal(set) var incarnation: UInt64
    /// A learner that the leader is to make a voter once it has caught up. Never true of voters.
    package internal(set) var awaitsPromotion = false

    /// The operator's name for it. See ``MemberDetails/name``.
    package var name: String { details.name }
    /// Its failure domain. See ``MemberDetails/region``.
    package var region: String { details.region }
    /// Its failure domain inside the region. See ``MemberDetails/zone``.
    package var zone: String { details.zone }
    /// Where peers connect. See ``MemberDetails/peerAddress``.
    package var peerAddress: String { details.peerAddress }
    /// Where clients connect. See ``MemberDetails/apiAddress``.
    package var apiAddress: String { details.apiAddress }
    /// SHA-256 of its key's public half. See ``MemberDetails/pin``.
    package var pin: [UInt8] { details.pin }

    package init(id: NodeID, details: MemberDetails, role: MemberRole, incarnation: UInt64) {
        self.id = id
        self.details = details
        self.role = role
        self.incarnation = incarnation
    }

    /// A member of an initial configuration.
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
        let details = MemberDetails(
            name: name,
            region: region,
            zone: zone,
            peerAddress: peerAddress,
            apiAddress: apiAddress,
            pin: pin
        )
        self.init(id: id, details: details, role: role, incarnation: 0)
    }
}

/// A permission to join, given out by the members. Its secret is not in here.
package struct JoinToken: Equatable, Sendable {
    /// Unique among the tokens of a configuration.
    package let id: UInt64
    /// SHA-256 of the secret, 32 bytes.
    package let secretDigest: [UInt8]
    /// Cluster time in seconds after which whoever checks it refuses it. The core has no clock.
    package let deadline: UInt64
    /// The key pin of the node that it admitted; no other can use it from then on, and that one
    /// only to be told again. `nil` until it admitted one.
    package let pin: [UInt8]?

    package init(id: UInt64, secretDigest: [UInt8], deadline: UInt64, pin: [UInt8]?) {
        self.id = id
        self.secretDigest = secretDigest
        self.deadline = deadline
        self.pin = pin
    }
}
