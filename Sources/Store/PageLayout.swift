import Glibc

// LMDB 0.9 on disk, as far as a walk over its pages needs it. Its numbers are the machine's own:
// low byte first here.

/// A tree of pages: a named table, the table of their names, or the list of free pages.
///
/// Layout of its record: pad u32 · flags u16 · depth u16 · four counters u64 · root u64.
struct PageTable: Sendable, Equatable {
    static let bytes = 48
    static let topOffset = 40
    /// What stands in the place of a page's number where there is none.
    static let noPage = UInt64.max

    let depth: Int
    private let root: UInt64
    /// Keys are machine words, and in the order of those.
    let hasIntegerKeys: Bool

    init(_ record: [UInt8], at offset: Int) {
        hasIntegerKeys = record.half(offset + 4) & 8 != 0
        depth = record.half(offset + 6)
        root = record.word(offset + Self.topOffset)
    }

    /// Its topmost page; nil while it has no rows.
    var top: PagePlace? {
        root == Self.noPage ? nil : PagePlace(number: root, level: 1, low: nil, high: nil)
    }

    /// Whether one key comes before another.
    func precedes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        guard hasIntegerKeys, left.count == 8, right.count == 8 else {
            return left.lexicographicallyPrecedes(right)
        }
        return left.word < right.word
    }
}

/// Where a page must be, and what may be in it.
struct PagePlace: Sendable, Equatable {
    let number: UInt64
    /// 1 at the top of its tree.
    let level: Int
    /// No key is lower; nil: without bound.
    let low: [UInt8]?
    /// All keys are lower; nil: without bound.
    let high: [UInt8]?
}

/// What the header of one transaction says.
///
/// Behind the page's own header: magic u32 · version u32 · address u64 · map size u64 · the tables
/// of free pages and of names · last page u64 · transaction u64.
struct PageHeader {
    let transactionID: UInt64
    /// Pages of the file that were ever used.
    let pages: UInt64
    let free: PageTable
    let names: PageTable

    /// Bytes of a page: those of the machine that made the file, but no more than LMDB 0.9 knows.
    static let pageBytesRange = 4_096...32_768

    private static let tables = Page.headerBytes + 24
    /// Where a header page has the topmost page of the table of names.
    static let namesTopOffset = tables + PageTable.bytes + PageTable.topOffset

    init(_ page: [UInt8]) {
        let tables = Self.tables
        let last = tables + 2 * PageTable.bytes
        free = PageTable(page, at: tables)
        names = PageTable(page, at: tables + PageTable.bytes)
        pages = page.word(last) &+ 1
        transactionID = page.word(last + 8)
    }

    /// Bytes of a page of a file that LMDB makes here.
    static var pageBytesOfNew: Int {
        min(sysconf(Int32(_SC_PAGESIZE)), pageBytesRange.upperBound)
    }

    /// Bytes of a page of the file that begins like this: the first number of the first table of
    /// the first header.
    ///
    /// - Returns: nil for what can be no page's size, or when so little is there.
    static func pageBytes(_ beginning: [UInt8]) -> Int? {
        guard beginning.count >= pageBytesRange.lowerBound else { return nil }
        let bytes = Int(beginning.word(tables) & 0xFFFF_FFFF)
        return pageBytesRange.contains(bytes) && bytes & (bytes - 1) == 0 ? bytes : nil
    }

    /// What no header that LMDB 0.9 wrote into page `number`, 0 or 1, can say; nil: nothing.
    ///
    /// - Parameter page: as many bytes as the file's pages have.
    static func fault(_ page: [UInt8], of number: UInt64) -> String? {
        let start = Page.headerBytes
        if page.word(0) != number { return "says that it is page \(page.word(0))" }
        if page.half(10) != Page.Kind.header.rawValue { return "has flags \(page.half(10))" }
        guard page.word(start) == 1 << 32 | 0xBEEF_C0DE else {
            return "has the magic and version \(String(page.word(start), radix: 16))"
        }
        if page.word(start + 8) != 0 { return "wants an address for its map" }
        let pageBytes = page.word(tables) & 0xFFFF_FFFF
        if pageBytes != UInt64(page.count) { return "is of pages of \(pageBytes) bytes" }
        let header = PageHeader(page)
        if header.pages < 2 { return "knows \(header.pages) pages" }
        // Both are of transaction 0 when LMDB has just made them.
        guard header.transactionID & 1 == number || header.transactionID == 0 else {
            return "is of transaction \(header.transactionID), which belongs into the other"
        }
        return nil
    }

