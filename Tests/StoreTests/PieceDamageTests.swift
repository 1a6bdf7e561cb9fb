import Store
import TestSupport
import Testing

/// Something that happened to the record under `key(8, 2)`, which has 12,500 bytes: 512 in its row,
/// three pieces of 4,080, 4,080 and 3,828.
struct PieceDamage: Sendable, CustomTestStringConvertible {
    enum Reads: Sendable {
        case fails
        /// It hides nothing from whoever reads the record.
        case nothing
        case absent
    }

    static let key = StoreTests.key(8, 2)
    /// A record of one row.
    static let small = StoreTests.key(8, 4)
    /// Nobody's key.
    static let nobody = StoreTests.key(8, 3)

    let testDescription: String
    let reads: Reads
    /// What a look over all records names.
    let found: StorageKey
    let edit: @Sendable (RawTables) -> Void

    init(
        _ name: String,
        _ reads: Reads = .fails,
        found: StorageKey = PieceDamage.key,
        _ edit: @escaping @Sendable (RawTables) -> Void
    ) {
        testDescription = name
        self.reads = reads
        self.found = found
        self.edit = edit
    }

    static var all: [PieceDamage] {
        (UInt8(0)...2).flatMap(onePiece) + rows + strangers
    }

    private static func piece(_ number: UInt8) -> [UInt8] { pieceKey(key, number) }

    private static func change(
        _ tables: RawTables,
        _ name: [UInt8],
        in table: String,
        _ body: (inout [UInt8]) -> Void
    ) {
        guard var value = tables.value(name, in: table) else { preconditionFailure("no such row") }
        body(&value)
        tables.put(value, under: name, in: table)
    }

    private static func onePiece(_ number: UInt8) -> [PieceDamage] {
        let name = piece(number)
        return [
            PieceDamage("piece \(number) is missing") { $0.remove(name, from: "pieces") },
            PieceDamage("a bit of piece \(number) flipped") {
                change($0, name, in: "pieces") { $0[$0.count / 2] ^= 4 }
            },
            PieceDamage("the last bit of piece \(number) flipped") {
                change($0, name, in: "pieces") { $0[$0.count - 1] ^= 1 }
            },
            PieceDamage("piece \(number) is too short") {
                change($0, name, in: "pieces") { $0.removeLast() }
            },
            PieceDamage("piece \(number) is too long") {
                change($0, name, in: "pieces") { $0.append(0) }
            },
            PieceDamage("piece \(number) is empty") {
                change($0, name, in: "pieces") { $0 = [] }
            },
            PieceDamage("piece \(number) is another record's") { tables in
                let other = pieceKey(StoreTests.key(8, 1), number)
                change(tables, name, in: "pieces") { $0 = tables.value(other, in: "pieces") ?? [] }
            },
            PieceDamage("piece \(number) has another number") { tables in
                let value = tables.value(name, in: "pieces") ?? []
                tables.remove(name, from: "pieces")
                tables.put(value, under: key.bytes + [1, number], in: "pieces")
            },
        ]
    }

    private static let rows = [
        PieceDamage("two pieces changed places") { tables in
            let (first, second) = (piece(0), piece(1))
            let values = [first, second].map { tables.value($0, in: "pieces") ?? [] }
            tables.put(values[1], under: first, in: "pieces")
            tables.put(values[0], under: second, in: "pieces")
        },
        PieceDamage("all pieces are missing") { tables in
            for number in UInt8(0)...2 { tables.remove(piece(number), from: "pieces") }
        },
        PieceDamage("there is one piece more") { $0.put([1], under: piece(3), in: "pieces") },
        PieceDamage("there is one far behind") {
            $0.put([1], under: key.bytes + [0xFF, 0xFF], in: "pieces")
        },
        PieceDamage("the row is too short") {
            change($0, key.bytes, in: "state") { $0.removeLast() }
        },
        PieceDamage("the row is too long") { change($0, key.bytes, in: "state") { $0.append(0) } },
        PieceDamage("the row has no header") {
            change($0, key.bytes, in: "state") { $0 = Array($0.prefix(20)) }
        },
        PieceDamage("the header states fewer bytes") {
            change($0, key.bytes, in: "state") { $0[20] ^= 0x10 }
        },
        PieceDamage("a bit of the name flipped") {
            change($0, key.bytes, in: "state") { $0[Record.headerBytes + 3] ^= 0x10 }
        },
        PieceDamage("the row is gone", .absent) { $0.remove(key.bytes, from: "state") },
    ]

