import Barrier
import Cryptography
import Dispatch
import Logging
import Raft
import Replica
import Store
import Synchronization
import Vault
import Wire

/// The keys of an unsealed node and what is cached under them. Dropped together at seal.
struct Unsealed: Sendable {
    let keyring: Keyring
    let cache: VaultCache
}

/// How giving a share ended.
enum ShareAnswer: Sendable {
    /// Taken; the node is sealed still.
    case collecting
    /// Taken, and enough of them: the node is unsealed.
    case unsealed
    /// It was open before.
    case alreadyUnsealed
    /// There is no vault to open.
    case notInitialized
    /// Not looked at: the seal record is lost or damaged, and this bucket is to be repaired first.
    case damaged(Int)
    /// Not taken, or the vault did not open.
    case refused(SealError)
}

/// What a look for the seal record came to.
enum SealLook: Sendable {
    case found(SealRecord)
    /// There is no vault: in the very view that was looked at, its bucket has lost nothing.
    ///
    /// - Parameters:
    ///   - missed: the record's key; none where an entry was evaluated that deleted it.
    ///   - index: what that view had evaluated.
    case absent(missed: [StorageKey], index: UInt64)
    /// It was missed, and has to be looked for where a walk may be made.
    case unseen
    /// It was missed or cannot be read, and this bucket is damaged.
    case damaged(Int)
}

/// This node's seal: collects shares, installs the keys, checks committed batches, drops the keys.
///
/// Local to the node: nothing of it is logged, forwarded or replicated.
final class SealKeeper: Sendable {
    private struct Keys: Sendable {
        var unsealed: Unsealed?
        /// How often this node was told to seal: an unseal that began before the last time fails.
        var seals: UInt64 = 0
    }

    /// Never held for long: event loops ask for the keys. Taken inside ``machine``'s, never
    /// around it.
    private let keys = Mutex(Keys())
    /// The shares given so far. Held while a vault opens, some 20 ms.
    private let machine = Mutex<SealMachine?>(nil)
    /// The seal record as it was seen last, and what had been evaluated then.
    private let seen = Mutex<(record: SealRecord, index: UInt64)?>(nil)
    private let store: LocalStore
    private let replica: LocalReplica
    private let epoch: UInt64
    private let logger: Logger
    /// Whom else it concerns that this node has its keys.
    private let listener = Mutex<(@Sendable (Unsealed) -> Void)?>(nil)
    /// And that it has them no more.
    private let farewell = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Parameter epoch: of the cluster, from the hard state; part of every batch's tag.
    init(store: LocalStore, replica: LocalReplica, epoch: UInt64, logger: Logger) {
        self.store = store
        self.replica = replica
        self.epoch = epoch
        self.logger = logger
    }

    /// Calls `listener` each time this node gets its keys, on a worker.
    func whenUnsealed(_ new: @escaping @Sendable (Unsealed) -> Void) {
        listener.withLock { $0 = new }
    }

    /// Calls `listener` each time this node has dropped its keys.
    func whenSealed(_ listener: @escaping @Sendable () -> Void) {
        farewell.withLock { $0 = listener }
    }

    /// The keys, or nil while sealed.
    var unsealed: Unsealed? { keys.withLock { $0.unsealed } }

    /// Shares given so far in this attempt, and the attempt's name; empty when none was given.
    var progress: (given: Int, nonce: String) {
        machine.withLock { machine -> (Int, String) in
            guard let progress = machine?.progress else { return (0, "") }
            return (progress.given, progress.attempt.map(uuidText) ?? "")
        }
    }

    /// The seal record as this process saw it last; nil if it never did, or the vault was
    /// abandoned since. What is said of the vault while the record itself is damaged.
    var lastSeen: SealRecord? { seen.withLock { $0?.record } }

