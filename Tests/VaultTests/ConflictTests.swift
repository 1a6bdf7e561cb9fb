import Barrier
import Cryptography
import Engines
import Store
import Testing
import Wire

@testable import Vault

/// What happens when two requests are prepared on the same state, or when what allowed a request goes
/// away before its batch is applied.
@Suite("conflicts and authority")
struct ConflictTests {
    /// The batch of a step that wants to write.
    private func batch(
        _ vault: TestVault,
        _ method: String,
        _ path: String,
        _ body: String = ""
    ) throws -> WriteBatch {
        let step = vault.step(try vault.vaultRequest(method, path, body))
        guard case .commit(let batch, _) = step else {
            throw TestFailure("\(method) \(path) does not write: \(step)")
        }
        return batch
    }

    private func isRejected(_ evaluation: Evaluation) -> Bool {
        if case .rejected = evaluation { true } else { false }
    }

    private func isApplied(_ evaluation: Evaluation) -> Bool {
        if case .applied = evaluation { true } else { false }
    }

    private func vault() throws -> TestVault {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/m", #"{"type":"kv-v2"}"#)
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        return vault
    }

    @Test("of two puts prepared at once one is prepared again, and no version is lost")
    func twoPuts() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("PUT", "m/data/k", #"{"data":{"who":2}}"#)
        let first = try batch(vault, "PUT", "m/data/k", #"{"data":{"who":1}}"#)
        guard case .commit(let second, _) = vault.step(request) else {
            throw TestFailure("a put must write")
        }
        #expect(isApplied(try vault.commit(first)))
        #expect(isRejected(try vault.commit(second)))
        guard case .commit(let again, let answer) = vault.step(request) else {
            throw TestFailure("a put must write")
        }
        #expect(isApplied(try vault.commit(again)))
        let data = try JSONScanner.parse(try #require(answer.body.data))
        #expect(data.asObject?["version"]?.asInt == 2)
        #expect(try vault.send("GET", "m/data/k?version=1").data("data.who")?.asInt == 1)
        #expect(try vault.send("GET", "m/data/k?version=2").data("data.who")?.asInt == 2)
    }

    @Test("check-and-set holds against a writer in between")
    func checkAndSet() throws {
        let vault = try vault()
        let request = try vault.vaultRequest(
            "PUT",
            "m/data/k",
            #"{"data":{},"options":{"cas":0}}"#
        )
        guard case .commit(let late, _) = vault.step(request) else {
            throw TestFailure("a put must write")
        }
        try vault.send("PUT", "m/data/k", #"{"data":{}}"#)
        #expect(isRejected(try vault.commit(late)))
        guard case .refuse(.engine(.invalid(let text), _)) = vault.step(request) else {
            throw TestFailure("the parameter no longer matches")
        }
        #expect(text == "check-and-set parameter did not match the current version")
    }

    @Test(
        "a change of a key's metadata stops what was prepared before it",
        arguments: [
            ("PUT", "m/data/k", #"{"data":{}}"#), ("DELETE", "m/data/k", ""),
            ("POST", "m/delete/k", #"{"versions":[1]}"#),
            ("POST", "m/destroy/k", #"{"versions":[1]}"#),
            ("POST", "m/metadata/k", #"{"max_versions":3}"#), ("DELETE", "m/metadata/k", ""),
        ]
    )
    func metadataChanges(_ method: String, _ path: String, _ body: String) throws {
        let vault = try vault()
        try vault.send("PUT", "m/data/k", #"{"data":{}}"#)
        let prepared = try batch(vault, method, path, body)
        try vault.send("POST", "m/metadata/k", #"{"custom_metadata":{"a":"b"}}"#)
        #expect(isRejected(try vault.commit(prepared)))
    }

    @Test(
        "nothing is written into a mount that is gone",
        arguments: [
            ("PUT", "m/data/k", #"{"data":{}}"#), ("POST", "m/config", #"{"max_versions":3}"#),
        ]
    )
    func unmounted(_ method: String, _ path: String, _ body: String) throws {
        let vault = try vault()
        let prepared = try batch(vault, method, path, body)
        #expect(try vault.send("DELETE", "sys/mounts/m").status == 204)
        #expect(isRejected(try vault.commit(prepared)))
        #expect(try vault.send("GET", "m/data/k").status == 404)
    }

    @Test("a blind write of version 1 checks its mount too")
    func blindWrite() throws {
        let vault = try vault()
        let prepared = try batch(vault, "PUT", "old/k", #"{"a":1}"#)
        try vault.send("DELETE", "sys/mounts/old")
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        #expect(isRejected(try vault.commit(prepared)))
        #expect(try vault.send("GET", "old/k").status == 404)
    }

    @Test(
        "a token that is gone stops what it allowed",
        arguments: [
            ("PUT", "m/data/k", #"{"data":{}}"#), ("PUT", "old/k", #"{"a":1}"#),
            ("POST", "sys/mounts/n", #"{"type":"kv"}"#), ("DELETE", "sys/mounts/old", ""),
            ("POST", "sys/mounts/old/tune", #"{"description":"x"}"#),
        ]
    )
    func tokenGone(_ method: String, _ path: String, _ body: String) throws {
        let vault = try vault()
        let prepared = try batch(vault, method, path, body)
        try removeRootToken(vault)
        #expect(isRejected(try vault.commit(prepared)))
        #expect(try vault.send(method, path, body).status == 403)
    }

    @Test("a token that is gone is refused although it is cached")
    func cachedToken() throws {
        let vault = try vault()
        #expect(try vault.send("GET", "auth/token/lookup-self").status == 200)
        try removeRootToken(vault)
        #expect(try vault.send("GET", "auth/token/lookup-self").status == 403)
        #expect(try vault.send("GET", "sys/mounts").errors == ["permission denied"])
    }

    @Test("of two mounts at one path, and at paths that exclude each other, one is made")
    func twoMounts() throws {
        let vault = try vault()
        for second in ["new", "new/below", "other"] {
            let first = try batch(vault, "POST", "sys/mounts/new", #"{"type":"kv"}"#)
            let late = try batch(vault, "POST", "sys/mounts/\(second)", #"{"type":"kv"}"#)
            #expect(isApplied(try vault.commit(first)))
            #expect(isRejected(try vault.commit(late)))
            #expect(try vault.send("DELETE", "sys/mounts/new").status == 204)
        }
    }

    @Test("a request that is repeated happens once")
    func once() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("PUT", "old/k", #"{"a":1}"#)
        guard case .commit(let first, _) = vault.step(request),
            case .commit(let again, _) = vault.step(request)
        else { throw TestFailure("a put must write") }
        #expect(isApplied(try vault.commit(first)))
        guard case .duplicate(let of) = try vault.commit(again) else {
            throw TestFailure("the same request id must be known")
        }
        #expect(of == vault.lastIndex - 1)
    }

    @Test("the same request prepared again asks for the same new mount")
    func sameIDs() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("POST", "sys/mounts/new", #"{"type":"kv"}"#)
        let seed = [UInt8](repeating: 7, count: 32)
        guard case .commit(let first, _) = vault.step(request, seed: seed),
            case .commit(let again, _) = vault.step(request, seed: seed)
        else { throw TestFailure("a mount must write") }
        #expect(first.writtenKeys == again.writtenKeys)
    }

    /// As a revocation will do it: the record goes.
    private func removeRootToken(_ vault: TestVault) throws {
        let path = SystemPaths.token(hash: vault.hash(vault.rootToken))
        var builder = BatchBuilder(
            keyring: vault.keyring,
            baseIndex: vault.lastIndex,
            requestID: [UInt8](repeating: 3, count: 16),
            time: vault.now,
            entropy: Entropy(seed: [UInt8](repeating: 3, count: 32))
        )
        try builder.delete(.system, path)
        #expect(isApplied(try vault.commit(try builder.finish())))
    }
}
