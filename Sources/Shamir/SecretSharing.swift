import Cryptography

/// Splitting and rebuilding one secret, without groups.
///
/// The polynomial passes through the secret at 255 and, when more than one share is needed, through
/// a digest at 254: four bytes of HMAC-SHA256 under a random key, and that key. So a wrong set of
/// shares is noticed, with a chance of 2⁻³² to miss it. The seal key's commitment decides for good.
/// - Source: SLIP-0039, "Shamir's secret sharing".
enum SecretSharing {
    static let secretX: UInt8 = 255
    static let digestX: UInt8 = 254
    private static let digestBytes = 4

    /// `count` points with x = 0, 1, …; any `threshold` of them rebuild `secret`.
    static func split(
        _ secret: borrowing SecretBytes,
        threshold: Int,
        count: Int,
        entropy: inout some EntropySource
    ) throws(CryptographyError) -> [Point] {
        precondition((1...count).contains(threshold) && count <= Limits.membersMax)
        var points: [Point] = []
        guard threshold > 1 else {
            for x in 0..<count { points.append(Point(x: UInt8(x), y: secret.clone())) }
            return points
        }
        for x in 0..<threshold - 2 {
            points.append(Point(x: UInt8(x), y: try entropy.secret(count: secret.count)))
        }
        let key = try entropy.secret(count: secret.count - digestBytes)
        var base = points
        base.append(Point(x: digestX, y: digestShare(of: secret, key: key)))
        base.append(Point(x: secretX, y: secret.clone()))
        for x in points.count..<count {
            points.append(Point(x: UInt8(x), y: interpolate(base, at: UInt8(x))))
        }
        return points
    }

    /// The secret through exactly `threshold` points; nil if the digest does not match.
    static func combine(_ points: [Point], threshold: Int) -> SecretBytes? {
        precondition(points.count == threshold)
        guard threshold > 1 else { return points[0].y.clone() }
        let secret = interpolate(points, at: secretX)
        let have = interpolate(points, at: digestX)
        let key = have.withBytes { SecretBytes(copying: $0.extracting(digestBytes...)) }
        let want = digestShare(of: secret, key: key)
        guard have.constantTimeEquals(want) else { return nil }
        return secret
    }

    /// Four bytes of HMAC, then the key.
    private static func digestShare(
        of secret: borrowing SecretBytes,
        key: borrowing SecretBytes
    ) -> SecretBytes {
        let mac = HMACKey(key)
        var tag = secret.withBytes { mac.tag($0) }
        defer { wipe(&tag) }
        return SecretBytes(count: digestBytes + key.count) { bytes in
            for position in 0..<digestBytes { bytes[position] = tag[position] }
            key.withBytes { key in
                for position in key.indices { bytes[digestBytes + position] = key[position] }
            }
        }
    }
}
