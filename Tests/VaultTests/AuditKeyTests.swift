import Audit
import Barrier
import Cryptography
import TestSupport
import Testing
import Wire

@testable import Vault

/// `sys/audit-key`: what opens one segment of a node's own log.
@Suite("audit key")
struct AuditKeyTests {
    private let vault: TestVault
    private let folder = TemporaryFolder()

    init() throws { vault = try TestVault() }

    /// A log of a node of a vault, with one record.
    private func writeLog(recipient: [UInt8]) throws -> SegmentOpening {
        let log = try LogIdentity(vaultID: vault.keyring.vaultID, origin: "holdfast/test/eu-1")
        var entropy = SystemEntropy()
        let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        var writer = try AuditLog.open(
            AuditLog.Settings(folder: folder.path, log: log, recipient: recipient),
            at: now,
            entropy: &entropy
        )
        _ = try writer.append([Array(#"{"type":"request"}"#.utf8)], at: now, entropy: &entropy)
        var tail = AuditTail(folder: folder.path, segment: 1)
        guard case .opened(let opening) = try tail.next() else { throw AuditError.empty(path: "") }
        return opening
    }

    private func ownOpening() throws -> SegmentOpening {
        try writeLog(recipient: vault.keyring.audit.keyPair().publicKey)
    }

    private func body(_ opening: SegmentOpening, input: String = "") -> String {
        #"{"opening":"\#(Base64.encode(opening.encoded()))","input":"\#(input)"}"#
    }

    @Test("opens the segment, and tells what records show for a text")
    func opens() throws {
        let opening = try ownOpening()
        let answer = try vault.send("PUT", "sys/audit-key", body(opening, input: "accessor"))
        #expect(answer.status == 200)
        let data = try #require(try answer.json().asObject?["data"]?.asObject)
        #expect(data["segment"]?.asInt == 1)
        #expect(data["log"]?.asString == "holdfast/test/eu-1")
        let hash = ValueHash(key: vault.keyring.audit.hash).text("accessor")
        #expect(data["hash"]?.asString == hash)

        var key = try #require(data["key"]?.asString.flatMap(Base64.decode))
        var tail = AuditTail(folder: folder.path, segment: 1)
        _ = try tail.next()
        try tail.unlock(with: SecretBytes(wiping: &key))
        guard case .leaves(let leaves) = try tail.next(), let leaf = leaves.first else {
            Issue.record("no leaves")
            return
        }
        #expect(try tail.open(leaf) == Array(#"{"type":"request"}"#.utf8))
    }

    @Test("what is no opening of this vault's logs is the caller's mistake")
    func refused() throws {
        let stranger = try HPKERecipient.keyPair(from: SecretBytes.random(count: 32))
        let foreign = try writeLog(recipient: stranger.publicKey)
        let bodies = ["{}", #"{"opening":"?"}"#, #"{"opening":"AQEC"}"#, body(foreign)]
        for body in bodies {
            #expect(try vault.send("PUT", "sys/audit-key", body).status == 400, "\(body)")
        }
        #expect(try vault.send("GET", "sys/audit-key", "").status == 405)
    }

    @Test("takes sudo", arguments: [("update", 403), ("update\", \"sudo", 200)])
    func sudo(_ capabilities: String, _ status: Int) throws {
        try vault.writePolicy(
            "p",
            "path \"sys/audit-key\" { capabilities = [\"\(capabilities)\"] }"
        )
        let token = try vault.makeToken(["p"]).token
        let opening = body(try ownOpening())
        #expect(try vault.send(as: token, "PUT", "sys/audit-key", opening).status == status)
    }
}
