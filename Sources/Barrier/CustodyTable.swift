package import Cryptography
package import Shamir
import Wire

/// Which Ed25519 key belongs to which slot of a share set. Readable while sealed: a given share is
/// attributed at once, and what a share signed can be checked by anybody.
package struct CustodyTable: Sendable, Equatable {
    /// One public key of 32 bytes for each slot, in the order of `layout.slots`.
    package let publicKeys: [[UInt8]]

    /// - Precondition: at least one key, each of 32 bytes.
    init(publicKeys: [[UInt8]]) {
        precondition((1...BarrierLimits.custodySlotsMax).contains(publicKeys.count))
        self.publicKeys = publicKeys
    }

    /// The table of freshly split shares.
    init(
        of shares: borrowing ShareBundle,
        vaultID: [UInt8],
        setID: [UInt8]
    ) throws(CryptographyError) {
        self.init(
            publicKeys: try shares.map { share throws(CryptographyError) in
                try Self.signingKey(of: share, vaultID: vaultID, setID: setID).publicKey
            }
        )
    }

    /// The key that a share signs with: seed = HKDF(share value, share-signing; set id ‖ group u8 ‖
    /// member u8), salted with the vault id.
    package static func signingKey(
        of share: borrowing Share,
        vaultID: [UInt8],
        setID: [UInt8]
    ) throws(CryptographyError) -> SigningKey {
        let context = setID + [UInt8(share.slot.group), UInt8(share.slot.member)]
        return try SigningKey(
            seed: deriveKey(
                .shareSigning,
                from: share.value,
                vaultID: vaultID,
                context: context
            )
        )
    }

    /// The public key of a slot, or nil if the layout has no such slot.
    package func publicKey(of slot: Slot, in layout: ShareLayout) -> [UInt8]? {
        guard let position = layout.slots.firstIndex(of: slot), position < publicKeys.count
        else { return nil }
        return publicKeys[position]
    }
}
