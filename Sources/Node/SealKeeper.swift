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
    private struct Parts: ~Copyable, Sendable {
        var machine: SealMachine?
        var unsealed: Unsealed?
    }

    private let parts = Mutex(Parts(machine: nil, unsealed: nil))
    private let store: LocalStore
    private let replica: LocalReplica
    private let epoch: UInt64
    private let logger: Logger

    /// - Parameter epoch: of the cluster, from the hard state; part of every batch's tag.
    init(store: LocalStore, replica: LocalReplica, epoch: UInt64, logger: Logger) {
        self.store = store
        self.replica = replica
        self.epoch = epoch
        self.logger = logger
    }

    /// The keys, or nil while sealed.
    var unsealed: Unsealed? { parts.withLock { $0.unsealed } }

    /// Shares given so far in this attempt, and the attempt's name; empty when none was given.
    var progress: (given: Int, nonce: String) {
        parts.withLock { parts -> (Int, String) in
            guard let progress = parts.machine?.progress else { return (0, "") }
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
        _ share: String, for record: SealRecord, _ attempt: [UInt8]
    ) -> ShareAnswer {
        let opened: Keyring
        switch arrived(share, for: record, attempt) {
        case .answer(let answer): return answer
        case .opened(let keyring): opened = keyring
        }
        guard verifyHistory(with: opened) else {
            return .refused(.barrier(.hierarchyDamaged(
                .keyring, reason: "the log holds a batch that this vault did not make")))
        }
        parts.withLock {
            $0.unsealed = Unsealed(keyring: opened, cache: VaultCache())
            $0.machine = nil
        }
        replica.sealChanged(isSealed: false)
        logger.notice("unsealed")
        return .unsealed
    }

    private enum Arrival {
        case answer(ShareAnswer)
        case opened(Keyring)
    }

    private func arrived(
        _ share: String, for record: SealRecord, _ attempt: [UInt8]
    ) -> Arrival {
        store.view { view in
            parts.withLock { parts -> Arrival in
                guard parts.unsealed == nil else { return .answer(.alreadyUnsealed) }
                // A new share set, or a vault made anew, needs a machine of its own.
                if parts.machine?.sealRecord.shareSet != record.shareSet {
                    parts.machine = SealMachine(record)
                }
                guard let outcome = parts.machine?.shareArrived(share, freshAttempt: attempt)
                else { return .answer(.notInitialized) }
                switch outcome {
                case .needMore, .refused(.duplicate, _): return .answer(.collecting)
                case .refused(let error, _): return .answer(.refused(error))
                case .complete: break
                }
                switch parts.machine?.open(view, epoch: epoch) {
                case .opened(let keyring): return .opened(keyring)
                case .failed(let error): return .answer(.refused(error))
                case nil: return .answer(.notInitialized)
                }
            }
        }
    }

    /// From now on every committed batch is checked before it is served; what is retained of the
    /// log is checked here, before anything is.
    private func verifyHistory(with keyring: Keyring) -> Bool {
        let isGenuine = Atomic(true)
        let done = DispatchSemaphore(value: 0)
        replica.setInspector { [weak self] entry, batch in
            guard !verify(batch, with: keyring) else { return }
            self?.alarm(entry)
        }
        replica.inspectRetained { entry, batch in
            // A vault that was abandoned before this one had other keys, and nothing else in it.
            let isForeign = VaultOpening.isCreation(batch) || VaultOpening.isAbandonment(batch)
            if !isForeign && !verify(batch, with: keyring) {
                isGenuine.store(false, ordering: .relaxed)
            }
        } completion: {
            done.signal()
        }
        done.wait()
        let isWhole = isGenuine.load(ordering: .acquiring)
        if !isWhole { replica.setInspector(nil) }
        return isWhole
    }

    /// A batch that no holder of the keys made: somebody wrote with a stolen node key.
    private func alarm(_ entry: LogEntry) {
        logger.critical(
            "entry \(entry.index.number) of term \(entry.term.number) is not this vault's: sealing",
            metadata: [
                "remedy": "find out who led in that term, replace that node's key, compare digests"
            ])
        seal()
    }

    /// Forgets the shares given so far.
    ///
    /// - Returns: false when the node is unsealed, so there is nothing to forget.
    func reset() -> Bool {
        parts.withLock { parts in
            guard parts.unsealed == nil else { return false }
            parts.machine = nil
            return true
        }
    }

    /// Drops the keys. They are wiped when the last request that uses them has ended.
    func seal() {
        replica.setInspector(nil)
        let wasOpen = parts.withLock { parts -> Bool in
            let wasOpen = parts.unsealed != nil
            parts.unsealed?.cache.wipe()
            parts.unsealed = nil
            parts.machine = nil
            return wasOpen
        }
        guard wasOpen else { return }
        replica.sealChanged(isSealed: true)
        logger.notice("sealed")
    }
}
