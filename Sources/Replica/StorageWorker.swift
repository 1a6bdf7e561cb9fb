import Logging
import Store

/// The storage thread's loop around ``StorageMachine``. Any error of a sync ends the process
/// inside `Store`; any other error ends it here.
struct StorageWorker {
    private struct Ports: StoragePorts {
        let core: Mailbox<CoreInput>
        let repair: Mailbox<RepairJob>?

        func tellCore(_ input: CoreInput) { core.post(input) }
        func reached(_ checkpoint: Checkpoint) { repair?.post(.checkpoint(checkpoint)) }
    }

    let store: LocalStore
    let mailbox: Mailbox<StorageJob>
    let core: Mailbox<CoreInput>
    let state: ReplicaStart
    let watch: DiskWatch
    /// Told what the turns cost, if anybody wants to know.
    var board: StatusBoard?
    /// Told of checkpoints, if anybody compares them.
    var repair: Mailbox<RepairJob>?
    var checkpointEntries = Limits.checkpointEntries
    let logger: Logger

    /// Runs until the mailbox is closed.
    func run() {
        let machine = StorageMachine(
            storage: store,
            ports: Ports(core: core, repair: repair),
            state: state,
            watch: watch,
            checkpointEntries: checkpointEntries,
            now: .now
        )
        do throws(WorkFailure) {
            try machine.begin()
            var space = machine.space
            while let jobs = mailbox.take(
                most: Limits.inputsPerTurnMax,
                until: .now + .milliseconds(machine.waitMilliseconds)
            ) {
                let begun = Moment.now
                try machine.turn(jobs, now: begun)
                if !jobs.isEmpty { board?.stored(in: .now - begun) }
                if jobs.isEmpty { while try machine.preallocate() && mailbox.count == 0 {} }
                if machine.space != space { say(machine.space) }
                space = machine.space
            }
        } catch {
            Halt.now(error.error, while: error.activity, logger: logger)
        }
    }

    private func say(_ space: SpaceState) {
        let full = StoreError.full
        switch space {
        case .ample: logger.notice("there is room for the database again")
        case .reserved:
            logger.error(
                "little room is left for the database: writes other than deletes are refused",
                metadata: ["remedy": "\(full.remedy)"]
            )
        case .exhausted:
            logger.critical(
                "\(full.summary): this node appends nothing; it votes and answers reads",
                metadata: ["remedy": "\(full.remedy)"]
            )
        }
    }
}
