import Engines
import Store
import Testing
import Wire

@testable import Vault

/// One-time passwords in a whole vault: what time does to codes, and that each is accepted once.
@Suite("one-time passwords in the vault")
struct TOTPVaultTests {
    private func vault(_ settings: String = "") throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/mounts/t", #"{"type":"totp"}"#).status == 204)
        let key = #"{"key":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"\#(settings)}"#
        #expect(try vault.send("POST", "t/keys/a", key).status == 204)
        // The middle of a period, so that requests, a millisecond apart, stay in it.
        vault.now = (vault.now / 30_000_000_000) * 30_000_000_000 + 10_000_000_000
        return vault
    }

    private func code(_ vault: TestVault) throws -> String {
        try #require(try vault.send("GET", "t/code/a").data("code")?.asString)
    }

    private func check(_ code: String, _ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("POST", "t/code/a", #"{"code":"\#(code)"}"#)
    }

    @Test("a code is accepted once, and only while its period and the skew last")
    func once() throws {
        let vault = try vault()
        let first = try code(vault)
        #expect(try check(first, vault).data("valid") == true)
        for _ in 0..<2 {
            let again = try check(first, vault)
            #expect(again.status == 400)
            #expect(again.errors == ["code already used; wait until the next time period"])
        }
        vault.now += 30_000_000_000
        #expect(try check(first, vault).status == 400, "still used in the next period")
        let second = try code(vault)
        #expect(second != first)
        #expect(try check(second, vault).data("valid") == true)
        vault.now += 30_000_000_000
        #expect(try check(first, vault).data("valid") == false, "older than the skew")
        #expect(try check(second, vault).status == 400)
    }

    @Test("without skew only the present code is accepted")
    func noSkew() throws {
        let vault = try vault(#","skew":0"#)
        let first = try code(vault)
        vault.now += 30_000_000_000
        #expect(try check(first, vault).data("valid") == false)
        #expect(try check(try code(vault), vault).data("valid") == true)
    }

    @Test("the code of the next period is accepted early, once")
    func early() throws {
        let vault = try vault()
        vault.now += 30_000_000_000
        let next = try code(vault)
        vault.now -= 30_000_000_000
        #expect(try check(next, vault).data("valid") == true)
        vault.now += 30_000_000_000
        #expect(try check(next, vault).status == 400)
    }

    @Test("of two checks at once one is accepted, however they were prepared")
    func race() throws {
        let vault = try vault()
        let body = #"{"code":"\#(try code(vault))"}"#
        let steps = try (0..<2).map { _ in
            vault.step(try vault.vaultRequest("POST", "t/code/a", body))
        }
        var applied = 0
        for step in steps {
            guard case .commit(let batch, let answer) = step else {
                Issue.record("a fresh code needs a batch")
                return
            }
            #expect(
                answer.body.data.map { String(decoding: $0, as: UTF8.self) } == #"{"valid":true}"#
            )
            if case .applied = try vault.commit(batch) { applied += 1 }
        }
        #expect(applied == 1)
        #expect(try vault.send("POST", "t/code/a", body).status == 400)
    }

    @Test("a check that was prepared before the key was replaced is not applied")
    func replaced() throws {
        let vault = try vault()
        let body = #"{"code":"\#(try code(vault))"}"#
        let step = vault.step(try vault.vaultRequest("POST", "t/code/a", body))
        try vault.send("POST", "t/keys/a", #"{"key":"AAAAAAAAAAAAAAAA"}"#)
        guard case .commit(let batch, _) = step else {
            Issue.record("a fresh code needs a batch")
            return
        }
        if case .applied = try vault.commit(batch) { Issue.record("the old key's code counted") }
        #expect(try vault.send("POST", "t/code/a", body).data("valid") == false)
    }

    @Test("a new key under an old name has no used codes, and a removed one leaves nothing")
    func renewed() throws {
        let vault = try vault()
        let code = try code(vault)
        #expect(try check(code, vault).data("valid") == true)
        let key = #"{"key":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}"#
        try vault.send("POST", "t/keys/a", key)
        #expect(try check(code, vault).data("valid") == true)
        try vault.send("DELETE", "t/keys/a")
        #expect(try vault.send("LIST", "t/keys").status == 404)
        try vault.send("POST", "t/keys/a", key)
        #expect(try check(code, vault).data("valid") == true)
    }

    @Test("generated keys differ, and a request that is prepared again makes the same one")
    func generated() throws {
        let vault = try vault()
        let body = #"{"generate":true,"issuer":"I","account_name":"a","qr_size":0}"#
        let first = try vault.send("POST", "t/keys/g", body).data("url")?.asString
        let second = try vault.send("POST", "t/keys/g", body).data("url")?.asString
        #expect(first != nil && second != nil && first != second)
        let seed = [UInt8](repeating: 7, count: 32)
        let request = try vault.vaultRequest("POST", "t/keys/g", body)
        let answers = (0..<2).map { _ -> [UInt8]? in
            guard case .commit(_, let answer) = vault.step(request, seed: seed) else { return nil }
            return answer.body.data
        }
        #expect(answers[0] != nil && answers[0] == answers[1])
    }

    @Test("a generated key comes with a picture of its URL, if one is wanted and fits")
    func picture() throws {
        let vault = try vault()
        func make(_ more: String) throws -> TestVault.Answer {
            let body = #"{"generate":true,"issuer":"I","account_name":"a"\#(more)}"#
            return try vault.send("POST", "t/keys/g", body)
        }
        let answer = try make("")
        let image = try #require(try answer.data("barcode")?.asString.flatMap { Base64.decode($0) })
        #expect(Array(image[16..<24]) == [0, 0, 0, 200, 0, 0, 0, 200])
        #expect(try answer.data("url") != nil)
        let small = try make(#","qr_size":10"#)
        #expect(small.status == 500)
        #expect(small.errors.first?.contains("can not scale barcode") == true)
        #expect(try make(#","qr_size":2001"#).status == 400)
        #expect(try make(#","exported":false"#).status == 204)
    }
}
