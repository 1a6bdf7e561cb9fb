import Glibc
import Store
import TestSupport
import Testing
import Wire

/// The two header pages of a database file, by LMDB's own layout.
struct HeaderPages {
    static let pageBytes = 4_096
    /// Places in a header page.
    static let freeTop = 80
    static let namesTop = 128
    static let lastPage = 136
    static let transaction = 144
    static let size = 40

    private let path: String
    private let pageBytes: Int
    private var bytes: [UInt8]

    init(_ folder: TemporaryFolder, pageBytes: Int = Self.pageBytes) {
        path = folder.node + "/holdfast.mdb"
        self.pageBytes = pageBytes
        bytes = Array(readFile(path).prefix(2 * pageBytes))
        precondition(bytes.count == 2 * pageBytes, "no header pages")
    }

    /// As LMDB makes them where the machine's pages have that many bytes.
    static func made(pageBytes: Int) -> [UInt8] {
        (UInt64(0)...1).flatMap { number in
            let isInteger: UInt64 = 8
            let words: [UInt64] = [
                number, 8 << 16, 1 << 32 | 0xBEEF_C0DE, 0, 1 << 20,
                isInteger << 32 | UInt64(pageBytes), 0, 0, 0, 0, UInt64.max,
                0, 0, 0, 0, 0, UInt64.max, 1, 0,
            ]
            let bytes = words.flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
            }
            return bytes + [UInt8](repeating: 0, count: pageBytes - bytes.count)
        }
    }

    /// The page of the later transaction.
    var newest: Int { transaction(1) > transaction(0) ? 1 : 0 }
    var older: Int { 1 - newest }

    /// Whether a flipped bit of the transaction of `page` hides nothing: the older one becomes
    /// lower, and its last bit, which says the page, stays.
    func isHarmless(_ page: Int, bit: UInt64) -> Bool {
        page == older && bit > 0 && transaction(page) & 1 << bit != 0
    }

    func transaction(_ page: Int) -> UInt64 { word(page, Self.transaction) }

    func lastPage(_ page: Int) -> UInt64 { word(page, Self.lastPage) }

    /// A number, low byte first.
    func word(_ page: Int, _ place: Int) -> UInt64 {
        let start = page * pageBytes + place
        return bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func set(_ page: Int, _ place: Int, _ value: UInt64) {
        for offset in 0..<8 {
            bytes[page * pageBytes + place + offset] =
                UInt8(truncatingIfNeeded: value >> (8 * UInt64(offset)))
        }
    }

    mutating func swapPages() {
        bytes = Array(bytes[pageBytes...] + bytes[..<pageBytes])
    }

    /// Puts them into the file.
    func write() {
        let file = unsafe open(path, O_RDWR)
        precondition(file >= 0, "cannot open \(path)")
        defer { _ = close(file) }
        precondition(unsafe pwrite(file, bytes, bytes.count, 0) == bytes.count, "cannot write")
    }
}

@Suite("The database's two header pages")
struct HeaderCheckTests {
    /// Raises the term, one transaction each, which shows how many are there. One that grows takes
    /// more pages than were freed; one that does not takes as many, after a few.
    static func raise(
        _ store: LocalStore,
        from first: UInt64,
        through last: UInt64,
        grows: Bool = false
    ) throws {
        for term in first...last {
            try store.write { (transaction) throws(StoreError) in
                let commit = transaction.point.commitIndex
                try transaction.setHardState(term: term, vote: nil, commit: commit)
                guard grows else { return }
                let index = transaction.point.last.index + 1
                let body = [UInt8](repeating: 7, count: 40_000)
                try transaction.appendEntries([entry(index, term: term, body: body)])
            }
        }
    }

