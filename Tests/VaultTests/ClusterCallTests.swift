import Policy
import Testing
import Wire

@testable import API

/// Paths and bodies of the calls about members.
@Suite("cluster calls")
struct ClusterCallTests {
    private func route(_ method: String, _ path: String, _ body: String = "") -> Route {
        let request = APIRequest(
            method: method,
            target: Array("/v1/\(path)".utf8),
            headers: APIHeaders { $0 == "X-Vault-Token" ? "t" : nil },
            body: Array(body.utf8),
            requestID: [UInt8](repeating: 0, count: 16)
        )
        return Router.route(request, isSealed: false)
    }

    /// What is wrong with a call: told to everybody, or to those who may make it.
    private func refusal(_ route: Route) -> (status: Int, body: String, isOpen: Bool)? {
        switch route {
        case .reply(let response):
            (response.status, String(decoding: response.body, as: UTF8.self), true)
        case .cluster(.malformed(let call), _):
            (call.status, call.texts.joined(), false)
        default: nil
        }
    }

    private static let pin = String(repeating: "ab", count: 32)
    private static let join = JoinInput(
        token: "hfj1.x",
        name: "eu-3",
        region: "eu",
        zone: "",
        peerAddress: "h:1",
        apiAddress: "https://h:2",
        pin: [UInt8](repeating: 0xAB, count: 32),
        incarnation: 9_223_372_036_854_775_807,
        isNonVoter: true,
        formatLevel: 3
    )
    private static let joinBody = """
        {"token":"hfj1.x","name":"eu-3","region":"eu","peer_address":"h:1",
        "api_address":"https://h:2","pin":"\(pin)","incarnation":9223372036854775807,"non_voter":true,
        "format_level":3}
        """

