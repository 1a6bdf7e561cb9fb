/// The one source of chance in a run: xoshiro256**, seeded through SplitMix64.
///
/// Integers only, so a seed means the same on every machine and in every build. Source: Blackman
/// and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
package struct Dice: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// Equal seeds, equal numbers.
    package init(seed: UInt64) {
        var mix = seed
        func next() -> UInt64 {
            mix &+= 0x9E37_79B9_7F4A_7C15
            var word = mix
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
        state = (next(), next(), next(), next())
    }

    /// 64 uniform bits.
    package mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    /// 0 ..< bound. The multiplication's bias is below 2⁻³² for the bounds used here.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing to draw from")
        return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number in `range`, which has no more than 2³² members.
    package mutating func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// A span of time in nanoseconds.
    package mutating func draw(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + UInt64(below(Int(range.upperBound - range.lowerBound) + 1))
    }

    /// True `numerator` times out of 1,024.
    package mutating func chance(_ numerator: Int) -> Bool {
        numerator > 0 && next() >> 54 < UInt64(numerator)
    }

    /// A whole number, small most of the time: uniform in its logarithm up to `most`.
    package mutating func skewed(_ most: UInt64) -> UInt64 {
        guard most > 1 else { return most }
        let bits = 64 - most.leadingZeroBitCount
        let width = below(bits) + 1
        return min(most, next() >> UInt64(64 - width))
    }
}
