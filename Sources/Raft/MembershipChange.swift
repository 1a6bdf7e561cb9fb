/// One step from a configuration to the next. Each is one entry; ``voters(promote:demote:)`` is
/// followed by a second one, by which whoever leads ends the joint configuration.
package enum MembershipChange: Equatable, Sendable {
    /// Admits a node as a learner, under the id ``Configuration/nextNodeID``. The token that it
    /// showed, if any, is bound to its key and admits nobody else from then on. `incarnation` is
    /// the one its disk has drawn.
    case add(MemberDetails, incarnation: UInt64, token: UInt64?, awaitsPromotion: Bool)
    /// Lets a learner go, and with it the token by which it came. Voters are demoted first.
    case remove(NodeID)
    /// Makes learners voters and voters learners, through a joint configuration. One of each
    /// replaces a node in one step.
    case voters(promote: [NodeID], demote: [NodeID])
    /// Makes a voter whose disk is not the admitted one a learner that awaits promotion.
    case suspend(NodeID)
    /// Takes a learner back whose disk is a new or rebuilt one, which drew this incarnation.
    /// From then on what that disk says counts, and what the old one said does not.
    case readmit(NodeID, incarnation: UInt64)
    /// Replaces a member's names, addresses and key. A token bound to the key before goes.
    case describe(NodeID, MemberDetails)
    /// Allows what nodes of this level know. Never undone.
    case raiseFormat(UInt64)
    /// Gives out a permission to join.
    case offer(JoinToken)
    /// Takes a token back, used or not.
    case withdraw(token: UInt64)
}

extension Configuration {
    /// The configuration after `change`, or why there is none.
    package func applying(
        _ change: MembershipChange
    ) throws(MembershipError) -> Configuration {
        guard !isJoint else { throw .changeUnderWay }
        var next = self
        try next.make(change)
        guard next != self else { throw .nothingChanges }
        next.revision += 1
        if let problem = next.problem { throw .invalid(problem) }
        if let problem = Self.problem(from: self, to: next) { throw .invalid(problem) }
        return next
    }

    /// The configuration that ends this joint one.
    package func leavingJoint() throws(MembershipError) -> Configuration {
        guard isJoint else { throw .notJoint }
        var next = self
        next.outgoingVoters = []
        next.revision += 1
        return next
    }

    private mutating func make(_ change: MembershipChange) throws(MembershipError) {
        switch change {
        case .add(let details, let incarnation, let token, let awaitsPromotion):
            try add(details, incarnation, token)
            members[members.count - 1].awaitsPromotion = awaitsPromotion
        case .remove(let id):
            let member = members.remove(at: try learnerSlot(id))
            spendTokens(of: member.pin)
        case .voters(let promoted, let demoted):
            try changeVoters(promoted, demoted)
        case .suspend(let id):
            let slot = try knownSlot(id)
            try changeVoters([], [id])
            members[slot].awaitsPromotion = true
        case .readmit(let id, let incarnation):
            members[try learnerSlot(id)].incarnation = incarnation
        case .describe(let id, let details):
            let slot = try knownSlot(id)
            try requireUnique(details, except: id)
            if members[slot].pin != details.pin { spendTokens(of: members[slot].pin) }
            members[slot].details = details
        case .raiseFormat(let level):
            guard level > formatLevel else { throw .formatNotAbove(formatLevel) }
            formatLevel = level
        case .offer(let token):
            guard !joinTokens.contains(where: { $0.id == token.id }) else {
                throw .tokenExists(token.id)
            }
            joinTokens = (joinTokens + [token]).sorted { $0.id < $1.id }
        case .withdraw(let id):
            joinTokens.remove(at: try tokenPosition(id))
        }
    }

    private mutating func add(
        _ details: MemberDetails,
        _ incarnation: UInt64,
        _ token: UInt64?
    ) throws(MembershipError) {
        try requireUnique(details, except: nil)
        if let token {
            try bind(token, to: details.pin)
        }
        guard nextNodeID.number < Limits.countMax else { throw .invalid("node ids are used up") }
        members.append(
            Member(id: nextNodeID, details: details, role: .learner, incarnation: incarnation)
        )
        nextNodeID = NodeID(number: nextNodeID.number + 1)
    }

