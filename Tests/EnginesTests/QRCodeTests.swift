import Cryptography
import Testing
import Wire

@testable import Engines

/// Codes are those of an independent implementation (the Python package qrcode 8.2), module by module.
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
            digest: "68cdbcf8f3a6391292711336a51d8abdaf76787f8c9d121fa02acd656df05c5e"
        ),
        Row(
            bytes: Array("a".utf8),
            version: 1,
            mask: 5,
            digest: "e196ddb021750e3133515a1587f43518b53193c3d0e785c60126cbbb26a8eeee"
        ),
        Row(
            bytes: [UInt8](repeating: 0x78, count: 150),
            version: 8,
            mask: 2,
            digest: "38fae111c5c8f431824c1cb3abfe8daba6611104eef6e65b11bbbbb6c005d1e1"
        ),
        Row(
            bytes: [UInt8](repeating: 0x79, count: 600),
            version: 19,
            mask: 2,
            digest: "c16bf42e28fab4d7489f84302d292469626423458b7dcfcfeebbaabdd6eb914d"
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
            digest: "8f72be0a3a380b7f0f1b85e5e767b5ed538b5573e04cfa7db9d34c9323bdbfe1"
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
