import Barrier
import Engines
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// An answer that is wrapped goes to one reader, once, whatever happens in between.
@Suite("response wrapping")
struct WrappingTests {
    private static let invalid = ["wrapping token is not valid or does not exist"]
    private let wish = [("X-Vault-Wrap-TTL", "60")]

    private func vault() throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/mounts/kv", #"{"type":"kv-v2"}"#).status == 204)
        return vault
    }

    /// The member of `wrap_info`.
    private func info(_ answer: TestVault.Answer, _ member: String) throws -> String {
        let info = try answer.json().asObject?["wrap_info"]?.asObject
        return try #require(info?[member]?.asString, "\(answer.status) \(answer.text)")
    }

    private func wrap(_ vault: TestVault, _ body: String = #"{"a":"b"}"#) throws -> String {
        try info(try vault.send("POST", "sys/wrapping/wrap", body, wish), "token")
    }

    private func unwrap(_ token: String, _ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("POST", "sys/wrapping/unwrap", #"{"token":"\#(token)"}"#)
    }

    private func lookUp(_ token: String, _ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("POST", "sys/wrapping/lookup", #"{"token":"\#(token)"}"#)
    }

    @Test("what is wrapped comes back once, as it was")
    func once() throws {
        let vault = try vault()
        let body = #"{"a":"b","n":12345678901234567890}"#
        let wrapped = try vault.send("POST", "sys/wrapping/wrap", body, wish)
        #expect(wrapped.status == 200)
        let members = try #require(try wrapped.json().asObject)
        #expect(members["request_id"] == "" && members["data"] == .null)
        let info = try #require(members["wrap_info"]?.asObject)
        #expect(
            info.members.map(\.name) == [
                "token", "accessor", "ttl", "creation_time", "creation_path",
            ]
        )
        #expect(info["ttl"] == 60 && info["creation_path"] == "sys/wrapping/wrap")
        let token = try self.info(wrapped, "token")
        let answer = try unwrap(token, vault)
        #expect(answer.status == 200)
        #expect(answer.text.contains(#""data":{"a":"b","n":12345678901234567890}"#))
        let id = try answer.json().asObject?["request_id"]?.asString
        #expect(id.flatMap { uuidBytes($0) } != nil)
        for _ in 0..<2 {
            let again = try unwrap(token, vault)
            #expect(again.status == 400 && again.errors == Self.invalid)
        }
        #expect(try lookUp(token, vault).errors == Self.invalid)
    }

    @Test("nothing is left of a token that gave its answer out")
    func nothingLeft() throws {
        let vault = try vault()
        let token = try wrap(vault)
        let hash = vault.keyring.tokenPath(Array(token.utf8))
        func isThere(_ path: String) throws -> Bool {
            try vault.view { view in try view.read(.system, path) != nil }
        }
        #expect(try isThere(Wrapping.place(hash)) && isThere(SystemPaths.token(hash: hash)))
        #expect(try unwrap(token, vault).status == 200)
        #expect(try !isThere(Wrapping.place(hash)))
        #expect(try !isThere(SystemPaths.token(hash: hash)))
        let folder = try #require(CubbyholePlace.folder(of: hash))
        let names = try vault.view { view in try view.list(.system, directory: folder) }
        #expect(names.isEmpty)
    }

    @Test("reads, lists, writes with an answer and new tokens are wrapped; silence is not")
    func everything() throws {
        let vault = try vault()
        let write = try vault.send("POST", "kv/data/k", #"{"data":{"x":1}}"#, wish)
        #expect(try info(write, "creation_path") == "kv/data/k")
        let read = try vault.send("GET", "kv/data/k", "", wish)
        let list = try vault.send("LIST", "kv/metadata", "", wish)
        #expect(try info(list, "creation_path") == "kv/metadata/")
        #expect(!read.text.contains("\"x\""))
        #expect(try unwrap(info(write, "token"), vault).data("version") == 1)
        #expect(try unwrap(info(read, "token"), vault).data("data.x") == 1)
        #expect(try unwrap(info(list, "token"), vault).data("keys") == ["k"])
        #expect(try vault.send("POST", "kv/config", #"{"max_versions":3}"#, wish).status == 204)
        let none = try vault.send("GET", "kv/data/none", "", wish)
        #expect(none.status == 404 && none.errors == [])
        let made = try vault.send("POST", "auth/token/create", #"{"policies":["default"]}"#, wish)
        let accessor = try info(made, "wrapped_accessor")
        let unwrapped = try unwrap(info(made, "token"), vault)
        let auth = try #require(try unwrapped.json().asObject?["auth"]?.asObject)
        #expect(auth["accessor"] == .string(accessor))
        let token = try #require(auth["client_token"]?.asString)
        #expect(try vault.send(as: token, "GET", "auth/token/lookup-self").status == 200)
    }

    @Test("the wrapping token itself unwraps and looks up, in its header")
    func ownToken() throws {
        let vault = try vault()
        let token = try wrap(vault)
        for (method, path) in [("GET", "sys/wrapping/lookup"), ("POST", "sys/wrapping/lookup")] {
            let found = try vault.send(as: token, method, path)
            #expect(try found.data("creation_path") == "sys/wrapping/wrap")
            #expect(try found.data("creation_ttl") == 60)
        }
        #expect(try vault.send(as: token, "POST", "sys/wrapping/unwrap").data("a") == "b")
        let again = try vault.send(as: token, "POST", "sys/wrapping/unwrap")
        #expect(again.status == 400 && again.errors == Self.invalid)
        let both = try wrap(vault)
        let body = #"{"token":"\#(both)"}"#
        #expect(try vault.send(as: both, "POST", "sys/wrapping/unwrap", body).data("a") == "b")
    }

    @Test("whoever asks for the lookup needs no token")
    func lookupWithoutToken() throws {
        let vault = try vault()
        let token = try wrap(vault)
        let body = #"{"token":"\#(token)"}"#
        #expect(try vault.send(as: "", "POST", "sys/wrapping/lookup", body).status == 200)
        let empty = try vault.send(as: "", "POST", "sys/wrapping/lookup", "{}")
        #expect(empty.status == 403)
        #expect(empty.errors == ["error validating wrapping token: token is empty"])
        #expect(try lookUp("nope", vault).errors == Self.invalid)
        #expect(try lookUp(vault.rootToken, vault).errors == Self.invalid)
        #expect(try unwrap(token, vault).status == 200, "a lookup consumes nothing")
    }

    @Test("any other request with a wrapping token burns it")
    func burnt() throws {
        let vault = try vault()
        let token = try wrap(vault)
        #expect(try vault.send(as: token, "GET", "kv/data/k").status == 403)
        #expect(try unwrap(token, vault).errors == Self.invalid)
        #expect(try vault.send(as: token, "POST", "sys/wrapping/unwrap").errors == Self.invalid)
    }

    @Test("tokens that wrap nothing are not unwrapped, and not consumed")
    func notWrapping() throws {
        let vault = try vault()
        for token in ["nope", vault.rootToken, try vault.makeToken(["default"]).token, ""] {
            for path in ["sys/wrapping/unwrap", "sys/wrapping/rewrap"] {
                let answer = try vault.send("POST", path, #"{"token":"\#(token)"}"#)
                #expect(answer.status == 400 && answer.errors == Self.invalid)
            }
        }
        #expect(try vault.send("POST", "sys/wrapping/unwrap").errors == Self.invalid)
        #expect(try vault.send("GET", "sys/mounts").status == 200)
    }

    @Test("an answer that is wrapped again has another token, waits anew, and keeps its path")
    func rewrap() throws {
        let vault = try vault()
        let first = try vault.send("GET", "sys/mounts", "", wish)
        let old = try info(first, "token")
        let again = try vault.send("POST", "sys/wrapping/rewrap", #"{"token":"\#(old)"}"#)
        let new = try info(again, "token")
        #expect(new != old)
        #expect(try info(again, "creation_path") == "sys/mounts")
        #expect(try again.json().asObject?["wrap_info"]?.asObject?["ttl"] == 60)
        #expect(try unwrap(old, vault).errors == Self.invalid)
        #expect(try unwrap(new, vault).data("kv/") != nil)
    }

    @Test("an answer waits no longer than it was asked to")
    func over() throws {
        let vault = try vault()
        let token = try wrap(vault)
        vault.now += 61_000_000_000
        #expect(try lookUp(token, vault).errors == Self.invalid)
        #expect(try unwrap(token, vault).errors == Self.invalid)
    }

    @Test("of two that unwrap at once one gets the answer, however they were prepared")
    func race() throws {
        let vault = try vault()
        let token = try wrap(vault)
        let body = #"{"token":"\#(token)"}"#
        let requests = try [
            vault.vaultRequest("POST", "sys/wrapping/unwrap", body),
            vault.vaultRequest("POST", "sys/wrapping/rewrap", body),
            vault.vaultRequest("POST", "sys/wrapping/unwrap", token: token),
            vault.vaultRequest("POST", "sys/wrapping/unwrap", body),
        ]
        let steps = requests.map { vault.step($0) }
        var appliedCount = 0
        for step in steps {
            guard case .commit(let batch, _) = step else {
                Issue.record("an answer that waits needs a batch")
                return
            }
            if case .applied = try vault.commit(batch) { appliedCount += 1 }
        }
        #expect(appliedCount == 1)
        for request in requests {
            guard case .refuse = vault.step(request) else {
                Issue.record("given out twice")
                return
            }
        }
    }

    @Test("a token that is revoked takes its answer with it")
    func revoked() throws {
        let vault = try vault()
        let token = try wrap(vault)
        let body = #"{"token":"\#(token)"}"#
        #expect(try vault.send("POST", "auth/token/revoke", body).status == 204)
        #expect(try unwrap(token, vault).errors == Self.invalid)
    }

    @Test("wrapping needs the wish, and the wish has to be a duration")
    func wishes() throws {
        let vault = try vault()
        for ttl in ["", "0"] {
            let answer = try vault.send(
                "POST",
                "sys/wrapping/wrap",
                "{}",
                [("X-Vault-Wrap-TTL", ttl)]
            )
            #expect(answer.errors == ["endpoint requires response wrapping to be used"])
        }
        for ttl in ["x", "-1"] {
            let answer = try vault.send("GET", "kv/data/k", "", [("X-Vault-Wrap-TTL", ttl)])
            #expect(answer.status == 400)
        }
        #expect(try vault.send("GET", "sys/wrapping/wrap", "", wish).status == 405)
        #expect(try vault.send("GET", "sys/wrapping/other").status == 404)
    }

    @Test("policies limit how long an answer waits")
    func limits() throws {
        let vault = try vault()
        try vault.send("POST", "kv/data/k", #"{"data":{"x":1}}"#)
        try vault.writePolicy(
            "w",
            """
            path "kv/data/k" {
              capabilities = ["read"]
              min_wrapping_ttl = "30s"
              max_wrapping_ttl = "90s"
            }
            """
        )
        let token = try vault.makeToken(["w"]).token
        for (ttl, status) in [("", 403), ("10", 403), ("60", 200), ("100", 403)] {
            let answer = try vault.send(
                TestVault.Call(
                    method: "GET",
                    target: "/v1/kv/data/k",
                    headers: [("X-Vault-Wrap-TTL", ttl)],
                    token: token
                )
            )
            #expect(answer.status == status, "ttl \(ttl)")
        }
    }

    @Test("a read that is to be wrapped is a write, so that it gets randomness and a leader")
    func readsAreWrites() throws {
        let vault = try vault()
        let call = TestVault.Call(method: "GET", target: "/v1/kv/data/k", headers: wish)
        guard case .vault(let request) = Router.route(vault.request(call), isSealed: false) else {
            Issue.record("a read reaches the vault")
            return
        }
        #expect(request.isWrite && request.wrapSeconds == 60)
    }

    @Test("records are read as they were written, and damage is an error")
    func records() throws {
        var answer = VaultAnswer(
            EngineAnswer(data: Array(#"{"a":1}"#.utf8), leaseSeconds: 7, warnings: ["w"])
        )
        answer.unwrappedAuth = ["accessor": "x", "client_token": "y"]
        let record = try WrappedAnswer(answer, path: "a/b", seconds: 60)
        #expect(record.accessor == "x")
        let bytes = record.encoded()
        let copy = try WrappedAnswer(decoding: bytes)
        #expect(copy == record)
        let read = try copy.answer
        #expect(read == answer)
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                try WrappedAnswer(decoding: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: VaultError.self) { try WrappedAnswer(decoding: bytes + [0]) }
        #expect(throws: VaultError.self) { try WrappedAnswer(decoding: [2] + bytes.dropFirst()) }
        let large = VaultAnswer(
            EngineAnswer(data: [UInt8](repeating: 0x20, count: EngineLimits.valueBytesMax))
        )
        #expect(throws: VaultError.self) {
            try WrappedAnswer(large, path: "a", seconds: 1)
        }
    }
}
