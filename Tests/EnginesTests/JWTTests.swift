import Cryptography
import Testing
import Wire

@testable import Engines

/// JSON web tokens: only what is signed with a configured key and says what the role wants.
@Suite("JSON web tokens")
struct JWTTests {
    /// A token with any header, any payload and any signature, for what nobody would sign.
    private func token(_ header: String, _ payload: String = "{}", _ signature: String = "AA")
        -> String
    {
        Base64.encodeURL(Array(header.utf8)) + "." + Base64.encodeURL(Array(payload.utf8)) + "."
            + signature
    }

    @Test("tokens of another implementation", arguments: JWTVectors.tokens)
    func vectors(_ vector: JWTVectors.Token) throws {
        let token = try JWT(vector.text)
        #expect(token.algorithm.rawValue == vector.algorithm)
        #expect(token.claims["sub"] == "deploy")
        #expect(token.isSigned(byOneOf: try PublicKeyText.keys(vector.pem)))
        for other in JWTVectors.tokens where other.key != vector.key {
            #expect(!token.isSigned(byOneOf: try PublicKeyText.keys(other.pem)))
        }
        // The same payload under the header of another algorithm.
        for other in JWTVectors.tokens where other.algorithm != vector.algorithm {
            let head = other.text.split(separator: ".")[0]
            let rest = vector.text.split(separator: ".").dropFirst().joined(separator: ".")
            let mixed = try JWT("\(head).\(rest)")
            #expect(!mixed.isSigned(byOneOf: try PublicKeyText.keys(vector.pem)))
        }
    }

