import Barrier
import Engines
import Wire

/// Where a token's records are. A credential is never a name, not even inside the barrier.
enum TokenPlace {
    /// What stands for a token in names and records: HMAC(K_token, token), in hexadecimal.
    static func hash(_ token: [UInt8], _ keyring: Keyring) -> String { keyring.tokenPath(token) }

    static func isHash(_ text: String) -> Bool {
        text.utf8.count == TokenLimits.hashCharacters
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
            }
    }

    /// Whether a client's text may be an accessor: it is part of a path. Those of a namespace have
    /// a dot in front of the namespace's id.
    static func isAccessor(_ text: String) -> Bool {
        (1...TokenLimits.accessorBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
                    || (0x61...0x7A).contains($0) || $0 == 0x2E
            }
    }

    /// The hash in the path of a token's record.
    static func hash(ofRecord path: String) -> String? {
        guard let hash = path.below(SystemPaths.tokens), isHash(hash) else { return nil }
        return hash
    }
}

/// A token that may be used now, as one view has it.
struct LiveToken: Sendable {
    /// A record that it lives by, and when that was written. Every batch that the token allows, and
    /// every batch that changes it, checks them all.
    struct Ground: Sendable, Equatable {
        let home: MountID
        let path: String
        let modificationIndex: UInt64
    }

    /// See ``TokenPlace/hash(_:_:)``. A batch token has one too; nothing is stored under it.
    let hash: String
    let record: TokenRecord
    /// That it belongs to.
    let namespace: Namespace
    /// Its own record first, where it has one, then the count of its uses, its ancestors with their
    /// entities, and the fences. Its own entity is one only for those who look it up: who uses it
    /// rests on its ``TokenAccess`` as well.
    fileprivate(set) var grounds: [Ground]
    /// Requests that are left, this one included; nil: any number.
    let usesLeft: UInt64?
    /// Tokens between it and the orphan that it descends from.
    let generations: Int

    /// What answers show as the uses that are left, seen by another token.
    var usesShown: UInt64 { usesLeft ?? 0 }
}

/// Finds tokens. A token is alive only while all that it descends from is, so nothing outlives its
/// parent, whether or not a sweep has come by.
struct TokenFinder {
    let environment: VaultEnvironment

    private var cache: VaultCache { environment.cache }
    private var now: Timestamp { environment.now }

    /// The token, if it may be used; nil for one that is not known, over, used up, or whose parent
    /// is gone, or of a namespace that is. Which of them it is, nobody is told.
    ///
    /// - Parameter view: at home wherever it is.
    func live(
        _ token: [UInt8],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        guard !token.isEmpty, token.count <= VaultLimits.tokenBytesMax,
            let namespace = try NamespaceFinder(cache: cache).find(ofToken: token, view)
        else { return nil }
        return try view.inside(namespace.home) { view throws(VaultError) in
            let hash = TokenPlace.hash(token, environment.keyring)
            guard token.starts(with: BatchToken.prefix) else {
                return try live(hash: hash, in: namespace, view)
            }
            guard let record = BatchToken.record(of: token, environment.keyring) else {
                return nil
            }
            return try live(hash, record, nil, in: namespace, view)
        }
    }

    /// The same for one that has to be exactly where the request is.
    func here(
        _ token: [UInt8],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        guard let live = try live(token, view),
            live.namespace.home == environment.namespace.home
        else { return nil }
        return try unbarred(live, view)
    }

    /// The token of the request's namespace with this hash, if it has a record and may be used.
    func live(
        hash: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        guard let live = try live(hash: hash, in: environment.namespace, view) else { return nil }
        return try unbarred(live, view)
    }

    /// The same token, if its own entity lets it be used.
    private func unbarred(
        _ live: LiveToken,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        var found = live
        let isUsable = try view.inside(live.namespace.home) { view throws(VaultError) in
            try entityStands(behind: live.record, into: &found.grounds, view)
        }
        return isUsable ? found : nil
    }

    /// Whether the entity of a token, if it has one, lets it be used.
    private func entityStands(
        behind record: TokenRecord,
        into grounds: inout [LiveToken.Ground],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        guard !record.entityID.isEmpty else { return true }
        guard let identity = try cache.identity(of: record, view), !identity.bars(record) else {
            return false
        }
        grounds.append(
            LiveToken.Ground(
                home: view.home,
                path: IdentityPaths.entity(identity.id),
                modificationIndex: identity.modificationIndex
            )
        )
        return true
    }

    private func live(
        hash: String,
        in namespace: Namespace,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        let path = SystemPaths.token(hash: hash)
        guard let found = try cache.token(at: path, view) else { return nil }
        let ground = LiveToken.Ground(
            home: view.home,
            path: path,
            modificationIndex: found.modificationIndex
        )
        return try live(hash, found.record, ground, in: namespace, view)
    }