    /// - Throws: ``StoreError/corrupt(_:)`` for a page that no table of this one can have.
    func requireUsable(_ number: UInt64) throws(StoreError) {
        guard number >= 2, number < pages else {
            throw .corrupt("there is no page \(number) in \(pages)")
        }
    }
}

/// A page that was read, and is where it says.
///
/// Layout: its number u64 · pad u16 · flags u16 · lower u16 · upper u16, or of an overflow page how
/// many there are u32 · offsets of nodes u16 each. A node: two u16 of size or child · flags u16 ·
/// key size u16 · key · value.
struct Page {
    enum Kind: Int {
        case branch = 1
        case leaf = 2
        case overflow = 4
        case header = 8
    }

    static let headerBytes = 16
    private static let nodeBytes = 8

    let number: UInt64
    private let bytes: [UInt8]

    /// Reads page `number` of a file with pages of `pageBytes` bytes.
    init(
        _ number: UInt64,
        of file: borrowing FileDescriptor,
        _ pageBytes: Int
    ) throws(StoreError) {
        let bytes = try file.read(pageBytes, at: number * UInt64(pageBytes))
        guard bytes.count == pageBytes else {
            throw .corrupt("the file ends before page \(number)")
        }
        try self.init(bytes, at: number)
    }

    init(_ bytes: [UInt8], at number: UInt64) throws(StoreError) {
        guard bytes.word(0) == number else {
            throw .corrupt("in the place of page \(number) is another one")
        }
        self.number = number
        self.bytes = bytes
    }

    var flags: Int { bytes.half(10) }

    /// How many pages an overflow page and those behind it are.
    var length: Int { bytes.half(12) | bytes.half(14) << 16 }

    /// Where the nodes begin; each with its key, and its value if that is in the page, lies within
    /// it.
    func nodes() throws(StoreError) -> [Int] {
        let (lower, upper) = (bytes.half(12), bytes.half(14))
        guard lower > Self.headerBytes, lower % 2 == 0, lower <= upper, upper <= bytes.count else {
            throw .corrupt("page \(number) has wrong bounds")
        }
        let isLeaf = flags == Kind.leaf.rawValue
        var nodes: [Int] = []
        nodes.reserveCapacity((lower - Self.headerBytes) / 2)
        for place in stride(from: Self.headerBytes, to: lower, by: 2) {
            let node = bytes.half(place)
            guard node >= upper, node + Self.nodeBytes <= bytes.count else {
                throw .corrupt("page \(number) has a node outside")
            }
            var end = valueStart(node)
            if isLeaf { end += isBig(node) ? 8 : valueBytes(node) }
            guard end <= bytes.count else { throw .corrupt("page \(number) has a node too long") }
            nodes.append(node)
        }
        return nodes
    }

    func key(_ node: Int) -> ArraySlice<UInt8> { bytes[node + Self.nodeBytes..<valueStart(node)] }

    /// A branch's node: the page below.
    func child(_ node: Int) -> UInt64 {
        UInt64(bytes.half(node)) | UInt64(bytes.half(node + 2)) << 16
            | UInt64(bytes.half(node + 4)) << 32
    }

    /// A leaf's node: the value is on pages of its own.
    func isBig(_ node: Int) -> Bool { bytes.half(node + 4) & 1 != 0 }

    /// A leaf's node: the value is the record of a table.
    func isTable(_ node: Int) -> Bool { bytes.half(node + 4) & 2 != 0 }

    /// Bytes of a leaf's value, wherever they are.
    func valueBytes(_ node: Int) -> Int { bytes.half(node) | bytes.half(node + 2) << 16 }

    /// A value that is in the page.
    func value(_ node: Int) -> [UInt8] {
        Array(bytes[valueStart(node)..<valueStart(node) + valueBytes(node)])
    }

    /// The first page of a value that is not.
    func overflowPage(_ node: Int) -> UInt64 { bytes.word(valueStart(node)) }

    private func valueStart(_ node: Int) -> Int {
        node + Self.nodeBytes + bytes.half(node + 6)
    }
}

extension [UInt8] {
    fileprivate func half(_ offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }

    /// - Precondition: eight bytes are there.
    func word(_ offset: Int) -> UInt64 { self[offset..<offset + 8].word }
}

extension ArraySlice<UInt8> {
    fileprivate var word: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
