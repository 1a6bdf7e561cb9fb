package import Barrier
package import Wire

/// Why an engine refuses a request. `API` turns each case into a status and a body.
package enum EngineError: OperatorError {
    /// The request is wrong; the text goes to the client as it is. 400.
    case invalid(String)
    /// The same where OpenBao answers 500, and clients know it so.
    case failed(String)
    /// The value is over a size limit; the text names both sizes. 413.
    case tooLarge(String)
    /// The engine has no such path. 404.
    case unsupportedPath
    /// The path exists, the operation on it does not. 405.
    case unsupportedOperation
    /// A login's name, password, id or token is wrong; which of them, the text does not say. It
    /// counts as an attempt to guess. 400.
    case badCredentials(String)
    /// The credentials are right and do not count here, for instance from another address. 403.
    case permissionDenied
    /// What the request is about is not there; the text says what. 404.
    case absent(String)
    /// Nothing is stored under this name. 404 with an empty list of errors.
    case notFound
    /// There is nothing that a patch could change. 404 without a body.
    case nothingToPatch
    /// A record of the engine's own decodes wrongly. It is there, so it must not look absent.
    case damaged(String)
    /// The barrier could not open or name a record.
    case barrier(BarrierError)

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .invalid, .failed, .tooLarge, .unsupportedPath, .unsupportedOperation, .notFound,
            .nothingToPatch, .badCredentials, .permissionDenied, .absent:
            .caller
        case .damaged: .operator
        case .barrier(let error): error.blame
        }
    }

    /// What happened.
    package var summary: String {
        switch self {
        case .invalid(let text), .failed(let text), .tooLarge(let text): text
        case .badCredentials(let text), .absent(let text): text
        case .permissionDenied: "permission denied"
        case .unsupportedPath: "unsupported path"
        case .unsupportedOperation: "unsupported operation"
        case .notFound, .nothingToPatch: "nothing is stored under this name"
        case .damaged(let what): "a stored record is damaged: \(what)"
        case .barrier(let error): error.summary
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .invalid, .failed, .tooLarge: "change the request as the text says"
        case .badCredentials, .permissionDenied: "log in with what the administrator gave you"
        case .unsupportedPath, .unsupportedOperation:
            "see the API documentation of the secrets engine for its paths"
        case .notFound, .absent, .nothingToPatch: "check the name, or list the folder"
        case .damaged: "compare this node with the other members and rebuild it if they differ"
        case .barrier(let error): error.remedy
        }
    }
}
