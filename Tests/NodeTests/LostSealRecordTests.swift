import API
import Cryptography
import NIOPosix
import Raft
import Replica
import Store
import TestSupport
import Testing
import Vault
import Wire

@testable import Barrier
@testable import Node
@testable import Replica

/// A node whose disk lost its seal record, or damaged it, beside others that have it. Found by
/// review: it said "not initialised", and looked no further.
@Suite("a seal record that is lost")
struct LostSealRecordTests {
    private struct Bench {
        let vault: VaultBench
        let workers = Workers(threads: 1, waitingMax: 8)
        private var path: String { vault.one.folder.path + "/node/holdfast.mdb" }

        /// The vault stands in the table, was looked over, and other members have copies.
        init(hasOthers: Bool = true) async throws {
            vault = try await VaultBench()
            let one = vault.one
            try await eventually("it is in the table") {
                one.store.view { $0.appliedIndex == $0.evaluatedIndex }
            }
            // The scrubber does not look again within a minute.
            try await eventually("a first pass") { one.replica.status.scrub.passes > 0 }
            if hasOthers { one.replica.membersChanged([NodeID(number: 2)]) }
        }

        /// As it is after a start: nothing was seen yet.
        func newKeeper() -> SealKeeper {
            SealKeeper(
                store: vault.one.store,
                replica: vault.one.replica,
                epoch: 0,
                logger: quietLogger
            )
        }

        /// Of the row in the table: the log and its batches have the key, too.
        private static let name = [32, 0] + ClearRecord.sealKey.bytes
        private static let other = Array(name.dropLast()) + [0]

        /// Flips a bit of the key, which hides the record, and nothing else.
        func lose() throws {
            try FileBytes.overwrite(Self.name, with: Self.other, in: path)
        }

        func giveBack() throws {
            try FileBytes.overwrite(Self.other, with: Self.name, in: path)
        }

        /// Flips a bit inside the record, so that its checksum is wrong.
        func damage(_ record: SealRecord) throws {
            let bytes = Array(record.shareSet.recipientPublicKey.prefix(32))
            try FileBytes.flip(1, at: 0, from: bytes, in: path)
        }

        /// The bucket of everything that has a fixed place is to be repaired.
        func expectRepair() async throws {
            let replica = vault.one.replica
            try await eventually("a repair was asked for", seconds: 20) {
                replica.status.scrub.doubtfulBuckets == [ClearRecord.sealKey.bucket]
            }
        }

        func stop() async {
            vault.one.stop()
            await workers.stop()
        }
    }

    /// What clients are told of a node's seal.
    private struct Asked {
        let calls: SealCalls

        init(_ one: TestReplica, _ keeper: SealKeeper, _ workers: Workers) throws {
            let settings = try SettingsReader.read(
                SettingsReaderTests.whole,
                path: "h.toml",
                environment: [:]
            )
            let state = NodeState(
                settings: settings,
                configuration: voters(3),
                selfID: NodeID(number: 1),
                clusterID: [UInt8](repeating: 7, count: 32),
                store: one.store,
                replica: one.replica,
                seal: keeper,
                clock: { Timestamp(nanoseconds: 1) }
            )
            calls = SealCalls(
                state: state,
                seal: keeper,
                replica: one.replica,
                workers: workers,
                opened: { _ in },
                logger: quietLogger
            )
        }

        private func answer(
            _ ask: (@escaping @Sendable (APIResponse) -> Void) -> Void
        ) async throws -> (status: Int, body: String) {
            let answers = Collector<APIResponse>()
            ask { answers.add($0) }
            try await eventually("an answer") { answers.count == 1 }
            return (answers.all[0].status, String(decoding: answers.all[0].body, as: UTF8.self))
        }

        func status() async throws -> (status: Int, body: String) {
            try await answer { calls.status($0) }
        }

        func health() async throws -> (status: Int, body: String) {
            try await answer { calls.health(HealthInput(), $0) }
        }

        func initStatus() async throws -> (status: Int, body: String) {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            return try await answer { calls.initStatus(on: loop, $0) }
        }

        func give(
            _ share: String,
            patience: Duration = .seconds(300)
        ) async throws -> (status: Int, body: String) {
            let (calls, deadline) = (calls, Moment.now + patience)
            return try await answer { completion in
                calls.workers.submit { _ in
                    calls.give(share, requestID: Array(1...16), deadline: deadline, completion)
                }
            }
        }
    }

