import TestSupport
import Testing

@testable import Policy

@Suite("HCL fuzz")
struct HCLFuzzTests {
    private static let pieces = [
        "path", " \"a/+/b*\" ", "{", "}", "[", "]", "=", ",", "\"", "\\", "capabilities",
        "\"read\"", "<<E\n", "E\n", "\n", "/*", "*/", "#", "//", "{{", "}}", "-1", "0x", "1e9",
        "\u{1F600}", "\u{0}", "true", ":", "null", "name", "+", "policy", "\"deny\"", "<<-",
        "${", "\\u", "\\x", "allowed_parameters", "{{identity.entity.id}}", "min_wrapping_ttl",
    ]
    private static let mutator = Mutator(pieces, raw: [[0xFF], [0xC3], [0xEF, 0xBB, 0xBF]])

    private static let corpus = [
        #"path "secret/*" { capabilities = ["read", "list"] }"#,
        """
        # a comment
        name = "team"
        path "kv/data/{{identity.entity.name}}/+/x" {
          capabilities        = ["create", "update", "sudo"]
          required_parameters = ["data"]
          allowed_parameters  = { "data" = [], "options" = ["a*", 1, true, null] }
          denied_parameters { version = ["1"] }
          min_wrapping_ttl = "1s" // and
          max_wrapping_ttl = 90   /* more */
        }
        path "a" { policy = "write" }
        """,
        #"{"path":{"secret/*":{"capabilities":["read"]},"b":[{"policy":"deny"}]},"name":"j"}"#,
        "path \"x\" { comment = <<EOT\nlines\nof text\nEOT\n capabilities = [\"deny\"] }",
    ].map { Array($0.utf8) }

    @Test("no text, however odd, does more than be refused")
    func pieces() throws {
        var random = Seeded(Fuzzing.seed(usual: 5))
        var run = FuzzRun(usual: 4_000)
        let growth = try run.run { _ in
            let count = 1 + random.below(40)
            let text = (0..<count).map { _ in random.pick(Self.pieces) }.joined()
            _ = try? PolicyDocument(parsing: text)
            _ = try? PolicyDocument(parsing: "{" + text)
        }
        #expect(growth < FuzzRun.growthBytesMax)
    }

    @Test("damaged policies are refused, or decide like any other")
    func damaged() throws {
        var random = Seeded(Fuzzing.seed(usual: 6))
        var accepted = 0
        var run = FuzzRun(usual: 10_000)
        let growth = try run.run { _ in
            let bytes = Self.mutator.damaged(random.pick(Self.corpus), &random)
            let text = String(decoding: bytes, as: UTF8.self)
            guard let document = try? PolicyDocument(parsing: text) else { return }
            accepted += 1
            let list = AccessList(
                [AccessList.Source(name: "p", document: document)],
                for: .nobody,
                at: someday
            )
            let decision = list.decide(AccessRequest(.read, "kv/data/a/b/x"))
            // A second reading of the same text must not decide otherwise.
            let again = try PolicyDocument(parsing: text)
            let other = AccessList(
                [AccessList.Source(name: "p", document: again)],
                for: .nobody,
                at: someday
            )
            #expect(
                other.decide(AccessRequest(.read, "kv/data/a/b/x")).isAllowed == decision.isAllowed
            )
        }
        #expect(accepted > run.inputs / 40)
        #expect(growth < FuzzRun.growthBytesMax)
    }
}
