package import Wire

/// What can go wrong before a connection exists: addresses, files, keys, certificates.
///
/// Trouble on a connection is never thrown; it ends that connection and is logged.
package enum TransportError: OperatorError, Equatable {
    /// The text is not `host:port`.
    case address(String)
    /// The address cannot be listened on.
    case bind(address: String, reason: String)
    /// A system call on a file failed.
    case file(path: String, operation: String, code: Int32)
    /// A key file can be read by others than its owner.
    case keyExposed(path: String, mode: UInt32)
    /// A file is not the key or certificate that it should be.
    case malformed(path: String, reason: String)
    /// Certificate and key are no pair.
    case keyMismatch(certificate: String, key: String)
    /// A name that a certificate cannot carry.
    case name(String)
    /// The TLS library refused the settings.
    case tls(String)

    package var blame: Blame {
        switch self {
        case .tls: .bug
        default: .operator
        }
    }

    package var summary: String {
        switch self {
        case .address(let text): "\"\(text)\" is not an address of the form host:port"
        case .bind(let address, let reason): "cannot listen on \(address): \(reason)"
        case .file(let path, let operation, let code):
            "cannot \(operation) \(path): error \(code) (\(errorText(code)))"
        case .keyExposed(let path, let mode):
            "\(path) has mode 0\(String(mode, radix: 8)), so others can read this private key"
        case .malformed(let path, let reason): "\(path) is unusable: \(reason)"
        case .keyMismatch(let certificate, let key):
            "the key in \(key) does not belong to the certificate in \(certificate)"
        case .name(let text): "\"\(text)\" is neither a DNS name nor an IP address"
        case .tls(let reason): "the TLS library refused its settings: \(reason)"
        }
    }

    package var remedy: String {
        switch self {
        case .address: "write it like 10.0.0.1:8200, vault.example.com:8200 or [2001:db8::1]:8200"
        case .bind: "check that the address is this machine's and that no other process holds it"
        case .file: "check the path, its owner and the free space, then start again"
        case .keyExposed(let path, _): "run chmod 600 \(path), and consider the key known to others"
        case .malformed: "restore the file from a copy, or move it away to have a new one made"
        case .keyMismatch: "give the certificate and the key that were issued together"
        case .name: "correct the name in the settings"
        case .tls: "report this with the settings in use"
        }
    }
}
