import Barrier
import Cryptography
import Engines
import Policy
import Wire

/// A policy as it took part in a decision: what the record of the decision names.
struct AppliedPolicy: Sendable, Equatable {
    let name: String
    let version: UInt64
    /// See ``PolicyRecord/digest``.
    let digest: String
}

/// What a token's policies allow, as one state of the policy table has it.
struct TokenAccess: Sendable {
    /// What is allowed.
    enum Grant: Sendable {
        /// Everything.
        case root
        /// What the list says.
        case rules(AccessList)
        /// Nothing, why, and what to do about it: for operators.
        case nothing(String, remedy: String)
    }

    private(set) var grant: Grant
    /// What it was put together from, in the order of the token's policies.
    let policies: [AppliedPolicy]
    /// Of the policy table; 0 where no policy decides.
    let tableIndex: UInt64
    /// Of the policies' texts.
    var textBytes = 0
    /// Whether a rule's path has a template, so that it holds for this identity only.
    var isTemplated = false
    /// Whose token it is; nil: nobody's.
    var identity: TokenIdentity?
    /// Whether the token is refused, because its entity is disabled or gone.
    var isBarred = false
    /// From this moment on something has expired, and it has to be put together anew; nil: never.
    var validUntil: Timestamp?

    /// For a token that may do everything.
    static let root = TokenAccess(grant: .root, policies: [], tableIndex: 0)

    /// What decides, or nil where nothing is allowed whatever is asked.
    var list: AccessList? {
        switch grant {
        case .root: .root
        case .rules(let list): list
        case .nothing: nil
        }
    }

    /// What may be done at a path, as `sys/capabilities` answers.
    func capabilities(of path: String) -> [String] {
        list?.capabilities(of: path) ?? ["deny"]
    }

    /// Whether it still holds for a view with this table at this time.
    func holds(_ tableIndex: UInt64, at now: Timestamp) -> Bool {
        self.tableIndex == tableIndex && (validUntil.map { now < $0 } ?? true)
    }

    /// Whether it was put together for the same state of the same identity.
    func isFor(_ other: TokenIdentity) -> Bool {
        guard let identity else { return false }
        return identity.id == other.id
            && identity.modificationIndex == other.modificationIndex
            && identity.groupsIndex == other.groupsIndex
    }

    /// The same for a token of this identity.
    func with(_ identity: TokenIdentity?) -> TokenAccess {
        var access = self
        access.identity = identity
        return access
    }

    /// The same for a request in a namespace: policies name what is below their own namespace by
    /// the way there, and reach nothing beside or above it.
    func seen(in namespace: Namespace, by owner: Namespace) -> TokenAccess {
        guard namespace.home != owner.home else { return self }
        var access = self
        if let way = namespace.path(below: owner) {
            if case .rules(let list) = grant { access.grant = .rules(list.asked(from: way)) }
        } else {
            let place = owner.isRoot ? "the root namespace" : owner.path
            access.grant = .nothing(
                "the token belongs to \(place), and the request does not",
                remedy: "use a token of the namespace, or of one above it"
            )
        }
        return access
    }

    /// For a token whose entity is disabled or gone.
    static let barred: TokenAccess = {
        let reason = "the token's entity is disabled, or there is none any more"
        var access = nothing(reason, remedy: "enable the entity, or log in again", tableIndex: 0)
        access.isBarred = true
        return access
    }()

    /// For a token that may do nothing.
    static func nothing(
        _ reason: String,
        remedy: String = "write the policies that are missing, or use a token without them",
        tableIndex: UInt64
    ) -> TokenAccess {
        TokenAccess(grant: .nothing(reason, remedy: remedy), policies: [], tableIndex: tableIndex)
    }
}

