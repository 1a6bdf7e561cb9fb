package import Cryptography

/// Splits a 256-bit secret into SLIP-0039 shares.
///
/// - Parameters:
///   - secret: 32 bytes; the seal key.
///   - layout: already checked; see ``ShareLayout``.
///   - identifier: 15 random bits, different from those of all retired sets.
///   - entropy: gives 32 bytes for each free point and 28 for each digest key.
/// - Returns: `layout.shareCount` shares, ordered by slot.
/// - Throws: ``CryptographyError/entropy(code:)`` when the source fails. Nothing else can fail.
/// - Complexity: 10,000 rounds of HMAC (some milliseconds), then shares × threshold × 32 products.
/// - Source: Shamir, "How to share a secret", CACM 22(11), 1979; SLIP-0039.
package func split(
    _ secret: borrowing SecretBytes,
    layout: ShareLayout,
    identifier: UInt16,
    entropy: inout some EntropySource
) throws(CryptographyError) -> ShareBundle {
    precondition(secret.count == Limits.secretBytes, "a seal key is 32 bytes")
    precondition(identifier >> Limits.identifierBits == 0, "an identifier has 15 bits")
    let encrypted = MasterSecret.encrypt(secret)
    let groups = try SecretSharing.split(
        encrypted,
        threshold: layout.groupThreshold,
        count: layout.groups.count,
        entropy: &entropy
    )
    var shares: [ShareHolder] = []
    for (position, spec) in layout.groups.enumerated() {
        let members = try SecretSharing.split(
            groups[position].y,
            threshold: spec.threshold,
            count: spec.count,
            entropy: &entropy
        )
        for member in members {
            let share = Share(
                identifier: identifier,
                groupThreshold: layout.groupThreshold,
                groupCount: layout.groups.count,
                memberThreshold: spec.threshold,
                slot: Slot(group: position, member: Int(member.x)),
                value: member.y.clone()
            )
            shares.append(ShareHolder(share))
        }
    }
    return ShareBundle(layout: layout, shares: shares)
}

/// All shares of one set, ordered by slot. Released together, and wiped then.
package struct ShareBundle: ~Copyable, Sendable {
    /// What the shares were made for.
    package let layout: ShareLayout
    private let shares: [ShareHolder]

    fileprivate init(layout: ShareLayout, shares: [ShareHolder]) {
        self.layout = layout
        self.shares = shares
    }

    /// Shares in the bundle.
    package var count: Int { shares.count }

    /// Lends the share at `position`, 0 to `count - 1`, in the order of `layout.slots`.
    package func withShare<Value: ~Copyable, Failure: Error>(
        at position: Int,
        _ body: (borrowing Share) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try body(shares[position].share)
    }

    /// What `body` makes of every share, by slot.
    package func map<Value, Failure: Error>(
        _ body: (borrowing Share) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for holder in shares { values.append(try body(holder.share)) }
        return values
    }
}

/// Lets an array own shares.
final class ShareHolder: Sendable {
    let share: Share
    init(_ share: consuming Share) { self.share = share }
}
