// Contract of the core.
//
// The driver calls `step` for each input and `endTurn` once after the steps of a turn, from one
// thread, and performs all effects in order. The core is a value: it has no clock, no randomness
// beyond its seed, no I/O. Copies may be forked and compared.
//
// Peer input never trips a precondition: it is answered, ignored, or raises an alarm. The driver
// and the disk are trusted; what they may not do is a precondition.
//
// Read leases: `RaftCore+Leases`. Membership: `RaftCore+Membership`.

import Wire

/// Raft for one node, as a pure value: inputs go in, ordered effects come out.
///
/// - Source: Ongaro, "Consensus: Bridging Theory and Practice", 2014: chapter 3 (the algorithm),
///   6.4 (read index), 9.6 (pre-vote), 10.2.1 (the leader's disk in parallel), 3.10 (transfer).
package struct RaftCore: Sendable {
    /// This node.
    package let id: NodeID
    /// This life of it.
    package internal(set) var life: NodeLife
    /// As given at the start.
    package let settings: RaftSettings
    /// Who takes part: the newest configuration in the log, committed or not.
    package internal(set) var configuration: Configuration
    /// The entry that brought ``configuration``. At most one above the commit index is a change;
    /// followers may hold more of them, from leaders that follow each other.
    var configurationIndex: LogIndex
    /// The revision of the configuration that this start began with. A node that was admitted, or
    /// begins anew, was told the members before its log has them, and it may stop and start again
    /// before its log has come that far: the disk does not say which of the two it is.
    var toldRevision: UInt64 = 0
    /// What ``configuration`` was along the log.
    var configurations: ConfigurationHistory
    /// The voters' slots in ``configuration``.
    var voters: VoterHalves

    /// The current term. Grows only.
    package internal(set) var term: Term
    /// Whom this node chose in `term`.
    package internal(set) var vote: NodeID?
    /// What this node is in `term`.
    package internal(set) var role = Role.follower
    /// Who leads `term`, as far as this node knows and believes.
    package internal(set) var leader: NodeID?
    /// Entries through here are committed. Grows only. May be ahead of the local disk.
    package internal(set) var commitIndex: LogIndex
    /// The driver evaluated through here, or a snapshot brought it.
    package internal(set) var evaluatedIndex: LogIndex
    /// As last told by the driver.
    package internal(set) var isSealed: Bool
    /// As last told by the driver. A stalled node does not lead and does not campaign.
    package var isDiskStalled: Bool { diskStalledTick != nil }
    /// Since when it is.
    var diskStalledTick: UInt64?
    /// As last told by the driver. Such a node lets others lead where it can.
    package internal(set) var isShortOfRoom = false

    /// What was heard of other nodes' lives.
    var peerLives = PeerLives()

    var log: LogTail
    var durability: Durability
    var random: SplitMix
    /// Ticks since start.
    var ticks: UInt64 = 0
    /// Ticks since the last reason not to campaign.
    var electionElapsedTicks = 0
    /// When to campaign, without the sealed penalty. Drawn anew for each wait.
    var electionTimeoutTicks = 0
    /// Ticks since the leader was last heard.
    var leaderQuietTicks = 0
    /// The connection to the leader was reset and it has not spoken since.
    var isLeaderLinkReset = false
    /// What that still makes this node do, until it hears a leader.
    var lostLeader: LostLeader?
    /// As a follower: the log equals the leader's through here, in this term.
    var matched: LogIndex
    /// While (pre-)candidate.
    var ballot: Ballot?
    /// While leader.
    var leadership: Leadership?
    var forwards: ForwardedReads
    var lastHandoverTick: UInt64?
    /// The node's own clock as last given; see ``Input/clock(_:)``.
    var clock: UInt64?
    /// As a voter: no vote before this time of `clock`, when leases are on.
    var leaseBoundUntil: UInt64 = 0
    /// The last term in which a leader's leases did not fit this node's settings.
    var leaseMismatchTerm: Term?
    /// What became of reads so far.
    package internal(set) var readCounters = ReadCounters()
    var transfer: TransferWait?
    /// The ways to the other members.
    var contacts = Contacts()
    /// Whose message is being taken in, and through whom it came.
    var answering: (peer: NodeID, relay: NodeID?)?
    /// What may be passed on for others.
    var relayBudget: RelayBudget

    /// Said in this turn, but only after the turn's persist.
    var outbox: [Outgoing] = []
    /// Acknowledge the log through here to the leader at the end of the turn.
    var dueAcknowledgement: LogIndex?
    private var announcedRole: Announcement
    /// The driver was told to evaluate through here.
    var announcedCommit: LogIndex

    struct Outgoing: Sendable {
        let message: Message
        let target: NodeID
        /// Through whom.
        let relay: NodeID?
        /// Vouches for something that must be on disk first.
        let isPromise: Bool
    }

    private struct Announcement: Equatable, Sendable {
        let role: Role
        let term: Term
        let leader: NodeID?
    }

    /// Starts from what is on disk.
    ///
    /// - Parameters:
    ///   - id: this node, not necessarily a member (it then never campaigns).
    ///   - life: epoch, boot and incarnation, as the disk has them, the boot counted up already
    ///     and on disk before any effect is performed.
    ///   - configuration: as of `evaluated`; the initial one for a new node, a later one for a node
    ///     that was admitted later or begins anew. Configuration entries after it are in
    ///     `entries`.
    ///   - hardState: as last persisted; ``HardState/initial`` for a new node.
    ///   - snapshotIndex, snapshotTerm: what the log starts after; zero for a new node.
    ///   - entries: the retained log, consecutive from `snapshotIndex.next`, all durable.
    ///   - evaluated: what the durable state holds, `snapshotIndex ... last index`.
    ///   - settings: without ``RaftSettings/problem``.
    ///   - seed: fresh and random for each start of the process. It draws time-outs and the
    ///     numbers of read batches, which must not repeat across restarts.
    package init(
        id: NodeID,
        life: NodeLife,
        configuration: Configuration,
        hardState: HardState,
        snapshotIndex: LogIndex,
        snapshotTerm: Term,
        entries: [LogEntry],
        evaluated: LogIndex,
        isSealed: Bool,
        settings: RaftSettings,
        seed: UInt64
    ) {
        precondition(settings.problem == nil, "settings: \(settings.problem ?? "")")
        let log = LogTail(baseIndex: snapshotIndex, baseTerm: snapshotTerm, entries: entries)
        let commit = max(hardState.commit, evaluated)
        precondition(evaluated >= snapshotIndex, "the log starts after what is evaluated")
        precondition(commit <= log.lastIndex, "a committed entry is missing from the log")
        precondition(hardState.term >= log.lastTerm, "the log is ahead of the term")

        self.id = id
        self.life = life
        self.settings = settings
        configurations = ConfigurationHistory(configuration, at: evaluated)
        toldRevision = configuration.revision
        for entry in entries where entry.index > evaluated && entry.kind == .configuration {
            guard let decoded = try? ConfigurationEntry(decoding: entry.body) else {
                preconditionFailure("entry \(entry.index.number) was checked when it was appended")
            }
            guard decoded.configuration.revision > toldRevision else { continue }
            configurations.append(decoded.configuration, at: entry.index)
        }
        self.configuration = configurations.newest.configuration
        configurationIndex = configurations.newest.index
        voters = VoterHalves(self.configuration)
        term = hardState.term
        vote = hardState.vote
        commitIndex = commit
        evaluatedIndex = evaluated
        announcedCommit = evaluated
        self.isSealed = isSealed
        self.log = log
        durability = Durability(hardState: hardState, lastIndex: log.lastIndex)
        matched = commit
        relayBudget = RelayBudget(settings)
        random = SplitMix(seed: seed)
        forwards = ForwardedReads(firstNumber: random.next())
        announcedRole = Announcement(role: .follower, term: hardState.term, leader: nil)
        resetElectionTimer()
    }

    // MARK: Life

    /// Takes in one thing that happened and appends what follows from it to `effects`.
    package mutating func step(_ input: Input, into effects: inout [Effect]) {
        switch input {
        case .tick:
            tick(into: &effects)
        case .received(let message, let peer):
            received(message, from: peer, into: &effects)
        case .proposed(let proposals):
            proposed(proposals, into: &effects)
        case .clock(let now):
            clockRead(now)
        case .readRequested(let tickets, let mustConfirm):
            readRequested(tickets, mustConfirm: mustConfirm, into: &effects)
        case .durable(let token):
            durability.completed(token)
            persisted(into: &effects)
        case .voteDurable(let token):
            durability.completedVotes(token)
            persisted(into: &effects)
        case .evaluated(let index):
            precondition(index <= announcedCommit, "evaluated past what was committed")
            evaluatedIndex = max(evaluatedIndex, index)
        case .compacted(let index):
            compacted(through: index)
        case .snapshotStreamed(let peer, let point, let isDelivered):
            snapshotStreamed(to: peer, point: point, isDelivered: isDelivered)
        case .snapshotArrived(let point, let peer, let term):
            snapshotArrived(point, from: peer, term: term, into: &effects)
        case .linkReset(let peer):
            linkReset(peer, into: &effects)
        case .sealChanged(let isSealed):
            self.isSealed = isSealed
        case .transferRequested(let ticket, let target):
            transferRequested(ticket, to: target, into: &effects)
        case .diskHealth(let health):
            diskHealthChanged(health, into: &effects)
        case .roomChanged(let isShort):
            isShortOfRoom = isShort
        }
        announceRole(into: &effects)
    }

    /// Ends a turn: appends to followers, then one persist for everything new, then what may be
    /// said only after it, then what there is to evaluate.
    package mutating func endTurn(into effects: inout [Effect]) {
        if role == .leader {
            beginReadRound(into: &effects)
            leaveJointIfDue()
            adoptNewest(into: &effects)
            for slot in configuration.members.indices where !isSelf(slot) {
                replicate(to: slot, into: &effects)
            }
            // After the above, which tells a successor what is committed before it campaigns.
            advanceHandover(into: &effects)
        } else {
            forwardReads(into: &effects)
        }
        flush(into: &effects)
        speakOut(into: &effects)
        announceCommit(into: &effects)
        announceRole(into: &effects)
    }

    private mutating func tick(into effects: inout [Effect]) {
        ticks += 1
        relayBudget.tick()
        expireForwardedReads(into: &effects)
        if role == .leader {
            leaderTick(into: &effects)
        } else {
            electionTick(into: &effects)
        }
    }

    private mutating func persisted(into effects: inout [Effect]) {
        switch role {
        case .leader: advanceCommit()
        case .candidate: countOwnVote(into: &effects)
        case .follower, .preCandidate: break
        }
    }

    private mutating func compacted(through index: LogIndex) {
        guard index > log.baseIndex else { return }
        // Its effect is in the durable state, so it was evaluated, even if that word is still on
        // its way from another thread.
        precondition(index <= announcedCommit, "compacted what was not committed")
        log.compact(through: index)
        configurations.fold(through: index)
        evaluatedIndex = max(evaluatedIndex, index)
    }

    // MARK: Saying and persisting

    /// Says something in the current term as soon as that term is on disk.
    mutating func say(_ body: MessageBody, to target: NodeID, into effects: inout [Effect]) {
        say(body, to: target, through: way(to: target), into: &effects)
    }

    /// The same through this peer; `nil`: directly.
    mutating func say(
        _ body: MessageBody,
        to target: NodeID,
        through relay: NodeID?,
        into effects: inout [Effect]
    ) {
        let message = Message(term: term, life: life, body: body)
        if durability.holds(term: term, vote: vote) {
            let sent = wrapped(message, to: target, through: relay)
            let gate = planted("speaksBeforeSync") ? nil : durability.votesGate
            effects.append(.send(sent.message, to: sent.target, after: gate))
        } else {
            outbox.append(
                Outgoing(message: message, target: target, relay: relay, isPromise: false)
            )
        }
    }

    /// Says something that vouches for this turn's changes: after they are on disk.
    mutating func promise(_ body: MessageBody, to target: NodeID) {
        let message = Message(term: term, life: life, body: body)
        let relay = way(to: target)
        outbox.append(Outgoing(message: message, target: target, relay: relay, isPromise: true))
    }

    /// Hands everything new to one persist.
    mutating func flush(into effects: inout [Effect]) {
        let votesChanged = !durability.holds(term: term, vote: vote)
        let truncateFrom = durability.truncateFrom
        let entries = log.suffix(from: durability.unflushedFrom)
        guard votesChanged || truncateFrom != nil || !entries.isEmpty else { return }

        let state = HardState(term: term, vote: vote, commit: commitIndex)
        let isNew = state != durability.hardState
        let token = durability.flushed(hardState: state, lastIndex: log.lastIndex)
        effects.append(
            .persist(
                Persist(
                    token: token,
                    hardState: isNew ? state : nil,
                    truncateFrom: planted("truncatesInMemoryOnly") ? nil : truncateFrom,
                    entries: entries,
                    votesChanged: votesChanged
                )
            )
        )
    }

    private mutating func speakOut(into effects: inout [Effect]) {
        precondition(durability.holds(term: term, vote: vote), "speaking comes after the flush")
        // What was said in a term that ended within this turn is of no use to anyone.
        for said in outbox where said.message.term == term {
            var gate = said.isPromise ? durability.acknowledgementGate : durability.votesGate
            if planted("votesBeforeSync") { gate = nil }
            let sent = wrapped(said.message, to: said.target, through: said.relay)
            effects.append(.send(sent.message, to: sent.target, after: gate))
        }
        outbox.removeAll(keepingCapacity: true)
        if let through = dueAcknowledgement {
            acknowledge(through: through, into: &effects)
        }
        dueAcknowledgement = nil
    }

    private func acknowledge(through index: LogIndex, into effects: inout [Effect]) {
        guard role == .follower, let leader else { return }
        let response = AppendResponse(outcome: .accepted(through: index), isSealed: isSealed)
        let message = Message(term: term, life: life, body: .appendResponse(response))
        // Anything in memory that is not on disk waits for the newest persist, even if this very
        // append brought nothing new.
        let isDurable =
            durability.durableIndex >= index && durability.votesGate == nil
            || planted("acknowledgesBeforeSync")
        let gate = isDurable ? nil : durability.acknowledgementGate
        let sent = wrapped(message, to: leader, through: way(to: leader))
        effects.append(.send(sent.message, to: sent.target, after: gate))
    }

    private mutating func announceCommit(into effects: inout [Effect]) {
        var index = min(commitIndex, durability.durableIndex)
        if planted("appliesBeforePersist") { index = commitIndex }
        if planted("appliesBeforeCommit") { index = durability.durableIndex }
        guard index > announcedCommit else { return }
        announcedCommit = index
        effects.append(.commit(through: index))
    }

    private mutating func announceRole(into effects: inout [Effect]) {
        let now = Announcement(role: role, term: term, leader: leader)
        if now != announcedRole {
            announcedRole = now
            effects.append(.roleChanged(role, term: term, leader: leader))
        }
        settleTransfer(into: &effects)
    }
}

