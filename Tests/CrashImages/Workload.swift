import CFaults
import Store
import TestSupport

/// What a node may do to its disk, step by step, under the recorder: turns, votes, snapshots out
/// and in (which switch to another database), and a rebuild after damage.
///
/// After each durable step a mark goes into the trace: from there on the step counts as
/// acknowledged, and every later image must have it.
package struct Workload {
    /// What the store held after each step; the number of a step is the mark behind it.
    package private(set) var states: [Observation] = []
    /// The snapshot files that were finished, each with the step after which it must be there.
    private(set) var exports: [(step: Int, name: String)] = []

    private var store: LocalStore
    private let folder: String
    private let helper: TemporaryFolder
    private var random: Seeded
    private var term: UInt64 = 1
    private var last: UInt64 = 0
    private var applied: UInt64 = 0
    private var isClusterSet = false
    /// The term of the entry at each index, from 0.
    private var terms: [UInt64] = [0]

    /// Records `steps` steps below `folder` into the file `trace`.
    ///
    /// - Throws: what the store throws; nothing is expected to.
    package static func record(
        steps: Int,
        seed: UInt64,
        folder: String,
        trace: String
    ) throws -> Workload {
        precondition(unsafe faults_record(trace, folder) == 0, "no trace at \(trace)")
        defer { faults_stop() }
        var workload = try Workload(folder: folder, seed: seed)
        try workload.acknowledge()
        for step in 0..<steps {
            try workload.step(step)
            try workload.acknowledge()
        }
        return workload
    }

    private init(folder: String, seed: UInt64) throws {
        self.folder = folder
        helper = TemporaryFolder(inMemory: true)
        random = Seeded(seed)
        store = try Self.open(folder)
    }

    private static func open(_ folder: String) throws -> LocalStore {
        try LocalStore.open(
            folder: folder + "/node",
            options: Trial.options,
            digest: testDigest
        )
    }

    private mutating func acknowledge() throws {
        states.append(try Observation(store, requestsThrough: last))
        faults_mark(UInt64(states.count - 1))
    }

    /// The index through which the last step's observation asked for requests.
    package func requestsThrough(_ step: Int) -> UInt64 { states[step].point.last.index }

    private mutating func step(_ number: Int) throws {
        guard isClusterSet else { return try begin() }
        // The rare ones at fixed places, so that every recording has all of them.
        switch number % 40 {
        case 17: return try exportSnapshot()
        case 31: return try installSnapshot()
        case 38: return try rebuild()
        default: break
        }
        switch UInt64.random(in: 0..<100, using: &random) {
        case ..<50: try append()
        case ..<62: try apply(count: 8)
        case ..<74: try vote()
        case ..<84: try truncate()
        case ..<94: try dropLog()
        default: try store.preallocateIfNeeded()
        }
    }

    private mutating func begin() throws {
        try store.write { (t) throws(StoreError) in
            try t.setCluster(Trial.cluster)
            try t.setHardState(term: 1, vote: nil, commit: 0)
        }
        isClusterSet = true
    }

    private mutating func body() -> [UInt8] {
        let isLarge = random.next() % 12 == 0
        let count = Int.random(in: 0...(isLarge ? 12_000 : 700), using: &random)
        let first = UInt8.random(in: .min ... .max, using: &random)
        return (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
    }

    private mutating func append() throws {
        let entries = (1...UInt64.random(in: 1...4, using: &random)).map {
            StoredEntry(index: last + $0, term: term, kind: 1, body: body())
        }
        let layers = makeLayers(through: last, countMax: 3)
        let end = layers.last?.index ?? applied
        let endTerm = terms[Int(end)]
        try store.write { (t) throws(StoreError) in
            try t.appendEntries(entries)
            try t.apply(layers: layers, appliedIndex: end, appliedTerm: endTerm)
        }
        remember(entries)
        applied = end
    }

    private mutating func apply(count: Int) throws {
        let layers = makeLayers(through: last, countMax: count)
        guard let end = layers.last?.index else { return }
        let endTerm = terms[Int(end)]
        try store.write { (t) throws(StoreError) in
            try t.apply(layers: layers, appliedIndex: end, appliedTerm: endTerm)
        }
        applied = end
    }

    /// Layers of the next entries: writes and deletes over all directories.
    private mutating func makeLayers(through end: UInt64, countMax: Int) -> [OverlayLayer] {
        let count = min(Int(end - applied), Int.random(in: 0...countMax, using: &random))
        return (0..<count).map { position in
            let index = applied + 1 + UInt64(position)
            let writes = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let directory = UInt8.random(in: 1...4, using: &random)
                let key = Trial.key(directory, UInt64.random(in: 0..<12, using: &random))
                return (key, random.next() % 4 == 0 ? nil : record(index).encoded())
            }
            return OverlayLayer(index: index, writes: writes, requestID: Trial.requestID(index))
        }
    }

    private mutating func record(_ index: UInt64) -> Record {
        // A large one lies in up to five pieces.
        let isLarge = random.next() % 8 == 0
        let count = Int.random(in: 1...(isLarge ? 20_000 : 200), using: &random)
        return Record(
            flags: 0,
            dataKeyID: 1,
            nameBox: [1, 2, 3],
            valueBox: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: count)
        )
    }

    /// A vote in a later term, in its own file first. What the tables say follows with the next
    /// turn, or never.
    private mutating func vote() throws {
        let isCast = random.next() % 3 != 0
        if let state = states.last, state.ballot.vote == nil, state.ballot.term == term, isCast {
            return try store.saveVote(term: term, vote: 2)
        }
        term += 1
        try store.saveVote(term: term, vote: isCast ? 1 : nil)
        try acknowledge()
        let (term, ballot) = (term, isCast ? UInt64(1) : nil)
        try store.write { (t) throws(StoreError) in
            try t.setHardState(term: term, vote: ballot, commit: t.point.commitIndex)
        }
    }

    private mutating func truncate() throws {
        guard last > applied else { return }
        let from = UInt64.random(in: applied + 1...last, using: &random)
        let replacement = (0..<UInt64.random(in: 0...2, using: &random)).map {
            StoredEntry(index: from + $0, term: term, kind: 2, body: body())
        }
        try store.write { (t) throws(StoreError) in
            try t.truncateLog(from: from)
            try t.appendEntries(replacement)
        }
        terms.removeLast(Int(last - from) + 1)
        remember(replacement)
    }

    private mutating func remember(_ entries: [StoredEntry]) {
        terms += entries.map(\.term)
        last = UInt64(terms.count) - 1
    }

    private mutating func dropLog() throws {
        let through = applied > 4 ? applied - 4 : 0
        try store.write { (t) throws(StoreError) in
            _ = try t.dropLog(through: through, entriesMax: 16)
        }
    }

    private mutating func exportSnapshot() throws {
        if applied == 0 { try apply(count: 8) }
        if applied == 0 { return try append() }
        let name = "snapshot-\(states.count)"
        try store.exportSnapshot(to: folder + "/" + name)
        exports.append((states.count, name))
    }

    /// Another node is further: its snapshot replaces everything but the vote.
    private mutating func installSnapshot() throws {
        let other = try LocalStore.open(
            folder: helper.path + "/node-\(states.count)",
            options: Trial.options,
            digest: testDigest
        )
        let (end, term) = (last + 20, min(term, states[states.count - 1].point.term))
        let layers = (1...end).map { index in
            OverlayLayer(
                index: index,
                writes: [(Trial.key(UInt8(1 + index % 4), index % 15), record(index).encoded())],
                requestID: Trial.requestID(index)
            )
        }
        try other.write { (t) throws(StoreError) in
            try t.setCluster(Trial.cluster)
            try t.setHardState(term: term, vote: nil, commit: 0)
            try t.appendEntries(
                (1...end).map { StoredEntry(index: $0, term: term, kind: 1, body: [7]) }
            )
            try t.apply(layers: layers, appliedIndex: end, appliedTerm: term)
        }
        let file = helper.path + "/snapshot-\(states.count)"
        try other.exportSnapshot(to: file)
        try store.importSnapshot(from: file)
        terms = [0] + [UInt64](repeating: term, count: Int(end))
        last = end
        applied = end
    }

    /// The database counts as damaged: it is put aside, and an empty one begins a new life with the
    /// old vote. From `REBUILD` on its end is certain, whoever opens the folder next.
    private mutating func rebuild() throws {
        var cluster = Trial.cluster
        cluster.incarnation += UInt64(states.count)
        // The lock on the folder goes with the store.
        store = try LocalStore.open(
            folder: helper.path + "/other-\(states.count)",
            options: Trial.options,
            digest: testDigest
        )
        try LocalStore.quarantine(folder: folder + "/node", reason: "trial", cluster: cluster)
        store = try Self.open(folder)
        (last, applied, terms) = (0, 0, [0])
        try acknowledge()
        let ballot = states[states.count - 1].ballot
        try store.write { (t) throws(StoreError) in
            try t.setHardState(term: ballot.term, vote: ballot.vote, commit: 0)
        }
    }
}
