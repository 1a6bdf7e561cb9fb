/// The retained end of the log, in memory: a base that stands for everything dropped, then
/// consecutive entries. Terms never fall.
struct LogTail: Sendable {
    /// Index and term of the last dropped entry; zero while nothing was dropped.
    private(set) var baseIndex: LogIndex
    private(set) var baseTerm: Term
    private var entries: [LogEntry]
    /// What the entries weigh, ``LogEntry/bytes``.
    private(set) var bytes = 0

    init(baseIndex: LogIndex, baseTerm: Term, entries: [LogEntry] = []) {
        self.baseIndex = baseIndex
        self.baseTerm = baseTerm
        self.entries = []
        for entry in entries {
            append(entry)
        }
    }

    var count: Int { entries.count }
    var firstIndex: LogIndex { baseIndex.next }
    var lastIndex: LogIndex { entries.last?.index ?? baseIndex }
    var lastTerm: Term { entries.last?.term ?? baseTerm }

    /// The entry at `index`, if it is retained.
    func entry(at index: LogIndex) -> LogEntry? {
        guard index > baseIndex, index <= lastIndex else { return nil }
        return entries[position(of: index)]
    }

    /// The term at `index`; known for the base too, unknown below it and past the end.
    func term(at index: LogIndex) -> Term? {
        index == baseIndex ? baseTerm : entry(at: index)?.term
    }

    /// Entries from `index` on, as many as fit, but at least one where there is one.
    func batch(from index: LogIndex, entriesMax: Int, bytesMax: Int) -> [LogEntry] {
        precondition(index > baseIndex && index <= lastIndex.next)
        let start = position(of: index)
        var end = start
        var weight = 0
        while end < entries.count, end - start < entriesMax {
            weight += entries[end].bytes
            guard weight <= bytesMax || end == start else { break }
            end += 1
        }
        return Array(entries[start..<end])
    }

    /// Everything from `index` on.
    func suffix(from index: LogIndex) -> [LogEntry] {
        precondition(index > baseIndex && index <= lastIndex.next)
        return Array(entries[position(of: index)...])
    }

    /// What the entries after `low` through `high` weigh.
    func weight(after low: LogIndex, through high: LogIndex) -> Int {
        precondition(low >= baseIndex && low <= high && high <= lastIndex)
        return entries[position(of: low.next)..<position(of: high.next)]
            .reduce(0) { $0 + $1.bytes }
    }

    /// The highest known index at or below `index` whose term is at most `term`. Two logs cannot
    /// agree above it when the other one has `term` at `index`: whole terms are skipped at once.
    func lastIndex(notAfter index: LogIndex, termAtMost term: Term) -> LogIndex? {
        guard index >= baseIndex, baseTerm <= term else { return nil }
        // Terms never fall, so the entries with a term at most `term` are a prefix.
        var low = 0
        var high = position(of: min(index, lastIndex).next)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].term <= term {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return baseIndex.advanced(by: UInt64(low))
    }

    mutating func append(_ entry: LogEntry) {
        precondition(entry.index == lastIndex.next, "the log has no gaps")
        precondition(entry.term >= lastTerm, "terms in a log never fall")
        entries.append(entry)
        bytes += entry.bytes
    }

    /// Drops the entry at `index` and everything after it.
    mutating func truncate(from index: LogIndex) {
        precondition(index > baseIndex && index <= lastIndex)
        let start = position(of: index)
        bytes -= entries[start...].reduce(0) { $0 + $1.bytes }
        entries.removeSubrange(start...)
    }

    /// Drops everything through `index`, which becomes the base.
    mutating func compact(through index: LogIndex) {
        precondition(index > baseIndex && index <= lastIndex)
        let count = position(of: index) + 1
        baseTerm = entries[count - 1].term
        baseIndex = index
        bytes -= entries[..<count].reduce(0) { $0 + $1.bytes }
        entries.removeSubrange(..<count)
    }

    private func position(of index: LogIndex) -> Int {
        Int(index.number - baseIndex.number) - 1
    }
}
