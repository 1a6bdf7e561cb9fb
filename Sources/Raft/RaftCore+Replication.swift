// The log: proposals, appends, their answers, and the commit index.

import Wire

extension RaftCore {
    // MARK: Leader: proposals

    mutating func proposed(_ proposals: [Proposal], into effects: inout [Effect]) {
        for proposal in proposals {
            if let refusal = refusal(of: proposal, into: &effects) {
                effects.append(.refused(proposal.ticket, refusal))
                continue
            }
            appendToOwnLog(kind: proposal.kind, body: proposal.body)
            adoptNewest(into: &effects)
            effects.append(.appended(proposal.ticket, term, log.lastIndex))
        }
    }

    private func refusal(of proposal: Proposal, into effects: inout [Effect]) -> Refusal? {
        guard role == .leader, let leadership else { return .notLeader(hint: leader) }
        if let handover = leadership.handover, handover.refusesProposals {
            return .notLeader(hint: handover.target)
        }
        guard proposal.body.count <= Limits.entryBodyBytesMax else { return .tooLarge }
        let bytes = proposal.body.count + Limits.entryOverheadBytes
        guard leadership.uncommittedBytes + bytes <= settings.uncommittedBytesMax else {
            return .overloaded
        }
        guard log.lastIndex < Limits.indexMax else {
            effects.append(.raise(.indexesExhausted))
            return .overloaded
        }
        return proposal.kind == .configuration ? membershipRefusal(proposal.body) : nil
    }

    /// A configuration takes effect here, but its effects leave at the end of the turn.
    mutating func appendToOwnLog(kind: EntryKind, body: [UInt8]) {
        precondition(role == .leader)
        let entry = LogEntry(index: log.lastIndex.next, term: term, kind: kind, body: body)
        log.append(entry)
        leadership?.uncommittedBytes += entry.bytes
        if kind == .configuration {
            guard let decoded = try? ConfigurationEntry(decoding: body) else {
                preconditionFailure("a configuration is checked before it is appended")
            }
            configurations.append(decoded.configuration, at: entry.index)
        }
    }

    // MARK: Leader: sending

    /// Sends a follower whatever it can take now.
    mutating func replicate(to slot: Int, into effects: inout [Effect]) {
        let target = configuration.members[slot].id
        turnToSnapshotIfNeeded(slot: slot, target: target, into: &effects)
        let bytesMax =
            way(to: target) == nil ? settings.inFlightBytesMax : settings.relayInFlightBytesMax
        while let follower = leadership?.followers[slot], isDue(follower, bytesMax: bytesMax) {
            sendAppend(to: slot, target: target, into: &effects)
        }
        guard let follower = leadership?.followers[slot] else { return }
        let tellable = min(commitIndex, follower.match)
        guard tellable > follower.commitTold else { return }
        leadership?.followers[slot].commitTold = tellable
        say(.commitNotice(tellable), to: target, into: &effects)
    }

    private func isDue(_ follower: Follower, bytesMax: Int) -> Bool {
        switch follower.progress {
        case .probe(let isWaiting, _):
            return !isWaiting && follower.next > log.baseIndex
        case .replicate:
            return follower.next <= log.lastIndex && follower.next > log.baseIndex
                && !follower.inFlight.isFull(
                    messagesMax: settings.inFlightMessagesMax,
                    bytesMax: bytesMax
                )
        case .snapshot:
            return false
        }
    }

    private mutating func sendAppend(
        to slot: Int,
        target: NodeID,
        into effects: inout [Effect]
    ) {
        guard let follower = leadership?.followers[slot] else { return }
        let previous = follower.next.previous
        guard let previousTerm = log.term(at: previous) else {
            preconditionFailure("an append needs the entry before it")
        }
        var entries: [LogEntry] = []
        if follower.progress != .probe(isWaiting: false, carriesEntries: false) {
            entries = log.batch(
                from: follower.next,
                entriesMax: settings.appendEntriesMax,
                bytesMax: settings.appendBytesMax
            )
        }
        let last = entries.last?.index ?? previous
        leadership?.followers[slot].sent(
            lastIndex: last,
            bytes: entries.reduce(0) { $0 + $1.bytes }
        )
        let told = max(follower.commitTold, min(commitIndex, last))
        leadership?.followers[slot].commitTold = told
        let append = Append(
            previousIndex: previous,
            previousTerm: previousTerm,
            commit: commitIndex,
            entries: entries
        )
        say(.append(append), to: target, into: &effects)
    }

