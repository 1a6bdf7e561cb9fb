import ArgumentParser
import Client
import Wire

/// How a person logs in. What proves it, a password or an id, is typed without echo or read from
/// standard input, and never an argument.
enum LoginMethod: String, ExpressibleByArgument, CaseIterable {
    case token
    case userpass
    case approle
    case jwt
    case cert

    /// What is asked for; nil where nothing is.
    private var secret: (name: String, prompt: String)? {
        switch self {
        case .token: ("token", "token")
        case .userpass: ("password", "password")
        case .approle: ("secret_id", "secret id")
        case .jwt: ("jwt", "JWT")
        // The key of a certificate proves it in the TLS handshake.
        case .cert: nil
        }
    }

    private var asked: String {
        guard let secret else { return "" }
        return "; the \(secret.prompt) is asked for or read from standard input"
    }

    /// What has to be said besides.
    private var needed: [String] {
        switch self {
        case .token, .jwt, .cert: []
        case .userpass: ["username"]
        case .approle: ["role_id"]
        }
    }

    private var optional: [String] {
        switch self {
        case .jwt: ["role"]
        case .cert: ["name"]
        case .token, .userpass, .approle: []
        }
    }

    /// Refuses what the method does not take, and every secret.
    func check(_ items: [String]) throws {
        if self == .token, !items.isEmpty {
            throw ValidationError(
                "a token is never an argument; it is asked for or read from standard input"
            )
        }
        let known = needed + optional
        var given: [String] = []
        for item in items {
            let name = String(item.prefix { $0 != "=" })
            guard item.contains("="), known.contains(name) else {
                // The item is not repeated: it may be a secret.
                throw ValidationError(
                    "-method=\(rawValue) takes \(known.map { "\($0)=…" }.joined(separator: " "))"
                        + asked
                )
            }
            given.append(name)
        }
        for name in needed where !given.contains(name) {
            throw ValidationError("-method=\(rawValue) needs \(name)=…")
        }
    }

    /// The call that logs in, or for a token looks it up.
    ///
    /// - Parameter mount: where the method is enabled.
    func request(
        _ items: [String],
        mount: String,
        secret: String?,
        _ terminal: Terminal
    ) throws -> ClientRequest {
        var fields = try DataArguments(items, terminal).object
        if let name = self.secret?.name, let secret { fields[name] = .string(secret) }
        switch self {
        case .token:
            return ClientRequest(.get, "auth/token/lookup-self")
        case .userpass:
            let name = fields["username"]?.asString ?? ""
            fields["username"] = nil
            return ClientRequest(.put, "auth/\(mount)/login/\(name)", body: .object(fields))
        case .approle, .jwt, .cert:
            return ClientRequest(.put, "auth/\(mount)/login", body: .object(fields))
        }
    }

    /// Asks for the secret, where there is one.
    func ask(_ terminal: Terminal) throws -> String? {
        try secret.map { try terminal.secret($0.prompt) }
    }
}
