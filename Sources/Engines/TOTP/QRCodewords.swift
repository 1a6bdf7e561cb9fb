/// How much a code of each version holds.
enum QRSizes {
    /// Bits of the number of bytes.
    static func countBits(_ version: Int) -> Int { version < 10 ? 8 : 16 }

    /// Codewords of data and of error correction together.
    static func codewords(_ version: Int) -> Int {
        var modules = (16 * version + 128) * version + 64
        if version >= 2 {
            let alignments = version / 7 + 2
            modules -= (25 * alignments - 10) * alignments - 55
        }
        if version >= 7 { modules -= 36 }
        return modules / 8
    }

    static func dataCodewords(_ version: Int) -> Int {
        codewords(version) - correctionPerBlock[version - 1] * blocks[version - 1]
    }

    /// Rows and columns in which alignment patterns stand.
    static func alignments(_ version: Int) -> [Int] {
        guard version >= 2 else { return [] }
        let count = version / 7 + 2
        let step =
            version == 32 ? 26 : (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2
        let last = version * 4 + 10
        return [6] + (0..<count - 1).map { last - step * $0 }.reversed()
    }

    /// Of level M, for versions 1 to 40.
    static let correctionPerBlock = [
        10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
        26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    ]
    static let blocks = [
        1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
        17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
    ]
}

/// The codewords of a QR code: data, padding, error correction.
enum QRCodewords {
    /// Mode, count, bytes and padding.
    ///
    /// - Precondition: they fit.
    static func data(_ bytes: [UInt8], _ version: Int) -> [UInt8] {
        let capacity = QRSizes.dataCodewords(version)
        var bits = QRBits()
        bits.append(0b0100, 4)
        bits.append(bytes.count, QRSizes.countBits(version))
        for byte in bytes { bits.append(Int(byte), 8) }
        bits.append(0, min(4, capacity * 8 - bits.count))
        bits.append(0, (8 - bits.count % 8) % 8)
        var codewords = bits.bytes
        var isFirst = true
        while codewords.count < capacity {
            codewords.append(isFirst ? 0xEC : 0x11)
            isFirst.toggle()
        }
        precondition(codewords.count == capacity, "the version was chosen so that they fit")
        return codewords
    }

    /// Cut into blocks, each with its error correction, and one codeword of each in turn.
    static func interleaved(_ data: [UInt8], _ version: Int) -> [UInt8] {
        let blockCount = QRSizes.blocks[version - 1]
        let correction = QRSizes.correctionPerBlock[version - 1]
        let total = QRSizes.codewords(version)
        let shortLength = total / blockCount - correction
        let shortCount = blockCount - total % blockCount
        let generator = ReedSolomon.generator(correction)
        var rest = data[...]
        var blocks: [(data: ArraySlice<UInt8>, correction: [UInt8])] = []
        for position in 0..<blockCount {
            let block = rest.prefix(shortLength + (position < shortCount ? 0 : 1))
            rest = rest.dropFirst(block.count)
            blocks.append((block, ReedSolomon.remainder(of: block, by: generator)))
        }
        var result: [UInt8] = []
        result.reserveCapacity(total)
        for offset in 0...shortLength {
            for block in blocks where offset < block.data.count {
                result.append(block.data[block.data.startIndex + offset])
            }
        }
        for offset in 0..<correction {
            for block in blocks { result.append(block.correction[offset]) }
        }
        return result
    }
}

/// Bits in the order in which they were added, the highest of a byte first.
private struct QRBits {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    mutating func append(_ value: Int, _ width: Int) {
        for position in (0..<width).reversed() {
            if count % 8 == 0 { bytes.append(0) }
            if value >> position & 1 == 1 { bytes[count / 8] |= 0x80 >> UInt8(count % 8) }
            count += 1
        }
    }
}

/// Error correction over GF(2⁸) with x⁸ + x⁴ + x³ + x² + 1. Nothing secret is protected by it, so
/// its time may depend on the data.
private enum ReedSolomon {
    /// The product of (x - 2ⁱ), without its leading 1, highest power first.
    static func generator(_ degree: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: degree)
        result[degree - 1] = 1
        var root: UInt8 = 1
        for _ in 0..<degree {
            for position in 0..<degree {
                result[position] = multiply(result[position], root)
                if position + 1 < degree { result[position] ^= result[position + 1] }
            }
            root = multiply(root, 2)
        }
        return result
    }

    static func remainder(of data: ArraySlice<UInt8>, by generator: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: generator.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for (position, coefficient) in generator.enumerated() {
                result[position] ^= multiply(coefficient, factor)
            }
        }
        return result
    }

    private static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var product = 0
        for position in (0..<8).reversed() {
            product = product << 1 ^ (product >> 7) * 0x11D
            if b >> position & 1 == 1 { product ^= Int(a) }
        }
        return UInt8(product)
    }
}
