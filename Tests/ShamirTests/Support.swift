import Cryptography
import Wire

@testable import Shamir

/// Entropy from a seed, so that a failing case can be repeated. Source: SplitMix64, OOPSLA 2014.
struct SeededEntropy: EntropySource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }

    mutating func secret(count: Int) -> SecretBytes {
        SecretBytes(copying: bytes(count).span)
    }

    /// 0 up to `limit`, without it.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

func secret(_ bytes: [UInt8]) -> SecretBytes {
    SecretBytes(copying: bytes.span)
}

/// What `body` throws, since `#expect` cannot look at noncopyable results.
func failure(_ body: () throws(ShareError) -> Void) -> ShareError? {
    do throws(ShareError) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// What `Share.parse` throws for `text`.
func parseFailure(_ text: String) -> ShareError? {
    failure { () throws(ShareError) in _ = try Share.parse(text) }
}

/// The secret that `texts` rebuild, in hexadecimal.
func combined(_ texts: [String]) throws -> String {
    var set = ShareSet()
    for text in texts { try set.insert(Share.parse(text)) }
    return Hex.encode(try set.combine().exposedCopy())
}

/// A share with chosen fields; its value is 32 equal bytes.
func share(
    identifier: UInt16 = 7,
    groupThreshold: Int = 1,
    groupCount: Int = 1,
    memberThreshold: Int = 2,
    group: Int = 0,
    member: Int = 0,
    value: UInt8 = 1
) -> Share {
    Share(
        identifier: identifier,
        groupThreshold: groupThreshold,
        groupCount: groupCount,
        memberThreshold: memberThreshold,
        slot: Slot(group: group, member: member),
        value: secret([UInt8](repeating: value, count: 32))
    )
}

/// All shares of a split as words.
func words(
    _ bytes: [UInt8],
    _ layout: ShareLayout,
    identifier: UInt16 = 1,
    seed: UInt64 = 1
) throws -> [String] {
    var entropy = SeededEntropy(seed: seed)
    return try split(secret(bytes), layout: layout, identifier: identifier, entropy: &entropy)
        .map { $0.words }
}
