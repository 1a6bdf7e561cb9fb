import Testing
import Wire

@testable import Policy

@Suite("access list")
struct AccessListTests {
    @Test("what the real server answers for overlapping paths")
    func overlapping() throws {
        let list = try accessList(
            """
            path "akv/*" { capabilities = ["read", "list"] }
            path "akv/secret" { capabilities = ["deny"] }
            path "akv/+/z" { capabilities = ["create", "update"] }
            """
        )
        #expect(list.allows(.read, "akv/x"))
        #expect(!list.allows(.read, "akv/secret"))
        #expect(!list.allows(.read, "akv/q/z"))
        #expect(list.allows(.update, "akv/q/z"))
        #expect(list.allows(.help, "nowhere"))
    }

    @Test("an exact read beats a deny on a glob")
    func exactBeatsGlob() throws {
        let list = try accessList(
            "path \"a/*\" { capabilities = [\"deny\"] }",
            "path \"a/b\" { capabilities = [\"read\"] }"
        )
        #expect(list.allows(.read, "a/b"))
        #expect(list.decide(AccessRequest(.read, "a/c")).reason == .denied)
    }

    static let matching: [(pattern: String, path: String, matches: Bool)] = [
        ("secret/*", "secret/", true), ("secret/*", "secret", false),
        ("secret/*", "secret/a/b", true), ("secret*", "secretive", true),
        ("*", "", true), ("*", "x/y", true), ("a/*/b", "a/*/b", true), ("a/*/b", "a/x/b", false),
        ("a/+/b", "a/x/b", true), ("a/+/b", "a//b", true), ("a/+/b", "a/b", false),
        ("a/+/b", "a/x/y/b", false), ("a/+", "a/x", true), ("a/+", "a/", true),
        ("a/+", "a", false), ("a/+", "a/x/", false), ("+/b", "a/b", true), ("+", "a", true),
        ("+", "a/b", false), ("x+y", "x+y", true), ("x+y", "xzy", false), ("a/+x", "a/+x", true),
        ("a/+x", "a/yx", false), ("a/+/*", "a/x/", true), ("a/+/*", "a/x", false),
        ("a/+/c*", "a/x/cd/e", true), ("a/+/c*", "a/x/d", false), ("/a", "a", true),
        ("+/+/+", "a/b/c", true), ("+/+/+", "a/b", false), ("a", "A", false),
    ]

    @Test("patterns and paths", arguments: matching)
    func patterns(_ pattern: String, _ path: String, _ matches: Bool) throws {
        let pattern = try #require(PathPattern(pattern))
        #expect(pattern.matches(Array(path.utf8).span) == matches)
    }

    static let order: [(better: String, worse: String, path: String)] = [
        ("a/b", "a/*", "a/b"), ("a/b/*", "a/*", "a/b/c"), ("a/+/c", "a/*", "a/b/c"),
        ("a/+/c", "a/+/*", "a/b/c"), ("a/b/*", "a/+/c", "a/b/c"), ("a/+/c/*", "a/+/+/*", "a/b/c/d"),
        ("a/+/cc*", "a/+/c*", "a/b/ccc"), ("a/+/c", "+/b/c", "a/b/c"), ("a/*", "a/+/*", "a/b/c"),
        ("+/b", "+/+", "a/b"),
    ]

    @Test("which of two rules decides", arguments: order)
    func orderOfTwo(_ better: String, _ worse: String, _ path: String) throws {
        let texts = [
            "path \"\(better)\" { capabilities = [\"read\"] }",
            "path \"\(worse)\" { capabilities = [\"update\"] }",
        ]
        for list in [try accessList(texts[0], texts[1]), try accessList(texts[1], texts[0])] {
            #expect(list.allows(.read, path) && !list.allows(.update, path))
        }
    }

    @Test("policies about one path are merged; a deny outvotes all")
    func merging() throws {
        let both = try accessList(
            "path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = 9 pagination_limit = 5 }",
            "path \"a\" { capabilities = [\"list\"] min_wrapping_ttl = 3 pagination_limit = 8 }"
        )
        #expect(both.capabilities(of: "a") == ["list", "read"])
        #expect(both.rules[0].wrappingSecondsMin == 3 && both.rules[0].paginationLimit == 5)
        #expect(both.rules[0].origins.map(\.policy) == ["p0", "p1"])
        let denied = try accessList(
            "path \"a\" { capabilities = [\"read\"] }",
            "path \"a\" { capabilities = [\"deny\"] }",
            "path \"a\" { capabilities = [\"list\"] }"
        )
        #expect(denied.capabilities(of: "a") == ["deny"])
    }

