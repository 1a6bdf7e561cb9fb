import Barrier
import Cryptography
import Engines
import Policy
package import Wire

/// What a step found out about a request that the audit records: who asked, what decided, and whom
/// the request was for. Values in, values out; the names in it are for the record only.
package struct VaultFacts: Sendable {
    /// The token that asked, as its record has it.
    package struct Caller: Sendable {
        /// The accessor that stands for the token.
        package let accessor: String
        /// As its creator named it.
        package let displayName: String
        /// The token's own.
        package let policies: [String]
        /// Nil of a token of the root namespace.
        package let namespace: Namespace?
        /// Those that its entity has, and the entity's groups.
        package let identityPolicies: [String]
        /// What its creator wrote on it.
        package let metadata: [(name: String, value: String)]
        /// Whose it is; empty for nobody's.
        package let entityID: String
        /// Under which name it is counted as a client: see ``clientID(of:)``.
        package let clientID: String
        /// Whether it is a batch token.
        package let isBatch: Bool
        /// Uses that are left; 0 for any number.
        package let usesLeft: UInt64
        /// When the token was made.
        package let created: Timestamp
        /// How long it lives from then on, in seconds; 0 for ever.
        package let lifetimeSeconds: UInt64
    }

    /// A policy that took part in the decision: which version, and the digest of its text.
    package struct Policy: Sendable, Equatable {
        /// Of the policy.
        package let name: String
        /// 0 for the policy `root`, which has no text.
        package let version: UInt64
        /// SHA-256 of that version's text in hex; empty for `root`.
        package let digest: String
    }

    /// A namespace that is not the root namespace.
    package struct Namespace: Sendable {
        /// Six characters.
        package let id: String
        /// Names with a slash behind each.
        package let path: String
    }

    /// The mount that the path belongs to.
    package struct Mount: Sendable {
        /// With its slash at the end.
        package let path: String
        /// As clients name the engine.
        package let type: String
        /// Of the mount.
        package let accessor: String
        /// Of what serves it.
        package let version: String
        /// Names whose values the records show as they are: the mount's tuning.
        package let clearRequestKeys: [String]
        /// The same for answers.
        package let clearResponseKeys: [String]
    }

    /// Nil if no token was found, or none was needed.
    package var caller: Caller?
    /// Whether policies allowed the request; nil if none were asked.
    package var isAllowed: Bool?
    /// Of the token's policies those whose rule allowed or denied it; all where none speaks of the
    /// path.
    package var deciding: [Policy] = []
    /// Nil where none serves the path.
    package var mount: Mount?
    /// Whether what a write is about was not there.
    package var isCreation = false
    /// Where the request is carried out; nil in the root namespace.
    package var namespace: Namespace?
    /// Path of the request in that namespace.
    package var path: String?
    /// Whether it is for clients without a token, as a login is.
    package var isLogin = false
    /// Whether a login failed because what was shown is not right.
    package var isGuess = false
    /// The token that the answer gives, or that it renews.
    package var given: AuthBlock?
    /// Whether a login made the entity.
    package var isEntityNew = false
    /// An audit device that the request would make.
    package var newDevice: AuditDevice?

    /// Nothing is known.
    package init() {}
}

extension VaultFacts.Namespace {
    /// Nil for the root namespace.
    init?(_ namespace: Vault.Namespace) {
        guard !namespace.isRoot else { return nil }
        self.init(id: namespace.id, path: namespace.path)
    }
}

