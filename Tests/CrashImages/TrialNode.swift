import Store
import TestSupport

/// One node's data folder with a history's log, used by one process after another.
struct TrialNode {
    let history: TrialHistory
    private let folder: String
    private var opened: LocalStore?

    /// - Parameter first: the log begins with this entry; what comes before it is in a snapshot.
    init(_ history: TrialHistory, at folder: String, logFrom first: UInt64? = 1) throws {
        self.history = history
        self.folder = folder
        try open()
        try live.write { (t) throws(StoreError) in
            try t.setCluster(Trial.cluster)
            try t.setHardState(term: 1, vote: nil, commit: 0)
        }
        if let first { try appendLog(from: first) }
    }

    /// The store, while a process has it open.
    var live: LocalStore {
        guard let opened else { preconditionFailure("nobody has the folder open") }
        return opened
    }

    func appendLog(from first: UInt64) throws {
        let entries = (first...history.last).map {
            StoredEntry(index: $0, term: 1, kind: 1, body: [7])
        }
        try live.write { (t) throws(StoreError) in try t.appendEntries(entries) }
    }

    private mutating func open() throws {
        opened = try LocalStore.open(folder: folder, options: Trial.options, digest: testDigest)
        _ = try live.loadForStart()
    }

    /// Ends the process and begins another one. What was evaluated and not applied is gone.
    ///
    /// - Parameter meanwhile: what happens to the database file.
    mutating func restart(_ meanwhile: (String) throws -> Void = { _ in }) throws {
        opened = nil
        try meanwhile(folder + "/holdfast.mdb")
        try open()
    }

    /// Evaluates the history's entries through `end`.
    ///
    /// - Returns: which of them came to something else than in the history, or nil.
    func evaluateEntries(through end: UInt64) throws -> String? {
        let store = live
        var index = try store.view { (view) throws(StoreError) in view.evaluatedIndex }
        while index < end {
            index += 1
            let step = history.steps[Int(index) - 1]
            let evaluation = try store.view { (view) throws(StoreError) in
                try evaluate(step.batch, at: index, in: view)
            }
            switch (evaluation, step.earlier) {
            case (.applied(let layer), nil): store.appendLayer(layer)
            case (.duplicate(of: let found), let wanted?) where found == wanted:
                store.markEvaluated(through: index)
            case (.applied, let wanted?):
                return "entry \(index) repeats the request of \(wanted), and is carried out again"
            case (.duplicate(of: let found), _): return "entry \(index) counts as one of \(found)"
            case (.rejected, _): return "entry \(index) is rejected"
            }
        }
        return nil
    }

    /// Applies what was evaluated, through `end`.
    func applyEntries(through end: UInt64) throws {
        let store = live
        try store.write { (t) throws(StoreError) in
            let layers = store.layers(after: t.point.appliedIndex, through: end)
            try t.apply(layers: layers, appliedIndex: end, appliedTerm: 1)
        }
        store.pruneOverlay(through: end)
    }

    /// Both.
    func carryOut(through end: UInt64) throws -> String? {
        if let problem = try evaluateEntries(through: end) { return problem }
        try applyEntries(through: end)
        return nil
    }

    /// What of the state is not as the history has it after entry `index`, or nil.
    func difference(after index: UInt64) throws -> String? {
        var found: [StorageKey: TrialHistory.Held] = [:]
        try live.view { (view) throws in
            for directory in Trial.directories {
                try view.scan(directory) { key, record in
                    found[key] = .init(index: record.modificationIndex, value: record.valueBox)
                    return true
                }
            }
        }
        let wanted = history.states[Int(index)]
        for key in Set(wanted.keys).union(found.keys).sorted() where found[key] != wanted[key] {
            switch (found[key], wanted[key]) {
            case (nil, _): return "record \(key.hex) is gone"
            case (_, nil): return "record \(key.hex) should not be there"
            default: return "record \(key.hex) is another one"
            }
        }
        return try unknownRequest(after: index)
    }

    /// A request that counts as carried out for the next entry, and is not known.
    private func unknownRequest(after index: UInt64) throws -> String? {
        let retained = Trial.options.requestsRetained
        let wanted = history.requests[Int(index)]
        for (request, carriedOut) in wanted.sorted(by: { $0.key < $1.key })
        where index + 1 - carriedOut <= retained {
            let known = try live.view { (view) throws(StoreError) in
                try view.requestIndex(Trial.requestID(request))
            }
            if known != carriedOut { return "the request of entry \(carriedOut) is not known" }
        }
        return nil
    }
}
