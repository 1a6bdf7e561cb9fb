import Testing

@testable import Vault

/// The headers that audit records have, and the record behind them.
@Suite("headers in audit records")
struct AuditHeaderTests {
    @Test("the record is read back as it was, and damage never traps")
    func record() throws {
        var table = AuditHeaderTable()
        table.headers = [
            try #require(AuditedHeader("X-Team", isHashed: false)),
            try #require(AuditedHeader("X-Vault-Token", isHashed: true)),
        ]
        let bytes = table.encoded()
        #expect(try AuditHeaderTable(decoding: bytes) == table)
        for length in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                _ = try AuditHeaderTable(decoding: Array(bytes.prefix(length)))
            }
        }
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x80
            _ = try? AuditHeaderTable(decoding: damaged)
        }
        // The last byte says that the token is hashed: a disk must not be able to change that.
        var clear = bytes
        clear[clear.count - 1] = 0
        #expect(throws: VaultError.self) { _ = try AuditHeaderTable(decoding: clear) }
    }

    @Test("names are compared without their case, and are names of headers")
    func names() throws {
        let header = try #require(AuditedHeader("X-Request-ID", isHashed: false))
        #expect(header.name == "x-request-id")
        var table = AuditHeaderTable()
        table.headers = [header]
        #expect(table.header("x-REQUEST-id") == header && table.header("x-request") == nil)
        for wrong in ["", "a b", "a\n", "a:", "ä", "a/b", String(repeating: "a", count: 129)] {
            #expect(AuditedHeader(wrong, isHashed: true) == nil, "\(wrong)")
        }
    }

    private static let credentials = [
        "X-Vault-Token", "Authorization", "cookie", "Proxy-Authorization", "X-Holdfast-Local",
        "X-Vault-MFA", "X-Vault-Inline-Auth-Path",
    ]

    @Test("what lets somebody in is hashed or not recorded", arguments: credentials)
    func credential(_ name: String) throws {
        let vault = try TestVault()
        let path = "sys/config/auditing/request-headers/\(name)"
        #expect(try vault.send("PUT", path, #"{"hmac":false}"#).status == 400)
        #expect(try vault.send("PUT", path, #"{"hmac":true}"#).status == 204)
    }

    @Test("there are only so many, and one of them can change")
    func bound() throws {
        let vault = try TestVault()
        let path = "sys/config/auditing/request-headers"
        for number in 0..<VaultLimits.auditHeadersMax {
            #expect(try vault.send("PUT", "\(path)/x-\(number)", "{}").status == 204)
        }
        #expect(try vault.send("PUT", "\(path)/x-more", "{}").status == 400)
        #expect(try vault.send("PUT", "\(path)/X-0", #"{"hmac":true}"#).status == 204)
        #expect(try vault.send("DELETE", "\(path)/X-1", "").status == 204)
        #expect(try vault.send("PUT", "\(path)/x-more", "{}").status == 204)
    }
}
