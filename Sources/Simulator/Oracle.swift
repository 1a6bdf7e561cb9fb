import Raft
import Store

/// The committed log, told by whoever committed an entry first, and what it means: an independent
/// reading of the batch operations over plain tables, once for each entry.
///
/// A class, so that looking at it copies nothing.
final class Oracle {
    struct Committed {
        let entry: LogEntry
        /// The term of the first node that knew it committed.
        let knownIn: Term
        let outcome: Outcome
        /// What it changes, in key order; nil for a deleted key.
        let writes: [(key: StorageKey, bytes: [UInt8]?)]
        /// Of the whole state, after this entry.
        let stateHash: UInt64
    }

    enum Outcome: Equatable {
        case applied
        case duplicate(of: UInt64)
        case rejected
    }

    private struct Version {
        let index: UInt64
        let bytes: [UInt8]?
    }

    private(set) var log: [Committed] = []
    /// Who the members were, from which entry on; ascending, never empty.
    private var configurations: [(index: UInt64, configuration: Configuration)]
    private var versions: [StorageKey: [Version]] = [:]
    private var living: [DirectoryPrefix: Int] = [:]
    private var requests: [RequestName: UInt64] = [:]
    private var stateHash: UInt64 = 0
    let requestsRetained: UInt64

    init(requestsRetained: UInt64, initial: Configuration) {
        self.requestsRetained = requestsRetained
        configurations = [(0, initial)]
    }

    /// The newest that is committed.
    var configuration: Configuration { configurations[configurations.count - 1].configuration }

    func configuration(at index: UInt64) -> Configuration {
        configurations.last { $0.index <= index }?.configuration ?? configurations[0].configuration
    }

    var lastIndex: UInt64 { UInt64(log.count) }

    func committed(at index: UInt64) -> Committed? {
        index > 0 && index <= lastIndex ? log[Int(index) - 1] : nil
    }

    /// Whether what is committed at the entry's index is this entry; nil: nothing is. Each node
    /// asks of each entry, so it copies nothing.
    func isCommitted(_ entry: LogEntry) -> Bool? {
        let index = entry.index.number
        guard index > 0, index <= lastIndex else { return nil }
        return log[Int(index) - 1].entry == entry
    }

    /// The hash of the state after entry `index`.
    func stateHash(at index: UInt64) -> UInt64 {
        index == 0 ? 0 : log[Int(index) - 1].stateHash
    }

    /// The index at which the request with this id was carried out last.
    func requestIndex(_ id: [UInt8]) -> UInt64? { requests[RequestName(id)] }

    /// The record under `key` after entry `index`.
    func record(of key: StorageKey, at index: UInt64) -> [UInt8]? {
        guard let history = versions[key] else { return nil }
        var position = history.count - 1
        while position >= 0, history[position].index > index { position -= 1 }
        return position >= 0 ? history[position].bytes : nil
    }

    // MARK: Commits

    /// Takes in the next committed entry.
    func commit(_ entry: LogEntry, knownIn term: Term) throws {
        precondition(entry.index.number == lastIndex + 1, "commits come one after the other")
        var outcome = Outcome.applied
        var draft = Draft()
        if entry.kind == .batch {
            let batch = try WriteBatch(decoding: entry.body)
            (outcome, draft) = try carryOut(batch, at: entry.index.number)
        }
        if entry.kind == .configuration { try reconfigure(entry) }
        let writes = draft.changes.sorted { $0.key < $1.key }
        for (key, bytes) in writes { record(key, bytes, at: entry.index.number) }
        if let id = draft.requestID { requests[id] = entry.index.number }
        log.append(
            Committed(
                entry: entry,
                knownIn: term,
                outcome: outcome,
                writes: writes,
                stateHash: stateHash
            )
        )
    }

    /// Committed configurations follow on each other legally.
    private func reconfigure(_ entry: LogEntry) throws {
        let next = try ConfigurationEntry(decoding: entry.body).configuration
        if let problem = Configuration.problem(from: configuration, to: next) {
            throw Violation("committed members at \(entry.index.number): \(problem)")
        }
        configurations.append((entry.index.number, next))
    }

    private func record(_ key: StorageKey, _ bytes: [UInt8]?, at index: UInt64) {
        let old = versions[key]?.last?.bytes
        if let old {
            stateHash &-= DiskTables.hash(key, old)
            living[key.directory, default: 0] -= 1
        }
        if let bytes {
            stateHash &+= DiskTables.hash(key, bytes)
            living[key.directory, default: 0] += 1
        }
        versions[key, default: []].append(Version(index: index, bytes: bytes))
    }

    // MARK: Meaning

    /// What a batch has changed so far. Few keys, so a list will do.
    private struct Draft {
        var changes: [(key: StorageKey, bytes: [UInt8]?)] = []
        var requestID: RequestName?

        func change(of key: StorageKey) -> [UInt8]?? {
            changes.first { $0.key == key }.map { $0.bytes }
        }

        mutating func set(_ key: StorageKey, _ bytes: [UInt8]?) {
            changes.removeAll { $0.key == key }
            changes.append((key, bytes))
        }
    }

    private func carryOut(
        _ batch: WriteBatch,
        at index: UInt64
    ) throws -> (Outcome, Draft) {
        var draft = Draft()
        var before: UInt64?
        for case .once(let id) in batch.operations {
            let name = RequestName(id)
            before = requests[name]
            if let before, index - before <= requestsRetained {
                return (.duplicate(of: before), Draft())
            }
            draft.requestID = name
        }
        for operation in batch.operations {
            switch operation {
            case .once: break
            case .put(let key, let record): draft.set(key, stamped(record, index))
            case .delete(let key): draft.set(key, nil)
            case .ensure(let key, let record):
                if now(key, draft) == nil { draft.set(key, stamped(record, index)) }
            case .check(let key, let wanted):
                let bytes = now(key, draft)
                let have = try bytes.map { try Record(decoding: $0).modificationIndex } ?? 0
                guard have == wanted else { return (.rejected, Draft()) }
            case .prune(let steps):
                for step in steps {
                    guard isEmpty(step.directory, draft) else { break }
                    if now(step.marker, draft) != nil { draft.set(step.marker, nil) }
                }
            }
        }
        // However long ago it was: that an id is forgotten in the end is no excuse.
        if let before {
            throw Violation("the request of entry \(before) is carried out again at \(index)")
        }
        return (.applied, draft)
    }

    private func stamped(_ record: Record, _ index: UInt64) -> [UInt8] {
        Record(
            flags: record.flags,
            dataKeyID: record.dataKeyID,
            modificationIndex: index,
            nameBox: record.nameBox,
            valueBox: record.valueBox
        ).encoded()
    }

    private func now(_ key: StorageKey, _ draft: Draft) -> [UInt8]? {
        if let changed = draft.change(of: key) { return changed }
        return versions[key]?.last?.bytes
    }

    private func isEmpty(_ directory: DirectoryPrefix, _ draft: Draft) -> Bool {
        var count = living[directory, default: 0]
        for (key, bytes) in draft.changes where key.directory == directory {
            if versions[key]?.last?.bytes != nil { count -= 1 }
            if bytes != nil { count += 1 }
        }
        return count == 0
    }
}
