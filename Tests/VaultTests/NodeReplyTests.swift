import Testing
import Wire

@testable import API

/// Calls that the node answers itself: what goes in and, byte for byte, what comes out.
@Suite("calls of the node")
struct NodeReplyTests {
    private func call(_ method: String, _ path: String, _ body: String = "") throws -> NodeCall {
        let request = APIRequest(
            method: method,
            target: Array("/v1/\(path)".utf8),
            headers: APIHeaders(),
            body: Array(body.utf8),
            requestID: [UInt8](repeating: 0, count: 16)
        )
        switch Router.route(request, isSealed: true) {
        case .node(let call): return call
        case .reply(let response):
            throw TestFailure(String(decoding: response.body, as: UTF8.self))
        case .vault, .cluster: throw TestFailure("not a call of the node")
        }
    }

    private func initInput(_ body: String) throws -> InitInput {
        guard case .initialize(let input) = try call("PUT", "sys/init", body) else {
            throw TestFailure("not an initialisation")
        }
        return input
    }

    private func text(_ response: APIResponse) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    @Test("init takes flat sets and groups")
    func initialize() throws {
        #expect(
            try initInput(#"{"secret_shares":5,"secret_threshold":3,"stored_shares":5}"#)
                == .flat(threshold: 3, shares: 5)
        )
        #expect(
            try initInput(#"{"secret_shares":1,"secret_threshold":1,"pgp_keys":null}"#)
                == .flat(threshold: 1, shares: 1)
        )
        let groups = """
            {"groups":{"threshold":2,"groups":[{"threshold":3,"shares":5},
             {"threshold":1,"shares":1},{"threshold":2,"shares":16}]}}
            """
        let input = try initInput(groups)
        #expect(input.groupThreshold == 2)
        #expect(input.groups.map(\.threshold) == [3, 1, 2])
        #expect(input.groups.map(\.shares) == [5, 1, 16])
    }

