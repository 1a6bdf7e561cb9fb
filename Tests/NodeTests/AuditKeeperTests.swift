import API
import Audit
import Barrier
import Cryptography
import Engines
import TestSupport
import Testing
import Vault
import Wire

@testable import Node

/// A node's audit log over a vault of its own.
@Suite("audit keeper")
struct AuditKeeperTests {
    private static let clock: @Sendable () -> Timestamp = {
        Timestamp(nanoseconds: 1_790_000_000_000_000_000)
    }

    private func makeKeeper(_ bench: VaultBench, data: String? = nil) -> AuditKeeper {
        let seal = bench.keeper
        return AuditKeeper(
            place(bench, data: data),
            store: bench.one.store,
            clock: Self.clock,
            logger: quietLogger
        ) { seal.unsealed?.keyring.audit }
    }

    private func place(_ bench: VaultBench, data: String? = nil) -> AuditPlace {
        AuditPlace(
            data: data ?? bench.one.folder.path,
            name: "eu-1",
            pin: [UInt8](repeating: 0xA1, count: 32)
        )
    }

    /// Writes a line and waits for what becomes of it.
    private func write(_ keeper: AuditKeeper, _ line: [UInt8]) async throws -> AuditOutcome {
        let outcomes = Collector<AuditOutcome>()
        keeper.write(line) { outcomes.add($0) }
        try await eventually("the line is decided") { outcomes.count == 1 }
        return outcomes.all[0]
    }

    /// All records of the vault's log, as the keys open them.
    private func readRecords(
        _ bench: VaultBench,
        generation: UInt64 = 1
    ) throws -> [JSONObject] {
        let unsealed = try #require(bench.keeper.unsealed)
        let folder = place(bench).folder(of: unsealed.keyring.vaultID, generation: generation)
        let pair = try unsealed.keyring.audit.keyPair()
        var lines: [JSONObject] = []
        for number in try AuditReader.segments(in: folder) {
            for entry in try AuditReader.records(
                ofSegment: number,
                in: folder,
                with: pair.privateKey
            ) {
                lines.append(try #require(try JSONScanner.parse(entry.record).asObject))
            }
        }
        return lines
    }

    @Test("there is no log before there is a vault")
    func noVault() async throws {
        let one = try TestReplica(voters: 1)
        defer { one.stop() }
        let keeper = AuditKeeper(
            AuditPlace(data: one.folder.path, name: "eu-1", pin: [1, 2, 3, 4]),
            store: one.store,
            clock: Self.clock,
            logger: quietLogger
        ) { nil }
        #expect(try await write(keeper, Array("{}".utf8)) == .noVault)
        await keeper.stop()
    }

    @Test("a sealed node writes, and the folder shows nothing; with the keys it can be read")
    func sealed() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        let keeper = makeKeeper(bench)
        let heads = Collector<AuditHead>()
        keeper.deliver { heads.add($0) }
        let line = Array(#"{"type":"request","request":{"path":"visible/nowhere"}}"#.utf8)
        guard case .written(let leaf) = try await write(keeper, line) else {
            Issue.record("a sealed node did not write")
            return
        }
        #expect(leaf.count == 32)
        await keeper.stop()
        #expect(heads.count == 1, "a stop leaves nothing uncovered")
        guard case .unsigned(let checkpoint) = try #require(heads.all.first) else {
            Issue.record("a sealed node signed")
            return
        }
        #expect(checkpoint.size == 2, "the opening and the line")
        try await bench.unseal()
        let records = try readRecords(bench)
        #expect(records.count == 1)
        #expect(records[0]["request"]?.asObject?["path"]?.asString == "visible/nowhere")
    }

