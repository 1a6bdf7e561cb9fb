import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// `sys/leases`. Texts were compared with OpenBao 2.7.2.
@Suite("leases")
struct LeaseTests {
    private func bench() throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        try vault.writePolicy(
            "p",
            """
            path "auth/token/*" { capabilities = ["create", "update", "read", "list"] }
            path "sys/leases/*" { capabilities = ["create", "update", "read", "list"] }
            """
        )
        return (vault, try vault.create(#"{"policies":["p"]}"#).token)
    }

    @Test("a token's lease is found, listed, and tells about the token")
    func lookup() throws {
        let (vault, token) = try bench()
        let id = vault.leaseID(token)
        let data = try vault.send("PUT", "sys/leases/lookup", #"{"lease_id":"\#(id)"}"#)
        #expect(try data.data("id") == .string(id))
        #expect(try data.data("path") == "auth/token/create")
        #expect(try data.data("renewable") == true)
        #expect(try data.data("last_renewal") == JSONValue.null)
        #expect(try vault.send("LIST", "sys/leases/lookup/").data("keys") == ["auth/"])
        #expect(try vault.send("LIST", "sys/leases/lookup/auth").data("keys") == ["token/"])
        let names = try vault.send("LIST", "sys/leases/lookup/auth/token/create").data("keys")
        #expect(names == [.string("h" + vault.hash(token))])
        #expect(try vault.send("LIST", "sys/leases/lookup/nope").status == 404)
        let denied = try vault.send(as: token, "LIST", "sys/leases/lookup/auth")
        #expect(denied.status == 403)
    }

    @Test("leases and accessors are listed in parts where a client asks for parts")
    func pages() throws {
        let (vault, _) = try bench()
        for _ in 0..<8 { _ = try vault.create(#"{"policies":["p"]}"#) }
        for folder in ["sys/leases/lookup/auth/token/create", "auth/token/accessors"] {
            func names(_ query: String) throws -> [String] {
                let answer = try vault.send("LIST", folder + query)
                return try answer.data("keys")?.asArray?.compactMap(\.asString) ?? []
            }
            let all = try names("")
            #expect(all.count >= 9 && all == all.sorted())
            #expect(try names("?limit=3") == Array(all[..<3]))
            #expect(try names("?limit=3&after=\(all[2])") == Array(all[3..<6]))
            #expect(try names("?limit=0&after=\(all[5])") == Array(all[6...]))
            #expect(try vault.send("LIST", "\(folder)?after=\(all[all.count - 1])").status == 404)
            #expect(try vault.send("LIST", "\(folder)?limit=x").status == 400)
        }
    }

    private static let refusals = [
        ("PUT", "lookup", "{}", 400, "lease_id must be specified"),
        ("PUT", "lookup", #"{"lease_id":"nope"}"#, 400, "invalid lease"),
        ("PUT", "lookup", #"{"lease_id":"a//b"}"#, 400, "invalid lease"),
        ("PUT", "lookup", #"{"lease_id":"/"}"#, 400, "invalid lease"),
        ("PUT", "renew", "{}", 400, "lease_id must be specified"),
        ("PUT", "renew", #"{"lease_id":"nope"}"#, 400, "lease not found"),
        ("PUT", "revoke", "{}", 400, "lease_id must be specified"),
        ("PUT", "revoke-prefix", "{}", 404, "1 error occurred:\n\t* unsupported path\n\n"),
        ("GET", "lookup", "", 405, "1 error occurred:\n\t* unsupported operation\n\n"),
        ("PUT", "lookup/foo", "{}", 405, "1 error occurred:\n\t* unsupported operation\n\n"),
    ]

    @Test("what is wrong with a request is said", arguments: refusals)
    func refused(
        _ method: String,
        _ path: String,
        _ body: String,
        _ status: Int,
        _ text: String
    ) throws {
        let (vault, _) = try bench()
        let answer = try vault.send(method, "sys/leases/\(path)", body)
        #expect(answer.status == status && answer.errors == [text])
    }

    @Test("a token's lease is not renewed here")
    func renew() throws {
        let (vault, token) = try bench()
        let id = vault.leaseID(token)
        for path in ["sys/leases/renew", "sys/leases/renew/\(id)", "sys/renew"] {
            let answer = try vault.send("PUT", path, #"{"lease_id":"\#(id)"}"#)
            #expect(answer.errors == ["tokens cannot be renewed through this endpoint"])
        }
    }

    @Test(
        "revoking the lease revokes the token",
        arguments: [
            ("revoke", #"{"lease_id":"ID"}"#, 204), ("revoke/ID", #"{"sync":false}"#, 202),
            ("revoke-prefix/ID", "{}", 204), ("revoke-force/ID", "", 204),
        ]
    )
    func revoke(_ path: String, _ body: String, _ status: Int) throws {
        let (vault, token) = try bench()
        let child = try vault.create(as: token).token
        let id = vault.leaseID(token)
        func filled(_ text: String) -> String { text.replacing("ID", with: id) }
        let answer = try vault.send("PUT", "sys/leases/" + filled(path), filled(body))
        #expect(answer.status == status && answer.body.isEmpty)
        #expect(try !vault.isAlive(token) && !vault.isAlive(child))
        let again = try vault.send("PUT", "sys/leases/" + filled(path), filled(body))
        #expect(again.status == status)
        try vault.work()
        #expect(try vault.leftovers().allSatisfy { !$0.contains(vault.hash(token)) })
    }

    @Test("a prefix takes all that was made under it by then, however many", arguments: [3, 150])
    func prefix(_ count: Int) throws {
        let (vault, token) = try bench()
        var orphans: [String] = []
        for _ in 0..<count {
            orphans.append(
                try vault.create(as: token, at: "auth/token/create-orphan").token
            )
        }
        try vault.send("POST", "auth/token/roles/r", #"{"path_suffix":"abc","orphan":true}"#)
        let other = try vault.create(as: token, at: "auth/token/create/r").token
        let child = try vault.create(as: orphans[0]).token
        let path = "sys/leases/revoke-prefix/auth/token/create/r"
        #expect(try vault.send("PUT", path, "{}").status == 204)
        #expect(try !vault.isAlive(other))
        #expect(try vault.isAlive(orphans[1]) && vault.isAlive(token) && vault.isAlive(child))
        let born = try vault.vaultRequest("POST", "auth/token/create", "{}", token: orphans[2])
        guard case .commit(let late, _) = vault.step(born) else { throw TestFailure("born") }
        let all = "sys/leases/revoke-prefix/auth/token/create-orphan"
        #expect(try vault.send("PUT", all, #"{"sync":false}"#).status == 202)
        #expect(try vault.isAlive(token))
        let everything = "sys/leases/revoke-prefix/auth/token/create"
        #expect(try vault.send("PUT", everything, "{}").status == 204)
        for dead in orphans + [token, child] { #expect(try !vault.isAlive(dead)) }
        guard case .rejected = try vault.commit(late) else { throw TestFailure("born behind") }
        let later = try vault.create(#"{"policies":["p"]}"#).token
        #expect(try vault.isAlive(later))
        try vault.work()
        #expect(try vault.isAlive(later))
        let left = try vault.leftovers().filter { !$0.contains(vault.hash(later)) }
        // The root token of `init` and its accessor, and the new token's.
        #expect(left.count == 3)
        #expect(try vault.view { try vault.cache.fences($0).fences.isEmpty })
    }

    @Test("counts and lists of what cannot be revoked, and tidying")
    func rest() throws {
        let (vault, _) = try bench()
        let count = try vault.send("GET", "sys/leases/count?type=irrevocable")
        #expect(try count.data("lease_count") == 0)
        #expect(try vault.send("GET", "sys/leases?type=irrevocable").data("leases") == [])
        for path in ["sys/leases", "sys/leases?type=x", "sys/leases/count"] {
            #expect(try vault.send("GET", path).status == 404)
        }
        for path in ["sys/leases/tidy", "auth/token/tidy"] {
            #expect(try vault.send("POST", path, "").status == 202)
            let again = try vault.send("POST", path, "")
            #expect(
                try again.json().asObject?.texts("warnings") == [
                    "Tidy operation already in progress."
                ]
            )
            try vault.work()
        }
    }

    @Test("a revocation that cannot be is tried again, and shown")
    func stuck() throws {
        let (vault, token) = try bench()
        let path = SystemPaths.token(hash: vault.hash(token))
        let record = try vault.view { try $0.systemRecord(path)?.value ?? [] }
        try vault.change { try $0.put(.system, path, [9]) }
        vault.now += 2_764_801_000_000_000
        for _ in 0..<7 {
            try vault.work()
            vault.now += 1_200_000_000_000
        }
        let count = try vault.send("GET", "sys/leases/count?type=irrevocable")
        #expect(try count.data("counts") == ["auth/token/": 1])
        let list = try vault.send("GET", "sys/leases?type=irrevocable")
        #expect(list.text.contains("h" + vault.hash(token)))
        #expect(list.text.contains("damaged"))
        try vault.change { try $0.put(.system, path, record) }
        try vault.work()
        #expect(try vault.leftovers().count == 2)
        let none = try vault.send("GET", "sys/leases/count?type=irrevocable")
        #expect(try none.data("lease_count") == 0)
    }

    @Test("tidying removes what belongs to no token, and nothing else")
    func tidy() throws {
        let (vault, token) = try bench()
        _ = try vault.create(as: token)
        let sound = try vault.leftovers()
        let nobody = String(repeating: "a", count: 64)
        try vault.change { builder in
            try builder.put(.system, SystemPaths.accessor("zz"), AccessorRecord.encoded(nobody))
            try builder.put(
                .system,
                SystemPaths.lease("auth/x/h1"),
                LeaseRecord.token(nobody).encoded()
            )
            for number in 0..<150 {
                let hash = Hex.encode([UInt8](repeating: UInt8(number), count: 32))
                let child = ChildName(hash, in: .system, below: .system)
                try builder.put(.system, SystemPaths.child(child, of: nobody), [1])
            }
            try builder.put(.system, SystemPaths.tokenUses(nobody), CountRecord(1).encoded())
        }
        #expect(try vault.leftovers().count == sound.count + 153)
        #expect(try vault.send("POST", "auth/token/tidy", "").status == 202)
        try vault.work()
        #expect(try vault.leftovers() == sound)
    }
}
