import LoadGenerator
import Testing

@Suite("load generator")
struct LoadGeneratorTests {
    @Test(
        "template",
        arguments: [
            ("/a/{n}", 7, "/a/7"),
            ("{n}{n}", 12, "1212"),
            ("{\"data\":{\"a\":\"{n}\"}}", 3, "{\"data\":{\"a\":\"3\"}}"),
            ("{b64:f}", 0, "Zg=="),
            ("{b64:fo}", 0, "Zm8="),
            ("{b64:foo}", 0, "Zm9v"),
            ("{b64:foobar}", 0, "Zm9vYmFy"),
            ("{b64:k#}", 12, "azEy"),
            ("{b64:unfinished", 1, "{b64:unfinished"),
            ("{", 1, "{"),
        ]
    )
    func template(_ text: String, _ counter: Int, _ rendered: String) {
        #expect(String(decoding: Template(text).rendered(counter), as: UTF8.self) == rendered)
    }

    /// Three answers of the kinds that servers send, given in pieces of every size.
    @Test("answers are found however the bytes arrive", arguments: 1...40)
    func framing(pieceBytes: Int) throws {
        let text =
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\nhello"
            + "HTTP/1.1 204 No Content\r\ncontent-type: application/json\r\n\r\n"
            + "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
            + "a;x=1\r\n0123456789\r\n3\r\n\r\n\r\r\n0\r\nTrailer: 1\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:0\r\n\r\n"
        var framer = ResponseFramer()
        var found: [ResponseFramer.Response] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            framer.append(bytes[start..<min(start + pieceBytes, bytes.count)])
            while let response = try framer.next() { found.append(response) }
        }
        #expect(found.map(\.status) == [200, 204, 503, 200])
        #expect(found.map(\.closes) == [false, false, false, true])
    }

    @Test(
        "bad answers are refused",
        arguments: [
            "SPDY/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ]
    )
    func badAnswer(_ text: String) {
        var framer = ResponseFramer()
        framer.append(text.utf8)
        #expect(throws: ResponseFramer.Failure.self) {
            while try framer.next() != nil {}
        }
    }

    @Test("percentiles are by nearest rank")
    func percentiles() {
        var latencies = Latencies()
        for value in (1...200).reversed() { latencies.add(nanoseconds: UInt64(value) * 1_000) }
        let summary = latencies.summary()
        #expect(summary == LatencySummary(p50: 100, p95: 190, p99: 198, max: 200))
        #expect(Latencies().summary() == nil)
    }

    @Test("report is one line of JSON in order")
    func report() {
        var report = Report()
        report.add("text", "a \"b\" \\ \n")
        report.add("count", 3)
        report.add("ms", thousandths: 12_045)
        report.add("none", thousandths: nil)
        report.add("errors", ["b": 2, "a": 1])
        let want =
            #"{"text":"a \"b\" \\ \u000a","count":3,"ms":12.045,"none":null,"#
            + #""errors":{"a":1,"b":2}}"#
        #expect(report.line == want)
    }

    @Test(
        "endpoint",
        arguments: [
            ("https://127.0.0.1:8200", "https://127.0.0.1:8200"),
            ("http://localhost:80/", "http://localhost:80"),
            ("127.0.0.1:8200", nil), ("https://127.0.0.1", nil), ("https://:8200", nil),
            ("https://host:0", nil), ("https://host:65536", nil),
        ] as [(String, String?)]
    )
    func endpoint(_ text: String, _ want: String?) {
        #expect(Endpoint(text)?.text == want)
    }

    @Test("options are pairs, unknown ones are named")
    func options() throws {
        var options = try Options(["--url", "a", "--url", "b", "--seconds", "0.25", "--odd", "1"])
        #expect(options.all("url") == ["a", "b"])
        #expect(try options.milliseconds("seconds", default: 9) == 250)
        #expect(try options.integer("keys", default: 9) == 9)
        #expect(throws: Options.Failure("--odd is not an option of this mode")) {
            try options.finish()
        }
        #expect(throws: Options.Failure("--url needs a value")) { _ = try Options(["--url"]) }
        #expect(throws: Options.Failure("x is not an option; options look like --name value")) {
            _ = try Options(["x"])
        }
    }
}
