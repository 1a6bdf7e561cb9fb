package import Barrier
import Cryptography
package import Wire

/// What an engine knows of the mount that it serves.
package struct EngineMount: Sendable {
    /// Names the mount's records and keys.
    package let id: MountID
    package let kind: EngineKind
    /// Lease duration of answers that name none of their own, in seconds.
    package let leaseSeconds: Int

    package init(id: MountID, kind: EngineKind, leaseSeconds: Int) {
        self.id = id
        self.kind = kind
        self.leaseSeconds = leaseSeconds
    }
}

/// One request as an engine sees it. Token, policies and HTTP are behind it.
package struct EngineRequest: Sendable {
    /// What is wanted.
    package let operation: Operation
    /// Path below the mount, decoded, without a leading slash. A list ends in `/` or is empty. No
    /// segment is empty, `.` or `..`.
    package let path: String
    /// Members of the JSON body, or the query for operations without a body.
    package let fields: JSONObject
    /// Cluster time, decided before the request is proposed.
    package let now: Timestamp
    /// What few engines ask for.
    package let context: EngineContext

    package init(
        operation: Operation,
        path: String,
        fields: JSONObject,
        now: Timestamp,
        context: EngineContext = .none
    ) {
        self.operation = operation
        self.path = path
        self.fields = fields
        self.now = now
        self.context = context
    }

    /// How an effect ended that an earlier step of this request asked for; nil: none did.
    package func outcome(of kind: EffectKind, _ body: [UInt8]) -> EffectOutcome? {
        context.performed.first { $0.kind == kind && $0.body == body }?.outcome
    }

    /// Randomness of this request for its engine: a stream of its own, and the same when the
    /// request is prepared again. A step draws everything from one of them.
    package func entropy() -> Entropy {
        let label = Array("holdfast/engine".utf8)
        return Entropy(seed: hmacSHA256(key: context.seed, label))
    }
}

/// What a request brings besides what is wanted.
package struct EngineContext: Sendable {
    /// What stands for the client's token in names and records; empty where there is no token.
    package let tokenName: String
    /// Where the client is; nil where that is not known.
    package var remoteAddress: IPAddress?
    /// What the client showed in its TLS handshake, DER, its own certificate first; empty without
    /// one. That it has the key is proved, and nothing else is.
    package var clientCertificates: [[UInt8]] = []
    /// What earlier steps of the request asked for.
    package var performed: [PerformedEffect] = []
    /// 32 bytes; see ``EngineRequest/entropy()``.
    let seed: [UInt8]

    /// - Parameter seed: fresh for this request; zeros for one that cannot write.
    package init(tokenName: String, seed: [UInt8]) {
        precondition(seed.count == Entropy.seedBytes, "an entropy seed is 32 bytes")
        self.tokenName = tokenName
        self.seed = seed
    }

    /// Of a request without a token that makes nothing.
    package static let none = EngineContext(
        tokenName: "",
        seed: [UInt8](repeating: 0, count: Entropy.seedBytes)
    )
}
