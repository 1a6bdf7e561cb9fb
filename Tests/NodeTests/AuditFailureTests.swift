import API
import Audit
import Engines
import Testing
import Vault
import Wire

@testable import Node

/// How a failure stands in the lines of devices, and in the node's own log.
@Suite("failures in audit records")
struct AuditFailureTests {
    private static let denied = "1 error occurred:\n\t* permission denied\n\n"

    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        let errors: [String]
        let error: String
        let reason: String
        /// Of the answer's data, the member `error`.
        var text: String?

        var testDescription: String { "\(status) \(errors)" }
    }

    static let cases = [
        Case(status: 404, errors: [], error: "", reason: "status 404"),
        Case(status: 405, errors: [], error: "status 405", reason: "status 405"),
        Case(
            status: 403,
            errors: ["permission denied"],
            error: denied,
            reason: denied,
            text: "permission denied"
        ),
        Case(status: 403, errors: [denied], error: denied, reason: denied, text: denied),
        Case(
            status: 403,
            errors: ["bad token"],
            error: denied,
            reason: "bad token",
            text: "bad token"
        ),
        Case(
            status: 400,
            errors: ["missing password"],
            error: "1 error occurred:\n\t* invalid request\n\n",
            reason: "missing password",
            text: "missing password"
        ),
        Case(
            status: 404,
            errors: ["1 error occurred:\n\t* unsupported path\n\n"],
            error: "1 error occurred:\n\t* unsupported path\n\n",
            reason: "1 error occurred:\n\t* unsupported path\n\n"
        ),
        Case(
            status: 400,
            errors: ["1 error occurred:\n\t* invalid accessor\n\n"],
            error: "1 error occurred:\n\t* invalid accessor\n\n",
            reason: "1 error occurred:\n\t* invalid accessor\n\n"
        ),
        repeated(400, "invalid entity metadata: \"swordfish\"", "invalid request"),
        repeated(404, "server swordfish not found", "invalid request"),
        repeated(500, "failed to find \"swordfish\"", "internal error"),
        Case(
            status: 404,
            errors: ["no role swordfish"],
            error: "1 error occurred:\n\t* invalid request\n\n",
            reason: "no role swordfish",
            text: "no role swordfish"
        ),
        Case(
            status: 500,
            errors: ["internal error"],
            error: "1 error occurred:\n\t* internal error\n\n",
            reason: "internal error"
        ),
    ]

    /// A text that repeats what the client sent.
    private static func repeated(_ status: Int, _ words: String, _ kind: String) -> Case {
        let text = "1 error occurred:\n\t* \(words)\n\n"
        return Case(
            status: status,
            errors: [text],
            error: "1 error occurred:\n\t* \(kind)\n\n",
            reason: text,
            text: text
        )
    }

    @Test("of a ceremony devices get the kind of the failure, and only the sealed log its words")
    func ceremony() {
        let request = APIRequest(
            method: "GET",
            target: Array("/v1/secret/a".utf8),
            headers: APIHeaders(),
            body: [],
            requestID: [UInt8](repeating: 1, count: 16)
        )
        let time = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        var record = AuditEntry(ceremony: request).record(VaultFacts(), at: time)
        let text = "error parsing X-Vault-Wrap-TTL header: time: invalid duration \"swordfish\""
        AuditAnswer.add(
            Reply.errors(400, [text]),
            isBodyKept: false,
            facts: VaultFacts(),
            to: &record
        )
        #expect(record.error == "1 error occurred:\n\t* invalid request\n\n")
        #expect(record.reason == text && record.response?.data.count == 0)
        func line(_ tellsReasons: Bool) -> String {
            let format = AuditFormat(hash: nil, tellsReasons: tellsReasons)
            return String(decoding: format.line(record), as: UTF8.self)
        }
        #expect(line(true).contains("swordfish") && !line(false).contains("swordfish"))
    }

    @Test("the kind is told in the clear, the words only where they are sealed", arguments: cases)
    func tells(_ one: Case) throws {
        let failure = AuditFailure(one.status, one.errors)
        #expect(failure.error == one.error && failure.reason == one.reason)
        #expect(failure.data["error"]?.asString == one.text)
        var request = AuditRequest(id: "x", operation: "read", path: "a")
        request.clientToken = "s.given"
        let time = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        var record = AuditRecord(time: time, request: request)
        record.response = AuditResponse()
        record.error = failure.error
        record.reason = failure.reason
        for (tellsReasons, text) in [(true, one.reason), (false, one.error)] {
            let line = AuditFormat(hash: nil, tellsReasons: tellsReasons).line(record)
            let object = try #require(try JSONScanner.parse(Array(line.dropLast())).asObject)
            #expect(object["error"]?.asString ?? "" == text)
        }
    }

    @Test("a token that is not known is nobody's, and the request's own record says why")
    func unknownToken() {
        var vault = VaultRequest(
            operation: .read,
            path: "secret/a",
            token: Array("s.nonsense".utf8),
            fields: JSONObject(),
            requestID: [UInt8](repeating: 1, count: 16)
        )
        vault.wrapSeconds = 60
        let entry = AuditEntry(vault)
        let time = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        var facts = VaultFacts()
        for (isAllowed, status, errors, told) in [
            (nil, 403, ["permission denied"], "permission denied"),
            (false, 403, [Self.denied], Self.denied), (true, 403, ["bad token"], ""),
            (true, 400, ["x"], ""), (true, 404, [], ""),
        ] as [(Bool?, Int, [String], String)] {
            facts.isAllowed = isAllowed
            var record = entry.record(facts, at: time)
            #expect(record.request.wrapTTLSeconds == 60)
            let texts = errors.map { JSONValue.string($0) }
            let body = JSONValue.object(["errors": .array(texts)]).encoded(sortingKeys: true)
            AuditAnswer.add(
                APIResponse(status: status, body: body),
                isBodyKept: true,
                facts: facts,
                to: &record
            )
            #expect(record.auth.clientToken == (isAllowed == nil ? "" : "s.nonsense"))
            #expect(record.request.clientToken == "s.nonsense")
            let asked = entry.record(refused: record)
            #expect(asked.error == told && asked.response == nil)
        }
    }
}
