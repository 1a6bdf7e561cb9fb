import Engines
import Testing
import Wire

@testable import API
@testable import Vault

/// The tables by which requests are routed, and the description that is made from them.
@Suite("routes")
struct RouteTests {
    @Test(
        "a pattern matches what it says",
        arguments: [
            ("mounts/{path...}/tune", "mounts/a/tune", true),
            ("mounts/{path...}/tune", "mounts/a/b/tune", true),
            ("mounts/{path...}/tune", "mounts/tune", false),
            ("mounts/{path...}/tune", "mounts//tune", false),
            ("mounts/{path...}", "mounts/", false), ("mounts/{path...}", "mounts/a/", true),
            ("jobs/{id}", "jobs/a", true), ("jobs/{id}", "jobs/a/b", false),
            ("jobs/{id}", "jobs/", false), ("policy/?", "policy", true),
            ("policy/?", "policy/", true), ("policy/?", "policy//", false),
            ("policy", "policy/", false), ("{path...}", "", false), ("{path...}", "a/b", true),
            ("role/{role_name}/secret-id/?", "role/a/secret-id/", true),
        ] as [(RoutePattern, String, Bool)]
    )
    func patterns(_ pattern: RoutePattern, _ path: String, _ isMatch: Bool) {
        #expect(pattern.matches(path) == isMatch)
    }

    @Test("a pattern is told with its names, and begins with its words")
    func texts() {
        let pattern: RoutePattern = "mounts/{path...}/tune"
        #expect(pattern.text == "mounts/{path}/tune" && pattern.names == ["path"])
        #expect(pattern.literalPrefix == "mounts/")
        #expect(RoutePattern(stringLiteral: "policy/?").literalPrefix == "policy")
        #expect(RoutePattern(stringLiteral: "{path...}").literalPrefix == "")
    }

    // MARK: one source of truth

