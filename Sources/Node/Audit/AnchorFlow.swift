import API
import Audit
import Barrier
import Cryptography
import Logging
import Raft
import Replica
import Store
import Synchronization
import Wire

/// Brings checkpoints of all members' audit logs into the replicated state, where nobody who can
/// write one node's files reaches them.
///
/// ```
/// a log's head ─▶ pending ─▶ this node leads: collected ─▶ one batch ─▶ committed
///                         └▶ else: the leader, until it says that it is committed
/// ```
/// One batch at a time, with everything that came meanwhile. Nothing is written while no log has
/// new leaves.
final class AnchorFlow: Sendable {
    private struct Arrival: Sendable {
        let origin: String
        let head: AuditHead
        let done: @Sendable (Bool) -> Void
    }

    private struct State: Sendable {
        /// The newest head of this node's log that is not known to be committed.
        var pending: AuditHead?
        var isAsking = false
        /// What waits for the next batch: at most one for each member.
        var arrivals: [Arrival] = []
        var isProposing = false
        var committed: UInt64 = 0
        /// When something was last said about a log. Only looked up; at most one for each member.
        var alarms: [String: Moment] = [:]
    }

    private let state = Mutex(State())
    private let store: LocalStore
    private let replica: LocalReplica
    private let seal: SealKeeper
    private let workers: Workers
    private let forwarder: Forwarder
    private let place: AuditPlace
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        _ place: AuditPlace,
        parts: (store: LocalStore, replica: LocalReplica, seal: SealKeeper),
        workers: Workers,
        forwarder: Forwarder,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.place = place
        (store, replica, seal) = parts
        self.workers = workers
        self.forwarder = forwarder
        self.clock = clock
        self.logger = logger
    }

    /// Anchors that this node brought into the log as leader.
    var committed: UInt64 { state.withLock { $0.committed } }

    // MARK: This node's log

    /// This node's log goes so far, durably.
    func arrived(_ head: AuditHead) {
        state.withLock { $0.pending = head }
        push()
    }

    /// Called several times a second: what could not be delivered is tried again.
    func tick() {
        push()
        propose()
    }

    private func push() {
        let head = state.withLock { state -> AuditHead? in
            guard !state.isAsking, let head = state.pending else { return nil }
            state.isAsking = true
            return head
        }
        guard let head else { return }
        let done: @Sendable (Bool) -> Void = { [self] isCommitted in
            state.withLock { state in
                state.isAsking = false
                if isCommitted, state.pending == head { state.pending = nil }
            }
        }
        let status = replica.status
        if status.role == .leader {
            take(head, node: place.node, done: done)
        } else if let leader = status.leader {
            ask(leader, head, done)
        } else {
            done(false)
        }
    }

    private func ask(
        _ leader: NodeID,
        _ head: AuditHead,
        _ done: @escaping @Sendable (Bool) -> Void
    ) {
        let zeros = [UInt8](repeating: 0, count: Entropy.seedBytes)
        forwarder.ask(leader) { number in
            ForwardedRequest(
                number: number,
                requestID: Array(zeros.prefix(16)),
                seed: zeros,
                since: .zero,
                attempt: 0,
                patienceMilliseconds: 10_000,
                content: .anchor(head)
            )
        } completion: { outcome in
            guard case .replied(.answer(let response)) = outcome else { return done(false) }
            done(response.status == 204)
        }
    }

    // MARK: The leader

    /// Takes a member's head; `finish` says 204 once it is committed.
    func take(
        _ head: AuditHead,
        from member: NodeID,
        finish: @escaping @Sendable (ForwardedReply.Outcome) -> Void
    ) {
        guard let known = replica.configuration.member(member) else {
            return finish(.notLeader(hint: nil))
        }
        take(head, node: AuditPlace(data: "", name: known.name, pin: known.pin).node) {
            isCommitted in
            finish(isCommitted ? .answer(APIResponse(status: 204)) : .overloaded)
        }
    }

    private func take(
        _ head: AuditHead,
        node: String,
        done: @escaping @Sendable (Bool) -> Void
    ) {
        guard let unsealed = seal.unsealed, replica.status.role == .leader else {
            return done(false)
        }
        let origin = AuditNames.log(of: unsealed.keyring.vaultID, node: node)
        let replaced = state.withLock { state -> (@Sendable (Bool) -> Void)? in
            let arrival = Arrival(origin: origin, head: head, done: done)
            guard let position = state.arrivals.firstIndex(where: { utf8Equals($0.origin, origin) })
            else {
                state.arrivals.append(arrival)
                return nil
            }
            let before = state.arrivals[position].done
            state.arrivals[position] = arrival
            return before
        }
        replaced?(false)
        propose()
    }

    private func propose() {
        let arrivals = state.withLock { state -> [Arrival] in
            guard !state.isProposing, !state.arrivals.isEmpty else { return [] }
            state.isProposing = true
            defer { state.arrivals = [] }
            return state.arrivals
        }
        guard !arrivals.isEmpty else { return }
        // What the anchors lie in may have to be added up first.
        workers.submit { [self] isTaken in
            guard isTaken, let unsealed = seal.unsealed else {
                return end(arrivals, isCommitted: false)
            }
            propose(arrivals, unsealed)
        }
    }

    private func propose(_ arrivals: [Arrival], _ unsealed: Unsealed) {
        do {
            let prepared = try prepare(arrivals, unsealed)
            // What is known is committed, and what is refused is not asked for again.
            for arrival in prepared.settled { arrival.done(true) }
            guard let batch = prepared.batch else { return end([], isCommitted: true) }
            replica.propose(
                BatchProposal(
                    batch: batch,
                    deadline: .now + .seconds(Limits.requestSeconds),
                    onProposed: { [self] outcome in
                        guard case .appended = outcome else {
                            return end(prepared.taken, isCommitted: false)
                        }
                    },
                    onCommitted: { [self] outcome in
                        end(prepared.taken, isCommitted: outcome == .applied)
                    }
                )
            )
        } catch is Doubt {
            // Asked for again until the repair has come.
            end(arrivals, isCommitted: false)
        } catch let error as any OperatorError {
            logger.error("anchors: \(error.summary)", metadata: ["remedy": "\(error.remedy)"])
            end(arrivals, isCommitted: false)
        } catch {
            end(arrivals, isCommitted: false)
        }
    }

    private func end(_ arrivals: [Arrival], isCommitted: Bool) {
        state.withLock { state in
            state.isProposing = false
            if isCommitted { state.committed += UInt64(arrivals.count) }
        }
        for arrival in arrivals { arrival.done(isCommitted) }
    }

    private struct Prepared {
        var batch: WriteBatch?
        /// Those whose anchors the batch writes.
        var taken: [Arrival] = []
        /// Those that need none, or get none.
        var settled: [Arrival] = []
    }

    /// One batch with all that came.
    private func prepare(_ arrivals: [Arrival], _ unsealed: Unsealed) throws -> Prepared {
        let keyring = unsealed.keyring
        let signer = try NoteSigner(
            name: AuditNames.key(of: keyring.vaultID),
            key: try keyring.audit.signingKey()
        )
        let (known, baseIndex) = try look()
        let guardian = AnchorGuard(newest: known.newest, key: signer.verifier)
        var prepared = Prepared()
        var notes: [(origin: String, note: SignedNote)] = []
        for arrival in arrivals {
            switch guardian.judge(arrival.head, of: arrival.origin) {
            case .taken(let checkpoint):
                let note: SignedNote =
                    switch arrival.head {
                    case .signed(let note): note
                    case .unsigned: try checkpoint.signed(by: signer)
                    }
                notes.append((checkpoint.origin, note))
                prepared.taken.append(arrival)
            case .known: prepared.settled.append(arrival)
            case .refused(let reason):
                prepared.settled.append(arrival)
                alarm(arrival.origin, reason)
            }
        }
        guard !notes.isEmpty else { return prepared }
        var log = try known.head.map { try AnchorLog(decoding: $0) } ?? AnchorLog()
        let first = log.size
        try log.add(notes.map(\.note), origin: AuditNames.anchors(of: keyring.vaultID), by: signer)
        let drawn = try Random.bytes(16 + Entropy.seedBytes)
        var builder = BatchBuilder(
            keyring: keyring,
            baseIndex: baseIndex,
            requestID: Array(drawn.prefix(16)),
            time: clock().nanoseconds,
            entropy: Entropy(seed: Array(drawn.dropFirst(16)))
        )
        builder.putAnchors(
            head: log.encoded(),
            first: first,
            notes: notes.map { ($0.origin, $0.note.bytes) },
            read: known.headIndex
        )
        prepared.batch = try builder.finish()
        return prepared
    }

    /// Something that the anchors rest on is damaged.
    private struct Doubt: Error {}

    /// All anchors. One that the disk lost, or an older one in its place, would let a log be cut
    /// down to it unseen: so nothing is decided unless what they lie in added up a short while ago.
    /// Who has the only copy goes by what there is.
    private func look() throws -> (known: AuditAnchors, baseIndex: UInt64) {
        let (known, baseIndex, verdict) = store.view { view in
            let known = Result { () throws(BarrierError) in try AuditAnchors(view) }
            // Each second there may be new ones, so lists count as what is missed.
            let look = BucketTrust.Look(isJudgedAgain: true)
            return (known, view.evaluatedIndex, replica.verdict(on: view.doubts(), in: view, look))
        }
        guard replica.hasOthers else { return (try known.get(), baseIndex) }
        switch verdict {
        case .whole: return (try known.get(), baseIndex)
        case .damaged(let bucket):
            replica.mend(bucket, deadline: .now + .seconds(1)) { _ in }
            _ = try known.get()
            throw Doubt()
        case .unseen: throw Doubt()
        }
    }

    private func alarm(_ origin: String, _ reason: String) {
        let isNews = state.withLock { state in
            let now = Moment.now
            if let said = state.alarms[origin], now - said < .seconds(Limits.anchorAlarmSeconds) {
                return false
            }
            state.alarms[origin] = now
            return true
        }
        guard isNews else { return }
        logger.critical(
            "an audit log was not anchored: \(reason)",
            metadata: [
                "log": "\(origin)",
                "remedy": "keep that node's audit folder as it is, and verify a copy of it",
            ]
        )
    }
}

