package import Wire

/// What somebody wants to do at a path.
package enum AccessOperation: String, Sendable, CaseIterable {
    case create, read, update, patch, delete, list, scan
    /// A description of the path. Always allowed.
    case help

    /// The capability that allows it; nil: none is needed.
    package var capability: Capabilities? {
        switch self {
        case .create: .create
        case .read: .read
        case .update: .update
        case .patch: .patch
        case .delete: .delete
        case .list: .list
        case .scan: .scan
        case .help: nil
        }
    }

    var isListing: Bool { self == .list || self == .scan }

    /// Whether rules about parameters look at it.
    var hasParameters: Bool {
        switch self {
        case .create, .read, .update, .patch: true
        case .delete, .list, .scan, .help: false
        }
    }
}

/// A request as policies see it.
package struct AccessRequest: Sendable {
    /// Without `v1/` and without a leading slash, with the namespace's path before it.
    package let path: String
    /// Whether a write is a creation has been found out before.
    package let operation: AccessOperation
    /// Of the body or the query.
    package var parameters = JSONObject()
    /// The path is one for administrators: `sudo` is needed besides.
    package var needsSudo = false
    /// Seconds for which the answer shall be wrapped; nil: it is not to be.
    package var wrappingSeconds: UInt64?

    /// A request without parameters.
    package init(_ operation: AccessOperation, _ path: String) {
        self.operation = operation
        self.path = path
    }
}

/// The answer of policies to a request.
package struct Decision: Equatable, Sendable {
    /// Why.
    package enum Reason: Equatable, Sendable {
        /// The token has the policy `root`.
        case root
        /// Nothing is needed for this operation.
        case harmless
        /// A rule grants it.
        case granted
        /// No rule speaks of the path.
        case noRule
        /// A rule says `deny`.
        case denied
        /// The rule that decides lacks this.
        case capabilityMissing(Capabilities)
        /// The rule forbids this parameter or its value.
        case parameterDenied(String)
        /// The rule allows some parameters or values, and this is none of them.
        case parameterNotAllowed(String)
        /// The rule requires this parameter.
        case parameterMissing(String)
        /// The answer must be wrapped for a time between these, in seconds (0: no bound).
        case wrapping(min: UInt64, max: UInt64)
        /// The rule allows no page of this length.
        case pageTooLong(limit: Int)
    }

    /// Why it is allowed or not.
    package let reason: Reason
    /// Position in ``AccessList/rules`` of the rule that decided; nil: there was none.
    package let rule: Int?
    /// A list may answer this many names at most; nil: any number.
    package var pageLimit: Int?

    /// Of a token whose policies allow nothing, whatever they say.
    package static let withoutRules = Decision(.noRule)

    init(_ reason: Reason, rule: Int? = nil) {
        self.reason = reason
        self.rule = rule
    }

    /// Whether the request may go on.
    package var isAllowed: Bool {
        switch reason {
        case .root, .harmless, .granted: true
        case .noRule, .denied, .capabilityMissing, .parameterDenied, .parameterNotAllowed,
            .parameterMissing, .wrapping, .pageTooLong:
            false
        }
    }
}
