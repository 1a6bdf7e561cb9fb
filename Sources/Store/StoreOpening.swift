import CLMDB
import Glibc

/// What a data folder is opened into.
struct OpenedFiles: ~Copyable {
    let environment: Environment
    let voteFile: VoteFile
}

/// The two ways to open the files of a data folder.
struct StoreOpening {
    let options: StoreOptions
    let digest: DigestFunction

    /// Opens a folder, or makes what belongs into it.
    func open(_ folder: DataFolder) throws(StoreError) -> OpenedFiles {
        if let rebuild = try Rebuild(in: folder.path) { return try finish(rebuild, folder) }
        guard let format = try folder.format() else { return try create(folder) }
        return try openExisting(folder, format)
    }

    /// Opens a folder whose making was finished: all of it must be there.
    private func openExisting(
        _ folder: DataFolder,
        _ format: UInt64
    ) throws(StoreError) -> OpenedFiles {
        guard let voteFile = try VoteFile.open(folder.votePath) else {
            throw .damagedVoteFile("it is missing beside a database")
        }
        try HeaderCheck.run(
            folder.databasePath,
            hasTransactions: format == DataFolder.formatVersion
        )
        let environment = try Environment(folder, options: options, isNew: false, format: format)
        if format < DigestBuilding.formatVersion {
            try DigestBuilding(environment: environment, options: options, digest: digest).run()
        }
        // The marker comes last: until it is there, an older program may still open the folder and
        // change records without telling the digest, so it is added up again. A record in pieces,
        // which it would call damaged, is written only afterwards.
        if format < DataFolder.formatVersion {
            try environment.folder.writeFormat()
            try renewPoint(environment)
        }
        // What an earlier process was filling, or had replaced, is of no use to anyone.
        try folder.removeOtherDatabases()
        return OpenedFiles(environment: environment, voteFile: voteFile)
    }

    /// Makes the files, over the rest of an interrupted making if there is one, but never over
    /// data.
    private func create(_ folder: DataFolder) throws(StoreError) -> OpenedFiles {
        if let term = storedTerm(folder.votePath), term > 0 {
            throw .corrupt("FORMAT is missing beside a vote file of term \(term)")
        }
        if ClusterFile(folder: folder.path).read() != nil {
            throw .corrupt("FORMAT is missing beside a copy of the cluster record")
        }
        if try isHeaderUnfinished(folder.databasePath) {
            try removeFile(folder.databasePath)
            try removeFile(folder.databasePath + "-lock")
        }
        let environment = try Environment(folder, options: options, isNew: true)
        try writeFirstPoint(environment)
        let path = environment.folder.path
        let voteFile = try VoteFile.create(environment.folder.votePath, in: path)
        try environment.folder.writeFormat()
        return OpenedFiles(environment: environment, voteFile: voteFile)
    }

    /// Goes on with a rebuild where the process before left off; see ``Rebuild``.
    private func finish(
        _ begun: Rebuild,
        _ folder: DataFolder
    ) throws(StoreError) -> OpenedFiles {
        var rebuild = begun
        if rebuild.stage == .moving {
            try rebuild.moveAway(from: folder)
            rebuild.stage = .making
            try rebuild.write(in: folder.path)
        }
        let marker = folder.path + "/" + Rebuild.name
        if let format = try folder.format() {
            try removeFile(marker)
            return try openExisting(folder, format)
        }
        try removeFile(folder.databasePath)
        try removeFile(folder.databasePath + "-lock")
        let environment = try Environment(folder, options: options, isNew: true)
        try writeFirstPoint(environment, cluster: rebuild.cluster)
        let path = environment.folder.path
        try ClusterFile(folder: path).write(rebuild.cluster)
        let voteFile: VoteFile
        if let kept = soundVoteFile(environment.folder.votePath) {
            voteFile = kept
        } else {
            voteFile = try VoteFile.create(environment.folder.votePath, in: path)
        }
        try environment.folder.writeFormat()
        try removeFile(marker)
        try syncFolder(path)
        return OpenedFiles(environment: environment, voteFile: voteFile)
    }

