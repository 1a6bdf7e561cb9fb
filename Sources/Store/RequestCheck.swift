import CLMDB
import Wire

/// A remembered request, of fixed size: there are many of them.
struct RememberedRequest: Equatable {
    /// The id, big-endian.
    let id: SIMD2<UInt64>
    /// The entry that carried it out.
    let index: UInt64

    init(id: [UInt8], index: UInt64) {
        self.id = [bigEndianWord(id, at: 0), bigEndianWord(id, at: 8)]
        self.index = index
    }

    var idBytes: [UInt8] {
        var writer = ByteWriter(capacity: StoreLimits.requestIDBytes)
        writer.writeUInt64(id[0])
        writer.writeUInt64(id[1])
        return writer.bytes
    }

    /// By id, then by index.
    func precedes(_ other: RememberedRequest) -> Bool {
        (id[0], id[1], index) < (other.id[0], other.id[1], other.index)
    }

    /// What it is to the digest: H(id ‖ index).
    static func hash(_ id: [UInt8], _ index: UInt64, _ digest: DigestFunction) -> [UInt8] {
        var writer = ByteWriter(capacity: StoreLimits.requestIDBytes + 8)
        writer.writeBytes(id)
        writer.writeUInt64(index)
        return digest(writer.bytes)
    }
}

/// Both halves of table `requests`, which say the same twice: what damages one leaves the other.
struct RequestHalves {
    /// The half in log order: all that the digest stands for.
    private(set) var byIndex: [RememberedRequest] = []
    /// The half that is looked up: of each id the newest.
    private(set) var byID: [RememberedRequest] = []
    /// Rows that are neither.
    private(set) var strangers = 0
    private let stored: StateBucket
    private let digest: DigestFunction

    /// Reads the whole table.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` when a lookup does not find what the walk finds.
    init(
        _ transaction: Transaction,
        _ tables: Tables,
        _ digest: @escaping DigestFunction
    ) throws(StoreError) {
        self.digest = digest
        stored = try DigestTable.read(DigestTable.requests, transaction, tables)
        var lookups = LookupCheck(tables.requests, in: transaction)
        var cursor = try Cursor(tables.requests, in: transaction)
        var last: [UInt8] = []
        while try cursor.next() {
            let (key, value) = unsafe (Array(cursor.key), Array(cursor.value))
            guard last.lexicographicallyPrecedes(key) else {
                throw .corrupt("keys of table requests are out of order")
            }
            last = key
            try lookups.passed(cursor)
            switch (key.count, key.first, value.count) {
            case (1 + StoreLimits.requestIDBytes, 0, 8):
                let index = bigEndianWord(value, at: 0)
                byID.append(RememberedRequest(id: Array(key.dropFirst()), index: index))
            case (9, 1, StoreLimits.requestIDBytes):
                let index = bigEndianWord(key, at: 1)
                byIndex.append(RememberedRequest(id: value, index: index))
            default: strangers += 1
            }
        }
        try lookups.finish()
    }

    /// Why the two halves and the digest do not agree, or nil.
    var damage: String? {
        if let reason = stored.difference(from: sum(byIndex)) { return "requests: \(reason)" }
        return areEqual ? nil : "the two halves of table requests differ"
    }

    /// The half that the digest says is whole, or nil when neither is.
    var whole: [RememberedRequest]? {
        if stored.isSuspect { return areEqual ? byIndex : nil }
        for half in [byIndex, byID] where stored.difference(from: sum(half)) == nil {
            return half.sorted { $0.index < $1.index }
        }
        return nil
    }

    private var areEqual: Bool { strangers == 0 && Self.newest(byIndex) == byID }

    /// Of each id the newest, by id: an id may have been used again long after.
    private static func newest(_ requests: [RememberedRequest]) -> [RememberedRequest] {
        var result: [RememberedRequest] = []
        for request in requests.sorted(by: { $0.precedes($1) }) {
            if result.last?.id == request.id { result.removeLast() }
            result.append(request)
        }
        return result
    }

    private func sum(_ half: [RememberedRequest]) -> StateBucket {
        var sum = StateBucket()
        for request in half {
            sum.insert(RememberedRequest.hash(request.idBytes, request.index, digest))
        }
        return sum
    }
}

extension LocalStore {
    /// Why the remembered requests are not those that the digest stands for, or nil if they are.
    /// Any thread; one read transaction over a few megabytes.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` when the tree itself is wrong, and what LMDB says.
    package func requestsDamage() throws(StoreError) -> String? {
        try requestHalves().damage
    }

    /// Whether ``WriteTransaction/repairRequests()`` can mend what is wrong with them.
    package func canRepairRequests() throws(StoreError) -> Bool {
        try requestHalves().whole != nil
    }

    private func requestHalves() throws(StoreError) -> RequestHalves {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        return try RequestHalves(transaction, reader.tables, digest)
    }
}

extension WriteTransaction {
    /// Writes table `requests` anew from whichever half of it is whole.
    ///
    /// Comes alone in its transaction: the digest must be the one on disk.
    ///
    /// - Returns: false when nothing was wrong: nothing is changed.
    /// - Throws: ``StoreError/corrupt(_:)`` when neither half is whole.
    package mutating func repairRequests() throws(StoreError) -> Bool {
        let halves = try RequestHalves(transaction, tables, digest)
        guard let damage = halves.damage else { return false }
        guard let whole = halves.whole else {
            throw .corrupt("neither half of table requests is whole: \(damage)")
        }
        try transaction.clear(tables.requests)
        var sum = StateSum()
        for request in whole {
            let id = request.idBytes
            try RequestTable.insert(id, at: request.index, in: transaction, tables)
            sum.insert(request: id, at: request.index, digest)
        }
        try DigestTable.write(sum.requests, DigestTable.requests, transaction, tables)
        return true
    }
}
