import Store
import TestSupport
import Testing

/// What becomes of two headers, those of transactions N and N - 1.
struct HeaderDamage: Sendable, CustomTestStringConvertible {
    /// Where a header leads to.
    enum Tables: Sendable {
        case itsOwn
        case theOthers
        /// Those of N - 2, which are still whole.
        case earlier
        case none
        /// A page that holds no table.
        case notThere
    }

    /// Of one header.
    struct Change: Sendable {
        /// Added to its number.
        var number: Int64 = 0
        var tables = Tables.itsOwn
    }

    let testDescription: String
    var newest = Change()
    var older = Change()
    /// Whether the database opens, with all of N.
    var opens = false

    init(_ name: String, newest: Change = Change(), older: Change = Change(), opens: Bool = false) {
        testDescription = name
        self.newest = newest
        self.older = older
        self.opens = opens
    }

    static let all: [HeaderDamage] = [
        .init("none", opens: true),
        .init("older lower", older: .init(number: -2), opens: true),
        .init("older much lower", older: .init(number: -30), opens: true),
        .init("older lower, to nothing", older: .init(number: -2, tables: .none)),
        .init("older lower, to no table", older: .init(number: -2, tables: .notThere)),
        .init("older lower, to N", older: .init(number: -2, tables: .theOthers)),
        .init("older lower, to N - 2", older: .init(number: -2, tables: .earlier)),
        .init("older with the number of N + 1", older: .init(number: 2)),
        .init("older higher", older: .init(number: 4)),
        .init("newest with the number of N - 2", newest: .init(number: -2)),
        .init("newest lower", newest: .init(number: -4)),
        .init("newest lower, to nothing", newest: .init(number: -4, tables: .none)),
        .init("newest lower, to no table", newest: .init(number: -4, tables: .notThere)),
        .init("newest higher", newest: .init(number: 2)),
        .init("both lower", newest: .init(number: -2), older: .init(number: -2)),
        .init("both lower, N more", newest: .init(number: -8), older: .init(number: -2)),
        .init("both lower, N less", newest: .init(number: -2), older: .init(number: -8)),
        .init("both higher", newest: .init(number: 2), older: .init(number: 2)),
        .init("newest higher, older lower", newest: .init(number: 2), older: .init(number: -2)),
        .init("newest lower, older higher", newest: .init(number: -2), older: .init(number: 2)),
        .init("older lower, N to nothing", newest: .init(tables: .none), older: .init(number: -2)),
        .init(
            "older lower, N to N - 1",
            newest: .init(tables: .theOthers),
            older: .init(number: -2)
        ),
        .init(
            "older lower, each to the other's",
            newest: .init(tables: .theOthers),
            older: .init(number: -2, tables: .theOthers)
        ),
        .init("N to N - 2, older lower", newest: .init(tables: .earlier), older: .init(number: -2)),
    ]
}

extension HeaderPages {
    /// - Parameter before: as they were a transaction ago.
    func damaged(_ damage: HeaderDamage, before: HeaderPages) -> HeaderPages {
        var damaged = self
        for (page, change) in [(newest, damage.newest), (older, damage.older)] {
            let number = Int64(transaction(page)) + change.number
            damaged.set(page, Self.transaction, UInt64(number))
            let top =
                switch change.tables {
                case .itsOwn: word(page, Self.namesTop)
                case .theOthers: word(1 - page, Self.namesTop)
                case .earlier: before.word(before.older, Self.namesTop)
                case .none: UInt64.max
                case .notThere: UInt64(0)
                }
            damaged.set(page, Self.namesTop, top)
        }
        return damaged
    }
}

