import Store
import TestSupport

/// A node exports what it has applied, another one imports it and goes on from there.
struct SnapshotTrial {
    private let history: TrialHistory
    private let folder: String
    private let applied: UInt64
    private var source: TrialNode

    init(_ random: inout Seeded, in folder: String) throws {
        history = TrialHistory(&random, count: 160)
        self.folder = folder
        applied = 10 + random.next() % 120
        source = try TrialNode(history, at: folder + "/source")
    }

    /// Exports what is whole.
    mutating func problemOfImport(_ random: inout Seeded) throws -> String? {
        if let problem = try source.carryOut(through: applied) { return problem }
        if random.chance(1, of: 2) { try source.restart() }
        let file = folder + "/snapshot"
        try source.live.exportSnapshot(to: file)
        return try problem(ofImport: file)
    }

    /// Exports what damage has taken a record from.
    mutating func problemOfDamage(_ random: inout Seeded) throws -> String? {
        if let problem = try source.carryOut(through: applied) { return problem }
        guard let key = history.states[Int(applied)].keys.sorted().randomElement(using: &random)
        else { return nil }
        guard try source.damageRecord(ofBucket: key.bucket, after: applied, &random) else {
            return nil
        }
        let file = folder + "/snapshot"
        do throws(StoreError) {
            try source.live.exportSnapshot(to: file)
        } catch {
            return error.bucketToRepair == key.bucket
                ? nil : "a damaged record is told as: \(error.summary)"
        }
        let spread = try problem(ofImport: file) ?? "no member sees it"
        return "a damaged bucket was exported: \(spread)"
    }

    private func problem(ofImport file: String) throws -> String? {
        var target = try TrialNode(history, at: folder + "/target", logFrom: nil)
        do throws(StoreError) {
            try target.live.importSnapshot(from: file)
        } catch {
            return "a snapshot of entry \(applied) is refused: \(error.summary)"
        }
        if let problem = try target.difference(after: applied) { return problem }
        try target.appendLog(from: applied + 1)
        try target.restart()
        if let problem = try target.difference(after: applied) { return problem }
        return try target.carryOut(through: history.last) ?? target.difference(after: history.last)
    }
}

/// Requests that are repeated, before and after they are applied and their node was started anew.
enum RequestTrial {
    static func problem(_ random: inout Seeded, in folder: String) throws -> String? {
        let history = TrialHistory(&random, count: 200)
        var node = try TrialNode(history, at: folder + "/node")
        var (evaluated, applied) = (UInt64(0), UInt64(0))
        while applied < history.last {
            evaluated = min(history.last, max(evaluated, applied) + UInt64(random.below(12)))
            if let problem = try node.evaluateEntries(through: evaluated) { return problem }
            if random.chance(1, of: 2), evaluated > applied {
                applied += 1 + random.next() % (evaluated - applied)
                try node.applyEntries(through: applied)
            }
            if random.chance(1, of: 6) {
                try node.restart()
                evaluated = applied
            }
        }
        return try node.difference(after: history.last)
    }
}
