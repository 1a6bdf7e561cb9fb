import Client
import Testing
import Wire

@testable import Commands

@Suite("addresses and environment")
struct EnvironmentTests {
    @Test(
        "address",
        arguments: [
            ("https://127.0.0.1:8200", "https://127.0.0.1:8200"),
            ("http://localhost:1/", "http://localhost:1"),
            ("https://vault.example.com", "https://vault.example.com:443"),
            ("http://vault.example.com", "http://vault.example.com:80"),
            ("https://[::1]:8200", "https://[::1]:8200"),
            ("https://[::1]", "https://[::1]:443"),
            ("", nil), ("127.0.0.1:8200", nil), ("ftp://a:1", nil), ("https://", nil),
            ("https://a:0", nil), ("https://a:65536", nil), ("https://a:x", nil),
            ("https://a:1/path", nil), ("https://u@a:1", nil), ("https://a b:1", nil),
            ("https://a\r\nb:1", nil), ("https://[::1", nil), ("https://[::1]x", nil),
        ] as [(String, String?)]
    )
    func address(_ text: String, _ want: String?) {
        #expect((try? ServerAddress(text))?.text == want)
    }

    @Test(
        "each variable is looked up as HOLDFAST, then BAO, then VAULT; empty is absent",
        arguments: [
            ([:], nil),
            (["VAULT_TOKEN": "v"], "v"),
            (["VAULT_TOKEN": "v", "BAO_TOKEN": "b"], "b"),
            (["VAULT_TOKEN": "v", "BAO_TOKEN": "b", "HOLDFAST_TOKEN": "h"], "h"),
            (["VAULT_TOKEN": "v", "BAO_TOKEN": "", "HOLDFAST_TOKEN": ""], "v"),
        ] as [([String: String], String?)]
    )
    func precedence(_ variables: [String: String], _ want: String?) throws {
        #expect(try ClientEnvironment(variables).settings().token == want)
    }

    @Test("variables are independent of each other, and an explicit address wins")
    func mixed() throws {
        let environment = ClientEnvironment([
            "HOLDFAST_ADDR": "https://h:1", "BAO_TOKEN": "b", "VAULT_CACERT": "/ca.pem",
            "VAULT_NAMESPACE": "n", "BAO_CLIENT_TIMEOUT": "1m30s", "HOLDFAST_MAX_RETRIES": "0",
        ])
        let settings = try environment.settings()
        #expect(settings.address.text == "https://h:1")
        #expect(settings.token == "b")
        #expect(settings.trust == .file("/ca.pem"))
        #expect(settings.namespace == "n")
        #expect(settings.timeoutSeconds == 90)
        #expect(settings.retriesMax == 0)
        #expect(try environment.settings(address: "http://e:2").address.text == "http://e:2")
        #expect(try ClientEnvironment([:]).settings().address.text == "https://127.0.0.1:8200")
    }

    @Test(
        "values that cannot be used are named",
        arguments: [
            ("BAO_SKIP_VERIFY", "maybe"), ("VAULT_CLIENT_TIMEOUT", "soon"),
            ("HOLDFAST_MAX_RETRIES", "-1"), ("HOLDFAST_MAX_RETRIES", "21"),
        ]
    )
    func badVariable(_ name: String, _ value: String) {
        let error = #expect(throws: ClientError.self) {
            try ClientEnvironment([name: value]).settings()
        }
        #expect(error?.summary.hasPrefix("\(name) must be") == true)
    }

    @Test(
        "skipping verification must be asked for in words",
        arguments: [("true", true), ("0", false)]
    )
    func skip(_ text: String, _ isSkipped: Bool) throws {
        let settings = try ClientEnvironment(["VAULT_SKIP_VERIFY": text]).settings()
        #expect((settings.trust == .anything) == isSkipped)
    }
}

@Suite("what a cluster survives")
struct SurvivalTests {
    @Test(
        "from the voters of each region",
        arguments: [
            (["eu": 2, "us": 2, "ap": 1], "any one region, any two nodes"),
            (["eu": 1, "us": 1, "ap": 1], "any one region, any one node"),
            (["eu": 3], "any one node, but not every region"),
            (["eu": 3, "us": 2], "any two nodes, but not every region"),
            (["eu": 1], "nothing: every voter is needed"),
            (["eu": 1, "us": 1], "nothing: every voter is needed"),
            (["a": 1, "b": 1, "c": 1, "d": 1, "e": 1], "any two regions, any two nodes"),
            (["a": 3, "b": 3, "c": 3], "any one region, any four nodes"),
            (["": 3], "any one node"),
        ]
    )
    func text(_ voters: [String: Int], _ want: String) {
        #expect(Survival(votersByRegion: voters).text == want)
    }

    @Test(
        "what is lost already counts against it",
        arguments: [
            (["eu": 2], "no further node may be lost"),
            (["eu": 1], "still survives any one node, but not every region"),
            (["ap": 1], "still survives any one node, but not every region"),
            (["eu": 2, "us": 1], "no majority: 2 of the 3 that are needed"),
        ]
    )
    func losses(_ lost: [String: Int], _ want: String) {
        let voters = ["eu": 2, "us": 2, "ap": 1]
        #expect(Survival(votersByRegion: voters, lostByRegion: lost).textAfterLosses == want)
    }
}

@Suite("results as text")
struct ResultTextTests {
    @Test("columns are aligned, rows sorted, no line ends in spaces")
    func table() {
        var table = Table(["Key", "Value", "Note"])
        table.add(["longer-name", "1", ""])
        table.add(["a", "a wide value", "x"])
        table.sort()
        let want = """
            Key            Value           Note
            ---            -----           ----
            a              a wide value    x
            longer-name    1
            """
        #expect(table.text() == want)
    }

    @Test("colours do not change the alignment")
    func paint() {
        var table = Table(["A", "B"], gap: 1)
        table.add(["x", "y"])
        table.add(["xxx", "y"])
        let text = table.text { _, column, cell in column == 0 ? "<\(cell)>" : cell }
        #expect(text == "A   B\n-   -\n<x>   y\n<xxx> y")
    }

    @Test("control characters cannot steer a terminal")
    func harmless() {
        let text = "a\u{1B}[2Jb\tc\nd\u{9B}e\u{7F}ü"
        #expect(ResultText.harmless(text) == "a\\u{1b}[2Jb\tc\nd\\u{9b}e\\u{7f}ü")
    }

    @Test("JSON is indented and numbers stay exact")
    func indented() throws {
        let text = #"{"a":[],"b":{},"c":[1.50,{"d":null}],"e":12345678901234567890}"#
        let value = try JSONScanner.parse(Array(text.utf8))
        let want = """
            {
              "a": [],
              "b": {},
              "c": [
                1.50,
                {
                  "d": null
                }
              ],
              "e": 12345678901234567890
            }
            """
        #expect(ResultText.indented(value) == want)
    }
}
