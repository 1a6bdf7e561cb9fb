import Logging
import Raft
import Store

/// The evaluation thread's loop around ``EvaluationMachine``.
struct Evaluator {
    private struct Ports: EvaluationPorts {
        let core: Mailbox<CoreInput>
        let storage: Mailbox<StorageJob>
        let currentInspector: () -> EntryInspector?
        let askForRepair: (Int) -> Bool
        let haveOthers: () -> Bool

        func tellCore(_ input: CoreInput) { core.post(input) }
        func tellStorage(_ job: StorageJob) { storage.post(job) }
        var inspector: EntryInspector? { currentInspector() }
        func mend(_ bucket: Int) -> Bool { askForRepair(bucket) }
        var hasOthers: Bool { haveOthers() }
    }

    let store: LocalStore
    let mailbox: Mailbox<EvaluationJob>
    let core: Mailbox<CoreInput>
    let storage: Mailbox<StorageJob>
    let evaluated: LogIndex
    let logger: Logger
    let inspector: () -> EntryInspector?
    /// Asks other members for what a bucket lost; false when there is nobody.
    let mend: (Int) -> Bool
    /// Whether anybody else has copies.
    let hasOthers: () -> Bool
    let trust: BucketTrust

    /// Runs until the mailbox is closed.
    func run() {
        let machine = EvaluationMachine(
            storage: store,
            ports: Ports(
                core: core,
                storage: storage,
                currentInspector: inspector,
                askForRepair: mend,
                haveOthers: hasOthers
            ),
            evaluated: evaluated,
            trust: trust,
            now: .now
        )
        do throws(WorkFailure) {
            while let jobs = mailbox.take(
                most: Limits.inputsPerTurnMax,
                until: .now + .milliseconds(machine.waitMilliseconds)
            ) {
                try machine.turn(jobs, now: .now)
            }
        } catch {
            Halt.now(error.error, while: error.activity, logger: logger)
        }
    }
}
