import Glibc
import Store
import TestSupport
import Testing
import Wire

@Suite("Damaged and foreign data folders")
struct DamageTests {
    /// A folder with ten entries, five of them applied, one record, a vote in term 4.
    private func used() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.saveVote(term: 4, vote: 2)
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 4, vote: 2, commit: 0)
            try transaction.appendEntries((1...10).map { entry($0, term: 3, body: body($0)) })
        }
        try store.commit([.put(key(1, 1), record("a value on disk"))])
        try store.applyThrough(5)
        return folder
    }

    private func body(_ index: UInt64) -> [UInt8] {
        Array("body of entry \(index) ".utf8) + [UInt8](repeating: UInt8(index), count: 2_500)
    }

    private func loadError(_ folder: TemporaryFolder) -> StoreError? {
        do {
            _ = try folder.open().load()
            return nil
        } catch {
            return error as? StoreError
        }
    }

    private func database(_ folder: TemporaryFolder) -> String { folder.node + "/holdfast.mdb" }

    /// Flips a byte in each place of the database where `needle` stands, `offset` bytes into it.
    private func damage(_ folder: TemporaryFolder, _ needle: [UInt8], at offset: Int) {
        let places = FileBytes.places(of: needle, in: readFile(database(folder)))
        precondition(!places.isEmpty, "nothing to damage")
        for place in places {
            flip(database(folder), at: place + offset)
        }
    }

    private func bigEndian(_ numbers: UInt64...) -> [UInt8] {
        var writer = ByteWriter()
        for number in numbers {
            writer.writeUInt64(number)
        }
        return writer.bytes
    }

    // MARK: log

    @Test("a damaged header is told from a damaged body", arguments: [UInt64(1), 5, 10])
    func headerOrBody(index: UInt64) throws {
        let header = try used()
        damage(header, testDigest(body(index)), at: 7)
        #expect(
            loadError(header)
                == .damagedLogHeader(index: index, reason: "malformed input: checksum")
        )

        let first = try used()
        damage(first, Array("body of entry \(index) ".utf8), at: 3)
        try expectLostBody(index, first)

        let second = try used()
        damage(second, [UInt8](repeating: UInt8(index), count: 600), at: 599)
        try expectLostBody(index, second)
    }

    /// One body is lost, its entry keeps its place, and the right body can be put back.
    private func expectLostBody(_ index: UInt64, _ folder: TemporaryFolder) throws {
        do {
            let store = try folder.open()
            let state = try store.load()
            let lost = try #require(state.damagedBodies.first)
            #expect(state.damagedBodies.count == 1)
            #expect(lost.index == index && lost.term == 3)
            #expect(lost.digest == testDigest(body(index)) && lost.bytes == body(index).count)
            #expect(lost.error == .damagedLogBody(index: index, reason: lost.reason))
            #expect(state.entries.map(\.index) == (1...10).filter { $0 != index })
            #expect(state.point.last.index == 10)
            #expect(throws: StoreError.self) {
                try store.write { (transaction) throws(StoreError) in
                    _ = try transaction.repairBody(at: index, term: 3, body: body(index + 1))
                }
            }
            #expect(store.body(at: index, term: 3, digest: lost.digest) == nil)
            try store.write { (transaction) throws(StoreError) in
                let isOther = try transaction.repairBody(at: index, term: 2, body: body(index))
                let isThere = try transaction.repairBody(at: index, term: 3, body: body(index))
                #expect(!isOther && isThere)
            }
            #expect(store.body(at: index, term: 3, digest: lost.digest) == body(index))
        }
        let state = try folder.open().load()
        #expect(state.damagedBodies.isEmpty && state.entries.count == 10)
        #expect(state.entries.allSatisfy { $0.body == body($0.index) })
    }

    @Test("any byte of a header row that flips is found", arguments: 0..<14)
    func headerBytes(back: Int) throws {
        let folder = try used()
        damage(folder, testDigest(body(4)), at: -1 - back)
        guard case .damagedLogHeader(index: 4, _) = loadError(folder) else {
            Issue.record("byte \(back) before the digest was not found")
            return
        }
    }

    @Test("a header that is whole but of another log is found by the chain")
    func chain() throws {
        let folder = try used()
        var bytes = readFile(database(folder))
        // A row is 14 bytes, body digest, chain hash, and a checksum over index and all of it.
        for place in FileBytes.places(of: testDigest(body(4)), in: bytes) {
            let start = place - 14
            bytes[start + 46] ^= 1
            var writer = ByteWriter()
            writer.writeUInt32(
                crc32c(bytes[start..<start + 78], continuing: crc32c(bigEndian(4)))
            )
            bytes.replaceSubrange(start + 78..<start + 82, with: writer.bytes)
        }
        writeFile(database(folder), bytes)
        #expect(
            loadError(folder)
                == .damagedLogHeader(index: 4, reason: "its hash does not continue the chain")
        )
    }

    @Test("a damaged key of a header is a gap")
    func headerKey() throws {
        let folder = try used()
        let littleEndian = Array(bigEndian(7).reversed())
        damage(folder, littleEndian + [1, 1] + bigEndian(3), at: 0)
        #expect(loadError(folder) == .logGap(after: 6, next: 23))
    }

    @Test("a missing end of the log is told from a short one")
    func tailMissing() throws {
        let folder = try used()
        let bytes = readFile(database(folder))
        let end = try folder.open().load().point.last
        // The point record stores the log's end 42 bytes after its own beginning.
        for place in FileBytes.places(of: bigEndian(10, 3) + end.chainHash, in: bytes) {
            var row = Array(bytes[(place - 42)..<(place + 112)])
            row.replaceSubrange(42..<50, with: bigEndian(12))
            var writer = ByteWriter()
            writer.writeBytes(row)
            writer.writeUInt32(crc32c(row))
            var changed = readFile(database(folder))
            changed.replaceSubrange((place - 42)..<(place + 116), with: writer.bytes)
            writeFile(database(folder), changed)
        }
        #expect(loadError(folder) == .logTailMissing(have: 10, want: 12))
    }

    // MARK: hard state

    @Test("damaged hard state is found", arguments: [0, 20, 60])
    func point(offset: Int) throws {
        let folder = try used()
        let end = try folder.open().load().point.last
        damage(folder, bigEndian(10, 3) + end.chainHash, at: offset - 20)
        guard case .damagedHardState = loadError(folder) else {
            Issue.record("not found")
            return
        }
    }

    @Test("a damaged cluster record is found")
    func cluster() throws {
        let folder = try used()
        damage(folder, testCluster.clusterID, at: 31)
        #expect(loadError(folder) == .damagedHardState("cluster record fails its checksum"))
    }

    @Test("a damaged record is not an absent one")
    func damagedRecord() throws {
        let folder = try used()
        damage(folder, Array("a value on disk".utf8), at: 4)
        let store = try folder.open()
        _ = try store.load()
        let expected = StoreError.damagedRecord(
            key: Hex.encode(key(1, 1).bytes),
            reason: "record checksum"
        )
        #expect(throws: expected) { try store.value(key(1, 1)) }
        #expect(throws: expected) { try store.keys(prefix(1)) }
        #expect(throws: expected) {
            try store.view { (view) throws(StoreError) in
                try evaluate(batch([.check(key(1, 1), modificationIndex: 1)]), at: 6, in: view)
            }
        }
    }

    // MARK: files

    @Test(
        "a truncated database is refused before it is read",
        arguments: [0, 1, 100, 4_096, 8_191, 8_192, 12_288, 20_000]
    )
    func truncatedDatabase(bytes: Int) throws {
        let folder = try used()
        cutFile(database(folder), to: bytes)
        guard case .corrupt = loadError(folder) else {
            Issue.record("opened")
            return
        }
    }

    @Test("a database whose header pages are damaged is refused")
    func headerPages() throws {
        let folder = try used()
        flip(database(folder), at: 16)
        flip(database(folder), at: 4_096 + 16)
        guard case .corrupt = loadError(folder) else {
            Issue.record("opened")
            return
        }
    }

    @Test("a missing file of a finished folder is refused", arguments: ["vote", "holdfast.mdb"])
    func missingFile(name: String) throws {
        let folder = try used()
        deleteFile(folder.node + "/" + name)
        switch loadError(folder) {
        case .damagedVoteFile: #expect(name == "vote")
        case .corrupt: #expect(name == "holdfast.mdb")
        case let other: Issue.record("unexpected: \(String(describing: other))")
        }
        #expect(!fileExists(folder.node + "/" + name), "it must not be made anew")
    }

    @Test("data without FORMAT is refused, also if only the vote file is left", arguments: [0, 1])
    func missingFormat(case number: Int) throws {
        let folder = try used()
        deleteFile(folder.node + "/FORMAT")
        if number == 1 { deleteFile(database(folder)) }
        let before = readFile(folder.node + "/vote")
        guard case .corrupt(let reason) = loadError(folder) else {
            Issue.record("opened")
            return
        }
        #expect(reason.contains("FORMAT is missing"))
        #expect(readFile(folder.node + "/vote") == before)
    }

    @Test("an interrupted making is done again")
    func interruptedMaking() throws {
        let folder = TemporaryFolder()
        _ = try folder.open()
        deleteFile(folder.node + "/FORMAT")
        _ = try folder.open()
        deleteFile(folder.node + "/FORMAT")
        writeFile(folder.node + "/vote", [1, 2, 3])
        writeFile(database(folder), [UInt8](repeating: 0, count: 5_000))
        _ = try folder.open()
        deleteFile(folder.node + "/FORMAT")
        deleteFile(folder.node + "/vote")
        // Space was reserved and then the power failed.
        writeFile(database(folder), [UInt8](repeating: 0, count: 20_000))
        let store = try folder.open()
        #expect(try store.load().cluster == nil)
        #expect(
            String(decoding: readFile(folder.node + "/FORMAT"), as: UTF8.self)
                == newestFormat
        )
    }

    @Test("a folder of a newer format is refused, one with no sense too")
    func format() throws {
        let folder = try used()
        // "holdfast store 7" has this CRC-32C, by another program.
        writeFile(folder.node + "/FORMAT", Array("holdfast store 7 8c50b745\n".utf8))
        #expect(loadError(folder) == .wrongFormat(have: 7, want: 6))
        for text in [
            "", "holdfast store 1", "holdfast store x\n", "holdfast store 0\n", "other\n",
            "holdfast store 6\n", "holdfast store 7\n", "holdfast store 06 7e3b3446\n",
        ] {
            writeFile(folder.node + "/FORMAT", Array(text.utf8))
            guard case .corrupt = loadError(folder) else {
                Issue.record("opened with FORMAT \"\(text)\"")
                continue
            }
        }
    }

    // Found by a run of random corruptions: "4" became "5", and the node told its operator to
    // install a newer program instead of mending itself.
    @Test("no flipped bit of FORMAT makes another format of it")
    func flippedFormat() throws {
        let folder = try used()
        let sound = readFile(folder.node + "/FORMAT")
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << (bit % 8)
            writeFile(folder.node + "/FORMAT", bytes)
            guard case .corrupt = loadError(folder) else {
                Issue.record("opened, or took for another format, with bit \(bit) flipped")
                continue
            }
        }
        writeFile(folder.node + "/FORMAT", sound)
        #expect(loadError(folder) == nil)
    }

    @Test("files and folder are for their owner only")
    func permissions() throws {
        let folder = try used()
        for (name, mode) in [
            ("", 0o700), ("/LOCK", 0o600), ("/FORMAT", 0o600), ("/vote", 0o600),
            ("/holdfast.mdb", 0o600), ("/holdfast.mdb-lock", 0o600),
        ] {
            #expect(permissionBits(folder.node + name) == UInt32(mode), "\(name)")
        }
    }

    @Test("a second opening of the folder is refused and names the holder")
    func lockedHere() throws {
        let folder = try used()
        let store = try folder.open()
        #expect(throws: StoreError.lockedByAnother(processID: getpid())) { try folder.open() }
        _ = store
    }

    @Test("a second process is refused and names the holder")
    func lockedElsewhere() async throws {
        let folder = try used()
        let store = try folder.open()
        await #expect(processExitsWith: .exitCode(42)) { [path = folder.node as String] in
            do throws(StoreError) {
                _ = try LocalStore.open(folder: path, options: smallOptions, digest: testDigest)
            } catch {
                exit(error == .lockedByAnother(processID: getppid()) ? 42 : 1)
            }
        }
        _ = store
    }

    @Test("errors say what, whose fault, and what to do")
    func texts() throws {
        let errors: [StoreError] = [
            .lmdb(code: -30_798, operation: "mdb_get"),
            .system(code: ENOENT, operation: "open", path: "/x"), .corrupt("a"),
            .damagedLogHeader(index: 1, reason: "r"), .damagedLogBody(index: 1, reason: "r"),
            .logGap(after: 1, next: 3), .logTailMissing(have: 1, want: 2), .damagedHardState("a"),
            .damagedVoteFile("a"), .twoVotes(term: 1, first: 2, second: 3),
            .damagedRecord(key: "00", reason: "r"), .damagedSnapshot("a"),
            .damagedBucket(number: 7, reason: "r"), .evaluatedOnLoss(index: 1, key: "00"),
            .unsuitableSnapshot("a"), .malformedBatch("a"), .unknownOperation(code: 9), .full,
            .lockedByAnother(processID: 5), .lockedByAnother(processID: nil),
            .wrongFormat(have: 2, want: 1), .networkFileSystem(path: "/x", kind: "NFS"),
            .otherCluster(have: "aa", want: "bb"), .misuse("a"), .cancelled,
            .viewExpired(seconds: 30),
        ]
        for error in errors {
            #expect(!error.summary.isEmpty && !error.remedy.isEmpty)
            #expect(!error.summary.hasSuffix(".") && !error.remedy.hasSuffix("."))
            #expect(error.description == error.summary)
        }
        #expect(Set(errors.map(\.summary)).count == errors.count)
    }
}