// MARK: - Observers

extension RaftCore {
    /// First retained entry; one past the end when none is.
    package var firstIndex: LogIndex { log.firstIndex }
    package var lastIndex: LogIndex { log.lastIndex }
    /// As leader: the last entry that it did not append itself. `nil` otherwise.
    package var inheritedIndex: LogIndex? { leadership?.inherited }
    /// The last entry no longer retained, which a snapshot covers; zero for a new node.
    package var snapshotIndex: LogIndex { log.baseIndex }
    package var snapshotTerm: Term { log.baseTerm }
    /// Entries through here are on this node's disk.
    package var durableIndex: LogIndex { durability.durableIndex }
    package var newestToken: PersistToken { durability.newest }
    package var durableToken: PersistToken { durability.durable }
    /// As it is now, which may be ahead of the disk.
    package var hardState: HardState { HardState(term: term, vote: vote, commit: commitIndex) }

    /// True for a leader that has committed in its own term, so it knows the commit index.
    package var isReadable: Bool {
        role == .leader && log.term(at: commitIndex) == term
    }

    /// Ticks that would do nothing, if nothing else comes, but let a leader notice that its
    /// majority is gone: a driver may deliver a few of them late, all at once. 0 while anything is
    /// under way that is measured in ticks.
    package var quietTicks: Int {
        guard transfer == nil, forwards.count == 0 else { return 0 }
        switch role {
        case .follower:
            return leader == nil ? 0 : max(0, campaignTicks - electionElapsedTicks - 1)
        case .preCandidate, .candidate:
            return 0
        case .leader:
            guard let leadership, leadership.handover == nil, settings.readLease == nil,
                commitIndex == log.lastIndex
            else { return 0 }
            return max(0, settings.heartbeatTicks - leadership.heartbeatElapsedTicks - 1)
        }
    }

