import Cryptography
import Wire

extension Keyring {
    /// The tag that shows that an unsealed node of this vault and epoch made a configuration.
    ///
    /// HMAC-SHA256(K_batch, label ‖ vault id 16 ‖ epoch u64 ‖ SHA-256 of the configuration's
    /// bytes). The label has its length in front and is not the one of batches, so neither tag
    /// can stand for the other.
    ///
    /// - Parameter configuration: canonical bytes, which name their own revision: a tag cannot be
    ///   used for a second change.
    /// - Returns: 32 bytes.
    package func tag(ofConfiguration configuration: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeString("holdfast/configuration")
        writer.writeBytes(vaultID)
        writer.writeUInt64(epoch)
        writer.writeBytes(sha256(configuration))
        return batchTag(writer.bytes)
    }
}

/// Whether an unsealed node of this vault and epoch made this configuration. Takes the same time
/// wherever the tags differ.
package func verify(configuration: [UInt8], tag: [UInt8], with keyring: Keyring) -> Bool {
    constantTimeEquals(keyring.tag(ofConfiguration: configuration), tag)
}
