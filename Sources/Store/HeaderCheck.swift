import Glibc

/// The database's two header pages, held against each other and against what they lead to, before
/// LMDB opens the file.
///
/// LMDB takes the one with the higher transaction, whatever it is. So a bit of the newest header
/// that flips downwards opens the database as it was a transaction before, consistent in itself and
/// without what was acknowledged last; one of the older header that flips upwards does the same.
/// Three things speak against it:
///
/// - Transaction N writes header page N mod 2, and a header is durable before the next transaction
///   begins. So the two are of N and N - 1, each in its place, at each moment and after each crash:
///   a header is one write within a sector. Numbers that do not follow each other are damage, with
///   the one exception that ``requireSuccession(hasTransactions:)`` makes.
/// - ``HardPoint`` names the transaction that wrote it, and each transaction that reaches the disk
///   writes it. So the newest header must lead to a point of the same transaction.
/// - The other header must not lead to a point of a later one.
///
/// Pages that the older header leads to are whole after a crash: transaction N + 1 writes to pages
/// only that N - 1 had freed already, or that are new. Still nothing depends on them: where no
/// point can be read there, none speaks.
///
/// One point of a later transaction is legal. When the write of header N fails, LMDB writes it once
/// more with the number of N - 2 and the last page of that one, and with the tables of N. Nobody
/// was told that N is durable, and the process ends; first ``takeOut(after:)`` marks such a header.
/// Where it cannot, the last page may still tell: if it is lower than that of N - 1 it is not that
/// of N. If neither tells, such a header looks as one of N with a flipped bit does, and is damage:
/// other members have what N held, if anybody was told that it is durable.
///
/// Costs a flush, the two headers, and four pages or a few more.
///
/// `Store.docc` lists what each damage to the two leads to.
struct HeaderCheck: ~Copyable {
    /// LMDB has no deeper trees.
    private static let depthMax = 32

    private let file: FileDescriptor
    private let pageBytes: Int
    private let newest: PageHeader
    private let older: PageHeader

    private init(
        _ file: consuming FileDescriptor,
        _ pageBytes: Int,
        newest: PageHeader,
        older: PageHeader
    ) {
        self.file = file
        self.pageBytes = pageBytes
        self.newest = newest
        self.older = older
    }

    /// Throws when a header is not what it should be, or leads where it should not.
    ///
    /// - Parameters:
    ///   - path: of the database that is to be opened; nobody has it open.
    ///   - hasTransactions: whether each transaction on the file wrote a point, as far as its
    ///     points have transactions at all: not while an older program's folder is being raised,
    ///     and then points say nothing.
    static func run(_ path: String, hasTransactions: Bool) throws(StoreError) {
        guard let check = try begin(path, O_RDONLY) else {
            throw .corrupt("database file is missing or shorter than its header")
        }
        // What was marked by a process that has just ended may be nowhere but in memory: before
        // anything is written over the pages that it led to, the mark is on the disk.
        check.file.sync()
        try check.requireSuccession(hasTransactions: hasTransactions)
        if hasTransactions { try check.comparePoints() }
    }

    /// Reads the headers, whether or not they follow each other.
    ///
    /// - Returns: nil when there are no two.
    private static func begin(_ path: String, _ flags: Int32) throws(StoreError) -> HeaderCheck? {
        guard let file = try FileDescriptor.open(path, flags) else { return nil }
        let least = PageHeader.pageBytesRange.lowerBound
        // LMDB takes it from there, too. Without one the first header is found wrong.
        let pageBytes = PageHeader.pageBytes(try file.read(least, at: 0)) ?? least
        var headers: [PageHeader] = []
        for number in UInt64(0)...1 {
            let page = try file.read(pageBytes, at: number * UInt64(pageBytes))
            guard page.count == pageBytes else { return nil }
            if let fault = PageHeader.fault(page, of: number) {
                throw .corrupt("header page \(number) of the database \(fault)")
            }
            headers.append(PageHeader(page))
        }
        let isSecond = headers[1].transactionID > headers[0].transactionID
        let (newest, older) = (headers[isSecond ? 1 : 0], headers[isSecond ? 0 : 1])
        guard older.pages <= newest.pages else {
            throw .corrupt(
                "header pages of the database know \(older.pages) pages in transaction "
                    + "\(older.transactionID) and \(newest.pages) in \(newest.transactionID)"
            )
        }
        let bytes = try file.size()
        guard newest.pages <= bytes / UInt64(pageBytes) else {
            throw .corrupt("database file has \(bytes) bytes, its header \(newest.pages) pages")
        }
        return HeaderCheck(file, pageBytes, newest: newest, older: older)
    }

