package import Raft
package import Store

/// Work for the repair thread.
package enum RepairJob: Sendable {
    case frame(RepairFrame, from: NodeID)
    /// The scrubber found this.
    case found(ScrubFinding)
    /// Somebody met damage in a bucket and waits: `completion` gets whether it was repaired.
    case mend(Int, deadline: Moment, completion: @Sendable (Bool) -> Void)
    /// Entries of the log whose bodies are lost; see ``RepairMachine``.
    case fetchBodies([DamagedBody], completion: @Sendable ([UInt64: [UInt8]], UInt64?) -> Void)
    /// Somebody is about to say that these keys have no record.
    case confirm(PresenceQuestion)
    /// The storage thread has tried to put a bucket's records back.
    case tried(bucket: Int, StoreError?)
    /// It has not tried: whoever lent them had not applied what this node has.
    case lenderBehind(bucket: Int)
    /// The state was this after a checkpoint's entry.
    case checkpoint(Checkpoint)
    /// The members are these, without this node.
    case members([NodeID])
}

/// "There is none" before it is said to a client.
package struct PresenceQuestion: Sendable {
    /// Keys without a record in the view that was read.
    package let keys: [StorageKey]
    /// What that view had evaluated.
    package let index: LogIndex
    /// A batch that holds them for absent is on its way, and may have written in their place.
    package let isProposed: Bool
    /// When the client's patience ends.
    package let deadline: Moment
    /// Called once, on the repair thread.
    package let completion: @Sendable (PresenceVerdict) -> Void

    package init(
        keys: [StorageKey],
        index: LogIndex,
        isProposed: Bool = false,
        deadline: Moment,
        completion: @escaping @Sendable (PresenceVerdict) -> Void
    ) {
        self.keys = keys
        self.index = index
        self.isProposed = isProposed
        self.deadline = deadline
        self.completion = completion
    }
}

/// What another member says to a claim of absence.
package enum PresenceVerdict: Sendable, Equatable {
    /// It has none of them either.
    case confirmed
    /// It has one that this node lost: read again. It is being repaired.
    case contradicted
    /// It has one, but of an entry after the view: nothing is lost, and nothing confirmed.
    case younger
    /// No other member could be asked.
    case nobody
}

/// What the repair machine asks of its surroundings.
package protocol RepairPorts: Sendable {
    /// The disk that is repaired.
    associatedtype Storage: RepairStorage
    /// - Returns: false when the connection is down or full.
    func send(_ frame: RepairFrame, to member: NodeID) -> Bool
    /// Runs `body` on the thread that owns the write transaction, after what it was given before.
    func write(_ body: @escaping @Sendable (Storage) -> Void)
    /// Puts a job into this machine's own inbox.
    func again(_ job: RepairJob)
    /// The body of an entry that this node's log has in memory.
    func body(
        of index: LogIndex,
        _ term: Term,
        _ completion: @escaping @Sendable ([UInt8]?) -> Void
    )
    /// These buckets are damaged and wait for repair.
    func doubt(_ buckets: [Int])
    /// Something was found or repaired.
    func note(_ event: RepairEvent)
}

/// What operators should know.
package enum RepairEvent: Sendable, Equatable {
    case found(ScrubFinding)
    case repaired(String)
    /// Another member's state was another one after the same entry.
    case diverged(Divergence)
    /// A majority had this node's state after this entry.
    case agreed(LogIndex)
    /// A majority agrees on another state than this node's, which must not go on and be rebuilt.
    case outvoted(Checkpoint, majority: [UInt8])
    /// This cannot be repaired piece by piece: the node must not go on, and has to be rebuilt if a
    /// walk over the database finds the same.
    case beyondRepair(StoreError)
    /// What was lost is nowhere to be had, because the others have gone on from there, and the node
    /// cannot go on without it: it has to be rebuilt, however little it is.
    case irreplaceable(StoreError)
}

