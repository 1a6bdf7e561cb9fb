import CrashImages
import Glibc
import Raft
import Replica
import Store
import TestSupport

/// What a growth trial does. Times are virtual: nothing sleeps.
struct GrowthSettings {
    /// How long the writes would take.
    var hours = 24
    var writesPerSecond = 500
    /// How long a transaction takes: entries that come meanwhile share the next one.
    var commitMilliseconds = 2
    /// Records that there are in the end, more or less: one write in twenty removes one.
    var records = 400_000
    /// How long a slow reader (a large listing) keeps its view, once a minute.
    var viewSeconds = 1
    /// How long the copy of a snapshot keeps its view, once an hour.
    var copySeconds = 5
    /// Bytes of the largest value: one in a hundred has up to so many, one in eight up to 8,000.
    var largestBytes = 64_000
    var seed: UInt64 = 1
    /// Where the data folder is made; nil for one in memory, where a sync costs nothing.
    var folder: String?
}

/// A day's writes on `Store` alone, by the storage machine of production: its turns, its bounds
/// for what one transaction applies and drops, its retention of the log.
///
/// What makes a file of LMDB grow beyond what is in it: pages that an open view still sees are not
/// used again; a large value needs pages side by side; a long free list. All three are here.
final class GrowthTrial {
    private final class Ports: StoragePorts {
        var base: UInt64 = 0
        var applied: UInt64 = 0

        func tellCore(_ input: CoreInput) {
            switch input {
            case .raft(.compacted(let index)): base = index.number
            case .applied(let index): applied = index.number
            default: break
            }
        }
    }

    /// The file is at most so many times what its pages hold: the goal of design's growth. What is
    /// reserved ahead counts, and is the same for a small file and a large one.
    private static let ratioMax = 1.5
    /// Lines of the report.
    private static let lines: UInt64 = 24

    private let settings: GrowthSettings
    private let retention = LogRetention()
    private let store: LocalStore
    private let ports = Ports()
    private let machine: StorageMachine
    private let scratch: TemporaryFolder?
    private var random: Seeded
    private let begin = Moment.now
    private var milliseconds: UInt64 = 0
    private var last: UInt64 = 0
    private var token: UInt64 = 0
    private var compactThrough: UInt64 = 0
    /// Bodies of the retained log, for the bound in bytes.
    private var bodyBytes: [Int] = []
    private var logBytes = 0
    /// Bytes of the record under each key, and of all of them.
    private var recordBytes: [StorageKey: Int] = [:]
    private var stateBytes = 0
    private var worst = 0.0
    /// When all records had been written once, and when the next snapshot is copied.
    private var begun: UInt64 = 0
    private var nextCopy: UInt64 = 0

    init(_ settings: GrowthSettings) throws {
        self.settings = settings
        random = Seeded(settings.seed)
        let scratch = settings.folder == nil ? TemporaryFolder(inMemory: true) : nil
        self.scratch = scratch
        store = try LocalStore.open(
            folder: settings.folder ?? (scratch?.path ?? "") + "/node",
            digest: testDigest
        )
        let state = try store.load()
        guard state.point.last.index == 0 else {
            throw StoreError.misuse("the folder of a growth trial must be new")
        }
        machine = StorageMachine(
            storage: store,
            ports: ports,
            state: ReplicaStart(
                hardState: .initial,
                applied: .zero,
                logBase: .zero,
                cluster: Trial.cluster
            ),
            watch: DiskWatch(),
            now: begin
        )
        try machine.begin()
    }

    /// - Returns: whether the file stayed within the goal.
    func run() throws -> Bool {
        print("hours      writes  file MB  used MB  live MB  file/live  free list  log  a second")
        try fill()
        begun = milliseconds
        try report()
        let written = last
        for _ in 1...Self.lines {
            let until = milliseconds + UInt64(settings.hours) * 3_600_000 / Self.lines
            while milliseconds < until {
                if milliseconds >= nextCopy {
                    nextCopy = milliseconds + 3_600_000
                    try holding(for: settings.copySeconds, until: until)
                }
                try holding(for: settings.viewSeconds, until: until)
                try write(until: min(until, milliseconds + 60_000))
            }
            try report()
        }
        let growth = try store.growth()
        let ratio = Self.ratio(growth)
        let used = growth.usedPages * growth.pageBytes
        print(
            """
            \(last - written) writes of a day's \(settings.writesPerSecond * 86_400), seed \
            \(settings.seed): the file is \(text(ratio)) x live at the end, \(text(worst)) at \
            worst; \((growth.fileBytes - used) >> 20) MB of it are reserved ahead, what was ever \
            used is \(text(Double(used) / Double(growth.liveBytes))) x live; live pages hold \
            \((stateBytes + logBytes) >> 20) MB of records and entries; \
            \(growth.counters.commits) commits
            """
        )
        return worst <= Self.ratioMax
    }

    /// All records, once.
    private func fill() throws {
        for first in stride(from: 0, to: settings.records, by: 64) {
            let end = min(first + 64, settings.records)
            try turn((first..<end).map { (key(UInt64($0)), valueBytes()) })
            milliseconds += 100
        }
        try drain()
    }