    /// Asks a follower that seems to have restarted to compare positions, without slowing down
    /// what is in flight to it.
    mutating func remind(slot: Int, into effects: inout [Effect]) {
        guard let follower = leadership?.followers[slot], follower.progress == .replicate,
            let previousTerm = log.term(at: follower.match)
        else { return }
        let append = Append(
            previousIndex: follower.match,
            previousTerm: previousTerm,
            commit: commitIndex,
            entries: []
        )
        say(.append(append), to: configuration.members[slot].id, into: &effects)
    }

    // MARK: Leader: answers

    mutating func appendAnswered(
        _ response: AppendResponse,
        by slot: Int,
        into effects: inout [Effect]
    ) {
        guard role == .leader else { return }
        leadership?.followers[slot].heardTick = ticks
        leadership?.followers[slot].isSealed = response.isSealed
        switch response.outcome {
        case .accepted(let index):
            accepted(through: index, by: slot, into: &effects)
        case .rejected(let previous, let hintIndex, let hintTerm):
            guard previous > .zero,
                !isCaughtForgetting(previous, hint: hintIndex, by: slot, into: &effects)
            else { return }
            let bound = min(hintIndex, previous.previous)
            let candidate = log.lastIndex(notAfter: bound, termAtMost: hintTerm)
            _ = leadership?.followers[slot].rejected(
                previous: previous,
                candidate: candidate ?? .zero
            )
        }
    }

    private mutating func accepted(
        through index: LogIndex,
        by slot: Int,
        into effects: inout [Effect]
    ) {
        guard index <= log.lastIndex else {
            let peer = configuration.members[slot].id
            effects.append(.raise(.acknowledgedTooMuch(peer, index)))
            return
        }
        leadership?.followers[slot].accepted(through: index, base: log.baseIndex)
        advanceCommit()
    }

    /// The commit index is what a majority holds on disk, but only once that includes an entry of
    /// this term: an older entry on a majority can still be overwritten.
    ///
    /// - Source: dissertation section 3.6.2; figure 3.7 is the counterexample.
    mutating func advanceCommit() {
        guard role == .leader, let leadership else { return }
        let index = voters.committedIndex { slot in
            if isSelf(slot), planted("countsOwnMemory") { return log.lastIndex }
            if isSelf(slot) { return durability.durableIndex }
            return counts(slot) ? leadership.followers[slot].match : .zero
        }
        precondition(index <= log.lastIndex)
        guard index > commitIndex, log.term(at: index) == term || planted("commitsOldTerm")
        else { return }
        self.leadership?.uncommittedBytes -= log.weight(after: commitIndex, through: index)
        commitIndex = index
        self.leadership?.commitTick = ticks
    }

    // MARK: Follower

    /// A leader of this term spoke. False when that cannot be.
    mutating func hearLeader(_ peer: NodeID, into effects: inout [Effect]) -> Bool {
        guard role != .leader, leader == nil || leader == peer else {
            effects.append(.raise(.secondLeader(peer, term: term)))
            return false
        }
        lostLeader = nil
        if role != .follower || leader == nil || isLeaderLinkReset {
            becomeFollower(term: term, leader: peer, into: &effects)
        }
        electionElapsedTicks = 0
        leaderQuietTicks = 0
        return true
    }

