import Crypto
import Cryptography
import NIOCore
import NIOSSL
import Wire

/// The key pair that a node is known by among its peers.
///
/// The node makes it itself and nobody signs it: members keep each other's pins in the
/// replicated configuration. The certificate that TLS needs is made anew at every start.
package struct NodeIdentity: Sendable {
    /// Name of the key file within the data folder.
    package static let keyName = "node-key.pem"

    /// SHA-256 over the public key's SubjectPublicKeyInfo in DER, 32 bytes.
    package let pin: [UInt8]
    /// The pin as 64 hexadecimal digits.
    package var pinText: String { Hex.encode(pin) }

    private let certificate: NIOSSLCertificate
    private let key: NIOSSLPrivateKey

    /// Loads the key of this data folder, or makes one at the first start (P-256, mode 0600).
    ///
    /// - Parameter folder: the data folder, without a trailing slash.
    /// - Throws: when the file is damaged or readable by others. Such a file is never replaced,
    ///   because the node would become a stranger to its peers.
    package static func loadOrCreate(folder: String) throws(TransportError) -> NodeIdentity {
        let path = "\(folder)/\(keyName)"
        if let bytes = try PrivateFile.read(path, isSecret: true) {
            let text = String(decoding: bytes, as: UTF8.self)
            guard let key = try? P256.Signing.PrivateKey(pemRepresentation: text) else {
                throw .malformed(path: path, reason: "not a PEM private key on curve P-256")
            }
            return try NodeIdentity(key, path: path)
        }
        let key = P256.Signing.PrivateKey()
        try PrivateFile.write(
            Array((key.pemRepresentation + "\n").utf8),
            to: path,
            mode: 0o600
        )
        return try NodeIdentity(key, path: path)
    }

    private init(_ key: P256.Signing.PrivateKey, path: String) throws(TransportError) {
        do {
            let text = try SelfSignedCertificate.forMember(key: key)
            certificate = try NIOSSLCertificate(bytes: Array(text.utf8), format: .pem)
            self.key = try NIOSSLPrivateKey(
                bytes: Array(key.pemRepresentation.utf8),
                format: .pem
            )
            pin = try Pin.of(certificate)
        } catch {
            throw .malformed(path: path, reason: String(describing: error))
        }
    }

    /// TLS 1.3 only, with a certificate on both sides; whom to trust is decided per connection.
    func context(isServer: Bool) throws(TransportError) -> NIOSSLContext {
        var settings =
            isServer
            ? TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(certificate)],
                privateKey: .privateKey(key)
            )
            : TLSConfiguration.makeClientConfiguration()
        settings.certificateChain = [.certificate(certificate)]
        settings.privateKey = .privateKey(key)
        settings.minimumTLSVersion = .tlsv13
        settings.certificateVerification = .noHostnameVerification
        // The pin check replaces the library's; this keeps it from loading the system's list.
        settings.trustRoots = .certificates([certificate])
        settings.curves = [.x25519_MLKEM768, .x25519]
        settings.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw .tls(String(describing: error))
        }
    }
}
