import Testing
import Wire

@testable import API

@Suite("sys/metrics")
struct MetricsTests {
    private let metrics = [
        Metric("holdfast_a_bytes", "Bytes\nof \"a\"", .gauge, [.init(value: 4_294_967_296)]),
        Metric("holdfast_b_total", "Of b", .counter, [.init(value: 3)]),
        Metric(
            "holdfast_c_seconds",
            "Of c",
            .gauge,
            [
                .init(labels: [("member", "eu-1")], value: 0.5),
                .init(labels: [("member", "a\"b\\c")], value: 0),
            ]
        ),
        Metric("holdfast_d", "None", .gauge, []),
        Metric(
            "holdfast_e_seconds",
            "Of e",
            [
                .init(labels: [("kind", "k")], bounds: [0.5, 2], counts: [3, 0, 1], sum: 8),
                .init(bounds: [1], counts: [0, 0], sum: 0),
            ]
        ),
    ]
    private let now = Timestamp(nanoseconds: 1_764_126_000_000_000_000)

    private func route(_ target: String, method: String = "GET", isSealed: Bool = true) -> Route {
        var headers = APIHeaders()
        headers.token = "s.token"
        return Router.route(
            APIRequest(
                method: method,
                target: Array("/v1/\(target)".utf8),
                headers: headers,
                body: [],
                requestID: [UInt8](repeating: 0, count: 16)
            ),
            isSealed: isSealed
        )
    }

    @Test("Prometheus text, byte for byte")
    func prometheus() {
        let answer = MetricsReply.response(metrics, .prometheus, now: now)
        #expect(answer.status == 200)
        #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            String(decoding: answer.body, as: UTF8.self) == """
                # HELP holdfast_a_bytes Bytes\\nof "a"
                # TYPE holdfast_a_bytes gauge
                holdfast_a_bytes 4294967296
                # HELP holdfast_b_total Of b
                # TYPE holdfast_b_total counter
                holdfast_b_total 3
                # HELP holdfast_c_seconds Of c
                # TYPE holdfast_c_seconds gauge
                holdfast_c_seconds{member="eu-1"} 0.5
                holdfast_c_seconds{member="a\\"b\\\\c"} 0
                # HELP holdfast_d None
                # TYPE holdfast_d gauge
                # HELP holdfast_e_seconds Of e
                # TYPE holdfast_e_seconds histogram
                holdfast_e_seconds_bucket{kind="k",le="0.5"} 3
                holdfast_e_seconds_bucket{kind="k",le="2"} 3
                holdfast_e_seconds_bucket{kind="k",le="+Inf"} 4
                holdfast_e_seconds_sum{kind="k"} 8
                holdfast_e_seconds_count{kind="k"} 4
                holdfast_e_seconds_bucket{le="1"} 0
                holdfast_e_seconds_bucket{le="+Inf"} 0
                holdfast_e_seconds_sum 0
                holdfast_e_seconds_count 0

                """
        )
    }

    @Test("JSON as OpenBao lists it")
    func json() {
        let answer = MetricsReply.response(metrics, .json, now: now)
        #expect(answer.contentType == nil)
        #expect(
            String(decoding: answer.body, as: UTF8.self) == #"""
                {"Timestamp":"2025-11-26T03:00:00Z","Gauges":[{"Name":"holdfast_a_bytes",\#
                "Value":4294967296,"Labels":{}},{"Name":"holdfast_c_seconds","Value":0.5,\#
                "Labels":{"member":"eu-1"}},{"Name":"holdfast_c_seconds","Value":0,\#
                "Labels":{"member":"a\"b\\c"}}],"Points":[],"Counters":[{"Name":\#
                "holdfast_b_total","Count":3,"Labels":{}}],"Samples":[{"Name":\#
                "holdfast_e_seconds","Count":4,"Sum":8,"Mean":2,"Labels":{"kind":"k"}},{"Name":\#
                "holdfast_e_seconds","Count":0,"Sum":0,"Mean":0,"Labels":{}}]}

                """#
        )
    }

    @Test("a node answers itself, sealed or not, with the client's token at hand")
    func routes() throws {
        for isSealed in [true, false] {
            guard
                case .node(.metrics(let format, let token)) = route(
                    "sys/metrics?format=prometheus",
                    isSealed: isSealed
                )
            else {
                Issue.record("not a call of the node")
                return
            }
            #expect(format == .prometheus && token == Array("s.token".utf8))
        }
        guard case .node(.metrics(.json, _)) = route("sys/metrics") else {
            Issue.record("JSON is not the default")
            return
        }
        guard case .reply(let wrong) = route("sys/metrics?format=xml") else {
            Issue.record("an unknown format was taken")
            return
        }
        #expect(wrong.status == 400 && wrong.contentType == "text/plain")
        #expect(wrong.body == Array(#"metric response format "xml" unknown"#.utf8))
        guard case .reply(let refused) = route("sys/metrics", method: "PUT") else {
            Issue.record("PUT was taken")
            return
        }
        #expect(refused.status == 405)
    }
}