    /// A vault with a mount of each kind, at the path of its type.
    static func vault() throws -> TestVault {
        let vault = try TestVault()
        for (path, type) in [("kv1", "kv"), ("kv2", "kv-v2"), ("totp", "totp")] {
            try vault.send("POST", "sys/mounts/\(path)", #"{"type":"\#(type)"}"#)
        }
        for type in ["userpass", "approle", "jwt", "cert"] {
            try vault.send("POST", "sys/auth/\(type)", #"{"type":"\#(type)"}"#)
        }
        return vault
    }

    /// Every place of a vault, and every endpoint in it.
    static func endpoints(of vault: TestVault) throws -> [(place: String, Endpoint)] {
        let mounts = try vault.view { try vault.environment().cache.mounts($0) }
        let places = RouteCatalog.builtIn + mounts.entries.map { RouteCatalog.place($0) }
        return places.flatMap { place in place.table.endpoints.map { (place.path, $0) } }
    }

    private static let methods: [(Operation, String)] = [
        (.read, "GET"), (.update, "POST"), (.delete, "DELETE"), (.list, "LIST"),
        (.scan, "SCAN"), (.patch, "PATCH"),
    ]

    /// A path that the pattern matches.
    private static func sample(_ place: String, _ pattern: RoutePattern) -> String {
        let words = pattern.parts.map { part in
            switch part {
            case .literal(let word): word
            case .segment(let name), .rest(let name):
                switch name {
                case "algorithm": "sha2-256"
                case "type": "secret"
                default: "a1"
                }
            }
        }
        return place + words.joined(separator: "/")
    }

    private static func isUnrouted(_ answer: TestVault.Answer) -> Bool {
        answer.errors.contains { $0.contains("unsupported path") }
            || answer.errors.contains { $0.contains("unsupported operation") }
            || answer.errors.contains { $0.contains("no handler for route") }
    }

    @Test("whatever is described, routes")
    func describedRoutes() throws {
        let vault = try Self.vault()
        let nodePaths = SystemRoutes.node.endpoints.map(\.pattern)
        for (place, endpoint) in try Self.endpoints(of: vault)
        where !(place == "sys/" && nodePaths.contains(endpoint.pattern)) {
            for (operation, method) in Self.methods where endpoint.operations.contains(operation) {
                // It would be the last of the test's root token.
                if endpoint.pattern.text == "revoke-self" { continue }
                // A part of a role that is not there is no path, as in OpenBao.
                if place == "auth/approle/" {
                    try vault.send("POST", "auth/approle/role/a1", "{}")
                }
                let path = Self.sample(place, endpoint.pattern)
                let headers =
                    method == "PATCH" ? [("Content-Type", "application/merge-patch+json")] : []
                let answer = try vault.send(method, path, method == "GET" ? "" : "{}", headers)
                #expect(!Self.isUnrouted(answer), "\(method) \(path): \(answer.text)")
            }
        }
    }

    @Test("whatever a closed place does not describe, does not route")
    func restIsRefused() throws {
        let vault = try Self.vault()
        for (place, endpoint) in try Self.endpoints(of: vault)
        where !["cubbyhole/", "kv1/", "kv2/"].contains(place) && !endpoint.isOpen {
            let path = Self.sample(place, endpoint.pattern)
            let mounts = try vault.view { try vault.environment().cache.mounts($0) }
            guard let (found, below) = RouteCatalog(mounts: mounts).find(path) else {
                Issue.record("\(path) belongs nowhere")
                continue
            }
            for (operation, method) in Self.methods where operation != .list && operation != .scan {
                // The path is refused before anybody looks at it.
                if path.hasSuffix("/") && operation.isWrite { continue }
                let isThere = (try? found.table.endpoint(below, operation)) != nil
                if isThere || path.hasPrefix("sys/internal/ui/") { continue }
                let headers =
                    method == "PATCH" ? [("Content-Type", "application/merge-patch+json")] : []
                let answer = try vault.send(method, path, method == "GET" ? "" : "{}", headers)
                let isOfNode = answer.errors == ["a call of the node"]
                #expect(
                    Self.isUnrouted(answer) || isOfNode || answer.status == 405,
                    "\(method) \(path): \(answer.status) \(answer.text)"
                )
            }
        }
    }

    @Test("what a node answers itself is in its table, method by method")
    func nodeRoutes() throws {
        let vault = try TestVault()
        for endpoint in SystemRoutes.node.endpoints {
            let path = Self.sample("sys/", endpoint.pattern)
            for (operation, method) in Self.methods.prefix(3) {
                let call = TestVault.Call(method: method, target: "/v1/\(path)", body: [])
                let isThere = endpoint.operations.contains(operation)
                switch Router.route(vault.request(call), isSealed: false) {
                case .node, .cluster: break
                case .vault: Issue.record("\(method) \(path) goes to the vault")
                case .reply(let response):
                    let isRefusedMethod = response.status == 405
                    #expect(isRefusedMethod != isThere, "\(method) \(path): \(response.status)")
                }
            }
        }
    }

    @Test(
        "every kind of engine has paths, and their names are told once",
        arguments: EngineKind.allCases
    )
    func kinds(_ kind: EngineKind) {
        let texts = EngineRoutes.table(of: kind).endpoints.map(\.pattern.text)
        #expect(!texts.isEmpty && Set(texts).count == texts.count)
    }

    // MARK: the description

    private func paths(_ answer: TestVault.Answer) throws -> JSONObject {
        try #require(try answer.json().asObject?["paths"]?.asObject)
    }

    @Test("tells root everything, once, with names for operations that are unique")
    func everything() throws {
        let vault = try Self.vault()
        let answer = try vault.send("GET", "sys/internal/specs/openapi")
        let document = try #require(try answer.json().asObject)
        #expect(document.members.map(\.name) == ["openapi", "info", "paths", "components"])
        let paths = try paths(answer)
        let expected = try Self.endpoints(of: vault).map { "/\($0.place)\($0.1.pattern.text)" }
        #expect(paths.members.map(\.name) == expected)
        #expect(Set(expected).count == expected.count)
        var names: Set<String> = []
        for (path, item) in paths.members {
            for method in ["get", "post", "patch", "delete"] {
                guard let call = item.asObject?[method]?.asObject else { continue }
                let name = try #require(call["operationId"]?.asString)
                #expect(names.insert(name).inserted, "\(path) \(method): \(name)")
            }
        }
        let tune = try #require(paths["/sys/auth/{path}/tune"]?.asObject)
        #expect(tune["x-vault-sudo"] == true)
        #expect(tune["parameters"]?.asArray?.count == 1)
        #expect(
            paths["/auth/userpass/login/{username}"]?.asObject?["x-vault-unauthenticated"] == true
        )
        // Whoever joins has no token yet, although all else below sys/cluster/ wants sudo.
        let join = try #require(paths["/sys/cluster/join"]?.asObject)
        #expect(join["x-vault-unauthenticated"] == true && join["x-vault-sudo"] == nil)
        #expect(paths["/sys/cluster/transfer"]?.asObject?["x-vault-sudo"] == true)
        #expect(paths["/kv2/data/{path}"]?.asObject?["patch"] != nil)
    }