    @Test("after a start nobody is told that there is no vault, and the repair begins")
    func afterStart() async throws {
        let bench = try await Bench()
        let asked = try Asked(bench.vault.one, bench.newKeeper(), bench.workers)
        try bench.lose()
        let health = try await asked.health()
        #expect(health.status == 503 && health.body.contains("being repaired"))
        try await bench.expectRepair()
        let status = try await asked.status()
        #expect(status.status == 503 && status.body.contains("being repaired"))
        // Waits for the repair, as long as it can.
        let made = try await asked.initStatus()
        #expect(made.status == 503 && made.body.contains("being repaired"))
        let share = bench.vault.shares[0]
        let given = try await asked.give(share, patience: .milliseconds(300))
        #expect(given.status == 503 && given.body.contains("being repaired"))

        try bench.giveBack()
        #expect(try await asked.health().body.contains(#""initialized":true,"sealed":true"#))
        #expect(try await asked.initStatus().body.contains(#""initialized":true"#))
        #expect(try await asked.give(share).body.contains(#""progress":1"#))
        await bench.stop()
    }

    @Test("what was seen before is told while the record is lost")
    func seenBefore() async throws {
        let bench = try await Bench()
        let keeper = bench.newKeeper()
        let asked = try Asked(bench.vault.one, keeper, bench.workers)
        let before = try await asked.status()
        #expect(before.body.contains(#""initialized":true,"sealed":true,"t":2,"n":3"#))
        try bench.lose()
        let after = try await asked.status()
        #expect(after == before)
        try await bench.expectRepair()
        #expect(try await asked.status() == before)
        let health = try await asked.health()
        #expect(health.status == 503)
        #expect(health.body.contains(#""initialized":true,"sealed":true"#))
        let made = try await asked.initStatus()
        #expect(made.status == 200 && made.body.contains(#""initialized":true"#))
        await bench.stop()
    }

    @Test("a node alone says that it cannot tell, as long as it has never seen the record")
    func alone() async throws {
        let bench = try await Bench(hasOthers: false)
        let asked = try Asked(bench.vault.one, bench.newKeeper(), bench.workers)
        try bench.lose()
        for answer in [
            try await asked.status(), try await asked.health(), try await asked.initStatus(),
            try await asked.give(bench.vault.shares[0]),
        ] {
            #expect(answer.status == 503 && answer.body.contains("being repaired"))
        }
        await bench.stop()
    }

    @Test("a record that cannot be read is had from others", arguments: [true, false])
    func damaged(hasOthers: Bool) async throws {
        let bench = try await Bench(hasOthers: hasOthers)
        guard case .found(let record) = try bench.newKeeper().look(mayWalk: false) else {
            return #expect(Bool(false), "there is no record to damage")
        }
        let asked = try Asked(bench.vault.one, bench.newKeeper(), bench.workers)
        try bench.damage(record)
        #expect(try await asked.health().status == (hasOthers ? 503 : 500))
        if hasOthers { try await bench.expectRepair() }
        await bench.stop()
    }

    @Test("where there is no vault all say so at once, and nothing is repaired")
    func noVault() async throws {
        let one = try TestReplica(voters: 1)
        try await one.lead()
        let keeper = SealKeeper(
            store: one.store,
            replica: one.replica,
            epoch: 0,
            logger: quietLogger
        )
        let workers = Workers(threads: 1, waitingMax: 8)
        let asked = try Asked(one, keeper, workers)
        // Where it may not be added up, it is not said.
        guard case .unseen = try keeper.look(mayWalk: false) else {
            return #expect(Bool(false), "an event loop walks")
        }
        let made = try await asked.initStatus()
        #expect(made.status == 200 && made.body.contains(#""initialized":false"#))
        // Others count only for who asks a majority.
        one.replica.membersChanged([NodeID(number: 2)])
        for _ in 0..<2 {
            let health = try await asked.health()
            #expect(health.status == 501 && health.body.contains(#""initialized":false"#))
            let status = try await asked.status()
            #expect(status.status == 200)
            #expect(status.body.contains(#""initialized":false,"sealed":true,"t":0,"n":0"#))
            #expect(try await asked.give("abandon").status == 400)
        }
        // The other one is silent, and this one has added up what it has.
        #expect(try await asked.initStatus().body.contains(#""initialized":false"#))
        #expect(one.replica.status.scrub.doubtfulBuckets.isEmpty)
        one.stop()
        await workers.stop()
    }

    @Test("a vault that was given up is forgotten")
    func abandoned() async throws {
        let bench = try await Bench()
        let keeper = bench.newKeeper()
        let asked = try Asked(bench.vault.one, keeper, bench.workers)
        #expect(try await asked.status().body.contains(#""initialized":true"#))
        #expect(keeper.lastSeen != nil)
        let one = bench.vault.one
        let batch = try one.store.view { view throws(BarrierError) in
            try VaultOpening.abandonBatch(view: view, requestID: Array(1...16), time: 2)
        }
        #expect(try await one.commit(try #require(batch)) == .applied)
        #expect(try await asked.health().status == 501)
        #expect(keeper.lastSeen == nil)
        #expect(try await asked.status().body.contains(#""initialized":false"#))
        await bench.stop()
    }
}
