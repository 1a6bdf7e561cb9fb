import Audit
import Client
import Commands
import Cryptography
import TestSupport
import Testing
import Wire

/// A log with a checkpoint behind each of its three batches, as a node would leave it.
private struct WrittenLog {
    let folder = TemporaryFolder()
    let key: String
    let notes: [SignedNote]

    init(origin: String = "holdfast/demo/eu-1") throws {
        let pair = try HPKERecipient.keyPair(from: SecretBytes.random(count: 32))
        let log = try LogIdentity(vaultID: [UInt8](repeating: 0xAB, count: 16), origin: origin)
        let seed = SecretBytes(copying: [UInt8](repeating: 1, count: 32).span)
        let signer = try NoteSigner(name: "holdfast/demo", key: SigningKey(seed: seed))
        key = signer.verifier.text
        var entropy = SystemEntropy()
        let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        let settings = AuditLog.Settings(
            folder: folder.path,
            log: log,
            recipient: pair.publicKey
        )
        var writer = try AuditLog.open(settings, at: now, entropy: &entropy)
        var notes: [SignedNote] = []
        for batch in UInt8(0)..<3 {
            _ = try writer.append([[batch], [batch, 1]], at: now, entropy: &entropy)
            notes.append(try writer.checkpoint(by: signer))
        }
        self.notes = notes
    }

    var file: String { folder.path + "/audit-000000000001.log" }

    /// A file with the checkpoints, an empty line between two of them.
    func writeAnchors() throws -> String {
        let path = folder.path + "/anchors"
        try write(Array(notes.map(\.bytes).joined(separator: [0x0A])), to: path)
        return path
    }

    func write(_ bytes: [UInt8], to path: String) throws {
        try LocalFile.writePrivate(path, bytes)
    }

    func read(_ path: String) throws -> [UInt8] { try LocalFile.read(path, atMost: 1 << 20) }
}

@Suite("audit commands")
struct AuditCommandTests {
    @Test("verify: what is shown, and what is not, without and with anchors")
    func verify() async throws {
        let log = try WrittenLog()
        let anchors = try log.writeAnchors()
        try await Script.run(
            """
            holdfast audit verify -folder=\(log.folder.path) -key=\(log.key)
            stdout 'Log              holdfast/demo/eu-1'
            stdout 'Leaves           7'
            stdout 'Signed Leaves    7, 3 checkpoints'
            stdout 'complete and unaltered up to leaf 6'
            stdout 'nothing proves that there is no more behind leaf 6'
            stderr 'hint: holdfast audit verify … -anchors=FILE'
            holdfast audit verify --folder \(log.folder.path) --key \(log.key) -anchors=\(anchors)
            stdout 'Anchored Leaves    7, 3 anchors'
            stdout 'nothing up to there was cut'
            ! stderr 'hint'
            holdfast audit verify -folder=\(log.folder.path) -key=\(log.key) -format=json
            stdout-json
            stdout '"intact": true'
            stdout '"anchored_leaves": null'
            """
        )
    }

