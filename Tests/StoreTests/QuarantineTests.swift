import Glibc
import TestSupport
import Testing
import Wire

@testable import Store

/// A damaged database is put aside, and the folder begins a new life in the same cluster.
@Suite("Quarantine and rebuild")
struct QuarantineTests {
    /// Ten entries, a vote in term 4, a cluster record.
    private func used() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.saveVote(term: 4, vote: 2)
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 4, vote: 2, commit: 0)
            try transaction.appendEntries((1...10).map { entry($0, term: 3, body: [1, 2, 3]) })
        }
        return folder
    }

    private var newLife: ClusterRecord {
        var record = testCluster
        record.incarnation += 77
        return record
    }

    private func exists(_ folder: TemporaryFolder, _ name: String) -> Bool {
        unsafe access(folder.node + "/" + name, F_OK) == 0
    }

    /// Opens the folder again: nothing of the old log, the vote kept, the new life known.
    private func expectNewLife(_ folder: TemporaryFolder) throws {
        let state = try folder.open().load()
        #expect(state.entries.isEmpty && state.point.appliedIndex == 0)
        #expect(state.ballot == Ballot(term: 4, vote: 2))
        #expect(state.cluster == newLife)
        #expect(!exists(folder, "REBUILD"))
        #expect(LocalStore.clusterCopy(folder: folder.node) == newLife)
    }

    @Test("a new, empty database in the same cluster; the old one is kept aside with the reason")
    func quarantine() throws {
        let folder = try used()
        let old = readFile(folder.node + "/holdfast.mdb")
        try LocalStore.quarantine(folder: folder.node, reason: "page 7", cluster: newLife)
        try expectNewLife(folder)
        #expect(readFile(folder.node + "/quarantine/holdfast.mdb") == old)
        #expect(readFile(folder.node + "/quarantine/REASON") == Array("page 7\n".utf8))
        // It works like any other.
        let store = try folder.open()
        try store.saveVote(term: 5, vote: 1)
        try store.write { (transaction) throws(StoreError) in
            try transaction.setHardState(term: 5, vote: 1, commit: 0)
            try transaction.appendEntries([entry(1, term: 5, body: [9])])
        }
    }

    @Test("a copy of the cluster record outlives the database")
    func clusterCopy() throws {
        let folder = try used()
        #expect(LocalStore.clusterCopy(folder: folder.node) == testCluster)
        flip(folder.node + "/cluster", at: 20)
        #expect(LocalStore.clusterCopy(folder: folder.node) == nil)
        // The next store of the record mends it.
        let store = try folder.open()
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
        }
        #expect(LocalStore.clusterCopy(folder: folder.node) == testCluster)
    }

    enum Interruption: CaseIterable, Sendable {
        case nothingMoved, databaseMoved, formatRemoved, stageWritten, databaseHalfMade
        case formatWritten
    }

    /// What a crash after each durable step leaves, made by hand from its two neighbours.
    @Test("a crash at any step is finished by the next start", arguments: Interruption.allCases)
    func interruptions(_ interruption: Interruption) throws {
        let folder = try used()
        try LocalStore.quarantine(folder: folder.node, reason: "x", cluster: newLife)
        let node = folder.node
        let moving = readFile(node + "/REBUILD")
        if interruption != .nothingMoved {
            #expect(unsafe mkdir(node + "/quarantine", 0o700) == 0)
            #expect(
                unsafe rename(node + "/holdfast.mdb", node + "/quarantine/holdfast.mdb") == 0
            )
        }
        switch interruption {
        case .nothingMoved, .databaseMoved: break
        case .formatRemoved:
            #expect(unsafe unlink(node + "/FORMAT") == 0)
        case .stageWritten, .databaseHalfMade, .formatWritten:
            #expect(unsafe unlink(node + "/FORMAT") == 0)
            writeFile(node + "/REBUILD", second(moving))
            if interruption == .databaseHalfMade {
                writeFile(node + "/holdfast.mdb", [UInt8](repeating: 0, count: 5_000))
            }
            if interruption == .formatWritten {
                // The new database is complete, only the marker is left.
                _ = try folder.open()
                writeFile(node + "/REBUILD", second(moving))
            }
        }
        try expectNewLife(folder)
        #expect(exists(folder, "quarantine/holdfast.mdb"))
    }

    /// The same marker in its second stage.
    private func second(_ marker: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeUInt8(2)
        writer.writeBytes(Array(marker.dropFirst().dropLast(4)))
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    @Test("a damaged vote file begins at term 0: the new incarnation is what protects")
    func damagedVotes() throws {
        let folder = try used()
        writeFile(folder.node + "/vote", [UInt8](repeating: 7, count: 4 * 4_096))
        #expect(throws: StoreError.self) { try folder.open() }
        try LocalStore.quarantine(folder: folder.node, reason: "votes", cluster: newLife)
        let state = try folder.open().load()
        #expect(state.ballot == Ballot(term: 0, vote: nil) && state.cluster == newLife)
    }

    @Test("a damaged marker is an error, and nothing is touched")
    func damagedMarker() throws {
        let folder = try used()
        try LocalStore.quarantine(folder: folder.node, reason: "x", cluster: newLife)
        flip(folder.node + "/REBUILD", at: 3)
        #expect(throws: StoreError.self) { try folder.open() }
        #expect(exists(folder, "holdfast.mdb") && !exists(folder, "quarantine"))
    }

    /// In the order of `lmdb.h`: page not found, corrupted, other version, invalid, cursor full,
    /// page full, bad transaction.
    @Test(
        "what LMDB says of a damaged file is damage",
        arguments: [-30_797, -30_796, -30_794, -30_793, -30_787, -30_786, -30_782] as [Int32]
    )
    func codes(_ code: Int32) throws {
        let error = try #require(throws: StoreError.self) { try check(code, "mdb_put") }
        #expect(error.isDamage)
    }

    @Test("what is damage, and what a new database would not cure")
    func kinds() {
        #expect(StoreError.corrupt("x").isDamage)
        #expect(StoreError.logGap(after: 1, next: 3).isDamage)
        #expect(StoreError.damagedVoteFile("x").isDamage)
        #expect(!StoreError.full.isDamage)
        #expect(!StoreError.lockedByAnother(processID: 1).isDamage)
        #expect(!StoreError.twoVotes(term: 1, first: 1, second: 2).isDamage)
        #expect(!StoreError.system(code: EIO, operation: "open", path: "x").isDamage)
    }

    @Test("missing files of a folder that was in use are damage, never a new folder")
    func missing() throws {
        for name in ["holdfast.mdb", "vote", "FORMAT"] {
            let folder = try used()
            #expect(unsafe unlink(folder.node + "/" + name) == 0)
            do {
                _ = try folder.open()
                Issue.record("\(name) is not missed")
            } catch let error as StoreError {
                #expect(error.isDamage, "\(name): \(error)")
            }
        }
        // Not even when all of them are gone and only the cluster's name is left.
        let folder = try used()
        for name in ["holdfast.mdb", "vote", "FORMAT"] {
            _ = unsafe unlink(folder.node + "/" + name)
        }
        #expect(throws: StoreError.self) { try folder.open() }
    }

    @Test("a sound database is walked to its end")
    func walk() throws {
        let folder = try used()
        let walked = try folder.open().walkStructure()
        #expect(walked.rows >= 22)
    }
}
