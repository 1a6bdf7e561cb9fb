import Wire

/// How a client finds and trusts the server, and who it says it is.
package struct ClientSettings: Sendable {
    /// Which certificates a node may show.
    package enum Trust: Sendable, Equatable {
        /// Those of the system.
        case system
        /// Those in a PEM file, a bundle or a single self-made one, and no others.
        case file(String)
        /// Any: only for trying something out.
        case anything
    }

    /// What the client shows of itself in the TLS handshake: files in PEM.
    package struct Identity: Sendable, Equatable {
        /// Its certificate, and then those that lead to somebody who is trusted.
        package var certificates: String
        /// The key of the first one, without a passphrase.
        package var key: String

        /// Paths of both files.
        package init(certificates: String, key: String) {
            (self.certificates, self.key) = (certificates, key)
        }
    }

    /// Where the first request goes.
    package var address: ServerAddress
    /// Sent with every request; nil sends none.
    package var token: String?
    /// Sent with every request; nil sends none.
    package var namespace: String?
    package var trust: Trust
    /// Nil shows nothing.
    package var identity: Identity?
    /// Name that the certificate must carry, if it is not the host of the address.
    package var serverName: String?
    /// Time for one attempt, connecting included.
    package var timeoutSeconds: Double
    /// Further attempts after a failed one, where ``RetryPolicy`` allows one.
    package var retriesMax: Int

    /// Settings with the defaults of everything but the address.
    package init(address: ServerAddress) {
        self.address = address
        token = nil
        namespace = nil
        trust = .system
        identity = nil
        serverName = nil
        timeoutSeconds = 60
        retriesMax = 2
    }
}

/// Settings from a process's environment.
///
/// Every variable is looked up by itself as `HOLDFAST_…`, then `BAO_…`, then `VAULT_…`; an empty
/// one counts as absent.
package struct ClientEnvironment: Sendable {
    private let variables: [String: String]

    /// Every variable of the process.
    package var all: [String: String] { variables }

    /// The address when nothing names one.
    package static let defaultAddress = "https://127.0.0.1:8200"

    package init(_ variables: [String: String]) { self.variables = variables }

    /// The first of the three variables that is set, with its full name.
    package func value(_ suffix: String) -> (name: String, value: String)? {
        for prefix in ["HOLDFAST_", "BAO_", "VAULT_"] {
            if let value = plain(prefix + suffix) { return (prefix + suffix, value) }
        }
        return nil
    }

    /// A variable by its full name, nil if it is empty.
    package func plain(_ name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// Where the token is kept between calls: the file that `bao login` writes, too.
    package var tokenFile: String? { plain("HOME").map { "\($0)/.vault-token" } }

    /// All settings. An explicit address wins over the environment's.
    ///
    /// - Throws: ``ClientError/badAddress(_:)`` or ``ClientError/badVariable(name:want:)``.
    package func settings(address explicit: String? = nil) throws(ClientError) -> ClientSettings {
        let text = explicit ?? value("ADDR")?.value ?? Self.defaultAddress
        var settings = ClientSettings(address: try ServerAddress(text))
        settings.token = value("TOKEN")?.value ?? storedToken()
        settings.namespace = value("NAMESPACE")?.value
        settings.serverName = value("TLS_SERVER_NAME")?.value
        if let file = value("CACERT") { settings.trust = .file(file.value) }
        settings.identity = try identity()
        if let (name, text) = value("SKIP_VERIFY") {
            guard let skips = Self.bool(text) else {
                throw .badVariable(name: name, want: "true or false")
            }
            if skips { settings.trust = .anything }
        }
        if let (name, text) = value("CLIENT_TIMEOUT") {
            guard let nanoseconds = GoDuration.parse(text), nanoseconds > 0 else {
                throw .badVariable(name: name, want: "a duration like 60s")
            }
            settings.timeoutSeconds = Double(nanoseconds) / 1e9
        }
        if let (name, text) = value("MAX_RETRIES") {
            guard let count = Int(text), (0...20).contains(count) else {
                throw .badVariable(name: name, want: "a number from 0 to 20")
            }
            settings.retriesMax = count
        }
        return settings
    }

    /// Both variables or none, as the certificate is worth nothing without its key.
    private func identity() throws(ClientError) -> ClientSettings.Identity? {
        switch (value("CLIENT_CERT"), value("CLIENT_KEY")) {
        case (nil, nil): return nil
        case (let certificates?, let key?):
            return ClientSettings.Identity(certificates: certificates.value, key: key.value)
        case (let given?, nil), (nil, let given?):
            throw .badVariable(name: given.name, want: "set together with the other of both files")
        }
    }

    private func storedToken() -> String? {
        guard let path = tokenFile, let bytes = try? LocalFile.read(path, atMost: 64 * 1024) else {
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingWhitespace()
        return text.isEmpty ? nil : text
    }

    /// Go's spellings of a truth value.
    private static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}

extension String {
    /// The text without white space at either end.
    package func trimmingWhitespace() -> String {
        var rest = Substring(self)
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
