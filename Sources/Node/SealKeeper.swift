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
    /// Not taken, or the vault did not open.
    case refused(SealError)
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

    /// The seal record as this node's store shows it; nil before the vault is made.
    func sealRecord() throws(BarrierError) -> SealRecord? {
        try store.view { view throws(BarrierError) in try SealRecord.load(view) }
    }

    /// Takes one share. When it completes the set, this takes some 20 ms and checks the retained
    /// log besides: never call it on an event loop.
    func give(_ share: String) -> ShareAnswer {
        let answer: ShareAnswer
        do throws(BarrierError) {
            guard let record = try sealRecord() else { return .notInitialized }
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
