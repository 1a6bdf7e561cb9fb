/// Where a walk over the pages of the database stands.
///
/// As long as nothing is committed, one part goes on where the last one ended, and no page may be
/// met twice in all of them. After a commit nothing of what was seen counts any more but the key
/// before which all is walked: pages may have been freed and used again. So a part never holds
/// against a page what another view showed.
package struct PageScrub: Sendable {
    /// The database file, and the transaction whose pages these are.
    fileprivate var path = ""
    fileprivate var transactionID: UInt64?
    /// One bit for each page that was met in that transaction.
    fileprivate var seen: [UInt64] = []
    /// Tables that are not walked to their end, in the order of their names.
    fileprivate var tables: [NamedTable] = []
    /// What is left of the first of them, the next page last.
    fileprivate var pending: [PagePlace] = []
    /// Where to go on in a later transaction: in this table, from this key.
    fileprivate var name: [UInt8] = []
    fileprivate var key: [UInt8]?

    fileprivate struct NamedTable: Sendable {
        let name: [UInt8]
        let table: PageTable
    }

    /// At the beginning.
    package init() {}
}

/// Follows the pages of the database from its header, by LMDB's own layout, and sees that each is
/// what it says, holds the keys that lead to it, is used once, and is not free as well.
///
/// What only a writer would meet is found here: a page that was written to another page's place
/// reads well, but a writer takes its number from the page itself, frees the wrong one, and ends
/// the process or destroys what is sound.
///
/// Belongs to one view: nobody writes to what that shows.
struct PageWalk: ~Copyable {
    private let file: FileDescriptor
    private let pageBytes: Int
    private let header: PageHeader
    /// Bytes of pages that were read.
    private(set) var bytes = 0
    /// Pages that were looked at.
    private(set) var count: UInt64 = 0

    private init(_ file: consuming FileDescriptor, _ pageBytes: Int, _ header: PageHeader) {
        self.file = file
        self.pageBytes = pageBytes
        self.header = header
    }

    /// A walk over what a reader's transaction shows, for as long as that is open.
    ///
    /// - Returns: nil when a later transaction was committed already: its successor may write over
    ///   the header of this one. A view that is opened now has another one.
    static func begin(_ reader: Reader) throws(StoreError) -> PageWalk? {
        let environment = reader.environment
        let id = unsafe Transaction(reader.transaction).id
        let length = environment.pageBytes
        let file = try FileDescriptor(
            duplicating: try environment.dataDescriptor(),
            path: environment.path
        )
        // Of two headers the older one is written. As long as this one is the newest it stays.
        guard environment.lastTransactionID == id else { return nil }
        let page = try file.read(Int(length), at: (id & 1) * length)
        guard environment.lastTransactionID == id else { return nil }
        guard page.count == Int(length) else {
            throw .corrupt("the database file ends in its headers")
        }
        let header = PageHeader(page)
        guard header.transactionID == id else {
            throw .corrupt("a header is of transaction \(header.transactionID), not of \(id)")
        }
        guard header.pages >= 2, header.pages <= (try file.size()) / length else {
            throw .corrupt("the database says that it has \(header.pages) pages, not its file")
        }
        return PageWalk(file, Int(length), header)
    }

    /// Walks on.
    ///
    /// - Parameters:
    ///   - scrub: where to go on; moved. At the beginning again when everything was walked.
    ///   - bytesMax: stop after about that many, besides the list of free pages.
    /// - Returns: whether everything was walked.
    /// - Throws: ``StoreError/corrupt(_:)`` for the first thing that is wrong.
    mutating func run(_ scrub: inout PageScrub, bytesMax: Int) throws(StoreError) -> Bool {
        if scrub.path != file.path || scrub.transactionID != header.transactionID {
            try begin(&scrub)
        }
        let end = bytes.addingReportingOverflow(bytesMax)
        while let current = scrub.tables.first {
            while let place = scrub.pending.popLast() {
                if !end.overflow, bytes >= end.partialValue {
                    scrub.pending.append(place)
                    return false
                }
                try visit(place, current.table, &scrub) { _, _, _ throws(StoreError) in }
                if place.level == current.table.depth { scrub.key = place.high }
            }
            scrub.tables.removeFirst()
            scrub.enter(from: nil)
        }
        scrub = PageScrub()
        return true
    }

