import Logging
import Raft
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("settings")
struct SettingsReaderTests {
    static let pins = (1...9).map { String(repeating: "0\($0)", count: 32) }

    static func member(_ number: Int, _ more: String = "") -> String {
        """

        [[member]]
        name = "n\(number)"
        region = "r\(number)"
        peer_address = "10.0.0.\(number):8301"
        api_address = "https://10.0.0.\(number):8200"
        pin = "\(pins[number - 1])"
        \(more)

        """
    }

    static let top = """
        node = "n2"
        data = "/var/lib/holdfast"
        api_listen = "0.0.0.0:8200"
        peer_listen = "0.0.0.0:8301"

        """

    static let whole = top + member(1) + member(2) + member(3)

    private func read(
        _ text: String,
        environment: [String: String] = [:]
    ) throws(SettingsError) -> Settings {
        try SettingsReader.read(text, path: "h.toml", environment: environment)
    }

    // MARK: What is right

    @Test("a short file is complete, the rest has defaults")
    func defaults() throws {
        let settings = try read(Self.whole)
        #expect(settings.node == "n2")
        #expect(settings.data == "/var/lib/holdfast")
        #expect(settings.apiListen == "0.0.0.0:8200")
        #expect(settings.peerListen == "0.0.0.0:8301")
        // Its own, as the others know it.
        #expect(settings.apiAddress == "https://10.0.0.2:8200")
        #expect(settings.clusterName == "holdfast")
        #expect(settings.logLevel == "info")
        #expect(settings.logFormat == .text)
        #expect(settings.requestLogLevel == nil)
        #expect(settings.certificateFile == nil)
        #expect(settings.certificateKeyFile == nil)
        #expect(!settings.plainHTTPOnLoopback)
        #expect(!settings.allowUnlockedMemory)
        #expect(!settings.readLease)
        #expect(settings.checkpointEntries == 10_000)
        #expect(settings.raft == RaftSettings(), "no leases unless asked for")
        #expect(settings.members.map(\.name) == ["n1", "n2", "n3"])
        #expect(settings.members.map(\.zone) == ["r1", "r2", "r3"], "the region is the zone")
        #expect(settings.members[0].pin == [UInt8](repeating: 1, count: 32))
    }

