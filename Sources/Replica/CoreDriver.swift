package import Raft
package import Store
import Wire

/// Everything that can wake the core's thread.
package enum CoreInput: Sendable {
    case raft(Input)
    case propose(BatchProposal)
    case change(MembershipProposal)
    case read(ReadWaiter)
    /// The storage thread applied through this index.
    case applied(LogIndex)
    /// The room that is left on the disk changed.
    case space(SpaceState)
    /// A whole, verified snapshot is in this file, which from now on is the driver's to use up.
    case arrived(SnapshotPoint, from: NodeID, term: Term, file: String)
    /// A snapshot is being streamed to a member, as the leader of `term` asked: keep the log after
    /// its point until the member has it.
    case streaming(to: NodeID, SnapshotPoint, term: Term)
    /// A stream that the leader of `term` asked for ended. No point: nothing could be exported.
    case streamEnded(to: NodeID, SnapshotPoint?, term: Term, isDelivered: Bool)
    /// Somebody wants another node to lead.
    case transfer(TransferRequest)
    /// It is this late: reads and transfers whose patience has ended are answered.
    case expire(Moment)
    /// The body of an entry is damaged on disk; the log in memory may have it.
    case body(LogIndex, Term, completion: @Sendable ([UInt8]?) -> Void)
    /// Somebody wants to check every retained entry that was handed over.
    case inspect(EntryInspector, completion: @Sendable () -> Void)
}

/// Where the core's effects go. Production has threads and sockets behind it.
package protocol CorePorts {
    func send(_ message: Message, to member: NodeID)
    func persist(_ job: StorageJob)
    func evaluate(_ job: EvaluationJob)
    func streamSnapshot(to member: NodeID, atLeast index: LogIndex, term: Term)
    func discardSnapshot(_ file: String)
    func roleChanged(_ role: Role, term: Term, leader: NodeID?)
    func configurationChanged(_ configuration: Configuration)
    func raised(_ alarm: Alarm)
}