    mutating func appendReceived(
        _ append: Append,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        if let alarm = problem(in: append, from: peer) {
            effects.append(.raise(alarm))
            return
        }
        guard hearLeader(peer, into: &effects) else { return }
        if let conflict = committedConflict(in: append) {
            effects.append(.raise(.committedConflict(conflict, with: peer)))
            return
        }
        let through = append.entries.last?.index ?? append.previousIndex
        guard through > commitIndex else {
            // Old news: what is committed equals the leader's log.
            acknowledgeLater(through: commitIndex)
            return
        }
        guard
            append.previousIndex <= commitIndex
                || log.term(at: append.previousIndex) == append.previousTerm
                || (append.previousIndex <= log.lastIndex && planted("skipsPreviousTerm"))
        else {
            reject(append, from: peer, into: &effects)
            return
        }
        switch newConfigurations(in: append.entries, from: peer) {
        case .success(let steps):
            take(append.entries, steps)
            adoptNewest(into: &effects)
        case .failure(let fault):
            effects.append(.raise(fault.alarm(from: peer)))
            return
        }
        matched = max(matched, planted("acknowledgesWholeLog") ? log.lastIndex : through)
        commitIndex = max(commitIndex, min(append.commit, through))
        acknowledgeLater(through: matched)
    }

    /// Appends what is new. Nothing that agrees is touched, and nothing committed is.
    private mutating func take(_ entries: [LogEntry], _ steps: [ConfigurationHistory.Step]) {
        for entry in entries where entry.index > commitIndex {
            if let known = log.term(at: entry.index) {
                if known == entry.term && !planted("truncatesWhatAgrees") { continue }
                log.truncate(from: entry.index)
                durability.truncated(from: entry.index)
                if !planted("keepsTruncatedMembers") { configurations.truncate(from: entry.index) }
            }
            log.append(entry)
        }
        for step in steps {
            configurations.append(step.configuration, at: step.index)
        }
    }

    private mutating func acknowledgeLater(through index: LogIndex) {
        dueAcknowledgement = max(dueAcknowledgement ?? .zero, index)
    }

    /// Says where the logs can agree at most, skipping every term that cannot match.
    private mutating func reject(
        _ append: Append,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        precondition(append.previousIndex > commitIndex)
        let bound = min(append.previousIndex.previous, log.lastIndex)
        let found = log.lastIndex(notAfter: bound, termAtMost: append.previousTerm)
        let hint = max(found ?? .zero, commitIndex)
        guard let hintTerm = log.term(at: hint) else {
            preconditionFailure("the commit index and what follows is retained")
        }
        let outcome = AppendResponse.Outcome.rejected(
            previous: append.previousIndex,
            hintIndex: hint,
            hintTerm: hintTerm
        )
        let response = AppendResponse(outcome: outcome, isSealed: isSealed)
        say(.appendResponse(response), to: peer, into: &effects)
    }

    /// What is wrong with an append in itself.
    private func problem(in append: Append, from peer: NodeID) -> Alarm? {
        var index = append.previousIndex
        var entryTerm = append.previousTerm
        guard entryTerm <= term else { return .malformedAppend(from: peer) }
        for entry in append.entries {
            index = index.next
            guard entry.index == index, entry.term >= entryTerm, entry.term <= term,
                entry.body.count <= Limits.entryBodyBytesMax
            else { return .malformedAppend(from: peer) }
            entryTerm = entry.term
        }
        return nil
    }

    /// The first position at or below the commit index where an append contradicts our log.
    private func committedConflict(in append: Append) -> LogIndex? {
        if append.previousIndex <= commitIndex,
            let known = log.term(at: append.previousIndex), known != append.previousTerm
        {
            return append.previousIndex
        }
        for entry in append.entries where entry.index <= commitIndex {
            if let known = log.term(at: entry.index), known != entry.term {
                return entry.index
            }
        }
        return nil
    }

    /// Believes a commit index as far as the log is known to equal the leader's.
    mutating func followCommit(_ index: LogIndex) {
        let sure = planted("commitsUnmatched") ? log.lastIndex : matched
        commitIndex = max(commitIndex, min(index, sure))
    }

    mutating func commitNoticed(
        _ index: LogIndex,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard hearLeader(peer, into: &effects) else { return }
        followCommit(index)
    }
}
