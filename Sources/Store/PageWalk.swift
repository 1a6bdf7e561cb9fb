/// Follows every page of the database from its header, by LMDB's own layout, and sees that each is
/// what it says and is used once.
///
/// What only a writer would meet is found here: a page that was written to another page's place
/// reads well, but a writer takes its number from the page itself, frees the wrong one, and ends
/// the process or destroys what is sound.
///
/// LMDB 0.9, whose numbers are the machine's own: low byte first here. A page: its number u64 · pad
/// u16 · flags u16 · lower u16 · upper u16, or of an overflow page how many follow u32 · offsets of
/// nodes u16 each. A node: two u16 of size or child · flags u16 · key size u16 · key · value.
struct PageWalk: ~Copyable {
    private struct Table {
        var depth: Int
        var root: UInt64
        /// LMDB's own list of free pages.
        var isFreeList = false
    }

    private enum Flag {
        static let branch = 1
        static let leaf = 2
        static let overflow = 4
        static let bigData = 1
        static let subTable = 2
    }

    private static let headerBytes = 16
    private static let nodeHeaderBytes = 8
    private static let tableBytes = 48
    private static let noPage = UInt64.max

    private let file: FileDescriptor
    private let pageBytes: Int
    private let pages: UInt64
    private let roots: [Table]
    /// One bit for each page that was met.
    private var seen: [UInt64]

    /// Reads the newer of the two headers of a database file.
    init(_ file: consuming FileDescriptor, pageBytes length: UInt64) throws(StoreError) {
        let pageBytes = Int(length)
        let first = try file.read(pageBytes, at: 0)
        let second = try file.read(pageBytes, at: length)
        guard first.count == pageBytes, second.count == pageBytes else {
            throw .corrupt("the database file ends in its headers")
        }
        // Behind the page's header: magic u32, version u32, address, map size, two tables, last
        // page, transaction.
        let tables = Self.headerBytes + 24
        let last = tables + 2 * Self.tableBytes
        let isFirstNewer = Self.word(first, last + 8) >= Self.word(second, last + 8)
        let header = isFirstNewer ? first : second
        let pages = Self.word(header, last) &+ 1
        guard pages >= 2, pages <= (try file.size()) / length else {
            throw .corrupt("the database says that it has \(pages) pages, more than its file")
        }
        var free = Self.table(header, tables)
        free.isFreeList = true
        roots = [free, Self.table(header, tables + Self.tableBytes)]
        seen = [UInt64](repeating: 0, count: Int(pages / 64) + 1)
        self.pageBytes = pageBytes
        self.pages = pages
        self.file = file
    }

    /// - Throws: ``StoreError/corrupt(_:)`` for the first thing that is wrong.
    mutating func run() throws(StoreError) {
        var tables = roots
        var free: [UInt64] = []
        while let table = tables.popLast() {
            guard table.root != Self.noPage else { continue }
            var pending = [(page: table.root, level: 1)]
            while let next = pending.popLast() {
                let page = try take(next.page)
                let flags = Self.half(page, 10)
                guard flags == (next.level == table.depth ? Flag.leaf : Flag.branch) else {
                    throw .corrupt("page \(next.page) has flags \(flags) on level \(next.level)")
                }
                for node in try nodes(page, next.page) {
                    if flags == Flag.branch {
                        pending.append((Self.child(page, node), next.level + 1))
                        continue
                    }
                    let value = try value(page, node)
                    if table.isFreeList {
                        let count = value.count < 8 ? 0 : Int(clamping: Self.word(value, 0))
                        guard count > 0, count < value.count / 8 else {
                            throw .corrupt("LMDB's list of free pages has a wrong row")
                        }
                        free += (1...count).map { Self.word(value, 8 * $0) }
                    } else if Self.half(page, node + 4) & Flag.subTable != 0 {
                        guard value.count == Self.tableBytes else {
                            throw .corrupt("a table's record has \(value.count) bytes")
                        }
                        tables.append(Self.table(value, 0))
                    }
                }
            }
        }
        for page in free { try mark(page) }
    }

    /// Reads a page of a tree that was not met yet.
    private mutating func take(_ number: UInt64) throws(StoreError) -> [UInt8] {
        try mark(number)
        let page = try file.read(pageBytes, at: number * UInt64(pageBytes))
        guard page.count == pageBytes, Self.word(page, 0) == number else {
            throw .corrupt("in the place of page \(number) is another one")
        }
        return page
    }

    private mutating func mark(_ number: UInt64) throws(StoreError) {
        guard number >= 2, number < pages else {
            throw .corrupt("there is no page \(number) in \(pages)")
        }
        let (word, bit) = (Int(number / 64), UInt64(1) << (number % 64))
        guard seen[word] & bit == 0 else { throw .corrupt("page \(number) is used twice") }
        seen[word] |= bit
    }

    /// Where the nodes of a page begin; each with its key, and its value if that is in the page,
    /// lies within it.
    private func nodes(_ page: [UInt8], _ number: UInt64) throws(StoreError) -> [Int] {
        let (lower, upper) = (Self.half(page, 12), Self.half(page, 14))
        guard lower > Self.headerBytes, lower % 2 == 0, lower <= upper, upper <= pageBytes else {
            throw .corrupt("page \(number) has wrong bounds")
        }
        let isLeaf = Self.half(page, 10) == Flag.leaf
        var nodes: [Int] = []
        for place in stride(from: Self.headerBytes, to: lower, by: 2) {
            let node = Self.half(page, place)
            guard node >= upper, node + Self.nodeHeaderBytes <= pageBytes else {
                throw .corrupt("page \(number) has a node outside")
            }
            var end = node + Self.nodeHeaderBytes + Self.half(page, node + 6)
            if isLeaf {
                let isBig = Self.half(page, node + 4) & Flag.bigData != 0
                end += isBig ? 8 : Self.valueBytes(page, node)
            }
            guard end <= pageBytes else { throw .corrupt("page \(number) has a node too long") }
            nodes.append(node)
        }
        return nodes
    }

    /// The value of a leaf's node; one on pages of its own is looked at, and returned if it is the
    /// free list's.
    private mutating func value(_ page: [UInt8], _ node: Int) throws(StoreError) -> [UInt8] {
        let count = Self.valueBytes(page, node)
        let start = node + Self.nodeHeaderBytes + Self.half(page, node + 6)
        guard Self.half(page, node + 4) & Flag.bigData != 0 else {
            return Array(page[start..<start + count])
        }
        let number = Self.word(page, start)
        let first = try take(number)
        let length = Self.half(first, 12) | Self.half(first, 14) << 16
        let needed = (Self.headerBytes + count + pageBytes - 1) / pageBytes
        guard Self.half(first, 10) == Flag.overflow, length >= needed else {
            throw .corrupt("page \(number) does not hold the value that it should")
        }
        for offset in 1..<max(1, length) { try mark(number &+ UInt64(offset)) }
        let place = number * UInt64(pageBytes) + UInt64(Self.headerBytes)
        return try file.read(count, at: place)
    }

    private static func table(_ bytes: [UInt8], _ offset: Int) -> Table {
        Table(depth: half(bytes, offset + 6), root: word(bytes, offset + 40))
    }

    private static func child(_ page: [UInt8], _ node: Int) -> UInt64 {
        UInt64(half(page, node)) | UInt64(half(page, node + 2)) << 16
            | UInt64(half(page, node + 4)) << 32
    }

    private static func valueBytes(_ page: [UInt8], _ node: Int) -> Int {
        half(page, node) | half(page, node + 2) << 16
    }

    private static func half(_ bytes: [UInt8], _ offset: Int) -> Int {
        Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }
}