    /// Whether the two are of transactions that follow each other, or as LMDB makes them.
    private var isSuccession: Bool {
        newest.transactionID == older.transactionID &+ 1 || newest.transactionID == 0
    }

    /// Accepts other numbers only where the points prove that the older header's became lower and
    /// nothing else happened: LMDB opens the newest one, which is right, and writes over the other
    /// with the next commit.
    ///
    /// Each point must be the very one that belongs there. Had the newest header's number changed,
    /// its point would be of another transaction. Were the other header in truth of a later one,
    /// its point would be, too. And if that is of one before N - 1, a write of that header was
    /// lost, and the next one, of N + 1, may have been as well: nothing else would show it. Without
    /// a point there is no exception.
    private func requireSuccession(hasTransactions: Bool) throws(StoreError) {
        if isSuccession { return }
        if hasTransactions, try pointTransaction(newest) == newest.transactionID,
            let id = try? pointTransaction(older), id == newest.transactionID &- 1
        {
            return
        }
        throw .corrupt(
            "header pages of the database are of transactions \(newest.transactionID) and "
                + "\(older.transactionID), which do not follow each other"
        )
    }

    private func comparePoints() throws(StoreError) {
        // Without an answer it is an older format, or damage that is found where it is read.
        if let id = try pointTransaction(newest), id != newest.transactionID {
            throw .corrupt(
                "the newest header page of the database is of transaction "
                    + "\(newest.transactionID), what it leads to of \(id)"
            )
        }
        guard let id = laterTransaction(), older.pages >= newest.pages else { return }
        throw .corrupt(
            "the newest header page of the database is of transaction \(newest.transactionID), but "
                + "the one of \(older.transactionID) leads to what is of \(id)"
        )
    }

    /// The transaction of the older header's point, if that is later than the newest header's.
    private func laterTransaction() -> UInt64? {
        guard let id = try? pointTransaction(older), id > newest.transactionID else { return nil }
        return id
    }

    /// Marks the header of a transaction whose commit failed in the write of its header, if there
    /// is one: its table of names gets no pages. LMDB does not look at it any more, and writes over
    /// all of it with the next transaction.
    ///
    /// Only where a commit has just failed and the process is about to end. It is within the sector
    /// that LMDB has just written, so on the disk there is both or neither, but for a crash at just
    /// this moment.
    ///
    /// - Parameter path: of the database.
    static func takeOut(after path: String) {
        do throws(StoreError) {
            guard let check = try begin(path, O_RDWR) else { return }
            guard check.isSuccession,
                check.laterTransaction() == check.newest.transactionID &+ 1
            else { return }
            let none = [UInt8](repeating: UInt8.max, count: 8)
            let page = (check.older.transactionID & 1) * UInt64(check.pageBytes)
            try check.file.write(none, at: page + UInt64(PageHeader.namesTopOffset))
        } catch {
            // The process ends, with an error that came before this one.
        }
    }

    // MARK: what a header leads to

    /// Which transaction wrote the point that a header leads to; nil when it does not say.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` for a page on the way that is none.
    private func pointTransaction(_ header: PageHeader) throws(StoreError) -> UInt64? {
        guard let name = try row(Array("hard".utf8), of: header.names, in: header),
            name.page.isTable(name.node), !name.page.isBig(name.node),
            name.page.valueBytes(name.node) == PageTable.bytes
        else { return nil }
        let hard = PageTable(name.page.value(name.node), at: 0)
        guard let point = try row(HardPoint.key.bytes, of: hard, in: header),
            !point.page.isBig(point.node)
        else { return nil }
        return HardPoint.transactionID(of: point.page.value(point.node))
    }

    /// Looks a row up as LMDB does.
    private func row(
        _ key: [UInt8],
        of table: PageTable,
        in header: PageHeader
    ) throws(StoreError) -> (page: Page, node: Int)? {
        guard var number = table.top?.number else { return nil }
        guard (1...Self.depthMax).contains(table.depth) else {
            throw .corrupt("a table says that it is \(table.depth) pages deep")
        }
        for level in 1...table.depth {
            try header.requireUsable(number)
            let page = try Page(number, of: file, pageBytes)
            let isLeaf = level == table.depth
            guard page.flags == (isLeaf ? Page.Kind.leaf : .branch).rawValue else {
                throw .corrupt("page \(number) has flags \(page.flags) on level \(level)")
            }
            let nodes = try page.nodes()
            if isLeaf {
                return nodes.first { page.key($0) == key[...] }.map { (page, $0) }
            }
            // The first node of a branch has no key of its own.
            let below = nodes.dropFirst().last { !table.precedes(key[...], page.key($0)) }
            number = page.child(below ?? nodes[0])
        }
        return nil
    }
}
