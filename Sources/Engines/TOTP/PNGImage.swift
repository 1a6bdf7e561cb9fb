import Wire

/// A square picture of a QR code as a PNG file: black and white, one bit a pixel, not compressed.
///
/// - Source: the PNG specification (ISO/IEC 15948), RFC 1950, RFC 1951.
enum PNGImage {
    /// Each module is a square of pixels, all the same size, in the middle of the picture; a light
    /// border of four modules stands around where there is room for it.
    ///
    /// - Parameter size: pixels along a side.
    /// - Returns: nil if the picture is smaller than the code.
    static func encode(_ code: QRCode, size: Int) -> [UInt8]? {
        let withBorder = size / (code.side + 8)
        let scale = withBorder > 0 ? withBorder : size / code.side
        guard scale > 0 else { return nil }
        let offset = (size - code.side * scale) / 2
        let rowBytes = (size + 7) / 8
        let light = [UInt8](repeating: 0xFF, count: rowBytes)
        let rows = (0..<code.side).map { row in
            var line = light
            for column in 0..<code.side where code[column, row] {
                for pixel in offset + column * scale..<offset + (column + 1) * scale {
                    line[pixel / 8] &= ~(0x80 >> UInt8(pixel % 8))
                }
            }
            return line
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(size * (rowBytes + 1))
        for y in 0..<size {
            // The filter of each row: none.
            pixels.append(0)
            let isInside = y >= offset && y < offset + code.side * scale
            pixels += isInside ? rows[(y - offset) / scale] : light
        }
        return file(size, pixels)
    }

    private static func file(_ size: Int, _ pixels: [UInt8]) -> [UInt8] {
        var header = ByteWriter(capacity: 13)
        header.writeUInt32(UInt32(size))
        header.writeUInt32(UInt32(size))
        // One bit, grey; deflate, no filter, not interlaced.
        header.writeBytes([1, 0, 0, 0, 0])
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", header.bytes) + chunk("IDAT", zlib(pixels)) + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: content.count + 12)
        writer.writeUInt32(UInt32(content.count))
        let body = Array(name.utf8) + content
        writer.writeBytes(body)
        writer.writeUInt32(crc32(body))
        return writer.bytes
    }

    /// A stream of stored blocks, each of at most 65,535 bytes.
    private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x78, 0x01]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest.dropFirst(block.count)
            let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
            result += [rest.isEmpty ? 1 : 0, low, high, ~low, ~high]
            result += block
        } while !rest.isEmpty
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65_521
            b = (b + a) % 65_521
        }
        var sum = ByteWriter(capacity: 4)
        sum.writeUInt32(b << 16 | a)
        return result + sum.bytes
    }

    /// The checksum of PNG, which is not that of the store.
    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 {
                sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1
            }
        }
        return ~sum
    }
}
