package import Barrier
package import Engines
package import Wire

/// Why the vault refuses a request. `API` turns each case into a status and a body.
package enum VaultError: OperatorError {
    /// No token, or one that the vault does not know. 403.
    case permissionDenied
    /// The token is known, and its policies do not allow this. 403, in other words than the above,
    /// as clients know it.
    case denied
    /// The caller may not do this; the text goes to the client as it is. 403.
    case forbidden(String)
    /// A probe of `sys/internal/ui/mounts` that must not say whether the path exists. 403.
    case preflightDenied(path: String)
    /// The request names a namespace that is not there. 404.
    case namespaceNotFound
    /// The API of the namespace that the request is for is locked, or that of one above it, which
    /// is named here. 503.
    case namespaceLocked(path: String)
    /// No mount serves the path. 404.
    case noHandler(path: String)
    /// The request is wrong; the text goes to the client as it is. 400.
    case invalid(String)
    /// Nothing there. 404 with an empty list of errors.
    case notFound
    /// An engine, or the system's own endpoints, refused. `isBare` leaves out the wrapping that
    /// OpenBao puts around such errors on paths that need a token.
    case engine(EngineError, isBare: Bool = false)
    /// A record of the vault's own decodes wrongly.
    case damaged(String)
    /// The barrier could not open, name or seal something.
    case barrier(BarrierError)

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .permissionDenied, .denied, .forbidden, .preflightDenied, .namespaceNotFound,
            .namespaceLocked, .noHandler, .invalid, .notFound:
            .caller
        case .engine(let error, _): error.blame
        case .damaged: .operator
        case .barrier(let error): error.blame
        }
    }

    /// What happened.
    package var summary: String {
        switch self {
        case .permissionDenied, .denied, .preflightDenied: "permission denied"
        case .namespaceNotFound: "there is no such namespace"
        case .namespaceLocked(let path): "the API of the namespace \(path) is locked"
        case .noHandler(let path): "no mount serves \(GoText.quoted(path))"
        case .invalid(let text), .forbidden(let text): text
        case .notFound: "nothing is stored there"
        case .engine(let error, _): error.summary
        case .damaged(let what): "a stored record is damaged: \(what)"
        case .barrier(let error): error.summary
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .permissionDenied, .forbidden, .preflightDenied:
            "log in again, or use a token that may do this"
        case .denied: "ask for an explanation: holdfast policy explain"
        case .namespaceNotFound: "list the namespaces with sys/namespaces"
        case .namespaceLocked: "unlock it with sys/namespaces/api-lock/unlock"
        case .noHandler: "list the mounts with sys/mounts"
        case .invalid: "change the request as the text says"
        case .notFound: "check the name"
        case .engine(let error, _): error.remedy
        case .damaged: "compare this node with the other members and rebuild it if they differ"
        case .barrier(let error): error.remedy
        }
    }
}
