import Barrier
import Cryptography
import Engines
import Wire

/// A token that a batch makes.
struct IssuedToken {
    let hash: String
    let record: TokenRecord
    /// For the answer. It may leave only when the batch is applied.
    let auth: AuthBlock
}

/// Makes tokens: record, accessor, lease, timer, and what leads to them, in one batch.
enum TokenIssuer {
    /// Adds a token to a batch. For a batch token nothing is added: it is its own record.
    ///
    /// Who may make it is the caller's to find out, and the draft checks it: a child's parent is
    /// the draft's own authority.
    /// - Throws: ``VaultError/invalid(_:)`` for what is over a limit.
    static func issue(
        _ grant: TokenGrant,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment
    ) throws(VaultError) -> IssuedToken {
        var grant = grant
        let namespace = environment.namespace
        grant.namespaceID = namespace.isRoot ? "" : namespace.id
        try check(grant)
        return grant.isBatch
            ? try batchToken(grant, in: &draft, environment)
            : try serviceToken(grant, in: &draft, environment)
    }

    private static func serviceToken(
        _ grant: TokenGrant,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment
    ) throws(VaultError) -> IssuedToken {
        let suffix = environment.namespace.suffix
        let token = grant.customID ?? "s." + draft.base62(TokenLimits.tokenCharacters) + suffix
        let accessor = draft.base62(TokenLimits.tokenCharacters) + suffix
        let now = environment.now
        let record = TokenRecord(grant, accessor: accessor, created: now, hasLease: true)
        let hash = TokenPlace.hash(Array(token.utf8), environment.keyring)
        // A random token is new; a chosen one may be somebody's already.
        if grant.customID != nil { try draft.check(SystemPaths.token(hash: hash), 0) }
        try write(record, hash, in: &draft)
        return IssuedToken(
            hash: hash,
            record: record,
            auth: AuthBlock(token, record, usesLeft: grant.usesMax, at: now)
        )
    }

    /// Everything that belongs to a token with a record.
    static func write(
        _ record: TokenRecord,
        _ hash: String,
        in draft: inout BatchDraft
    ) throws(VaultError) {
        let path = SystemPaths.token(hash: hash)
        try draft.put(path, record.encoded())
        try draft.put(SystemPaths.accessor(record.accessor), AccessorRecord.encoded(hash))
        if record.hasLease {
            try draft.put(
                SystemPaths.lease(record.leaseID(hash: hash)),
                LeaseRecord.token(hash).encoded()
            )
        }
        if record.usesMax > 0 {
            try draft.put(SystemPaths.tokenUses(hash), CountRecord(record.usesMax).encoded())
        }
        if !record.parent.isEmpty {
            try draft.put(
                SystemPaths.child(ChildName(hash, in: draft.home, of: record), of: record.parent),
                SystemPaths.marker,
                in: record.parentHome
            )
        }
        if !record.entityID.isEmpty {
            try draft.put(SystemPaths.tokenOfEntity(hash, record.entityID), SystemPaths.marker)
        }
        if let expiration = record.expiration {
            try draft.setTimer(due: expiration, path: path)
        }
    }

    private static func batchToken(
        _ grant: TokenGrant,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment
    ) throws(VaultError) -> IssuedToken {
        let second: UInt64 = 1_000_000_000
        let now = environment.now
        // It ends with a whole second, as OpenBao's do. When it was made is exact: what is revoked
        // up to a moment must not include what is made later in the same second.
        var record = TokenRecord(grant, accessor: "", created: now, hasLease: true)
        record.expiration = record.expiration.map {
            Timestamp(nanoseconds: $0.nanoseconds / second * second)
        }
        let token = try BatchToken.make(record, in: &draft)
        var auth = AuthBlock(token, record, usesLeft: grant.usesMax, at: now)
        auth.leaseSeconds = record.lifetimeSeconds
        return IssuedToken(
            hash: TokenPlace.hash(Array(token.utf8), environment.keyring),
            record: record,
            auth: auth
        )
    }

    private static func check(_ grant: TokenGrant) throws(VaultError) {
        guard grant.policies.count <= TokenLimits.policiesMax else {
            throw .invalid(
                "a token with \(grant.policies.count) policies, the limit is "
                    + "\(TokenLimits.policiesMax)"
            )
        }
        let sizes = grant.metadata.map { ($0.name.utf8.count, $0.value.utf8.count) }
        guard sizes.count <= TokenLimits.metadataCountMax,
            sizes.allSatisfy({ max($0.0, $0.1) <= TokenLimits.metadataBytesMax }),
            sizes.reduce(0, { $0 + $1.0 + $1.1 }) <= TokenLimits.metadataBytesTotalMax
        else {
            throw .invalid(
                "a token's metadata has at most \(TokenLimits.metadataCountMax) members of "
                    + "\(TokenLimits.metadataBytesMax) bytes, and "
                    + "\(TokenLimits.metadataBytesTotalMax) bytes in all"
            )
        }
        let texts = [
            (grant.displayName, TokenLimits.displayNameBytesMax),
            (grant.path, TokenLimits.pathBytesMax), (grant.role, TokenLimits.roleNameBytesMax),
            (grant.entityID, TokenLimits.entityBytesMax),
        ]
        for (text, limit) in texts where text.utf8.count > limit {
            throw .invalid("a token's name, role or path has \(text.utf8.count) bytes of \(limit)")
        }
        guard grant.boundCIDRs.count <= EngineLimits.boundCIDRsMax else {
            throw .invalid("a token is bound to at most \(EngineLimits.boundCIDRsMax) blocks")
        }
    }
}
