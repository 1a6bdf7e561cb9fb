import Cryptography
import Logging
import Raft
import Replica
import Store
import Wire

/// Opens a node's data folder, and makes its database anew if it is damaged.
///
/// The others have everything that this node held, so a damaged database is put aside and the
/// node begins a new life with an empty one: it counts for nothing until the leader has taken it
/// back. Only a node that has nobody to get its state from keeps what it has, and does not start.
package enum StoreCheck {
    /// The subcommand that walks a database, in a process of its own.
    package static let command = "check-store"

    /// What the folder holds, sound.
    static func open(
        _ settings: Settings,
        logger: Logger
    ) throws -> (store: LocalStore, state: StoredState) {
        do {
            try walkIfSuspect(settings, logger)
            return try openAndLoad(settings.data, logger)
        } catch let error as StoreError where error.isDamage {
            let record = try newLife(settings, after: error)
            try LocalStore.quarantine(
                folder: settings.data,
                reason: error.summary,
                cluster: record
            )
            logger.critical(
                "the database is damaged and was put aside: \(error.summary)",
                metadata: [
                    "remedy": """
                    none needed while a majority of the others is up: they give this node its \
                    state back; look at the disk; \(settings.data)/quarantine can be removed
                    """
                ]
            )
            return try openAndLoad(settings.data, logger)
        }
    }

    private static func openAndLoad(
        _ folder: String,
        _ logger: Logger
    ) throws -> (LocalStore, StoredState) {
        var options = StoreOptions()
        let begin = Moment.now
        options.nanoseconds = { UInt64(clamping: Moment.now.nanoseconds(since: begin)) }
        options.onProgress = { logger.notice("\($0)") }
        let store = try LocalStore.open(folder: folder, options: options, digest: sha256)
        return (store, try store.loadForStart())
    }

    /// After a crash that the database may have caused: a walk over all of it, in a child process,
    /// because what ended the last process would end this one too.
    private static func walkIfSuspect(_ settings: Settings, _ logger: Logger) throws {
        let folder = settings.data
        guard SuspectMarker.isThere(in: folder) else { return }
        if let reason = try SuspectMarker.reason(in: folder) {
            // It is known already; a node that is alone looks all the same, and goes on if it can.
            let damage = StoreError.corrupt(reason)
            if (try? newLife(settings, after: damage)) != nil { throw damage }
        }
        logger.warning("the last process ended badly: walking the database before it is trusted")
        let end = try ChildProcess.run("/proc/self/exe", [command, "--data", folder])
        guard end == .exited(0) else {
            throw StoreError.corrupt("a walk over the database ended with \(end)")
        }
        try SuspectMarker.clear(in: folder)
    }

    /// Reads everything in a data folder, and compares each bucket of the state with its digest. A
    /// record or a body that is damaged by itself is no reason to give up the rest: the others are
    /// asked for it while the node runs.
    ///
    /// - Returns: rows found.
    /// - Throws: `StoreError` for damage, or when no node ever kept anything in this folder: none
    ///   is made; or does not return, if the damage ends the process.
    package static func walk(data folder: String) throws -> UInt64 {
        try LocalStore.requireMade(folder: folder)
        let store = try LocalStore.open(folder: folder, digest: sha256)
        let rows = try store.walkStructure().rows
        guard try store.canRepairRequests() else {
            throw StoreError.corrupt("neither half of table requests is whole")
        }
        var scrub = StateScrub()
        while true {
            let slice = try store.scrubState(&scrub, bytesMax: 64 << 20)
            for finding in slice.findings {
                switch finding {
                case .bucket(let number, let reason):
                    throw StoreError.damagedBucket(number: number, reason: reason)
                case .requests(let reason): throw StoreError.corrupt(reason)
                case .structure(let error): throw error
                case .record, .body: break
                }
            }
            if slice.isFinished { return rows }
        }
    }

    /// The same cluster under an incarnation that this node never had.
    ///
    /// - Throws: `error` again when there is nobody to get the state from, or nothing
    ///   left that says which cluster it was.
    private static func newLife(
        _ settings: Settings,
        after error: StoreError
    ) throws -> ClusterRecord {
        var record: ClusterRecord
        if let copy = LocalStore.clusterCopy(folder: settings.data) {
            record = copy
        } else if settings.join == nil {
            let initial = settings.initialConfiguration.encoded()
            record = ClusterRecord(
                clusterID: sha256(initial),
                epoch: 0,
                incarnation: 0,
                bootCounter: 0,
                configuration: initial,
                formatLevel: 1
            )
        } else {
            throw error
        }
        let configuration = try Configuration(decoding: record.configuration)
        guard configuration.members.count > 1 else { throw error }
        record.incarnation = try Random.uint64() >> 1
        record.bootCounter = 0
        return record
    }
}
