import Testing
import Wire

@testable import Cryptography

/// Public keys of others: the examples of the RFCs verify, and nothing else does.
@Suite("keys that check signatures")
struct VerificationKeyTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let source: String
        let algorithm: String
        /// SubjectPublicKeyInfo in base64.
        let key: String
        let message: String
        /// In base64url.
        let signature: String

        var testDescription: String { source }
    }

    static let vectors = [
        Vector(
            source: "RFC 7515, appendix A.2",
            algorithm: "RS256",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAk"
                + "d/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZ"
                + "S+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5re"
                + "xMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT"
                + "6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
                + "yuXpoQIDAQAB",
            message: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA"
                + "6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            signature:
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Q"
                + "c_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTy"
                + "WzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"
                + "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"
                + "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        ),
        Vector(
            source: "RFC 7515, appendix A.3",
            algorithm: "ES256",
            key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR"
                + "VEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==",
            message: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA"
                + "6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            signature:
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP"
                + "P3-Kg6NU1Q"
        ),
        Vector(
            source: "RFC 8037, appendix A.4",
            algorithm: "EdDSA",
            key: "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            message: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            signature:
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvp"
                + "Ar_MuM0KAg"
        ),
    ]

    @Test("the examples verify; changed in one bit they do not", arguments: vectors)
    func vector(_ vector: Vector) throws {
        let info = try #require(Base64.decode(vector.key))
        let key = try #require(VerificationKey(subjectPublicKeyInfo: info))
        let algorithm = try #require(SignatureAlgorithm(rawValue: vector.algorithm))
        let signature = try #require(Base64.decodeURL(vector.signature))
        let message = Array(vector.message.utf8)
        #expect(key.verifies(signature, message, by: algorithm))
        for other in SignatureAlgorithm.allCases where other != algorithm {
            #expect(!key.verifies(signature, message, by: other), "\(other)")
        }
        for position in [0, signature.count / 2, signature.count - 1] {
            var changed = signature
            changed[position] ^= 1
            #expect(!key.verifies(changed, message, by: algorithm))
        }
        var longer = message
        longer.append(0x20)
        #expect(!key.verifies(signature, longer, by: algorithm))
        for count in [0, 1, signature.count - 1] {
            #expect(!key.verifies(Array(signature[..<count]), message, by: algorithm))
        }
        #expect(!key.verifies(signature + [0], message, by: algorithm))
    }

    @Test("keys that are cut, changed or short are none, or another key that verifies nothing")
    func badKeys() throws {
        for vector in Self.vectors {
            let info = try #require(Base64.decode(vector.key))
            for count in 0..<info.count {
                let cut = VerificationKey(subjectPublicKeyInfo: Array(info[..<count]))
                #expect(cut == nil, "\(vector.source), \(count) bytes")
            }
            #expect(VerificationKey(subjectPublicKeyInfo: info + [0]) == nil)
            let algorithm = try #require(SignatureAlgorithm(rawValue: vector.algorithm))
            let signature = try #require(Base64.decodeURL(vector.signature))
            for position in info.indices {
                var changed = info
                changed[position] ^= 0x40
                let key = VerificationKey(subjectPublicKeyInfo: changed)
                let message = Array(vector.message.utf8)
                let isVerified = key?.verifies(signature, message, by: algorithm) ?? false
                #expect(!isVerified, "\(vector.source), byte \(position)")
            }
        }
        // RSA with 1,024 bits.
        let weak =
            "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC+WVSN4cZ55UV68gj2vnnmQVllyf31zU7QlBKY"
            + "xRGy9RH5v/Bhw+lU7o6MLs6N5OCHeotpjYC+f0ZBIuj13z8PXup5teAZveeo2fGjo70RBptaOoj/"
            + "0VMj5g2NGAIiVE5yOeZqv/Pl91J69K9Y8o5p1RdeY6UPTJuKjZSMjDBZWwIDAQAB"
        let weakInfo = try #require(Base64.decode(weak))
        #expect(VerificationKey(subjectPublicKeyInfo: weakInfo) == nil)
    }

    /// The modulus of RFC 7515's example with another public exponent.
    private func rsa(exponent: [UInt8]) throws -> [UInt8] {
        let info = try #require(Base64.decode(Self.vectors[0].key))
        // The exponent's INTEGER is the end: tag, length 3, 01 00 01. Only its value changes.
        #expect(info.suffix(5) == [0x02, 0x03, 0x01, 0x00, 0x01])
        return Array(info.dropLast(3)) + exponent
    }

    @Test("an RSA key with an exponent of 1, or an even one, is none: anybody can sign for it")
    func exponents() throws {
        #expect(VerificationKey(subjectPublicKeyInfo: try rsa(exponent: [1, 0, 1])) != nil)
        #expect(VerificationKey(subjectPublicKeyInfo: try rsa(exponent: [0, 0, 1])) == nil)
        #expect(VerificationKey(subjectPublicKeyInfo: try rsa(exponent: [0, 0, 0])) == nil)
        #expect(VerificationKey(subjectPublicKeyInfo: try rsa(exponent: [1, 0, 0])) == nil)
    }
}
