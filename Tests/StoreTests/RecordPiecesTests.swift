import Store
import TestSupport
import Testing
import Wire

/// A record of exactly `bytes` bytes, no two alike; `name` of them are its name.
func sizedRecord(_ bytes: Int, name: Int = 20, seed: UInt64 = 1) -> Record {
    var random = Seeded(seed &* 0x1_0001 &+ UInt64(bytes))
    return Record(
        flags: 1,
        dataKeyID: 7,
        nameBox: random.bytes(name),
        valueBox: random.bytes(bytes - Record.headerBytes - name)
    )
}

/// Pieces of a record with so many bytes: pages beyond the first that it needs.
func piecesOf(_ bytes: Int) -> Int { bytes <= 4_080 ? 0 : (bytes - 1) / 4_080 }

/// The key of a piece, as it lies in the table.
func pieceKey(_ key: StorageKey, _ number: UInt8) -> [UInt8] { key.bytes + [0, number] }

extension LocalStore {
    /// What a pass over all records finds.
    func stateFindings(bytesMax: Int = 1 << 20) throws -> [ScrubFinding] {
        var scrub = StateScrub()
        var findings: [ScrubFinding] = []
        while true {
            let slice = try scrubState(&scrub, bytesMax: bytesMax)
            findings += slice.findings
            if slice.isFinished { return findings }
        }
    }

    /// The record under `key` from the tables.
    func stored(_ key: StorageKey) throws -> Record? { try view { try $0.record(key) } }
}

@Suite("Records in pieces")
struct RecordPiecesTests {
    /// Around each border: what a leaf has room for, a page, each further page, all there may be.
    static let sizes = [
        46, 1_998, 1_999, 4_079, 4_080, 4_081, 4_591, 4_592, 4_593, 8_159, 8_160, 8_161, 8_672,
        12_240, 12_241, 65_536, 1 << 20, StoreLimits.recordBytesMax,
    ]

    private func sized(_ bytes: Int, seed: UInt64 = 1) -> Record {
        let isLargest = bytes == StoreLimits.recordBytesMax
        return sizedRecord(bytes, name: isLargest ? StoreLimits.nameBoxBytesMax : 20, seed: seed)
    }