    /// Whether a read waits for a majority to confirm that this node leads.
    package var awaitsConfirmation: Bool { (leadership?.reads.weight ?? 0) > 0 }

    /// The entry at `index`, if it is retained.
    package func entry(at index: LogIndex) -> LogEntry? { log.entry(at: index) }

    /// The term at `index`; known for retained entries and for ``snapshotIndex``.
    package func term(at index: LogIndex) -> Term? { log.term(at: index) }

    /// What a leader knows of one member.
    package struct MemberProgress: Equatable, Sendable {
        /// Which one.
        package let id: NodeID
        /// Its log equals ours through here, durably.
        package let match: LogIndex
        /// It spoke within the last election time-out.
        package let isRecentlyActive: Bool
        /// Its disk is the one that was admitted, so it counts if it is a voter, and can become
        /// one if it is not. False until it has spoken to this leader.
        package let isCounted: Bool
        /// Under which incarnation it speaks; `nil` until it has. Not the configured one: its
        /// disk is another, and has to be readmitted under this number.
        package let incarnation: UInt64?
        /// The highest format level it knows; 0 until it said so.
        package let formatLevel: UInt64
        /// `nil` until it said so.
        package let isSealed: Bool?
        /// `nil` for the leader itself.
        package let progress: Progress?
    }

    /// As a leader, one line per member in order of ids; empty otherwise.
    package var memberProgress: [MemberProgress] {
        guard let leadership else { return [] }
        return configuration.members.indices.map { slot in
            let follower = leadership.followers[slot]
            let isOwn = isSelf(slot)
            return MemberProgress(
                id: configuration.members[slot].id,
                match: isOwn ? durableIndex : follower.match,
                isRecentlyActive: isOwn || isRecentlyHeard(follower),
                isCounted: counts(slot),
                incarnation: isOwn ? life.spokenIncarnation : follower.incarnation,
                formatLevel: isOwn ? settings.formatLevel : follower.formatLevel,
                isSealed: isOwn ? isSealed : follower.isSealed,
                progress: isOwn ? nil : follower.progress
            )
        }
    }
}