    /// Looks for the seal record in this node's store. Where it is missed its bucket is added up in
    /// that very view, each time: who hears "not initialised" makes another vault, or believes that
    /// this one is gone. Where there is no vault, there is next to nothing to add up.
    ///
    /// - Parameter mayWalk: not on an event loop.
    /// - Throws: when the record is there and cannot be read, and no other member has a copy.
    func look(mayWalk: Bool) throws(BarrierError) -> SealLook {
        try store.view { view throws(BarrierError) in
            let index = view.evaluatedIndex
            let record: SealRecord?
            do throws(BarrierError) {
                record = try SealRecord.load(view)
            } catch {
                guard replica.hasOthers, let key = view.doubts().damaged.first else { throw error }
                return .damaged(key.bucket)
            }
            guard let record else { return missed(in: view, mayWalk: mayWalk) }
            seen.withLock { seen in
                if let seen, seen.index > index { return }
                seen = (record, index)
            }
            return .found(record)
        }
    }

    private func missed(in view: borrowing ReadView, mayWalk: Bool) -> SealLook {
        let (doubts, index) = (view.doubts(), view.evaluatedIndex)
        // What waits for its repair is not added up for each who asks meanwhile.
        let doubtful = replica.status.scrub.doubtfulBuckets
        if let bucket = doubtful.first(where: doubts.missedBuckets.contains) {
            return .damaged(bucket)
        }
        switch replica.verdict(on: doubts, in: view, .init(isAlone: true, mayWalk: mayWalk)) {
        case .unseen: return .unseen
        case .damaged(let bucket): return .damaged(bucket)
        case .whole: break
        }
        // Nobody gives up a vault that is open.
        if unsealed != nil, let record = lastSeen { return .found(record) }
        seen.withLock { seen in
            if let known = seen, known.index <= index { seen = nil }
        }
        return .absent(missed: doubts.missed, index: index)
    }

    /// Has a damaged bucket repaired, and waits for nothing.
    func mend(_ bucket: Int) {
        replica.mend(bucket, deadline: .now + .seconds(1)) { _ in }
    }

    /// Takes one share. When it completes the set, this takes some 20 ms and checks the retained
    /// log besides: never call it on an event loop.
    func give(_ share: String) -> ShareAnswer {
        guard unsealed == nil else { return .alreadyUnsealed }
        let answer: ShareAnswer
        do throws(BarrierError) {
            let record: SealRecord
            switch try look(mayWalk: true) {
            case .found(let found): record = found
            case .absent: return .notInitialized
            case .damaged(let bucket): return .damaged(bucket)
            case .unseen: preconditionFailure("a walk may be made")
            }
            let attempt: [UInt8]
            do throws(CryptographyError) {
                attempt = try Random.bytes(16)
            } catch {
                throw .cryptography(error)
            }
            answer = collect(share, for: record, attempt)
        } catch {
            return .refused(.barrier(error))
        }
        return answer
    }

    private func collect(
        _ share: String,
        for record: SealRecord,
        _ attempt: [UInt8]
    ) -> ShareAnswer {
        let opened: Keyring
        let seals: UInt64
        switch arrived(share, for: record, attempt) {
        case .answer(let answer): return answer
        case .opened(let keyring, let before): (opened, seals) = (keyring, before)
        }
        guard let isGenuine = verifyHistory(with: opened, since: seals) else {
            return .collecting
        }
        guard isGenuine else {
            return .refused(
                .barrier(
                    .hierarchyDamaged(
                        .keyring,
                        reason: "the log holds a batch that this vault did not make"
                    )
                )
            )
        }
        guard install(opened, since: seals) else { return .collecting }
        machine.withLock { $0 = nil }
        logger.notice("unsealed")
        if let unsealed { listener.withLock { $0 }?(unsealed) }
        return .unsealed
    }

    /// - Returns: false when the node was sealed meanwhile, by an operator or by an alarm.
    private func install(_ keyring: Keyring, since seals: UInt64) -> Bool {
        keys.withLock { keys in
            guard keys.seals == seals else { return false }
            keys.unsealed = Unsealed(keyring: keyring, cache: VaultCache())
            replica.sealChanged(isSealed: false)
            return true
        }
    }

    private enum Arrival {
        case answer(ShareAnswer)
        case opened(Keyring, since: UInt64)
    }

