import Barrier
import Engines
package import Wire

/// A token that is to be made, decided by whoever makes it: `auth/token/create`, a login, the
/// wrapping of an answer. Everything is final: names are normalised, limits are applied.
struct TokenGrant: Sendable, Equatable {
    /// Whether nothing is stored for it.
    var isBatch = false
    /// `token-deploy`, `userpass-bob`.
    var displayName: String
    /// The API path that makes it; the lease's id begins with it.
    var path: String
    /// See ``TokenPolicies/normalised(_:addsDefault:)``. What the entity adds is not here.
    var policies: [String]
    /// Sorted by name.
    var metadata: [TokenRecord.Pair] = []
    /// Empty: none.
    var entityID = ""
    /// Hash of the token that it dies with; empty for an orphan, which every login is.
    var parent = ""
    /// Where that token is, if it is of another namespace.
    var parentHome: MountID?
    /// Of the namespace that it is made in; empty for the root namespace. The issuer knows.
    var namespaceID = ""
    /// A role of `auth/token/roles`, or empty.
    var role = ""
    var life = TokenLife()
    /// 0 = any number.
    var usesMax: UInt64 = 0
    /// Texts of ``AddressBlock``; empty = from everywhere.
    var boundCIDRs: [String] = []
    var isRenewable = true
    /// Instead of a random token.
    var customID: String?

    init(displayName: String, path: String, policies: [String]) {
        self.displayName = displayName
        self.path = path
        self.policies = policies
    }
}

/// How long a token lives, in seconds; 0 where there is no such limit.
struct TokenLife: Sendable, Equatable {
    /// From now; 0: for ever.
    var seconds: UInt64 = 0
    var secondsMax: UInt64 = 0
    var explicitSecondsMax: UInt64 = 0
    var periodSeconds: UInt64 = 0
}

/// The `auth` member of an answer: a token that was made or renewed.
package struct AuthBlock: Sendable, Equatable {
    /// The token; empty where the caller named it by its accessor.
    package var clientToken: String
    package var accessor: String
    package var tokenPolicies: [String]
    /// What the token's entity adds.
    package var identityPolicies: [String] = []
    /// Sorted by name.
    package var metadata: [(name: String, value: String)]
    package var leaseSeconds: UInt64
    package var isRenewable: Bool
    package var entityID: String
    package var isBatch: Bool
    package var isOrphan: Bool
    /// 0 = any number.
    package var usesLeft: UInt64
    /// For the audit alone, as is the next one.
    package var displayName: String
    /// When a token was made that is renewed; nil for a new one.
    package var created: Timestamp?

    package static func == (a: AuthBlock, b: AuthBlock) -> Bool {
        JSONObject(a.members) == JSONObject(b.members)
    }

    /// The members in their order.
    package var members: [(name: String, value: JSONValue)] {
        func texts(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }
        let all = (tokenPolicies + identityPolicies).sorted(by: utf8Precedes)
        var union: [String] = []
        for name in all where union.last.map({ !utf8Equals($0, name) }) ?? true {
            union.append(name)
        }
        var members: [(name: String, value: JSONValue)] = [
            ("client_token", .string(clientToken)), ("accessor", .string(accessor)),
            ("policies", texts(union)),
        ]
        if !tokenPolicies.isEmpty { members.append(("token_policies", texts(tokenPolicies))) }
        if !identityPolicies.isEmpty {
            members.append(("identity_policies", texts(identityPolicies)))
        }
        let pairs = JSONObject(metadata.map { ($0.name, .string($0.value)) })
        members += [
            ("metadata", metadata.isEmpty ? .null : .object(pairs)),
            ("lease_duration", .number(JSONNumber(leaseSeconds))),
            ("renewable", .bool(isRenewable)), ("entity_id", .string(entityID)),
            ("token_type", .string(isBatch ? "batch" : "service")),
            ("orphan", .bool(isOrphan)), ("mfa_requirement", .null),
            ("num_uses", .number(JSONNumber(usesLeft))),
        ]
        return members
    }
}

extension AuthBlock {
    /// - Parameters:
    ///   - token: as the client is to see it.
    ///   - now: what is left of its life counts from here.
    init(_ token: String, _ record: TokenRecord, usesLeft: UInt64, at now: Timestamp) {
        clientToken = token
        accessor = record.accessor
        tokenPolicies = record.policies
        metadata = record.metadata.map { ($0.name, $0.value) }
        leaseSeconds = record.secondsLeft(at: now)
        isRenewable = record.isRenewable
        entityID = record.entityShown
        isBatch = record.isBatch
        isOrphan = record.isOrphan
        displayName = record.displayName
        created = record.renewed == nil ? nil : record.created
        self.usesLeft = usesLeft
    }
}

/// Lists of policies as tokens have them.
enum TokenPolicies {
    /// Lower case, without blanks at their ends, sorted, each once. `root` is alone or not there.
    ///
    /// - Parameter addsDefault: whether `default` belongs to them whatever was given.
    static func normalised(_ written: [String], addsDefault: Bool) -> [String] {
        var names = written.compactMap { PolicyName($0)?.text }
        if names.contains(where: { utf8Equals($0, BuiltInPolicy.root) }) {
            return [BuiltInPolicy.root]
        }
        if addsDefault { names.append(BuiltInPolicy.standard) }
        names.sort(by: utf8Precedes)
        var result: [String] = []
        for name in names where result.last.map({ !utf8Equals($0, name) }) ?? true {
            result.append(name)
        }
        return result
    }

    /// Whether each of these is among those. Both are normalised.
    static func contains(_ all: [String], _ some: [String]) -> Bool {
        some.allSatisfy { name in all.contains { utf8Equals($0, name) } }
    }
}
