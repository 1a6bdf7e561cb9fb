import Cryptography
import TestSupport
import Testing
import Wire

@testable import Engines

/// Key sets of issuers: what is in them counts, and whatever is wrong in them counts for nothing.
@Suite("JSON web key sets")
struct KeySetTests {
    private func set(_ keys: String...) throws -> KeySet {
        try KeySet(parsing: Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8))
    }

    private func key(_ position: Int, _ more: String = "") -> String {
        "{\(JWKVectors.keys[position].members)\(more.isEmpty ? "" : "," + more)}"
    }

    private func token(_ algorithm: String) throws -> JWT {
        let token = try #require(JWTVectors.tokens.first { $0.algorithm == algorithm })
        return try JWT(token.text)
    }

    @Test("keys of another implementation check what they signed", arguments: JWKVectors.keys)
    func vectors(_ vector: JWKVectors.Key) throws {
        let keys = try set("{\(vector.members)}")
        try #require(keys.keys.count == 1)
        for token in JWTVectors.tokens {
            let isOwn = vector.algorithms.contains(token.algorithm)
            #expect(keys.verifies(try JWT(token.text)) == isOwn, "\(token.algorithm)")
            guard isOwn else { continue }
            // The same key as in the PEM.
            let info = keys.keys[0].key.subjectPublicKeyInfo
            #expect(Base64.encode(info) == token.key)
            let algorithm = try #require(SignatureAlgorithm(rawValue: token.algorithm))
            #expect(keys.keys[0].key.fits(algorithm))
        }
        for algorithm in SignatureAlgorithm.allCases {
            let fits = vector.algorithms.contains(algorithm.rawValue)
            #expect(keys.keys[0].key.fits(algorithm) == fits)
        }
    }

    /// Members of a key that is left out: replaced in those of the first RSA key.
    static let useless = [
        #"{"kty":"oct","k":"AAAA"}"#, #"{"kty":"RSA"}"#, #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        #"{"kty":"EC","crv":"P-256"}"#, #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
        #"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, #"{"kty":"OKP","crv":"Ed25519"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, #"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        #"{"kty":"none"}"#, #"{}"#, "7", "null", "[]", #""key""#, #"{"kty":7}"#,
    ]

    @Test("what cannot be used is left out, and only that", arguments: useless)
    func leavesOut(_ other: String) throws {
        let keys = try set(other, key(1, #""kid":"a""#), other)
        #expect(keys.keys.map(\.id) == ["a"])
    }

    /// Further members of the P-256 key, and whether it counts with them.
    static let members: [(String, Bool)] = [
        (#""use":"sig""#, true), (#""use":"enc""#, false), (#""use":null"#, true),
        (#""use":7"#, false), (#""key_ops":["verify"]"#, true), (#""key_ops":["sign"]"#, false),
        (#""key_ops":[]"#, false), (#""key_ops":"verify""#, false), (#""key_ops":null"#, true),
        (#""alg":"ES256""#, true), (#""alg":null"#, true), (#""alg":"ES384""#, false),
        (#""alg":"RS256""#, false), (#""alg":"ECDH-ES""#, false), (#""alg":7"#, false),
        (#""kid":7"#, false), (#""kid":null"#, true), (#""x5c":["AA"],"x5t":"b""#, true),
        (#""kid":"\#(String(repeating: "k", count: 513))""#, false),
    ]

    @Test("what a key says it is for", arguments: members.indices)
    func uses(_ row: Int) throws {
        let (more, counts) = Self.members[row]
        #expect(try set(key(1, more)).keys.count == (counts ? 1 : 0), "\(more)")
    }

    @Test("RSA keys need enough bits, and an exponent that is a lock")
    func rsa() throws {
        let short = String(repeating: "A", count: 170)
        let sound = try #require(JWKVectors.keys.first).members
        for (wanted, given) in [
            (#""e":"AQAB""#, #""e":"AQ""#), (#""e":"AQAB""#, #""e":"AQAA""#),
            (#""e":"AQAB""#, #""e":"AQAAAAAAAAAB""#), (#""e":"AQAB""#, #""e":"""#),
            (#""n":"uUkg"#, #""n":"=uUkg"#), (#""n":"uUkg"#, #""n":"uUkg "#),
            (#""n":""#, #""n":"\#(String(repeating: "A", count: 2_048))"#),
        ] {
            let keys = try set("{\(sound.replacing(wanted, with: given))}")
            #expect(keys.keys.isEmpty, "\(given)")
        }
        #expect(try set(#"{"kty":"RSA","e":"AQAB","n":"_\#(short)"}"#).keys.isEmpty)
        // Zeros in front change no number.
        let padded = sound.replacing(#""e":"AQAB""#, with: #""e":"AAEAAQ""#)
        #expect(try set("{\(padded)}").keys.count == 1)
    }

    @Test("a token counts with the key that it names, and with that key's algorithm only")
    func selection() throws {
        let signed = try token("ES256")
        #expect(signed.keyID == nil)
        let named = try #require(
            try? JWT(
                Base64.encodeURL(Array(#"{"alg":"ES256","kid":"b"}"#.utf8)) + ".e30.AAAA"
            )
        )
        #expect(named.keyID == "b")
        // Without a name every key is tried.
        #expect(try set(key(0), key(2), key(1, #""kid":"z""#)).verifies(signed))
        #expect(try !set(key(0), key(2)).verifies(signed))
        #expect(try !set().verifies(signed))
        let rsa = try token("RS256")
        #expect(try set(key(0, #""alg":"RS256""#)).verifies(rsa))
        #expect(try !set(key(0, #""alg":"RS512""#)).verifies(rsa))
        #expect(try !set(key(0, #""alg":"PS256""#)).verifies(rsa))
    }

    @Test(
        "what is no set is refused",
        arguments: [
            "", "{", "[]", "{}", #"{"keys":null}"#, #"{"keys":{}}"#, #"{"keys":"x"}"#,
            #"{"keys":[],"keys":[]}"#, #"{"keys":[]} x"#, "<html>",
        ]
    )
    func malformed(_ text: String) {
        #expect(throws: KeySetError.self) { try KeySet(parsing: Array(text.utf8)) }
    }

    @Test("a set is bounded in keys and bytes")
    func limits() throws {
        let many = (0..<128).map { key(4, #""kid":"\#($0)""#) }.joined(separator: ",")
        #expect(try set(many).keys.count == 128)
        #expect(throws: KeySetError("the key set has 129 keys, the limit is 128")) {
            try set(many, key(1))
        }
        let long = [UInt8](repeating: 0x20, count: EngineLimits.issuerAnswerBytesMax)
        #expect(throws: KeySetError.self) { try KeySet(parsing: long + Array("{}".utf8)) }
    }

    static let documents: [(String, String?)] = [
        (#"{"issuer":"https://i.example/a","jwks_uri":"https://k.example/x"}"#, nil),
        (#"{"issuer":"https://i.example/a/","jwks_uri":"https://k.example/x"}"#, "did not match"),
        (#"{"issuer":"https://I.example/a","jwks_uri":"https://k.example/x"}"#, "did not match"),
        (#"{"jwks_uri":"https://k.example/x"}"#, "did not match"),
        (#"{"issuer":"https://i.example/a"}"#, "names no jwks_uri"),
        (#"{"issuer":"https://i.example/a","jwks_uri":7}"#, "names no jwks_uri"),
        (#"{"issuer":"https://i.example/a","jwks_uri":"http://k.example/x"}"#, "use https"),
        ("[]", "not a JSON object"), ("", "not a JSON object"),
    ]

    @Test("a discovery document is that of its issuer", arguments: documents.indices)
    func discovery(_ row: Int) throws {
        let (text, reason) = Self.documents[row]
        do throws(KeySetError) {
            let document = try IssuerDocument(
                parsing: Array(text.utf8),
                of: "https://i.example/a"
            )
            #expect(reason == nil && document.keys.text == "https://k.example/x")
        } catch {
            #expect(reason.map(error.text.contains) ?? false, "\(text): \(error.text)")
        }
    }

    @Test("where an issuer's document is")
    func documentAddress() throws {
        for issuer in ["https://i.example", "https://i.example/"] {
            let address = try IssuerDocument.address(of: issuer)
            #expect(address.text == "https://i.example/.well-known/openid-configuration")
        }
        let below = try IssuerDocument.address(of: "https://i.example/a/")
        #expect(below.target == "/a/.well-known/openid-configuration")
        #expect(throws: WebAddressError.self) { try IssuerDocument.address(of: "i.example") }
        #expect(throws: WebAddressError.self) { try IssuerDocument.address(of: "") }
    }

    @Test("questions and answers are read as they were written")
    func coding() throws {
        let source = KeySource(kind: .discovery, url: "https://i.example", authorities: "PEM")
        for need in [KeySetQuestion.Need.kept, .newer(than: .max), .now] {
            let question = KeySetQuestion(source, need)
            let bytes = question.encoded()
            #expect(try KeySetQuestion(decoding: bytes) == question)
            for count in bytes.indices {
                #expect(throws: WireError.self) {
                    try KeySetQuestion(decoding: Array(bytes[..<count]))
                }
            }
            #expect(throws: WireError.self) { try KeySetQuestion(decoding: bytes + [0]) }
        }
        let keys = try set(
            key(0, #""kid":"a","alg":"PS256""#),
            key(1),
            key(2),
            key(3),
            key(4, #""kid":"e""#)
        )
        let bytes = KeySetAnswer(revision: 7, keys: keys).encoded()
        let read = try KeySetAnswer(decoding: bytes)
        #expect(read.revision == 7)
        #expect(read.keys.keys.map(\.id) == ["a", "", "", "", "e"])
        #expect(read.keys.keys.map(\.algorithm) == [.ps256, nil, nil, nil, nil])
        #expect(KeySetAnswer(revision: 7, keys: read.keys).encoded() == bytes)
        for token in JWTVectors.tokens where !token.algorithm.hasPrefix("RS") {
            let signed = try JWT(token.text)
            #expect(read.keys.verifies(signed) == keys.verifies(signed))
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: WireError.self) { try KeySetAnswer(decoding: Array(bytes[..<count])) }
        }
    }

    @Test("damaged sets and documents are read or refused; nothing traps, nothing is believed")
    func fuzz() throws {
        let mutator = Mutator(
            [
                "{", "}", "[", "]", "\"", ",", ":", "null", "\"kty\":", "\"RSA\"", "\"EC\"",
                "\"OKP\"", "\"crv\":", "\"P-521\"", "\"n\":", "\"e\":", "\"x\":", "\"y\":",
                "\"alg\":", "\"use\":", "\"kid\":", "AQAB", "AA", "=", "-", "_", "1e999",
                "\"keys\":", "{\"keys\":[", "\\u0000", "\"issuer\":", "\"jwks_uri\":", "https://",
                "@", "[::1]", "#",
            ],
            raw: [[0xFF], [0xC3], [0x00]]
        )
        let all = JWKVectors.keys.indices.map { key($0, #""kid":"\#($0)","use":"sig""#) }
        let corpus = [
            Array(#"{"keys":[\#(all.joined(separator: ","))]}"#.utf8),
            Array(#"{"issuer":"https://i.example","jwks_uri":"https://k.example/x"}"#.utf8),
        ]
        let foreign = try JWT(
            try #require(JWTVectors.tokens.first { $0.algorithm == "EdDSA" }).text
        )
        var random = Seeded(Fuzzing.seed(usual: 31))
        var read = 0
        var run = FuzzRun(usual: 4_000)
        let growth = try run.run { input in
            let bytes = mutator.damaged(corpus[input % 2], &random)
            if let document = try? IssuerDocument(parsing: bytes, of: "https://i.example") {
                let again = try WebAddress(document.keys.text)
                #expect(again == document.keys)
            }
            guard let keys = try? KeySet(parsing: bytes) else { return }
            read += 1
            let answer = KeySetAnswer(revision: 1, keys: keys).encoded()
            let again = try KeySetAnswer(decoding: answer).encoded()
            #expect(again == answer)
            // Only the very key says yes.
            if keys.verifies(foreign) {
                #expect(bytes.count > 32 && String(decoding: bytes, as: UTF8.self).contains("R6Rr"))
            }
            _ = try? KeySetQuestion(decoding: bytes)
            _ = try? KeySetAnswer(decoding: bytes)
        }
        #expect(read > run.inputs / 40, "\(read) read")
        #expect(growth < FuzzRun.growthBytesMax)
    }
}
