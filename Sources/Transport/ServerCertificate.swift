import Crypto
import Cryptography
import Glibc
package import Logging
import NIOCore
import NIOSSL
import SwiftASN1
import X509

/// Certificate chain and private key of the client-facing server, ready for use.
package struct TLSMaterial: Sendable {
    /// The certificate file as it is. Of a self-made one this is what clients take as CA file.
    package let certificatePEM: String
    /// SHA-256 over the leaf's SubjectPublicKeyInfo, 32 bytes.
    package let leafPin: [UInt8]

    private let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey

    init(
        certificatePEM: [UInt8],
        keyPEM: [UInt8],
        paths: (certificate: String, key: String)
    ) throws(TransportError) {
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(certificatePEM)
            leafPin = try chain.first.map(Pin.of) ?? []
        } catch {
            throw .malformed(path: paths.certificate, reason: "not a PEM certificate")
        }
        do {
            key = try NIOSSLPrivateKey(bytes: keyPEM, format: .pem)
        } catch {
            throw .malformed(path: paths.key, reason: "not a PEM private key without passphrase")
        }
        self.certificatePEM = String(decoding: certificatePEM, as: UTF8.self)
        guard !leafPin.isEmpty, (try? serverContext()) != nil else {
            throw .keyMismatch(certificate: paths.certificate, key: paths.key)
        }
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 only, hybrid post-quantum key exchange where the client can.
    ///
    /// Clients are asked for a certificate, and need none. A client that shows one has to prove
    /// that it has the key, as TLS wants it; who made it is not for this layer to judge, so no
    /// authority is trusted here, and ``ClientChain/accept(_:_:)`` stands in for the check.
    func serverContext() throws(TransportError) -> NIOSSLContext {
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        settings.certificateVerification = .optionalVerification
        settings.trustRoots = .certificates([])
        settings.minimumTLSVersion = .tlsv12
        settings.applicationProtocols = ["http/1.1"]
        settings.curves = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1]
        settings.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw .tls(String(describing: error))
        }
    }
}