    @Test("tells others what their policies reach, and strangers nothing")
    func restricted() throws {
        let vault = try Self.vault()
        for token in ["", "s.unknown"] {
            let answer = try vault.send(as: token, "GET", "sys/internal/specs/openapi")
            #expect(answer.status == 200)
            #expect(try paths(answer).isEmpty)
        }
        try vault.writePolicy(
            "some",
            #"path "kv2/data/x" { capabilities = ["read"] } path "sys/mounts" { capabilities = ["read"] }"#
        )
        let token = try vault.makeToken(["some"]).token
        let names = try paths(vault.send(as: token, "GET", "sys/internal/specs/openapi"))
            .members.map(\.name)
        #expect(names.contains("/kv2/data/{path}") && names.contains("/sys/mounts"))
        #expect(!names.contains("/kv1/{path}") && !names.contains("/sys/auth"))
        #expect(!names.contains("/identity/entity"))
    }

    @Test("mounts can be described by their kind")
    func generic() throws {
        let vault = try Self.vault()
        try vault.send("POST", "sys/mounts/more", #"{"type":"kv-v2"}"#)
        let target = "sys/internal/specs/openapi?generic_mount_paths=true"
        let names = try paths(vault.send("GET", target)).members.map(\.name)
        #expect(names.contains("/{kv_mount_path}/data/{path}"))
        #expect(names.contains("/auth/{approle_mount_path}/role/{role_name}"))
        #expect(!names.contains { $0.hasPrefix("/more/") || $0.hasPrefix("/kv2/") })
        #expect(Set(names).count == names.count)
    }

    // MARK: help

    @Test("help is for whoever has a token, and for all about what needs none")
    func help() throws {
        let vault = try Self.vault()
        let nobody = try vault.makeToken(["default"]).token
        let answer = try vault.send(as: nobody, "GET", "sys/mounts/x/tune?help=1")
        #expect(answer.status == 200)
        let members = try #require(try answer.json().asObject)
        #expect(members.members.map(\.name) == ["help", "openapi", "see_also"])
        #expect(members["help"]?.asString?.contains("mounts/{path}/tune") ?? false)
        #expect(try vault.send(as: "", "GET", "sys/mounts?help=1").status == 403)
        #expect(try vault.send(as: "nonsense", "HELP", "sys/mounts").status == 403)
        #expect(try vault.send("HELP", "sys/mounts").status == 200)
        #expect(try vault.send("GET", "sys?help=1").status == 200)
        #expect(try vault.send("GET", "kv2/data/a?help=1").status == 200)
        #expect(try vault.send("GET", "cubbyhole/x?help=1").status == 200)
        #expect(try vault.send("HELP", "sys/init").status == 200)
        #expect(try vault.send(as: "", "HELP", "sys/health").status == 200)
        #expect(try vault.send(as: "nonsense", "HELP", "sys/unseal").status == 200)
        #expect(try vault.send(as: "", "HELP", "sys/seal").status == 403)
        #expect(try vault.send("GET", "sys/cluster/transfer?help=1").status == 200)
        #expect(try vault.send("GET", "nomount/x?help=1").status == 404)
        let none = try vault.send("GET", "sys/nope?help=1")
        #expect(none.errors == ["1 error occurred:\n\t* unsupported path\n\n"])
    }
}