    @Test("what cannot be written is refused, and so is what does not fit the queue's bound")
    func refused() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        // A path below a file: no folder can be made there.
        let keeper = makeKeeper(bench, data: bench.one.folder.path + "/node/LOCK-no-such/below")
        #expect(try await write(keeper, [1]) == .refused)
        #expect(keeper.counters.numbers.refused == 1)
        let long = [UInt8](repeating: 1, count: AuditLimits.recordBytesMax + 1)
        #expect(try await write(keeper, long) == .refused)
        await keeper.stop()
    }

    // MARK: Requests

    private func request(_ path: String, token: String, id: UInt8 = 7) -> VaultRequest {
        VaultRequest(
            operation: .update,
            path: path,
            token: Array(token.utf8),
            fields: ["data": ["password": "hunter2"]],
            requestID: [UInt8](repeating: id, count: 16)
        )
    }

    private func makeAudit(
        _ request: VaultRequest,
        _ bench: VaultBench,
        _ keeper: AuditKeeper,
        isCeremony: Bool = false
    ) -> RequestAudit {
        RequestAudit(
            AuditEntry(request),
            isCeremony: isCeremony,
            keys: bench.keeper.unsealed?.keyring.audit,
            keeper: keeper,
            clock: Self.clock
        )
    }

    private func announce(_ audit: RequestAudit) async throws -> [UInt8]? {
        let seen = Collector<[UInt8]?>()
        audit.announce { announcement in
            guard case .recorded(let leaf) = announcement else { return seen.add(nil) }
            seen.add(leaf)
        }
        try await eventually("it is announced") { seen.count == 1 }
        return seen.all[0]
    }

    private func answer(_ audit: RequestAudit, _ response: APIResponse) async throws -> Int {
        let seen = Collector<Int>()
        audit.answer(response) { seen.add($0.status) }
        try await eventually("it is answered") { seen.count == 1 }
        return seen.all[0]
    }

    @Test("a write is a leaf before and a leaf after, and no secret is in either")
    func write() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let keeper = makeKeeper(bench)
        let audit = makeAudit(request("secret/data/a", token: "s.secretToken"), bench, keeper)
        let leaf = try #require(try await announce(audit))
        #expect(try await announce(audit) == leaf, "announced once")
        #expect(audit.leaf == leaf)
        let body = Array(#"{"data":{"key":"swordfish","version":3},"warnings":null}"#.utf8)
        #expect(try await answer(audit, APIResponse(status: 200, body: body)) == 200)
        await keeper.stop()
        let records = try readRecords(bench)
        #expect(records.map { $0["type"]?.asString } == ["request", "response"])
        let hash = ValueHash(key: try #require(bench.keeper.unsealed).keyring.audit.hash)
        let token = records[0]["auth"]?.asObject?["client_token"]?.asString
        #expect(token == hash.text("s.secretToken"))
        let data = records[1]["response"]?.asObject?["data"]?.asObject
        #expect(data?["key"]?.asString == hash.text("swordfish"))
        #expect(data?["version"]?.asInt == 3)
        for record in records {
            let text = String(
                decoding: JSONValue.object(record).encoded(sortingKeys: false),
                as: UTF8.self
            )
            for secret in ["hunter2", "swordfish", "secretToken"] {
                #expect(!text.contains(secret))
            }
        }
    }

    @Test("of a ceremony, and on a sealed node, no body and no token is recorded")
    func ceremony() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        let keeper = makeKeeper(bench)
        let body = Array(#"{"data":{"share":"word word"},"errors":["no such luck"]}"#.utf8)
        let sealed = makeAudit(request("sys/unseal", token: "s.given"), bench, keeper)
        sealed.took(share: "share 2 of group 1")
        #expect(try await answer(sealed, APIResponse(status: 400, body: body)) == 400)
        try await bench.unseal()
        let ceremony = makeAudit(request("sys/init", token: ""), bench, keeper, isCeremony: true)
        #expect(try await answer(ceremony, APIResponse(status: 200, body: body)) == 200)
        await keeper.stop()
        let records = try readRecords(bench)
        #expect(records[0]["error"]?.asString == "no such luck")
        #expect(records[0]["share"]?.asString == "share 2 of group 1")
        #expect(records[0]["request"]?.asObject?["client_token"] == nil)
        #expect(records[0]["request"]?.asObject?["data"] == nil)
        for record in records { #expect(record["response"]?.asObject?["data"] == nil) }
    }

    @Test("no audit, no answer: and never 'not applied' of what may have been")
    func noAnswer() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let blocked = makeKeeper(bench, data: bench.one.folder.path + "/nowhere/at/all")
        let read = makeAudit(request("secret/data/a", token: "s.x"), bench, blocked)
        #expect(try await announce(read) == nil, "a write that cannot be recorded is not made")
        #expect(try await answer(read, APIResponse(status: 200)) == 503)
        await blocked.stop()
        // Announced, and then the log takes nothing more.
        let keeper = makeKeeper(bench)
        let write = makeAudit(request("secret/data/b", token: "s.x"), bench, keeper)
        #expect(try await announce(write) != nil)
        await keeper.stop()
        #expect(try await answer(write, APIResponse(status: 204)) == 409)
    }

    @Test("a write whose answer was never recorded is found, once")
    func unanswered() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let first = makeKeeper(bench)
        let answered = makeAudit(request("secret/data/a", token: "s.x", id: 1), bench, first)
        _ = try await announce(answered)
        _ = try await answer(answered, APIResponse(status: 204))
        let lost = makeAudit(request("secret/data/b", token: "s.x", id: 2), bench, first)
        _ = try await announce(lost)
        await first.stop()

        let workers = Workers(threads: 1, waitingMax: 8)
        for pass in 1...2 {
            let next = makeKeeper(bench)
            let recovery = AuditRecovery(
                keeper: next,
                parts: (bench.one.store, bench.one.replica, workers),
                clock: Self.clock,
                logger: quietLogger
            )
            next.begin()
            recovery.nodeUnsealed(try #require(bench.keeper.unsealed))
            try await eventually("it has looked") {
                try readRecords(bench).count(where: Self.isMark) == pass
            }
            await next.stop()
        }
        await workers.stop()
        let outcomes = try readRecords(bench).filter {
            $0["error"]?.asString?.contains("outcome unknown") == true
        }
        #expect(outcomes.count == 1, "said once, however often the node starts")
        let request = outcomes.first?["request"]?.asObject
        #expect(request?["path"]?.asString == "secret/data/b")
        #expect(request?["id"]?.asString == uuidText([UInt8](repeating: 2, count: 16)))
    }

    @Test("beside a damaged log another one is begun, which tells of it, and the damage stays")
    func damaged() async throws {
        let bench = try await VaultBench()
        defer { bench.one.stop() }
        try await bench.unseal()
        let first = makeKeeper(bench)
        #expect(try await write(first, Array("{}".utf8)) != .refused)
        await first.stop()
        let vaultID = try #require(bench.keeper.unsealed).keyring.vaultID
        let folder = place(bench).folder(of: vaultID)
        let path = folder + "/audit-000000000001.log"
        var bytes = try FileBytes.read(path)
        bytes[40] ^= 1
        try FileBytes.write(bytes, to: path)

        for _ in 1...2 {
            let next = makeKeeper(bench)
            let heads = Collector<AuditHead>()
            next.deliver { heads.add($0) }
            #expect(try await write(next, Array(#"{"type":"later"}"#.utf8)) != .refused)
            #expect(next.counters.numbers.damagedLogs == 1)
            await next.stop()
            guard case .signed(let note) = try #require(heads.all.last) else {
                Issue.record("not signed")
                return
            }
            let origin = place(bench).origin(of: vaultID, generation: 2)
            #expect(try Audit.Checkpoint(text: note.text).origin == origin)
        }
        #expect(try FileBytes.read(path) == bytes, "the damaged log is as it was")
        let records = try readRecords(bench, generation: 2)
        #expect(records.count == 3, "what broke, once, and two lines")
        let request = records[0]["request"]?.asObject
        #expect(request?["path"]?.asString == AuditBreak.path)
        let data = request?["data"]?.asObject
        let origin = place(bench).origin(of: vaultID)
        #expect(data?["log"]?.asString == origin)
        #expect(records[0]["error"]?.asString?.contains("is damaged at byte") == true)
    }

    private static func isMark(_ record: JSONObject) -> Bool {
        record["request"]?.asObject?["path"]?.asString == AuditRecovery.markPath
    }
}

