import Cryptography
import Testing
import Wire

@testable import Shamir

struct NearestCase: Sendable, CustomTestStringConvertible {
    let typed: String
    let nearest: String
    var testDescription: String { "\(typed) is near \(nearest)" }
}

@Suite("word list")
struct WordListTests {
    @Test("is the published one")
    func published() {
        let words = (UInt16(0)..<1024).map { WordList.word($0) }
        #expect(WordList.packed.count == 1024)
        #expect(words.first == "academic" && words.last == "zero")
        let text = words.joined(separator: "\n")
        #expect(
            Hex.encode(sha256(Array(text.utf8)))
                == "0e3ea826bde1b1bc77e39a8d9b3682efb2c0946087d911ee6550f29bd12e87c6"
        )
    }

    @Test("is sorted, and every word leads back to its value")
    func lookup() {
        for value in UInt16(0)..<1024 {
            let word = Array(WordList.word(value).utf8)
            #expect(WordList.value(of: word.span, 0..<word.count) == value)
            let upper = word.map { $0 - 32 }
            #expect(WordList.value(of: upper.span, 0..<upper.count) == value)
        }
        #expect(zip(WordList.packed, WordList.packed.dropFirst()).allSatisfy(<))
    }

    @Test(
        "does not hold prefixes, longer words or other bytes",
        arguments: [
            "acad", "academics", "zeroo", "aaaa", "zzzz", "aca\u{0}emic", "ab", "", "ácademic",
        ]
    )
    func absent(_ word: String) {
        let bytes = Array(word.utf8)
        #expect(WordList.value(of: bytes.span, 0..<bytes.count) == nil)
    }

    @Test(
        "suggests the nearest word",
        arguments: [
            NearestCase(typed: "academmic", nearest: "academic"),
            NearestCase(typed: "zer0", nearest: "zero"),
            NearestCase(typed: "ACDEMIC", nearest: "academic"),
            NearestCase(typed: "yogha", nearest: "yoga"),
            NearestCase(typed: "a", nearest: "acid"),
        ]
    )
    func nearest(_ row: NearestCase) {
        let bytes = Array(row.typed.utf8)
        #expect(WordList.nearest(to: bytes.span, 0..<bytes.count) == row.nearest)
    }
}
