import Client
import Wire

/// What to type after a failure.
enum Hint {
    /// The next command, from what went wrong.
    static func text(for error: any OperatorError) -> String {
        guard let error = error as? ClientError else { return error.remedy }
        switch error {
        case .unreachable, .notSent:
            return "holdfast status -address=https://HOST:PORT, or set HOLDFAST_ADDR"
        case .untrusted(_, let reason) where reason.contains("does not speak TLS"):
            return "holdfast status -address=http://HOST:PORT"
        case .untrusted:
            return "holdfast status -ca-cert=FILE, or set HOLDFAST_CACERT"
        case .badAddress, .badVariable, .badHeaderText, .badTrustFile, .badIdentity,
            .outcomeUnknown,
            .badAnswer, .badRedirect:
            return error.remedy
        case .server(let status, let errors, _):
            return text(forStatus: status, errors) ?? error.remedy
        }
    }

    /// How a command ends that met this error.
    static func exitStatus(for error: any OperatorError) -> ExitStatus {
        switch error {
        case let failure as CommandFailure: failure.status
        case ClientError.server: .server
        default: .refused
        }
    }

    private static func text(forStatus status: Int, _ errors: [String]) -> String? {
        let text = errors.joined(separator: " ").lowercased()
        if text.contains("already initialized") || text.contains("cannot be abandoned") {
            return "holdfast status"
        }
        if text.contains("not initialized") { return "holdfast init" }
        switch status {
        case 403: return "holdfast login, or set HOLDFAST_TOKEN"
        case 404: return "holdfast read sys/mounts"
        case 503 where text.contains("sealed"): return "holdfast unseal"
        case 429, 503: return "holdfast status"
        default: return nil
        }
    }
}
