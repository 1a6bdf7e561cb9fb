import Cryptography
import Raft
import Wire

/// What an operator carries to a node that is to join: the id of a join token, and the secret of
/// which the replicated configuration knows only the digest.
struct JoinSecret: Equatable, Sendable {
    static let secretBytes = 32
    private static let prefix = "hfj1."

    /// Of the ``Raft/JoinToken``.
    let tokenID: UInt64
    let secret: [UInt8]

    /// A new one, from the system's randomness.
    static func make() throws(CryptographyError) -> JoinSecret {
        JoinSecret(tokenID: try Random.uint64() >> 1, secret: try Random.bytes(secretBytes))
    }

    private init(tokenID: UInt64, secret: [UInt8]) {
        self.tokenID = tokenID
        self.secret = secret
    }

    /// What ``text`` wrote, or nil.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix),
            let bytes = Base64.decodeURL(String(text.dropFirst(Self.prefix.count))),
            bytes.count == 8 + Self.secretBytes
        else { return nil }
        var reader = ByteReader(bytes)
        guard let id = try? reader.readUInt64() else { return nil }
        tokenID = id
        secret = Array(bytes[8...])
    }

    /// For an operator to carry over; whoever has it can join.
    var text: String {
        var writer = ByteWriter(capacity: 8 + Self.secretBytes)
        writer.writeUInt64(tokenID)
        writer.writeBytes(secret)
        return Self.prefix + Base64.encodeURL(writer.bytes)
    }

    /// SHA-256 of the secret: what the configuration keeps.
    var digest: [UInt8] { sha256(secret) }
}
