import Barrier
import Store
import Testing
import Wire

@testable import Engines
@testable import Policy
@testable import Vault

/// What tokens may do by their policies, decided on the way of real requests.
@Suite("authorisation")
struct AuthorizationTests {
    /// A vault with a mount of each version, and a token with this policy and `default`.
    private func bench(_ policy: String) throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        try vault.send("POST", "sys/mounts/new", #"{"type":"kv-v2"}"#)
        try vault.writePolicy("p", policy)
        return (vault, try vault.makeToken(["default", "p"]).token)
    }

    private static let denied = ["1 error occurred:\n\t* permission denied\n\n"]

    /// Method, path, body and the capability that it needs.
    private static let requests: [(method: String, path: String, body: String, need: String)] = [
        ("GET", "old/there", "", "read"), ("LIST", "old/", "", "list"),
        ("PUT", "old/there", #"{"a":2}"#, "update"), ("PUT", "old/fresh", #"{"a":1}"#, "create"),
        ("DELETE", "old/there", "", "delete"), ("GET", "new/data/there", "", "read"),
        ("PUT", "new/data/there", #"{"data":{}}"#, "update"),
        ("PUT", "new/data/fresh", #"{"data":{}}"#, "create"),
        ("PUT", "new/metadata/there", "{}", "update"),
        ("PUT", "new/metadata/fresh", "{}", "create"),
        ("DELETE", "new/data/there", "", "delete"), ("LIST", "new/metadata/", "", "list"),
        ("PUT", "new/delete/there", #"{"versions":[1]}"#, "update"),
        ("PUT", "new/config", #"{"max_versions":3}"#, "update"),
        ("GET", "sys/mounts", "", "read"), ("GET", "sys/ha-status", "", "read"),
        ("POST", "sys/mounts/x", #"{"type":"kv"}"#, "update"),
        ("LIST", "sys/policies/acl", "", "list"), ("GET", "sys/policy/p", "", "read"),
        ("PUT", "sys/policies/acl/q", #"{"policy":"path \"x\" {}"}"#, "update"),
        ("GET", "sys/auth/token", "", "read,sudo"), ("GET", "nomount/x", "", "read"),
    ]

    @Test("each capability allows what it names and nothing else", arguments: requests)
    func capability(
        _ request: (method: String, path: String, body: String, need: String)
    ) throws {
        let all = ["create", "read", "update", "patch", "delete", "list", "scan", "sudo"]
        let needed = request.need.split(separator: ",").map(String.init)
        func status(_ capabilities: [String]) throws -> (Int, [String]) {
            let names = capabilities.map { "\"\($0)\"" }.joined(separator: ", ")
            let (vault, token) = try bench(#"path "*" { capabilities = [\#(names)] }"#)
            try vault.send("PUT", "old/there", #"{"a":1}"#)
            try vault.send("PUT", "new/data/there", #"{"data":{}}"#)
            let answer = try vault.send(as: token, request.method, request.path, request.body)
            return (answer.status, answer.errors)
        }
        #expect(try status(needed).0 != 403, "with \(request.need)")
        for missing in needed {
            let rest = all.filter { $0 != missing }
            let (code, errors) = try status(rest)
            #expect(code == 403 && errors == Self.denied, "without \(missing)")
        }
        #expect(try status(needed + ["deny"]).0 == 403, "with deny")
    }

    /// Every kind of path that the vault serves to a token.
    private static let routes: [(method: String, path: String)] = [
        ("GET", "sys/mounts"), ("GET", "sys/mounts/old"), ("POST", "sys/mounts/x"),
        ("DELETE", "sys/mounts/old"), ("GET", "sys/mounts/old/tune"),
        ("POST", "sys/mounts/old/tune"), ("GET", "sys/auth"), ("GET", "sys/auth/token"),
        ("POST", "sys/auth/x"), ("DELETE", "sys/auth/x"), ("GET", "sys/auth/token/tune"),
        ("GET", "sys/ha-status"), ("GET", "sys/storage/raft/configuration"),
        ("POST", "sys/capabilities"), ("POST", "sys/capabilities-self"),
        ("POST", "sys/capabilities-accessor"), ("GET", "sys/internal/ui/resultant-acl"),
        ("GET", "sys/policy"), ("LIST", "sys/policy"), ("GET", "sys/policy/p"),
        ("PUT", "sys/policy/p"), ("DELETE", "sys/policy/p"), ("LIST", "sys/policies/acl"),
        ("GET", "sys/policies/acl/p"), ("PUT", "sys/policies/acl/p"),
        ("DELETE", "sys/policies/acl/p"), ("LIST", "sys/policies/detailed/acl"),
        ("GET", "sys/policies/versions/acl/p"), ("DELETE", "sys/policies/versions/acl/p"),
        ("GET", "sys/policies/diff/acl/p"), ("PUT", "sys/policies/rollback/acl/p"),
        ("PUT", "sys/policies/explain"), ("GET", "auth/token/lookup-self"),
        ("POST", "auth/token/lookup-self"), ("GET", "old/x"), ("PUT", "old/x"),
        ("DELETE", "old/x"), ("LIST", "old/"), ("GET", "new/data/x"), ("PUT", "new/data/x"),
        ("DELETE", "new/metadata/x"), ("POST", "new/destroy/x"), ("GET", "new/config"),
    ]

    @Test("no token, a wrong one, and one without policies get nowhere", arguments: routes)
    func closed(_ route: (method: String, path: String)) throws {
        let (vault, _) = try bench(#"path "*" { capabilities = ["deny"] }"#)
        let bare = try vault.makeToken([]).token
        let before = vault.store.view { $0.evaluatedIndex }
        for (token, errors) in [
            ("", ["permission denied"]), ("s.nope", ["permission denied"]), (bare, Self.denied),
        ] {
            let answer = try vault.send(as: token, route.method, route.path)
            #expect(answer.status == 403 && answer.errors == errors)
        }
        #expect(vault.store.view { $0.evaluatedIndex } == before)
    }

    @Test("a path that no policy names is refused before it is looked for")
    func unknownPath() throws {
        let (vault, token) = try bench(#"path "old/*" { capabilities = ["read"] }"#)
        for path in ["nomount/x", "new/data/x", "sys/nope", "sys/mounts", "auth/nope/x"] {
            let answer = try vault.send(as: token, "GET", path)
            #expect(answer.status == 403 && answer.errors == Self.denied, "\(path)")
        }
        #expect(try vault.send(as: token, "GET", "old/x").status == 404)
        let stranger = try vault.send(as: "s.nope", "GET", "old/x")
        #expect(stranger.status == 403 && stranger.errors == ["permission denied"])
    }

    @Test("deny wins over other policies, an exact path over a wildcard")
    func priorities() throws {
        let (vault, token) = try bench(
            """
            path "old/*" { capabilities = ["read"] }
            path "old/closed" { capabilities = ["deny"] }
            path "old/+/z" { capabilities = ["create", "update"] }
            """
        )
        for (path, status) in [("old/x", 404), ("old/closed", 403), ("old/q/z", 403)] {
            #expect(try vault.send(as: token, "GET", path).status == status, "\(path)")
        }
        #expect(try vault.send(as: token, "PUT", "old/q/z", #"{"a":1}"#).status == 204)
        try vault.writePolicy("no", #"path "old/*" { capabilities = ["deny"] }"#)
        let both = try vault.makeToken(["no", "p"]).token
        #expect(try vault.send(as: both, "GET", "old/x").status == 403)
        #expect(try vault.send(as: both, "PUT", "old/q/z", #"{"a":1}"#).status == 204)
    }

    @Test("parameters are looked at, on reads and writes")
    func parameters() throws {
        let (vault, token) = try bench(
            """
            path "old/*" {
              capabilities = ["create", "update"]
              denied_parameters = { "secret" = [] }
              required_parameters = ["owner"]
              allowed_parameters = { "owner" = ["me", "my-*"], "note" = [] }
            }
            path "new/data/*" {
              capabilities = ["read"]
              denied_parameters = { "version" = ["1"] }
            }
            """
        )
        for (body, status) in [
            (#"{"owner":"me"}"#, 204), (#"{"owner":"my-team","note":"x"}"#, 204),
            (#"{"owner":"you"}"#, 403), (#"{"note":"x"}"#, 403),
            (#"{"owner":"me","other":1}"#, 403), (#"{"OWNER":"me","SECRET":1}"#, 403),
        ] {
            #expect(try vault.send(as: token, "PUT", "old/k", body).status == status, "\(body)")
        }
        #expect(try vault.send(as: token, "GET", "new/data/k").status == 404)
        #expect(try vault.send(as: token, "GET", "new/data/k?version=1").status == 403)
    }

    @Test("a rule that wants a wrapped answer allows none that is not")
    func wrapping() throws {
        let (vault, token) = try bench(
            #"path "old/*" { capabilities = ["read"] max_wrapping_ttl = "90s" }"#
        )
        #expect(try vault.send(as: token, "GET", "old/x").status == 403)
    }

    // MARK: lists

    @Test("a list is cut to the page that the rule allows, also where the endpoint has no pages")
    func pages() throws {
        let (vault, token) = try bench(
            """
            path "old/*" { capabilities = ["list"] pagination_limit = 2 }
            path "new/metadata/*" { capabilities = ["list"] pagination_limit = 2 }
            """
        )
        for name in ["a", "b", "c", "d"] {
            try vault.send("PUT", "old/\(name)", #"{"a":1}"#)
            try vault.send("PUT", "new/data/\(name)", #"{"data":{}}"#)
        }
        func keys(_ path: String) throws -> JSONValue? {
            try vault.send(as: token, "LIST", path).data("keys")
        }
        #expect(try keys("old/") == ["a", "b"])
        #expect(try keys("new/metadata/") == ["a", "b"])
        #expect(try keys("new/metadata/?after=b") == ["c", "d"])
        #expect(try keys("new/metadata/?limit=1") == ["a"])
        #expect(try keys("new/metadata/?limit=max") == ["a", "b"])
        #expect(try keys("new/metadata/?limit=0") == ["a", "b"])
        #expect(try vault.send(as: token, "LIST", "new/metadata/?limit=3").status == 403)
        #expect(try vault.send(as: token, "LIST", "new/metadata/?limit=-1").status == 403)
        #expect(try vault.send("LIST", "new/metadata/").data("keys") == ["a", "b", "c", "d"])
    }

    @Test("a list shows only names that the token could read or list")
    func filteredKeys() throws {
        let (vault, token) = try bench(
            """
            path "old/*" {
              capabilities = ["list"]
              list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}"
            }
            path "old/b" { capabilities = ["read"] }
            path "old/c/*" { capabilities = ["read"] }
            path "old/d/*" { capabilities = ["deny"] }
            path "sys/policies/detailed/acl" {
              capabilities = ["list"]
              list_scan_response_keys_filter_path = "sys/policies/acl/{{ .key }}"
            }
            path "sys/policies/acl/default" { capabilities = ["read"] }
            """
        )
        for name in ["a", "b", "c/x", "d/x", "e/x"] {
            try vault.send("PUT", "old/\(name)", #"{"a":1}"#)
        }
        #expect(try vault.send(as: token, "LIST", "old/").data("keys") == ["b", "e/"])
        let list = try vault.send(as: token, "LIST", "sys/policies/detailed/acl")
        #expect(try list.data("keys") == ["default"])
        #expect(try list.data("key_info")?.asObject?.members.map(\.name) == ["default"])
    }

    @Test("mounts of which the policies do not speak are not shown")
    func mounts() throws {
        let (vault, token) = try bench(
            """
            path "new/+/team/*" { capabilities = ["read"] }
            path "old/*" { capabilities = ["deny"] }
            """
        )
        #expect(try vault.send(as: token, "GET", "sys/internal/ui/mounts/new/x").status == 200)
        let refused = try vault.send(as: token, "GET", "sys/internal/ui/mounts/old/x")
        #expect(refused.status == 403)
        let all = try vault.send(as: token, "GET", "sys/internal/ui/mounts")
        let secret = try all.data("secret")?.asObject?.members.map(\.name)
        #expect(secret == ["cubbyhole/", "identity/", "new/", "sys/"])
        #expect(try all.data("auth")?.asObject?.members.map(\.name) == ["token/"])
        let none = try vault.makeToken([]).token
        let empty = try vault.send(as: none, "GET", "sys/internal/ui/mounts")
        #expect(try empty.data("secret") == [:])
        #expect(try empty.data("auth") == [:])
    }

    // MARK: capabilities

    @Test("capabilities of the own token, of another by itself and by its accessor")
    func capabilities() throws {
        let (vault, token) = try bench(
            """
            path "old/*" { capabilities = ["create", "sudo", "patch"] }
            path "old/no" { capabilities = ["deny"] }
            path "sys/capabilities" { capabilities = ["update"] }
            path "sys/capabilities-accessor" { capabilities = ["update"] }
            """
        )
        let other = try vault.makeToken(["default"])
        func list(_ answer: TestVault.Answer) throws -> JSONValue? {
            try answer.data("capabilities")
        }
        let own = try vault.send(
            as: token,
            "POST",
            "sys/capabilities-self",
            #"{"paths":["old/x","/old/no","zz"]}"#
        )
        let expected: JSONValue = [
            "/old/no": ["deny"], "old/x": ["create", "patch", "sudo"], "zz": ["deny"],
        ]
        #expect(try own.json().asObject?["data"] == expected)
        let body = #"{"token":"\#(other.token)","path":"sys/capabilities-self"}"#
        #expect(try list(vault.send(as: token, "POST", "sys/capabilities", body)) == ["update"])
        let root = #"{"token":"\#(vault.rootToken)","path":"x"}"#
        #expect(try list(vault.send(as: token, "POST", "sys/capabilities", root)) == ["root"])
        let byAccessor = #"{"accessor":"\#(other.accessor)","path":"zz"}"#
        let answer = try vault.send(as: token, "POST", "sys/capabilities-accessor", byAccessor)
        #expect(try list(answer) == ["deny"])
        #expect(try vault.send(as: other.token, "POST", "sys/capabilities", body).status == 403)
    }

    @Test("the whole list of a token, as user interfaces read it")
    func resultant() throws {
        let (vault, _) = try bench(
            """
            path "old/*" { capabilities = ["read", "create"] }
            path "new/+/x" { capabilities = ["read"] }
            path "new/data/no" { capabilities = ["deny"] }
            path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }
            """
        )
        let token = try vault.makeToken(["p"]).token
        let expected: JSONValue = [
            "exact_paths": [
                "new/data/no": ["capabilities": ["deny"]],
                "sys/internal/ui/resultant-acl": ["capabilities": ["read"]],
            ],
            "glob_paths": ["old/": ["capabilities": ["create", "read"]]], "root": false,
        ]
        let answer = try vault.send(as: token, "GET", "sys/internal/ui/resultant-acl")
        #expect(try answer.json().asObject?["data"] == expected)
    }

    @Test("sealing and the members need their own paths, most of them sudo")
    func operators() throws {
        let (vault, token) = try bench(
            """
            path "sys/seal" { capabilities = ["update", "sudo"] }
            path "sys/step-down" { capabilities = ["update"] }
            path "sys/cluster/*" { capabilities = ["update", "sudo"] }
            path "sys/storage/raft/remove-peer" {
              capabilities = ["update"]
              denied_parameters = { "server_id" = ["eu-1"] }
            }
            """
        )
        func isAllowed(_ request: AccessRequest) -> Bool {
            vault.authorizes(token, request)
        }
        var removal = AccessRequest(.update, "sys/storage/raft/remove-peer")
        removal.parameters = ["server_id": "us-1"]
        #expect(isAllowed(AccessRequest(.update, "sys/seal")))
        #expect(!isAllowed(AccessRequest(.update, "sys/step-down")))
        #expect(isAllowed(AccessRequest(.update, "sys/cluster/join-token")))
        #expect(isAllowed(removal))
        removal.parameters = ["server_id": "eu-1"]
        #expect(!isAllowed(removal))
        #expect(!isAllowed(AccessRequest(.read, "sys/metrics")))
    }

    /// Written here by hand and not taken from the table that it tests. Lists go out with a slash.
    private static let ownAdministration: [(operation: AccessOperation, path: String)] = [
        (.read, "sys/audit-anchors"), (.update, "sys/audit-key"),
        (.update, "sys/cluster/join-token"), (.update, "sys/cluster/replace"),
        (.update, "sys/cluster/transfer"), (.read, "sys/retired-mounts"),
        (.list, "sys/retired-mounts/"), (.read, "sys/retired-mounts/config"),
        (.update, "sys/retired-mounts/config"),
        (.update, "sys/retired-mounts/00000000-0000-0000-0000-000000000000/restore"),
    ]

    @Test("what Holdfast alone has for administrators needs sudo", arguments: ownAdministration)
    func ownPaths(_ request: (operation: AccessOperation, path: String)) throws {
        let most = #"["create", "read", "update", "patch", "delete", "list", "scan"]"#
        let (vault, token) = try bench(#"path "sys/*" { capabilities = \#(most) }"#)
        let all = most.replacing("]", with: #", "sudo"]"#)
        try vault.writePolicy("all", #"path "sys/*" { capabilities = \#(all) }"#)
        let administrator = try vault.makeToken(["all"]).token
        let wanted = AccessRequest(request.operation, request.path)
        #expect(!vault.authorizes(token, wanted))
        #expect(vault.authorizes(administrator, wanted))
    }
}