    @Test("a record of any length is whole for whoever reads it", arguments: sizes)
    func whole(bytes: Int) throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let record = sized(bytes)
        try store.fillLog(5)
        for (name, other) in [(UInt8(1), sized(9_000)), (2, record), (3, sized(5_000))] {
            try store.commit([.put(key(4, name), other)])
        }
        try store.applyThrough(3)
        let wanted = try #require(try store.stored(key(4, 2)))
        #expect(wanted.nameBox == record.nameBox && wanted.valueBox == record.valueBox)
        #expect(wanted.modificationIndex == 2 && wanted.encodedBytes == bytes)
        try store.view { view in
            #expect(try view.contains(key(4, 2)))
            #expect(try view.modificationIndex(of: key(4, 2)) == 2)
            var seen: [Record] = []
            try view.scan(prefix(4)) { _, record in
                seen.append(record)
                return true
            }
            #expect(seen.count == 3 && seen[1] == wanted)
            var heads: [RecordHead] = []
            try view.scanHeads(prefix(4)) { _, head in
                heads.append(head)
                return true
            }
            #expect(heads.map(\.nameBox) == seen.map(\.nameBox))
            #expect(heads.map(\.valueBoxBytes) == seen.map(\.valueBoxBytes))
            #expect(heads.map(\.modificationIndex) == [1, 2, 3])
        }
        #expect(
            try store.growth().recordPieces
                == UInt64(piecesOf(9_000) + piecesOf(bytes) + piecesOf(5_000))
        )
        #expect(try store.bucketDamage(4) == nil)
        #expect(try store.stateFindings(bytesMax: 1_000) == [])
        #expect(try store.bucketIndex(4).keys.map(\.1) == [1, 2, 3])
        let lent = try store.lendBucket(4, from: key(4, 2), bytesMax: 1)
        #expect(lent.records == [RepairedRecord(key: key(4, 2), bytes: wanted.encoded())])
        #expect(lent.next == key(4, 3) && lent.isComplete)
        #expect(try store.walkStructure().rows > 10)
        try expectSnapshot(of: store, below: folder, has: wanted)
    }

    private func expectSnapshot(
        of store: LocalStore,
        below folder: TemporaryFolder,
        has record: Record
    ) throws {
        try store.exportSnapshot(to: folder.path + "/snapshot")
        let other = TemporaryFolder()
        let target = try other.open()
        try target.fillLog(1)
        try target.importSnapshot(from: folder.path + "/snapshot")
        #expect(try target.stored(key(4, 2)) == record)
        #expect(try target.stateDigest() == (try store.stateDigest()))
        #expect(try target.growth().recordPieces == (try store.growth().recordPieces))
        #expect(try target.stateFindings() == [])
    }

    @Test("a name longer than a page is read from the pieces that it lies in")
    func longNames() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(1)
        // Ends in the row, at its end, in the first piece, at its end, and in the second.
        let names = [485, 486, 487, 600, 4_080, 4_081, 8_000, 8_192]
        let records = names.flatMap { name in
            [0, 1, 16, 100, 4_000, 20_000].map {
                sizedRecord(Record.headerBytes + name + $0, name: name, seed: UInt64(name))
            }
        }
        try store.commit(records.enumerated().map { .put(key(9, UInt8($0)), $1) })
        try store.applyThrough(1)
        var heads: [RecordHead] = []
        try store.view { view in
            try view.scanHeads(prefix(9)) { _, head in
                heads.append(head)
                return true
            }
        }
        #expect(heads.map(\.nameBox) == records.map(\.nameBox))
        #expect(heads.map(\.valueBoxBytes) == records.map(\.valueBoxBytes))
        #expect(try store.bucketDamage(9) == nil)
        #expect(try store.stateFindings() == [])
    }

    @Test("nothing is left of what a record replaces", arguments: [0, 46, 4_080, 4_081, 30_000])
    func replaced(first: Int) throws {
        for second in [0, 46, 4_080, 4_081, 8_161, 30_000, 30_001] {
            let folder = TemporaryFolder()
            let store = try folder.open()
            try store.fillLog(4)
            try store.commit([.put(key(5, 1), sized(5_000)), .put(key(5, 3), sized(5_000))])
            for (bytes, seed) in [(first, UInt64(1)), (second, 2)] {
                let isGone = bytes == 0
                try store.commit([
                    isGone ? .delete(key(5, 2)) : .put(key(5, 2), sized(bytes, seed: seed))
                ])
                try store.applyThrough(seed + 1)
                let found = try store.stored(key(5, 2))
                #expect(found?.valueBox == (isGone ? nil : sized(bytes, seed: seed).valueBox))
                let pieces = 2 * piecesOf(5_000) + piecesOf(bytes)
                #expect(try store.growth().recordPieces == UInt64(pieces))
                #expect(try store.stateFindings() == [] && store.bucketDamage(5) == nil)
            }
        }
    }

    @Test("a folder of format 3 opens, and its long records are read until they are replaced")
    func formatThree() throws {
        let folder = TemporaryFolder()
        let sizes = [46, 4_081, 9_000, 100_000]
        let keys = sizes.indices.map { key(6, UInt8($0)) }
        var records: [Record] = []
        var digest: StateDigest?
        do {
            let store = try folder.open()
            try store.fillLog(9)
            try store.commit(zip(keys, sizes).map { .put($0, sized($1)) })
            try store.applyThrough(1)
            records = try keys.map { try #require(try store.stored($0)) }
            digest = try store.stateDigest()
        }
        // As such a program leaves it: each record in one row.
        RawTables.edit(folder) { tables in
            for (key, record) in zip(keys, records) {
                tables.put(record.encoded(), under: key.bytes, in: "state")
            }
            tables.drop("pieces")
        }
        writeFile(folder.node + "/FORMAT", Array("holdfast store 3\n".utf8))
        for _ in 0..<2 {
            let store = try folder.open()
            #expect(try keys.map { try store.stored($0) } == records)
            #expect(try store.stateDigest() == digest)
            #expect(try store.growth().recordPieces == 0)
            #expect(try store.stateFindings() == [] && store.bucketDamage(6) == nil)
            // The marker was not raised: the power failed before it.
            writeFile(folder.node + "/FORMAT", Array("holdfast store 3\n".utf8))
        }
        let store = try folder.open()
        let format = String(decoding: readFile(folder.node + "/FORMAT"), as: UTF8.self)
        #expect(format == newestFormat)
        try expectSnapshotAddsUp(store, below: folder)
        try store.commit([.put(keys[2], sized(9_000, seed: 2)), .delete(keys[3])])
        try store.applyThrough(2)
        #expect(try store.growth().recordPieces == UInt64(piecesOf(9_000)))
        #expect(try store.stored(keys[2])?.valueBox == sized(9_000, seed: 2).valueBox)
        #expect(try store.stored(keys[3]) == nil)
        #expect(try store.stateFindings() == [])
    }

    /// What was made of rows and what was made of pieces is the same snapshot.
    private func expectSnapshotAddsUp(_ store: LocalStore, below folder: TemporaryFolder) throws {
        let manifest = try store.exportSnapshot(to: folder.path + "/snapshot")
        #expect(manifest.stateRoot == (try store.stateDigest()).root)
    }

    @Test("a database without the table, in a folder that should have it, is refused")
    func missingTable() throws {
        let folder = TemporaryFolder()
        do { _ = try folder.open() }
        RawTables.edit(folder) { $0.drop("pieces") }
        #expect(throws: StoreError.self) { try folder.open() }
    }
}
