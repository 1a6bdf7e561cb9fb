import Cryptography
import Testing

@testable import Shamir

struct HeaderCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// First bit and number of bits to overwrite, and with what.
    let start: Int
    let count: Int
    let value: UInt16
    let error: ShareError
}

@Suite("checksum and header")
struct ChecksumTests {
    static func values(_ text: String) -> [UInt16] {
        text.split(separator: " ").compactMap { word in
            let bytes = Array(word.utf8)
            return WordList.value(of: bytes.span, 0..<bytes.count)
        }
    }

    private static func isValid(_ values: [UInt16]) -> Bool {
        let words = ShareWords(count: values.count) { values[$0] }
        let isExtendable = words.bits(15, 1) == 1
        return ChecksumRS1024.isValid(words, for: isExtendable ? .extendable : .bound)
    }

    @Test("finds every replacement of one word")
    func everyWord() {
        let original = Self.values(ReferenceSet.flat.shares[0])
        #expect(original.count == 33 && Self.isValid(original))
        var missed = 0
        for position in original.indices {
            var changed = original
            for value in UInt16(0)..<1024 where value != original[position] {
                changed[position] = value
                if Self.isValid(changed) { missed += 1 }
            }
        }
        #expect(missed == 0)
    }

    @Test("finds every exchange of two words")
    func exchanges() {
        let original = Self.values(ReferenceSet.flat.shares[0])
        for first in original.indices {
            for second in original.indices.dropFirst(first + 1)
            where original[first] != original[second] {
                var changed = original
                changed.swapAt(first, second)
                #expect(!Self.isValid(changed), "words \(first + 1) and \(second + 1)")
            }
        }
    }

    @Test("a checksum of one kind is not one of the other")
    func customization() {
        let words = ShareWords(count: 33) { UInt16($0) }
        let extendable = ChecksumRS1024.complete(words, for: .extendable)
        let isOwn = ChecksumRS1024.isValid(extendable, for: .extendable)
        let isOther = ChecksumRS1024.isValid(extendable, for: .bound)
        #expect(isOwn && !isOther)
    }

    static let headers = [
        HeaderCase(
            testDescription: "group index beyond the groups",
            start: 20,
            count: 4,
            value: 1,
            error: .groupNumbers(index: 1, threshold: 1, count: 1)
        ),
        HeaderCase(
            testDescription: "group threshold above the groups",
            start: 24,
            count: 4,
            value: 3,
            error: .groupNumbers(index: 0, threshold: 4, count: 1)
        ),
        HeaderCase(
            testDescription: "padding",
            start: 40,
            count: 4,
            value: 1,
            error: .padding
        ),
        HeaderCase(
            testDescription: "padding, other end",
            start: 40,
            count: 4,
            value: 8,
            error: .padding
        ),
        HeaderCase(
            testDescription: "iteration exponent 15",
            start: 16,
            count: 4,
            value: 15,
            error: .iterationExponent(15)
        ),
    ]

    @Test("a well-formed share with a wrong header is refused", arguments: headers)
    func header(_ row: HeaderCase) {
        var bits = Self.values(ReferenceSet.flat.shares[0]).flatMap { value in
            (0..<10).map { value >> UInt16(9 - $0) & 1 }
        }
        for bit in 0..<row.count {
            bits[row.start + bit] = row.value >> UInt16(row.count - 1 - bit) & 1
        }
        let body = ShareWords(count: 33) { word in
            bits[word * 10..<word * 10 + 10].reduce(0) { $0 << 1 | $1 }
        }
        let words = ChecksumRS1024.complete(body, for: .extendable)
        let error = failure { () throws(ShareError) in _ = try Share.decode(words) }
        #expect(error == row.error)
    }

    @Test("all fields come back, at their extremes")
    func fields() throws {
        let original = share(
            identifier: 0x7fff,
            groupThreshold: 16,
            groupCount: 16,
            memberThreshold: 16,
            group: 15,
            member: 15,
            value: 0xff
        )
        let read = try Share.parse(original.words)
        #expect(read.identifier == 0x7fff && read.groupThreshold == 16 && read.groupCount == 16)
        #expect(read.memberThreshold == 16 && read.slot == Slot(group: 15, member: 15))
        #expect(read.value.exposedCopy() == [UInt8](repeating: 0xff, count: 32))
        let zero = try Share.parse(share(identifier: 0, memberThreshold: 1, value: 0).hex)
        #expect(zero.identifier == 0 && zero.memberThreshold == 1)
        #expect(zero.value.exposedCopy() == [UInt8](repeating: 0, count: 32))
    }
}
