import Raft
import Replica
import Store

/// One run of one node, from its start to its end: the production machines, and their mail.
final class Process {
    /// Unique in the world; what is meant for a dead process finds none.
    let number: Int
    /// Position of the node.
    let node: Int
    let store: SimulatedStore
    let ports: NodePorts
    /// The machine's turn takes no time here: the world marks how long the disk takes.
    let watch = DiskWatch()
    let core: CoreMachine
    let storage: StorageMachine
    let evaluation: EvaluationMachine
    let courierMail: CourierMail
    let courier: CourierMachine
    let repair: RepairDesk
    /// Which buckets were seen whole, for whoever reads and for the evaluation.
    let trust = BucketTrust()
    /// Who takes part, as this process goes by it.
    var configuration: Configuration
    /// What its autopilot has seen while it led.
    var silence = Silence()
    /// The term that it led after its last turn.
    var ledTerm: Term?

    var coreInbox: [CoreInput] = []
    var storageInbox: [StorageJob] = []
    var evaluationInbox: [EvaluationJob] = []
    var courierInbox: [CourierJob] = []
    /// Repairs that wait for the storage thread.
    var repairWrites: [@Sendable (SimulatedStore) -> Void] = []
    /// When the core has something to do; `.max` for never.
    var coreDue = UInt64.max
    var storageDue = UInt64.max
    var evaluationDue = UInt64.max
    var courierDue = UInt64.max
    /// When these are to turn if nothing comes, and for when that is planned: one event at a time,
    /// planned anew when it finds itself early.
    var coreTick = IdleTimer()
    var storageIdle = IdleTimer()
    var evaluationIdle = IdleTimer()
    var courierIdle = IdleTimer()
    /// The storage thread is waiting for the disk; what it will say then.
    var isStorageBusy = false
    var heldForCore: [CoreInput] = []
    /// What transactions have cost so far, and when the one that goes on began.
    var commits = StreamPacer.Commits(count: 0, nanoseconds: 0)
    var commitBegun: UInt64 = 0
    var pausedUntil: UInt64 = 0
    /// It dies when its commit index passes this.
    var lastsUntil: LogIndex?
    /// What would have happened during the pause, in order.
    var deferred: [Event] = []
    /// For the checkers: committed entries that were compared through here.
    var checkedCommit: UInt64

    init(number: Int, node: Int, store: SimulatedStore, start: ProcessStart) {
        self.number = number
        self.node = node
        self.store = store
        let ports = NodePorts()
        self.ports = ports
        let state = start.state
        configuration = start.core.configuration
        core = CoreMachine(
            core: start.core,
            applied: state.applied,
            ports: ports,
            retention: start.retention,
            watch: watch,
            now: start.now
        )
        storage = StorageMachine(
            storage: store,
            ports: ports,
            state: state,
            watch: watch,
            checkpointEntries: start.checkpointEntries,
            now: start.now
        )
        evaluation = EvaluationMachine(
            storage: store,
            ports: ports,
            evaluated: state.applied,
            trust: trust,
            now: start.now
        )
        let standing = core.standing
        courierMail = CourierMail(
            CourierStanding(
                (standing.role, standing.term),
                committed: standing.commit,
                applied: state.applied,
                last: standing.last,
                commits: commits
            )
        )
        courier = CourierMachine(
            shelf: SimulatedShelf(disk: store.disk, store: store),
            ports: courierMail,
            sizes: start.streams,
            now: start.now
        )
        courier.begin()
        let own = start.id
        let others = start.core.configuration.members.map(\.id).filter { $0 != own }
        repair = RepairDesk(store: store, trust: trust, members: others)
        checkedCommit = state.applied.number
    }
}

/// A deadline that mostly moves on before it comes.
struct IdleTimer {
    var due = UInt64.max
    var planned = UInt64.max
}

/// What a process begins with.
struct ProcessStart {
    let id: NodeID
    let core: RaftCore
    let state: ReplicaStart
    let retention: LogRetention
    let checkpointEntries: UInt64
    let streams: StreamSizes
    let now: Moment
}

/// Why a database is not trusted, as `SuspectMarker` says it.
enum Suspicion {
    case none
    /// It is to be walked over.
    case walk
    /// It is known to be wrong.
    case known
}

/// A node: a disk and a clock always, a process sometimes.
final class Node {
    let id: NodeID
    let disk: Disk
    var clock: NodeClock
    var process: Process?
    var isSealed = false
    /// Something on its disk was damaged: it may stop, or refuse to start, because of that.
    var wasDamaged = false
    /// Somebody told it that it is a member.
    var isJoined = true
    /// It stays away after the end of all faults.
    var isAway = false
    /// What its disk was before it was made anew.
    var formerDisks: [FormerDisk] = []
    /// A start is planned.
    var isStartPlanned = false
    /// Its start waits for the bodies of entries that the disk has lost.
    var recovery: RepairDesk?
    /// What the last process left for the next start to look into.
    var suspicion = Suspicion.none
    /// A record of its was lost at some time: another one that was written over it, or the lack of
    /// it, may have made its state differ.
    var hasLostRecords = false
    var boots: UInt64 = 0
    /// An image of its disk, from some time ago.
    var oldImage: Disk.Image?
    /// Its disk is an old image: others may hear an earlier boot, or miss what it acknowledged.
    var wasRestored = false
    /// That was so at some time: alarms about it may come late.
    var hasBeenRestored = false
    /// An operator was told of that, and is on the way.
    var isOperatorComing = false

    init(id: NodeID, disk: Disk, clock: NodeClock) {
        self.id = id
        self.disk = disk
        self.clock = clock
    }

    /// Under which its disk is this node.
    var incarnation: UInt64 { disk.durable.cluster?.incarnation ?? 0 }
}
