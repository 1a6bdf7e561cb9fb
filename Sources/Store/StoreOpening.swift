import CLMDB
import Glibc

/// What a data folder is opened into.
struct OpenedFiles: ~Copyable {
    let environment: Environment
    let voteFile: VoteFile
}

/// The two ways to open the files of a data folder whose lock is held.
struct StoreOpening {
    let folder: String
    let options: StoreOptions
    let databasePath: String
    let votePath: String

    /// LMDB makes its two header pages with one write; less is a making that was interrupted.
    private static let headerBytes: UInt64 = 8_192

    init(_ folder: borrowing DataFolder, options: StoreOptions) {
        self.folder = folder.path
        self.options = options
        databasePath = folder.databasePath
        votePath = folder.votePath
    }

    /// Opens a folder whose making was finished: all of it must be there.
    func openExisting() throws(StoreError) -> OpenedFiles {
        guard let voteFile = try VoteFile.open(votePath) else {
            throw .damagedVoteFile("it is missing beside a database")
        }
        guard let bytes = try size(databasePath), bytes >= Self.headerBytes else {
            throw .corrupt("database file is missing or shorter than its header")
        }
        let environment = try Environment(databasePath, options: options, isNew: false)
        return OpenedFiles(environment: environment, voteFile: voteFile)
    }

    /// Makes the files, over the rest of an interrupted making if there is one, but never over
    /// data.
    func create() throws(StoreError) -> OpenedFiles {
        if let term = storedTerm(), term > 0 {
            throw .corrupt("FORMAT is missing beside a vote file of term \(term)")
        }
        if let bytes = try size(databasePath), bytes < Self.headerBytes {
            try removeFile(databasePath)
            try removeFile(databasePath + "-lock")
        }
        let voteFile = try VoteFile.create(votePath, in: folder)
        let environment = try Environment(databasePath, options: options, isNew: true)
        try writeFirstPoint(environment)
        try syncFolder(folder)
        return OpenedFiles(environment: environment, voteFile: voteFile)
    }

    private func size(_ path: String) throws(StoreError) -> UInt64? {
        guard let file = try FileDescriptor.open(path, O_RDONLY) else { return nil }
        return try file.size()
    }

    /// The term of a vote file that is there and valid. An invalid one was being made.
    private func storedTerm() -> UInt64? {
        do throws(StoreError) {
            return try VoteFile.open(votePath)?.ballot.term
        } catch {
            return nil
        }
    }

    private func writeFirstPoint(_ environment: Environment) throws(StoreError) {
        var begun: OpaquePointer?
        try check(unsafe mdb_txn_begin(environment.handle, nil, 0, &begun), "mdb_txn_begin")
        guard let pointer = unsafe begun else { throw .lmdb(code: 0, operation: "mdb_txn_begin") }
        let transaction = unsafe Transaction(pointer)
        let tables = environment.tables
        do throws(StoreError) {
            let point = try HardPoint.read(transaction, tables)
            let cluster = try ClusterRecord.read(transaction, tables)
            guard point == nil || point == HardPoint(), cluster == nil else {
                throw .corrupt("FORMAT is missing beside a database that holds data")
            }
            try transaction.put(
                HardPoint().encoded().span,
                under: HardPoint.key,
                in: tables.hard
            )
        } catch {
            unsafe mdb_txn_abort(pointer)
            throw error
        }
        try checkCommit(unsafe mdb_txn_commit(pointer))
    }
}
