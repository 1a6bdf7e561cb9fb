#if Measurements
    import CrashImages
    import Cryptography
    import Glibc
    import Store
    import TestSupport

    /// What a cost trial does.
    struct CostSettings {
        /// Records that there are; each put overwrites one of them.
        var records = 20_000
        /// Transactions of each kind; they take turns.
        var rounds = 1_000
        var seed: UInt64 = 1
        /// Where the second half is measured, on a disk; the first is in memory: no sync costs.
        var folder: String?
    }

    /// How the cost of a put is made up, on `Store` alone: transactions that differ in one part
    /// take turns in one database, so that whatever else goes on hits all alike.
    final class CostTrial {
        /// A transaction of puts, as production makes it or with a part left out.
        private enum Kind: String, CaseIterable {
            case production = "as production makes it"
            case whole = "the same, part by part"
            case withoutDigest = "without the digest"
            case withoutCopy = "without the copy of what it replaced"
            case bare = "without either"

            var parts: PutParts? {
                switch self {
                case .production: nil
                case .whole: .all
                case .withoutDigest: .copy
                case .withoutCopy: .digest
                case .bare: []
                }
            }
        }

        private let store: LocalStore
        private let settings: CostSettings
        private var random: Seeded
        private var last: UInt64 = 0

        /// Prints both halves.
        static func run(_ settings: CostSettings) throws {
            for (place, inMemory) in [("in memory", true), ("on disk, with syncs", false)] {
                let scratch = TemporaryFolder(inMemory: inMemory)
                let given = inMemory ? nil : settings.folder
                try CostTrial(settings, folder: given ?? scratch.path + "/node").run(place)
            }
        }

        /// - Parameter folder: new.
        init(_ settings: CostSettings, folder: String) throws {
            self.settings = settings
            random = Seeded(settings.seed)
            store = try LocalStore.open(folder: folder, digest: sha256)
            try store.write { (transaction) throws(StoreError) in
                try transaction.setCluster(Trial.cluster)
                try transaction.setHardState(term: 1, vote: nil, commit: 0)
            }
            while try store.preallocateIfNeeded() {}
        }

        /// - Parameter place: for the report.
        func run(_ place: String) throws {
            for first in stride(from: 0, to: settings.records, by: 64) {
                let keys = (first..<min(first + 64, settings.records)).map { key(UInt64($0)) }
                _ = try transact(nil, keys, valueBytes: 1_024)
                try tidy()
            }
            print("\(place): \(settings.records) records of 1 KiB, \(settings.rounds) rounds")
            for count in [1, 64] { try compareParts(count) }
            try compareSizes()
        }

        private func compareParts(_ count: Int) throws {
            var samples: [Kind: [Sample]] = [:]
            for round in 0..<settings.rounds {
                // Each kind comes first as often as any other.
                for turn in Kind.allCases.indices {
                    let kind = Kind.allCases[(round + turn) % Kind.allCases.count]
                    samples[kind, default: []].append(
                        try transact(kind.parts, randomKeys(count), valueBytes: 1_024)
                    )
                    try tidy()
                }
            }
            print(
                "  \(count) put\(count == 1 ? "" : "s") a transaction: microseconds, pages, ratio"
            )
            let base = Sample.median(samples[.production] ?? [])
            for kind in Kind.allCases {
                report(kind.rawValue, Sample.median(samples[kind] ?? []), to: base)
            }
        }

        private func compareSizes() throws {
            let sizes = [1_024, 16_384, 1 << 20]
            // Each has records of its own, so that one is always overwritten by one of its size.
            let names = sizes.map { bytes in (0..<4).map { key(UInt64(bytes) << 32 | $0) } }
            for (bytes, names) in zip(sizes, names) {
                for name in names { _ = try transact(nil, [name], valueBytes: bytes) }
            }
            var samples: [Int: [Sample]] = [:]
            for _ in 0..<max(1, settings.rounds / 10) {
                for (bytes, names) in zip(sizes, names) {
                    let name = random.pick(names)
                    samples[bytes, default: []].append(
                        try transact(nil, [name], valueBytes: bytes)
                    )
                    try tidy()
                }
            }
            print("  one put a transaction by size of its value: microseconds, pages, ratio")
            let base = Sample.median(samples[sizes[0]] ?? [])
            for bytes in sizes {
                report("\(bytes >> 10) KiB", Sample.median(samples[bytes] ?? []), to: base)
            }
        }

        private func randomKeys(_ count: Int) -> [StorageKey] {
            (0..<count).map { _ in
                key(UInt64.random(in: 0..<UInt64(settings.records), using: &random))
            }
        }

        /// One turn of the storage thread: the entries are appended and applied, then durable.
        private func transact(
            _ parts: PutParts?,
            _ keys: [StorageKey],
            valueBytes: Int
        ) throws -> Sample {
            var layers: [OverlayLayer] = []
            var entries: [StoredEntry] = []
            for key in keys {
                last += 1
                let bytes = record(valueBytes, at: last)
                // An entry carries its operations, and what authenticates them.
                let body = bytes + [UInt8](repeating: 0xA5, count: 160)
                entries.append(StoredEntry(index: last, term: 1, kind: 1, body: body))
                layers.append(
                    OverlayLayer(
                        index: last,
                        writes: [(key, bytes)],
                        requestID: Trial.requestID(last)
                    )
                )
            }
            let index = last
            let pages = Self.bytesWritten()
            let begin = ContinuousClock.now
            try store.write { (transaction) throws(StoreError) in
                try transaction.appendEntries(entries)
                if let parts {
                    try transaction.apply(parts, of: layers, appliedIndex: index, appliedTerm: 1)
                } else {
                    try transaction.apply(layers: layers, appliedIndex: index, appliedTerm: 1)
                }
            }
            let duration = ContinuousClock.now - begin
            return Sample(
                microseconds: duration / .microseconds(1),
                pages: Double(Self.bytesWritten() - pages) / 4_096
            )
        }

        /// What is done beside a put, and not measured with it.
        private func tidy() throws {
            while try store.preallocateIfNeeded() {}
            let through = last - min(last, 1_024)
            try store.write { (transaction) throws(StoreError) in
                _ = try transaction.dropLog(through: through, entriesMax: 256)
            }
        }

        private func record(_ valueBytes: Int, at index: UInt64) -> [UInt8] {
            Record(
                flags: 0,
                dataKeyID: 1,
                modificationIndex: index,
                nameBox: [UInt8](repeating: 3, count: 72),
                valueBox: random.bytes(valueBytes)
            ).encoded()
        }

        /// As an HMAC would be: nothing about the place follows from the number.
        private func key(_ number: UInt64) -> StorageKey {
            var name = Seeded(number)
            return StorageKey(words: (name.next(), name.next(), name.next(), name.next()))
        }

        /// Bytes that this process gave to write calls so far.
        private static func bytesWritten() -> Int {
            guard let stream = unsafe fopen("/proc/self/io", "r") else { return 0 }
            defer { unsafe fclose(stream) }
            var text = [UInt8](repeating: 0, count: 512)
            let count = unsafe text.withUnsafeMutableBytes { bytes in
                unsafe fread(bytes.baseAddress, 1, bytes.count, stream)
            }
            for line in text[..<count].split(separator: UInt8(ascii: "\n")) {
                let words = String(decoding: line, as: UTF8.self).split(separator: " ")
                if words.first == "wchar:", let bytes = Int(words[1]) { return bytes }
            }
            return 0
        }

        private func report(_ name: String, _ sample: Sample, to base: Sample) {
            print(
                "    " + name + String(repeating: " ", count: max(1, 38 - name.count)),
                pad(Int(sample.microseconds.rounded()), 9),
                pad(Int(sample.pages.rounded()), 9),
                pad(text(sample.microseconds / max(base.microseconds, 0.001)), 8)
            )
            fflush(nil)
        }
    }

    /// One transaction's cost.
    private struct Sample {
        let microseconds: Double
        let pages: Double

        static func median(_ samples: [Sample]) -> Sample {
            guard !samples.isEmpty else { return Sample(microseconds: 0, pages: 0) }
            return Sample(
                microseconds: samples.map(\.microseconds).sorted()[samples.count / 2],
                pages: samples.map(\.pages).sorted()[samples.count / 2]
            )
        }
    }
#endif
