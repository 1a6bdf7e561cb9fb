import Cryptography
package import Store
import Wire

extension Keyring {
    /// What a batch's tag has to be.
    ///
    /// HMAC-SHA256(K_batch, label ‖ vault id 16 ‖ epoch u64 ‖ batch id 16 ‖ base index u64 ‖
    /// SHA-256 of the encoding without the tag). The label has its length in front; the rest has
    /// fixed lengths. The encoding repeats id and base index, and holds time and data-key ids.
    func tag(of batch: WriteBatch) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeString("holdfast/batch")
        writer.writeBytes(vaultID)
        writer.writeUInt64(epoch)
        writer.writeBytes(batch.requestID)
        writer.writeUInt64(batch.baseIndex)
        writer.writeBytes(sha256(batch.operationsDigestInput()))
        return batchTag(writer.bytes)
    }
}

/// Whether an unsealed node of this vault and epoch made this batch. Takes the same time wherever
/// the tags differ.
///
/// A node that holds no keyring cannot make a batch that verifies, even with a stolen node key. A
/// batch that does not verify was applied all the same by sealed nodes, since apply is keyless: who
/// finds one stops serving and raises the alarm.
package func verify(_ batch: WriteBatch, with keyring: Keyring) -> Bool {
    constantTimeEquals(keyring.tag(of: batch), batch.tag)
}