    /// What another transaction shows: its free pages, its tables, and in them what is left.
    private mutating func begin(_ scrub: inout PageScrub) throws(StoreError) {
        if scrub.path != file.path { scrub = PageScrub() }
        scrub.path = file.path
        scrub.transactionID = header.transactionID
        scrub.seen = [UInt64](repeating: 0, count: Int(header.pages / 64) + 1)
        let (name, key) = (scrub.name, scrub.key)
        scrub.key = nil
        var free: [UInt64] = []
        try walk(header.free, &scrub) { (row: [UInt8]) throws(StoreError) in
            let count = row.count < 8 ? 0 : Int(clamping: row.word(0))
            guard count > 0, count < row.count / 8 else {
                throw .corrupt("LMDB's list of free pages has a wrong row")
            }
            free += (1...count).map { row.word(8 * $0) }
        }
        for page in free { try mark(page, &scrub) }
        scrub.tables = try tables(&scrub).filter { !$0.name.lexicographicallyPrecedes(name) }
        scrub.enter(from: scrub.tables.first?.name == name ? key : nil)
    }

    private mutating func tables(
        _ scrub: inout PageScrub
    ) throws(StoreError) -> [PageScrub.NamedTable] {
        var tables: [PageScrub.NamedTable] = []
        scrub.pending = header.names.top.map { [$0] } ?? []
        while let place = scrub.pending.popLast() {
            try visit(place, header.names, &scrub) { (_, page, node) throws(StoreError) in
                guard page.isTable(node) else { return }
                guard page.valueBytes(node) == PageTable.bytes, !page.isBig(node) else {
                    throw .corrupt("a table's record has \(page.valueBytes(node)) bytes")
                }
                let table = PageTable(page.value(node), at: 0)
                tables.append(PageScrub.NamedTable(name: Array(page.key(node)), table: table))
            }
        }
        return tables
    }

    /// Walks a whole table and lends each value to `body`.
    private mutating func walk(
        _ table: PageTable,
        _ scrub: inout PageScrub,
        _ body: ([UInt8]) throws(StoreError) -> Void
    ) throws(StoreError) {
        scrub.pending = table.top.map { [$0] } ?? []
        while let place = scrub.pending.popLast() {
            try visit(place, table, &scrub) { (walk, page, node) throws(StoreError) in
                try body(try walk.value(page, node))
            }
        }
    }

    /// One page: looks at it and at what hangs on it, and puts the pages below on the list.
    ///
    /// - Parameter onRow: lent each node of a leaf.
    private mutating func visit(
        _ place: PagePlace,
        _ table: PageTable,
        _ scrub: inout PageScrub,
        _ onRow: (borrowing PageWalk, Page, Int) throws(StoreError) -> Void
    ) throws(StoreError) {
        let page = try take(place.number, &scrub)
        let isLeaf = place.level == table.depth
        guard page.flags == (isLeaf ? Page.Kind.leaf : .branch).rawValue else {
            throw .corrupt("page \(place.number) has flags \(page.flags) on level \(place.level)")
        }
        let nodes = try page.nodes()
        try checkKeys(page, nodes, place, table)
        guard isLeaf else { return descend(page, nodes, place, table, &scrub) }
        for node in nodes {
            if page.isBig(node) { try takeOverflow(page, node, &scrub) }
            try onRow(self, page, node)
        }
    }

    /// Keys rise, and are those that a lookup comes here for. A page that hangs in two places has
    /// keys that are wrong in one of them. The first node of a branch has no key of its own.
    private func checkKeys(
        _ page: Page,
        _ nodes: [Int],
        _ place: PagePlace,
        _ table: PageTable
    ) throws(StoreError) {
        var last = place.low?[...]
        let first = place.level == table.depth ? 0 : 1
        for position in nodes.indices.dropFirst(first) {
            let key = page.key(nodes[position])
            // Only the first one may be the bound itself.
            let isRising =
                last.map { last in
                    position == 0 ? !table.precedes(key, last) : table.precedes(last, key)
                } ?? true
            guard isRising else {
                throw .corrupt("keys of page \(page.number) are out of order")
            }
            last = key
        }
        if let high = place.high, let last, !table.precedes(last, high[...]) {
            throw .corrupt("page \(page.number) has keys of another page")
        }
    }

