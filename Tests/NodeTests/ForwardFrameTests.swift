import API
import Engines
import Raft
import TestSupport
import Testing
import Transport
import Wire

@testable import Node

@Suite("forwarded frames")
struct ForwardFrameTests {
    static func apiRequest(
        body: [UInt8] = [1, 2, 3],
        consistency: String? = nil,
        trace: String? = nil,
        remoteAddress: String? = nil
    ) -> APIRequest {
        var headers = APIHeaders()
        headers.trace = trace
        headers.token = "s.token"
        headers.consistency = consistency
        headers.contentType = "application/json"
        return APIRequest(
            method: "PUT",
            target: Array("/v1/secret/data/a?x=1".utf8),
            headers: headers,
            body: body,
            requestID: Array(1...16),
            remoteAddress: remoteAddress
        )
    }

    static func login(
        _ certificates: [[UInt8]],
        _ path: String = "/v1/auth/cert/login"
    ) -> APIRequest {
        APIRequest(
            method: "PUT",
            target: Array(path.utf8),
            headers: APIHeaders(),
            body: [],
            requestID: Array(1...16)
        ).showing(certificates)
    }

    static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    static func request(
        _ content: ForwardedRequest.Content,
        isRepeated: Bool = false
    ) -> ForwardedRequest {
        ForwardedRequest(
            number: 0xFEED_0000_0000_0001,
            requestID: Array(1...16),
            seed: Array(101...132),
            since: LogIndex(number: 0xFEED_0000_0000_0002),
            attempt: 7,
            patienceMilliseconds: 29_000,
            isRepeated: isRepeated,
            content: content
        )
    }

    static let requests = [
        request(.request(apiRequest())),
        request(.request(apiRequest(body: []))),
        request(.request(apiRequest()), isRepeated: true),
        request(.request(apiRequest(body: [], consistency: "linearizable"))),
        request(.request(apiRequest(body: [], remoteAddress: "[::1]:1"))),
        request(.request(apiRequest(trace: trace))),
        request(
            .request(
                apiRequest(consistency: "linearizable", trace: trace, remoteAddress: "10.0.0.1:2")
            )
        ),
        request(.creation([])),
        request(.creation(Array(0...255))),
    ]

    static let response = APIResponse(
        status: 204,
        headers: [("X-A", "b")],
        contentType: "text/plain",
        body: Array("hi".utf8)
    )

    static let replies = [
        ForwardedReply(number: 1, outcome: .answer(response)),
        ForwardedReply(
            number: .max,
            outcome: .appended(
                Term(number: 3),
                LogIndex(number: 99),
                APIResponse(status: 200)
            )
        ),
        ForwardedReply(number: 5, outcome: .notLeader(hint: NodeID(number: 2))),
        ForwardedReply(number: 5, outcome: .notLeader(hint: nil)),
        ForwardedReply(number: 5, outcome: .overloaded),
    ]

    // Neither type is Equatable, and each has one encoding: equal bytes are equal frames.

    @Test("requests come back as they were", arguments: requests)
    func requestRoundTrip(_ request: ForwardedRequest) throws {
        let copy = try ForwardedRequest(decoding: request.encoded())
        #expect(copy.encoded() == request.encoded())
        #expect(copy.number == request.number)
        #expect(copy.requestID == request.requestID)
        #expect(copy.seed == request.seed)
        #expect(copy.since == request.since)
        #expect(copy.attempt == 7)
        #expect(copy.patienceMilliseconds == 29_000)
        #expect(copy.isRepeated == request.isRepeated)
        switch (copy.content, request.content) {
        case (.request(let a), .request(let b)): #expect(a == b)
        case (.creation(let a), .creation(let b)): #expect(a == b)
        default: #expect(Bool(false), "another kind of content")
        }
    }

    @Test("replies come back as they were", arguments: replies)
    func replyRoundTrip(_ reply: ForwardedReply) throws {
        let copy = try ForwardedReply(decoding: reply.encoded())
        #expect(copy.encoded() == reply.encoded())
        #expect(copy.number == reply.number)
        switch (copy.outcome, reply.outcome) {
        case (.answer(let a), .answer(let b)):
            #expect(a.status == b.status && a.body == b.body)
            #expect(a.contentType == b.contentType)
        case (.appended(let term, let index, _), .appended(let wantTerm, let wantIndex, _)):
            #expect(term == wantTerm && index == wantIndex)
        case (.notLeader(let a), .notLeader(let b)): #expect(a == b)
        case (.overloaded, .overloaded): break
        default: #expect(Bool(false), "another kind of outcome")
        }
    }

    @Test("a request takes the oldest format that can say it")
    func formats() {
        let address = "127.0.0.1:1"
        for (request, format) in [
            (Self.apiRequest(), 1), (Self.apiRequest(consistency: "linearizable"), 2),
            (Self.apiRequest(remoteAddress: address), 3),
            (Self.apiRequest(consistency: "linearizable", remoteAddress: address), 3),
            (Self.apiRequest(trace: Self.trace, remoteAddress: address), 4),
            (Self.apiRequest(trace: Self.trace, remoteAddress: address).untraced, 3),
            (Self.login([[1]]), 5), (Self.login([]), 1), (Self.login([[1]], "/v1/s/a"), 1),
            // This node's own trace follows from the id; one that is malformed goes nowhere.
            (Self.apiRequest(remoteAddress: address).passedOn, 3),
            (Self.apiRequest(trace: "00-x", remoteAddress: address).passedOn, 3),
        ] {
            #expect(request.encoded()[0] == UInt8(format))
        }
    }

