package import Wire

/// One line of the audit: a request before it is carried out, or the response before it leaves.
///
/// Plain values, as whoever handles the request knows them. Secrets are in them until
/// ``AuditFormat/line(_:)`` replaces them.
package struct AuditRecord: Sendable {
    /// When.
    package var time: Timestamp
    /// Who asked, as far as the token told. For a login's response: the new token.
    package var auth = AuditAuth()
    /// What was asked.
    package var request: AuditRequest
    /// What is answered; nil for a request's record.
    package var response: AuditResponse?
    /// Why it failed, as OpenBao's lines say it; empty if it did not.
    package var error = ""
    /// What the client reads of that, in the clear. Only for logs that nobody else can read.
    package var reason = ""
    /// The address of the node that passed the request on; empty if it came from the client.
    package var forwardedFrom = ""
    /// Which share of the seal was given, such as `share 2 of group 1`, and never its words; empty
    /// where none was. Ours, not OpenBao's.
    package var share = ""

    package init(time: Timestamp, request: AuditRequest) {
        self.time = time
        self.request = request
    }
}

/// A token and what it may do.
package struct AuditAuth: Sendable {
    /// The token; replaced by its digest.
    package var clientToken = ""
    /// The token's accessor; replaced by its digest unless the device says otherwise.
    package var accessor = ""
    package var displayName = ""
    /// All policies together, those of the token, those of its entity.
    package var policies: [String] = []
    package var tokenPolicies: [String] = []
    package var identityPolicies: [String] = []
    /// Policies that the entity has in other namespaces. In order of the namespaces.
    package var otherPolicies: [(namespace: String, policies: [String])] = []
    /// Whether the token goes without the policy `default`.
    package var noDefaultPolicy = false
    /// Whether policies allowed the request, and which; nil if none were asked.
    package var decision: AuditDecision?
    /// What the auth method knows of the caller. In order of the names.
    package var metadata: [(name: String, value: String)] = []
    /// Uses that a new token has; 0 for no limit.
    package var useCount = 0
    /// Uses that the request's token has left; 0 for no limit.
    package var remainingUses = 0
    package var entityID = ""
    /// Whether this login made the entity.
    package var entityCreated = false
    /// `default`, `service`, `batch` …
    package var tokenType = "default"
    package var tokenTTLSeconds: UInt64 = 0
    /// When the token was made; nil if there is none.
    package var issued: Timestamp?

    /// Nobody.
    package init() {}
}

/// What the policies said.
package struct AuditDecision: Sendable {
    /// A policy that allowed or denied the request.
    package struct Policy: Sendable {
        /// Of the policy, then where it is.
        package var name: String
        package var namespaceID: String
        package var namespacePath: String
        /// `acl`.
        package var type: String
        /// Which version of the policy decided; 0 if that is not known. Ours, not OpenBao's.
        package var version: UInt64
        /// SHA-256 of that version's text in hex; empty if it is not known. Ours, not OpenBao's.
        package var digest: String

        /// An ACL policy whose version is not known.
        package init(name: String, namespaceID: String = "root", namespacePath: String = "") {
            self.name = name
            self.namespaceID = namespaceID
            self.namespacePath = namespacePath
            type = "acl"
            version = 0
            digest = ""
        }
    }

    /// Whether the request may be carried out, and which policies said so.
    package var isAllowed: Bool
    package var deciding: [Policy]

    package init(isAllowed: Bool, deciding: [Policy] = []) {
        self.isAllowed = isAllowed
        self.deciding = deciding
    }
}

/// The mount that a request goes to.
package struct AuditMount: Sendable {
    /// With its slash at the end, such as `secret/`.
    package var point = ""
    package var type = ""
    package var accessor = ""
    package var runningVersion = ""
    /// `secret` or `auth`.
    package var kind = ""

    /// No mount.
    package init() {}
}

/// A request.
package struct AuditRequest: Sendable {
    /// Of the request, as the answer carries it; then of who asks, as it is counted.
    package var id: String
    package var clientID = ""
    /// `create`, `read`, `update`, `patch`, `delete`, `list`, `scan`, `help` …
    package var operation: String
    package var mount = AuditMount()
    /// The token; replaced by its digest.
    package var clientToken = ""
    /// The token's accessor; replaced by its digest unless the device says otherwise.
    package var clientTokenAccessor = ""
    package var namespaceID = "root"
    package var namespacePath = ""
    package var path: String
    /// Body or query; every string is replaced by its digest.
    package var data = JSONObject()
    /// Names in `data` that the mount shows as they are.
    package var clearKeys: [String] = []
    package var remoteAddress = ""
    package var remotePort = 0
    /// Seconds that a wrapped answer was asked to live; 0 for an answer as it is.
    package var wrapTTLSeconds = 0
    /// Headers that the configuration names.
    package var headers: [AuditHeader] = []

    package init(id: String, operation: String, path: String) {
        self.id = id
        self.operation = operation
        self.path = path
    }
}

/// A header of a request or an answer.
package struct AuditHeader: Sendable {
    /// As the configuration spells it, in lower case.
    package var name: String
    package var values: [String]
    /// Whether the configuration wants digests.
    package var isHashed: Bool

    package init(name: String, values: [String], isHashed: Bool) {
        self.name = name
        self.values = values
        self.isHashed = isHashed
    }
}

/// An answer.
package struct AuditResponse: Sendable {
    /// The token that a login gave.
    package var auth: AuditAuth?
    /// Whether it lives for a certain time, and its lease; empty for none.
    package var hasSecret = false
    package var leaseID = ""
    /// Every string is replaced by its digest.
    package var data = JSONObject()
    /// Names in `data` that the mount shows as they are.
    package var clearKeys: [String] = []
    package var warnings: [String] = []
    package var redirect = ""
    package var wrap: AuditWrap?
    package var headers: [AuditHeader] = []

    /// An answer without content.
    package init() {}
}

/// A wrapped answer.
package struct AuditWrap: Sendable {
    /// How long it lives.
    package var ttlSeconds: Int
    /// Replaced by its digest.
    package var token: String
    /// Replaced by its digest unless the device says otherwise; so is the next one.
    package var accessor: String
    package var wrappedAccessor = ""
    /// When it was wrapped, and what was asked.
    package var created: Timestamp
    package var path: String

    package init(
        ttlSeconds: Int,
        token: String,
        accessor: String,
        created: Timestamp,
        path: String
    ) {
        self.ttlSeconds = ttlSeconds
        self.token = token
        self.accessor = accessor
        self.created = created
        self.path = path
    }
}
