package import Raft
package import Store

/// Work for the courier.
package enum CourierJob: Sendable {
    /// Send a snapshot of at least this index, as the leader of this term.
    case stream(to: NodeID, atLeast: LogIndex, term: Term)
    /// A member's frame arrived.
    case frame(SnapshotFrame, from: NodeID)
    /// A connection to a member, or from it, broke: what was on its way is lost.
    case linkReset(NodeID)
    /// A file that arrived is not wanted.
    case discard(String)
}

/// What the courier says to others, and asks them.
package protocol CourierPorts {
    /// False when the connection is down or its queue is full: it is tried again soon.
    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool
    /// Must not be dropped and must keep its order.
    func tellCore(_ input: CoreInput)
    /// Where the node is, as of now.
    var standing: CourierStanding { get }
    /// The copy of the state met damage. It is tried again, and succeeds once that is repaired.
    func met(_ damage: ScrubFinding)
    /// Something that an operator might want to know, and what was counted so far.
    func noted(_ note: CourierNote, _ counters: SnapshotCounters)
}

/// What the courier goes by.
package struct CourierStanding: Sendable {
    /// Follower, candidate or leader.
    package let role: Role
    /// Of which term.
    package let term: Term
    /// Known to be committed here.
    package let committed: LogIndex
    /// In the state tables, so that an export made now holds it.
    package let applied: LogIndex
    /// The end of the log.
    package let last: LogIndex
    /// What transactions have cost so far.
    package let commits: StreamPacer.Commits

    /// Collects them; the numbers are those above.
    package init(
        _ core: (role: Role, term: Term),
        committed: LogIndex,
        applied: LogIndex,
        last: LogIndex,
        commits: StreamPacer.Commits
    ) {
        (role, term) = core
        self.committed = committed
        self.applied = applied
        self.last = last
        self.commits = commits
    }
}