    private func arrived(
        _ share: String,
        for record: SealRecord,
        _ attempt: [UInt8]
    ) -> Arrival {
        store.view { view in
            machine.withLock { machine -> Arrival in
                let (isOpen, seals) = keys.withLock { ($0.unsealed != nil, $0.seals) }
                guard !isOpen else { return .answer(.alreadyUnsealed) }
                // A new share set, or a vault made anew, needs a machine of its own.
                if machine?.sealRecord.shareSet != record.shareSet {
                    machine = SealMachine(record)
                }
                guard let outcome = machine?.shareArrived(share, freshAttempt: attempt)
                else { return .answer(.notInitialized) }
                switch outcome {
                case .needMore, .refused(.duplicate, _): return .answer(.collecting)
                case .refused(let error, _): return .answer(.refused(error))
                case .complete: break
                }
                switch machine?.open(view, epoch: epoch) {
                case .opened(let keyring): return .opened(keyring, since: seals)
                case .failed(let error): return .answer(.refused(error))
                case nil: return .answer(.notInitialized)
                }
            }
        }
    }

    /// From now on every committed batch is checked before it is served; what is retained of the
    /// log is checked here, before anything is.
    ///
    /// - Returns: whether all of it was made by this vault; nil when the node was sealed meanwhile.
    private func verifyHistory(with keyring: Keyring, since seals: UInt64) -> Bool? {
        let isGenuine = Atomic(true)
        let done = DispatchSemaphore(value: 0)
        let isCurrent = keys.withLock { keys -> Bool in
            guard keys.seals == seals else { return false }
            let configurations = ConfigurationInspector(keyring: keyring)
            replica.setInspector { [weak self] entry, body in
                let isGenuine =
                    switch body {
                    // Two operators may have made a vault at the same time: the second one's batch
                    // is rejected, because there is a seal record.
                    case .batch(let batch):
                        VaultOpening.isCreation(batch) || verify(batch, with: keyring)
                    case .configuration(let entry): configurations.isGenuine(entry)
                    }
                if !isGenuine { self?.alarm(entry) }
            }
            return true
        }
        guard isCurrent else { return nil }
        let configurations = ConfigurationInspector(keyring: keyring)
        replica.inspectRetained { _, body in
            let isOurs =
                switch body {
                // A vault that was abandoned before this one had other keys, and nothing else in
                // it; nobody could change the members with it.
                case .batch(let batch):
                    VaultOpening.isCreation(batch) || VaultOpening.isAbandonment(batch)
                        || verify(batch, with: keyring)
                case .configuration(let entry): configurations.isGenuine(entry)
                }
            if !isOurs { isGenuine.store(false, ordering: .relaxed) }
        } completion: {
            done.signal()
        }
        done.wait()
        let isWhole = isGenuine.load(ordering: .acquiring)
        if !isWhole {
            keys.withLock { keys in
                if keys.unsealed == nil { replica.setInspector(nil) }
            }
        }
        return isWhole
    }

    /// A batch that no holder of the keys made: somebody wrote with a stolen node key.
    private func alarm(_ entry: LogEntry) {
        logger.critical(
            "entry \(entry.index.number) of term \(entry.term.number) is not this vault's: sealing",
            metadata: [
                "remedy": "find out who led in that term, replace that node's key, compare digests"
            ]
        )
        seal()
    }

    /// Forgets the shares given so far.
    ///
    /// - Returns: false when the node is unsealed, so there is nothing to forget.
    func reset() -> Bool {
        guard unsealed == nil else { return false }
        machine.withLock { $0 = nil }
        return true
    }

    /// Drops the keys. They are wiped when the last request that uses them has ended.
    func seal() {
        let wasOpen = keys.withLock { keys -> Bool in
            keys.seals += 1
            let wasOpen = keys.unsealed != nil
            keys.unsealed?.cache.wipe()
            keys.unsealed = nil
            replica.setInspector(nil)
            if wasOpen { replica.sealChanged(isSealed: true) }
            return wasOpen
        }
        machine.withLock { $0 = nil }
        guard wasOpen else { return }
        farewell.withLock { $0 }?()
        logger.notice("sealed")
    }
}
