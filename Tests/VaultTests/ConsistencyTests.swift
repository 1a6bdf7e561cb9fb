import Testing
import Vault
import Wire

@testable import API

/// The headers by which a read chooses how fresh its answer is.
@Suite("consistency headers")
struct ConsistencyTests {
    private func route(_ method: String, _ headers: [String: String]) -> Route {
        let request = APIRequest(
            method: method,
            target: Array("/v1/secret/data/a".utf8),
            headers: APIHeaders { name in
                headers.first { $0.key.lowercased() == name.lowercased() }?.value
            },
            body: method == "PUT" ? Array("{}".utf8) : [],
            requestID: [UInt8](repeating: 7, count: 16)
        )
        return Router.route(request, isSealed: false)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var consistency: String?
        var bound: String?
        var stale: Int64?
        var isReported = true
        /// Part of the error; nil: it is taken.
        var refusal: String?
    }

    static let rows = [
        Row(testDescription: "nothing said", isReported: false),
        Row(testDescription: "nothing said, twice", consistency: "", bound: "", isReported: false),
        Row(testDescription: "the default by name", consistency: "linearizable"),
        Row(testDescription: "stale: 10 s", consistency: "stale", stale: 10_000_000_000),
        Row(
            testDescription: "stale with a bound",
            consistency: "stale",
            bound: "5s",
            stale: 5_000_000_000
        ),
        Row(
            testDescription: "a bare number is seconds",
            consistency: "stale",
            bound: "90",
            stale: 90_000_000_000
        ),
        Row(
            testDescription: "the most",
            consistency: "stale",
            bound: "1h",
            stale: 3_600_000_000_000
        ),
        Row(
            testDescription: "the least",
            consistency: "stale",
            bound: "1ns",
            stale: 1
        ),
        Row(
            testDescription: "more than the most",
            consistency: "stale",
            bound: "61m",
            refusal: "X-Holdfast-Max-Staleness must be above 0 and at most 1h0m0s"
        ),
        Row(
            testDescription: "a bound of nothing",
            consistency: "stale",
            bound: "0",
            refusal: "must be above 0"
        ),
        Row(
            testDescription: "a negative bound",
            consistency: "stale",
            bound: "-5s",
            refusal: "must be above 0"
        ),
        Row(
            testDescription: "no duration",
            consistency: "stale",
            bound: "soon",
            refusal: "error parsing X-Holdfast-Max-Staleness header: time: invalid duration"
        ),
        Row(
            testDescription: "another word",
            consistency: "eventual",
            refusal: "X-Holdfast-Consistency must be linearizable or stale, not \\\"eventual\\\""
        ),
        Row(
            testDescription: "in capitals",
            consistency: "STALE",
            refusal: "must be linearizable or stale"
        ),
        Row(
            testDescription: "a bound for a linearizable read",
            bound: "5s",
            refusal: "X-Holdfast-Max-Staleness needs X-Holdfast-Consistency: stale"
        ),
        Row(
            testDescription: "both",
            consistency: "linearizable",
            bound: "5s",
            refusal: "X-Holdfast-Max-Staleness needs X-Holdfast-Consistency: stale"
        ),
    ]

    private func headers(_ row: Row) -> [String: String] {
        var headers: [String: String] = [:]
        headers["x-holdfast-consistency"] = row.consistency
        headers["X-HOLDFAST-MAX-STALENESS"] = row.bound
        return headers
    }

    @Test("what a read may ask for", arguments: rows)
    func reads(_ row: Row) throws {
        for method in ["GET", "LIST"] {
            switch (route(method, headers(row)), row.refusal) {
            case (.vault(let request), nil):
                #expect(request.consistency.staleNanosecondsMax == row.stale)
                #expect(request.consistency.isReported == row.isReported)
            case (.reply(let response), let refusal?):
                #expect(response.status == 400)
                let text = String(decoding: response.body, as: UTF8.self)
                #expect(text.contains(refusal), "\(text)")
            case (let route, _): throw TestFailure("\(row.testDescription): \(route)")
            }
        }
    }

    @Test("a write takes no notice, whatever they say", arguments: rows)
    func writes(_ row: Row) throws {
        for method in ["PUT", "DELETE"] {
            guard case .vault(let request) = route(method, headers(row)) else {
                throw TestFailure("\(method) was not routed")
            }
            #expect(request.consistency == .linearizable)
        }
    }

    @Test("the bound does not travel between members: the leader confirms, and tells")
    func forwarded() throws {
        var headers = APIHeaders()
        headers.token = "s.x"
        headers.consistency = "stale"
        headers.maxStaleness = "1h"
        let request = APIRequest(
            method: "GET",
            target: [0x2F],
            headers: headers,
            body: [],
            requestID: [UInt8](repeating: 1, count: 16)
        )
        let copy = try APIRequest(decoding: request.confirmedAndReported.encoded())
        #expect(copy.headers.token == "s.x")
        #expect(copy.headers.consistency == "linearizable" && copy.headers.maxStaleness == nil)
        #expect(try ConsistencyHeaders.parse(copy.headers) == ReadConsistency(isReported: true))
        headers.consistency = nil
        let plain = APIRequest(
            method: "GET",
            target: [0x2F],
            headers: headers,
            body: [],
            requestID: [UInt8](repeating: 1, count: 16)
        )
        #expect(plain.encoded()[0] == 1 && request.encoded()[0] == 2)
        #expect(throws: WireError.self) {
            try APIRequest(decoding: [4] + plain.encoded().dropFirst())
        }
    }

    @Test("a member's answer is as old as it is when it gets here; one without an age has none")
    func reportedAgain() {
        let told = ConsistencyHeaders.report(APIResponse(status: 200), index: 7, ageNanoseconds: 0)
        let older = ConsistencyHeaders.reportAgain(told, ageNanoseconds: 2_500_000)
        #expect(older?.headers.map(\.name) == told.headers.map(\.name))
        #expect(older?.headers.map(\.value) == ["7", "3"])
        #expect(ConsistencyHeaders.reportAgain(APIResponse(status: 503), ageNanoseconds: 1) == nil)
    }

    @Test(
        "an age is rounded upward",
        arguments: [
            (0, "0"), (1, "1"), (1_000_000, "1"), (1_000_001, "2"), (12_345_678_901, "12346"),
        ]
            as [(Int64, String)]
    )
    func report(_ nanoseconds: Int64, _ milliseconds: String) {
        let response = ConsistencyHeaders.report(
            APIResponse(status: 404),
            index: 77,
            ageNanoseconds: nanoseconds
        )
        #expect(response.status == 404)
        #expect(response.headers.map(\.name) == ["X-Holdfast-Index", "X-Holdfast-Staleness"])
        #expect(response.headers.map(\.value) == ["77", milliseconds])
    }

    @Test("a refused stale read says how old the state is and what was allowed")
    func tooStale() {
        let known = ServiceFailure.tooStale(have: 12_300_000_001, allowed: 5_000_000_000)
        #expect(known.response.status == 503)
        #expect(
            known.summary
                == "no leader answers, and this node's state is up to 12.301s old; you allow 5s"
        )
        let unknown = ServiceFailure.tooStale(have: nil, allowed: 1)
        #expect(unknown.summary.contains("any age"))
    }
}
