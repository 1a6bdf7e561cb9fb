/// 256 bits over everything that happens in a run, in order. Two runs with equal hashes did the
/// same; it is no defence against somebody who wants a collision.
package struct TraceHash: Equatable, Sendable {
    private var lanes: (UInt64, UInt64, UInt64, UInt64) = (
        0x6A09_E667_F3BC_C908, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B,
        0xA54F_F53A_5F1D_36F1
    )

    /// Of nothing yet.
    package init() {}

    /// Takes in two words.
    package mutating func mix(_ first: UInt64, _ second: UInt64 = 0) {
        lanes.0 = Self.scramble(lanes.0 ^ first)
        lanes.1 = Self.scramble(lanes.1 &+ second ^ lanes.0)
        lanes.2 = (lanes.2 ^ lanes.1) << 29 | (lanes.2 ^ lanes.1) >> 35
        lanes.3 = lanes.3 &* 0xD6E8_FEB8_6659_FD93 &+ lanes.2
    }

    /// Takes in bytes, and how many they are.
    package mutating func mix(_ bytes: [UInt8]) {
        mix(hash64(bytes, seed: 0), hash64(bytes, seed: 1))
    }

    /// 64 hex digits.
    package var text: String {
        [lanes.0, lanes.1, lanes.2, lanes.3].map { lane in
            let digits = String(Self.scramble(lane), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// A bijection that spreads each bit over all others (the finaliser of SplitMix64).
    static func scramble(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    package static func == (left: TraceHash, right: TraceHash) -> Bool {
        left.lanes == right.lanes
    }
}

/// 32 bytes over some bytes: stands for SHA-256 within one run.
func hash256(_ bytes: [UInt8]) -> [UInt8] {
    (UInt64(0)..<4).flatMap { lane in
        let hash = hash64(bytes, seed: lane)
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
    }
}

/// 64 bits over some bytes, for comparing states within one run.
func hash64(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
    var hash = seed ^ UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
    let span = bytes.span
    var position = 0
    while position + 8 <= span.count {
        var word: UInt64 = 0
        for offset in 0..<8 { word = word << 8 | UInt64(span[position + offset]) }
        hash = (hash ^ word) &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        position += 8
    }
    while position < span.count {
        hash = (hash ^ UInt64(span[position])) &* 0x0000_0100_0000_01B3
        position += 1
    }
    return TraceHash.scramble(hash)
}
