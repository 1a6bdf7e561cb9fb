/// The checksum of a share: three words over all words before it.
///
/// A Reed-Solomon code over GF(1024). It detects any error in at most three words, and misses
/// another with a chance below 1 in 10⁹. Source: SLIP-0039, "Checksum".
enum ChecksumRS1024 {
    private static let generator: [UInt32] = [
        0x00e0_e040, 0x01c1_c080, 0x0383_8100, 0x0707_0200, 0x0e0e_0009,
        0x1c0c_2412, 0x3808_6c24, 0x3090_fc48, 0x21b1_f890, 0x03f3_f120,
    ]

    /// Which kind of share a checksum is for; a checksum for one is wrong for the other.
    enum Customization: String {
        case extendable = "shamir_extendable"
        case bound = "shamir"
    }

    /// True if the last three words are the checksum of the words before them.
    static func isValid(_ words: borrowing ShareWords, for customization: Customization) -> Bool {
        guard words.count > Limits.checksumWords else { return false }
        var state = State(customization)
        for position in 0..<words.count { state.take(words[position]) }
        return state.value == 1
    }

    /// Computes the last three words from the others and writes them.
    static func complete(
        _ words: borrowing ShareWords,
        for customization: Customization
    ) -> ShareWords {
        let body = words.count - Limits.checksumWords
        var state = State(customization)
        for position in 0..<body { state.take(words[position]) }
        for _ in 0..<Limits.checksumWords { state.take(0) }
        let checksum = state.value ^ 1
        return ShareWords(count: words.count) { position in
            guard position >= body else { return words[position] }
            let shift = UInt32(10 * (words.count - 1 - position))
            return UInt16(checksum >> shift & 1023)
        }
    }

    private struct State {
        var value: UInt32 = 1

        init(_ customization: Customization) {
            for byte in customization.rawValue.utf8 { take(UInt16(byte)) }
        }

        mutating func take(_ word: UInt16) {
            let top = value >> 20
            value = (value & 0xf_ffff) << 10 ^ UInt32(word)
            for bit in 0..<10 {
                // A mask, not a branch: the words of a share are secret.
                value ^= generator[bit] & (0 &- (top >> UInt32(bit) & 1))
            }
        }
    }
}
