import Store
import TestSupport
import Wire

/// A log of which one entry is damaged while nobody has the folder open. All entries were
/// acknowledged, so the next start has each of them, has lost one's body and says so, or refuses.
struct LogTrial {
    /// Where the damage is.
    private enum Part {
        case header, body
    }

    private let folder: String
    private var entries: [StoredEntry] = []
    private var applied: UInt64 = 0
    private var base: UInt64 = 0

    init(_ random: inout Seeded, in folder: String) {
        self.folder = folder + "/node"
        var term: UInt64 = 1
        for index in 1...UInt64(5 + random.below(36)) {
            if random.chance(1, of: 6) { term += 1 }
            let count = 40 + random.below(random.chance(1, of: 4) ? 6_000 : 400)
            let body = random.bytes(count)
            entries.append(StoredEntry(index: index, term: term, kind: 1, body: body))
        }
    }

    private var last: UInt64 { UInt64(entries.count) }

    private func open() throws(StoreError) -> LocalStore {
        try LocalStore.open(folder: folder, options: Trial.options, digest: testDigest)
    }

    mutating func problem(_ random: inout Seeded) throws -> String? {
        try fill(&random)
        let index = base + 1 + random.next() % (last - base)
        let part: Part = random.chance(1, of: 2) ? .header : .body
        try damage(part, of: entries[Int(index) - 1], &random)
        switch part {
        case .header: return problemOfHeader(index)
        case .body: return try problemOfBody(index)
        }
    }

    /// Several turns of a node: what it appends, applies, and drops again from the beginning.
    private mutating func fill(_ random: inout Seeded) throws {
        let store = try open()
        try store.write { (t) throws(StoreError) in
            try t.setCluster(Trial.cluster)
            try t.setHardState(term: 100, vote: nil, commit: 0)
        }
        var rest = entries[...]
        while !rest.isEmpty {
            let next = Array(rest.prefix(1 + random.below(8)))
            rest = rest.dropFirst(next.count)
            try store.write { (t) throws(StoreError) in try t.appendEntries(next) }
        }
        applied = random.next() % (last + 1)
        guard applied > 0 else { return }
        let (end, term) = (applied, entries[Int(applied) - 1].term)
        let dropped = min(applied, last - 1)
        base = random.chance(1, of: 3) ? random.next() % (dropped + 1) : 0
        let through = base
        try store.write { (t) throws(StoreError) in
            try t.apply(layers: [], appliedIndex: end, appliedTerm: term)
            try t.dropLog(through: through, entriesMax: 1_000)
        }
    }

    private func damage(_ part: Part, of entry: StoredEntry, _ random: inout Seeded) throws {
        let file = folder + "/holdfast.mdb"
        let bits = UInt8(1) << random.below(8)
        switch part {
        case .header:
            // The beginning of its row. Nothing behind it: where a page was used again, something
            // else may follow what is left of the row.
            var row = ByteWriter(capacity: 46)
            row.writeUInt8(1)
            row.writeUInt8(entry.kind)
            row.writeUInt64(entry.term)
            row.writeUInt32(UInt32(entry.body.count))
            row.writeBytes(testDigest(entry.body))
            try FileBytes.flip(bits, at: random.below(46), from: row.bytes, in: file)
        case .body:
            // Any piece of it of which there is enough to find it by.
            let chunk = StoreLimits.bodyChunkBytes
            let pieces = (entry.body.count + chunk - 24) / chunk
            let start = chunk * random.below(pieces)
            let needle = Array(entry.body[start..<start + 24])
            try FileBytes.flip(bits, at: random.below(24), from: needle, in: file)
        }
    }

    /// Nothing says any more what the entry was: the node has to begin anew.
    private func problemOfHeader(_ index: UInt64) -> String? {
        do throws(StoreError) {
            let state = try open().loadForStart()
            return missing(in: state)
                ?? "it starts although the header of entry \(index) is damaged"
        } catch {
            return error.isDamage ? nil : "a damaged header is told as: \(error.summary)"
        }
    }

    /// The entry keeps its place until its body is fetched; one that is applied is not needed.
    private func problemOfBody(_ index: UInt64) throws -> String? {
        let entry = entries[Int(index) - 1]
        do {
            let store = try open()
            let state = try store.loadForStart()
            if let problem = missing(in: state) { return problem }
            guard index > applied else {
                return state.damagedBodies.isEmpty && state.point.base.index >= index
                    ? nil : "the lost body of entry \(index), which is applied, is in its way"
            }
            guard state.damagedBodies.map(\.index) == [index],
                state.damagedBodies[0].digest == testDigest(entry.body)
            else { return "the damaged body of entry \(index) is not told" }
            if repairs(entry, by: entry.body + [0], in: store) {
                return "another body was taken for that of entry \(index)"
            }
            guard repairs(entry, by: entry.body, in: store) else {
                return "the body of entry \(index) was refused"
            }
        }
        let state = try open().loadForStart()
        let isWhole = state.damagedBodies.isEmpty
        return missing(in: state) ?? (isWhole ? nil : "entry \(index) is damaged after its repair")
    }

    private func repairs(_ entry: StoredEntry, by body: [UInt8], in store: LocalStore) -> Bool {
        do throws(StoreError) {
            return try store.write { (t) throws(StoreError) in
                try t.repairBody(at: entry.index, term: entry.term, body: body)
            }
        } catch {
            return false
        }
    }

    /// Which of the entries that were acknowledged and not dropped is not there as it was.
    private func missing(in state: StoredState) -> String? {
        let start = state.point.base.index
        guard start >= base, start <= applied else {
            return "the log begins after \(start), and only \(applied) are applied"
        }
        let found = (state.entries.map(\.index) + state.damagedBodies.map(\.index)).sorted()
        guard found == Array(start + 1..<last + 1) else {
            let end = found.last ?? start
            return "the log has \(found.count) entries through \(end), \(last) were acknowledged"
        }
        for entry in state.entries where entry != entries[Int(entry.index) - 1] {
            return "entry \(entry.index) is another one"
        }
        return nil
    }
}
