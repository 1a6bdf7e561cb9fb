package import Barrier
package import Engines
package import Wire

/// Everything a step needs that is not in the request and not in the store, decided before the
/// step.
package struct VaultEnvironment: Sendable {
    /// The keys of an unsealed node.
    package let keyring: Keyring
    /// Belongs to the keyring: made with it, dropped with it.
    package let cache: VaultCache
    /// Cluster time of the request.
    package let now: Timestamp
    /// 32 bytes, fresh from the system for this request and used for nothing else. Only a request
    /// that writes uses them; for one that cannot (``VaultRequest/isWrite``) zeros will do.
    package let seed: [UInt8]
    /// How often this request was prepared before.
    package let attempt: UInt32
    package let facts: NodeFacts
    /// The effects that earlier steps of this request asked for, in their order.
    package var performed: [PerformedEffect] = []
    /// Where the request is. Whoever steps it finds that out first.
    var namespace = Namespace.root

    /// - Precondition: the seed has 32 bytes.
    package init(
        keyring: Keyring,
        cache: VaultCache,
        now: Timestamp,
        seed: [UInt8],
        attempt: UInt32,
        facts: NodeFacts
    ) {
        precondition(seed.count == Entropy.seedBytes, "an entropy seed is 32 bytes")
        self.keyring = keyring
        self.cache = cache
        self.now = now
        self.seed = seed
        self.attempt = attempt
        self.facts = facts
    }
}

extension VaultEnvironment {
    /// The same for a request in a namespace.
    func inside(_ namespace: Namespace) -> VaultEnvironment {
        var environment = self
        environment.namespace = namespace
        return environment
    }

    /// What a token may do where the request is.
    func access(
        of token: LiveToken,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        let access = try view.inside(token.namespace.home) { view throws(VaultError) in
            try cache.access(of: token.record, at: now, view)
        }
        return access.seen(in: namespace, by: token.namespace)
    }
}
