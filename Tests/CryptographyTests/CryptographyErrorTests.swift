import Cryptography
import Testing
import Wire

@Suite("errors of cryptography")
struct CryptographyErrorTests {
    static let all: [CryptographyError] = [
        .authenticationFailed, .entropy(code: 38), .badKeyLength(want: 32, have: 31),
        .badNonceLength(want: 24, have: 12), .badPublicKey, .tooLong(limit: 1, have: 2),
        .internalFailure("EVP_Example"),
    ]

    @Test("say what happened and what to do", arguments: all)
    func wording(_ error: CryptographyError) {
        #expect(!error.summary.isEmpty && !error.remedy.isEmpty)
        #expect(!error.summary.hasSuffix(".") && !error.remedy.hasSuffix("."))
        #expect(error.summary.first?.isUppercase == false)
        #expect(error.description == error.summary)
    }
}
