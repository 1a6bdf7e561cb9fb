import Cryptography
import Testing
import Wire

@testable import Shamir

struct FormCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
}

struct BadTextCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let error: ShareError
}

@Suite("share as text")
struct ShareTextTests {
    static let words = ReferenceSet.flat.shares[1]
    static let list = words.split(separator: " ").map(String.init)
    static let hex = (try? Share.parse(words).hex) ?? ""
    static let base64 = (try? Share.parse(words).base64) ?? ""

    static func replacing(_ position: Int, with word: String) -> String {
        var list = list
        list[position] = word
        return list.joined(separator: " ")
    }

    static let formCases = [
        FormCase(testDescription: "words", text: words),
        FormCase(testDescription: "words in upper case", text: words.uppercased()),
        FormCase(
            testDescription: "words over lines, with tabs",
            text: "\n\t" + list.joined(separator: " \r\n\t") + " \n"
        ),
        FormCase(testDescription: "hexadecimal", text: hex),
        FormCase(testDescription: "hexadecimal in upper case", text: hex.uppercased() + "\n"),
        FormCase(
            testDescription: "hexadecimal over lines",
            text: "\(hex.prefix(40))\n\(hex.dropFirst(40))"
        ),
        FormCase(testDescription: "base64", text: base64),
        FormCase(testDescription: "base64 with a line end", text: " \(base64)\r\n"),
    ]

    @Test("is read in every form", arguments: formCases)
    func forms(_ row: FormCase) throws {
        #expect(try Share.parse(row.text).words == Self.words)
        #expect(try Share.parse(secret(Array(row.text.utf8))).words == Self.words)
    }

    @Test("has 33 words, 84 digits, 56 characters, 42 bytes ending in zero bits")
    func sizes() throws {
        #expect(Self.list.count == 33)
        #expect(Self.hex.utf8.count == 84)
        #expect(Self.base64.utf8.count == 56)
        let bytes = try Share.parse(Self.words).bytes42.exposedCopy()
        #expect(bytes.count == 42)
        #expect(bytes[41] & 0x3f == 0)
        #expect(Hex.encode(bytes) == Self.hex)
        #expect(Base64.encode(bytes) == Self.base64)
    }

    static let badTexts = [
        BadTextCase(testDescription: "nothing", text: "", error: .empty),
        BadTextCase(testDescription: "white space", text: " \n\t ", error: .empty),
        BadTextCase(
            testDescription: "a page of text",
            text: String(repeating: "a ", count: 2049),
            error: .tooLong(characters: 4098)
        ),
        BadTextCase(
            testDescription: "a misspelled first word",
            text: replacing(0, with: "academmic"),
            error: .unknownWord(position: 1, nearest: "academic")
        ),
        BadTextCase(
            testDescription: "a misspelled last word",
            text: replacing(32, with: "zerro"),
            error: .unknownWord(position: 33, nearest: "zero")
        ),
        BadTextCase(
            testDescription: "a word too few",
            text: list.dropLast().joined(separator: " "),
            error: .wordCount(have: 32)
        ),
        BadTextCase(
            testDescription: "a word too many",
            text: words + " zero",
            error: .wordCount(have: 34)
        ),
        BadTextCase(testDescription: "one word", text: "academic", error: .wordCount(have: 1)),
        BadTextCase(
            testDescription: "two shares at once",
            text: words + " " + words,
            error: .wordCount(have: 66)
        ),
        BadTextCase(
            testDescription: "two words exchanged",
            text: ([list[0], list[1], list[3], list[2]] + list[4...]).joined(separator: " "),
            error: .checksum
        ),
        BadTextCase(
            testDescription: "a wrong hexadecimal digit",
            text: (hex.first == "0" ? "1" : "0") + hex.dropFirst(),
            error: .checksum
        ),
        BadTextCase(
            testDescription: "a letter that is no digit",
            text: hex.prefix(9) + "g" + hex.dropFirst(10),
            error: .hexDigit(position: 10)
        ),
        BadTextCase(
            testDescription: "a digit too few",
            text: String(hex.dropLast()),
            error: .hexLength(have: 83)
        ),
        BadTextCase(
            testDescription: "a digit too many",
            text: hex + "0",
            error: .hexLength(have: 85)
        ),
        BadTextCase(
            testDescription: "bits after the last word",
            text: String(hex.dropLast()) + "1",
            error: .trailingBits
        ),
        BadTextCase(
            testDescription: "a character outside base64",
            text: base64.prefix(55) + "*",
            error: .base64Character(position: 56)
        ),
        BadTextCase(
            testDescription: "padding that base64 does not need here",
            text: base64.dropLast(2) + "==",
            error: .base64Character(position: 55)
        ),
        BadTextCase(
            testDescription: "half a base64 share",
            text: String(repeating: "+", count: 28),
            error: .unrecognised(characters: 28)
        ),
        BadTextCase(
            testDescription: "a key of the old vault",
            text: "l8pSTsjBFAHRNfrcq5I6Pq0eBBOQ8DDIBzDyUp3nmU0=",
            error: .unrecognised(characters: 44)
        ),
        BadTextCase(
            testDescription: "a share of 128 bits",
            text: ForeignShare.of128Bits,
            error: .notA256BitShare(bits: 128)
        ),
        BadTextCase(
            testDescription: "a share of 512 bits",
            text: ForeignShare.of512Bits,
            error: .notA256BitShare(bits: 512)
        ),
        BadTextCase(
            testDescription: "a share that is not extendable",
            text: ForeignShare.notExtendable,
            error: .notExtendable
        ),
        BadTextCase(
            testDescription: "a share with iteration exponent 1",
            text: ForeignShare.exponentOne,
            error: .iterationExponent(1)
        ),
    ]

    @Test("names what is wrong", arguments: badTexts)
    func refuses(_ row: BadTextCase) {
        #expect(parseFailure(row.text) == row.error)
    }

    @Test("no error repeats the share", arguments: badTexts)
    func silent(_ row: BadTextCase) throws {
        let error = try #require(parseFailure(row.text))
        let text = error.summary + " " + error.remedy + " \(error)"
        let tokens = row.text.split { $0 == " " || $0 == "\n" }.filter { $0.utf8.count > 12 }
        for token in tokens { #expect(!text.contains(token)) }
        let spoken = Set(text.split { !$0.isLetter }.map(String.init))
        let typed = Set(row.text.split(separator: " ").map(String.init))
        #expect(spoken.intersection(typed).count <= 1)
    }

    @Test("random bytes are refused and never trap")
    func noise() {
        var entropy = SeededEntropy(seed: 4)
        for _ in 0..<400 {
            let count = [1, 28, 42, 56, 84, 85, 250][entropy.below(7)]
            let bytes = entropy.bytes(count)
            let isRefused = failure { () throws(ShareError) in _ = try Share.parse(bytes.span) }
            #expect(isRefused != nil)
        }
    }
}
