import Cryptography
import Wire

/// Why a client's certificate is not accepted, in words for the client.
struct CertRefusal: Error, Equatable {
    let text: String

    init(_ text: String) { self.text = text }

    static let unknown = CertRefusal("invalid certificate or no client certificate supplied")
    static let purpose = CertRefusal(
        "failed to verify client's certificate: it, or one above it, is not for clients of TLS"
    )
    static let unmatched = CertRefusal(
        "no chain matching all constraints could be found for this login certificate"
    )
}

/// What a client showed in its TLS handshake: the certificate whose key it has, and others that may
/// lead to somebody who is trusted.
struct PresentedChain {
    let leaf: ClientCertificate
    /// Authorities only: nothing else can stand in the middle of a chain.
    private let intermediates: [ClientCertificate]

    /// - Parameter certificates: DER, the client's own first; one or more.
    init(_ certificates: [[UInt8]]) throws(CertRefusal) {
        var parsed: [ClientCertificate] = []
        for (position, bytes) in certificates.enumerated() {
            do throws(WireError) {
                parsed.append(try ClientCertificate(bytes))
            } catch {
                throw CertRefusal(
                    "certificate \(position + 1) of the client cannot be read: \(error.summary)"
                )
            }
        }
        precondition(!parsed.isEmpty, "a client without a certificate is refused before")
        leaf = parsed[0]
        intermediates = parsed.dropFirst().filter(\.isAuthority)
    }

    /// The chain from the client's certificate to one that is trusted, both included; nil if there
    /// is none.
    ///
    /// - Throws: for a chain that there is and that does not count.
    func chain(
        to anchor: ClientCertificate,
        at now: Timestamp
    ) throws(CertRefusal) -> [ClientCertificate]? {
        let isLeaf = anchor.bytes == leaf.bytes
        // Most anchors are somebody else's: their names tell, before any signature is checked.
        guard isLeaf || anchor.isAuthority && isIssuer(anchor) else { return nil }
        do throws(ChainFailure) {
            let chain = try CertificateChain.verify(
                leaf.bytes,
                intermediates: intermediates.map(\.bytes),
                anchor: anchor.bytes,
                at: Int64(now.nanoseconds / 1_000_000_000)
            )
            let all = [leaf] + intermediates + [anchor]
            return chain.compactMap { bytes in all.first { $0.bytes == bytes } }
        } catch {
            switch error {
            case .unknownAuthority: return nil
            case .expired: throw CertRefusal(Self.refused + "it, or one above it, expired")
            case .notYetValid:
                throw CertRefusal(Self.refused + "it, or one above it, is not valid yet")
            case .invalid(let code):
                throw CertRefusal(Self.refused + "its chain breaks rule \(code) of X.509")
            }
        }
    }

    private static let refused = "failed to verify client's certificate: "

    private func isIssuer(_ anchor: ClientCertificate) -> Bool {
        leaf.issuer == anchor.subject || intermediates.contains { $0.issuer == anchor.subject }
    }
}

/// What a role wants of a certificate besides who made it, and what it takes from it.
struct CertRules {
    let role: CertRoleRecord

    func accept(_ leaf: ClientCertificate) -> Bool {
        let names = [leaf.commonName] + leaf.dnsNames + leaf.emails
        return matches(.names, names) && matches(.commonNames, [leaf.commonName])
            && matches(.dnsNames, leaf.dnsNames) && matches(.emails, leaf.emails)
            && matches(.uris, leaf.uris)
            && matches(.organizationalUnits, leaf.organizationalUnits)
            && (role.rules[.requiredExtensions] ?? []).allSatisfy { Self.has($0, leaf) }
    }

    /// The extensions that the role makes metadata of: `1.2.3` is `1-2-3` there.
    func metadata(_ leaf: ClientCertificate) throws(CertRefusal) -> [LoginGrant.Metadata] {
        var metadata: [LoginGrant.Metadata] = []
        let wanted = role.rules[.metadataExtensions] ?? []
        for found in leaf.extensions where wanted.contains(found.identifier) {
            let value = Self.text(found.value)
            guard value.utf8.count <= EngineLimits.claimMappingBytesMax else {
                throw CertRefusal(
                    "the extension \(found.identifier) of the certificate has "
                        + "\(value.utf8.count) bytes, the limit is "
                        + "\(EngineLimits.claimMappingBytesMax)"
                )
            }
            let name = found.identifier.replacing(".", with: "-")
            metadata.append(LoginGrant.Metadata(name: name, value: value))
        }
        return metadata
    }

    /// One of the patterns fits one of the texts; no pattern at all: anything does.
    private func matches(_ rule: CertRoleRecord.Rule, _ texts: [String]) -> Bool {
        let patterns = role.rules[rule] ?? []
        return patterns.isEmpty
            || patterns.contains { pattern in
                texts.contains { JWTClaims.glob(Array(pattern.utf8), Array($0.utf8)) }
            }
    }

    /// - Parameter required: see ``RequiredExtension``.
    private static func has(_ required: String, _ leaf: ClientCertificate) -> Bool {
        guard let rule = RequiredExtension(required),
            let found = leaf.extensions.first(where: { $0.identifier == rule.identifier })
        else { return false }
        return JWTClaims.glob(Array(rule.pattern.utf8), Array(text(found.value).utf8))
    }

    /// Empty for a value that is no text.
    private static func text(_ value: ArraySlice<UInt8>) -> String {
        var reader = DERReader(value)
        return (try? reader.read())?.text ?? ""
    }
}

/// One member of `required_extensions`: `1.2.3:text*`. A value that is no text is taken for an
/// empty one.
struct RequiredExtension {
    let identifier: String
    let pattern: String

    /// Nil for what names no extension and no pattern.
    init?(_ text: String) {
        let parts = text.utf8.split(
            separator: 0x3A,
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        guard parts.count == 2 else { return nil }
        identifier = String(Substring(parts[0]))
        pattern = String(Substring(parts[1]))
    }
}
