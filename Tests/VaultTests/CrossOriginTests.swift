import Testing

@testable import API
@testable import Vault

/// What browsers are told about pages of other origins.
@Suite("other origins")
struct CrossOriginTests {
    static let settings = CrossOriginSettings(
        origins: ["http://a"],
        headers: ["X-Vault-Token"],
        allowsCredentials: true
    )

    private func answer(_ origin: String, _ method: String, _ wanted: String?) -> APIResponse? {
        CrossOriginReply.answer(Self.settings, origin: origin, method: method, wanted: wanted)
    }

    @Test("a page that may not is refused whatever it asks", arguments: ["GET", "PUT", "OPTIONS"])
    func strangers(_ method: String) throws {
        let response = try #require(answer("http://b", method, "PUT"))
        #expect(response.status == 403)
        #expect(String(decoding: response.body, as: UTF8.self).contains("origin not allowed"))
        #expect(CrossOriginReply.headers(Self.settings, "http://b").isEmpty)
    }

    @Test("one that may is let through, and its answer is marked")
    func friends() {
        #expect(answer("http://a", "GET", nil) == nil)
        let headers = CrossOriginReply.headers(Self.settings, "http://a")
        #expect(headers.contains { $0 == ("Access-Control-Allow-Origin", "http://a") })
        #expect(headers.contains { $0 == ("Access-Control-Allow-Credentials", "true") })
        #expect(headers.contains { $0 == ("Vary", "Origin") })
    }

    @Test("the question before a request is answered, if it is one")
    func questions() throws {
        let response = try #require(answer("http://a", "OPTIONS", "PUT"))
        #expect(response.status == 200 && response.body.isEmpty)
        #expect(response.headers.contains { $0 == ("Access-Control-Max-Age", "300") })
        #expect(answer("http://a", "OPTIONS", "BREW")?.status == 405)
        #expect(answer("http://a", "OPTIONS", nil)?.status == 405)
    }

    @Test("a wildcard means every origin that can stand in a header")
    func wildcard() {
        let all = CrossOriginSettings(origins: ["*"], headers: [], allowsCredentials: false)
        #expect(CrossOriginReply.headers(all, "https://x.example").count == 2)
        #expect(CrossOriginReply.headers(all, "a\r\nb: c").isEmpty)
    }
}