/// Where the client-facing server's certificate comes from.
package enum ServerCertificate {
    /// Names of the self-made files within the data folder.
    package static let certificateName = "api-certificate.pem"
    package static let keyName = "api-key.pem"
    /// Damaged files of one name that are kept.
    private static let damagedFilesMax = 1_000

    /// Loads what the operator has provided.
    ///
    /// - Parameters:
    ///   - certificatePath: PEM, leaf first, then intermediates.
    ///   - keyPath: PEM, no passphrase. Its mode is the operator's business.
    package static func load(
        certificatePath: String,
        keyPath: String
    ) throws(TransportError) -> TLSMaterial {
        guard let certificate = try PrivateFile.read(certificatePath, isSecret: false) else {
            throw .file(path: certificatePath, operation: "open", code: ENOENT)
        }
        guard let key = try PrivateFile.read(keyPath, isSecret: false) else {
            throw .file(path: keyPath, operation: "open", code: ENOENT)
        }
        return try TLSMaterial(
            certificatePEM: certificate,
            keyPEM: key,
            paths: (certificatePath, keyPath)
        )
    }

    /// Loads the self-made certificate of this data folder, or makes it at the first start.
    ///
    /// One that exists is kept even when `names` has grown, because clients hold copies of it;
    /// the log then says which names are missing and what to do. One that is damaged, or whose key
    /// is, proves nothing to anyone: both files are put under other names and new ones are made,
    /// since a node with whole data should not stay down for them.
    ///
    /// - Parameters:
    ///   - folder: the data folder, without a trailing slash.
    ///   - names: DNS names and IP addresses under which clients dial, one or more.
    package static func loadOrCreate(
        folder: String,
        names: [String],
        logger: Logger
    ) throws(TransportError) -> TLSMaterial {
        var wanted: [ServerName] = []
        for name in names {
            let name = try ServerName(name)
            if !wanted.contains(name) { wanted.append(name) }
        }
        precondition(!wanted.isEmpty, "a server certificate needs a name")
        let paths = (certificate: "\(folder)/\(certificateName)", key: "\(folder)/\(keyName)")
        do {
            let key = try PrivateFile.read(paths.key, isSecret: true)
            let certificate = try PrivateFile.read(paths.certificate, isSecret: false)
            if let key, let certificate {
                return try load(certificate, key, paths, wanted, logger)
            }
            if certificate != nil { try replace(paths, "there is no \(paths.key)", logger) }
        } catch {
            switch error {
            case .malformed, .keyMismatch: try replace(paths, error.summary, logger)
            default: throw error
            }
        }
        return try create(paths, wanted)
    }

    private static func load(
        _ certificate: [UInt8],
        _ key: [UInt8],
        _ paths: (certificate: String, key: String),
        _ wanted: [ServerName],
        _ logger: Logger
    ) throws(TransportError) -> TLSMaterial {
        let material = try TLSMaterial(certificatePEM: certificate, keyPEM: key, paths: paths)
        guard SelfSignedCertificate.isAsSigned(inPEM: material.certificatePEM) else {
            throw .malformed(path: paths.certificate, reason: "it is not what was signed")
        }
        try compare(certificate, with: wanted, path: paths.certificate, logger: logger)
        return material
    }

    /// Makes room for a new pair. The key goes first: one that is left alone is overwritten.
    private static func replace(
        _ paths: (certificate: String, key: String),
        _ reason: String,
        _ logger: Logger
    ) throws(TransportError) {
        let aside = [try putAside(paths.key), try putAside(paths.certificate)]
        logger.error(
            """
            the certificate for clients cannot be used: \(reason); a new one is made, and the \
            old files are kept as \(aside.compactMap(\.self).joined(separator: " and ")); clients \
            that hold a copy of the old certificate refuse this node until they are given the \
            new \(paths.certificate)
            """
        )
    }

    /// Gives a file a name that nothing else has.
    ///
    /// - Returns: the new name, or nil when there is no such file.
    private static func putAside(_ path: String) throws(TransportError) -> String? {
        for number in 1...damagedFilesMax {
            let aside = "\(path).damaged-\(number)"
            // Unlike renaming, this never takes the name of another file away.
            if unsafe link(path, aside) == 0 {
                guard unsafe unlink(path) == 0 else {
                    throw .file(path: path, operation: "put aside", code: errno)
                }
                return aside
            }
            if errno == ENOENT { return nil }
            guard errno == EEXIST else {
                throw .file(path: path, operation: "put aside", code: errno)
            }
        }
        throw .file(path: path, operation: "put aside", code: EEXIST)
    }

    /// A key without certificate is what a crash between the two writes leaves; it is replaced.
    private static func create(
        _ paths: (certificate: String, key: String),
        _ names: [ServerName]
    ) throws(TransportError) -> TLSMaterial {
        let key = P256.Signing.PrivateKey()
        let keyPEM = Array((key.pemRepresentation + "\n").utf8)
        let certificate: [UInt8]
        do {
            let now = time(nil)
            let text = try SelfSignedCertificate.forServer(key: key, names: names, now: now)
            certificate = Array(text.utf8)
        } catch {
            throw .malformed(path: paths.certificate, reason: String(describing: error))
        }
        try PrivateFile.write(keyPEM, to: paths.key, mode: 0o600)
        try PrivateFile.write(certificate, to: paths.certificate, mode: 0o644)
        return try TLSMaterial(certificatePEM: certificate, keyPEM: keyPEM, paths: paths)
    }

    private static func compare(
        _ certificate: [UInt8],
        with names: [ServerName],
        path: String,
        logger: Logger
    ) throws(TransportError) {
        let have: [String]
        do {
            have = try SelfSignedCertificate.names(
                inPEM: String(decoding: certificate, as: UTF8.self)
            )
        } catch {
            throw .malformed(path: path, reason: "not a PEM certificate")
        }
        let missing = names.map(\.text).filter { !have.contains($0) }
        guard !missing.isEmpty else { return }
        logger.warning(
            """
            \(path) does not cover \(missing.joined(separator: ", ")); delete it and restart to \
            have a new one made, then give the new one to clients
            """
        )
    }
}

extension SelfSignedCertificate {
    /// Whether a certificate of this program is still, bit for bit, what its key has signed. Of a
    /// certificate that somebody else has made and put in its place nothing is known here.
    ///
    /// A changed bit may leave it readable, and no client that holds a copy would accept it.
    static func isAsSigned(inPEM text: String) -> Bool {
        guard let certificate = try? Certificate(pemEncoded: text) else { return false }
        let names = [certificate.subject, certificate.issuer]
        // One of the two may be what is damaged.
        guard names.contains(where: { "\($0)".contains(serverOrganisation) }) else { return true }
        return certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    private static let serverOrganisation = "Holdfast server"
}

/// A pin: SHA-256 over a certificate's SubjectPublicKeyInfo in DER, 32 bytes.
enum Pin {
    static func of(_ certificate: NIOSSLCertificate) throws -> [UInt8] {
        sha256(try certificate.extractPublicKey().toSPKIBytes())
    }
}