    @Test("paths that only look alike stay apart")
    func normalForms() throws {
        let list = try accessList("path \"caf\u{E9}\" { capabilities = [\"read\"] }")
        #expect(list.allows(.read, "caf\u{E9}"))
        #expect(!list.allows(.read, "cafe\u{301}"))
    }

    @Test("lists: with and without the last slash")
    func lists() throws {
        let exact = try accessList(
            "path \"a/b\" { capabilities = [\"list\"] }",
            "path \"a/*\" { capabilities = [\"read\"] }"
        )
        #expect(exact.allows(.list, "a/b/") && !exact.allows(.list, "a/c/"))
        #expect(exact.allows(.read, "a/b/"), "reads look at the path as it is")
        let segments = try accessList("path \"a/+\" { capabilities = [\"list\", \"scan\"] }")
        #expect(segments.allows(.list, "a/b/") && segments.allows(.scan, "a/b/"))
    }

    @Test("sudo comes on top")
    func sudo() throws {
        let list = try accessList(
            "path \"sys/a\" { capabilities = [\"read\"] }",
            "path \"sys/b\" { capabilities = [\"read\", \"sudo\"] }"
        )
        var request = AccessRequest(.read, "sys/a")
        request.needsSudo = true
        #expect(list.decide(request).reason == .capabilityMissing(.sudo))
        request = AccessRequest(.read, "sys/b")
        request.needsSudo = true
        #expect(list.decide(request).isAllowed)
    }

    @Test("root may do everything, and says so")
    func root() {
        #expect(AccessList.root.decide(AccessRequest(.delete, "x")).reason == .root)
        #expect(AccessList.root.capabilities(of: "x") == ["root"])
    }

    @Test("expired blocks mean nothing, and the list knows when it ends")
    func expiration() throws {
        let text = """
            path "a" { capabilities = ["read"] expiration = "2030-01-01T00:00:00Z" }
            path "b" { capabilities = ["read"] expiration = "2029-01-01T00:00:00Z" }
            """
        let early = try accessList(text)
        #expect(early.allows(.read, "a"))
        #expect(early.validUntil == Timestamp(rfc3339: "2029-01-01T00:00:00Z"))
        let late = try accessList(text, at: Timestamp(rfc3339: "2029-06-01T00:00:00Z") ?? someday)
        #expect(late.allows(.read, "a") && !late.allows(.read, "b"))
    }

