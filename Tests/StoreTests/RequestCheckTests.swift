import Store
import TestSupport
import Testing
import Wire

@Suite("Remembered requests that are damaged")
struct RequestCheckTests {
    private static let count: UInt64 = 40

    /// A store that remembers requests 1 to 40; `damage` gets its database file.
    private func damaged(
        _ damage: (_ path: String, _ bytes: [UInt8]) throws -> Void
    ) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.fillLog(Self.count)
            for number in 1...Self.count {
                try store.commit([.once(requestID: requestID(number))], id: number)
            }
            try store.applyThrough(Self.count)
            #expect(try store.requestsDamage() == nil)
            #expect(try store.scrubRest().findings == [])
        }
        let database = folder.node + "/holdfast.mdb"
        try damage(database, readFile(database))
        return folder
    }

    private func flipAll(
        _ needle: [UInt8],
        at offset: Int,
        _ path: String,
        _ bytes: [UInt8]
    ) throws {
        let places = FileBytes.places(of: needle, in: bytes)
        try #require(!places.isEmpty)
        for place in places { flip(path, at: place + offset) }
    }

    /// The row that is looked up.
    private func damageID(_ number: UInt64, _ path: String, _ bytes: [UInt8]) throws {
        try flipAll([0] + requestID(number), at: 16, path, bytes)
    }

    /// The row in log order: its id, which stands behind its index.
    private func damageIndex(_ number: UInt64, _ path: String, _ bytes: [UInt8]) throws {
        var writer = ByteWriter()
        writer.writeUInt8(1)
        writer.writeUInt64(number)
        try flipAll(writer.bytes + requestID(number), at: 12, path, bytes)
    }

    private func remembered(_ store: LocalStore) throws -> [UInt64?] {
        try store.view { view throws(StoreError) in
            var indexes: [UInt64?] = []
            for number in 1...Self.count {
                indexes.append(try view.requestIndex(requestID(number)))
            }
            return indexes
        }
    }

    private func repair(_ store: LocalStore) throws -> Bool {
        try store.write { (transaction) throws(StoreError) in try transaction.repairRequests() }
    }

    private func expectRepaired(_ store: LocalStore) throws {
        guard case .requests = try store.scrubRest().findings.first else {
            Issue.record("the scrubber sees nothing")
            return
        }
        #expect(try store.canRepairRequests())
        #expect(try repair(store))
        #expect(try store.requestsDamage() == nil)
        #expect(try remembered(store) == (1...Self.count).map { $0 })
        #expect(try !repair(store), "nothing is left to do")
        #expect(try store.walkStructure().rows > 2 * Self.count)
    }

    @Test("a request that cannot be looked up any more comes from the half in log order")
    func lostID() throws {
        let folder = try damaged { try damageID(40, $0, $1) }
        let store = try folder.open()
        #expect(try remembered(store).last == .some(nil), "a repeat would be carried out")
        #expect(try store.requestsDamage() == "the two halves of table requests differ")
        try expectRepaired(store)
    }

    @Test("a row in log order comes from the half that is looked up")
    func lostIndex() throws {
        let folder = try damaged { try damageIndex(17, $0, $1) }
        let store = try folder.open()
        let reason = "requests: its records do not add up to its digest"
        #expect(try store.requestsDamage() == reason)
        try expectRepaired(store)
    }

    @Test("a sum that is lost is added up again while both halves agree")
    func lostSum() throws {
        let folder = try damaged { path, bytes in
            var writer = ByteWriter()
            // Key, format, not suspect, count.
            writer.writeBytes([1, 0, 1, 0])
            writer.writeUInt64(Self.count)
            try flipAll(writer.bytes, at: 20, path, bytes)
        }
        let store = try folder.open()
        #expect(try store.requestsDamage() == "requests: what it should add up to is not known")
        #expect(try !store.stateDigest().isTrustworthy)
        try expectRepaired(store)
        #expect(try store.stateDigest().isTrustworthy)
    }

    @Test("damage of both halves is beyond repair, and nothing is changed")
    func lostBoth() throws {
        let folder = try damaged { path, bytes in
            try damageID(40, path, bytes)
            try damageIndex(17, path, bytes)
        }
        let store = try folder.open()
        #expect(try !store.canRepairRequests())
        #expect(throws: StoreError.self) { try repair(store) }
        #expect(try remembered(store)[16] == 17, "as it was")
    }

    @Test("a snapshot does not spread it")
    func snapshot() throws {
        let folder = try damaged { try damageIndex(17, $0, $1) }
        let store = try folder.open()
        #expect(throws: StoreError.self) {
            _ = try store.exportSnapshot(to: folder.path + "/snapshot")
        }
    }

    @Test("in whatever steps entries are applied, the same requests are remembered")
    func steps() throws {
        var options = smallOptions
        options.requestsRetained = 25
        var roots: [[UInt8]] = []
        for step: UInt64 in [1, 3, 20, 100] {
            let folder = TemporaryFolder()
            let store = try folder.open(options)
            try store.fillLog(100)
            for number: UInt64 in 1...100 {
                // Some entries carry no request: what is forgotten goes by indexes all the same.
                let isOne = number % 7 != 0 && !(40..<60).contains(number)
                try store.commit(isOne ? [.once(requestID: requestID(number))] : [], id: number)
            }
            for end in stride(from: step, through: 99, by: Int(step)) {
                try store.applyThrough(end)
            }
            try store.applyThrough(100)
            #expect(try store.requestsDamage() == nil)
            let digest = try store.stateDigest()
            // Forgotten in steps of 64 indexes: what had to be remembered at 64.
            let kept = (39...100).filter { $0 % 7 != 0 && !(40..<60).contains($0) }
            #expect(digest.requests.count == UInt64(kept.count))
            roots.append(digest.root)
        }
        #expect(Set(roots).count == 1)
    }
}