    func raised(through last: UInt64, grows: Bool = false) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try Self.raise(store, from: 1, through: last, grows: grows)
        return folder
    }

    /// The last term that an opening shows, or nil if the folder is refused as damaged.
    func term(_ folder: TemporaryFolder) throws -> UInt64? {
        do {
            return try folder.open().load().point.term
        } catch StoreError.corrupt(_) {
            return nil
        }
    }

    /// Opens it, makes a transaction, and opens it again.
    func expectGoesOn(_ folder: TemporaryFolder, at reached: UInt64) throws {
        #expect(try term(folder) == reached)
        do {
            let store = try folder.open()
            try Self.raise(store, from: reached + 1, through: reached + 1, grows: true)
        }
        #expect(try term(folder) == reached + 1)
    }

    // Four in a row: a bit that makes N - 2 of N, or N + 1 of N - 1, is one of the second lowest.
    @Test(
        "no flipped bit of a header's transaction hides what was acknowledged",
        arguments: UInt64(40)...43,
        [false, true]
    )
    func transactionBits(last: UInt64, grows: Bool) throws {
        let folder = try raised(through: last, grows: grows)
        let sound = HeaderPages(folder)
        let isEven = sound.lastPage(0) == sound.lastPage(1)
        try #require(isEven != grows, "else what is compared is the number of pages")
        for page in 0...1 {
            for bit in UInt64(0)..<64 {
                var flipped = sound
                flipped.set(page, HeaderPages.transaction, sound.transaction(page) ^ 1 << bit)
                flipped.write()
                let shown = sound.isHarmless(page, bit: bit) ? last : nil
                #expect(try term(folder) == shown, "page \(page), bit \(bit)")
            }
        }
        sound.write()
        try expectGoesOn(folder, at: last)
    }

    @Test("a header that leads to the tables of the transaction before is refused")
    func olderTables() throws {
        let folder = try raised(through: 40)
        let sound = HeaderPages(folder)
        let top = sound.word(sound.older, HeaderPages.namesTop)
        try #require(top != sound.word(sound.newest, HeaderPages.namesTop))
        var changed = sound
        changed.set(sound.newest, HeaderPages.namesTop, top)
        changed.write()
        #expect(try term(folder) == nil)
        sound.write()
        try expectGoesOn(folder, at: 40)
    }

    @Test("a page that cannot be one of LMDB's header pages is refused", arguments: [0, 1])
    func fields(page: Int) throws {
        let folder = try raised(through: 4)
        // Its number, flags, magic, version, address, the size of a page.
        let places = [0..<8, 10..<12, 16..<32, 40..<44].flatMap { Array($0) }
        for place in places {
            let path = folder.node + "/holdfast.mdb"
            flip(path, at: page * HeaderPages.pageBytes + place)
            #expect(try term(folder) == nil, "byte \(place)")
            flip(path, at: page * HeaderPages.pageBytes + place)
        }
        try expectGoesOn(folder, at: 4)
    }

    @Test("header pages in each other's places are refused, whatever they call themselves")
    func swapped() throws {
        let folder = try raised(through: 5)
        let sound = HeaderPages(folder)
        var swapped = sound
        swapped.swapPages()
        swapped.write()
        #expect(try term(folder) == nil)
        for page in 0...1 { swapped.set(page, 0, UInt64(page)) }
        swapped.write()
        #expect(try term(folder) == nil)
        sound.write()
        try expectGoesOn(folder, at: 5)
    }

    // Whatever else stands there, the headers of transactions 0 and 0, or 0 and 1, are in order:
    // it is the tables that are missing.
    @Test("headers as LMDB makes them are in order", arguments: [UInt64(0), 1])
    func justMade(last: UInt64) throws {
        let folder = try raised(through: 5)
        var headers = HeaderPages(folder)
        for page in 0...1 {
            headers.set(page, HeaderPages.freeTop, UInt64.max)
            headers.set(page, HeaderPages.namesTop, UInt64.max)
            headers.set(page, HeaderPages.lastPage, 1)
            headers.set(page, HeaderPages.transaction, UInt64(page) * last)
        }
        headers.write()
        let reason = "table hard is missing from the database or is of another kind"
        #expect(throws: StoreError.corrupt(reason)) { try folder.open() }
    }

    @Test("a new folder opens again, with nothing and with one transaction in it")
    func new() throws {
        let folder = TemporaryFolder()
        _ = try folder.open()
        try expectGoesOn(folder, at: 0)
    }

    // MARK: the size of pages

    @Test(
        "the headers of a machine with larger pages are compared as well",
        arguments: [8_192, 16_384, 32_768]
    )
    func largerPages(bytes: Int) throws {
        let folder = TemporaryFolder()
        precondition(unsafe mkdir(folder.node, 0o700) == 0, "no folder")
        writeFile(folder.node + "/holdfast.mdb", HeaderPages.made(pageBytes: bytes))
        do {
            let store = try folder.open()
            try Self.raise(store, from: 1, through: 41)
            var scrub = PageScrub()
            let slice = try store.scrubPages(&scrub, bytesMax: .max)
            #expect(slice.isFinished && slice.findings.isEmpty && slice.bytes >= 3 * bytes)
        }
        let sound = HeaderPages(folder, pageBytes: bytes)
        for page in 0...1 {
            try #require(sound.word(page, HeaderPages.size) & 0xFFFF_FFFF == UInt64(bytes))
            for place in [HeaderPages.transaction, HeaderPages.size] {
                for bit in UInt64(0)..<(place == HeaderPages.size ? 32 : 64) {
                    var flipped = sound
                    flipped.set(page, place, sound.word(page, place) ^ 1 << bit)
                    flipped.write()
                    let isHarmless =
                        place == HeaderPages.transaction && sound.isHarmless(page, bit: bit)
                    let shown: UInt64? = isHarmless ? 41 : nil
                    #expect(
                        try term(folder) == shown,
                        "page \(page), place \(place), bit \(bit)"
                    )
                }
            }
        }
        sound.write()
        try expectGoesOn(folder, at: 41)
    }

    @Test(
        "a size that no page has is refused",
        arguments: [UInt64(0), 512, 2_048, 4_097, 12_288, 65_536, 0xFFFF_FFFF],
        [0, 1]
    )
    func wrongSize(bytes: UInt64, page: Int) throws {
        let folder = try raised(through: 4)
        let sound = HeaderPages(folder)
        var changed = sound
        let rest = sound.word(page, HeaderPages.size) & ~0xFFFF_FFFF
        changed.set(page, HeaderPages.size, rest | bytes)
        changed.write()
        let reason = "header page \(page) of the database is of pages of \(bytes) bytes"
        #expect(throws: StoreError.corrupt(reason)) { try folder.open() }
        sound.write()
        try expectGoesOn(folder, at: 4)
    }

    // MARK: a header that could not be written

    /// What LMDB leaves when it cannot write the header of one more transaction: the tables of that
    /// one, and number and last page of the one that was there.
    func takenBack(
        _ folder: TemporaryFolder,
        after last: UInt64,
        grows: Bool
    ) throws -> (headers: HeaderPages, before: HeaderPages) {
        let before = HeaderPages(folder)
        do { try Self.raise(try folder.open(), from: last + 1, through: last + 1, grows: grows) }
        var headers = HeaderPages(folder)
        let page = headers.newest
        try #require(page == before.older)
        for place in [HeaderPages.transaction, HeaderPages.lastPage] {
            headers.set(page, place, before.word(page, place))
        }
        return (headers, before)
    }

    @Test("a header that was taken back is known by its last page")
    func takenBackWhileGrowing() throws {
        let folder = try raised(through: 20, grows: true)
        let (headers, before) = try takenBack(folder, after: 20, grows: true)
        try #require(before.lastPage(before.older) < before.lastPage(before.newest))
        headers.write()
        try expectGoesOn(folder, at: 20)
    }

    @Test("without that it is a flipped bit's like and refused, unless the process took it out")
    func takenBackEvenly() throws {
        let folder = try raised(through: 40)
        let (headers, before) = try takenBack(folder, after: 40, grows: false)
        try #require(before.lastPage(0) == before.lastPage(1))
        headers.write()
        #expect(try term(folder) == nil)
        var out = headers
        out.set(headers.older, HeaderPages.namesTop, UInt64.max)
        out.write()
        try expectGoesOn(folder, at: 40)
    }

    @Test("a process that cannot write a header takes it out, and the next one starts")
    func failedHeader() async throws {
        let folder = TemporaryFolder()
        await #expect(processExitsWith: .exitCode(70)) { [path = folder.node as String] in
            let store = try LocalStore.open(folder: path, options: smallOptions, digest: testDigest)
            try HeaderCheckTests.raise(store, from: 1, through: 40)
            inject("write/dsync */holdfast*.mdb 1 EIO")
            try HeaderCheckTests.raise(store, from: 41, through: 41)
            exit(0)
        }
        let left = HeaderPages(folder)
        try #require(left.lastPage(0) == left.lastPage(1), "else the last page tells")
        #expect(left.word(left.older, HeaderPages.namesTop) == UInt64.max)
        #expect(left.word(left.newest, HeaderPages.namesTop) != UInt64.max)
        try expectGoesOn(folder, at: 40)
    }

    @Test("a process that cannot write a page of data leaves the headers alone")
    func failedPage() async throws {
        let folder = TemporaryFolder()
        await #expect(processExitsWith: .exitCode(70)) { [path = folder.node as String] in
            let store = try LocalStore.open(folder: path, options: smallOptions, digest: testDigest)
            try HeaderCheckTests.raise(store, from: 1, through: 40)
            inject("write */holdfast*.mdb 1 EIO")
            try HeaderCheckTests.raise(store, from: 41, through: 41)
            exit(0)
        }
        let left = HeaderPages(folder)
        for page in 0...1 { #expect(left.word(page, HeaderPages.namesTop) != UInt64.max) }
        try expectGoesOn(folder, at: 40)
    }

    // MARK: which transaction a point says

    @Test("a point of an older format is read, not compared, and gone with the next transaction")
    func olderPoint() throws {
        for (format, end) in [(UInt8(1), 138), (2, 146)] {
            let folder = try raised(through: 40)
            let name = Array("point".utf8)
            RawTables.edit(folder) { tables in
                guard let point = tables.value(name, in: "hard") else { return }
                #expect(point[0] == 3 && point.count == 158)
                var writer = ByteWriter()
                writer.writeBytes([format] + point[1..<end])
                writer.writeUInt32(crc32c(writer.bytes))
                tables.put(writer.bytes, under: name, in: "hard")
            }
            try expectGoesOn(folder, at: 40)
            RawTables.edit(folder) { tables in
                #expect(tables.value(name, in: "hard")?.first == 3)
            }
            try expectGoesOn(folder, at: 41)
        }
    }

    /// Makes one transaction, and opens the folder again, which compares what it says.
    private func expectNamed(
        _ folder: TemporaryFolder,
        _ options: StoreOptions = smallOptions,
        by body: (LocalStore) throws -> Void
    ) throws {
        let before = HeaderPages(folder)
        do { try body(try folder.open(options)) }
        let after = HeaderPages(folder)
        #expect(after.transaction(after.newest) == before.transaction(before.newest) + 1)
        _ = try folder.open().load()
    }

    private func expectNamed(
        _ folder: TemporaryFolder,
        _ body: (inout WriteTransaction) throws(StoreError) -> Void
    ) throws {
        try expectNamed(folder, by: { try $0.write(body) })
    }

    @Test("each kind of transaction says which it is")
    func kinds() throws {
        let folder = TemporaryFolder()
        _ = try folder.open()
        try expectNamed(folder) { (t) throws(StoreError) in try t.setCluster(testCluster) }
        try expectNamed(folder) { (t) throws(StoreError) in try t.setCluster(testCluster) }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.setHardState(term: 1, vote: nil, commit: 0)
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.appendEntries((1...10).map { entry($0) })
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.truncateLog(from: 6)
            try t.appendEntries((6...10).map { entry($0) })
        }
        try expectNamed(folder) { (t) throws(StoreError) in try t.truncateLog(from: 10) }
        try expectNamed(folder) { (t) throws(StoreError) in t.touch() }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.apply(layers: [], appliedIndex: 5, appliedTerm: 1)
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.dropLog(through: 3, entriesMax: 10)
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            let isThere = try t.repairBody(at: 7, term: 1, body: [1, 2, 3])
            #expect(isThere)
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.repairRecords([], bucket: 3)
        }
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.setConfiguration([1, 2], formatLevel: 1)
        }
    }

    @Test("each kind of transaction on records and requests says which it is")
    func kindsOfState() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.fillLog(130)
        }
        let (place, old) = (key(1, 1), record("old"))
        try expectNamed(
            folder,
            by: { store in
                try store.commit([.once(requestID: requestID(1)), .put(place, old)], id: 1)
                try store.applyThrough(1)
            }
        )
        try expectNamed(
            folder,
            by: { store in
                try store.commit([.delete(place)])
                try store.applyThrough(2)
            }
        )
        try expectNamed(folder) { (t) throws(StoreError) in
            try t.repairRecords([.init(key: place, bytes: nil)], bucket: place.bucket)
        }
        let database = folder.node + "/holdfast.mdb"
        let rows = FileBytes.places(of: [0] + requestID(1), in: readFile(database))
        try #require(!rows.isEmpty)
        for row in rows { flip(database, at: row + 16) }
        try expectNamed(folder) { (t) throws(StoreError) in
            let isRepaired = try t.repairRequests()
            #expect(isRepaired)
        }
        var options = smallOptions
        options.requestsRetained = 64
        try expectNamed(
            folder,
            options,
            by: { store in
                try store.applyThrough(129)
                #expect(try store.view { view in try view.requestIndex(requestID(1)) } == nil)
            }
        )
    }

    @Test("a transaction that changes nothing is not written")
    func nothing() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(3)
        try store.applyThrough(2)
        let before = HeaderPages(folder)
        for number in 0..<7 {
            try store.write { (t) throws(StoreError) in
                switch number {
                case 0: try t.setHardState(term: 1, vote: nil, commit: 2)
                case 1: try t.appendEntries([])
                case 2: try t.truncateLog(from: 4)
                case 3: try t.dropLog(through: 0, entriesMax: 10)
                case 4: try t.apply(layers: [], appliedIndex: 2, appliedTerm: 1)
                case 5:
                    let isThere = try t.repairBody(at: 4, term: 1, body: [1])
                    #expect(!isThere)
                default:
                    let isRepaired = try t.repairRequests()
                    #expect(!isRepaired)
                }
            }
            let after = HeaderPages(folder)
            for page in 0...1 {
                #expect(after.transaction(page) == before.transaction(page), "kind \(number)")
            }
        }
        try store.write { (t) throws(StoreError) in t.touch() }
        let after = HeaderPages(folder)
        #expect(after.transaction(after.newest) == before.transaction(before.newest) + 1)
    }

    @Test("a database that came from a snapshot says it, too")
    func snapshot() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let file = source.path + "/snapshot"
        do {
            let store = try source.open()
            try store.fillLog(3)
            try store.commit([.put(key(1, 1), record("of the source"))])
            try store.applyThrough(3)
            try store.exportSnapshot(to: file)
            let receiver = try target.open()
            try receiver.fillLog(1)
            try receiver.importSnapshot(from: file)
        }
        for term in UInt64(2)...5 {
            let store = try target.open()
            #expect(try store.value(key(1, 1)) == "of the source")
            try Self.raise(store, from: term, through: term)
        }
    }
}
