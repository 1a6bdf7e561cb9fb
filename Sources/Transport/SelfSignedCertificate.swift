import Crypto
import FoundationEssentials
import Glibc
import SwiftASN1
import X509

/// Makes certificates that vouch for nobody but themselves.
enum SelfSignedCertificate {
    /// For a client-facing server: valid for ten years from an hour ago (clocks differ), not an
    /// authority, with the names that clients dial. Go's and OpenSSL's verifiers accept such a
    /// certificate when it is itself in their list of trusted ones.
    ///
    /// - Parameters:
    ///   - names: checked DNS names and IP addresses, one or more.
    ///   - now: seconds since 1970.
    /// - Returns: PEM text.
    static func forServer(
        key: P256.Signing.PrivateKey,
        names: [ServerName],
        now: Int
    ) throws -> String {
        let publicKey = Certificate.PublicKey(key.publicKey)
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        let extensions = try Certificate.Extensions {
            // No key usage: one without certificate signing keeps BoringSSL from taking the
            // certificate as its own issuer, one with it contradicts the line above it.
            Critical(BasicConstraints.notCertificateAuthority)
            try ExtendedKeyUsage([.serverAuth])
            identifier
            AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
            SubjectAlternativeNames(names.map(\.generalName))
        }
        let tenYears = 3_653 * 86_400
        return try make(
            key: key,
            organisation: "Holdfast server",
            extensions: extensions,
            validity: (now - 3_600, now + tenYears)
        )
    }

    /// For a member: peers look at the key only, so the certificate never has to be renewed.
    ///
    /// - Returns: PEM text.
    static func forMember(key: P256.Signing.PrivateKey) throws -> String {
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
        }
        // From 2020 to the last moment that the format can say.
        return try make(
            key: key,
            organisation: "Holdfast member",
            extensions: extensions,
            validity: (1_577_836_800, 253_402_300_799)
        )
    }

    private static func make(
        key: P256.Signing.PrivateKey,
        organisation: String,
        extensions: Certificate.Extensions,
        validity: (first: Int, last: Int)
    ) throws -> String {
        let publicKey = Certificate.PublicKey(key.publicKey)
        let mark = SubjectKeyIdentifier(hash: publicKey).keyIdentifier.prefix(8)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        // The key's mark in the name keeps the certificates of several nodes apart in one file.
        let subject = try DistinguishedName {
            OrganizationName(organisation)
            CommonName("holdfast \(mark)")
        }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: Date(timeIntervalSince1970: Double(validity.first)),
            notValidAfter: Date(timeIntervalSince1970: Double(validity.last)),
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        return try certificate.serializeAsPEM().pemString + "\n"
    }

    /// The names that a certificate carries, in the text form of ``ServerName``.
    static func names(inPEM text: String) throws -> [String] {
        let certificate = try Certificate(pemEncoded: text)
        guard let names = try certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .dnsName(let text): text
            case .ipAddress(let octets): ServerName.text(ofAddress: Array(octets.bytes))
            default: nil
            }
        }
    }
}

/// One name that a server certificate can carry.
enum ServerName: Equatable {
    case dns(String)
    /// 4 or 16 bytes.
    case address([UInt8])

    /// - Throws: ``TransportError/name(_:)`` for text that is neither.
    init(_ text: String) throws(TransportError) {
        if let address = Self.address(text) {
            self = .address(address)
            return
        }
        let labels = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard (1...253).contains(text.utf8.count), labels.allSatisfy(Self.isLabel) else {
            throw .name(text)
        }
        self = .dns(text)
    }

    var generalName: GeneralName {
        switch self {
        case .dns(let text): .dnsName(text)
        case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
    }

    /// Names compare equal in this form: addresses as the system writes them.
    var text: String {
        switch self {
        case .dns(let text): text
        case .address(let bytes): Self.text(ofAddress: bytes) ?? ""
        }
    }

    static func text(ofAddress bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            return nil
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }

    private static func address(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        if unsafe inet_pton(AF_INET6, text, &bytes) == 1 { return bytes }
        return nil
    }

    private static func isLabel(_ label: Substring.UTF8View.SubSequence) -> Bool {
        (1...63).contains(label.count)
            && label.allSatisfy { byte in
                switch byte {
                case 0x2A, 0x2D, 0x5F, 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: false
                }
            }
    }
}