    @Test("what is no token is refused before any key is asked")
    func malformed() {
        let good = #"{"alg":"RS256"}"#
        for text in [
            "", ".", "..", "a.b", "a.b.c.d", "!.e30.AA", token(good, "{}", ""),
            token(good, "{}", "!"), token(good, "[]"), token(good, "{"), token("[]"), token("{}"),
            token(#"{"alg":"none"}"#), token(#"{"alg":"none"}"#, "{}", ""),
            token(#"{"alg":"None"}"#), token(#"{"alg":"HS256"}"#), token(#"{"alg":"HS512"}"#),
            token(#"{"alg":"rs256"}"#), token(#"{"alg":7}"#), token(#"{"alg":["RS256"]}"#),
            token(#"{"alg":"RS256","crit":["exp"]}"#), token(#"{"alg":"RS256","crit":[]}"#),
            token(#"{"alg":"RS256","b64":false,"crit":["b64"]}"#),
            token(#"{"alg":"RS256","b64":false}"#), token(good) + "=",
            token(#"{"alg":"none","alg":"RS256"}"#), token(#"{"alg":"RS256","\u0061lg":"ES256"}"#),
            token(good, #"{"sub":"a","sub":"b"}"#), token(good, #"{"a":{"b":1,"b":2}}"#),
            token(good, String(repeating: "[", count: 64) + String(repeating: "]", count: 64)),
            token(good, "{} {}"), token(good + " x"), token(good, "{}", "AA=="),
            token(good, "{}", "A"),
            String(repeating: "a", count: EngineLimits.jwtBytesMax + 1),
        ] {
            #expect(throws: JWTError.self, "\(text.prefix(60))") { try JWT(text) }
        }
    }

    @Test("every cut and many changes of a token are refused, or not signed")
    func damage() throws {
        let vector = JWTVectors.tokens[0]
        let keys = try PublicKeyText.keys(vector.pem)
        let bytes = Array(vector.text.utf8)
        for count in stride(from: 0, to: bytes.count, by: 3) {
            let cut = try? JWT(String(decoding: bytes[..<count], as: UTF8.self))
            #expect(!(cut?.isSigned(byOneOf: keys) ?? false))
        }
        for position in stride(from: 0, to: bytes.count - 1, by: 5) {
            var changed = bytes
            changed[position] = changed[position] == 0x41 ? 0x42 : 0x41
            let read = try? JWT(String(decoding: changed, as: UTF8.self))
            #expect(!(read?.isSigned(byOneOf: keys) ?? false), "position \(position)")
        }
    }

    static let times: [(String, Int, Int, String?)] = [
        // claims, expiration and skew leeway, the reason
        (#"{"exp":1060}"#, 0, 0, nil), (#"{"exp":941}"#, 0, 0, nil),
        (#"{"exp":940}"#, 0, 0, "expired"), (#"{"exp":999}"#, 0, -1, "expired"),
        (#"{"exp":1001}"#, 0, -1, nil), (#"{"nbf":1060,"exp":2000}"#, 0, 0, nil),
        (#"{"nbf":1061,"exp":2000}"#, 0, 0, "not yet"), (#"{"nbf":1001,"exp":9e3}"#, 0, -1, "not"),
        (#"{"iat":990}"#, 0, 0, nil), (#"{"iat":700}"#, 0, 0, "expired"),
        (#"{"iat":700}"#, 300, 0, nil), (#"{"iat":1061,"nbf":1,"exp":2000}"#, 0, 0, "future"),
        (#"{"iat":2000,"exp":3000}"#, 0, 0, "not yet"), ("{}", 0, 0, "no issued at"),
        (#"{"exp":"1060"}"#, 0, 0, "not a time"), (#"{"exp":-1}"#, 0, 0, "not a time"),
        (#"{"exp":1e300}"#, 0, 0, "not a time"), (#"{"exp":1060.5}"#, 0, 0, nil),
        (#"{"exp":1060,"nbf":null}"#, 0, 0, nil),
    ]

    @Test("times, with their leeways", arguments: times)
    func checksTimes(_ json: String, _ leeway: Int, _ skew: Int, _ reason: String?) throws {
        let claims = try #require(try JSONScanner.parse(Array(json.utf8)).asObject)
        let rule = JWTTimes(expirationLeeway: leeway, notBeforeLeeway: 0, skewLeeway: skew)
        do throws(JWTError) {
            try rule.check(claims, at: Timestamp(nanoseconds: 1_000_500_000_000))
            #expect(reason == nil, "\(json) was accepted")
        } catch {
            #expect(reason.map { error.text.contains($0) } ?? false, "\(json): \(error.text)")
        }
    }

    static let globs: [(String, String, Bool)] = [
        ("*", "", true), ("*", "x", true), ("a*", "abc", true), ("a*", "b", false),
        ("*c", "abc", true), ("a*c", "ac", true), ("a*c", "abcd", false), ("a*a", "a", false),
        ("a*b*c", "axxbyyc", true), ("a*b*c", "acb", false), ("*b*b*", "ab", false),
        ("abc", "abc", true), ("abc", "abcd", false), ("**", "x", true), ("", "", true),
        ("", "x", false),
    ]

    @Test("globs of bound claims", arguments: globs)
    func matchesGlobs(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(JWTClaims.glob(Array(pattern.utf8), Array(text.utf8)) == expected)
    }

    @Test("claims by name and by pointer")
    func pointers() throws {
        let json = #"{"a":1,"a/b":2,"n":{"x":["p",{"~":3,"y/z":4}]},"":{"":5}}"#
        let object = try #require(try JSONScanner.parse(Array(json.utf8)).asObject)
        let claims = JWTClaims(claims: object)
        #expect(claims.value("a") == 1)
        #expect(claims.value("a/b") == 2)
        #expect(claims.value("/n/x/0") == "p")
        #expect(claims.value("/n/x/1/~0") == 3)
        #expect(claims.value("/n/x/1/y~1z") == 4)
        #expect(claims.value("//") == 5)
        for nothing in ["b", "/n/x/2", "/n/x/-1", "/n/x/a", "/a/b", "/n/y", "/a/b/c"] {
            #expect(claims.value(nothing) == nil, "\(nothing)")
        }
        #expect(claims.value("a", isPointer: true) == nil)
    }

    static let audiences: [(String, [String], Bool)] = [
        (#"{"aud":"a"}"#, ["a", "b"], true), (#"{"aud":["x","b"]}"#, ["a", "b"], true),
        (#"{"aud":"c"}"#, ["a"], false), ("{}", ["a"], false), ("{}", [], true),
        (#"{"aud":"a"}"#, [], true), (#"{"aud":[1]}"#, ["1"], false),
        (#"{"aud":{"a":1}}"#, ["a"], false), (#"{"aud":""}"#, ["a"], false),
    ]

    @Test("audiences", arguments: audiences)
    func checksAudiences(_ json: String, _ wanted: [String], _ isRight: Bool) throws {
        let object = try #require(try JSONScanner.parse(Array(json.utf8)).asObject)
        let claims = JWTClaims(claims: object)
        if isRight {
            try claims.checkAudience(wanted)
        } else {
            #expect(throws: JWTError.self) { try claims.checkAudience(wanted) }
        }
    }

    @Test("records are read as they were written, and damage is an error or something sound")
    func records() throws {
        var role = JWTRoleRecord()
        role.parameters.policies = ["a"]
        role.audiences = ["x"]
        role.boundClaims = [
            JWTRoleRecord.BoundClaim(claim: "c", values: [#""v""#, "1"], isList: true)
        ]
        role.mappings = [JWTRoleRecord.Mapping(claim: "e", metadata: "mail")]
        role.userClaim = "sub"
        role.skewLeeway = -1
        #expect(try JWTRoleRecord(decoding: role.encoded()) == role)
        try expectSound(role.encoded()) { bytes in
            let read = try JWTRoleRecord(decoding: bytes)
            #expect(try JWTRoleRecord(decoding: read.encoded()) == read)
        }
        var config = JWTConfigRecord()
        config.publicKeys = ["k"]
        config.algorithms = ["RS256"]
        config.issuer = "me"
        #expect(try JWTConfigRecord(decoding: config.encoded()) == config)
        try expectSound(config.encoded()) { bytes in
            let read = try JWTConfigRecord(decoding: bytes)
            #expect(try JWTConfigRecord(decoding: read.encoded()) == read)
        }
    }

    @Test(
        "PEM: one key or several, and nothing else",
        arguments: [
            ("", 0), ("abc", 0), ("-----BEGIN PUBLIC KEY-----\n", 0),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0),
            ("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n", 0),
            (JWTVectors.tokens[0].pem, 1), ("text\n\n" + JWTVectors.tokens[6].pem, 1),
            (JWTVectors.tokens[0].pem + JWTVectors.tokens[6].pem, 2),
        ]
    )
    func pem(_ text: String, _ count: Int) throws {
        if count > 0 {
            #expect(try PublicKeyText.keys(text).count == count)
        } else {
            #expect(throws: EngineError.self) { try PublicKeyText.keys(text) }
        }
    }
}