/// Where the transactions of the two headers do not follow each other.
extension HeaderCheckTests {
    /// A folder with that many transactions, and its headers now and before the last of them.
    private func withHeaders(
        through last: UInt64
    ) throws -> (folder: TemporaryFolder, now: HeaderPages, before: HeaderPages) {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try Self.raise(store, from: 1, through: last - 1)
        let before = HeaderPages(folder)
        try Self.raise(store, from: last, through: last)
        let now = HeaderPages(folder)
        try #require(now.older == before.newest && now.lastPage(0) == now.lastPage(1))
        return (folder, now, before)
    }

    @Test(
        "two headers open as the newest of them was written, or not at all",
        arguments: HeaderDamage.all,
        [UInt64(40), 41]
    )
    func damagedHeaders(damage: HeaderDamage, last: UInt64) throws {
        let (folder, now, before) = try withHeaders(through: last)
        now.damaged(damage, before: before).write()
        #expect(try term(folder) == (damage.opens ? last : nil))
        if !damage.opens { now.write() }
        try expectGoesOn(folder, at: last)
        // The transaction that came has written over what was damaged.
        let after = HeaderPages(folder)
        #expect(after.transaction(after.newest) == now.transaction(now.newest) + 1)
        #expect(after.transaction(after.older) == now.transaction(now.newest))
    }

    // Else what the table calls N - 2 would be refused because nothing can be read there.
    @Test("the tables of two transactions ago still lead to a point")
    func earlierPoint() throws {
        let (folder, now, before) = try withHeaders(through: 40)
        let damage = HeaderDamage("", newest: .init(tables: .earlier))
        now.damaged(damage, before: before).write()
        let number = now.transaction(now.newest)
        let reason =
            "the newest header page of the database is of transaction \(number), "
            + "what it leads to of \(number - 2)"
        #expect(throws: StoreError.corrupt(reason)) { try folder.open() }
    }

    @Test("the older header's number may be the lowest that its page can have")
    func lowestNumber() throws {
        for last in UInt64(40)...41 {
            let (folder, now, _) = try withHeaders(through: last)
            var lowest = now
            lowest.set(now.older, HeaderPages.transaction, UInt64(now.older))
            lowest.write()
            try expectGoesOn(folder, at: last)
        }
    }

    @Test(
        "a crash before the next header leaves a lower number of the older one harmless",
        arguments: [false, true]
    )
    func crashBeforeHeader(grows: Bool) throws {
        let folder = try raised(through: 40, grows: grows)
        let sound = HeaderPages(folder)
        var lower = sound
        lower.set(sound.older, HeaderPages.transaction, sound.transaction(sound.older) - 2)
        lower.write()
        // All its pages are on the disk, its header is not.
        do { try Self.raise(try folder.open(), from: 41, through: 41, grows: grows) }
        let after = HeaderPages(folder)
        try #require(after.newest == sound.older)
        lower.write()
        try expectGoesOn(folder, at: 40)
    }

    @Test(
        "a header that leads to a later transaction is not taken for one whose number became lower",
        arguments: [false, true]
    )
    func takenBackLower(grows: Bool) throws {
        let folder = try raised(through: 40, grows: grows)
        var headers = try takenBack(folder, after: 40, grows: grows).headers
        let older = headers.older
        headers.set(older, HeaderPages.transaction, headers.transaction(older) - 2)
        headers.write()
        #expect(try term(folder) == nil)
        // Nor when nothing tells any more where it led to.
        headers.set(older, HeaderPages.namesTop, UInt64.max)
        headers.write()
        #expect(try term(folder) == nil)
    }

    @Test("a flipped number is refused while an older program's folder is being raised")
    func numberWhileRaising() throws {
        let (folder, now, before) = try withHeaders(through: 40)
        let damage = HeaderDamage("", older: .init(number: -2))
        now.damaged(damage, before: before).write()
        let marker = folder.node + "/FORMAT"
        let current = readFile(marker)
        writeFile(marker, Array("holdfast store 3\n".utf8))
        #expect(try term(folder) == nil)
        writeFile(marker, current)
        try expectGoesOn(folder, at: 40)
    }
}
