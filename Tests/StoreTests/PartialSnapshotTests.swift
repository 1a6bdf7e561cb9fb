import Glibc
import Store
import TestSupport
import Testing

private func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = Seeded(seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

private func label(_ bytes: [UInt8], index: UInt64 = 7) -> SnapshotLabel {
    SnapshotLabel(
        index: index,
        term: 3,
        configuration: [1, 2, 3],
        bytes: UInt64(bytes.count),
        digest: testDigest(bytes)
    )
}

private struct PartialDamage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let spoil: @Sendable (String) -> Void
}

private let partialDamages: [PartialDamage] = [
    PartialDamage(testDescription: "no label") { _ = unsafe unlink($0 + ".label") },
    PartialDamage(testDescription: "no mark") { _ = unsafe unlink($0 + ".mark") },
    PartialDamage(testDescription: "no bytes") { _ = unsafe unlink($0) },
    PartialDamage(testDescription: "a flipped bit in the label") { flip($0 + ".label", at: 20) },
    PartialDamage(testDescription: "a flipped bit in the mark") { flip($0 + ".mark", at: 7) },
    PartialDamage(testDescription: "half a label") { path in
        writeFile(path + ".label", Array(readFile(path + ".label").prefix(40)))
    },
    PartialDamage(testDescription: "half a mark") { path in
        writeFile(path + ".mark", Array(readFile(path + ".mark").prefix(6)))
    },
    PartialDamage(testDescription: "an empty mark") { writeFile($0 + ".mark", []) },
    PartialDamage(testDescription: "fewer bytes than the mark says") { path in
        writeFile(path, Array(readFile(path).prefix(499)))
    },
    PartialDamage(testDescription: "another file's label") { path in
        let other = label(noise(1_001, seed: 2))
        #expect(throws: Never.self) { try other.write(beside: path) }
    },
]

/// A snapshot file that arrives in pieces, and crashes in between.
@Suite("Partial snapshots")
struct PartialSnapshotTests {
    /// One that has half of `bytes`, settled, and a few more that are not.
    private func half(of bytes: [UInt8], at path: String) throws {
        var partial = try PartialSnapshot(creating: path, label: label(bytes))
        try partial.append(Array(bytes[..<(bytes.count / 2)]))
        try partial.settle()
        try partial.append(Array(bytes[(bytes.count / 2)...].prefix(9)))
    }

    /// How far the one at `path` got; nil when there is none to go on with.
    private func offset(of path: String) throws -> UInt64? {
        guard let partial = try PartialSnapshot.resume(path) else { return nil }
        return partial.offset
    }

    @Test("goes on with what was settled, and only with that")
    func resumes() throws {
        let folder = TemporaryFolder()
        let (path, bytes) = (folder.path + "/part", noise(1_001))
        try half(of: bytes, at: path)
        do {
            guard var partial = try PartialSnapshot.resume(path) else {
                Issue.record("nothing to go on with")
                return
            }
            let (known, have) = (partial.label, partial.offset)
            #expect(known == label(bytes))
            #expect(have == 500)
            try partial.append(Array(bytes[500...]))
            let isWhole = partial.isWhole
            #expect(isWhole)
            try partial.finish(as: folder.path + "/whole")
        }
        #expect(readFile(folder.path + "/whole") == bytes)
        for suffix in ["", ".label", ".mark"] { #expect(!fileExists(path + suffix)) }
        #expect(try offset(of: path) == nil)
    }

    @Test("bytes are settled by themselves before many of them wait")
    func settles() throws {
        let folder = TemporaryFolder()
        let (path, slice) = (folder.path + "/part", [UInt8](repeating: 5, count: 1 << 20))
        let whole = SnapshotLabel(
            index: 7,
            term: 3,
            configuration: [],
            bytes: 64 << 20,
            digest: testDigest(slice)
        )
        var partial = try PartialSnapshot(creating: path, label: whole)
        for _ in 0..<31 { try partial.append(slice) }
        #expect(try offset(of: path) == nil)
        for _ in 31..<35 { try partial.append(slice) }
        #expect(try offset(of: path) == 32 << 20)
    }

    @Test("is nothing to go on with after damage", arguments: partialDamages)
    fileprivate func damaged(_ damage: PartialDamage) throws {
        let folder = TemporaryFolder()
        let (path, bytes) = (folder.path + "/part", noise(1_001))
        try half(of: bytes, at: path)
        damage.spoil(path)
        #expect(try offset(of: path) == nil)
        // What is there is in nobody's way.
        let partial = try PartialSnapshot(creating: path, label: label(bytes))
        let begun = partial.offset
        #expect(begun == 0)
    }

    @Test("a label comes back as it was")
    func labels() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/part"
        #expect(SnapshotLabel.read(beside: path) == nil)
        let first = label(noise(10))
        try first.write(beside: path)
        #expect(SnapshotLabel.read(beside: path) == first)
        let other = label(noise(10), index: 8)
        try other.write(beside: path)
        #expect(SnapshotLabel.read(beside: path) == other)
        try SnapshotLabel.remove(beside: path)
        #expect(SnapshotLabel.read(beside: path) == nil)
        try SnapshotLabel.remove(beside: path)
    }

