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
    /// The first line of a key file that this program has made, which no reader of PEM looks at.
    private static let keyMark = "Holdfast server key\n"

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
    /// since a node with whole data should not stay down for them. But only where it is certain
    /// that this program made them: an operator's own files in their place are never replaced.
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
        var fault: String?
        do {
            let key = try PrivateFile.read(paths.key, isSecret: true)
            let certificate = try PrivateFile.read(paths.certificate, isSecret: false)
            if let key, let certificate {
                return try load(certificate, key, paths, wanted, logger)
            }
            if certificate != nil { fault = "there is no \(paths.key)" }
        } catch {
            switch error {
            case .malformed(paths.certificate, let reason): fault = reason
            case .malformed, .keyMismatch: fault = error.summary
            default: throw error
            }
        }
        if let fault {
            try requireSelfMade(paths, fault)
            try replace(paths, fault, logger)
        } else if let key = try PrivateFile.read(paths.key, isSecret: true), !isSelfMade(key: key) {
            _ = try putAside(paths.key)
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
        switch SelfSignedCertificate.maker(ofPEM: certificate) {
        case .program, .other: break
        case .programDamaged:
            throw .malformed(path: paths.certificate, reason: "it is not what was signed")
        case .several:
            throw .malformed(path: paths.certificate, reason: "there is more than one in it")
        case .partly:
            let reason = "only one of its subject and its issuer is this program's"
            throw .malformed(path: paths.certificate, reason: reason)
        case .unknown:
            throw .malformed(path: paths.certificate, reason: "not a PEM certificate")
        }
        try compare(certificate, with: wanted, path: paths.certificate, logger: logger)
        return material
    }

    /// - Throws: ``TransportError/malformed(path:reason:)`` unless it is certain that this program
    ///   made a pair that cannot be used.
    private static func requireSelfMade(
        _ paths: (certificate: String, key: String),
        _ fault: String
    ) throws(TransportError) {
        let certificate = try? PrivateFile.read(paths.certificate, isSecret: false)
        switch SelfSignedCertificate.maker(ofPEM: certificate ?? []) {
        case .program, .programDamaged: return
        case .unknown:
            let key = try? PrivateFile.read(paths.key, isSecret: true)
            if let key, isSelfMade(key: key) { return }
        case .several, .partly, .other: break
        }
        throw .malformed(
            path: paths.certificate,
            reason: """
                \(fault); it is not certain that this node made it, so no new one is made: if the \
                certificate is your own, put it and its key elsewhere and name both in the \
                settings, tls.certificate and tls.key; otherwise move it and \(paths.key) away
                """
        )
    }

    private static func isSelfMade(key: [UInt8]) -> Bool { key.starts(with: keyMark.utf8) }

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
    /// - Parameter link: gives a file a second name, and returns 0 or an error number.
    /// - Returns: the new name, or nil when there is no such file.
    static func putAside(
        _ path: String,
        link: (String, String) -> Int32 = ServerCertificate.link
    ) throws(TransportError) -> String? {
        for number in 1...damagedFilesMax {
            let aside = "\(path).damaged-\(number)"
            // Unlike renaming, this never takes the name of another file away.
            var code = link(path, aside)
            if code == 0 {
                code = unsafe unlink(path) == 0 ? 0 : errno
            } else if code == EPERM || code == EOPNOTSUPP || code == ENOSYS {
                // Not every file system has second names. Nobody else writes to the folder.
                code = moveToFreeName(path, aside)
            }
            switch code {
            case 0: return aside
            case ENOENT: return nil
            case EEXIST: continue
            default: throw .file(path: path, operation: "put aside", code: code)
            }
        }
        throw .file(path: path, operation: "put aside", code: EEXIST)
    }

    private static func link(_ path: String, _ name: String) -> Int32 {
        unsafe Glibc.link(path, name) == 0 ? 0 : errno
    }

    private static func moveToFreeName(_ path: String, _ name: String) -> Int32 {
        var status = stat()
        if unsafe lstat(name, &status) == 0 { return EEXIST }
        guard errno == ENOENT else { return errno }
        return unsafe rename(path, name) == 0 ? 0 : errno
    }

    /// A key without certificate is what a crash between the two writes leaves; it is replaced.
    private static func create(
        _ paths: (certificate: String, key: String),
        _ names: [ServerName]
    ) throws(TransportError) -> TLSMaterial {
        let key = P256.Signing.PrivateKey()
        let keyPEM = Array((keyMark + key.pemRepresentation + "\n").utf8)
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
    /// Who made what is in a certificate file, as far as the file itself tells.
    enum Maker {
        /// This program, and it is bit for bit what its key has signed.
        case program
        /// This program, and it is not. A changed bit may leave it readable, but no client that
        /// holds a copy would accept it.
        case programDamaged
        /// One of its two names is this program's: the other one may be damaged, or that of an
        /// authority which was given ours.
        case partly
        /// Somebody else: nothing is known about it here.
        case other
        /// More than one certificate, which this program never writes.
        case several
        /// It cannot be read as a certificate.
        case unknown
    }

    static func maker(ofPEM bytes: [UInt8]) -> Maker {
        let text = String(decoding: bytes, as: UTF8.self)
        if text.split(separator: "-----BEGIN ", omittingEmptySubsequences: false).count > 2 {
            return .several
        }
        // As the server reads it: that minds how lines are broken less than a check of names.
        guard let der = try? NIOSSLCertificate.fromPEMBytes(bytes).first?.toDERBytes(),
            let certificate = try? Certificate(derEncoded: der)
        else { return .unknown }
        switch (isOwn(certificate.subject), isOwn(certificate.issuer)) {
        case (false, false): return .other
        case (true, false), (false, true):
            return areAlike(certificate.subject, certificate.issuer) ? .programDamaged : .partly
        case (true, true):
            let isAsSigned = certificate.publicKey.isValidSignature(
                certificate.signature,
                for: certificate
            )
            return isAsSigned ? .program : .programDamaged
        }
    }

    /// Whether two names were one before a bit of its PEM flipped, which is in two bytes at most. A
    /// certificate of this program has the same subject and issuer; nobody else's name is so near.
    private static func areAlike(_ left: DistinguishedName, _ right: DistinguishedName) -> Bool {
        func encoded(_ name: DistinguishedName) -> [UInt8] {
            var serializer = DER.Serializer()
            do {
                try serializer.serialize(name)
            } catch {
                return []
            }
            return serializer.serializedBytes
        }
        let (left, right) = (encoded(left), encoded(right))
        return !left.isEmpty && left.count == right.count
            && zip(left, right).count { $0 != $1 } <= 2
    }

    /// Whether a name is one that ``forServer(key:names:now:)`` writes, of whatever key.
    private static func isOwn(_ name: DistinguishedName) -> Bool {
        let text = "\(name)"
        return name.count == 2 && text.contains("O=Holdfast server")
            && text.contains("CN=holdfast ")
    }
}

/// A pin: SHA-256 over a certificate's SubjectPublicKeyInfo in DER, 32 bytes.
enum Pin {
    static func of(_ certificate: NIOSSLCertificate) throws -> [UInt8] {
        sha256(try certificate.extractPublicKey().toSPKIBytes())
    }
}
