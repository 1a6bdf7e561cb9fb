/// What a derived key is for. The one table of HKDF labels; a key never has two purposes.
///
/// The text of a label is part of the format on disk: a label is never changed and never reused.
/// Tests prove the labels distinct and prefix-free. Mount data keys and mount name keys are not
/// here, because they are random and not derived.
package enum Purpose: String, CaseIterable, Sendable {
    /// Seal key → seed of the X-Wing key pair that a root key is wrapped to.
    case sealKeyPair = "seal-key-pair"
    /// Seal key → key that authenticates the wrapped root.
    case rootWrap = "root-wrap"
    /// Root key → wrapping key, which an unsealed node keeps.
    case wrappingKey = "wrapping-key"
    /// Wrapping key → key that the keyring is encrypted with.
    case keyring = "keyring"
    /// A key-encryption key of the keyring → key that mount keys are wrapped with.
    case mountWrap = "mount-wrap"
    /// A secret of the keyring → K_batch, which authenticates batches.
    case batchMAC = "batch-mac"
    /// A secret of the keyring → K_token, which names token records.
    case tokenMAC = "token-mac"
    /// A key-encryption key of the keyring → key that batch tokens are sealed with.
    case batchToken = "batch-token"
    /// Seal key → its commitment: accepts or refuses a set of shares.
    case commitSealKey = "commit-seal-key"
    /// Root key → its commitment, compared before the root wrap is trusted.
    case commitRoot = "commit-root"
    /// Wrapping key → its commitment, compared before the keyring is decrypted.
    case commitKeyring = "commit-keyring"
    /// Key-encryption key → its commitment, compared before a mount key is decrypted.
    case commitMountKey = "commit-mount-key"
    /// Share value → seed of the Ed25519 key of that share's slot.
    case shareSigning = "share-signing"
    /// Seal key → MAC key of the custody table.
    case custodyMAC = "custody-mac"
    /// A secret of the keyring → key of the digests that stand for secrets in audit records.
    case auditMAC = "audit-mac"
    /// A secret of the keyring → seed of the Ed25519 key that signs anchors of audit logs.
    case auditSigning = "audit-signing"
    /// A secret of the keyring → seed of the X-Wing key pair that audit logs are sealed to.
    case auditKeyPair = "audit-key-pair"
    /// Key of a segment of the audit log → key that its leaves are encrypted with.
    case auditLeaf = "audit-leaf"
    /// Key of a segment of the audit log → its commitment, compared before a leaf is decrypted.
    case commitAuditSegment = "commit-audit-segment"
    /// 32 fresh bytes of one request → all random values of that request.
    case requestEntropy = "request-entropy"

    /// The label as HKDF sees it, without the zero byte that ends it.
    package var label: String { "holdfast/v1/" + rawValue }
}