/// Whether a head may become an anchor, given the newest anchors.
struct AnchorGuard {
    private let newest: [SignedCheckpoint]
    private let key: NoteVerifier

    enum Verdict: Equatable {
        case taken(Audit.Checkpoint)
        /// It is an anchor already.
        case known
        /// Somebody claims what cannot be.
        case refused(String)
    }

    init(newest: [[UInt8]], key: NoteVerifier) {
        self.key = key
        self.newest = newest.compactMap { bytes in
            guard let note = try? SignedNote(bytes) else { return nil }
            return try? SignedCheckpoint(note, keys: [key])
        }
    }

    /// - Parameter origin: the name of the member's first log; it may have begun others, each
    ///   because the one before was damaged.
    func judge(_ head: AuditHead, of origin: String) -> Verdict {
        let checkpoint: Audit.Checkpoint
        do throws(NoteError) {
            switch head {
            case .signed(let note): checkpoint = try SignedCheckpoint(note, keys: [key]).checkpoint
            case .unsigned(let given): checkpoint = given
            }
        } catch {
            return .refused(error.summary)
        }
        guard let generation = AuditNames.generation(checkpoint.origin, of: origin) else {
            return .refused("it names the log \(checkpoint.origin)")
        }
        var last: Audit.Checkpoint?
        for known in newest.map(\.checkpoint) {
            guard let other = AuditNames.generation(known.origin, of: origin) else { continue }
            if other > generation {
                return .refused("it went on with a log after it had begun \(known.origin)")
            }
            if other == generation { last = known }
        }
        guard let have = last else { return .taken(checkpoint) }
        if checkpoint.size > have.size { return .taken(checkpoint) }
        if checkpoint.size == have.size, checkpoint.root == have.root { return .known }
        return .refused(
            checkpoint.size < have.size
                ? "it has \(checkpoint.size) leaves, and had \(have.size) before"
                : "its \(have.size) leaves are not those that it had before"
        )
    }
}