@Suite("anchors")
struct AnchorTests {
    private func signer(_ seed: UInt8) throws -> NoteSigner {
        let bytes = [UInt8](repeating: seed, count: 32)
        return try NoteSigner(
            name: "holdfast/v",
            key: SigningKey(seed: SecretBytes(copying: bytes.span))
        )
    }

    private func head(_ size: UInt64, _ root: UInt8, origin: String = "holdfast/v/eu-1")
        -> Audit.Checkpoint
    {
        let hash = TreeHash.leaf([root])
        return Audit.Checkpoint(origin: origin, size: size, root: hash)
    }

    @Test("a log that goes on is taken; one that went back, or has two histories, is not")
    func guardian() throws {
        let key = try signer(1)
        let newest = try head(5, 1).signed(by: key)
        let guardian = AnchorGuard(newest: [newest.bytes, [1, 2]], key: key.verifier)
        let origin = "holdfast/v/eu-1"
        #expect(guardian.judge(.unsigned(head(6, 2)), of: origin) == .taken(head(6, 2)))
        let next = try head(6, 2).signed(by: key)
        #expect(guardian.judge(.signed(next), of: origin) == .taken(head(6, 2)))
        #expect(guardian.judge(.unsigned(head(5, 1)), of: origin) == .known)
        let foreign = try head(9, 2).signed(by: try signer(2))
        guard case .refused = guardian.judge(.unsigned(head(4, 1)), of: origin),
            case .refused = guardian.judge(.unsigned(head(5, 2)), of: origin),
            case .refused = guardian.judge(.unsigned(head(9, 2)), of: "holdfast/v/us-1"),
            case .refused = guardian.judge(.signed(foreign), of: origin)
        else {
            Issue.record("a head that cannot be was taken")
            return
        }
        // A log that was begun beside a damaged one, and the damaged one coming back.
        let second = head(1, 1, origin: origin + ".2")
        #expect(guardian.judge(.unsigned(second), of: origin) == .taken(second))
        let later = AnchorGuard(
            newest: [newest.bytes, try second.signed(by: key).bytes],
            key: key.verifier
        )
        #expect(later.judge(.unsigned(second), of: origin) == .known)
        guard case .refused = later.judge(.unsigned(head(6, 2)), of: origin) else {
            Issue.record("a log came back that was given up")
            return
        }
        let other = head(1, 1, origin: "holdfast/v/us-1")
        #expect(guardian.judge(.unsigned(other), of: "holdfast/v/us-1") == .taken(other))
    }

