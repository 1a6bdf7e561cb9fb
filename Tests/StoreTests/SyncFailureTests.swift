import CFaults
import CrashImages
import Glibc
import Store
import TestSupport
import Testing

/// A fault for one call on one file, and the words that the last message must have.
struct SyncFault: Sendable, Codable, CustomTestStringConvertible {
    /// See `faults.h`.
    let plan: String
    let words: [String]

    var testDescription: String { plan }

    static let ofWrites = [
        SyncFault(plan: "sync */holdfast*.mdb 5 EIO", words: ["commit", "holdfast.mdb"]),
        SyncFault(plan: "write/dsync */holdfast*.mdb 4 EIO", words: ["commit", "holdfast.mdb"]),
        SyncFault(plan: "write/dsync */holdfast*.mdb 4 short", words: ["commit", "holdfast.mdb"]),
        SyncFault(plan: "write */holdfast*.mdb 9 EIO", words: ["holdfast.mdb"]),
        SyncFault(plan: "sync */vote 3 EIO", words: ["fdatasync", "node/vote"]),
        SyncFault(plan: "sync */vote 4 EIO", words: ["fdatasync", "node/vote"]),
        SyncFault(plan: "write */vote 7 EIO", words: ["pwrite", "node/vote"]),
    ]
}

/// From now on this process meets the faults of `plan`.
func inject(_ plan: String) {
    precondition(unsafe faults_plan(plan) == 0, "the plan does not parse: \(plan)")
}

/// Writes until a fault ends the process. Each step is acknowledged in a file once it is durable.
private func writeUntilFailed(_ path: String, plan: String) throws -> Never {
    let store = try LocalStore.open(
        folder: path + "/node",
        options: smallOptions,
        digest: testDigest
    )
    precondition(unsafe faults_record(path + "/trace", path + "/node") == 0, "no trace")
    inject(plan)
    let acknowledged = unsafe open(path + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    for round in UInt64(1)...20 {
        try store.saveVote(term: round, vote: 1)
        try store.write { (t) throws(StoreError) in
            if round == 1 { try t.setCluster(testCluster) }
            try t.setHardState(term: round, vote: 1, commit: t.point.commitIndex)
            let body = [UInt8](repeating: UInt8(round), count: 3_000)
            try t.appendEntries([entry(round, term: round, body: body)])
        }
        let line = Array("\(round)\n".utf8)
        precondition(unsafe write(acknowledged, line, line.count) == line.count)
    }
    exit(0)
}

@Suite("A sync that fails")
struct SyncFailureTests {
    private func errorText(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test(
        "ends the process with 70 and a message, is not tried again, and loses nothing",
        arguments: SyncFault.ofWrites
    )
    func ends(fault: SyncFault) async throws {
        let folder = TemporaryFolder()
        let result = await #expect(
            processExitsWith: .exitCode(70),
            observing: [\.standardErrorContent]
        ) { [path = folder.path as String, plan = fault.plan as String] in
            try writeUntilFailed(path, plan: plan)
        }
        let text = errorText(result)
        for word in fault.words + ["(errno 5)", "start this node again"] {
            #expect(text.contains(word), "\(word) is missing in: \(text)")
        }
        let trace = Trace(path: folder.path + "/trace")
        #expect(trace.hasFault)
        #expect(trace.barriersAfterFault == 0, "a sync after the failed one")
        let lines = String(decoding: readFile(folder.path + "/acknowledged"), as: UTF8.self)
            .split(separator: "\n")
        let last = try #require(lines.last.flatMap { UInt64($0) })
        let state = try folder.open().load()
        #expect(state.point.last.index >= last)
        #expect(state.ballot.term >= last && state.ballot.vote == 1)
        for entry in state.entries {
            #expect(entry.body == [UInt8](repeating: UInt8(entry.index), count: 3_000))
        }
    }

    @Test("of zeros written ahead of need ends the process as well")
    func preallocation() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(70),
            observing: [\.standardErrorContent]
        ) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            inject("sync */holdfast*.mdb 1 EIO")
            try store.preallocateIfNeeded()
            exit(0)
        }
        let text = errorText(result)
        #expect(text.contains("fdatasync failed on ") && text.contains("holdfast.mdb"))
        #expect(text.contains("(errno 5)"))
    }

    @Test("reserving space that fails for another reason than room says file, call and errno")
    func allocation() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            inject("allocate */holdfast*.mdb 1 EIO")
            do throws(StoreError) {
                try store.preallocateIfNeeded()
            } catch .system(code: EIO, operation: "posix_fallocate", let path) {
                exit(path == folder.node + "/holdfast.mdb" ? 42 : 1)
            } catch {
                exit(2)
            }
        }
    }

    @Test("of a folder while it is made ends the process")
    func folder() async {
        let result = await #expect(
            processExitsWith: .exitCode(70),
            observing: [\.standardErrorContent]
        ) {
            let folder = TemporaryFolder()
            inject("sync */node 1 EIO")
            _ = try folder.open()
            exit(0)
        }
        #expect(errorText(result).contains("fsync of the folder failed on "))
    }

    @Test("a vote written in two parts is whole")
    func shortVote() async throws {
        let folder = TemporaryFolder()
        await #expect(processExitsWith: .exitCode(0)) {
            [path = folder.node as String] in
            let store = try LocalStore.open(folder: path, options: smallOptions, digest: testDigest)
            inject("write */vote 1 short;write */vote 2 short;write */vote 5 short")
            try store.saveVote(term: 5, vote: 2)
            exit(faults_injected() == 3 ? 0 : 1)
        }
        #expect(try folder.open().load().ballot == Ballot(term: 5, vote: 2))
    }
}
