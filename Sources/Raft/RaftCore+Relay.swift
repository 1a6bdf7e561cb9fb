// Relay: where two members do not reach each other, a voter that both reach passes on what they
// say.
//
// - One hop, never two: a relay takes from its origin only and gives to its target only, and what
//   is relayed holds no relayed message. One message in, at most one of the same size out.
// - Whoever gets no direct answer asks through a peer that it hears; the answer goes back the way
//   the question came, and so does what the other one says of itself in the next moments.
// - Nothing is passed on while direct contact works, and never more than `RelayBudget` allows.
// - A relay is believed about its origin's words, not about its lives: see `RaftCore+Lives` and
//   `followerSpoke`.
// - A relay keeps no leader that its entries do not leave: `carriesMajority`.
//
// Snapshots are not relayed. Decision 0013 says who trusts whom, and what that costs.

extension RaftCore {
    // MARK: Which way

    /// Through whom to speak to this member; `nil`: directly.
    func way(to target: NodeID) -> NodeID? {
        if let answering, answering.peer == target { return answering.relay }
        guard let relay = contacts[target].relay,
            ticks - relay.tick < UInt64(settings.relayMemoryTicks)
        else { return nil }
        return relay.peer
    }

    func isDirectlyHeard(_ peer: NodeID, within patience: Int) -> Bool {
        guard let tick = contacts[peer].directTick else { return false }
        return ticks - tick < UInt64(patience)
    }

    /// The message as it leaves, and for whom.
    func wrapped(
        _ message: Message,
        to target: NodeID,
        through relay: NodeID?
    ) -> (message: Message, target: NodeID) {
        guard let relay else { return (message, target) }
        let relayed = Relayed(origin: id, target: target, message: message)
        return (Message(term: message.term, life: life, body: .relayed(relayed)), relay)
    }

    /// Whether this message, on whatever way it came, brings this node entries for its log.
    package func isGivenEntries(by message: Message) -> Bool {
        switch message.body {
        case .append(let append): !append.entries.isEmpty
        case .relayed(let relayed): relayed.target == id && isGivenEntries(by: relayed.message)
        default: false
        }
    }

    /// The voters that can pass something on to `target`, as far as this node hears them.
    private func relays(to target: NodeID, heardWithin patience: Int) -> [NodeID] {
        voters.all.map { configuration.members[$0].id }.filter { peer in
            peer != id && peer != target && isDirectlyHeard(peer, within: patience)
        }
    }

    /// The peer through which a heartbeat goes as well: the one that brought the last answer, or
    /// one after the other. `nil` while the member answers directly.
    ///
    /// A member that nobody can reach costs one message in each election time-out, once all peers
    /// were tried.
    mutating func heartbeatRelay(to target: NodeID, since beganTick: UInt64) -> NodeID? {
        guard ticks - beganTick >= UInt64(settings.relayAfterTicks),
            !isDirectlyHeard(target, within: settings.relayAfterTicks)
        else { return nil }
        if let known = way(to: target) { return known }
        let peers = relays(to: target, heardWithin: settings.relayAfterTicks)
        guard !peers.isEmpty, ticks >= contacts[target].nextTryTick else { return nil }
        let tries = contacts[target].tries
        let pause = tries < peers.count ? settings.heartbeatTicks : settings.electionTicksMin
        let nextTry = ticks + UInt64(pause)
        contacts.update(target) { contact in
            contact.tries = tries + 1
            contact.nextTryTick = nextTry
        }
        return peers[tries % peers.count]
    }

    /// A campaign is not settled yet: asks those who did not answer through those who did. Once
    /// in a campaign, so at most voters times voters messages.
    mutating func campaignThroughOthers(into effects: inout [Effect]) {
        guard role != .follower, let ballot, electionElapsedTicks == settings.relayAfterTicks
        else { return }
        let request = voteRequest(isTransfer: ballot.isTransfer)
        let body =
            role == .candidate
            ? MessageBody.voteRequest(request) : MessageBody.preVoteRequest(request)
        for slot in voters.all where !isSelf(slot) && !ballot.hasAnswered(slot) {
            let target = configuration.members[slot].id
            for peer in relays(to: target, heardWithin: settings.relayAfterTicks + 1) {
                say(body, to: target, through: peer, into: &effects)
            }
        }
    }

    // MARK: Leader

    /// Check-quorum: a leader that a majority has not answered for an election time-out is
    /// probably replaced, and must not look alive to anyone.
    ///
    /// Who answers through a relay counts only while entries get through as well. Heartbeats are
    /// small and entries are not, so without this a relay could keep followers quiet for a leader
    /// that commits nothing.
    var carriesMajority: Bool {
        voters.agree { slot in
            guard isPresent(slot) else { return false }
            guard !isSelf(slot), leadership?.followers[slot].isStuck == true else { return true }
            return isDirectlyHeard(
                configuration.members[slot].id,
                within: settings.electionTicksMin
            )
        }
    }

    /// The relay that would lead better: this leader hears no majority itself, and the relay hears
    /// one. `nil`: this one leads on. Whoever takes over never comes to the same conclusion, so
    /// leadership does not wander.
    var bridge: NodeID? {
        let members = configuration.members
        let patience = settings.electionTicksMin
        guard let leadership, ticks - leadership.beganTick >= UInt64(patience) else { return nil }
        let isHeard = { slot in self.isDirectlyHeard(members[slot].id, within: patience) }
        guard !voters.agree({ isSelf($0) || isHeard($0) }) else { return nil }
        let slot = voters.incoming.first { relay in
            isFit(relay, unsealedOnly: !isSealed)
                && voters.agree {
                    isSelf($0) || $0 == relay || way(to: members[$0].id) == members[relay].id
                }
        }
        return slot.map { members[$0].id }
    }

    /// Looks once in an election time-out who took nothing although there was something to take.
    mutating func notePace() {
        guard let leadership, ticks - leadership.paceTick >= UInt64(settings.electionTicksMin)
        else { return }
        for slot in leadership.followers.indices {
            self.leadership?.followers[slot].notePace(owedThrough: leadership.paceIndex)
        }
        self.leadership?.paceTick = ticks
        self.leadership?.paceIndex = log.lastIndex
    }

    // MARK: Hearing

    mutating func heard(_ peer: NodeID, through relay: NodeID?) {
        guard configuration.slot(of: peer) != nil else { return }
        let tick = ticks
        contacts.update(peer) { contact in
            if let relay { contact.relay = (relay, tick) } else { contact.directTick = tick }
            contact.tries = 0
        }
    }

    /// Passes a message on, or takes in one that was passed on.
    mutating func relayReceived(
        _ relayed: Relayed,
        in message: Message,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        if case .relayed = relayed.message.body { return }
        guard configuration.slot(of: relayed.origin) != nil,
            configuration.slot(of: relayed.target) != nil, relayed.origin != relayed.target
        else { return }
        heard(peer, through: nil)
        if relayed.target == id {
            guard configuration.isVoter(peer), relayed.origin != peer, relayed.origin != id,
                relayed.message.epoch == life.epoch
            else { return }
            received(relayed.message, from: relayed.origin, through: peer, into: &effects)
            return
        }
        // Only what its sender says itself, and nothing of another epoch in its name.
        guard relayed.origin == peer, relayed.message.epoch == message.epoch,
            relayBudget.take(relayed)
        else { return }
        // Vouches for nothing of this node, so it waits for nothing and names no term.
        let passedOn = Message(term: .zero, life: life, body: .relayed(relayed))
        effects.append(.send(passedOn, to: relayed.target, after: nil))
    }
}
