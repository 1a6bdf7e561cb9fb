package import Wire

/// Why a request has no usable answer.
package enum ClientError: OperatorError, Equatable {
    /// The address is not a URL with scheme, host and port.
    case badAddress(String)
    /// A variable of the environment cannot be used; the wanted form.
    case badVariable(name: String, want: String)
    /// A token or namespace holds a character that cannot stand in a header.
    case badHeaderText(of: String)
    /// The file with trusted certificates cannot be used.
    case badTrustFile(String, reason: String)
    /// The files of the client's own certificate and key do not go together, or do not read.
    case badIdentity(certificates: String, key: String)
    /// No connection could be made.
    case unreachable(String, reason: String)
    /// The node's certificate was not accepted, or TLS failed otherwise.
    case untrusted(String, reason: String)
    /// The request could not be sent as a whole, so it was not carried out.
    case notSent(String, reason: String)
    /// The request was sent and no answer came: it may have been carried out.
    case outcomeUnknown(String, reason: String)
    /// The answer is not HTTP, or not what the API promises.
    case badAnswer(String, reason: String)
    /// The node sent the request on to a place that must not be followed.
    case badRedirect(String, to: String)
    /// The node answered with an error: status, its texts, its address.
    case server(status: Int, errors: [String], address: String)

    /// Caller for what was typed, peer for what a node did.
    package var blame: Blame {
        switch self {
        case .badAddress, .badVariable, .badHeaderText, .badTrustFile, .badIdentity: .caller
        case .unreachable, .untrusted, .notSent: .operator
        case .outcomeUnknown, .badAnswer, .badRedirect, .server: .peer
        }
    }

    /// What happened.
    package var summary: String {
        switch self {
        case .badAddress(let text): "\"\(text)\" is not an address"
        case .badVariable(let name, let want): "\(name) must be \(want)"
        case .badHeaderText(let what): "the \(what) holds a character that cannot be sent"
        case .badTrustFile(let path, let reason): "no trusted certificates in \(path): \(reason)"
        case .badIdentity(let certificates, let key):
            "\(certificates) and \(key) are not a certificate and its key"
        case .unreachable(let address, let reason): "no connection to \(address): \(reason)"
        case .untrusted(let address, let reason): "\(address) is not trusted: \(reason)"
        case .notSent(let address, let reason):
            "the request to \(address) was not sent: \(reason)"
        case .outcomeUnknown(let address, let reason):
            "\(address) gave no answer: \(reason); the request may have been carried out"
        case .badAnswer(let address, let reason): "\(address) gave a bad answer: \(reason)"
        case .badRedirect(let address, let target):
            "\(address) points to \(target), which is not followed"
        case .server(let status, let errors, let address):
            "\(address) answered \(status)"
                + (errors.isEmpty ? "" : ": \(Self.line(errors))")
        }
    }

    /// The server's texts on one line: some are lists with a line for each item.
    package static func line(_ errors: [String]) -> String {
        let lines = errors.flatMap { $0.split(whereSeparator: \.isNewline) }.map { line in
            var text = String(line).trimmingWhitespace()
            if text.hasPrefix("* ") { text = String(text.dropFirst(2)) }
            return text
        }
        return lines.filter { !$0.isEmpty }.reduce("") { text, line in
            text.isEmpty ? line : text.hasSuffix(":") ? "\(text) \(line)" : "\(text); \(line)"
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .badAddress: "write an address as https://127.0.0.1:8200"
        case .badVariable: "correct or unset the variable"
        case .badHeaderText: "check that it was copied whole and without line breaks"
        case .badTrustFile: "name a PEM file with -ca-cert or HOLDFAST_CACERT"
        case .badIdentity: "name PEM files without passphrase with -client-cert and -client-key"
        case .unreachable, .notSent: "check HOLDFAST_ADDR and that the node runs"
        case .untrusted: "name the node's certificate with -ca-cert or HOLDFAST_CACERT"
        case .outcomeUnknown: "read the state before you repeat a write"
        case .badAnswer: "check that the address is a node's API address"
        case .badRedirect: "name the leader's address with -address"
        case .server(let status, _, _): Self.remedy(forStatus: status)
        }
    }

    private static func remedy(forStatus status: Int) -> String {
        switch status {
        case 403: "check HOLDFAST_TOKEN, or log in with holdfast login"
        case 404: "check the path with holdfast list"
        case 429: "wait a moment and repeat"
        case 503: "see holdfast status"
        case 500...: "see the node's log"
        default: "correct the request"
        }
    }
}
