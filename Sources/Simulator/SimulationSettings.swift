/// Which kinds of trouble a run may have. Rates are in parts of 1,024.
package struct Faults: Equatable, Sendable {
    /// Messages lost, sent twice, and overtaking each other.
    package var lossMost = 0
    package var duplicationMost = 0
    package var reorderMost = 0
    /// Longest usual delay of a message, in microseconds.
    package var delayMicrosecondsMost = 1_000
    /// How many of the elected leaders do not last: they leave the hardest logs behind.
    package var freshLeaderDeaths = 0
    /// How often each kind of disturbance is drawn, relative to each other. 0 is never.
    package var weights = [Int](repeating: 0, count: FaultKind.allCases.count)
    /// Time between two disturbances, at most, in milliseconds. 0: none at all.
    package var pauseMillisecondsMost = 0

    /// Delays only.
    package init() {}

    /// How often `kind` is drawn.
    package subscript(_ kind: FaultKind) -> Int {
        get { weights[kind.rawValue] }
        set { weights[kind.rawValue] = newValue }
    }

    /// Delays only.
    package static let calm = Faults()

    /// Everything, often.
    package static var harsh: Faults {
        var faults = Faults()
        faults.lossMost = 200
        faults.duplicationMost = 200
        faults.reorderMost = 200
        faults.delayMicrosecondsMost = 40_000
        faults.freshLeaderDeaths = 100
        faults.pauseMillisecondsMost = 500
        for kind in FaultKind.allCases { faults[kind] = kind.usualWeight }
        return faults
    }

    /// Some kinds, drawn by `dice`, at some rate: bugs hide from a storm that never changes.
    package static func swarm(_ dice: inout Dice) -> Faults {
        var faults = Faults.harsh
        faults.lossMost = [0, 0, 20, 100, 400][dice.below(5)]
        faults.duplicationMost = [0, 0, 50, 300][dice.below(4)]
        faults.reorderMost = [0, 0, 50, 300][dice.below(4)]
        faults.delayMicrosecondsMost = [300, 1_000, 5_000, 40_000, 150_000][dice.below(5)]
        faults.freshLeaderDeaths = [0, 0, 100, 900][dice.below(4)]
        faults.pauseMillisecondsMost = [150, 400, 1_000, 2_500][dice.below(4)]
        for kind in FaultKind.allCases where dice.chance(400) { faults[kind] = 0 }
        // Now and then hardly anything happens but that members come and go.
        let churn = [1, 1, 5, 20][dice.below(4)]
        faults[.loseArchived] *= [1, 1, 1, 8][dice.below(4)]
        faults[.strand] *= [1, 1, 1, 12][dice.below(4)]
        faults[.jam] *= [1, 1, 4, 20][dice.below(4)]
        for kind in FaultKind.membership { faults[kind] *= churn }
        return faults
    }
}

/// Disturbances that are drawn one at a time.
package enum FaultKind: Int, CaseIterable, Sendable {
    /// A process dies, with what was not synced; one fresh leader dies; all die.
    case crash, crashLeader, crashAll
    /// A process stands still and goes on.
    case pause
    /// Cuts between groups, of one node, one way, of some pairs, and their end.
    case partition, isolate, oneWay, partial, mend
    /// A connection breaks and is made again.
    case reset
    /// A follower's appends are held up, behind a lost packet, and come all at once.
    case jam
    /// The network's rates are drawn anew.
    case weather
    /// A clock runs at another rate, or leaps.
    case drift, leap
    /// A disk is slow, hangs, is full, fails a sync.
    case slowDisk, stall, full, syncError
    /// A follower's disk hangs, the leader is left with nobody else, and the others elect another.
    case strand
    /// A bit flips in a copy of the vote, in the log, in the state; a write is torn, lost, or
    /// lands elsewhere.
    case flipVote, damageLog, damageState
    /// A record cannot be found any more, or is an older one; a bit flips in a snapshot's file.
    case loseRecord, ageRecord, damageSnapshot
    /// A record that nobody writes again is lost, under a process that knows its bucket whole.
    case loseArchived
    /// A node is sealed or unsealed.
    case seal
    /// A member that a disaster recovery left behind speaks of its own history.
    case ghost
    /// Operators admit a node, make learners voters and the other way round, both in one step,
    /// remove a member, move leadership.
    case admit, promote, demote, replace, letGo, transfer
    /// A node's database is lost and made anew; its disk is put back to an earlier image.
    case loseDatabase, restoreImage

    /// What operators do, and what makes a node's promises void.
    static let membership: [FaultKind] = [
        .admit, .promote, .demote, .replace, .letGo, .transfer, .loseDatabase,
        .restoreImage,
    ]

    /// How often it is drawn in a harsh run.
    var usualWeight: Int {
        switch self {
        case .crash: 20
        case .crashLeader: 15
        case .crashAll: 2
        case .pause: 15
        case .partition, .isolate, .oneWay, .partial: 8
        case .mend: 24
        case .reset: 15
        case .weather: 12
        case .drift: 6
        case .leap: 4
        case .slowDisk: 10
        case .stall: 8
        case .strand: 6
        case .jam: 12
        case .full: 4
        case .syncError: 4
        case .flipVote: 8
        case .damageLog, .damageState, .loseRecord, .ageRecord, .loseArchived: 6
        case .damageSnapshot: 3
        case .seal: 8
        case .ghost: 4
        case .admit, .promote, .demote, .replace, .letGo, .transfer: 6
        case .loseDatabase, .restoreImage: 3
        }
    }
}

