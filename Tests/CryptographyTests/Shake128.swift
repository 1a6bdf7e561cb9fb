/// SHAKE128, for the published XAES vectors only. Source: FIPS 202.
struct Shake128 {
    private static let rateBytes = 168
    private var state = InlineArray<25, UInt64>(repeating: 0)
    private var position = 0
    private var isReading = false

    mutating func absorb(_ bytes: [UInt8]) {
        precondition(!isReading)
        for byte in bytes {
            mix(byte)
            position += 1
            if position == Self.rateBytes { permute() }
        }
    }

    mutating func read(_ count: Int) -> [UInt8] {
        if !isReading {
            mix(0x1f)
            position = Self.rateBytes - 1
            mix(0x80)
            permute()
            isReading = true
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for _ in 0..<count {
            if position == Self.rateBytes { permute() }
            bytes.append(UInt8(truncatingIfNeeded: state[position / 8] >> shift))
            position += 1
        }
        return bytes
    }

    private var shift: UInt64 { UInt64(position % 8 * 8) }

    private mutating func mix(_ byte: UInt8) {
        state[position / 8] ^= UInt64(byte) << shift
    }

    private mutating func permute() {
        position = 0
        for constant in Self.roundConstants {
            var columns = InlineArray<5, UInt64>(repeating: 0)
            for x in 0..<5 {
                columns[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
            }
            for x in 0..<5 {
                let mask = columns[(x + 4) % 5] ^ rotate(columns[(x + 1) % 5], 1)
                for y in stride(from: x, to: 25, by: 5) { state[y] ^= mask }
            }
            var moving = state[1]
            for step in 0..<24 {
                let target = Self.lanes[step]
                let next = state[target]
                state[target] = rotate(moving, Self.rotations[step])
                moving = next
            }
            for row in stride(from: 0, to: 25, by: 5) {
                for x in 0..<5 { columns[x] = state[row + x] }
                for x in 0..<5 {
                    state[row + x] = columns[x] ^ (~columns[(x + 1) % 5] & columns[(x + 2) % 5])
                }
            }
            state[0] ^= constant
        }
    }

    private func rotate(_ lane: UInt64, _ count: UInt64) -> UInt64 {
        lane &<< count | lane &>> (64 - count)
    }

    private static let lanes = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]

    private static let rotations: [UInt64] = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]

    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a,
        0x8000_0000_8000_8000, 0x0000_0000_0000_808b, 0x0000_0000_8000_0001,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8009, 0x0000_0000_0000_008a,
        0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089,
        0x8000_0000_0000_8003, 0x8000_0000_0000_8002, 0x8000_0000_0000_0080,
        0x0000_0000_0000_800a, 0x8000_0000_8000_000a, 0x8000_0000_8000_8081,
        0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
}