    /// The pages below a branch, the first on top; without those that are walked already.
    private func descend(
        _ page: Page,
        _ nodes: [Int],
        _ place: PagePlace,
        _ table: PageTable,
        _ scrub: inout PageScrub
    ) {
        var high = place.high
        for position in nodes.indices.reversed() {
            let key = Array(page.key(nodes[position]))
            let low = position == 0 ? place.low : key
            let isWalked =
                if let next = scrub.key, let high { !table.precedes(next[...], high[...]) } else {
                    false
                }
            if isWalked { return }
            let number = page.child(nodes[position])
            scrub.pending.append(
                PagePlace(number: number, level: place.level + 1, low: low, high: high)
            )
            high = low
        }
    }

    /// Reads a page that was not met yet.
    private mutating func take(
        _ number: UInt64,
        _ scrub: inout PageScrub
    ) throws(StoreError) -> Page {
        try mark(number, &scrub)
        let page = try Page(number, of: file, pageBytes)
        bytes += pageBytes
        count += 1
        return page
    }

    private func mark(_ number: UInt64, _ scrub: inout PageScrub) throws(StoreError) {
        try header.requireUsable(number)
        let (word, bit) = (Int(number / 64), UInt64(1) << (number % 64))
        guard scrub.seen[word] & bit == 0 else { throw .corrupt("page \(number) is used twice") }
        scrub.seen[word] |= bit
    }

    /// The pages of a value that has its own.
    private mutating func takeOverflow(
        _ page: Page,
        _ node: Int,
        _ scrub: inout PageScrub
    ) throws(StoreError) {
        let number = page.overflowPage(node)
        let first = try take(number, &scrub)
        let needed = (Page.headerBytes + page.valueBytes(node) + pageBytes - 1) / pageBytes
        guard first.flags == Page.Kind.overflow.rawValue, first.length >= needed else {
            throw .corrupt("page \(number) does not hold the value that it should")
        }
        for offset in 1..<max(1, first.length) { try mark(number &+ UInt64(offset), &scrub) }
    }

    /// A leaf's value. Its pages were looked at.
    private func value(_ page: Page, _ node: Int) throws(StoreError) -> [UInt8] {
        guard page.isBig(node) else { return page.value(node) }
        let place = page.overflowPage(node) * UInt64(pageBytes) + UInt64(Page.headerBytes)
        return try file.read(page.valueBytes(node), at: place)
    }
}

extension PageScrub {
    /// Goes to the first of the tables that are left.
    fileprivate mutating func enter(from key: [UInt8]?) {
        self.key = key
        name = tables.first?.name ?? []
        pending = tables.first?.table.top.map { [$0] } ?? []
    }
}

extension LocalStore {
    /// Looks at the places and the structure of some of the database's pages, as a writer would
    /// trust them. Any thread; short read transactions, and what one shows is never held against
    /// another: see ``PageScrub``.
    ///
    /// - Parameters:
    ///   - scrub: where to go on; moved. After a finished slice it stands at the beginning.
    ///   - bytesMax: stop after about that many, besides LMDB's list of free pages.
    package func scrubPages(
        _ scrub: inout PageScrub,
        bytesMax: Int
    ) throws(StoreError) -> ScrubSlice {
        var slice = ScrubSlice()
        for _ in 0..<StoreLimits.pageViewsMax {
            let reader = try readers.take()
            defer { readers.give(reader) }
            do throws(StoreError) {
                guard var walk = try PageWalk.begin(reader) else { continue }
                defer {
                    slice.bytes = walk.bytes
                    slice.pages = walk.count
                }
                slice.isFinished = try walk.run(&scrub, bytesMax: bytesMax)
            } catch {
                slice.findings.append(.structure(error))
                slice.isFinished = true
                scrub = PageScrub()
            }
            return slice
        }
        // Somebody commits all the time. Later, then.
        return slice
    }
}