    @Test("a head travels between members as it is, and damage never traps")
    func heads() throws {
        let signed = try head(7, 3).signed(by: try signer(1))
        for sent in [AuditHead.unsigned(head(6, 2)), .signed(signed)] {
            var writer = ByteWriter(capacity: 256)
            sent.write(into: &writer)
            var reader = ByteReader(writer.bytes)
            #expect(try AuditHead(from: &reader) == sent)
            for length in 0..<writer.bytes.count {
                var cut = ByteReader(Array(writer.bytes.prefix(length)))
                #expect(throws: WireError.self) { _ = try AuditHead(from: &cut) }
            }
        }
        var other = ByteReader([3, 0])
        #expect(throws: WireError.self) { _ = try AuditHead(from: &other) }
    }

    @Test("the cluster's log of anchors is read back as it was, and signs what it holds")
    func anchorLog() throws {
        let key = try signer(1)
        var log = AnchorLog()
        let notes = try (1...3).map { try head(UInt64($0), 1).signed(by: key) }
        try log.add(notes, origin: "holdfast/v/anchors", by: key)
        #expect(log.size == 3)
        #expect(try AnchorLog(decoding: log.encoded()) == log)
        let signed = try SignedCheckpoint(SignedNote(log.note), keys: [key.verifier])
        #expect(signed.checkpoint.size == 3 && signed.checkpoint.root == log.frontier.root)
        let bytes = log.encoded()
        for length in 0..<bytes.count {
            #expect(throws: WireError.self) {
                _ = try AnchorLog(decoding: Array(bytes.prefix(length)))
            }
        }
    }
}
