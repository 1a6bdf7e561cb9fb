import Cryptography
import Transport
import Wire

/// Shows that a request comes from somebody who can read this node's data folder.
///
/// A fresh secret lies in the folder (mode 0600) while the node runs; whoever sends it back may do
/// what needs presence on the machine but no token, such as abandoning a vault nobody can open.
package struct LocalProof: Sendable {
    /// The header that carries it, in hex.
    package static let header = "X-Holdfast-Local"
    private static let fileName = "local-proof"
    private let secret: [UInt8]

    /// Makes a new secret, which replaces the one of an earlier process.
    init(folder: String) throws {
        secret = try Random.bytes(32)
        let path = Self.path(folder)
        try PrivateFile.writeSecret(Array(Hex.encode(secret).utf8), to: path)
    }

    /// What to send to the node with this data folder, in hex.
    ///
    /// - Returns: nil when there is none, so no node runs on it.
    /// - Throws: `TransportError` when the file cannot be read.
    package static func read(_ folder: String) throws -> String? {
        try PrivateFile.readSecret(path(folder)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func path(_ folder: String) -> String { "\(folder)/\(fileName)" }

    /// Compares in constant time.
    func holds(_ text: String?) -> Bool {
        guard let text, let given = Hex.decode(text) else { return false }
        return constantTimeEquals(given, secret)
    }
}
