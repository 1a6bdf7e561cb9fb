// Linearizable reads without log entries.
//
// A read index is the leader's commit index at a moment after the read arrived, confirmed by a
// quorum that still follows this leader after that moment. Source: dissertation section 6.4.

import Wire

extension RaftCore {
    mutating func readRequested(
        _ tickets: [ReadTicket],
        mustConfirm: Bool,
        into effects: inout [Effect]
    ) {
        guard !tickets.isEmpty else { return }
        if let leadership {
            guard leadership.reads.weight + tickets.count <= settings.readsWaitingMax else {
                effects.append(.readRefused(tickets, .overloaded))
                return
            }
            self.leadership?.reads.add(.local(tickets, mustConfirm: mustConfirm))
            return
        }
        if planted("followersReadAlone") {
            return effects.append(.readReady(tickets, commitIndex))
        }
        guard role == .follower, leader != nil, !isLeaderLinkReset else {
            effects.append(.readRefused(tickets, .notLeader(hint: nil)))
            return
        }
        guard forwards.count + tickets.count <= settings.readsWaitingMax else {
            effects.append(.readRefused(tickets, .overloaded))
            return
        }
        forwards.add(tickets)
    }

    // MARK: Leader

    /// Starts a round for all reads that wait, unless one is under way. Runs at the end of a
    /// turn, so every read in the round arrived before the first heartbeat of it leaves.
    mutating func beginReadRound(into effects: inout [Effect]) {
        answerByLease(into: &effects)
        guard isReadable || planted("readsBeforeOwnCommit"),
            let reads = leadership?.reads, reads.underWay == nil,
            !reads.waiting.isEmpty
        else { return }
        leadership?.round += 1
        let round = leadership?.round ?? 0
        leadership?.reads.beginRound(number: round, index: commitIndex)
        readCounters.rounds += 1
        broadcastHeartbeat(into: &effects)
        confirmReadRound(into: &effects)
    }

    mutating func confirmReadRound(into effects: inout [Effect]) {
        guard let leadership, let round = leadership.reads.underWay else { return }
        let isOld = planted("readsByEarlierRound")
        guard
            isQuorum({ slot in
                let answered = leadership.followers[slot].round + (isOld ? 1 : 0)
                return isSelf(slot) || answered >= round.number
            }) || planted("readsWithoutQuorum")
        else { return }
        guard let ended = self.leadership?.reads.endRound() else { return }
        for read in ended.reads {
            switch read {
            case .local(let tickets, _): readCounters.confirmed += UInt64(tickets.count)
            case .remote: readCounters.batchesConfirmed += 1
            }
        }
        answer(ended.reads, at: ended.index, until: nil, into: &effects)
    }

    /// Whether the voters with this property are a quorum, those that are counted.
    func isQuorum(_ has: (Int) -> Bool) -> Bool {
        voters.agree { counts($0) && has($0) }
    }

    mutating func answer(
        _ reads: [ReadQueue.Origin],
        at index: LogIndex,
        until end: UInt64?,
        into effects: inout [Effect]
    ) {
        var tickets: [ReadTicket] = []
        for read in reads {
            switch read {
            case .local(let own, _):
                tickets += own
            case .remote(let peer, let batch):
                let response = ReadIndexResponse(batch: batch, index: index)
                say(.readIndexResponse(response), to: peer, into: &effects)
            }
        }
        if !tickets.isEmpty {
            effects.append(.readReady(tickets, index, until: end))
        }
    }

    mutating func readIndexRequested(
        _ batch: ReadBatch,
        by peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard let leadership, configuration.slot(of: peer) != nil,
            leadership.reads.weight < settings.readsWaitingMax
        else {
            let response = ReadIndexResponse(batch: batch, index: nil)
            say(.readIndexResponse(response), to: peer, into: &effects)
            return
        }
        self.leadership?.reads.add(.remote(peer, batch))
    }

    // MARK: Follower

    /// One question to the leader for all reads of this turn.
    mutating func forwardReads(into effects: inout [Effect]) {
        guard role == .follower, let leader, let batch = forwards.ask(at: ticks) else { return }
        readCounters.questions += 1
        say(.readIndexRequest(batch), to: leader, into: &effects)
    }

    mutating func readIndexAnswered(
        _ response: ReadIndexResponse,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard role == .follower, leader == peer else { return }
        let tickets = forwards.settle(response.batch)
        guard !tickets.isEmpty else { return }
        if let index = response.index {
            readCounters.forwarded += UInt64(tickets.count)
            effects.append(.readReady(tickets, index))
        } else {
            effects.append(.readRefused(tickets, .notLeader(hint: nil)))
        }
    }

    mutating func refuseForwardedReads(hint: NodeID?, into effects: inout [Effect]) {
        let tickets = forwards.drain()
        guard !tickets.isEmpty else { return }
        effects.append(.readRefused(tickets, .notLeader(hint: hint)))
    }

    /// A question or its answer may be lost; nobody waits for ever.
    mutating func expireForwardedReads(into effects: inout [Effect]) {
        let patience = UInt64(settings.readForwardTicksMax)
        guard ticks >= patience else { return }
        let tickets = forwards.expire(askedBy: ticks - patience)
        guard !tickets.isEmpty else { return }
        effects.append(.readRefused(tickets, .notLeader(hint: leader)))
    }
}
