import Cryptography
import TestSupport
import Testing
import Wire

@testable import Engines

/// Whatever somebody sends as a token: it is read or refused, and never believed.
@Suite("JWT fuzz")
struct JWTFuzzTests {
    private static let mutator = Mutator(
        [
            ".", "..", "=", "-", "_", "{", "}", "[", "]", "\"", "\\u0000", "\\ud800", ",", ":",
            "null",
            "\"alg\":", "\"none\"", "\"HS256\"", "\"ES256\"", "\"crit\":[]", "\"exp\":", "1e999",
            "-1", "99999999999999999999", "\"aud\":[]", "\"sub\":", "\"sub\":", "{}", "[[[[[[[[",
        ],
        raw: [[0xFF], [0xC3], [0x00]]
    )

    /// Header, payload and signature of sound tokens, as bytes.
    private static let corpus: [[[UInt8]]] = JWTVectors.tokens.map { token in
        token.text.split(separator: ".").compactMap { Base64.decodeURL(String($0)) }
    }

    private static let role: JWTRoleRecord = {
        var role = JWTRoleRecord()
        role.audiences = ["vault"]
        role.userClaim = "/nested/a~1b/0"
        role.isUserPointer = true
        role.groupsClaim = "groups"
        role.isGlob = true
        role.boundClaims = [
            JWTRoleRecord.BoundClaim(claim: "team", values: [#""c*r*""#], isList: true)
        ]
        role.mappings = [JWTRoleRecord.Mapping(claim: "iss", metadata: "issuer")]
        return role
    }()

    /// All that a login does with a token, its signature apart.
    private func use(_ token: JWT, at now: Timestamp) throws(JWTError) {
        let times = JWTTimes(expirationLeeway: 0, notBeforeLeeway: 0, skewLeeway: 0)
        try times.check(token.claims, at: now)
        let claims = JWTClaims(claims: token.claims)
        try claims.checkAudience(Self.role.audiences)
        _ = try claims.user(Self.role)
        _ = try claims.groups(Self.role)
        for bound in Self.role.boundClaims {
            try claims.check(bound, isGlob: Self.role.isGlob)
        }
        _ = try claims.metadata(Self.role)
    }

    @Test("damaged tokens are refused, or are not signed; nothing traps")
    func damaged() throws {
        var random = Seeded(Fuzzing.seed(usual: 9))
        let keys = try JWTVectors.tokens.map { try PublicKeyText.keys($0.pem)[0] }
        let now = Timestamp(nanoseconds: 1_795_387_400_000_000_000)
        var read = 0
        var used = 0
        var run = FuzzRun(usual: 10_000)
        let growth = try run.run { input in
            let number = random.below(Self.corpus.count)
            let sound = Self.corpus[number]
            var parts = sound
            let position = random.below(3)
            parts[position] = Self.mutator.damaged(parts[position], &random)
            var text = parts.map { Base64.encodeURL($0) }.joined(separator: ".")
            if random.chance(1, of: 4) {
                text = String(
                    decoding: Self.mutator.damaged(Array(text.utf8), &random),
                    as: UTF8.self
                )
            }
            guard let token = try? JWT(text) else { return }
            read += 1
            if (try? use(token, at: now)) != nil { used += 1 }
            // Signatures cost: some of them, with the key that made the sound one.
            guard input % 16 == 0, text != JWTVectors.tokens[number].text else { return }
            #expect(!token.isSigned(byOneOf: [keys[number]]), "\(text)")
        }
        #expect(read > run.inputs / 20 && used > 0, "\(read) read, \(used) used")
        #expect(growth < FuzzRun.growthBytesMax)
    }
}