    @Test(
        "init refuses with words that help",
        arguments: [
            (#"{"secret_shares":17,"secret_threshold":3}"#, "split them into groups"),
            (#"{"secret_shares":256,"secret_threshold":3}"#, "shares must be less than 256"),
            (#"{"secret_shares":2,"secret_threshold":2,"pgp_keys":["a","b"]}"#, "pgp_keys"),
            (
                #"{"secret_shares":2,"secret_threshold":2,"root_token_pgp_key":"a"}"#,
                "root_token_pgp_key"
            ),
            (#"{"secret_shares":1,"secret_threshold":1,"groups":{}}"#, "not both"),
            (#"{"groups":[]}"#, "a threshold and a list"),
            (#"{"groups":{"threshold":1,"groups":[]}}"#, "0 groups"),
            (#"{"groups":{"threshold":2,"groups":[{"threshold":1,"shares":1}]}}"#, "of 1 groups"),
            (
                #"{"groups":{"threshold":1,"groups":[{"threshold":1,"shares":2}]}}"#,
                "greater than one"
            ),
            (#"{"groups":{"threshold":1,"groups":[{"threshold":2,"shares":17}]}}"#, "at most 16"),
            (#"{"groups":{"threshold":1,"groups":[7]}}"#, "every group needs"),
        ]
    )
    func initRefusals(_ body: String, _ words: String) throws {
        do {
            _ = try initInput(body)
            Issue.record("\(body) was taken")
        } catch let failure as TestFailure {
            #expect(failure.text.contains(words), "\(failure.text)")
        }
    }

    @Test("unseal takes a share or forgets them")
    func unseal() throws {
        guard case .unseal(.share("abc")) = try call("PUT", "sys/unseal", #"{"key":"abc"}"#),
            case .unseal(.reset) = try call("POST", "sys/unseal", #"{"reset":true}"#),
            case .unseal(.reset) = try call("PUT", "sys/unseal", #"{"key":"a","reset":true}"#)
        else { throw TestFailure("another call") }
        #expect(throws: TestFailure.self) {
            try call("PUT", "sys/unseal", #"{"key":"a","migrate":true}"#)
        }
    }

    @Test("seal carries its token")
    func seal() throws {
        guard case .seal(let token) = try call("PUT", "sys/seal") else {
            throw TestFailure("another call")
        }
        #expect(token.isEmpty)
    }

    @Test("init's answer has shares in every form, once")
    func initialized() {
        let response = NodeReply.initialized(
            shares: [(bytes: [0, 255], words: "one two")],
            rootToken: "s.x"
        )
        #expect(
            text(response)
                == #"{"keys":["00ff"],"keys_base64":["AP8="],"keys_words":["one two"],"#
                + #""root_token":"s.x"}"# + "\n"
        )
        #expect(text(NodeReply.initStatus(isInitialized: false)) == "{\"initialized\":false}\n")
    }

    @Test("seal status shows the cluster only while unsealed")
    func sealStatus() {
        for isSealed in [true, false] {
            let facts = SealStatusFacts(
                isInitialized: true,
                isSealed: isSealed,
                threshold: 3,
                shares: 5,
                progress: 1,
                nonce: "n",
                version: "0.1.0",
                buildDate: "d",
                clusterName: "c",
                clusterID: "i"
            )
            let cluster = isSealed ? "" : #""cluster_name":"c","cluster_id":"i","#
            #expect(
                text(NodeReply.sealStatus(facts))
                    == #"{"type":"shamir","initialized":true,"sealed":\#(isSealed),"t":3,"n":5,"#
                    + #""progress":1,"nonce":"n","recovery_seal":false,"version":"0.1.0","#
                    + #""commit_date":"d","migration":false,\#(cluster)"storage_type":"raft"}"#
                    + "\n"
            )
        }
    }

    @Test("node status: everybody is told little, and details come beside it")
    func nodeStatus() throws {
        guard case .status(let token) = try call("GET", "sys/node-status") else {
            return #expect(Bool(false), "another call")
        }
        #expect(token.isEmpty)
        #expect(throws: TestFailure.self) { try call("PUT", "sys/node-status") }
        var facts = NodeStatusFacts()
        facts.node.name = "eu-1"
        facts.node.sharesNeeded = 3
        facts.node.room = "none"
        func object() throws -> JSONObject {
            let response = NodeStatusReply.response(facts)
            #expect(response.status == 200)
            return try #require(JSONScanner.parse(response.body).asObject)
        }
        let own = try object()
        #expect(
            own.members.map(\.name) == [
                "node", "version", "time", "initialized", "sealed", "shares_given", "shares_needed",
                "role", "term", "has_leader", "last_index", "committed_index", "applied_index",
                "room",
            ]
        )
        #expect(own["room"]?.asString == "none")
        var details = NodeStatusFacts.Details()
        var member = NodeStatusFacts.Member()
        member.name = "us-1"
        member.heard = NodeStatusFacts.Heard(isActive: false, matchIndex: 7)
        details.members = [member, NodeStatusFacts.Member()]
        details.disk = NodeStatusFacts.Disk(available: 5, total: 9)
        details.audit.secondsSinceRefusal = 4
        facts.details = details
        let all = try object()
        #expect(all["node"]?.asString == "eu-1")
        let members = try #require(all["members"]?.asArray?.map(\.asObject))
        #expect(members[0]?["active"]?.asBool == false)
        #expect(members[0]?["match_index"]?.asInt == 7)
        #expect(members[1]?["active"]?.isNull == true)
        #expect(all["disk_available_bytes"]?.asInt == 5)
        #expect(all["audit"]?.asObject?["seconds_since_refusal"]?.asInt == 4)
        #expect(all["jobs"] == nil, "a sealed node does not know")
    }

    @Test("leader")
    func leader() {
        let facts = LeaderFacts(
            isSelf: true,
            activeTime: "t",
            leaderAddress: "https://a",
            leaderPeerAddress: "https://p",
            committedIndex: 9,
            appliedIndex: 8
        )
        #expect(
            text(NodeReply.leader(facts))
                == #"{"ha_enabled":true,"is_self":true,"active_time":"t","#
                + #""leader_address":"https://a","leader_cluster_address":"https://p","#
                + #""raft_committed_index":9,"raft_applied_index":8}"# + "\n"
        )
    }

    struct HealthCase: Sendable {
        let query: String
        let isInitialized: Bool
        let isSealed: Bool
        let isStandby: Bool
        let status: Int
    }

    static let healthCases = [
        HealthCase(
            query: "",
            isInitialized: true,
            isSealed: false,
            isStandby: false,
            status: 200
        ),
        HealthCase(query: "", isInitialized: true, isSealed: false, isStandby: true, status: 429),
        HealthCase(query: "", isInitialized: true, isSealed: true, isStandby: false, status: 503),
        HealthCase(query: "", isInitialized: false, isSealed: true, isStandby: false, status: 501),
        HealthCase(
            query: "?standbyok=true",
            isInitialized: true,
            isSealed: false,
            isStandby: true,
            status: 200
        ),
        HealthCase(
            query: "?standbyok=1&activecode=204",
            isInitialized: true,
            isSealed: false,
            isStandby: true,
            status: 204
        ),
        HealthCase(
            query: "?standbycode=299",
            isInitialized: true,
            isSealed: false,
            isStandby: true,
            status: 299
        ),
        HealthCase(
            query: "?sealedcode=200&uninitcode=201",
            isInitialized: true,
            isSealed: true,
            isStandby: false,
            status: 200
        ),
        HealthCase(
            query: "?sealedcode=200&uninitcode=201",
            isInitialized: false,
            isSealed: true,
            isStandby: false,
            status: 201
        ),
        HealthCase(
            query: "?perfstandbyok=zz&drsecondarycode=x",
            isInitialized: true,
            isSealed: false,
            isStandby: false,
            status: 200
        ),
    ]

    @Test("health", arguments: healthCases)
    func health(_ row: HealthCase) throws {
        let facts = HealthFacts(
            isInitialized: row.isInitialized,
            isSealed: row.isSealed,
            isStandby: row.isStandby,
            serverTimeSeconds: 7,
            version: "0.1.0",
            clusterName: "c",
            clusterID: "i"
        )
        for method in ["GET", "HEAD"] {
            guard case .health(let input) = try call(method, "sys/health\(row.query)") else {
                throw TestFailure("another call")
            }
            let response = NodeReply.health(facts, input)
            #expect(response.status == row.status)
            #expect(response.body.isEmpty == (method == "HEAD"))
        }
    }

    @Test("health's body, up and down")
    func healthBody() {
        let up = HealthFacts(
            isInitialized: true,
            isSealed: false,
            isStandby: false,
            serverTimeSeconds: 7,
            version: "0.1.0",
            clusterName: "c",
            clusterID: "i"
        )
        #expect(
            text(NodeReply.health(up, HealthInput()))
                == #"{"initialized":true,"sealed":false,"standby":false,"#
                + #""replication_performance_mode":"primary","replication_dr_mode":"disabled","#
                + #""server_time_utc":7,"version":"0.1.0","cluster_name":"c","cluster_id":"i"}"#
                + "\n"
        )
        let down = HealthFacts(
            isInitialized: true,
            isSealed: true,
            isStandby: false,
            serverTimeSeconds: 7,
            version: "0.1.0",
            clusterName: "c",
            clusterID: "i"
        )
        #expect(
            text(NodeReply.health(down, HealthInput()))
                == #"{"initialized":true,"sealed":true,"standby":true,"#
                + #""replication_performance_mode":"unknown","replication_dr_mode":"unknown","#
                + #""server_time_utc":7,"version":"0.1.0"}"# + "\n"
        )
    }

    @Test("health refuses codes that cannot be sent", arguments: ["99999", "50", "x", "-1", "100"])
    func healthCodes(_ code: String) {
        #expect(throws: TestFailure.self) { try call("GET", "sys/health?activecode=\(code)") }
    }

    @Test(
        "failures of the service have the status that tells clients what to do",
        arguments: [
            (ServiceFailure.sealed, 503, "Vault is sealed"),
            (.noLeader, 503, "no active Vault instance found"), (.overloaded, 503, "too many"),
            (.timedOut, 503, "not applied"), (.contended, 503, "not applied"),
            (.outcomeUnknown, 409, "may have been applied"),
            (.appliedWithoutAnswer, 409, "was applied"), (.notInitialized, 400, "not initialized"),
            (.alreadyInitialized, 400, "already initialized"), (.storageFull, 507, "full"),
            (.nodeFull, 503, "another node"),
            (.tooLargeToForward(have: 9, limit: 8), 413, "9 bytes"), (.ceremony("no"), 400, "no"),
            (.underRepair, 503, "being repaired"), (.unconfirmed, 503, "could confirm"),
            (.internalFailure, 500, "internal error"),
        ]
    )
    func failures(_ failure: ServiceFailure, _ status: Int, _ words: String) {
        #expect(failure.response.status == status)
        #expect(text(failure.response).contains(words))
        #expect(!failure.remedy.isEmpty)
    }

    @Test("raft join: true of the cluster that the node is in, else what to type instead")
    func raftJoin() throws {
        let body = #"""
            {"auto_join":"","auto_join_scheme":"","auto_join_port":0,
            "leader_api_addr":"https://a:8200/","leader_ca_cert":"","leader_client_cert":"",
            "leader_client_key":"","retry":false,"non_voter":false}
            """#
        guard case .raftJoin(let address) = try call("POST", "sys/storage/raft/join", body) else {
            throw TestFailure("not a join")
        }
        let own = NodeReply.raftJoin(address, members: ["https://b:8200", "https://a:8200"])
        #expect(own.status == 200 && text(own) == "{\"joined\":true}\n")
        for address in ["https://c:8200", ""] {
            let other = NodeReply.raftJoin(address, members: ["https://a:8200"])
            #expect(other.status == 500)
            #expect(text(other).contains("failed to join raft cluster: "))
            #expect(text(other).contains("holdfast cluster join --config FILE"))
        }
        #expect(throws: TestFailure.self) { try call("GET", "sys/storage/raft/join") }
        #expect(throws: TestFailure.self) {
            try call("PUT", "sys/storage/raft/join", #"{"leader_api_addr":7}"#)
        }
    }
}