/// One run, completely: equal settings, equal runs.
package struct SimulationSettings: Equatable, Sendable {
    /// Decides everything that the rest leaves open.
    package var seed: UInt64
    /// Voters; nil draws 3, 5 or 7.
    package var nodes: Int?
    /// Nil draws a swarm.
    package var faults: Faults?
    /// Length of the part with faults, in simulated seconds.
    package var seconds = 10
    /// Client operations a second.
    package var operationsPerSecond = 200
    /// A word that the disks break: for showing that the checkers see it.
    package var lie: Lie?

    package init(seed: UInt64) {
        self.seed = seed
    }
}

/// What became of a run.
package struct SimulationReport: Sendable {
    /// Which rule was broken; nil when none was.
    package internal(set) var violation: String?
    /// Why the run proves nothing; nil when all is well. A history that nobody could search to
    /// its end may hide a stale read.
    package var problem: String? {
        if let violation { return violation }
        return counts.undecided == 0
            ? nil : "the history of \(counts.undecided) keys was too hard to decide"
    }
    /// 64 hex digits over everything that happened.
    package internal(set) var traceHash = ""
    /// Voters.
    package internal(set) var nodes = 0
    /// Simulated time, in nanoseconds.
    package internal(set) var nanoseconds: UInt64 = 0
    /// In numbers.
    package internal(set) var counts = SimulationCounts()
}

/// How much happened.
package struct SimulationCounts: Equatable, Sendable {
    /// Events taken from the queue.
    package internal(set) var events = 0
    /// Messages between cores, lost ones included.
    package internal(set) var messages = 0
    /// Disturbances.
    package internal(set) var faults = 0
    /// Starts of processes.
    package internal(set) var starts = 0
    /// Elections won.
    package internal(set) var elections = 0
    /// Entries committed.
    package internal(set) var committed = 0
    /// Writes that clients asked for, without repeats.
    package internal(set) var writes = 0
    /// Reads that clients asked for.
    package internal(set) var reads = 0
    /// Reads that a lease or a known age vouched for, and no majority.
    package internal(set) var unconfirmedReads = 0
    /// Keys whose history was too hard to search.
    package internal(set) var undecided = 0
    /// Attempts that were made again because the outcome was not known.
    package internal(set) var retries = 0
    /// Writes whose outcome their client never learned.
    package internal(set) var unknown = 0
    /// Snapshots that arrived.
    package internal(set) var snapshots = 0
    /// Buckets and bodies that came back from other members or from memory.
    package internal(set) var mended = 0
    /// Absences that another member confirmed before a client was told.
    package internal(set) var confirmed = 0
    /// Folders that were listed.
    package internal(set) var lists = 0
    /// Disturbances that took effect, by the number of their ``FaultKind``.
    package internal(set) var happened = [Int](repeating: 0, count: FaultKind.allCases.count)
    /// Entries of the log with a broken header (or another's), a broken body, that were lost, and
    /// that were torn by a crash.
    package internal(set) var damagedEntries = [0, 0, 0, 0]
    /// Writes that found no room.
    package internal(set) var refusals = 0
    /// Databases made anew.
    package internal(set) var rebuilt = 0
    /// Changes of members that were committed.
    package internal(set) var changes = 0

    /// Nothing yet.
    package init() {}

    /// How often `kind` took effect.
    package subscript(_ kind: FaultKind) -> Int { happened[kind.rawValue] }

    /// Every kind of disturbance with how often it took effect, in words.
    package var story: String {
        let kinds = FaultKind.allCases.map { "\($0) \(self[$0])" }
        let damages = zip(["misplaced", "broken", "lost", "torn"], damagedEntries).map {
            "\($0) entries \($1)"
        }
        return (kinds + damages + ["refused for want of room \(refusals)"])
            .joined(separator: ", ")
    }

    /// Kinds that never took effect.
    package var unseen: [FaultKind] { FaultKind.allCases.filter { self[$0] == 0 } }

    /// Adds the numbers of another run.
    package mutating func add(_ other: SimulationCounts) {
        events += other.events
        messages += other.messages
        faults += other.faults
        starts += other.starts
        elections += other.elections
        committed += other.committed
        writes += other.writes
        reads += other.reads
        unconfirmedReads += other.unconfirmedReads
        undecided += other.undecided
        retries += other.retries
        unknown += other.unknown
        snapshots += other.snapshots
        mended += other.mended
        confirmed += other.confirmed
        lists += other.lists
        for kind in happened.indices { happened[kind] += other.happened[kind] }
        for damage in damagedEntries.indices {
            damagedEntries[damage] += other.damagedEntries[damage]
        }
        refusals += other.refusals
        rebuilt += other.rebuilt
        changes += other.changes
    }
}

/// Something happened that must not.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