/// The repair thread's work without the thread: answers members that lost something, and gets back
/// from them what this node lost.
///
/// Nothing that a member sends is believed: a body must match the digest in its entry's intact
/// header, and a bucket with records put back must add up to its digest. It owns no thread, clock
/// or file, so the same code runs under the simulator.
package struct RepairMachine<Ports: RepairPorts & SendableMetatype> {
    let store: Ports.Storage
    let ports: Ports
    let trust: BucketTrust
    /// Bytes of one bucket held in memory at most.
    let bucketBytesMax: Int
    var members: [NodeID]
    var nextNumber: UInt64 = 1
    var search: BodySearch?
    var buckets = BucketQueue()
    var questions: [OpenQuestion] = []
    /// Who is asked first whether a record is there: the member that answered last.
    var firstMember = 0
    var deferred: [DeferredPresence] = []
    var menders: [Mender] = []
    var settling: [Settling] = []
    private var doubted: [Int] = []
    var checkpoints = CheckpointTable()
    /// When those who said nothing about the newest are asked again.
    var checkpointDue: Moment?

    struct Mender {
        let bucket: Int
        let deadline: Moment
        let completion: @Sendable (Bool) -> Void
    }

    /// - Parameters:
    ///   - trust: which buckets are known to be whole, shared with whoever reads.
    ///   - members: all but this node.
    ///   - bucketBytesMax: a bucket with more is not repaired: the node is rebuilt.
    package init(
        store: Ports.Storage,
        ports: Ports,
        trust: BucketTrust = BucketTrust(),
        members: [NodeID],
        bucketBytesMax: Int = Limits.repairBucketBytesMax
    ) {
        self.store = store
        self.ports = ports
        self.trust = trust
        self.members = members
        self.bucketBytesMax = bucketBytesMax
    }

    /// How long the next turn may be awaited.
    package var waitMilliseconds: Int {
        if !deferred.isEmpty { return 2 }
        let isIdle =
            questions.isEmpty && buckets.isEmpty && search == nil && menders.isEmpty
            && settling.isEmpty
        return isIdle ? 1_000 : 20
    }

    /// Handles what has come, and what was waited for in vain.
    package mutating func turn(_ jobs: [RepairJob], now: Moment) {
        var fresh: [PresenceQuestion] = []
        for job in jobs {
            switch job {
            case .frame(let frame, let member): received(frame, from: member, now)
            case .found(let finding): found(finding)
            case .mend(let bucket, let deadline, let completion):
                buckets.add(bucket)
                guard menders.count < Limits.mendersMax else {
                    completion(false)
                    continue
                }
                menders.append(Mender(bucket: bucket, deadline: deadline, completion: completion))
            case .fetchBodies(let lost, let completion):
                search = BodySearch(lost, completion)
            case .confirm(let question): fresh.append(question)
            case .tried(let bucket, let error): tried(bucket, error, now)
            case .lenderBehind(let bucket): lenderBehind(bucket, now)
            case .checkpoint(let checkpoint): reached(checkpoint, now)
            case .members(let members): self.members = members
            }
        }
        ask(fresh, now)
        answerDeferred(now)
        sweepQuestions(now)
        stepSearch(now)
        stepBuckets(now)
        settle(now)
        sweepMenders(now)
        stepCheckpoints(now)
        if buckets.all != doubted {
            doubted = buckets.all
            ports.doubt(doubted)
        }
    }

    /// Who is asked next about what was missed; nil when this node is alone.
    package var nextAsked: NodeID? { member(firstMember) }

    /// The member to ask in attempt number `attempt`; nil when this node is alone.
    func member(_ attempt: Int) -> NodeID? {
        members.isEmpty ? nil : members[attempt % members.count]
    }

    mutating func number() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    private mutating func received(
        _ frame: RepairFrame,
        from member: NodeID,
        _ now: Moment
    ) {
        switch frame {
        case .bodyRequest(let index, let term, let digest):
            answerBody(index, term, digest, to: member)
        case .body(let index, let term, let bytes):
            let store = store
            search?.arrived(index, term, bytes, store)
        case .noBody(let index, let term, let committed, let isCompacted):
            search?.denied(index, term, committed, isCompacted)
        case .bucketRequest(let number, let bucket, let index, let start):
            lend(number, Int(bucket), index, start, to: member)
        case .bucket(let number, let lent): lentArrived(number, lent, now)
        case .presenceRequest(let number, let index, let keys):
            guard deferred.count < Limits.presenceDeferredMax else { return }
            let until = now + .milliseconds(Limits.repairAnswerMilliseconds)
            deferred.append(
                DeferredPresence(
                    member: member,
                    number: number,
                    index: index.number,
                    keys: keys,
                    until: until
                )
            )
        case .presence(let number, let indexes): presence(number, indexes)
        case .checkpoint(let checkpoint, let wantsAnswer):
            heard(checkpoint, wantsAnswer: wantsAnswer, from: member)
        }
    }

    mutating func found(_ finding: ScrubFinding) {
        ports.note(.found(finding))
        switch finding {
        case .body(let lost): repairFromMemory(lost)
        case .record(let key, _): buckets.add(key.bucket)
        case .bucket(let bucket, _): buckets.add(bucket)
        case .requests: repairRequests()
        case .structure(let error): ports.note(.beyondRepair(error))
        }
    }

    /// The whole retained log is in memory: what the disk lost while the node runs is there.
    private func repairFromMemory(_ lost: DamagedBody) {
        let ports = ports
        ports.body(of: LogIndex(number: lost.index), Term(number: lost.term)) { body in
            // Gone meanwhile: truncated, or compacted as applied.
            guard let body else { return }
            ports.write { store in
                do throws(StoreError) {
                    let isWritten = try store.repairBody(
                        at: lost.index,
                        term: lost.term,
                        body: body
                    )
                    if isWritten { ports.note(.repaired("body of log entry \(lost.index)")) }
                } catch .full {
                    // The scrubber will find it again when there is room.
                } catch {
                    ports.note(.beyondRepair(error))
                }
            }
        }
    }

    /// Their table says everything twice: nobody else is asked.
    private func repairRequests() {
        let ports = ports
        ports.write { store in
            do throws(StoreError) {
                if try store.repairRequests() { ports.note(.repaired("the remembered requests")) }
            } catch .full {
                // The scrubber will find it again when there is room.
            } catch {
                ports.note(.beyondRepair(error))
            }
        }
    }

    private func answerBody(_ index: LogIndex, _ term: Term, _ digest: [UInt8], to member: NodeID) {
        if let body = store.body(at: index.number, term: term.number, digest: digest) {
            _ = ports.send(.body(index: index, term: term, bytes: body), to: member)
        } else {
            let committed = store.committedTerm(at: index.number).map { Term(number: $0) }
            _ = ports.send(
                .noBody(
                    index: index,
                    term: term,
                    committedTerm: committed,
                    isCompacted: store.isCompacted(index.number)
                ),
                to: member
            )
        }
    }

    private mutating func sweepMenders(_ now: Moment) {
        let late = menders.filter { $0.deadline <= now }
        menders.removeAll { $0.deadline <= now }
        for mender in late { mender.completion(false) }
    }

    // MARK: Bodies at the start

    private mutating func stepSearch(_ now: Moment) {
        guard var current = search else { return }
        if let cut = current.cut {
            search = nil
            return current.completion(current.bodies.filter { $0.key < cut }, cut)
        }
        guard let next = current.next else {
            search = nil
            return current.completion(current.bodies, nil)
        }
        guard !current.isGone else {
            search = nil
            return ports.note(
                .irreplaceable(
                    .damagedLogBody(
                        index: next.index,
                        reason: "the other members have applied it and dropped it from their logs"
                    )
                )
            )
        }
        if let due = current.due, due > now { return }
        current.due = now + .milliseconds(Limits.repairAnswerMilliseconds)
        if let member = member(current.attempt) {
            _ = ports.send(
                .bodyRequest(
                    index: LogIndex(number: next.index),
                    term: Term(number: next.term),
                    digest: next.digest
                ),
                to: member
            )
        }
        current.attempt += 1
        search = current
    }
}

