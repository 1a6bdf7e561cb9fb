/// 32 bytes that depend on every input byte. Stands in for SHA-256, which a store is given: it is
/// fast, and no protection against anybody.
@Sendable package func testDigest(_ bytes: [UInt8]) -> [UInt8] {
    var state = UInt64(bytes.count) &+ 0x9E37_79B9_7F4A_7C15
    unsafe bytes.withUnsafeBytes { bytes in
        var position = 0
        while position + 8 <= bytes.count {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            state = (state ^ word) &* 0xBF58_476D_1CE4_E5B9
            state ^= state >> 31
            position += 8
        }
        while position < bytes.count {
            state = (state ^ UInt64(unsafe bytes[position])) &* 0x0000_0100_0000_01B3
            state ^= state >> 29
            position += 1
        }
    }
    var random = Seeded(state)
    return (0..<4).flatMap { _ in
        let word = random.next()
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
    }
}
