import API
import Testing

@testable import Node

@Suite("requests are counted")
struct RequestMeterTests {
    private func metric(_ name: String, _ meter: RequestMeter) throws -> Metric {
        try #require(meter.metrics.first { $0.name == "holdfast_http_\(name)" })
    }

    @Test("by method and class of status; what no list has is other")
    func counts() throws {
        let meter = RequestMeter()
        for (method, status) in [("GET", 200), ("GET", 204), ("GET", 404), ("\u{1}x", 503)] {
            meter.arrived()
            meter.answered(method: method, status: status, after: 1_000)
        }
        meter.arrived()
        let samples = try metric("requests_total", meter).samples.map { sample in
            sample.labels.map(\.value).joined(separator: " ") + " \(Int(sample.value))"
        }
        #expect(samples == ["GET 2xx 2", "GET 4xx 1", "other 5xx 1"])
        #expect(try metric("requests_in_flight", meter).samples.map(\.value) == [1])
    }

    @Test("how long it took, reads apart from what may write")
    func durations() throws {
        let meter = RequestMeter()
        meter.answered(method: "LIST", status: 200, after: 250_000)
        meter.answered(method: "GET", status: 200, after: 250_001)
        meter.answered(method: "PUT", status: 200, after: 7_000_000_000)
        meter.answered(method: "PUT", status: 200, after: -1)
        let both = try metric("request_seconds", meter).distributions
        #expect(both.map { $0.labels.map(\.value) } == [["read"], ["write"]])
        #expect(both[0].counts == [1, 1] + [UInt64](repeating: 0, count: 11))
        #expect(both[1].counts == [1] + [UInt64](repeating: 0, count: 11) + [1])
        #expect(both[1].sum == 7)
    }
}
