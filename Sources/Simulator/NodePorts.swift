import Raft
import Replica

/// Where the machines of one process put what they say. The world empties it after each turn.
final class NodePorts: CorePorts, StoragePorts, EvaluationPorts {
    var messages: [(message: Message, target: NodeID)] = []
    var storageJobs: [StorageJob] = []
    var evaluationJobs: [EvaluationJob] = []
    var coreInputs: [CoreInput] = []
    var courierJobs: [CourierJob] = []
    var checkpoints: [Checkpoint] = []
    var roles: [(role: Role, term: Term, leader: NodeID?)] = []
    var configurations: [Configuration] = []
    var alarms: [Alarm] = []
    /// Buckets with damaged records that somebody waits for.
    var mends: [Int] = []

    // MARK: core

    func send(_ message: Message, to member: NodeID) { messages.append((message, member)) }
    func persist(_ job: StorageJob) { storageJobs.append(job) }
    func evaluate(_ job: EvaluationJob) { evaluationJobs.append(job) }

    func streamSnapshot(to member: NodeID, atLeast index: LogIndex, term: Term) {
        courierJobs.append(.stream(to: member, atLeast: index, term: term))
    }

    func discardSnapshot(_ file: String) { courierJobs.append(.discard(file)) }

    func roleChanged(_ role: Role, term: Term, leader: NodeID?) {
        roles.append((role, term, leader))
    }

    func configurationChanged(_ configuration: Configuration) {
        configurations.append(configuration)
    }

    func raised(_ alarm: Alarm) { alarms.append(alarm) }

    // MARK: storage and evaluation

    func tellCore(_ input: CoreInput) { coreInputs.append(input) }
    func reached(_ checkpoint: Checkpoint) { checkpoints.append(checkpoint) }
    func tellStorage(_ job: StorageJob) { storageJobs.append(job) }
    var inspector: EntryInspector? { nil }

    func mend(_ bucket: Int) -> Bool {
        mends.append(bucket)
        return true
    }

    var hasOthers: Bool { true }
}