    /// The token of the request's namespace with this accessor, if it may be used.
    func live(
        accessor: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        guard TokenPlace.isAccessor(accessor),
            let opened = try view.systemRecord(SystemPaths.accessor(accessor))
        else { return nil }
        return try live(hash: AccessorRecord.hash(decoding: opened.value), view)
    }

    private func live(
        _ hash: String,
        _ record: TokenRecord,
        _ own: LiveToken.Ground?,
        in namespace: Namespace,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        precondition(view.home == namespace.home, "a token is looked for where it is")
        // A batch token says itself where it belongs, and could be sent with another ending.
        guard utf8Equals(record.namespaceID, namespace.isRoot ? "" : namespace.id) else {
            return nil
        }
        let fences = try cache.fences(view)
        guard !record.isFreeing, record.isRunning(at: now), !fences.cover(record) else {
            return nil
        }
        var grounds = own.map { [$0] } ?? []
        var usesLeft: UInt64?
        if record.usesMax > 0 {
            guard let count = try UseCount.read(hash, view), count.left > 0 else { return nil }
            usesLeft = count.left
            grounds.append(count.ground)
        }
        guard let generations = try ancestors(of: record, fences, into: &grounds, view) else {
            return nil
        }
        grounds.append(fences.ground(view.home))
        return LiveToken(
            hash: hash,
            record: record,
            namespace: namespace,
            grounds: grounds,
            usesLeft: usesLeft,
            generations: generations
        )
    }

    /// How many there are; nil if one of them is not alive.
    private func ancestors(
        of record: TokenRecord,
        _ fences: TokenFences,
        into grounds: inout [LiveToken.Ground],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Int? {
        var (parent, home) = (record.parent, record.parentHome ?? view.home)
        var count = 0
        while !parent.isEmpty {
            count += 1
            guard count <= TokenLimits.generationsMax else { return nil }
            let known = home == view.home ? fences : nil
            let found = try view.inside(home) { view throws(VaultError) in
                try ancestor(parent, known, view)
            }
            guard let found else { return nil }
            // A chosen id may have been another token's, whose batch tokens are not stored, and so
            // not swept: but they are older.
            guard count > 1 || !record.isBatch || found.record.created <= record.created else {
                return nil
            }
            grounds += found.grounds
            if found.record.isFreeing {
                // Its children live on: this one has become an orphan. A batch token, which says
                // itself whose child it is, can become none.
                guard count > 1 || !record.isBatch else { return nil }
                break
            }
            parent = found.record.parent
            home = found.record.parentHome ?? home
        }
        return count
    }

    /// One that another token lives by, if that may be used as far as it depends on this one. Its
    /// entity counts, too: a child may belong to another one.
    ///
    /// - Parameter known: the fences of the token's own namespace; nil in another one.
    private func ancestor(
        _ hash: String,
        _ known: TokenFences?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: TokenRecord, grounds: [LiveToken.Ground])? {
        let path = SystemPaths.token(hash: hash)
        guard let found = try cache.token(at: path, view) else { return nil }
        let record = found.record
        var grounds = [
            LiveToken.Ground(
                home: view.home,
                path: path,
                modificationIndex: found.modificationIndex
            )
        ]
        guard !record.isFreeing else { return (record, grounds) }
        let fences = if let known { known } else { try cache.fences(view) }
        guard record.isRunning(at: now), !fences.cover(record) else { return nil }
        if known == nil { grounds.append(fences.ground(view.home)) }
        guard try entityStands(behind: record, into: &grounds, view) else { return nil }
        return (record, grounds)
    }
}

/// What an accessor leads to, at rest: format 1 and the hash of its token.
enum AccessorRecord {
    static func encoded(_ hash: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 72)
        writer.writeUInt8(1)
        writer.writeString(hash)
        return writer.bytes
    }

    static func hash(decoding bytes: [UInt8]) throws(VaultError) -> String {
        try TokenReference.decode(bytes, "accessor")
    }
}

/// Records that say nothing but which token they belong to.
enum TokenReference {
    static func decode(_ bytes: [UInt8], _ what: String) throws(VaultError) -> String {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a reference to a token")
            let hash = try reader.readString(atMost: TokenLimits.hashCharacters)
            guard TokenPlace.isHash(hash) else { throw .malformed("it leads to no hash") }
            try reader.finish()
            return hash
        } catch {
            throw .damaged("\(what): \(error.summary)")
        }
    }
}

/// How many requests a token is still good for: a ``CountRecord`` of its own, so that counting
/// writes no token anew. At 0 the token is over.
struct UseCount: Sendable, Equatable {
    let left: UInt64
    let ground: LiveToken.Ground

    static func read(
        _ hash: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> UseCount? {
        let path = SystemPaths.tokenUses(hash)
        guard let opened = try view.systemRecord(path) else { return nil }
        return UseCount(
            left: try CountRecord(decoding: opened.value, of: "a token's uses").count,
            ground: LiveToken.Ground(
                home: view.home,
                path: path,
                modificationIndex: opened.modificationIndex
            )
        )
    }
}