/// Puts the policies of a token together.
///
/// Three ways lead to less than a token's policies say, and none to more:
/// - a policy that is gone because somebody deleted it, or because it expired, counts for nothing;
/// - a policy of which the store knows nothing could have denied anything, so the token may do
///   nothing until the policy is written, or deleted for good;
/// - a template whose value must not stand in a path could have been part of a `deny` as well.
///
/// A record that is there and cannot be read is an error, never one of those.
struct TokenAccessLoader {
    let cache: VaultCache
    let now: Timestamp
    /// For whom; nil: for nobody in particular.
    let identity: TokenIdentity?

    func load(
        _ names: [String],
        tableIndex: UInt64,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        guard names.count <= PolicyLimits.policiesMax else {
            return .nothing(
                "the token has \(names.count) policies",
                remedy: "use a token with at most \(PolicyLimits.policiesMax)",
                tableIndex: tableIndex
            )
        }
        var sources: [AccessList.Source] = []
        var isTemplated = false
        var applied: [AppliedPolicy] = []
        var expirations: [Timestamp] = []
        var textBytes = 0
        for written in names {
            guard let name = PolicyName(written), name.text != BuiltInPolicy.root else {
                return .nothing(
                    "no token can have \(GoText.quoted(written)) among its policies",
                    remedy: "use a token without it",
                    tableIndex: tableIndex
                )
            }
            guard let policy = try cache.policy(name, view) else {
                guard try view.systemIndex(SystemPaths.deletedPolicy(name)) > 0 else {
                    return .nothing(
                        "the token's policy \(GoText.quoted(name.text)) does not exist, and it "
                            + "could deny anything",
                        tableIndex: tableIndex
                    )
                }
                continue
            }
            if let expiration = policy.expiration {
                guard now < expiration else { continue }
                expirations.append(expiration)
            }
            sources.append(policy.source)
            applied.append(policy.applied)
            textBytes += policy.textBytes
            isTemplated = isTemplated || policy.isTemplated
        }
        let (grant, validUntil) = grant(of: sources, textBytes: textBytes)
        return TokenAccess(
            grant: grant,
            policies: applied,
            tableIndex: tableIndex,
            textBytes: textBytes,
            isTemplated: isTemplated,
            identity: identity,
            validUntil: (expirations + [validUntil].compactMap { $0 }).min()
        )
    }

    /// What policies that are all there allow together, and until when.
    private func grant(
        of sources: [AccessList.Source],
        textBytes: Int
    ) -> (TokenAccess.Grant, validUntil: Timestamp?) {
        let ruleCount = sources.reduce(0) { $0 + $1.document.rules.count }
        guard ruleCount <= VaultLimits.tokenRulesMax,
            textBytes <= VaultLimits.tokenPolicyBytesMax
        else {
            let reason =
                "the token's policies have \(ruleCount) path blocks and \(textBytes) bytes, the "
                + "limits are \(VaultLimits.tokenRulesMax) and \(VaultLimits.tokenPolicyBytesMax)"
            return (.nothing(reason, remedy: "use a token with fewer of them"), nil)
        }
        let list = AccessList(sources, for: identity?.subject ?? .nobody, at: now)
        guard let forbidden = list.forbidden else { return (.rules(list), list.validUntil) }
        let grant = TokenAccess.Grant.nothing(forbidden.summary, remedy: forbidden.remedy)
        return (grant, list.validUntil)
    }
}

/// A policy as it is kept in memory: read and compiled once for each version.
struct CompiledPolicy: Sendable {
    let modificationIndex: UInt64
    let source: AccessList.Source
    let applied: AppliedPolicy
    let expiration: Timestamp?
    let textBytes: Int
    /// Whether a path of it has a template.
    let isTemplated: Bool

    init(
        _ name: PolicyName,
        _ record: PolicyRecord,
        modificationIndex: UInt64
    ) throws(VaultError) {
        self.modificationIndex = modificationIndex
        source = try record.source(named: name)
        applied = AppliedPolicy(name: name.text, version: record.version, digest: record.digest)
        expiration = record.content.expiration
        textBytes = record.content.text.utf8.count
        isTemplated = source.document.rules.contains { $0.path.utf8.contains(0x7B) }
    }
}