    /// The vote file, if it is there and at least one copy in it is valid.
    private func soundVoteFile(_ path: String) -> VoteFile? {
        do throws(StoreError) {
            return try VoteFile.open(path)
        } catch {
            return nil
        }
    }

    /// Whether the header was written only in part, or its blocks were never flushed. LMDB makes
    /// its two pages with one write, which is flushed before anything follows it, so a part of it
    /// alone holds nothing.
    private func isHeaderUnfinished(_ path: String) throws(StoreError) -> Bool {
        guard let file = try FileDescriptor.open(path, O_RDONLY) else { return false }
        var header = try file.read(2 * PageHeader.pageBytesRange.upperBound, at: 0)
        let pageBytes = PageHeader.pageBytes(header) ?? PageHeader.pageBytesOfNew
        if header.count < 2 * pageBytes { return true }
        header.removeLast(header.count - 2 * pageBytes)
        if header.allSatisfy({ $0 == 0 }) { return true }
        guard try file.size() == UInt64(header.count) else { return false }
        return header[..<pageBytes].allSatisfy { $0 == 0 }
            || header[pageBytes...].allSatisfy { $0 == 0 }
    }

    /// The term of a vote file that is there and valid. An invalid one was being made.
    private func storedTerm(_ path: String) -> UInt64? {
        do throws(StoreError) {
            return try VoteFile.open(path)?.ballot.term
        } catch {
            return nil
        }
    }

    func writeFirstPoint(
        _ environment: Environment,
        cluster: ClusterRecord? = nil
    ) throws(StoreError) {
        let tables = environment.tables
        try environment.transact { (transaction) throws(StoreError) in
            let point = try HardPoint.read(transaction, tables)
            let stored = try ClusterRecord.read(transaction, tables)
            guard point == nil || point == HardPoint(), stored == nil else {
                throw .corrupt("FORMAT is missing beside a database that holds data")
            }
            try transaction.put(
                HardPoint().encoded(by: transaction.id).span,
                under: HardPoint.key,
                in: tables.hard
            )
            try DigestTable.write(all: StateSum(), transaction, tables)
            if let cluster {
                try transaction.put(
                    cluster.encoded().span,
                    under: ClusterRecord.key,
                    in: tables.hard
                )
            }
        }
    }

    /// Tables were made and the digest was added up without a word to the point. Not before the
    /// marker: an older program does not know a point of today.
    private func renewPoint(_ environment: Environment) throws(StoreError) {
        try environment.transact { (transaction) throws(StoreError) in
            guard let bytes = try transaction.value(of: HardPoint.key, in: environment.tables.hard),
                // A damaged one stays: the node will say so.
                let point = try? HardPoint(decoding: bytes)
            else { return }
            let renewed = point.encoded(by: transaction.id)
            try transaction.put(renewed.span, under: HardPoint.key, in: environment.tables.hard)
        }
    }
}

extension Environment {
    /// One write transaction of an opening, which has no hard state to stand on yet: whoever makes
    /// one sees to it that a point of it, or of a later one, is written. Nothing of it remains when
    /// `body` throws.
    func transact(_ body: (Transaction) throws(StoreError) -> Void) throws(StoreError) {
        var begun: OpaquePointer?
        try check(unsafe mdb_txn_begin(handle, nil, 0, &begun), "mdb_txn_begin")
        guard let pointer = unsafe begun else { throw .lmdb(code: 0, operation: "mdb_txn_begin") }
        do throws(StoreError) {
            try body(unsafe Transaction(pointer))
        } catch {
            unsafe mdb_txn_abort(pointer)
            throw error
        }
        try checkCommit(unsafe mdb_txn_commit(pointer), path)
    }
}