    @Test("the label of an exported file says what it is")
    func ofManifest() throws {
        let folder = TemporaryFolder()
        let path = try InstallTests.snapshots(1, in: folder)[0]
        let manifest = try LocalStore.verifySnapshot(at: path, digest: testDigest)
        let label = try SnapshotLabel(of: manifest, at: path)
        let bytes = readFile(path)
        #expect(label.index == 10 && label.bytes == UInt64(bytes.count))
        #expect(label.digest == Array(bytes.suffix(32)))
    }

    // MARK: SIGKILL

    private static let roundsInStream: UInt64 = 8

    /// Votes, receives, installs, one file after the other, until it is killed: in the first half of
    /// the rounds within a stream, however fast the machine is, and later at any moment.
    private static func receiveUntilKilled(
        _ node: String,
        _ files: [String],
        seed: UInt64
    ) throws {
        let store = try LocalStore.open(folder: node, options: smallOptions, digest: testDigest)
        let state = try store.load()
        let acknowledged = unsafe open(node + "-done", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var random = Seeded(seed)
        let isInStream = seed <= roundsInStream
        var partsLeft = isInStream ? 1 + random.below(readFile(files[0]).count / 100) : .max
        if !isInStream {
            let delay = UInt32.random(in: 500...90_000, using: &random)
            _ = TestThread {
                usleep(delay)
                kill(getpid(), SIGKILL)
            }
        }
        var term = state.ballot.term
        let path = node + "/snapshot-arriving"
        for (position, file) in files.enumerated() {
            let index = UInt64(position + 1) * 10
            if index <= state.point.appliedIndex { continue }
            let manifest = try LocalStore.verifySnapshot(at: file, digest: testDigest)
            let label = try SnapshotLabel(of: manifest, at: file)
            let bytes = readFile(file)
            var partial: PartialSnapshot
            if let begun = try PartialSnapshot.resume(path) {
                precondition(begun.label == label, "the file that was not installed yet")
                let have = readFile(path)
                precondition(have == Array(bytes.prefix(have.count)), "a part of it")
                partial = begun
            } else {
                partial = try PartialSnapshot(creating: path, label: label)
            }
            term += 1
            try store.saveVote(term: term, vote: 2)
            try store.write { (t) throws(StoreError) in
                try t.setHardState(term: term, vote: 2, commit: t.point.commitIndex)
            }
            report("0 \(term)", acknowledged)
            while !partial.isWhole {
                let rest = bytes[Int(partial.offset)...].prefix(100)
                try partial.append(Array(rest))
                partsLeft -= 1
                if partsLeft == 0 { kill(getpid(), SIGKILL) }
                if random.next() % 8 == 0 {
                    try partial.settle()
                    report("\(index - 10) \(term) \(partial.offset)", acknowledged)
                }
            }
            let arrived = node + "/snapshot-arrived"
            try store.prepareSnapshot(from: path, as: arrived)
            try partial.finish(as: arrived)
            try store.importSnapshot(from: arrived)
            report("\(index) \(term)", acknowledged)
            try ChunkFile.remove(arrived)
        }
        if isInStream { kill(getpid(), SIGKILL) }
        while true { pause() }
    }

    private static func report(_ text: String, _ file: Int32) {
        let line = Array("\(text)\n".utf8)
        precondition(unsafe write(file, line, line.count) == line.count)
    }

    @Test("SIGKILL at any moment of a stream leaves the old or the new", .timeLimit(.minutes(2)))
    func killed() async throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let paths = try InstallTests.snapshots(6, in: source)
        _ = try InstallTests.follower(target)
        var partsKept = 0
        for round in 1...2 * Self.roundsInStream {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [node = target.node as String, paths = paths as [String], round = round as UInt64]
                in
                try Self.receiveUntilKilled(node, paths, seed: round)
            }
            let store = try target.open()
            let state = try store.load()
            let done = target.node + "-done"
            let lines = String(decoding: fileExists(done) ? readFile(done) : [], as: UTF8.self)
                .split(separator: "\n").map { $0.split(separator: " ").compactMap { UInt64($0) } }
            let index = lines.map { $0[0] }.max() ?? 0
            let term = lines.map { $0[1] }.max() ?? 7
            // Everything that was acknowledged is there, the vote first of all.
            #expect(state.point.appliedIndex >= index && state.point.appliedIndex % 10 == 0)
            #expect(state.ballot.term >= term)
            #expect(state.ballot.vote == (state.ballot.term == 7 ? 3 : 2))
            #expect(state.cluster == testCluster)
            let number = state.point.appliedIndex / 10
            #expect(try store.value(key(2, 1)) == (number == 0 ? nil : "\(number)"))
            let path = target.node + "/snapshot-arriving"
            guard let part = try PartialSnapshot.resume(path) else { continue }
            partsKept += 1
            let offset = part.offset
            // SIGKILL loses nothing that was written: the part is as long as was said last.
            if let last = lines.last, last.count == 3, last[0] == state.point.appliedIndex {
                #expect(offset >= last[2])
            }
        }
        #expect(partsKept > 0, "some kill must hit a stream")
    }
}