    @Test("every key is read")
    func allKeys() throws {
        let text =
            Self.top + """
                api_address = "https://vault.example:443"
                cluster_name = "our vault"
                plain_http_on_loopback = false
                log_level = "debug"
                allow_unlocked_memory = true
                read_lease = true
                clock_drift_ppm = 250
                checkpoint_entries = 64
                [tls]
                certificate = "/etc/c.pem"
                key = '/etc/k.pem'

                """ + Self.member(2, #"zone = "z""#)
        let settings = try read(text)
        #expect(settings.apiAddress == "https://vault.example:443")
        #expect(settings.clusterName == "our vault")
        #expect(settings.logLevel == "debug")
        #expect(settings.allowUnlockedMemory)
        #expect(settings.readLease)
        #expect(settings.raft.readLease?.clockDriftPPM == 250)
        #expect(settings.checkpointEntries == 64)
        #expect(settings.raft.problem == nil)
        #expect(settings.certificateFile == "/etc/c.pem")
        #expect(settings.certificateKeyFile == "/etc/k.pem")
        #expect(settings.members.map(\.zone) == ["z"])
    }

    @Test("plain HTTP is for loopback addresses", arguments: ["127.0.0.1", "localhost", "[::1]"])
    func plainHTTP(host: String) throws {
        let text = Self.whole.replacing("0.0.0.0:8200", with: "\(host):8200")
        let settings = try read("plain_http_on_loopback = true\n" + text)
        #expect(settings.plainHTTPOnLoopback)
    }

    @Test("ids follow the names' bytes, whatever the order of the file")
    func ids() throws {
        let names = { (text: String) throws -> [String] in
            try read(text).initialConfiguration.members.map { "\($0.id.number)\($0.name)" }
        }
        #expect(try names(Self.whole) == ["1n1", "2n2", "3n3"])
        let turned = Self.top + Self.member(3) + Self.member(1) + Self.member(2)
        #expect(try names(turned) == ["1n1", "2n2", "3n3"])
        let upper = turned.replacing(#"name = "n3""#, with: #"name = "N3""#)
        #expect(try names(upper) == ["1N3", "2n1", "3n2"])
        let configuration = try read(Self.whole).initialConfiguration
        #expect(configuration.encoded() == (try read(turned).initialConfiguration.encoded()))
    }

    // MARK: Environment

    struct Override: Sendable, CustomTestStringConvertible {
        var testDescription: String { variable }
        let variable: String
        let value: String
        let found: @Sendable (Settings) -> String?
    }

    static let overrides = [
        Override(variable: "HOLDFAST_NODE", value: "n3") { $0.node },
        Override(variable: "HOLDFAST_DATA", value: "/d") { $0.data },
        Override(variable: "HOLDFAST_API_LISTEN", value: "127.0.0.1:1") { $0.apiListen },
        Override(variable: "HOLDFAST_API_ADDRESS", value: "https://x:1") { $0.apiAddress },
        Override(variable: "HOLDFAST_PEER_LISTEN", value: "127.0.0.1:2") { $0.peerListen },
        Override(variable: "HOLDFAST_CLUSTER_NAME", value: "c") { $0.clusterName },
        Override(variable: "HOLDFAST_LOG_LEVEL", value: "trace") { $0.logLevel },
        Override(variable: "HOLDFAST_LOG_FORMAT", value: "json") { $0.logFormat.rawValue },
        Override(variable: "HOLDFAST_LOG_REQUESTS_LEVEL", value: "info") {
            $0.requestLogLevel?.rawValue
        },
        Override(variable: "HOLDFAST_ALLOW_UNLOCKED_MEMORY", value: "true") {
            "\($0.allowUnlockedMemory)"
        },
        Override(variable: "HOLDFAST_AUDIT_LOG", value: "false") { "\($0.auditLog)" },
        Override(variable: "HOLDFAST_READ_LEASE", value: "true") { "\($0.readLease)" },
        Override(variable: "HOLDFAST_CLOCK_DRIFT_PPM", value: "20") { "\($0.clockDriftPPM)" },
    ]

    @Test("a variable wins over the file", arguments: overrides)
    func override(_ row: Override) throws {
        let plain = try read(Self.whole)
        #expect(row.found(plain) != row.value)
        let settings = try read(Self.whole, environment: [row.variable: row.value])
        #expect(row.found(settings) == row.value)
        // An empty one counts as none, and others are not looked at.
        #expect(try read(Self.whole, environment: [row.variable: "", "NODE": "x"]) == plain)
    }

    @Test("certificate and key can come from variables, together")
    func certificates() throws {
        let both = ["HOLDFAST_TLS_CERTIFICATE": "/c", "HOLDFAST_TLS_KEY": "/k"]
        let settings = try read(Self.whole, environment: both)
        #expect(settings.certificateFile == "/c")
        #expect(settings.certificateKeyFile == "/k")
        #expect(
            throws: SettingsError.wrongValue(
                key: "tls",
                reason: "certificate and key are given together"
            )
        ) { try read(Self.whole, environment: ["HOLDFAST_TLS_KEY": "/k"]) }
    }

    @Test("a missing key can be given by its variable")
    func onlyVariable() throws {
        let text = Self.whole.replacing(#"node = "n2""#, with: "")
        #expect(throws: SettingsError.missing("node")) { try read(text) }
        #expect(try read(text, environment: ["HOLDFAST_NODE": "n1"]).node == "n1")
    }

    // MARK: What is wrong

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        var environment: [String: String] = [:]
        let error: SettingsError
    }

    private static func without(_ line: String) -> String {
        precondition(whole.contains(line))
        return whole.replacing(line, with: "")
    }

    static let faults: [Fault] = [
        Fault(
            testDescription: "not TOML",
            text: "node = n2\n" + whole,
            error: .syntax(
                path: "h.toml",
                reason: "line 1: settings know strings in quotes, whole numbers, true and false"
            )
        ),
        Fault(
            testDescription: "a key twice",
            text: whole.replacing(#"data = "#, with: "node = "),
            error: .syntax(path: "h.toml", reason: "line 2: the key node is there twice")
        ),
        Fault(
            testDescription: "no node",
            text: without(#"node = "n2""#),
            error: .missing("node")
        ),
        Fault(
            testDescription: "an empty node",
            text: whole.replacing(#"node = "n2""#, with: #"node = """#),
            error: .missing("node")
        ),
        Fault(
            testDescription: "no data",
            text: without(#"data = "/var/lib/holdfast""#),
            error: .missing("data")
        ),
        Fault(
            testDescription: "no api_listen",
            text: without(#"api_listen = "0.0.0.0:8200""#),
            error: .missing("api_listen")
        ),
        Fault(
            testDescription: "no peer_listen",
            text: without(#"peer_listen = "0.0.0.0:8301""#),
            error: .missing("peer_listen")
        ),
        Fault(testDescription: "no members", text: top, error: .missing("member")),
        Fault(
            testDescription: "a mistyped key",
            text: "peer_listne = \"x\"\n" + whole,
            error: .unknownKey("peer_listne", nearest: "peer_listen")
        ),
        Fault(
            testDescription: "a key from nowhere",
            text: "colour_of_the_sky = \"x\"\n" + whole,
            error: .unknownKey("colour_of_the_sky", nearest: nil)
        ),
        Fault(
            testDescription: "a mistyped table key",
            text: whole + "[tls]\ncertificat = \"x\"\n",
            error: .unknownKey("tls.certificat", nearest: "tls.certificate")
        ),
        Fault(
            testDescription: "a mistyped table",
            text: whole + "[[membre]]\n",
            error: .unknownKey("membre", nearest: "member")
        ),
        Fault(
            testDescription: "an unknown table",
            text: whole + "[storage_backend]\n",
            error: .unknownKey("storage_backend", nearest: nil)
        ),
        Fault(
            testDescription: "members as one table",
            text: top + "[member]\nname = \"x\"\n",
            error: .wrongType(key: "member", want: "[[member]] tables")
        ),
        Fault(
            testDescription: "members as a string",
            text: "member = \"x\"\n" + whole,
            error: .wrongType(key: "member", want: "[[member]] tables")
        ),
        Fault(
            testDescription: "tls as a string",
            text: "tls = \"x\"\n" + whole,
            error: .wrongType(key: "tls", want: "a [tls] table")
        ),
        Fault(
            testDescription: "tls as many tables",
            text: whole + "[[tls]]\n",
            error: .wrongType(key: "tls", want: "a [tls] table")
        ),
        Fault(
            testDescription: "a number for a string",
            text: whole.replacing(#""n2""#, with: "2"),
            error: .wrongType(key: "node", want: "a string")
        ),
        Fault(
            testDescription: "a string for a flag",
            text: "allow_unlocked_memory = \"true\"\n" + whole,
            error: .wrongType(key: "allow_unlocked_memory", want: "true or false")
        ),
        Fault(
            testDescription: "a flag's variable that is no flag",
            text: whole,
            environment: ["HOLDFAST_ALLOW_UNLOCKED_MEMORY": "yes"],
            error: .wrongType(key: "HOLDFAST_ALLOW_UNLOCKED_MEMORY", want: "true or false")
        ),
        Fault(
            testDescription: "a string for a number",
            text: "clock_drift_ppm = \"20\"\n" + whole,
            error: .wrongType(key: "clock_drift_ppm", want: "a whole number")
        ),
        Fault(
            testDescription: "a number's variable that is no number",
            text: whole,
            environment: ["HOLDFAST_CLOCK_DRIFT_PPM": "fast"],
            error: .wrongType(key: "HOLDFAST_CLOCK_DRIFT_PPM", want: "a whole number")
        ),
        Fault(
            testDescription: "a clock that is no clock",
            text: "clock_drift_ppm = 100001\n" + whole,
            error: .wrongValue(key: "clock_drift_ppm", reason: "use 0 to 100000")
        ),
        Fault(
            testDescription: "a comparison at each entry",
            text: "checkpoint_entries = 63\n" + whole,
            error: .wrongValue(key: "checkpoint_entries", reason: "use 64 to 1000000")
        ),
        Fault(
            testDescription: "a level that is none",
            text: "log_level = \"loud\"\n" + whole,
            error: .wrongValue(
                key: "log_level",
                reason: "use one of trace, debug, info, notice, warning, error"
            )
        ),
        Fault(
            testDescription: "a level of requests that is none",
            text: "log_requests_level = \"on\"\n" + whole,
            error: .wrongValue(
                key: "log_requests_level",
                reason: "use off or one of trace, debug, info, notice, warning, error"
            )
        ),
        Fault(
            testDescription: "lines in no format",
            text: "log_format = \"xml\"\n" + whole,
            error: .wrongValue(key: "log_format", reason: "use text or json")
        ),
        Fault(
            testDescription: "a certificate alone",
            text: whole + "[tls]\ncertificate = \"x\"\n",
            error: .wrongValue(key: "tls", reason: "certificate and key are given together")
        ),
        Fault(
            testDescription: "plain HTTP for everyone",
            text: "plain_http_on_loopback = true\n" + whole,
            error: .wrongValue(
                key: "plain_http_on_loopback",
                reason: "api_listen is 0.0.0.0:8200, which is not a loopback address"
            )
        ),
        Fault(
            testDescription: "not a member",
            text: whole.replacing(#"node = "n2""#, with: #"node = "n7""#),
            error: .notAMember(node: "n7", members: ["n1", "n2", "n3"])
        ),
        Fault(
            testDescription: "two of a name",
            text: whole.replacing(#""n3""#, with: #""n1""#),
            error: .wrongValue(key: "member", reason: "two members are named \"n1\"")
        ),
        Fault(
            testDescription: "two of an address",
            text: whole.replacing("10.0.0.3:8301", with: "10.0.0.1:8301"),
            error: .wrongValue(
                key: "member",
                reason: "two members have peer_address 10.0.0.1:8301"
            )
        ),
        Fault(
            testDescription: "two of a pin",
            text: whole.replacing(pins[2], with: pins[0]),
            error: .wrongValue(key: "member", reason: "two members have the pin \(pins[0])")
        ),
        Fault(
            testDescription: "a pin that is short",
            text: whole.replacing(pins[0], with: "0101"),
            error: .wrongValue(
                key: "member[1].pin",
                reason: "a pin is 64 hex digits, as printed by holdfast identity"
            )
        ),
        Fault(
            testDescription: "a member without a region",
            text: without(#"region = "r2""#),
            error: .missing("member[2].region")
        ),
        Fault(
            testDescription: "a member's number",
            text: whole.replacing(#""r3""#, with: "3"),
            error: .wrongType(key: "member[3].region", want: "a non-empty string")
        ),
        Fault(
            testDescription: "a member's empty text",
            text: whole.replacing(#""r3""#, with: "''"),
            error: .wrongType(key: "member[3].region", want: "a non-empty string")
        ),
        Fault(
            testDescription: "a member's mistyped key",
            text: whole + "peer_adress = \"x\"\n",
            error: .unknownKey("member[3].peer_adress", nearest: "peer_address")
        ),
        Fault(
            testDescription: "a name with a blank",
            text: whole.replacing(#""n3""#, with: #""n 3""#),
            error: .wrongValue(
                key: "member[3].name",
                reason: "use 1 to 64 letters, digits, -, _ or ."
            )
        ),
        Fault(
            testDescription: "a name of 65 bytes",
            text: whole.replacing(#""n3""#, with: "\"\(String(repeating: "n", count: 65))\""),
            error: .wrongValue(
                key: "member[3].name",
                reason: "use 1 to 64 letters, digits, -, _ or ."
            )
        ),
        // Found by reading: this trapped when the configuration was made.
        Fault(
            testDescription: "a region that consensus would not carry",
            text: whole.replacing(#""r1""#, with: "\"\(String(repeating: "r", count: 513))\""),
            error: .wrongValue(
                key: "member",
                reason: "member 1 has a text of 513 bytes, at most 512 are supported"
            )
        ),
    ]

    @Test("each fault has its own error, and a remedy", arguments: faults)
    func fault(_ row: Fault) {
        #expect(throws: row.error) { try read(row.text, environment: row.environment) }
        #expect(row.error.blame == .operator)
        #expect(!row.error.summary.isEmpty && !row.error.remedy.isEmpty)
    }

    @Test("ten members are too many")
    func tooMany() {
        let tenth = Self.member(9).replacing(#""n9""#, with: #""n10""#)
            .replacing("10.0.0.9", with: "10.0.0.10").replacing(
                Self.pins[8],
                with: String(repeating: "ab", count: 32)
            )
        let nine = Self.top + (1...9).map { Self.member($0) }.joined()
        #expect((try? read(nine))?.members.count == 9)
        #expect(throws: SettingsError.wrongValue(key: "member", reason: "10 members; use 1 to 9")) {
            try read(nine + tenth)
        }
    }

    struct Nearest: Sendable, CustomTestStringConvertible {
        var testDescription: String { name }
        let name: String
        let nearest: String?
    }

    @Test(
        "the nearest known name is offered, if it is near",
        arguments: [
            Nearest(name: "node", nearest: "node"),
            Nearest(name: "nod", nearest: "node"),
            Nearest(name: "ndoe", nearest: "node"),
            Nearest(name: "dota", nearest: "data"),
            Nearest(name: "clustername", nearest: "cluster_name"),
            Nearest(name: "", nearest: nil),
            Nearest(name: "completely_else", nearest: nil),
        ]
    )
    func nearest(_ row: Nearest) {
        let known = ["node", "data", "cluster_name"]
        #expect(SettingsReader.nearestName(to: row.name, among: known) == row.nearest)
    }

    // MARK: The file's form

    struct Value: Sendable, CustomTestStringConvertible {
        var testDescription: String { text }
        let text: String
        let value: TOMLReader.Value?
    }

    static let values = [
        Value(text: #""""#, value: .text("")),
        Value(text: #""a b # c""#, value: .text("a b # c")),
        Value(text: #""\b\t\n\f\r\"\\""#, value: .text("\u{8}\t\n\u{C}\r\"\\")),
        Value(text: #""\u00e9\U0001F600""#, value: .text("é😀")),
        Value(text: #"'C:\n'"#, value: .text(#"C:\n"#)),
        Value(text: "true", value: .flag(true)),
        Value(text: "false  # no", value: .flag(false)),
        Value(text: "-12", value: .number(-12)),
        Value(text: "0", value: .number(0)),
        Value(text: "012", value: nil),
        Value(text: "1.5", value: nil),
        Value(text: "99999999999999999999", value: nil),
        Value(text: "True", value: nil),
        Value(text: "", value: nil),
        Value(text: "# nothing", value: nil),
        Value(text: #""open"#, value: nil),
        Value(text: #"'open"#, value: nil),
        Value(text: #""a" "b""#, value: nil),
        Value(text: #""\q""#, value: nil),
        Value(text: #""\ud800""#, value: nil),
        Value(text: #""\u12"#, value: nil),
        Value(text: #""ends in \"#, value: nil),
        Value(text: "\"a\u{1}b\"", value: nil),
        Value(text: "[1, 2]", value: nil),
        Value(text: "{ a = 1 }", value: nil),
        Value(text: #""""many""""#, value: nil),
    ]

    @Test("values are read, or refused with their line", arguments: values)
    func value(_ row: Value) {
        let text = "first = 1\nkey = \(row.text)\n"
        do throws(TOMLReader.Failure) {
            let document = try TOMLReader.read(text)
            #expect(document.top["key"] == row.value)
            #expect(row.value != nil, "refused")
        } catch {
            #expect(row.value == nil, "\(error.reason)")
            #expect(error.line == 2)
        }
    }

    @Test("random text is read or refused", arguments: UInt64(1)...4)
    func random(seed: UInt64) {
        var random = Seeded(seed)
        let pieces = [
            "node", "=", " ", "\n", "[", "]", "[[", "]]", "\"", "'", "\\", "\\u", "00e9", "member",
            ".", "tls", "#", "true", "-", "1", "\r\n", "é", "\u{0}", "name", "\t",
        ]
        var understood = 0
        for _ in 0..<5_000 {
            let count = Int(random.next() % 12)
            let text = (0..<count).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }
                .joined()
            if (try? TOMLReader.read(text)) != nil { understood += 1 }
            #expect(throws: SettingsError.self) { try read(text) }
        }
        #expect(understood > 0)
    }
}
