import Dispatch
import Logging
import Store

/// The storage thread's loop around ``StorageMachine``. Any error of a sync ends the process
/// inside `Store`; any other error ends it here.
struct StorageWorker {
    private struct Ports: StoragePorts {
        let core: Mailbox<CoreInput>

        func tellCore(_ input: CoreInput) { core.post(input) }
    }

    let store: LocalStore
    let mailbox: Mailbox<StorageJob>
    let core: Mailbox<CoreInput>
    let state: ReplicaStart
    let logger: Logger

    /// Runs until the mailbox is closed.
    func run() {
        var machine = StorageMachine(
            storage: store,
            ports: Ports(core: core),
            state: state,
            now: .now
        )
        do throws(WorkFailure) {
            try machine.begin()
            while let jobs = mailbox.take(
                most: Limits.inputsPerTurnMax,
                until: .now() + .milliseconds(machine.waitMilliseconds)
            ) {
                try machine.turn(jobs, now: .now)
                guard jobs.isEmpty else { continue }
                while try machine.preallocate() && mailbox.count == 0 {}
            }
        } catch {
            Halt.now(error.error, while: error.activity, logger: logger)
        }
    }
}