/// Turns inputs into steps of the consensus core and its effects into work for others.
///
/// It holds back what must wait for the disk, matches tickets with whoever waits for them and
/// decides when the log is compacted. It owns no thread, clock or socket, so the same code can
/// run under a simulator.
package struct CoreDriver {
    /// The consensus core.
    package private(set) var core: RaftCore
    /// The core's numbers as of the last turn.
    package private(set) var standing: CoreStanding
    /// Ticks after the last turn that may come late, all at once.
    private(set) var quietTicks = 0
    private let ports: any CorePorts
    private var effects: [Effect] = []
    /// Those that are being performed: empty between calls, and kept for its room.
    private var ordered: [Effect] = []
    private var proposals: [UInt64: BatchProposal] = [:]
    private var changes: [UInt64: MembershipProposal] = [:]
    private var readers: [UInt64: ReadWaiter] = [:]
    /// Who waits for the end of a transfer.
    private var transfers: [UInt64: TransferRequest] = [:]
    private var nextTicket: UInt64 = 1
    /// Messages that wait for a persist, in token order.
    private var held: [(after: PersistToken, message: Message, member: NodeID)] = []
    private var durable = PersistToken(number: 0)
    private var installing: (token: PersistToken, point: SnapshotPoint)?
    /// The file of the snapshot that arrived in this step, until the core wants it or not.
    private var arrivedFile: String?
    private var recent = RecentWrites()
    private var handedOver: LogIndex
    /// Highest index that the storage thread says is in the state tables.
    package private(set) var applied: LogIndex
    /// A view opened now shows everything through here. The core's own number is higher while a
    /// snapshot is being installed.
    private var visible: LogIndex
    private var space = SpaceState.ample
    private var clock = TurnClock()
    private var freshness = Freshness()
    private let retention: LogRetention
    private var compactionAsked: LogIndex
    /// Snapshots on their way to members, one a member; ends with the leadership.
    private var streams: [SnapshotHold] = []

    /// Begins where the storage stands.
    package init(
        core: RaftCore,
        applied: LogIndex,
        ports: any CorePorts,
        retention: LogRetention
    ) {
        self.core = core
        standing = self.core.standing()
        self.ports = ports
        self.retention = retention
        self.applied = applied
        visible = applied
        handedOver = applied
        compactionAsked = standing.base
    }

    /// Handles one turn's inputs: every proposal in it shares one append and one flush.
    package mutating func turn(_ inputs: [CoreInput]) {
        var reads: [ReadTicket] = []
        var confirmedReads: [ReadTicket] = []
        for input in inputs {
            switch input {
            case .propose(let proposal):
                admit(proposal)
            case .change(let proposal):
                admit(proposal)
            case .read(var waiter):
                let number = ticket()
                waiter.proof.currentAsOf = clock.now
                readers[number] = waiter
                if waiter.mustConfirm {
                    confirmedReads.append(ReadTicket(number: number))
                } else {
                    reads.append(ReadTicket(number: number))
                }
            case .applied(let index):
                applied = max(applied, index)
            case .space(let space):
                self.space = space
                step(.roomChanged(isShort: space != .ample))
            case .arrived(_, _, _, let file) where space == .exhausted:
                ports.discardSnapshot(file)
            case .arrived(let point, let member, let term, let file):
                arrived(point, from: member, term: term, file: file)
            case .streaming(let member, let point, let term):
                guard core.role == .leader, term == core.term else { break }
                streams.removeAll { $0.member == member }
                streams.append(SnapshotHold(member: member, point: point.index))
            case .streamEnded(let member, let point, let term, let isDelivered):
                guard term == core.term else { break }
                streamEnded(to: member, point, isDelivered: isDelivered)
            case .transfer(let request):
                let number = ticket()
                transfers[number] = request
                step(.transferRequested(Ticket(number: number), to: request.target))
            case .expire(let now):
                expireReads(now)
                expireTransfers(now)
            case .body(let index, let term, let completion):
                let entry = core.entry(at: index)
                completion(entry?.term == term ? entry?.body : nil)
            case .inspect(let inspector, let completion):
                let first = core.firstIndex
                let entries = stride(from: first.number, through: handedOver.number, by: 1)
                    .compactMap { core.entry(at: LogIndex(number: $0)) }
                ports.evaluate(.inspect(entries, inspector, completion: completion))
            case .raft(let input):
                if !lacksRoom(for: input) { step(input) }
            }
        }
        if !reads.isEmpty { core.step(.readRequested(reads), into: &effects) }
        if !confirmedReads.isEmpty {
            core.step(.readRequested(confirmedReads, mustConfirm: true), into: &effects)
        }
        core.endTurn(into: &effects)
        perform()
        standing = core.standing()
        quietTicks = transfers.isEmpty ? standing.quietTicks : 0
        compactIfNeeded()
    }

    // Mutating so that they look at the core where it is: a getter would be handed a copy.

    /// Nothing depends on when answers to heartbeats are taken: they may wait a few ticks.
    var canHearLate: Bool { mutating get { quietTicks > 0 && !core.awaitsConfirmation } }

    /// Since when the evaluated state is known to be current.
    var currentAsOf: Moment? { mutating get { freshness.currentAsOf } }

    /// The retained entry at `index`, if there is one.
    package mutating func entry(at index: LogIndex) -> LogEntry? { core.entry(at: index) }

    /// The term at `index`, if it is retained or just below what is.
    package mutating func term(at index: LogIndex) -> Term? { core.term(at: index) }

    /// Copies the core's numbers to where other threads read them.
    mutating func report(to board: StatusBoard) {
        board.applied(through: applied)
        board.update { status in
            status.term = core.term
            status.committed = core.commitIndex
            status.evaluated = visible
            status.last = core.lastIndex
            status.configuration = core.configuration
            status.committedConfiguration = core.committedConfiguration
            status.members = core.memberProgress
            status.currentAsOf = currentAsOf
            status.reads = core.readCounters
            status.space = space
        }
    }

    /// Entries for which there is no room are lost on the way, as far as consensus knows: the
    /// leader sends them again, and nothing is acknowledged. Votes, heartbeats and reads go on.
    private func lacksRoom(for input: Input) -> Bool {
        guard space == .exhausted, case .received(let message, _) = input else { return false }
        return core.isGivenEntries(by: message)
    }

    /// The clock as read after this turn's inputs were taken. Call it before ``turn(_:)``.
    package mutating func look(at now: Moment) {
        step(.clock(clock.look(at: now)))
    }

    private mutating func ticket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    /// Looks for a conflict with what is pending; otherwise the proposal joins the turn's append.
    ///
    /// One at a time, because two proposals of one turn can conflict with each other.
    private mutating func admit(_ proposal: BatchProposal) {
        guard core.role == .leader else {
            return proposal.onProposed(.refused(.notLeader(hint: core.leader)))
        }
        guard space != .exhausted, isRepeatKnown(of: proposal) else {
            return proposal.onProposed(.refused(.overloaded))
        }
        if let after = recent.conflict(of: proposal.batch) {
            return proposal.onProposed(.conflict(after: after))
        }
        let number = ticket()
        proposals[number] = proposal
        let entry = Proposal(ticket: Ticket(number: number), kind: .batch, body: proposal.body)
        core.step(.proposed([entry]), into: &effects)
        perform()
    }

    /// Whether evaluation will still know every earlier attempt at this request, should one be in
    /// the log. Else it would be carried out twice: with followers that lag, there may be more
    /// entries between two attempts than ids are remembered for.
    ///
    /// Here because only here the entry's index is known before it is in the log.
    private func isRepeatKnown(of proposal: BatchProposal) -> Bool {
        let next = core.lastIndex.next
        return next <= proposal.since || next.number - proposal.since.number <= retention.requests
            || planted("appendsForgottenRepeats")
    }

    /// The core judges whether it may be made.
    private mutating func admit(_ change: MembershipProposal) {
        let number = ticket()
        changes[number] = change
        let entry = Proposal(
            ticket: Ticket(number: number),
            kind: .configuration,
            body: change.entry.encoded()
        )
        core.step(.proposed([entry]), into: &effects)
        perform()
    }

    private mutating func step(_ input: Input) {
        switch input {
        case .durable(let token):
            durable = max(durable, token)
            releaseHeld()
        case .voteDurable(let token): releaseVotes(through: token)
        case .evaluated(let index):
            visible = max(visible, index)
            freshness.evaluated(through: visible)
            recent.prune(evaluated: index)
        default: break
        }
        core.step(input, into: &effects)
        if case .durable(let token) = input { finishInstall(token) }
        perform()
    }

    /// Every file ends: installed, or discarded if the core does not want it.
    private mutating func arrived(
        _ point: SnapshotPoint,
        from member: NodeID,
        term: Term,
        file: String
    ) {
        arrivedFile = file
        step(.snapshotArrived(point, from: member, term: term))
        if let unwanted = arrivedFile.take() { ports.discardSnapshot(unwanted) }
    }

    private mutating func streamEnded(
        to member: NodeID,
        _ point: SnapshotPoint?,
        isDelivered: Bool
    ) {
        let isDelivered = isDelivered && point != nil
        if let position = streams.firstIndex(where: { $0.member == member }) {
            streams[position].state = isDelivered ? .delivered : .broken(since: clock.now)
        }
        let nothing = SnapshotPoint(
            index: .zero,
            term: .zero,
            configuration: core.configuration
        )
        step(.snapshotStreamed(to: member, point: point ?? nothing, delivered: isDelivered))
    }

    /// Reads wait in the core for as long as nobody confirms them; their clients do not.
    private mutating func expireReads(_ now: Moment) {
        let late = readers.filter { $0.value.deadline <= now }.keys.sorted()
        for number in late {
            readers.removeValue(forKey: number)?.completion(
                .refused(.notLeader(hint: core.leader))
            )
        }
    }

    /// The core goes on with the attempt; whoever asked is told that nothing is known.
    private mutating func expireTransfers(_ now: Moment) {
        for number in transfers.filter({ $0.value.deadline <= now }).keys.sorted() {
            transfers.removeValue(forKey: number)?.completion(.timedOut)
        }
    }

    /// Writes something tiny, so that the disk of a leader which has nothing to write is looked
    /// at. A lone voter has nobody to give way to.
    ///
    /// Mutating as the looks at the core are.
    mutating func probeDiskIfLeading() {
        guard core.role == .leader, core.configuration.voters.count > 1 else { return }
        ports.persist(.probe)
    }

    /// A snapshot is installed: everything that follows is evaluated on top of it.
    private mutating func finishInstall(_ token: PersistToken) {
        guard let (wanted, point) = installing, token >= wanted else { return }
        installing = nil
        handedOver = max(handedOver, point.index)
        applied = max(applied, point.index)
        ports.evaluate(.installed(point))
    }

    private mutating func releaseHeld() {
        var released = 0
        while released < held.count, held[released].after <= durable {
            // What was said in a term that has ended meanwhile is of no use to anyone, and what
            // it vouches for may be replaced by the very persist that let it go.
            if held[released].message.term == core.term || planted("letsGoOfEndedTerms") {
                ports.send(held[released].message, to: held[released].member)
            }
            released += 1
        }
        if released > 0 { held.removeFirst(released) }
    }

    /// Term and vote are on disk, entries are not: what acknowledges none of those may leave.
    private mutating func releaseVotes(through token: PersistToken) {
        let waiting = held
        held = []
        for said in waiting {
            if said.after > token || said.message.acknowledgesEntries {
                held.append(said)
            } else if said.message.term == core.term {
                ports.send(said.message, to: said.member)
            }
        }
    }

    private mutating func perform() {
        guard !effects.isEmpty else { return }
        precondition(ordered.isEmpty, "effects are performed one after the other")
        swap(&effects, &ordered)
        for position in ordered.indices { perform(ordered[position]) }
        ordered.removeAll(keepingCapacity: true)
    }

    private mutating func perform(_ effect: Effect) {
        switch effect {
        case .send(let message, let member, let after):
            if let after, after > durable, !planted("sendsBeforeSync") {
                held.append((after, message, member))
            } else {
                ports.send(message, to: member)
            }
        case .persist(let persist): ports.persist(.persist(persist))
        case .commit(let through): handOver(through: through)
        case .appended(let ticket, let term, let index): appended(ticket, term, index)
        case .refused(let ticket, let refusal):
            proposals.removeValue(forKey: ticket.number)?.onProposed(.refused(refusal))
            changes.removeValue(forKey: ticket.number)?.onProposed(.refused(refusal))
        case .transferEnded(let ticket, let outcome):
            transfers.removeValue(forKey: ticket.number)?.completion(outcome)
        case .readReady(let tickets, let index, let until):
            readReady(tickets, at: index, until: until)
        case .readRefused(let tickets, let refusal):
            for ticket in tickets {
                readers.removeValue(forKey: ticket.number)?.completion(.refused(refusal))
            }
        case .streamSnapshot(let member, let index):
            ports.streamSnapshot(to: member, atLeast: index, term: core.term)
        case .installSnapshot(let point, let token):
            guard let file = arrivedFile.take() else {
                preconditionFailure("a snapshot is installed when its file arrives")
            }
            installing = (token, point)
            ports.persist(.install(point, token, file: file))
        case .roleChanged(let role, let term, let leader):
            if let inherited = core.inheritedIndex { recent.begin(at: inherited) }
            if role != .leader { streams = [] }
            ports.roleChanged(role, term: term, leader: leader)
        case .configurationChanged(let new): ports.configurationChanged(new)
        case .raise(let alarm): ports.raised(alarm)
        }
    }

    private mutating func readReady(
        _ tickets: [ReadTicket],
        at index: LogIndex,
        until: UInt64?
    ) {
        var ready = tickets.compactMap { readers.removeValue(forKey: $0.number) }
        let validUntil = until.flatMap { clock.instant($0) }
        for position in ready.indices { ready[position].proof.validUntil = validUntil }
        if let asOf = ready.compactMap(\.proof.currentAsOf).max() {
            freshness.answered(at: index, askedAt: asOf)
            freshness.evaluated(through: visible)
        }
        if index <= visible || planted("readsUnevaluated") {
            // Nearly always: spare the reads a detour over another thread.
            for waiter in ready { waiter.completion(.ready(index, waiter.proof)) }
        } else if !ready.isEmpty {
            ports.evaluate(.readers(ready, index))
        }
    }

    private mutating func appended(_ ticket: Ticket, _ term: Term, _ index: LogIndex) {
        if let change = changes.removeValue(forKey: ticket.number) {
            ports.evaluate(.wait(change.waiter(index, term)))
            return change.onProposed(.appended(term, index))
        }
        guard let proposal = proposals.removeValue(forKey: ticket.number) else { return }
        recent.record(proposal.batch.writtenKeys, at: index)
        if planted("answersBeforeCommit") { proposal.onCommitted?(.applied) }
        if let completion = proposal.onCommitted {
            // Registered before the entry can be handed over, so its outcome cannot be missed.
            ports.evaluate(
                .wait(
                    CommitWaiter(
                        index: index,
                        term: term,
                        deadline: proposal.deadline,
                        completion: completion
                    )
                )
            )
        }
        proposal.onProposed(.appended(term, index))
    }

    /// Gives newly committed entries to the evaluation thread, in order and once.
    private mutating func handOver(through: LogIndex) {
        guard through > handedOver else { return }
        var entries: [LogEntry] = []
        entries.reserveCapacity(Int(through.number - handedOver.number))
        var index = handedOver.next
        while index <= through {
            guard let entry = core.entry(at: index) else {
                preconditionFailure("committed entry \(index.number) is not in the log's memory")
            }
            entries.append(entry)
            index = index.next
        }
        handedOver = through
        ports.evaluate(.entries(entries))
    }

    /// Asks the storage thread to drop what is old enough, evaluated, applied, and in the log of
    /// every member that can still be brought up to date from this one's.
    private mutating func compactIfNeeded() {
        let retained = standing.retained
        let isLong = retained > retention.entries + retention.entries / 4
        let isHeavy = standing.logBytes > retention.bytes
        guard isLong || isHeavy else { return }
        var target =
            isLong
            ? standing.last.number - UInt64(retention.entries)
            : standing.base.number + 1 + UInt64(retained / 4)
        // A slow member may cost memory, but not all of it: then it gets another snapshot.
        if retained <= retention.entriesMax && standing.logBytes <= retention.bytesMax {
            target = min(target, leastNeeded().number)
        }
        // The storage thread may be ahead of what the evaluation thread has told the core.
        target = min(target, applied.number, standing.evaluated.number)
        guard target > compactionAsked.number else { return }
        compactionAsked = LogIndex(number: target)
        ports.persist(.compact(through: compactionAsked))
    }

    /// As leader: the index after which the log is still needed to feed members that are present,
    /// and those that are getting a snapshot.
    private mutating func leastNeeded() -> LogIndex {
        let members = core.memberProgress.filter { $0.progress != nil && $0.isRecentlyActive }
        streams.removeAll { stream in
            switch stream.state {
            case .sending: return false
            case .delivered:
                let member = members.first { $0.id == stream.member }
                return member.map { $0.match >= stream.point } ?? true
            case .broken(let since):
                guard let since, let now = clock.now else { return true }
                return now - since > .seconds(Limits.snapshotResumeSeconds)
            }
        }
        let matches = members.map(\.match).filter { $0 >= standing.base }
        return (matches + streams.map(\.point)).min() ?? standing.last
    }
}
