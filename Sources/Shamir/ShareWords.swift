import Cryptography

/// The words of one share as 10-bit values, in locked memory, two bytes each.
struct ShareWords: ~Copyable {
    private let bytes: SecretBytes

    var count: Int { bytes.count / 2 }

    /// `count` words, at least 1; `value` gives the word at each position, 0 to 1023.
    init<Failure: Error>(
        count: Int,
        _ value: (Int) throws(Failure) -> UInt16
    ) throws(Failure) {
        bytes = try SecretBytes(count: 2 * count) { bytes throws(Failure) in
            for position in 0..<count {
                let word = try value(position)
                precondition(word < 1024)
                bytes[2 * position] = UInt8(word >> 8)
                bytes[2 * position + 1] = UInt8(word & 255)
            }
        }
    }

    subscript(position: Int) -> UInt16 {
        bytes.withBytes { UInt16($0[2 * position]) << 8 | UInt16($0[2 * position + 1]) }
    }

    /// `count` bits from bit `start` on, as a number; at most 16.
    func bits(_ start: Int, _ count: Int) -> UInt16 {
        precondition(count <= 16)
        var value: UInt16 = 0
        for bit in start..<start + count {
            let word = self[bit / 10]
            value = value << 1 | word >> UInt16(9 - bit % 10) & 1
        }
        return value
    }

    /// The byte form: 33 words are 330 bits, big-endian, then 6 zero bits. 42 bytes.
    func packed() -> SecretBytes {
        precondition(count == Limits.shareWords)
        return SecretBytes(count: Limits.shareBytes) { bytes in
            for bit in 0..<count * 10 where self[bit / 10] >> UInt16(9 - bit % 10) & 1 == 1 {
                bytes[bit / 8] |= 0x80 >> UInt8(bit % 8)
            }
        }
    }

    /// Reads the byte form. The last 6 bits must be zero.
    static func unpack(_ packed: borrowing SecretBytes) throws(ShareError) -> ShareWords {
        precondition(packed.count == Limits.shareBytes)
        return try packed.withBytes { packed throws(ShareError) in
            guard packed[Limits.shareBytes - 1] & 0x3f == 0 else { throw .trailingBits }
            return ShareWords(count: Limits.shareWords) { position in
                var word: UInt16 = 0
                for bit in position * 10..<position * 10 + 10 {
                    word = word << 1 | UInt16(packed[bit / 8] >> UInt8(7 - bit % 8) & 1)
                }
                return word
            }
        }
    }
}
