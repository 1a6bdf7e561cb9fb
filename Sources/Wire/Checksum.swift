/// The CRC-32C (Castagnoli) of bytes: detects accidents, not forgery.
///
/// - Parameters:
///   - bytes: any number of them.
///   - continuing: the CRC of what came before, so that `crc32c(b, continuing: crc32c(a))` is the
///     CRC of `a + b`. 0 to begin.
/// - Returns: the reflected, finally inverted form of iSCSI and ext4; `123456789` gives 0xE3069283.
/// - Complexity: linear; eight bytes a step with eight tables of 256 words.
/// - Source: RFC 3720 appendix B.4.
package func crc32c(_ bytes: [UInt8], continuing: UInt32 = 0) -> UInt32 {
    crc32c(bytes.span, continuing: continuing)
}

/// The CRC-32C of a slice, without copying it. See ``crc32c(_:continuing:)-([UInt8],_)``.
package func crc32c(_ bytes: ArraySlice<UInt8>, continuing: UInt32 = 0) -> UInt32 {
    crc32c(bytes.span, continuing: continuing)
}

/// The CRC-32C of lent bytes. See ``crc32c(_:continuing:)-([UInt8],_)``.
package func crc32c(_ bytes: Span<UInt8>, continuing: UInt32 = 0) -> UInt32 {
    let words = ChecksumTables.words
    let tables = words.span
    var crc = ~continuing
    var position = 0
    while bytes.count - position >= 8 {
        let low = crc ^ word(bytes, at: position)
        let high = word(bytes, at: position + 4)
        let near =
            tables[1_792 + Int(low & 0xFF)] ^ tables[1_536 + Int(low >> 8 & 0xFF)]
            ^ tables[1_280 + Int(low >> 16 & 0xFF)] ^ tables[1_024 + Int(low >> 24)]
        let far =
            tables[768 + Int(high & 0xFF)] ^ tables[512 + Int(high >> 8 & 0xFF)]
            ^ tables[256 + Int(high >> 16 & 0xFF)] ^ tables[Int(high >> 24)]
        crc = near ^ far
        position += 8
    }
    while position < bytes.count {
        crc = tables[Int((crc ^ UInt32(bytes[position])) & 0xFF)] ^ crc >> 8
        position += 1
    }
    return ~crc
}

/// Four bytes, little-endian, because the CRC is reflected.
private func word(_ bytes: Span<UInt8>, at position: Int) -> UInt32 {
    UInt32(bytes[position]) | UInt32(bytes[position + 1]) << 8
        | UInt32(bytes[position + 2]) << 16 | UInt32(bytes[position + 3]) << 24
}

private enum ChecksumTables {
    /// The polynomial 0x1EDC6F41 with its bits reversed.
    static let polynomial: UInt32 = 0x82F6_3B78

    /// Eight tables after each other. Table k advances a byte by k further zero bytes.
    static let words: [UInt32] = {
        var words = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1
            }
            words[byte] = crc
        }
        for position in 256..<words.count {
            let before = words[position - 256]
            words[position] = words[Int(before & 0xFF)] ^ before >> 8
        }
        return words
    }()
}