    private static let strangers = [
        PieceDamage("a record of one row has a piece", .nothing, found: small) {
            $0.put([1, 2, 3], under: pieceKey(small, 0), in: "pieces")
        },
        PieceDamage("a piece belongs to no record", .nothing, found: nobody) {
            $0.put([1, 2, 3], under: pieceKey(nobody, 0), in: "pieces")
        },
        PieceDamage("a piece belongs to no record, and is not the first", .nothing, found: nobody) {
            $0.put([1, 2, 3], under: pieceKey(nobody, 200), in: "pieces")
        },
    ]
}

@Suite("Damaged pieces of records")
struct PieceDamageTests {
    private func fill(_ store: LocalStore) throws {
        try store.fillLog(8)
        for (name, bytes) in [(UInt8(1), 13_000), (2, 12_500), (4, 900), (5, 9_000)] {
            try store.commit([.put(key(8, name), sizedRecord(bytes))])
        }
        try store.applyThrough(4)
    }

    private func damaged(_ damage: PieceDamage) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        do { try fill(try folder.open()) }
        RawTables.edit(folder, damage.edit)
        return folder
    }

    @Test(
        "a record is read whole or not at all, and is repaired",
        arguments: PieceDamage.all
    )
    func damage(_ damage: PieceDamage) throws {
        let healthy = TemporaryFolder()
        let lender = try healthy.open()
        try fill(lender)
        let folder = try damaged(damage)
        let store = try folder.open()
        let right = try #require(try lender.stored(PieceDamage.key))
        switch damage.reads {
        case .nothing: #expect(try store.stored(PieceDamage.key) == right)
        case .absent: #expect(try store.stored(PieceDamage.key) == nil)
        case .fails:
            let doubts = store.view { view in
                #expect(throws: StoreError.self) { try view.record(PieceDamage.key) }
                return view.doubts()
            }
            #expect(doubts.damaged == [PieceDamage.key])
            #expect(throws: StoreError.self) { try store.keys(prefix(8)) }
        }
        for bytesMax in [1, 1 << 20] {
            let found = try store.stateFindings(bytesMax: bytesMax)
            #expect(found.count == 1)
            guard case .record(damage.found, _) = found.first else {
                Issue.record("found: \(found)")
                continue
            }
        }
        #expect(try store.bucketIndex(8).keys.first { $0.0 == damage.found }?.1 == .some(nil))
        #expect(try !store.lendBucket(8, from: nil, bytesMax: 1 << 20).isComplete)
        let path = folder.path + "/snapshot"
        #expect(throws: StoreError.self) { try store.exportSnapshot(to: path) }
        #expect(!fileExists(path))
        try expectRepair(of: store, found: damage.found, from: lender)
    }

    /// As a repair does it: what the lender has over what is damaged here, and gone what it has not.
    private func expectRepair(
        of store: LocalStore,
        found: StorageKey,
        from lender: LocalStore
    ) throws {
        let lent = try lender.lendBucket(8, from: nil, bytesMax: 1 << 20)
        let right =
            lent.records.first { $0.key == found } ?? RepairedRecord(key: found, bytes: nil)
        #expect(throws: StoreError.self) {
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords([], bucket: 8)
            }
        }
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords([right], bucket: 8)
        }
        #expect(try store.stateFindings() == [] && store.bucketDamage(8) == nil)
        #expect(try store.stateDigest() == (try lender.stateDigest()))
        #expect(try store.growth().recordPieces == (try lender.growth().recordPieces))
        #expect(try store.stored(PieceDamage.key) == (try lender.stored(PieceDamage.key)))
    }

    @Test("whatever is written over it leaves nothing of it", arguments: PieceDamage.all)
    func overwritten(_ damage: PieceDamage) throws {
        for isDeleted in [true, false] {
            let folder = try damaged(damage)
            let store = try folder.open()
            let target = damage.found
            try store.commit([
                isDeleted ? .delete(target) : .put(target, sizedRecord(20_000, seed: 3))
            ])
            try store.applyThrough(5)
            let record = try store.stored(target)
            #expect(record?.valueBox == (isDeleted ? nil : sizedRecord(20_000, seed: 3).valueBox))
            let index = try store.bucketIndex(8).keys
            #expect(index.allSatisfy { $0.1 != nil })
            let whole = index.map(\.0).reduce(0) { sum, key in
                sum + piecesOf((try? store.stored(key)?.encodedBytes) ?? 0)
            }
            #expect(try store.growth().recordPieces == UInt64(whole))
        }
    }
}