    @Test("templates are expanded for the subject, or their block is left out")
    func templates() throws {
        let alias = PolicySubject.Alias(
            mountAccessor: "auth_1",
            id: "al",
            name: "login",
            metadata: ["role": "ops"],
            customMetadata: ["desk": "7"]
        )
        let subject = PolicySubject(
            entity: .init(id: "e-1", name: "ann", metadata: ["team.x": "blue", "bad": "a/b"]),
            aliases: [alias],
            groups: [
                .init(id: "g1", name: "dev.ops", metadata: ["floor": "2"]),
                .init(id: "g2", name: "dev", metadata: ["ops.id": "3"]),
                .init(id: "g3", name: "dev.metadata.ops", metadata: [:]),
                .init(id: "g4", name: "my team", metadata: [:]),
                .init(id: "g5", name: "myteam", metadata: [:]),
            ]
        )
        let names: [(variable: String, value: String?)] = [
            ("identity.entity.id", "e-1"), ("identity.entity.name", "ann"),
            ("identity.entity.metadata.team.x", "blue"), ("identity.entity.metadata.none", nil),
            ("identity.entity.aliases.auth_1.name", "login"),
            ("identity.entity.aliases.auth_1.metadata.role", "ops"),
            ("identity.entity.aliases.auth_1.custom_metadata.desk", "7"),
            ("identity.entity.aliases.auth_2.name", nil),
            ("identity.groups.ids.g1.name", "dev.ops"),
            ("identity.groups.names.dev.ops.metadata.floor", "2"),
            ("identity.groups.names.dev.id", "g2"), ("identity.groups.names.dev.ops.id", "g1"),
            ("identity.groups.names.dev.metadata.ops.id", "3"),
            ("identity.groups.names.dev.metadata.ops.name", "dev.metadata.ops"),
            ("identity.groups.names.my team.id", "g4"),
            ("identity.groups.names.other.id", nil), ("identity.entity", nil),
            ("identity.entity.groups.ids", nil), ("identity.entity.groups.names", nil),
            ("identity.entity.metadata", nil), ("identity.entity.aliases.auth_1.metadata", nil),
        ]
        for (variable, value) in names {
            let text = "path \"a/{{ \(variable) }}/*\" { capabilities = [\"read\"] }"
            let list = try accessList(text, for: subject)
            #expect(list.rules.count == (value == nil ? 0 : 1), "\(variable)")
            if let value { #expect(list.allows(.read, "a/\(value)/x"), "\(variable)") }
        }
        let slash = "path \"a/{{identity.entity.metadata.bad}}\" { capabilities = [\"read\"] }"
        let open = "path \"*\" { capabilities = [\"read\"] }"
        let barred = try accessList("\(open)\n\(slash)", for: subject)
        #expect(barred.rules.isEmpty && barred.forbidden?.policy == "p0")
        #expect(!barred.allows(.read, "b"), "the rule might have denied it")
        var source = try source("p", slash)
        source.allowsSlashesInTemplates = true
        #expect(AccessList([source], for: subject, at: someday).allows(.read, "a/a/b"))
        #expect(try accessList(slash).rules.isEmpty, "a token without identity")
    }

    /// Variable, what it stands for at 1795000000.25 s, and for how many nanoseconds from then on.
    static let times: [(variable: String, value: String?, nanoseconds: UInt64)] = [
        ("time.now", "1795000000", 750_000_000), ("time.now.plus.90", "1795000090", 750_000_000),
        ("time.now.plus.1h30m", "1795005400", 750_000_000),
        ("time.now.minus.1d", "1794913600", 750_000_000),
        ("time.now.minus.10", "1794999990", 750_000_000),
        ("time.now.plus.-5s", "1794999995", 750_000_000),
        ("time.now.plus.800ms", "1795000001", 950_000_000),
        ("time.now.minus.300ms", "1794999999", 50_000_000),
        ("time.now.minus.1800000000", "-5000000", 750_000_000),
        ("time.now.plus.", "1795000000", 750_000_000),
        ("time.now.", nil, 0), ("time.now.plus", nil, 0), ("time.later", nil, 0), ("time", nil, 0),
        ("time.now.plus.1w", nil, 0), ("time.now.times.2", nil, 0),
        ("time.now.plus.9223372037", nil, 0), ("time.now.minus.-9223372036854775808ns", nil, 0),
    ]

    @Test("a template may name the time, until the second is over", arguments: times)
    func time(_ row: (variable: String, value: String?, nanoseconds: UInt64)) throws {
        let now = Timestamp(nanoseconds: someday.nanoseconds + 250_000_000)
        let text = "path \"a/{{ \(row.variable) }}\" { capabilities = [\"read\"] }"
        let list = try accessList(text, at: now)
        #expect(list.rules.first?.pattern.text == row.value.map { "a/\($0)" })
        guard row.value != nil else {
            #expect(list.rules.isEmpty && list.validUntil == nil)
            return
        }
        let end = try #require(list.validUntil)
        #expect(end.nanoseconds == now.nanoseconds + row.nanoseconds)
        let last = Timestamp(nanoseconds: end.nanoseconds - 1)
        let path = list.rules.first?.pattern.text
        #expect(try accessList(text, at: last).rules.first?.pattern.text == path)
        #expect(try accessList(text, at: end).rules.first?.pattern.text != path)
    }

    @Test("of a path with the time, an expiration and a name the earliest end counts")
    func timeAmongOthers() throws {
        let subject = PolicySubject(
            entity: .init(id: "e-1", name: "ann", metadata: ["bad": "a/b"]),
            aliases: [],
            groups: []
        )
        let text = """
            path "b/{{identity.entity.name}}/{{time.now}}" { capabilities = ["read"] }
            path "b" { capabilities = ["read"] expiration = "2030-01-01T00:00:00Z" }
            """
        let list = try accessList(text, for: subject)
        #expect(list.allows(.read, "b/ann/1795000000"))
        #expect(list.validUntil?.nanoseconds == someday.nanoseconds + 1_000_000_000)
        let never = "path \"b/{{identity.entity.name}}\" { capabilities = [\"read\"] }"
        #expect(try accessList(never, for: subject).validUntil == nil)
        let bad = "path \"b/{{time.now}}/{{identity.entity.metadata.bad}}\" { capabilities = [] }"
        #expect(try accessList(text + "\n" + bad, for: subject).forbidden != nil)
    }
}