    private mutating func changeVoters(
        _ promoted: [NodeID],
        _ demoted: [NodeID]
    ) throws(MembershipError) {
        let before = voters.map(\.id)
        for id in promoted {
            guard !demoted.contains(id) else { throw .contradiction(id) }
            let slot = try knownSlot(id)
            members[slot].role = .voter
            members[slot].awaitsPromotion = false
        }
        for id in demoted {
            let slot = try knownSlot(id)
            members[slot].role = .learner
            members[slot].awaitsPromotion = false
        }
        if voters.map(\.id) != before {
            outgoingVoters = before
        }
    }

    /// The token stays until its deadline, so that a node whose answer was lost can ask again and
    /// be told the same. It admits no other node, and this one not again once it was removed.
    private mutating func bind(_ id: UInt64, to pin: [UInt8]) throws(MembershipError) {
        let position = try tokenPosition(id)
        let token = joinTokens[position]
        guard token.pin == nil || token.pin == pin else { throw .tokenBoundElsewhere(id) }
        joinTokens[position] = JoinToken(
            id: id,
            secretDigest: token.secretDigest,
            deadline: token.deadline,
            pin: pin
        )
    }

    private mutating func spendTokens(of pin: [UInt8]) {
        joinTokens.removeAll { $0.pin == pin }
    }

    private func knownSlot(_ id: NodeID) throws(MembershipError) -> Int {
        guard let slot = slot(of: id) else { throw .unknownMember(id) }
        return slot
    }

    private func learnerSlot(_ id: NodeID) throws(MembershipError) -> Int {
        let slot = try knownSlot(id)
        guard members[slot].role == .learner else { throw .notALearner(id) }
        return slot
    }

    private func tokenPosition(_ id: UInt64) throws(MembershipError) -> Int {
        guard let position = joinTokens.firstIndex(where: { $0.id == id }) else {
            throw .unknownToken(id)
        }
        return position
    }

    private func requireUnique(
        _ details: MemberDetails,
        except id: NodeID?
    ) throws(MembershipError) {
        for member in members where member.id != id {
            guard member.name != details.name else { throw .nameTaken(details.name) }
            guard member.pin != details.pin else { throw .pinTaken(by: member.id) }
        }
    }
}

// MARK: - Legal transitions

extension Configuration {
    /// Why no entry may lead from one configuration to the other; `nil` when one may.
    ///
    /// Every node asks this of every configuration that enters its log, so a change that skips a
    /// safety step stops at the first honest node, whoever leads.
    package static func problem(from old: Configuration, to new: Configuration) -> String? {
        guard new.revision == old.revision + 1 else {
            return "revision \(new.revision) does not follow \(old.revision)"
        }
        guard !old.isJoint else {
            // One at a time: a joint configuration is left before anything else changes.
            return (try? old.leavingJoint()) == new ? nil : "only leaving a joint configuration"
        }
        guard new.formatLevel >= old.formatLevel else { return "the format level falls" }
        guard new.nextNodeID >= old.nextNodeID else { return "the next node id falls" }
        let oldVoters = old.voters.map(\.id)
        let isVoterChange = oldVoters != new.voters.map(\.id)
        guard new.outgoingVoters == (isVoterChange ? oldVoters : []) else {
            return "voters change without the old ones' consent"
        }
        for member in old.members where new.slot(of: member.id) == nil {
            guard member.role == .learner else {
                return "the voter \(member.id.number) is removed, not demoted first"
            }
        }
        for member in new.members {
            if let problem = problem(with: member, from: old) { return problem }
        }
        return nil
    }

    private static func problem(with member: Member, from old: Configuration) -> String? {
        guard let before = old.member(member.id) else {
            guard member.id >= old.nextNodeID else {
                return "the id \(member.id.number) was given before"
            }
            return member.role == .learner ? nil : "the new node \(member.id.number) votes at once"
        }
        guard before.incarnation != member.incarnation else { return nil }
        guard before.role == .learner, member.role == .learner else {
            return "the voter \(member.id.number) changes its incarnation"
        }
        return nil
    }
}
