import Testing
import Wire

@testable import Commands

@Suite("cluster report")
struct ClusterReportTests {
    static func member(_ name: String, _ region: String) -> ClusterMember {
        ClusterMember(
            name: name,
            region: region,
            zone: "\(region)-zone-a",
            peerAddress: "10.0.0.1:8201",
            apiAddress: "https://\(name).example.internal:8200",
            isVoter: true,
            isLeader: false,
            state: .unsealed,
            appliedIndex: 18_446_744
        )
    }

    /// A member that said this of itself.
    static func member(_ name: String, _ region: String, _ json: String) throws -> ClusterMember {
        var object = JSONObject([("node", .string(name)), ("initialized", true), ("sealed", false)])
        object["role"] = "follower"
        object["has_leader"] = true
        object["room"] = "ample"
        object["term"] = 7
        object["committed_index"] = 1_000
        object["applied_index"] = 1_000
        for (name, value) in try #require(JSONScanner.parse(Array(json.utf8)).asObject).members {
            object[name] = value
        }
        var member = member(name, region)
        let status = try #require(NodeStatusAnswer(object))
        member.status = status
        member.appliedIndex = status.appliedIndex
        member.clockSeconds = 0
        return member
    }

    static let leader = #"""
        {"role":"leader","leader":"a","members":[{"name":"a","active":true},
        {"name":"b","active":true},{"name":"c","active":false}],"database_bytes":34603008,
        "leader_since":"2026-01-01T00:00:00Z","disk_available_bytes":13207024435,
        "audit":{"on":true},"jobs":{"under_way":0,"failing":0}}
        """#

    private func settled(_ members: [ClusterMember]) -> ClusterView {
        var view = ClusterView(members: members)
        view.settle()
        return view
    }

    private func lines(_ view: ClusterView) throws -> [String] {
        let now = try #require(Timestamp(rfc3339: "2026-01-01T02:03:04Z"))
        let text = ClusterReport.text(view, hasColours: false, now: now)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    @Test("no line is wider than 100 columns, whatever the names and the reasons")
    func width() throws {
        let long = String(repeating: "n", count: 60)
        var odd = try Self.member(long, long, Self.leader)
        odd.failure = String(repeating: "x", count: 250)
        odd.state = .unreachable
        odd.status = nil
        let lines = try lines(
            ClusterView(members: [odd, Self.member("a", "eu"), Self.member("b", "us")])
        )
        #expect(lines.allSatisfy { $0.count <= ClusterReport.columnsMax })
        #expect(lines.contains { $0.hasPrefix("b     ") && $0.contains("https://b.exam") })
    }

    @Test("a healthy cluster has no warnings")
    func healthy() throws {
        let c = #"{"time":"2026-01-01T00:00:00Z"}"#
        var view = settled([
            try Self.member("a", "eu", Self.leader), try Self.member("b", "us", "{}"),
            try Self.member("c", "ap", c),
        ])
        view.members[2].state = .unsealed
        view.members[2].isHeard = true
        #expect(
            try lines(view) == [
                "Node  Region  Zone       Role      State     Lag  Disk      Clock  Address",
                "----  ------  ----       ----      -----     ---  ----      -----  -------",
                "a     eu      eu-zone-a  leader    unsealed  0    12.2 GiB  ok     "
                    + "https://a.example.internal:8200",
                "b     us      us-zone-a  follower  unsealed  0    ok        ok     "
                    + "https://b.example.internal:8200",
                "c     ap      ap-zone-a  follower  unsealed  0    ok        ok     "
                    + "https://c.example.internal:8200",
                "",
                "leader:   a, term 7, for 2 h 3 min",
                "log:      1,000 entries committed, database 33.0 MiB",
                "jobs:     none under way",
                "audit:    on",
                "survives: any one region, any one node",
            ]
        )
    }

    @Test("each member is shown as what it is, with what to do about it")
    func states() throws {
        var away = Self.member("d", "ap")
        away.state = .unreachable
        away.appliedIndex = nil
        away.failure = "no connection to https://d.example.internal:8200: Connection refused"
        let b = #"{"sealed":true,"shares_given":1,"shares_needed":3,"applied_index":900}"#
        let view = settled([
            try Self.member("a", "eu", Self.leader), try Self.member("b", "us", b),
            try Self.member("c", "us", #"{"has_leader":false,"role":"candidate","room":"none"}"#),
            away,
        ])
        #expect(view.members.map(\.state) == [.unsealed, .sealed, .cutOff, .unreachable])
        #expect(view.members.map(\.role) == ["leader", "follower", "candidate", "follower"])
        let text = try lines(view)
        #expect(text.contains { $0.hasPrefix("b ") && $0.contains("sealed 1/3   100 ") }, "\(text)")
        #expect(text.contains { $0.hasPrefix("c ") && $0.contains("full") })
        for line in [
            "  b: it is sealed, 1 of 3 shares are given; it votes and replicates, and answers no "
                + "request",
            "    next: holdfast unseal -address=https://b.example.internal:8200",
            "  c: it answers here, and it and the leader a do not hear each other",
            "  c: its disk is full: it appends nothing, votes, and lets others answer",
            "  d: no connection to https://d.example.internal:8200: Connection refused",
            "now:      2 of 4 voters unreachable; no majority: 2 of the 3 that are needed",
        ] {
            #expect(text.contains(line), "\(text.joined(separator: "\n"))")
        }
    }

    @Test("a member that the leader does not hear is cut off, although it knows the leader")
    func unheard() throws {
        let view = settled([
            try Self.member("a", "eu", Self.leader), try Self.member("b", "us", "{}"),
            try Self.member("c", "ap", "{}"),
        ])
        #expect(view.members.map(\.state) == [.unsealed, .unsealed, .cutOff])
    }

    @Test("whoever believes to lead in an older term does not count as the leader")
    func twoLeaders() throws {
        let view = settled([
            try Self.member("a", "eu", #"{"role":"leader","term":6}"#),
            try Self.member("b", "us", #"{"role":"leader","term":7}"#),
        ])
        #expect(view.leader?.name == "b")
        #expect(view.members[0].role == "follower")
    }

    @Test("without a leader the first warning says what is missing")
    func leaderless() throws {
        let alone = #"{"has_leader":false}"#
        var away = Self.member("b", "us")
        away.state = .unreachable
        away.appliedIndex = nil
        var view = settled([try Self.member("a", "eu", alone), away])
        #expect(view.members[0].state == .leaderless)
        #expect(
            ClusterReport.warnings(view)[0].problem.hasPrefix(
                "nobody leads: 1 of the 2 voters that are needed answer"
            )
        )
        view = settled([
            try Self.member("a", "eu", alone), try Self.member("b", "us", alone),
        ])
        #expect(ClusterReport.warnings(view)[0].problem.hasPrefix("nobody leads, although 2"))
        let new = #"{"has_leader":true,"initialized":false,"sealed":true}"#
        view = settled([try Self.member("a", "eu", new), try Self.member("b", "us", new)])
        #expect(ClusterReport.warnings(view).map(\.next) == ["holdfast init"])
        #expect(view.members[0].state == .empty)
    }

    @Test("clocks, jobs, leases and damage are told")
    func others() throws {
        let a = #"""
            {"role":"leader","damage":{"waiting":2,"last":"page 7\u001b[2J"},
            "audit":{"on":false,"seconds_since_refusal":3},"jobs":{"under_way":5,"failing":5,
            "stuck_leases":2,"lag_seconds":90,"worst":[{"id":"j","kind":"revocation","failures":7,
            "next_attempt":"T","reason":"why"}]}}
            """#
        var view = ClusterView(members: [
            try Self.member("a", "eu", a), try Self.member("b", "us", "{}"),
            try Self.member("c", "ap", #"{"applied_index":0,"version":"2"}"#),
        ])
        for (position, seconds) in [10.1, 10.0, 13.5].enumerated() {
            view.members[position].clockSeconds = seconds
        }
        view.settle()
        let problems = ClusterReport.warnings(view).map { ($0.node ?? "-") + " " + $0.problem }
        for start in [
            "a 2 parts of its state wait for repair: page 7", "a requests are refused because",
            "c its clock is 3.4 s ahead of", "- 2 leases cannot be ended",
            "- job j (revocation) failed 7 times, tries again at T: why", "- 4 more jobs fail",
            "- what is due is 1 min late",
        ] {
            #expect(problems.contains { $0.hasPrefix(start) }, "\(start): \(problems)")
        }
        let text = try lines(view)
        #expect(text.contains("audit:    off"))
        #expect(text.contains { $0.contains("page 7\\u{1b}[2J") }, "no terminal is steered")
        _ = ResultText.indented(ClusterReport.json(view))
    }

    @Test("learners count for nothing, sealed voters count")
    func counting() {
        var members = [
            Self.member("a", "eu"), Self.member("b", "us"), Self.member("c", "ap"),
            Self.member("d", "ap"),
        ]
        members[3].isVoter = false
        members[0].state = .sealed
        members[1].state = .unreachable
        #expect(ClusterReport.configured(members).text == "any one region, any one node")
        #expect(ClusterReport.current(members).textAfterLosses == "no further node may be lost")
        #expect(members[3].role == "learner")
    }

    @Test("numbers as people read them")
    func numbers() {
        #expect(
            [0, 999, 1_000, 1_234_567, -1_234].map { StatusText.count($0) }
                == ["0", "999", "1,000", "1,234,567", "-1,234"]
        )
        #expect(StatusText.count(.min).hasPrefix("-9,223,"))
        #expect(
            [0, 1_023, 1_024, 1_536, 1 << 20, 13_207_024_435, .max].map(StatusText.bytes)
                == ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "12.2 GiB", "8191 PiB"]
        )
        #expect(
            [0, 59, 60, 3_599, 7_380, 90_000].map { StatusText.duration(seconds: $0) }
                == ["0 s", "59 s", "1 min", "59 min", "2 h 3 min", "1 d 1 h"]
        )
        #expect([3.24, -0.05, -2].map(StatusText.difference) == ["+3.2 s", "-0.1 s", "-2.0 s"])
        #expect(
            StatusText.wrapped("aa bb cccccccc d", indent: 1, columns: 6)
                == [" aa bb", " ccccc", " ccc d"]
        )
        #expect(StatusText.wrapped("  ", indent: 1, columns: 6).isEmpty)
    }
}
