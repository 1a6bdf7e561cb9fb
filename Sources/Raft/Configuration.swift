/// Who takes part, and on what terms. Replicated through the log as a whole: each change is an
/// entry that holds the next configuration.
///
/// Invariants, checked wherever one is made or decoded (``problem``):
/// - members ascend by id; every id is below `nextNodeID`;
/// - 1...``Limits/votersMax`` voters, and as many outgoing ones at most, all of them members;
/// - every text, list and the whole stay within ``Limits``.
package struct Configuration: Equatable, Sendable {
    /// Strictly ascending by id. A member's position here is its *slot*. A member's role is the
    /// one it has, or will have once the change under way is over.
    package internal(set) var members: [Member]
    /// Who voted before the change of voters that is under way, ascending. Not empty means
    /// *joint*: everything that voters decide needs a majority of these as well.
    package internal(set) var outgoingVoters: [NodeID] = []
    /// Counts the changes; the initial configuration is 0.
    package internal(set) var revision: UInt64 = 0
    /// The id that the next new member gets. Grows only, so no id is given twice.
    package internal(set) var nextNodeID: NodeID
    /// The level of entries and operations that every member knows. Grows only.
    package internal(set) var formatLevel: UInt64 = 1
    /// Permissions to join, ascending by id.
    package internal(set) var joinTokens: [JoinToken] = []

    /// An initial configuration.
    ///
    /// - Parameter members: in any order. ``problem(in:)`` must find nothing wrong with them.
    package init(members: [Member]) {
        if let problem = Self.problem(in: members) {
            preconditionFailure("configuration: \(problem)")
        }
        self.init(unchecked: members)
    }

    private init(unchecked members: [Member]) {
        self.members = members.sorted { $0.id < $1.id }
        nextNodeID = NodeID(number: (self.members.last?.id.number ?? 0) &+ 1)
    }

    /// For the decoder, which checks what comes of it.
    init(decoded members: [Member], nextNodeID: NodeID) {
        self.members = members
        self.nextNodeID = nextNodeID
    }

    // MARK: Looking

    /// The members that count in quorums, ascending by id; the incoming ones while joint.
    package var voters: [Member] { members.filter { $0.role == .voter } }

    /// Whether a change of voters is under way.
    package var isJoint: Bool { !outgoingVoters.isEmpty }

    /// The member with this id, if it belongs to the cluster.
    package func member(_ id: NodeID) -> Member? {
        slot(of: id).map { members[$0] }
    }

    /// Whether this member counts in quorums, before or after the change under way.
    package func isVoter(_ id: NodeID) -> Bool {
        member(id)?.role == .voter || outgoingVoters.contains(id)
    }

    /// The member's position, which indexes every per-peer array of the core.
    func slot(of id: NodeID) -> Int? {
        members.firstIndex { $0.id == id }
    }

    // MARK: Checking

    /// Why these members cannot be an initial configuration; `nil` when they can. For settings,
    /// which hold other people's mistakes.
    package static func problem(in members: [Member]) -> String? {
        guard members.allSatisfy({ $0.id.number < Limits.countMax }) else {
            return "a member id is too large"
        }
        return Self(unchecked: members).problem
    }

    /// Why this cannot be a configuration; `nil` when it can.
    var problem: String? {
        guard members.count <= Limits.membersMax else {
            return "\(members.count) members, at most \(Limits.membersMax) are supported"
        }
        guard !voters.isEmpty else { return "no voter" }
        guard voters.count <= Limits.votersMax else {
            return "\(voters.count) voters, at most \(Limits.votersMax) are supported"
        }
        for (earlier, later) in zip(members, members.dropFirst()) where earlier.id >= later.id {
            return earlier.id == later.id
                ? "two members have the id \(later.id.number)" : "members are not sorted by id"
        }
        for member in members {
            if let problem = Self.problem(in: member) { return problem }
        }
        if let problem = problemOfVoters ?? problemOfNumbers ?? problemOfTokens { return problem }
        let bytes = encoded().count
        guard bytes <= Limits.configurationBytesMax else {
            return "\(bytes) bytes, at most \(Limits.configurationBytesMax) are supported"
        }
        return nil
    }

    private static func problem(in member: Member) -> String? {
        guard member.id.number > 0 else { return "member id 0" }
        guard member.incarnation < NodeLife.forgotten else {
            return "the incarnation of member \(member.id.number) stands for none"
        }
        guard member.role == .learner || !member.awaitsPromotion else {
            return "the voter \(member.id.number) awaits promotion"
        }
        guard member.pin.count == Limits.pinBytes else {
            return "the pin of member \(member.id.number) has \(member.pin.count) bytes, not 32"
        }
        let texts = [
            member.name, member.region, member.zone, member.peerAddress, member.apiAddress,
        ]
        for text in texts where text.utf8.count > Limits.memberTextBytesMax {
            return "member \(member.id.number) has a text of \(text.utf8.count) bytes, "
                + "at most \(Limits.memberTextBytesMax) are supported"
        }
        return nil
    }

    private var problemOfVoters: String? {
        guard outgoingVoters.count <= Limits.votersMax else {
            return "\(outgoingVoters.count) outgoing voters"
        }
        for (earlier, later) in zip(outgoingVoters, outgoingVoters.dropFirst())
        where earlier >= later {
            return "outgoing voters are not sorted by id"
        }
        for id in outgoingVoters where slot(of: id) == nil {
            return "the outgoing voter \(id.number) is not a member"
        }
        return nil
    }

    private var problemOfNumbers: String? {
        guard revision <= Limits.countMax, formatLevel <= Limits.countMax,
            nextNodeID.number <= Limits.countMax
        else { return "a number cannot be reached" }
        guard formatLevel >= 1 else { return "format level 0" }
        guard let last = members.last, last.id < nextNodeID else {
            return "the next node id \(nextNodeID.number) is taken"
        }
        return nil
    }

    private var problemOfTokens: String? {
        guard joinTokens.count <= Limits.joinTokensMax else {
            return "\(joinTokens.count) join tokens, at most \(Limits.joinTokensMax) are supported"
        }
        for (earlier, later) in zip(joinTokens, joinTokens.dropFirst()) where earlier.id >= later.id
        {
            return "join tokens are not sorted by id"
        }
        for token in joinTokens {
            guard token.secretDigest.count == Limits.pinBytes,
                token.pin.map({ $0.count == Limits.pinBytes }) ?? true
            else { return "join token \(token.id) has a digest that is not 32 bytes" }
        }
        return nil
    }
}
