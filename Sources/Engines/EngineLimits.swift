import Barrier

/// Every bound of the secrets engines. A number that is not here does not exist.
package enum EngineLimits {
    /// Bytes in the name of one secret, all folders included.
    package static let nameBytesMax = 4_096
    /// Bytes of JSON in one value, as stored: what the barrier seals, less the value's own header.
    package static let valueBytesMax = BarrierLimits.valueBytesMax - 16
    /// Versions that KV v2 keeps where neither the mount nor the key says a number. OpenBao's
    /// default.
    package static let versionsDefault: UInt64 = 10
    /// The largest `max_versions`, as in OpenBao.
    package static let versionsMax: UInt64 = 4_294_967_295
    /// Members of `custom_metadata`.
    package static let customMetadataCountMax = 64
    /// Bytes in a name in `custom_metadata`.
    package static let customMetadataNameBytesMax = 128
    /// Bytes in a value in `custom_metadata`.
    package static let customMetadataValueBytesMax = 512
    /// Version numbers in one `delete`, `undelete` or `destroy`.
    package static let versionsPerRequestMax = 1_000
    /// Records that one batch may touch. The store takes more; the rest is for markers and checks.
    package static let planStepsMax = 1_536
    /// Policies that a user or role gives to its tokens: as many as a token can have.
    package static let tokenPoliciesMax = 256
    /// Bytes in the name of one of them.
    package static let tokenPolicyBytesMax = 512
    /// Bytes in a password. A longer one is no password's.
    package static let passwordBytesMax = 1_024
    /// Bytes in the name of a user, role or certificate.
    package static let authNameBytesMax = 512
    /// Bytes in the name of a login's alias.
    package static let aliasBytesMax = 4_096
    /// Names that are nobody's whose failed logins one record counts.
    static let failureRowsMax = 16
    /// Bytes in a role id or secret id that somebody chose.
    package static let roleIDBytesMax = 4_096
    /// Members in the metadata of a secret id, and bytes in one of their names or values.
    static let secretIDMetadataMax = 64
    static let secretIDMetadataBytesMax = 512
    /// Steps of one batch that sweeps: some hundred records.
    static let sweepMax = 900
    /// Bytes in a JSON web token: one with some hundred groups fits.
    package static let jwtBytesMax = 32 << 10
    /// Public keys in one configuration, and bytes of PEM in one of its texts.
    static let jwtKeysMax = 32
    static let jwtKeyBytesMax = 4_096
    /// Bytes of an answer of an issuer.
    package static let issuerAnswerBytesMax = 1 << 20
    /// Keys in a key set, and bytes in the id of one and in one of its numbers.
    static let keySetKeysMax = 128
    static let keyIDBytesMax = 512
    static let keyMemberBytesMax = 2_048
    /// Bytes in the certificates that a source of keys is trusted by.
    static let authoritiesBytesMax = 64 << 10
    /// Effects that one request may wait for, one after the other.
    package static let effectsPerRequestMax = 4
    /// Audiences, bound claims, and values of all bound claims.
    static let claimsMax = 64
    /// How far a role may stretch the times of tokens; -1: not at all.
    static let leewaySeconds = -1...31_536_000
    /// Bytes in the name of a claim, and in a value that a role binds.
    static let claimBytesMax = 1_024
    /// Claims that become metadata, and bytes in a name and a value: what an alias can have.
    static let claimMappingsMax = 63
    static let claimMappingNameBytesMax = 128
    static let claimMappingBytesMax = 512
    /// Groups that one login can be in.
    static let groupAliasesMax = 256
    /// Bytes in one certificate; one with some hundred names fits.
    static let certificateBytesMax = 32 << 10
    /// Bytes in a serial number. RFC 5280 allows 20.
    static let serialBytesMax = 32
    /// Certificates that a client shows in its handshake, and their bytes.
    package static let presentedCertificatesMax = 10
    package static let presentedBytesMax = 64 << 10
    /// PEM in one role, and certificates in it.
    static let certificateTextBytesMax = 128 << 10
    static let certificatesPerRoleMax = 16
    /// Members of each list of a role for certificates, and bytes in one.
    static let certificateRulesMax = 128
    static let certificateRuleBytesMax = 1_024
    /// Extensions that become metadata.
    static let metadataExtensionsMax = 32
    /// Roles that a login which names none looks through.
    static let certificateRolesSearchedMax = 256
    /// Bytes in a certificate's common name that logs in: what metadata can hold.
    static let commonNameBytesMax = claimMappingBytesMax
    /// Lists of revoked certificates in one mount, and serial numbers in one list.
    static let revocationListsMax = 32
    static let revokedSerialsMax = 65_536
    /// Blocks of addresses that a token, a role or a secret id is bound to.
    package static let boundCIDRsMax = 256
    /// Names, folders included, that one recursive listing may look at.
    package static let scanNamesMax = 100_000
    /// Names in one listing with details, and bytes of its answer.
    package static let detailedNamesMax = 10_000
    package static let detailedBytesMax = 32 << 20
    /// Bytes in the name of a secret in a cubbyhole: less, as the token's folder stands before it.
    package static let cubbyholeNameBytesMax = 4_000
    /// Bytes in the name of a key, a role or a user in the path of an endpoint.
    package static let endpointNameBytesMax = 512
    /// Bytes in a key for one-time passwords.
    package static let totpKeyBytesMax = 1_024
    /// Bytes in the issuer and in the account of such a key.
    package static let totpTextBytesMax = 1_024
    /// Pixels along a side of a QR code's picture.
    package static let totpImagePixelsMax = 2_000
    /// The longest period of one code: a year.
    package static let totpPeriodSecondsMax = 31_536_000
    /// Periods whose codes can be accepted at one moment: the present one and one on each side.
    package static let totpUsedStepsMax = 3
    /// Lease duration that a secret without a `ttl` shows, where its mount says nothing: 768 hours.
    package static let leaseSecondsDefault = 2_764_800
}
