import Cryptography
import Testing
import Wire

@testable import Engines

/// Codes are those of an independent implementation (segno 1.6.6), module by module.
@Suite("QR codes")
struct QRCodeTests {
    struct Row: Sendable {
        let bytes: [UInt8]
        let version: Int
        /// The one that is read best.
        let mask: Int
        /// SHA-256 of the codes with masks 0 to 7, row after row, as digits 0 and 1.
        let digest: String
    }

    private static let otp = Array(
        ("otpauth://totp/I:a@b?algorithm=SHA1&digits=6&issuer=I&period=30"
            + "&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").utf8
    )

    static let rows = [
        Row(
            bytes: otp,
            version: 6,
            mask: 4,
            digest: "06b5c041efea90366ff57334829a921bd9767a95d7ca37770c68fe296d749082"
        ),
        Row(
            bytes: Array("a".utf8),
            version: 1,
            mask: 7,
            digest: "b77d54dfd9155246f33f4fa25e3be7b7e7189b634c996640878260ce29329975"
        ),
        Row(
            bytes: [UInt8](repeating: 0x78, count: 150),
            version: 8,
            mask: 2,
            digest: "e9ad8e28088e701144bf9aa0b124c431fe53c952d1791ab0fcae9395ad0e7e4d"
        ),
        Row(
            bytes: [UInt8](repeating: 0x79, count: 600),
            version: 19,
            mask: 2,
            digest: "fcbc3b34dd0535e0a9d3981c0607629e72ce57c887b9e76f741b80b207fefa62"
        ),
        Row(
            bytes: [UInt8](repeating: 0x7A, count: 2_331),
            version: 40,
            mask: 1,
            digest: "25dc3126b0b6f499f44ce94af9161b21038453c37404ab593f501d3f4b3136dc"
        ),
        Row(
            bytes: (0..<20).flatMap { _ in (0x61..<0x7B).map { UInt8($0) } },
            version: 18,
            mask: 2,
            digest: "59c5f3a94154accd6421be01f3a2bfda5cfd1e7585eb531dfc7395bc3a16e226"
        ),
    ]

    @Test("every module is where it belongs, with every mask", arguments: rows)
    func modules(_ row: Row) throws {
        var digits: [UInt8] = []
        for mask in 0..<8 {
            let code = try #require(QRCode(row.bytes, mask: mask))
            #expect(code.side == row.version * 4 + 17)
            digits += code.modules.map { $0 ? 0x31 : 0x30 }
        }
        #expect(Hex.encode(sha256(digits)) == row.digest)
        let best = try #require(QRCode(row.bytes))
        let masked = try #require(QRCode(row.bytes, mask: row.mask))
        #expect(best.modules == masked.modules)
    }

    @Test("more than fits is no code")
    func tooMuch() {
        #expect(QRCode([UInt8](repeating: 0, count: 2_332)) == nil)
        #expect(QRCode([])?.side == 21)
    }

    @Test(
        "a picture has the size that was asked for, or there is none",
        arguments: [1, 20, 21, 28]
    )
    func sizes(_ size: Int) throws {
        let code = try #require(QRCode(Array("a".utf8)))
        let image = PNGImage.encode(code, size: size)
        #expect((image != nil) == (size >= code.side))
        guard let image else { return }
        #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        #expect(Array(image[16..<24]) == [0, 0, 0, UInt8(size), 0, 0, 0, UInt8(size)])
    }

    @Test("pixels are the modules, as large as fits, inside a light border")
    func pixels() throws {
        let code = try #require(QRCode(Array("a".utf8)))
        let size = 70
        let image = try #require(PNGImage.encode(code, size: size))
        // One stored block: behind signature, header, chunk head, zlib head and block head.
        let rowBytes = (size + 7) / 8
        let start = 8 + 25 + 8 + 2 + 5
        let offset = (size - code.side * 2) / 2
        for y in 0..<size {
            #expect(image[start + y * (rowBytes + 1)] == 0)
            for x in 0..<size {
                let byte = image[start + y * (rowBytes + 1) + 1 + x / 8]
                let isDark = byte >> (7 - x % 8) & 1 == 0
                let column = (x - offset) / 2
                let row = (y - offset) / 2
                let isInside =
                    x >= offset && y >= offset && column < code.side && row < code.side
                #expect(isDark == (isInside && code[column, row]), "\(x), \(y)")
            }
        }
    }
}