/// The bodies that a node lost and waits for before it takes part: it has the entries, so it must
/// not act as if it did not, and cannot act as if it had.
struct BodySearch {
    private let lost: [DamagedBody]
    let completion: @Sendable ([UInt64: [UInt8]], UInt64?) -> Void
    private(set) var bodies: [UInt64: [UInt8]] = [:]
    /// Another entry is committed at this place: this one and all after it never were.
    private(set) var cut: UInt64?
    var attempt = 0
    /// The attempt after which a member first said that the next one is applied and gone.
    private var goneSince: Int?
    /// Nobody is asked before this; nil: at once.
    var due: Moment?

    init(
        _ lost: [DamagedBody],
        _ completion: @escaping @Sendable ([UInt64: [UInt8]], UInt64?) -> Void
    ) {
        self.lost = lost
        self.completion = completion
    }

    /// The lowest that is still missing.
    var next: DamagedBody? { lost.first { bodies[$0.index] == nil } }

    mutating func arrived(
        _ index: LogIndex,
        _ term: Term,
        _ bytes: [UInt8],
        _ store: some RepairStorage
    ) {
        guard
            let entry = lost.first(where: {
                $0.index == index.number && $0.term == term.number
            }), bytes.count == entry.bytes, store.digest(of: bytes) == entry.digest
        else { return }
        bodies[entry.index] = bytes
        goneSince = nil
        due = nil
    }

    /// Whether nobody has the next one any more, as far as all could be asked: it is in their
    /// states, which a node without it can only get as a whole.
    var isGone: Bool { goneSince.map { attempt - $0 >= Limits.repairAttemptsMax } ?? false }

    mutating func denied(
        _ index: LogIndex,
        _ term: Term,
        _ committed: Term?,
        _ isCompacted: Bool
    ) {
        guard let next, next.index == index.number, next.term == term.number else { return }
        // Two entries cannot both be committed at one place.
        if let committed, committed != term { cut = next.index }
        if isCompacted, goneSince == nil { goneSince = attempt }
    }
}
