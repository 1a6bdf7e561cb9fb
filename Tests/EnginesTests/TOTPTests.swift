import Cryptography
import Testing
import Wire

@testable import Engines

/// Codes are those of the RFCs, and what is kept is read as it was written.
@Suite("one-time passwords")
struct TOTPTests {
    private func record(
        _ key: [UInt8],
        _ hash: HMACFamily = .sha1,
        digits: Int = 8,
        period: UInt64 = 30
    ) -> TOTPKeyRecord {
        var settings = TOTPSettings()
        settings.hash = hash
        settings.digits = digits
        settings.period = period
        return TOTPKeyRecord(issuer: "I", account: "a", key: key, settings)
    }

    private static let digitsOfKeys = Array("1234567890".utf8)

    private func key(_ count: Int) -> [UInt8] {
        (0..<count).map { Self.digitsOfKeys[$0 % 10] }
    }

    /// RFC 6238, appendix B. Its keys have as many bytes as their hash.
    @Test(
        "codes of RFC 6238",
        arguments: [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ]
    )
    func rfc6238(_ seconds: UInt64, _ sha1: String, _ sha256: String, _ sha512: String) {
        // Periods and not moments: the table's last one is after 2554, where timestamps end.
        for (hash, count, code) in [
            (HMACFamily.sha1, 20, sha1), (.sha256, 32, sha256), (.sha512, 64, sha512),
        ] {
            #expect(record(key(count), hash).code(ofStep: seconds / 30) == code, "\(hash)")
        }
    }

    /// RFC 4226, appendix D.
    @Test("codes of RFC 4226")
    func rfc4226() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ]
        for (counter, code) in codes.enumerated() {
            #expect(record(key(20), digits: 6).code(ofStep: UInt64(counter)) == code)
        }
    }

    @Test("a moment lies in the period that it begins")
    func steps() {
        let record = record(key(20), period: 30)
        for (seconds, step) in [(0, 0), (29, 0), (30, 1), (59, 1), (60, 2)] as [(UInt64, UInt64)] {
            #expect(record.step(at: Timestamp(nanoseconds: seconds * 1_000_000_000)) == step)
        }
    }

    @Test("records are read as they were written, and damage is an error")
    func records() throws {
        let records = HMACFamily.allCases.map { record([1, 2, 3], $0, period: 60) }
        for record in records {
            #expect(try TOTPKeyRecord(decoding: record.encoded()) == record)
        }
        let bytes = records[0].encoded()
        for count in 0..<bytes.count {
            #expect(throws: EngineError.self) {
                try TOTPKeyRecord(decoding: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: EngineError.self) { try TOTPKeyRecord(decoding: bytes + [0]) }
        #expect(throws: EngineError.self) { try TOTPKeyRecord(decoding: [2] + bytes.dropFirst()) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                // Read or refused, never a trap; what is read makes codes.
                _ = try? TOTPKeyRecord(decoding: damaged).code(ofStep: 1)
            }
        }
        var used = TOTPUsedRecord()
        used.steps = [7, 8, 9]
        #expect(try TOTPUsedRecord(decoding: used.encoded()) == used)
        #expect(throws: EngineError.self) { try TOTPUsedRecord(decoding: [1, 4]) }
        #expect(throws: EngineError.self) { try TOTPUsedRecord(decoding: [2, 0]) }
        #expect(throws: EngineError.self) { try TOTPUsedRecord(decoding: used.encoded() + [0]) }
    }

    struct URLRow: Sendable {
        let text: String
        let issuer: String
        let account: String
        var key = "JBSW"
        var period = 30
        var digits = 6
        var algorithm = "SHA1"
    }

    static let urls = [
        URLRow(
            text: "otpauth://totp/Google:t@gmail.com?secret=JBSW&issuer=Google",
            issuer: "Google",
            account: "t@gmail.com"
        ),
        URLRow(
            text: "otpauth://totp/t?secret=JBSW&period=60&digits=8&algorithm=SHA256",
            issuer: "given",
            account: "t",
            period: 60,
            digits: 8,
            algorithm: "SHA256"
        ),
        URLRow(
            text: "otpauth://totp/My%20Co:t%40x?secret=JBSW&issuer=Other+Co#no",
            issuer: "Other Co",
            account: "t@x"
        ),
        URLRow(text: "otpauth://totp/A:b:c?secret=JBSW", issuer: "A", account: "b:c"),
        URLRow(text: "otpauth://totp/?secret=JBSW", issuer: "given", account: ""),
        URLRow(text: "otpauth://totp", issuer: "given", account: "", key: ""),
        URLRow(
            text: "otpauth://totp/a?secret=JBSW&issuer=%zz&x&=&period=",
            issuer: "given",
            account: "a"
        ),
    ]

    private func url() -> TOTPURL {
        TOTPURL(
            issuer: "given",
            account: "given",
            key: "given",
            period: 30,
            digits: 6,
            algorithm: "SHA1"
        )
    }

    @Test("URLs are read", arguments: urls)
    func readsURL(_ row: URLRow) throws {
        var url = url()
        try url.read(row.text)
        #expect(url.issuer == row.issuer && url.account == row.account && url.key == row.key)
        #expect(url.period == row.period && url.digits == row.digits)
        #expect(url.algorithm == row.algorithm)
    }

    @Test(
        "what is no such URL is refused",
        arguments: [
            "", "::bad", "http://totp/a?secret=JBSW", "otpauth://hotp/a?secret=JBSW",
            "otpauth://totp/a%zz?secret=JBSW", "otpauth://totp/a%f?secret=JBSW",
            "otpauth://totp/%ff?secret=JBSW", "otpauth://totp/a?period=x",
            "otpauth://totp/a?digits=9999999999999999999999",
        ]
    )
    func refusesURL(_ text: String) {
        #expect(throws: EngineError.self) {
            var url = url()
            try url.read(text)
        }
    }

    @Test("a URL says the same when it is read again, whatever the names are")
    func urlRound() throws {
        for name in ["I", "a b&c=d+e", "é#?/%", "x;y,z"] {
            var written = url()
            written.issuer = name
            written.account = name + "@b"
            written.key = "JBSWY3DP"
            var read = url()
            try read.read(written.text)
            #expect(read.issuer == name && read.account == name + "@b" && read.key == "JBSWY3DP")
        }
    }

    @Test(
        "endpoints",
        arguments: [
            ("keys", TOTPEndpoint.keys), ("keys/", .keys), ("keys/a", .key("a")),
            ("keys/a@b", .key("a@b")), ("keys/a.b-c", .key("a.b-c")), ("code/x", .code("x")),
            ("keys/a@", nil), ("keys/-a", nil), ("keys/é", nil), ("keys/a/", nil), ("code/", nil),
            ("keys/x/y", nil), ("code", nil), ("", nil), ("other/x", nil),
        ] as [(String, TOTPEndpoint?)]
    )
    func endpoints(_ path: String, _ expected: TOTPEndpoint?) {
        #expect(TOTPEndpoint(path: path) == expected)
    }
}