    /// Writes with a view open all the while, as it ends after `seconds` of virtual time.
    private func holding(for seconds: Int, until end: UInt64) throws {
        guard seconds > 0 else { return }
        try store.view { _ in
            try write(until: min(end, milliseconds + UInt64(seconds) * 1_000))
        }
    }

    private func write(until end: UInt64) throws {
        let step = UInt64(settings.commitMilliseconds)
        var owed = 0
        while milliseconds < end {
            milliseconds += step
            owed += settings.writesPerSecond * settings.commitMilliseconds
            try turn(
                (0..<owed / 1_000).map { _ in
                    let name = key(UInt64.random(in: 0..<UInt64(settings.records), using: &random))
                    return (name, random.next() % 20 == 0 ? nil : valueBytes())
                }
            )
            owed %= 1_000
        }
    }

    /// One turn of the storage thread: an entry for each of `writes`, a key and the size of its new
    /// value, nil to remove it; and what was evaluated so far.
    private func turn(_ writes: [(StorageKey, Int?)]) throws {
        var jobs: [StorageJob] = []
        var entries: [LogEntry] = []
        let term = Term(number: 1)
        for (key, size) in writes {
            last += 1
            let bytes = size.map { record($0, at: last) }
            stateBytes += (bytes?.count ?? 0) - (recordBytes[key] ?? 0)
            recordBytes[key] = bytes?.count
            // An entry carries its operations, and what authenticates them.
            let body = (bytes ?? []) + [UInt8](repeating: 0xA5, count: 160)
            entries.append(
                LogEntry(index: LogIndex(number: last), term: term, kind: .batch, body: body)
            )
            bodyBytes.append(body.count)
            logBytes += body.count
            let layer = OverlayLayer(
                index: last,
                writes: [(key, bytes)],
                requestID: Trial.requestID(last)
            )
            store.appendLayer(layer)
            jobs.append(.apply(layer, term))
        }
        if !entries.isEmpty {
            token += 1
            let persist = Persist(
                token: PersistToken(number: token),
                hardState: token == 1 ? HardState(term: term, vote: nil, commit: .zero) : nil,
                truncateFrom: nil,
                entries: entries,
                votesChanged: token == 1
            )
            jobs.insert(.persist(persist), at: 0)
        }
        if let index = compaction() { jobs.append(.compact(through: LogIndex(number: index))) }
        try perform(jobs)
    }

    private func perform(_ jobs: [StorageJob]) throws {
        let base = ports.base
        try machine.turn(jobs, now: begin + .milliseconds(milliseconds))
        while try machine.preallocate() {}
        let dropped = Int(ports.base - base)
        logBytes -= bodyBytes[..<dropped].reduce(0, +)
        bodyBytes.removeFirst(dropped)
    }

    /// As the core asks for it when no member lags.
    private func compaction() -> UInt64? {
        let retained = bodyBytes.count
        let isLong = retained > retention.entries + retention.entries / 4
        guard isLong || logBytes > retention.bytes else { return nil }
        let wanted = isLong ? last - UInt64(retention.entries) : ports.base + UInt64(retained / 4)
        let target = min(wanted, ports.applied)
        guard target > compactThrough else { return nil }
        compactThrough = target
        return target
    }

    /// Idle until everything is applied and what was to be dropped is dropped.
    private func drain() throws {
        repeat {
            milliseconds += 100
            try perform([])
        } while ports.applied < last || ports.base < compactThrough
    }

    private func report() throws {
        try drain()
        let hours = Double(milliseconds - begun) / 3_600_000
        let growth = try store.growth()
        let ratio = Self.ratio(growth)
        worst = max(worst, ratio)
        let page = growth.pageBytes
        let seconds = (Moment.now - begin) / Duration.seconds(1)
        print(
            pad(text(hours), 5),
            pad(last, 11),
            pad(growth.fileBytes >> 20, 8),
            pad((growth.usedPages * page) >> 20, 8),
            pad(growth.liveBytes >> 20, 8),
            pad(text(ratio), 10),
            pad(growth.freeListRecords, 10),
            pad(growth.logEntries, 6),
            pad(Int(Double(last) / max(seconds, 0.001)), 8)
        )
        fflush(nil)
    }

    private static func ratio(_ growth: StoreGrowth) -> Double {
        Double(growth.fileBytes) / Double(max(1, growth.liveBytes))
    }

    // MARK: records

    /// As an HMAC would be: nothing about the place follows from the number.
    private func key(_ number: UInt64) -> StorageKey {
        var directory = Seeded(number / 256)
        var name = Seeded(number ^ 0x5EED_0000_0000_0000)
        return StorageKey(
            words: (directory.next(), directory.next(), name.next(), name.next())
        )
    }

    /// Mostly small secrets; one in a hundred is a bundle of certificates or the like.
    private func valueBytes() -> Int {
        let wanted: Int =
            switch random.next() % 100 {
            case ..<87: .random(in: 200...1_500, using: &random)
            case ..<99: .random(in: 1_500...8_000, using: &random)
            default: .random(in: 8_000...64_000, using: &random)
            }
        return min(wanted, settings.largestBytes)
    }

    private func record(_ valueBytes: Int, at index: UInt64) -> [UInt8] {
        Record(
            flags: 0,
            dataKeyID: 1,
            modificationIndex: index,
            nameBox: [UInt8](repeating: 3, count: 72),
            valueBox: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: valueBytes)
        ).encoded()
    }
}