/// Takes the facts of one step while it runs. Belongs to one thread, and to one step.
package final class VaultTrace {
    /// What is known so far.
    package private(set) var facts = VaultFacts()

    /// With nothing in it.
    package init() {}

    /// Called where the step is about to make a device, which a node can try before.
    func note(newDevice: AuditDevice) { facts.newDevice = newDevice }

    /// Called as soon as it is known that the request is in a namespace.
    func note(_ namespace: Vault.Namespace, _ path: String) {
        facts.namespace = VaultFacts.Namespace(namespace)
        facts.path = path
    }

    /// Called for what an auth method answers to clients without a token: no policy is asked.
    func noteLogin() {
        facts.isLogin = true
        facts.isAllowed = true
    }

    /// Called where a login fails because what was shown is not right.
    func noteGuess() { facts.isGuess = true }

    /// Called for anything else that whoever asks may know: no policy is asked.
    func noteOpen() { facts.isAllowed = true }

    /// Called with the token that an answer gives.
    func note(_ auth: AuthBlock, isEntityNew: Bool = false) {
        facts.given = auth
        facts.isEntityNew = isEntityNew
    }

    /// Called for what the token itself allows, whatever else its policies say.
    func note(own authority: borrowing Authority) {
        note(authority)
        facts.isAllowed = true
        facts.deciding = authority.record.policies.map {
            VaultFacts.Policy(name: $0, version: 0, digest: "")
        }
    }

    /// Called before policies are asked.
    ///
    /// - Parameter isCreation: whether what a write is about was not there.
    func note(isCreation: Bool) { facts.isCreation = isCreation }

    /// Called when the step ends, whatever way: a refusal is on the record as well.
    func note(_ authority: borrowing Authority) {
        let record = authority.record
        facts.caller = VaultFacts.Caller(
            accessor: record.accessor,
            displayName: record.displayName,
            policies: record.policies,
            namespace: VaultFacts.Namespace(authority.live.namespace),
            identityPolicies: authority.access.identity?.policies ?? [],
            metadata: record.metadata.map { ($0.name, $0.value) },
            entityID: record.entityShown,
            clientID: Self.clientID(of: record),
            isBatch: record.isBatch,
            usesLeft: authority.live.usesLeft ?? 0,
            created: record.created,
            lifetimeSeconds: record.lifetimeSeconds
        )
        if let decision = authority.decision {
            facts.isAllowed = decision.isAllowed
            facts.deciding = Self.deciding(decision, authority.access)
        }
    }

    /// Called as soon as it is known where mounts are: a refusal is of a mount, too.
    func note(
        mountOf path: String,
        _ mounts: MountTable,
        _ environment: borrowing VaultEnvironment
    ) {
        let version = MountLookups.runningVersion(environment.facts.version)
        if let (entry, _) = mounts.match(path) {
            facts.mount = VaultFacts.Mount(
                path: entry.record.path,
                type: entry.record.type,
                accessor: entry.record.accessor,
                version: version,
                clearRequestKeys: entry.record.tuning.auditRequestKeys,
                clearResponseKeys: entry.record.tuning.auditResponseKeys
            )
            return
        }
        let token = MountTable.authPrefix + BuiltInMount.tokenPath
        let isToken = path.withSlash.utf8.starts(with: token.utf8)
        let engine = BuiltInMount.engines.first { $0.below(path) != nil }
        guard let builtIn = isToken ? .token : engine else { return }
        let vaultID = environment.keyring.vaultID
        facts.mount = VaultFacts.Mount(
            path: isToken ? token : builtIn.path,
            type: builtIn.type(in: environment.namespace),
            accessor: builtIn.identity(vaultID, in: environment.namespace.home).accessor,
            version: version,
            clearRequestKeys: isToken ? mounts.tokenMethod.tuning.auditRequestKeys : [],
            clearResponseKeys: isToken ? mounts.tokenMethod.tuning.auditResponseKeys : []
        )
    }

    /// Clients are entities. Tokens of nobody count as one client where their policies are the
    /// same: its name is the digest of them, as OpenBao forms it.
    private static func clientID(of record: TokenRecord) -> String {
        guard record.entityID.isEmpty else { return record.entityShown }
        let policies = record.policies.joined(separator: "\u{7F}")
        let namespace = record.namespaceID.isEmpty ? Namespace.root.id : record.namespaceID
        return Base64.encode(sha256(Array("\(policies)\u{0}\(namespace)".utf8)))
    }

    /// The policies that the deciding rule was put together from; all where there is none.
    private static func deciding(
        _ decision: Decision,
        _ access: TokenAccess
    ) -> [VaultFacts.Policy] {
        if decision.reason == .root {
            return [VaultFacts.Policy(name: BuiltInPolicy.root, version: 0, digest: "")]
        }
        var policies = access.policies
        if let position = decision.rule, let list = access.list,
            list.rules.indices.contains(position)
        {
            let names = list.rules[position].origins.map(\.policy)
            policies.removeAll { policy in !names.contains { utf8Equals($0, policy.name) } }
        } else if decision.isAllowed {
            return []
        }
        return policies.map {
            VaultFacts.Policy(name: $0.name, version: $0.version, digest: $0.digest)
        }
    }
}
