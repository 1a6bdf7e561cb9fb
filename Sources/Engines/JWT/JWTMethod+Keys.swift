import Cryptography
import Wire

/// Which keys count: those of the configuration, or those that the issuer publishes.
extension JWTMethod {
    /// Checks a token's signature.
    ///
    /// - Returns: nil when it is right; else what has to be asked before that can be said.
    /// - Throws: the signature is by no key that counts, or the keys cannot be had.
    static func unanswered(
        _ token: JWT,
        _ config: JWTConfigRecord,
        _ request: EngineRequest
    ) throws(EngineError) -> KeySetQuestion? {
        let failure = "error validating token: error verifying token signature: "
        guard let source = config.source else {
            guard token.isSigned(byOneOf: try staticKeys(config)) else {
                throw .badCredentials(
                    failure + "no known key successfully validated the token signature"
                )
            }
            return nil
        }
        var question = KeySetQuestion(source, .kept)
        // First what is kept. If that does not do, the issuer may have a new key by now.
        for _ in 0..<2 {
            switch try answer(to: question, request) {
            case nil: return question
            case .failed:
                // The reason is in the node's log: whoever has no token yet hears no more.
                throw .invalid(failure + "fetching keys: the issuer's keys cannot be had now")
            case .done(let answer):
                if answer.keys.verifies(token) { return nil }
                question.need = .newer(than: answer.revision)
            }
        }
        throw .badCredentials(failure + "failed to verify id token signature")
    }

    /// Whether the issuer's keys can be had.
    enum KeyCheck {
        case ask(KeySetQuestion)
        case good
        /// For people who may see the configuration.
        case bad(String)
    }

    static func check(
        _ source: KeySource,
        _ need: KeySetQuestion.Need,
        _ request: EngineRequest
    ) throws(EngineError) -> KeyCheck {
        let question = KeySetQuestion(source, need)
        return switch try answer(to: question, request) {
        case nil: .ask(question)
        case .done: .good
        case .failed(let reason): .bad(reason)
        }
    }

    private enum Answer {
        case done(KeySetAnswer)
        case failed(String)
    }

    /// Nil for what was not asked yet.
    private static func answer(
        to question: KeySetQuestion,
        _ request: EngineRequest
    ) throws(EngineError) -> Answer? {
        switch request.outcome(of: .keySet, question.encoded()) {
        case nil: return nil
        case .failed(let reason): return .failed(reason)
        case .done(let bytes):
            do throws(WireError) {
                return .done(try KeySetAnswer(decoding: bytes))
            } catch {
                throw .damaged("key set: \(error.summary)")
            }
        }
    }

    private static func staticKeys(
        _ config: JWTConfigRecord
    ) throws(EngineError) -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for text in config.publicKeys {
            do throws(EngineError) {
                keys += try PublicKeyText.keys(text)
            } catch {
                throw .badCredentials("error validating token: a configured key cannot be used")
            }
        }
        return keys
    }

    // MARK: settings

    /// The source that a configuration names; nil: its keys are in it.
    ///
    /// - Throws: for a URL that nothing is fetched from, and certificates that are none. These are
    ///   refused even where the issuer is not asked.
    static func source(_ fields: Fields) throws(EngineError) -> KeySource? {
        let kind: KeySource.Kind
        let url: String
        let authorities: String
        if let text = fields.text("jwks_url"), !text.isEmpty {
            (kind, url) = (.keySet, text)
            authorities = fields.text("jwks_ca_pem") ?? ""
        } else if let text = fields.text("oidc_discovery_url"), !text.isEmpty {
            (kind, url) = (.discovery, text)
            authorities = fields.text("oidc_discovery_ca_pem") ?? ""
        } else {
            return nil
        }
        let source = KeySource(kind: kind, url: url, authorities: authorities)
        do throws(WebAddressError) {
            switch kind {
            case .keySet: _ = try WebAddress(url)
            case .discovery: _ = try IssuerDocument.address(of: url)
            }
        } catch {
            throw .invalid("\(source.checkFailed): \(error.text)")
        }
        guard authorities.isEmpty || isCertificates(authorities) else {
            let name = kind == .keySet ? "error checking jwks_ca_pem" : source.checkFailed
            throw .invalid(
                "\(name): could not parse CA PEM value successfully: at most "
                    + "\(EngineLimits.authoritiesBytesMax) bytes of BEGIN CERTIFICATE blocks"
            )
        }
        return source
    }

    /// Whether it looks like certificates: what is in them is seen when they are first used.
    private static func isCertificates(_ text: String) -> Bool {
        guard text.utf8.count <= EngineLimits.authoritiesBytesMax else { return false }
        var body: String?
        var count = 0
        for line in text.split(whereSeparator: \.isNewline).map({
            PublicKeyText.trimmed(String($0))
        }) {
            if line == "-----BEGIN CERTIFICATE-----" {
                body = ""
            } else if line == "-----END CERTIFICATE-----" {
                guard let base64 = body, let bytes = Base64.decode(base64), !bytes.isEmpty else {
                    return false
                }
                count += 1
                body = nil
            } else {
                body? += line
            }
        }
        return count > 0 && body == nil
    }
}

extension KeySource {
    /// What stands before the reason why the issuer's keys cannot be had.
    var checkFailed: String {
        switch kind {
        case .keySet: "error checking jwks URL"
        case .discovery: "error checking oidc discovery URL"
        }
    }
}