    struct Case: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        let body: String
        let call: ClusterCall
        var testDescription: String { "\(method) \(path)" }
    }

    static let cases = [
        Case(
            method: "PUT",
            path: "sys/storage/raft/remove-peer",
            body: #"{"server_id":"a"}"#,
            call: .remove(server: "a")
        ),
        Case(
            method: "POST",
            path: "sys/storage/raft/promote",
            body: #"{"server_id":"a"}"#,
            call: .promote(server: "a")
        ),
        Case(
            method: "PUT",
            path: "sys/storage/raft/demote",
            body: #"{"server_id":"a"}"#,
            call: .demote(server: "a")
        ),
        Case(
            method: "PUT",
            path: "sys/cluster/replace",
            body: #"{"old_server_id":"a","new_server_id":"b"}"#,
            call: .replace(old: "a", new: "b")
        ),
        Case(method: "PUT", path: "sys/step-down", body: "", call: .transfer(server: nil)),
        Case(
            method: "PUT",
            path: "sys/cluster/transfer",
            body: #"{"server_id":"a"}"#,
            call: .transfer(server: "a")
        ),
        Case(
            method: "PUT",
            path: "sys/cluster/join-token",
            body: #"{"ttl_seconds":60}"#,
            call: .joinToken(seconds: 60)
        ),
        Case(
            method: "PUT",
            path: "sys/cluster/join-token",
            body: "",
            call: .joinToken(seconds: 3_600)
        ),
        Case(method: "PUT", path: "sys/cluster/join", body: joinBody, call: .join(join)),
        Case(
            method: "GET",
            path: "sys/storage/raft/autopilot/state",
            body: "",
            call: .autopilotState
        ),
        Case(
            method: "GET",
            path: "sys/storage/raft/autopilot/configuration",
            body: "",
            call: .autopilotConfiguration
        ),
    ]

    @Test("are understood, with the caller's token", arguments: cases)
    func understood(_ row: Case) {
        guard case .cluster(let call, let token) = route(row.method, row.path, row.body) else {
            Issue.record("no cluster call")
            return
        }
        #expect(call == row.call)
        #expect(token == Array("t".utf8))
    }

    @Test("only joining needs no token of the vault")
    func tokens() {
        for row in Self.cases { #expect(row.call.needsToken == (row.path != "sys/cluster/join")) }
    }

    @Test("only what changes nothing may be asked again when its answer is lost")
    func reads() {
        for row in Self.cases { #expect(row.call.isRead == (row.method == "GET")) }
    }

    @Test(
        "wrong ones are refused with what is wrong",
        arguments: [
            ("PUT", "sys/storage/raft/remove-peer", "", 400, "no server id provided"),
            ("PUT", "sys/storage/raft/promote", #"{"server_id":""}"#, 400, "no server id"),
            ("PUT", "sys/storage/raft/promote", #"{"server_id":7}"#, 400, "number"),
            ("GET", "sys/storage/raft/remove-peer", "", 405, ""),
            ("GET", "sys/step-down", "", 405, ""),
            ("PUT", "sys/storage/raft/autopilot/configuration", "{}", 405, "settings file"),
            ("PUT", "sys/cluster/replace", #"{"old_server_id":"a"}"#, 400, "new_server_id"),
            ("PUT", "sys/cluster/join-token", #"{"ttl_seconds":0}"#, 400, "ttl_seconds is 0"),
            ("PUT", "sys/cluster/join-token", #"{"ttl_seconds":9999999}"#, 400, "604800"),
            ("PUT", "sys/cluster/join", #"{"pin":"zz"}"#, 400, "64 hex digits"),
            ("PUT", "sys/cluster/join", #"{"pin":"\#(pin)"}"#, 400, "incarnation must be"),
            (
                "PUT", "sys/cluster/join", #"{"pin":"\#(pin)","incarnation":0}"#, 400,
                "incarnation must be"
            ),
            (
                "PUT", "sys/cluster/join", #"{"pin":"\#(pin)","incarnation":1,"format_level":0}"#,
                400, "format_level must be"
            ),
            (
                "PUT", "sys/cluster/join", #"{"pin":"\#(pin)","incarnation":1}"#, 400,
                "token is needed"
            ),
        ]
    )
    func refused(_ method: String, _ path: String, _ body: String, _ status: Int, _ text: String) {
        let refusal = refusal(route(method, path, body))
        #expect(refusal?.status == status)
        #expect(refusal?.isOpen == (path == "sys/cluster/join"))
        #expect(text.isEmpty || refusal?.body.contains(text) == true, "\(refusal?.body ?? "")")
    }

    @Test("what is wrong is told to those only who may make the call")
    func malformed() throws {
        let route = route("PUT", "sys/storage/raft/remove-peer", "{}")
        guard case .cluster(let call, let token) = route else {
            Issue.record("no cluster call")
            return
        }
        #expect(token == Array("t".utf8))
        #expect(call.needsToken && call.isRead)
        #expect(call.access.path == "sys/storage/raft/remove-peer")
        #expect(call.access.operation == .update)
    }

    @Test("a sealed node does not look at them")
    func sealed() {
        let request = APIRequest(
            method: "PUT",
            target: Array("/v1/sys/storage/raft/remove-peer".utf8),
            headers: APIHeaders(),
            body: [],
            requestID: [UInt8](repeating: 0, count: 16)
        )
        guard case .reply(let response) = Router.route(request, isSealed: true) else {
            Issue.record("not refused")
            return
        }
        #expect(response.status == 503)
    }

    @Test("state: what autopilot's readers look for")
    func state() throws {
        func server(_ name: String, isVoter: Bool = true, isHealthy: Bool) -> AutopilotFacts.Server
        {
            AutopilotFacts.Server(
                name: name,
                address: "\(name):8201",
                isLeader: name == "a",
                isVoter: isVoter,
                isAlive: isHealthy,
                lastContactMilliseconds: name == "a" ? 0 : 1_500,
                lastIndex: 7,
                isHealthy: isHealthy
            )
        }
        let facts = AutopilotFacts(
            term: 3,
            version: "1.0",
            servers: [
                server("a", isHealthy: true), server("b", isHealthy: true),
                server("c", isHealthy: false), server("d", isVoter: false, isHealthy: true),
            ]
        )
        let answer = ClusterReply.state(facts, requestID: [UInt8](repeating: 0, count: 16))
        let json = try JSONScanner.parse(answer.body, limits: .trusted)
        let data = json.asObject?["data"]?.asObject
        #expect(data?["failure_tolerance"]?.asInt == 0)
        #expect(data?["healthy"]?.asBool == false)
        #expect(data?["leader"]?.asString == "a")
        #expect(data?["voters"]?.asArray?.compactMap(\.asString) == ["a", "b", "c"])
        let server = data?["servers"]?.asObject?["c"]?.asObject
        #expect(server?["node_status"]?.asString == "failed")
        #expect(server?["last_contact"]?.asString == "1.5s")
        #expect(server?["status"]?.asString == "voter")
    }
}
