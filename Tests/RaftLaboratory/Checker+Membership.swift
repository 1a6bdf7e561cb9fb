import Raft

extension Checker {
    /// Committed configurations follow on each other legally.
    mutating func commitConfiguration(_ entry: LogEntry) throws {
        guard let decoded = try? ConfigurationEntry(decoding: entry.body) else {
            throw Violation("entry \(entry.index.number) is no configuration")
        }
        if let known = committedConfiguration,
            let problem = Configuration.problem(from: known, to: decoded.configuration)
        {
            throw Violation("committed configuration at \(entry.index.number): \(problem)")
        }
        committedConfiguration = decoded.configuration
    }

    /// What is in effect is the newest configuration in the log, and there is at most one that is
    /// committed nowhere.
    func reconfigured(_ core: RaftCore) throws {
        var newest: Configuration?
        var uncommitted = 0
        var index = core.snapshotIndex
        while index < core.lastIndex {
            index = index.next
            guard let entry = core.entry(at: index), entry.kind == .configuration else { continue }
            newest = try? ConfigurationEntry(decoding: entry.body).configuration
            if committedEntry(at: index) != entry { uncommitted += 1 }
        }
        guard newest == nil || newest == core.configuration else {
            throw Violation(
                "node \(core.id.number) does not go by the newest configuration in its log"
            )
        }
        guard uncommitted <= 1 else {
            throw Violation("node \(core.id.number) has \(uncommitted) uncommitted configurations")
        }
    }
}
