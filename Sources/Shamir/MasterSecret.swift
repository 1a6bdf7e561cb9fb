import Cryptography

/// The encryption of the secret before it is split. Source: SLIP-0039, "Encryption of the master
/// secret".
///
/// A Feistel network of four rounds over the two halves, with PBKDF2-HMAC-SHA256 as its function.
/// Holdfast uses an empty passphrase and iteration exponent 0, so this adds no secrecy; it is part
/// of the standard, and other tools expect it. In the extendable form the salt has no identifier.
enum MasterSecret {
    static func encrypt(_ secret: borrowing SecretBytes) -> SecretBytes {
        feistel(secret, rounds: [0, 1, 2, 3])
    }

    static func decrypt(_ secret: borrowing SecretBytes) -> SecretBytes {
        feistel(secret, rounds: [3, 2, 1, 0])
    }

    private static func feistel(
        _ secret: borrowing SecretBytes,
        rounds: [UInt8]
    ) -> SecretBytes {
        precondition(secret.count == Limits.secretBytes)
        let half = secret.count / 2
        var left = secret.withBytes { SecretBytes(copying: $0.extracting(..<half)) }
        var right = secret.withBytes { SecretBytes(copying: $0.extracting(half...)) }
        for round in rounds {
            let mask = right.withBytes { right in
                pbkdf2HMACSHA256(
                    password: [round].span,
                    salt: right,
                    iterations: Limits.iterationsPerRound,
                    count: half
                )
            }
            let next = xor(left, mask)
            left = right
            right = next
        }
        // The halves change places once more at the end.
        return join(right, left)
    }

    private static func xor(
        _ a: borrowing SecretBytes,
        _ b: borrowing SecretBytes
    ) -> SecretBytes {
        SecretBytes(count: a.count) { result in
            a.withBytes { a in
                for position in a.indices { result[position] = a[position] }
            }
            b.withBytes { b in
                for position in b.indices { result[position] ^= b[position] }
            }
        }
    }

    private static func join(
        _ a: borrowing SecretBytes,
        _ b: borrowing SecretBytes
    ) -> SecretBytes {
        let first = a.count
        return SecretBytes(count: first + b.count) { result in
            a.withBytes { a in
                for position in a.indices { result[position] = a[position] }
            }
            b.withBytes { b in
                for position in b.indices { result[first + position] = b[position] }
            }
        }
    }
}
