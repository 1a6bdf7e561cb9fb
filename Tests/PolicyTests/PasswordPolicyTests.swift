import Testing

@testable import Policy

@Suite("password policies")
struct PasswordPolicyTests {
    @Test("HCL and JSON say the same")
    func forms() throws {
        let hcl = try PasswordPolicy(
            parsing: """
                length = 20
                rule "charset" {
                  charset = "cba"
                }
                rule "charset" {
                  charset   = "01a"
                  min-chars = 2
                }
                """
        )
        #expect(hcl.length == 20)
        #expect(hcl.charsets.map(\.countMin) == [0, 2])
        #expect(hcl.charsets[0].characters == ["a", "b", "c"])
        #expect(hcl.characters == ["0", "1", "a", "b", "c"])
        #expect(hcl.ignored.isEmpty)
        let json = #"""
            {"length": 20, "rule": [{"charset": {"charset": "abc"}},
             {"charset": {"charset": "a01", "min-chars": 2}}]}
            """#
        #expect(try PasswordPolicy(parsing: json) == hcl)
    }

    @Test(
        "what is no policy",
        arguments: [
            ("length = 0", .senseless(["length must be > 0", "no charset specified"])),
            ("", .senseless(["length must be > 0", "no charset specified"])),
            (Self.rule, .senseless(["length must be > 0"])),
            ("length = -4\n" + Self.rule, .senseless(["length must be > 0"])),
            ("length = 8", .senseless(["no charset specified"])),
            ("length = 8\nrule \"charset\" { }", .senseless(["no charset specified"])),
            (
                "length = 8\nrule \"charset\" { charset = \"a\\n\" }",
                .senseless(["non-printable character in charset"])
            ),
            (
                "length = 8\nrule \"charset\" { charset = \"a\" min-chars = 5 }\n"
                    + "rule \"charset\" { charset = \"b\" min-chars = 4 }",
                .senseless(["specified rules require at least 9 characters but 8 is specified"])
            ),
            ("length = 3\n" + Self.rule, .length(3)), ("length = 101\n" + Self.rule, .length(101)),
            ("length = 1e9\n" + Self.rule, .length(1_000_000)),
            ("length = \"8\"", .unreadable("line 1: `length` needs a whole number")),
            ("rule = 5", .unreadable("line 1: `rule` needs one type and a block")),
            (
                "rule \"other\" { }",
                .unreadable("line 1: unrecognized rule type other; there is only charset")
            ),
            (
                "rule \"charset\" { charset = 5 }",
                .unreadable("line 1: `charset` needs a text")
            ),
            (
                "\nrule \"charset\" { min-chars = \"2\" }",
                .unreadable("line 2: `min-chars` needs a whole number")
            ),
            (
                "length = 8\n" + String(repeating: Self.rule + "\n", count: 33),
                .unreadable("more than 32 rules")
            ),
        ] as [(String, PasswordPolicyError)]
    )
    func problems(_ text: String, _ expected: PasswordPolicyError) {
        #expect(throws: expected) { try PasswordPolicy(parsing: text) }
    }

    private static let rule = "rule \"charset\" { charset = \"ab\" }"

    @Test("a word that means nothing is told, not obeyed")
    func ignored() throws {
        let policy = try PasswordPolicy(
            parsing: "length = 8\nfoo = 1\nrule \"charset\" { charset = \"ab\" min_chars = 9 }"
        )
        #expect(policy.ignored == ["foo", "min_chars"])
        #expect(policy.charsets[0].countMin == 0)
    }

    /// A poor generator, but each of its numbers is as likely as every other.
    private func stream(_ seed: UInt64) -> (Int) -> [UInt8] {
        var state = seed
        return { count in
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
        }
    }

    @Test("every password keeps to every rule")
    func rules() throws {
        let policy = try PasswordPolicy(
            parsing: """
                length = 12
                rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" min-chars = 1 }
                rule "charset" { charset = "ÄÖ€" min-chars = 2 }
                rule "charset" { charset = "0123456789" min-chars = 3 }
                """
        )
        let draw = stream(1)
        for _ in 0..<500 {
            let password = try #require(policy.password(tries: 10_000, draw))
            let scalars = Array(password.unicodeScalars)
            #expect(scalars.count == 12)
            #expect(scalars.allSatisfy(policy.characters.contains))
            for charset in policy.charsets {
                #expect(scalars.count(where: charset.characters.contains) >= charset.countMin)
            }
        }
    }

    @Test("all passwords that the rules allow are equally likely")
    func evenness() throws {
        // Of the 16 words of a and b, 15 have a b.
        let policy = try PasswordPolicy(
            parsing: """
                length = 4
                rule "charset" { charset = "a" }
                rule "charset" { charset = "b" min-chars = 1 }
                """
        )
        let draw = stream(7)
        var counts: [String: Int] = [:]
        for _ in 0..<30_000 {
            counts[try #require(policy.password(tries: 100, draw)), default: 0] += 1
        }
        #expect(counts.count == 15)
        #expect(counts["aaaa"] == nil)
        // 2,000 each; six standard deviations are 259.
        for (word, count) in counts { #expect((1_741...2_259).contains(count), "\(word)") }
    }

    @Test("numbers that would prefer some characters are drawn again")
    func bias() throws {
        let policy = try PasswordPolicy(
            parsing: "length = 4\nrule \"charset\" { charset = \"abc\" }"
        )
        // The largest number is one above the last multiple of three.
        var draws = [[UInt8](repeating: 0xFF, count: 4) + [UInt8](repeating: 0, count: 12)]
        draws.append([0, 0, 0, 2])
        var asked: [Int] = []
        let password = policy.password(tries: 1) { count in
            asked.append(count)
            return draws.removeFirst()
        }
        #expect(asked == [16, 4])
        #expect(password == "aaac")
    }

    @Test("rules that are hardly ever kept end after so many draws")
    func tries() throws {
        let policy = try PasswordPolicy(
            parsing: """
                length = 40
                rule "charset" { charset = "a" min-chars = 40 }
                rule "charset" { charset = "bcdefghijklm" }
                """
        )
        #expect(policy.password(tries: 200, stream(3)) == nil)
    }
}
