import Testing
import Wire

@testable import Cryptography

struct HKDFCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let key: [UInt8]
    let salt: [UInt8]
    let info: [UInt8]
    let output: String
}

struct PBKDF2Case: Sendable, CustomTestStringConvertible {
    let password: String
    let salt: String
    let iterations: Int
    let output: String
    var testDescription: String { "\"\(password)\", \"\(salt)\", \(iterations) rounds" }
}

@Suite("key derivation")
struct KeyDerivationTests {
    /// Source: RFC 5869, appendix A.
    static let hkdfCases = [
        HKDFCase(
            testDescription: "basic",
            key: [UInt8](repeating: 0x0b, count: 22),
            salt: Array(0...12),
            info: Array(0xf0...0xf9),
            output: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                + "34007208d5b887185865"
        ),
        HKDFCase(
            testDescription: "long",
            key: Array(0...0x4f),
            salt: Array(0x60...0xaf),
            info: Array(0xb0...0xff),
            output: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                + "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                + "cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
        HKDFCase(
            testDescription: "no salt, no info",
            key: [UInt8](repeating: 0x0b, count: 22),
            salt: [],
            info: [],
            output: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                + "9d201395faa4b61a96c8"
        ),
    ]

    @Test("HKDF gives the published bytes", arguments: hkdfCases)
    func hkdf(_ row: HKDFCase) {
        let output = hkdfSHA256(
            key: secret(row.key),
            salt: row.salt,
            info: row.info,
            count: row.output.utf8.count / 2
        )
        #expect(Hex.encode(output.exposedCopy()) == row.output)
    }

    /// Sources: RFC 7914, section 11, for the first two; another implementation for the rest.
    static let pbkdf2Cases = [
        PBKDF2Case(
            password: "passwd",
            salt: "salt",
            iterations: 1,
            output: "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        ),
        PBKDF2Case(
            password: "Password",
            salt: "NaCl",
            iterations: 80_000,
            output: "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
                + "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
        ),
        PBKDF2Case(
            password: "password",
            salt: "salt",
            iterations: 4096,
            output: "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"
        ),
        PBKDF2Case(
            password: "",
            salt: "",
            iterations: 2,
            output: "97398411d6aea43a77acef92226ab827"
        ),
    ]

    @Test("PBKDF2 gives the published bytes", arguments: pbkdf2Cases)
    func pbkdf2(_ row: PBKDF2Case) {
        let password = Array(row.password.utf8)
        let salt = Array(row.salt.utf8)
        let count = row.output.utf8.count / 2
        let open = pbkdf2HMACSHA256(
            password: password,
            salt: salt,
            iterations: row.iterations,
            count: count
        )
        #expect(Hex.encode(open.exposedCopy()) == row.output)
        guard !password.isEmpty else { return }
        let locked = pbkdf2HMACSHA256(
            password: secret(password),
            salt: salt,
            iterations: row.iterations,
            count: count
        )
        #expect(locked.exposedCopy() == open.exposedCopy())
    }

    /// Computed by an independent implementation of HKDF.
    @Test("derived keys are part of the format")
    func pinned() {
        let key = secret(repeating: 0x42)
        let vaultID = Array(UInt8(0)..<16)
        let wrapping = deriveKey(.wrappingKey, from: key, vaultID: vaultID)
        #expect(
            Hex.encode(wrapping.exposedCopy())
                == "a42fb44f190b2bea060ef5a10e8f0bf354ecd0745eeae3044fb8f485da4b2ae7"
        )
        let signing = deriveKey(.shareSigning, from: key, vaultID: vaultID, context: [1, 2])
        #expect(
            Hex.encode(signing.exposedCopy())
                == "91e099f14d46c0bb8b152fcbb0b3875b0efea165fecbfcae64fa332e940efc70"
        )
        #expect(
            Hex.encode(keyCommitment(.commitRoot, of: key, vaultID: vaultID))
                == "275f28631a06b48bd0c32f066f7b7c83301d2db171588c325743c9bb0d5ecf20"
        )
    }

    @Test("purpose, vault, context and key each change the result")
    func separated() {
        let vaultID = [UInt8](repeating: 1, count: 16)
        var results: [[UInt8]] = Purpose.allCases.map {
            deriveKey($0, from: secret(repeating: 1), vaultID: vaultID).exposedCopy()
        }
        results.append(
            deriveKey(.keyring, from: secret(repeating: 2), vaultID: vaultID).exposedCopy()
        )
        results.append(
            deriveKey(.keyring, from: secret(repeating: 1), vaultID: [2]).exposedCopy()
        )
        results.append(
            deriveKey(.keyring, from: secret(repeating: 1), vaultID: vaultID, context: [0])
                .exposedCopy()
        )
        #expect(Set(results).count == results.count)
    }

    @Test("a longer output starts with the shorter one")
    func lengths() {
        let key = secret(repeating: 3)
        let long = deriveKey(.requestEntropy, from: key, vaultID: [1], count: 8160)
        let short = deriveKey(.requestEntropy, from: key, vaultID: [1], count: 33)
        #expect(Array(long.exposedCopy().prefix(33)) == short.exposedCopy())
    }

    @Test("refuses more than HKDF can give")
    func tooMuch() async {
        await #expect(processExitsWith: .failure) {
            _ = deriveKey(
                .keyring,
                from: SecretBytes(count: 32) { _ in },
                vaultID: [],
                count: 8161
            )
        }
    }
}

@Suite("labels")
struct PurposeTests {
    /// The labels are on disk. A line may be added here, never changed.
    static let pinned = [
        "holdfast/v1/seal-key-pair", "holdfast/v1/root-wrap", "holdfast/v1/wrapping-key",
        "holdfast/v1/keyring", "holdfast/v1/mount-wrap", "holdfast/v1/batch-mac",
        "holdfast/v1/token-mac", "holdfast/v1/batch-token", "holdfast/v1/commit-seal-key",
        "holdfast/v1/commit-root",
        "holdfast/v1/commit-keyring", "holdfast/v1/commit-mount-key",
        "holdfast/v1/share-signing", "holdfast/v1/custody-mac",
        "holdfast/v1/audit-mac", "holdfast/v1/audit-signing",
        "holdfast/v1/audit-key-pair", "holdfast/v1/audit-leaf", "holdfast/v1/commit-audit-segment",
        "holdfast/v1/request-entropy",
    ]

    @Test("are what they have always been")
    func unchanged() {
        #expect(Purpose.allCases.map(\.label) == Self.pinned)
    }

    @Test("are distinct and none begins another")
    func prefixFree() {
        let labels = Purpose.allCases.map(\.label)
        for (position, label) in labels.enumerated() {
            for (other, text) in labels.enumerated() where other != position {
                #expect(!text.hasPrefix(label), "\(label) begins \(text)")
            }
        }
    }

    @Test("have no byte that could end them early")
    func printable() {
        for label in Purpose.allCases.map(\.label) {
            #expect(label.utf8.allSatisfy { (0x21...0x7e).contains($0) })
        }
    }
}