    @Test("verify: no line is longer than 100 columns")
    func columns() async throws {
        let log = try WrittenLog()
        try log.write(Array(try log.read(log.file).dropLast(400)), to: log.file)
        let anchors = try log.writeAnchors()
        let output = Collector<String>()
        let terminal = Terminal(
            inputIsTerminal: true,
            outputIsTerminal: false,
            sink: { stream, text in if stream == .result { output.add(text) } },
            hiddenLine: { _ in "" },
            pipedInput: { _ in [] }
        )
        for more in [[], ["-anchors=\(anchors)"]] {
            _ = await CommandLineTool.run(
                ["audit", "verify", "-folder=\(log.folder.path)", "-key=\(log.key)"] + more,
                environment: [:],
                terminal: terminal
            )
        }
        let lines = output.all.joined().split(separator: "\n")
        #expect(lines.count > 15)
        for line in lines { #expect(line.count <= 100, "\(line)") }
    }

    @Test("verify: findings end with 1, on standard output")
    func findings() async throws {
        let log = try WrittenLog()
        let anchors = try log.writeAnchors()
        let good = try log.read(log.file)
        var bytes = good
        bytes[bytes.count * 3 / 4] ^= 1
        try log.write(bytes, to: log.file)
        try await Script.run(
            """
            !1 holdfast audit verify -folder=\(log.folder.path) -key=\(log.key)
            stdout 'damaged: audit-000000000001.log is damaged at byte'
            stdout 'the log is not what was written'
            stderr 'hint: copy the folder'
            !1 holdfast audit verify -folder=\(log.folder.path) -key=\(log.key) -format=json
            stdout-json
            stdout '"intact": false'
            stdout '"kind": "damaged"'
            """
        )
        try log.write(Array(good.dropLast(250)), to: log.file)
        try await Script.run(
            """
            holdfast audit verify -folder=\(log.folder.path) -key=\(log.key)
            !1 holdfast audit verify -folder=\(log.folder.path) -key=\(log.key) -anchors=\(anchors)
            stdout 'truncated: the log ends after'
            """
        )
    }

    @Test("prove and check a proof")
    func prove() async throws {
        let log = try WrittenLog()
        let proof = log.folder.path + "/proof"
        try await Script.run(
            """
            holdfast audit prove -folder=\(log.folder.path) -leaf=4 -key=\(log.key)
            stdout-json
            stdout '"leaf_index": 4'
            holdfast audit prove -folder=\(log.folder.path) -leaf=4 -key=\(log.key) -out=\(proof)
            stdout 'leaf 4 of 7: proof in'
            stderr 'hint: holdfast audit verify -proof='
            holdfast audit verify -proof=\(proof) -key=\(log.key)
            stdout-is
            |proven: leaf 4 of 7 in holdfast/demo/eu-1
            holdfast audit verify -proof=\(proof) -key=\(log.key) -format=json
            stdout-json
            stdout '"proven": true'
            !1 holdfast audit prove -folder=\(log.folder.path) -leaf=7 -key=\(log.key)
            stderr 'no checkpoint covers leaf 7'
            stdout-empty
            """
        )
        let text = String(decoding: try log.read(proof), as: UTF8.self)
        let changed = text.replacing("\"leaf_index\": 4", with: "\"leaf_index\": 5")
        #expect(changed != text)
        try log.write(Array(changed.utf8), to: proof)
        try await Script.run(
            """
            !1 holdfast audit verify -proof=\(proof) -key=\(log.key)
            stderr 'not a proof: the leaf and the path do not lead to the signed root'
            stdout-empty
            """
        )
    }

    @Test("what is wrong with the command line or the files is said")
    func mistakes() async throws {
        let log = try WrittenLog()
        let empty = TemporaryFolder()
        let stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        let anchors = try log.writeAnchors()
        try await Script.run(
            """
            !64 holdfast audit verify -folder=x
            stderr '-key is needed'
            !64 holdfast audit verify -key=\(log.key)
            stderr 'one of -folder and -proof is needed'
            !64 holdfast audit verify -key=\(log.key) -proof=x -anchors=y
            !64 holdfast audit prove -key=\(log.key) -folder=x
            !1 holdfast audit verify -folder=\(log.folder.path) -key=nonsense
            stderr 'not a verifier key'
            !1 holdfast audit verify -folder=\(empty.path) -key=\(log.key)
            stderr 'there is no audit log in'
            !1 holdfast audit verify -folder=\(empty.path)/none -key=\(log.key)
            stderr 'opendir failed'
            !1 holdfast audit verify -folder=\(log.folder.path) -key=\(stranger) -anchors=\(anchors)
            stderr 'which is not a given key'
            stdout-empty
            !1 holdfast audit prove -folder=\(log.folder.path) -leaf=1 -key=\(stranger)
            stderr 'no checkpoint covers leaf 1'
            !1 holdfast audit verify -proof=\(log.file) -key=\(log.key)
            stderr 'not a proof'
            """
        )
    }

    /// A log of two records: a denied read and an answered login.
    private func readableLog() throws -> (folder: TemporaryFolder, answer: String) {
        let records = [
            #"{"time":"2026-11-27T01:02:03.0456Z","type":"request","auth":{"accessor":"#
                + #""hmac-sha256:aa","policy_results":{"allowed":false},"display_name":"app"},"#
                + #""request":{"operation":"read","path":"secret/data/a\nb","remote_address":"#
                + #""10.0.0.1"},"error":"1 error occurred:\n\t* permission denied\n\n"}"#,
            #"{"time":"2026-11-27T01:02:04Z","type":"response","auth":{"entity_id":"e-1"},"#
                + #""request":{"operation":"update","path":"auth/up/login/bob"},"response":{"#
                + #""auth":{"accessor":"hmac-sha256:bb","display_name":"up-bob"}}}"#,
        ]
        let folder = TemporaryFolder()
        let pair = try HPKERecipient.keyPair(from: SecretBytes.random(count: 32))
        let log = try LogIdentity(
            vaultID: [UInt8](repeating: 1, count: 16),
            origin: "holdfast/demo/eu-1"
        )
        let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        let settings = AuditLog.Settings(
            folder: folder.path,
            log: log,
            recipient: pair.publicKey
        )
        var entropy = SystemEntropy()
        var writer = try AuditLog.open(settings, at: now, entropy: &entropy)
        _ = try writer.append(records.map { Array($0.utf8) }, at: now, entropy: &entropy)
        var tail = AuditTail(folder: folder.path, segment: 1)
        guard case .opened(let opening) = try tail.next() else { throw AuditError.empty(path: "") }
        let key = Base64.encode(try opening.secret(with: pair.privateKey).exposedCopy())
        let data = #"{"key":"\#(key)","hash":"hmac-sha256:aa"}"#
        return (folder, #"200 {"request_id":"r","data":\#(data)}"#)
    }

    @Test("tail: one line for each record, the wanted ones only")
    func tail() async throws {
        let (folder, answer) = try readableLog()
        let command = "holdfast audit tail -folder=\(folder.path)"
        let denied =
            #"1 2026-11-27T01:02:03.045Z denied   read   secret/data/a\nb: 1 error occurred: "#
            + "* permission denied by app from 10.0.0.1"
        let login = "2 2026-11-27T01:02:04.000Z answered update auth/up/login/bob by up-bob"
        try await Script.run(
            """
            server PUT /v1/sys/audit-key -> \(answer)
            \(command)
            stdout-is
            |\(denied)
            |\(login)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -n 1
            stdout-is
            |\(login)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) --errors
            stdout-is
            |\(denied)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -accessor=plain
            stdout-is
            |\(denied)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -accessor=hmac-sha256:bb
            stdout-is
            |\(login)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -entity=e-1 -path=auth/
            stdout-is
            |\(login)
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -path=sys/
            stdout-empty
            server PUT /v1/sys/audit-key -> \(answer)
            \(command) -n 1 -format=json
            stdout-json
            stdout '{"leaf":2,"time":"2026-11-27T01:02:04Z","type":"response"'
            server PUT /v1/sys/audit-key -> 403 {"errors":["permission denied"]}
            !2 \(command)
            stderr 'permission denied'
            !64 \(command) -n 100001
            stderr '-n takes 0 to 100000'
            """
        )
    }

    @Test("tail: a terminal gets 100 columns")
    func tailColumns() async throws {
        let (folder, answer) = try readableLog()
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.json(200, String(answer.dropFirst(4))))
        let output = Collector<String>()
        let terminal = Terminal(
            inputIsTerminal: true,
            outputIsTerminal: true,
            sink: { stream, text in if stream == .result { output.add(text) } },
            hiddenLine: { _ in "" },
            pipedInput: { _ in [] }
        )
        let status = await CommandLineTool.run(
            ["audit", "tail", "-folder=\(folder.path)"],
            environment: ["HOLDFAST_ADDR": server.address],
            terminal: terminal
        )
        let lines = output.all.joined().split(separator: "\n")
        #expect(status == 0 && lines.count == 2)
        for line in lines { #expect(line.count <= 100, "\(line)") }
        #expect(lines.first?.hasSuffix("…") == true)
    }

    @Test("tail: damage is said, what is before it is shown, and it ends with 1")
    func tailDamage() async throws {
        let (folder, answer) = try readableLog()
        let file = folder.path + "/audit-000000000001.log"
        let bytes = try LocalFile.read(file, atMost: 1 << 20)
        var next = bytes
        next[next.count - 20] ^= 1
        try LocalFile.writePrivate(file, next)
        // Behind the damage there is a later segment, so no crash explains it.
        try LocalFile.writePrivate(folder.path + "/audit-000000000002.log", bytes)
        try await Script.run(
            """
            server PUT /v1/sys/audit-key -> \(answer)
            !1 holdfast audit tail -folder=\(folder.path)
            stdout '1 2026-11-27T01:02:03.045Z denied'
            ! stdout 'answered'
            stderr 'audit-000000000001.log is damaged at byte'
            stderr 'it says that it is segment 1'
            stderr 'hint: holdfast audit verify'
            """
        )
    }
}