/// The courier's thread without the thread: exports to a local file, streams it, receives one and
/// has it verified.
///
/// The view on the store is held for the local copy only; every receiver is fed from the file. A
/// stream that ends early, for whatever reason, leaves what has arrived with its receiver, and the
/// next stream of the same file goes on there. Sending is in this file, receiving in
/// `CourierMachine+Receiving`.
package final class CourierMachine {
    let shelf: any SnapshotShelf
    let ports: any CourierPorts
    private let sizes: StreamSizes
    /// What has been sent, received and thrown away since the start.
    package internal(set) var counters = SnapshotCounters()
    /// As of this turn.
    var now: Moment
    private var requests: [StreamRequest] = []
    private var streams: [OutgoingStream] = []
    /// Room that nobody needs any more is left to free.
    private var isFreeing = false
    private var pacer: StreamPacer
    /// Ends of streams that the core hears of after a pause: it asks again at once.
    private var failures: [(report: CoreInput, due: Moment)] = []
    /// When the exported file was last of use.
    private var exportUsed: Moment
    /// As receiver.
    var incoming: IncomingStream?
    /// When the arriving file last grew, or was last asked for.
    var arrivingUsed: Moment
    /// There was no room for a snapshot: none is taken before this.
    var refusesUntil: Moment
    /// Words for which a connection had no room, the newest for each member.
    private var unsaid: [(frame: SnapshotFrame, member: NodeID)] = []

    /// Call ``begin()`` before the first turn.
    ///
    /// - Parameter sizes: others than production's only where files are small.
    package init(
        shelf: any SnapshotShelf,
        ports: any CourierPorts,
        sizes: StreamSizes = StreamSizes(),
        now: Moment
    ) {
        self.shelf = shelf
        self.ports = ports
        self.sizes = sizes
        self.now = now
        exportUsed = now
        arrivingUsed = now
        refusesUntil = now
        pacer = StreamPacer(now, ports.standing.commits)
    }

    /// Looks at what an earlier process left.
    package func begin() {
        attempt { () throws(StoreError) in try shelf.open() }
    }

    /// How long the next turn may be awaited. While something is being sent: not long, because
    /// connections have room again.
    package var waitMilliseconds: Int {
        if !streams.isEmpty || !unsaid.isEmpty || isFreeing {
            Limits.courierBusyMilliseconds
        } else if !requests.isEmpty || !failures.isEmpty {
            Limits.courierWaitingMilliseconds
        } else {
            Limits.courierIdleMilliseconds
        }
    }

    /// Handles what has come, then whatever is due.
    package func turn(_ jobs: [CourierJob], now: Moment) {
        self.now = now
        for job in jobs {
            attempt { () throws(StoreError) in try perform(job) }
        }
        reportFailures()
        repeatUnsaid()
        streams.removeAll { !leads($0.term) }
        requests.removeAll { !leads($0.term) }
        serveRequests()
        feedStreams()
        attempt { () throws(StoreError) in try tidy() }
        isFreeing = shelf.releaseRetired()
    }

    /// A snapshot that fails is sent again; only somebody should know why.
    func attempt(_ body: () throws(StoreError) -> Void) {
        do throws(StoreError) {
            try body()
        } catch {
            note(.failed(error))
        }
    }

    func note(_ note: CourierNote) { ports.noted(note, counters) }

    private func perform(_ job: CourierJob) throws(StoreError) {
        switch job {
        case .stream(let member, let index, let term):
            // The core asks again only when it has given up the stream before.
            streams.removeAll { $0.member == member }
            requests.removeAll { $0.member == member }
            let patience = Duration.seconds(Limits.snapshotApplySeconds)
            requests.append(
                StreamRequest(member: member, atLeast: index, term: term, deadline: now + patience)
            )
        case .frame(.begin(let term, let offer), let from):
            try receiveBegin(term, offer, from)
        case .frame(.chunk(let offset, let bytes, let checksum), let from):
            try receiveChunk(offset, bytes, checksum, from)
        case .frame(.resume(let index, let offset), let from): resume(from, index, offset)
        case .frame(.taken(let index, let offset), let from): taken(from, index, offset)
        case .frame(.received(let index, let verdict), let from):
            try finish(from, index, verdict)
        case .linkReset(let member):
            unsaid.removeAll { $0.member == member }
            end { $0.member == member }
            try incomingLinkReset(member)
        case .discard(let file): try shelf.discard(file)
        }
    }

    /// Says something that must not be lost while the connection lasts.
    func say(_ frame: SnapshotFrame, to member: NodeID) {
        unsaid.removeAll { $0.member == member }
        guard !ports.sendSnapshot(frame, to: member) else { return }
        if unsaid.count == Limits.courierUnsaidMax { unsaid.removeFirst() }
        unsaid.append((frame, member))
    }

    private func repeatUnsaid() {
        unsaid.removeAll { ports.sendSnapshot($0.frame, to: $0.member) }
    }

    // MARK: Beginning

    /// Whether this node still leads the term for which a stream was asked. If not, nobody waits
    /// for the stream's end, and a new leader must not be contradicted by an old one's snapshot.
    private func leads(_ term: Term) -> Bool {
        let standing = ports.standing
        return standing.role == .leader && standing.term == term
    }

    private func serveRequests() {
        for request in requests {
            do throws(StoreError) {
                guard try serve(request) else { continue }
            } catch {
                note(.failed(error))
                failed(
                    .streamEnded(to: request.member, nil, term: request.term, isDelivered: false)
                )
            }
            requests.removeAll { $0.member == request.member }
        }
    }

    /// - Returns: false to try again later.
    private func serve(_ request: StreamRequest) throws(StoreError) -> Bool {
        if shelf.exported.map({ isUsable($0, for: request) }) != true {
            // Applying trails evaluation by milliseconds; the log may begin after it already.
            guard ports.standing.applied >= request.atLeast else {
                guard now >= request.deadline else { return false }
                throw .unsuitableSnapshot("entry \(request.atLeast.number) is not applied yet")
            }
            try export()
        }
        guard let offer = shelf.exported, leads(request.term) else { return true }
        exportUsed = now
        ports.tellCore(.streaming(to: request.member, offer.point, term: request.term))
        streams.append(
            OutgoingStream(member: request.member, offer: offer, term: request.term, now: now)
        )
        counters.begun += 1
        note(.sending(to: request.member, offer))
        return true
    }

    /// One that others are fed from, or that a receiver may have in part. But not one after which
    /// so much was written that the log could be gone before it has arrived.
    private func isUsable(_ offer: SnapshotOffer, for request: StreamRequest) -> Bool {
        guard offer.point.index >= request.atLeast else { return false }
        let last = ports.standing.last
        let reach = offer.point.index.advanced(by: UInt64(Limits.snapshotReuseEntriesMax))
        return !streams.isEmpty || last <= reach
    }

    private func export() throws(StoreError) {
        // Receivers of an older file read a file that is gone: they begin again.
        end { _ in true }
        do throws(StoreError) {
            try shelf.export(pacer)
        } catch {
            // The next copy would meet it again, until the scrubber comes by.
            if let damage = ScrubFinding(error) { ports.met(damage) }
            throw error
        }
        counters.exported += 1
    }

    // MARK: Sending

    /// Feeds every stream as far as its connection, its receiver and the pacer let it.
    private func feedStreams() {
        pacer.refill(now, ports.standing.commits, isStreaming: !streams.isEmpty)
        guard !streams.isEmpty else { return }
        exportUsed = now
        // Each is the first in turn: what may leave is little, and the first could take it all.
        streams.append(streams.removeFirst())
        var failed: [NodeID] = []
        for position in streams.indices {
            do throws(StoreError) {
                try feed(&streams[position])
            } catch {
                note(.failed(error))
                failed.append(streams[position].member)
            }
        }
        end { $0.isStalled(now) || failed.contains($0.member) }
    }

    private func feed(_ stream: inout OutgoingStream) throws(StoreError) {
        if !stream.isAnnounced {
            let begin = SnapshotFrame.begin(term: stream.term, stream.offer)
            guard ports.sendSnapshot(begin, to: stream.member) else { return }
            stream.isAnnounced = true
        }
        let end = stream.sendableEnd(window: sizes.windowBytes)
        while stream.offset < end, pacer.allowance > 0 {
            let most = min(UInt64(sizes.chunkBytes), end - stream.offset)
            let bytes = try shelf.readExported(at: stream.offset, atMost: Int(most))
            guard !bytes.isEmpty else { throw .corrupt("the exported snapshot became shorter") }
            let chunk = SnapshotFrame.chunk(
                offset: stream.offset,
                bytes: bytes,
                checksum: SnapshotFrame.checksum(of: bytes, at: stream.offset)
            )
            guard ports.sendSnapshot(chunk, to: stream.member) else { return }
            pacer.spend(bytes.count)
            counters.sentBytes += UInt64(bytes.count)
            stream.offset += UInt64(bytes.count)
        }
    }

    private func position(_ member: NodeID, _ index: LogIndex) -> Int? {
        streams.firstIndex { $0.member == member && $0.offer.point.index == index }
    }

    /// The receiver says from where it needs the file: at the beginning, or after it lost a chunk.
    private func resume(_ member: NodeID, _ index: LogIndex, _ offset: UInt64) {
        guard let position = position(member, index), streams[position].isAnnounced else { return }
        guard streams[position].resume(at: offset, now) else {
            return end { $0.member == member }
        }
        if offset > 0 {
            counters.resumed += 1
            note(.resuming(to: member, streams[position].offer, at: offset))
        }
    }

    /// The receiver has written more of the file.
    private func taken(_ member: NodeID, _ index: LogIndex, _ offset: UInt64) {
        guard let position = position(member, index) else { return }
        streams[position].taken(through: offset, now)
    }

    private func finish(
        _ member: NodeID,
        _ index: LogIndex,
        _ verdict: SnapshotVerdict
    ) throws(StoreError) {
        guard let position = position(member, index) else { return }
        let stream = streams.remove(at: position)
        switch verdict {
        case .whole:
            counters.delivered += 1
            ports.tellCore(report(stream, isDelivered: true))
        case .refused:
            failed(report(stream, isDelivered: false))
        case .damaged:
            counters.damaged += 1
            note(.damaged(stream.offer, "member \(member.number) says so"))
            failed(report(stream, isDelivered: false))
            // Perhaps this file was damaged before it left. The next stream is of another one.
            end { _ in true }
            try shelf.dropExported()
        }
    }

    // MARK: Ending

    /// Gives up streams and says so: the core asks again if it still has to.
    private func end(where isOver: (OutgoingStream) -> Bool) {
        let ended = streams.filter(isOver)
        streams.removeAll(where: isOver)
        for stream in ended { failed(report(stream, isDelivered: false)) }
    }

    /// Whatever failed, a full disk for example, is likely to fail again at once.
    private func failed(_ report: CoreInput) {
        counters.failed += 1
        failures.append((report, now + .milliseconds(Limits.snapshotRetryMilliseconds)))
    }

    private func reportFailures() {
        while let first = failures.first, first.due <= now {
            ports.tellCore(first.report)
            failures.removeFirst()
        }
    }

    private func report(_ stream: OutgoingStream, isDelivered: Bool) -> CoreInput {
        .streamEnded(
            to: stream.member,
            stream.offer.point,
            term: stream.term,
            isDelivered: isDelivered
        )
    }

    /// Files that nobody has asked for in a long time go.
    private func tidy() throws(StoreError) {
        let age = Duration.seconds(Limits.snapshotKeptSeconds)
        if shelf.exported != nil, streams.isEmpty, now - exportUsed > age {
            try shelf.dropExported()
        }
        guard let offer = shelf.arriving else { return }
        let isOvertaken = offer.point.index <= ports.standing.committed
        guard isOvertaken || (incoming == nil && now - arrivingUsed > age) else { return }
        incoming = nil
        try shelf.dropArriving()
    }
}