    @Test("what a client showed travels with logins and renewals, as it is, and with nothing else")
    func certificates() throws {
        let shown: [[UInt8]] = [[1, 2], Array(repeating: 7, count: 4_000)]
        for path in ["/v1/auth/cert/login", "/v1/auth/a/b/login?x=1", "/v1/auth/token/renew-self"] {
            let request = Self.login(shown, path)
            let bytes = request.passedOn.encoded()
            let copy = try APIRequest(decoding: bytes)
            #expect(copy == request && copy.clientCertificates == shown)
            #expect(copy.untraced.clientCertificates == shown)
            for count in stride(from: 0, to: bytes.count, by: 7) {
                #expect(throws: WireError.self) {
                    try APIRequest(decoding: Array(bytes.prefix(count)))
                }
            }
        }
        for path in [
            "/v1/auth/cert/certs/a", "/v1/login", "/v1/secret/login", "/v1/auth/userpass/x",
        ] {
            #expect(Self.login(shown, path).clientCertificates.isEmpty)
        }
        #expect(TransportLimits.clientCertificatesMax == EngineLimits.presentedCertificatesMax)
        #expect(TransportLimits.clientCertificateBytesMax == EngineLimits.presentedBytesMax)
        // No header of a client's becomes a certificate, and no frame holds more than a listener
        // takes.
        let many = Self.login(Array(repeating: [1], count: 10)).encoded()
        let count = try #require(many.lastIndex(of: 10))
        var more = many
        more[count] = 11
        #expect(throws: WireError.self) { try APIRequest(decoding: more) }
        more[count] = 0
        #expect(throws: WireError.self) { try APIRequest(decoding: more) }
        let long = Self.login([[UInt8](repeating: 1, count: 65 << 10)]).encoded()
        #expect(throws: WireError.self) { try APIRequest(decoding: long) }
    }

    @Test("who is asked gets the caller's trace, and this node's part as what asks")
    func traces() throws {
        let passedOn = Self.apiRequest(trace: Self.trace).passedOn
        let copy = try APIRequest(decoding: passedOn.encoded())
        #expect(
            copy.headers.trace == "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-01"
        )
        let leader = TraceContext(
            of: TraceContext(header: copy.headers.trace),
            requestID: copy.requestID,
            isForwarded: true
        )
        #expect(leader.header == "00-0af7651916cd43dd8448eb211c80319c-090a0b0c0d0e0f10-01")
        // Without a caller's trace both nodes find the same one by themselves.
        let own = TraceContext(of: nil, requestID: copy.requestID, isForwarded: true)
        #expect(own.traceID == TraceContext(of: nil, requestID: copy.requestID).traceID)
    }

    @Test("requests are refused when anything is missing or too much", arguments: requests)
    func requestLengths(_ request: ForwardedRequest) {
        let whole = request.encoded()
        for count in 0..<whole.count {
            #expect(throws: WireError.self, "the first \(count) bytes") {
                try ForwardedRequest(decoding: Array(whole[..<count]))
            }
        }
        #expect(throws: WireError.self) { try ForwardedRequest(decoding: whole + [0]) }
    }

    @Test("replies are refused when anything is missing or too much", arguments: replies)
    func replyLengths(_ reply: ForwardedReply) {
        let whole = reply.encoded()
        for count in 0..<whole.count {
            #expect(throws: WireError.self, "the first \(count) bytes") {
                try ForwardedReply(decoding: Array(whole[..<count]))
            }
        }
        #expect(throws: WireError.self) { try ForwardedReply(decoding: whole + [0]) }
    }

    @Test("random bytes are refused or mean what they say", arguments: UInt64(1)...4)
    func random(seed: UInt64) {
        var random = Seeded(seed)
        var understood = 0
        for _ in 0..<5_000 {
            var bytes = random.bytes(Int(random.next() % 80))
            // Past the fixed fields, so that the kinds are reached.
            for place in [72, 73] where bytes.count > place && random.chance(1, of: 2) {
                bytes[place] = UInt8(random.next() % 4)
            }
            if bytes.count > 8 && random.chance(1, of: 2) { bytes[8] = UInt8(random.next() % 6) }
            if let request = try? ForwardedRequest(decoding: bytes) {
                understood += 1
                #expect(request.encoded() == bytes)
            }
            if let reply = try? ForwardedReply(decoding: bytes) {
                understood += 1
                #expect(reply.encoded() == bytes)
            }
        }
        #expect(understood > 0, "some inputs must get past the first checks")
    }

    @Test("damaged requests are refused or mean what they say", arguments: requests)
    func requestDamage(_ request: ForwardedRequest) {
        var random = Seeded(5)
        let whole = request.encoded()
        for _ in 0..<500 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            guard let other = try? ForwardedRequest(decoding: bytes) else { continue }
            #expect(other.encoded() == bytes)
        }
    }

    @Test("damaged replies are refused or mean what they say", arguments: replies)
    func replyDamage(_ reply: ForwardedReply) {
        var random = Seeded(6)
        let whole = reply.encoded()
        for _ in 0..<500 {
            var bytes = whole
            bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            guard let other = try? ForwardedReply(decoding: bytes) else { continue }
            #expect(other.encoded() == bytes)
        }
    }

    @Test("content above the limit is refused")
    func limit() {
        let bytes = [UInt8](repeating: 0, count: Limits.forwardBodyBytesMax + 1)
        #expect(throws: WireError.self) {
            try ForwardedRequest(decoding: Self.request(.creation(bytes)).encoded())
        }
    }
}
