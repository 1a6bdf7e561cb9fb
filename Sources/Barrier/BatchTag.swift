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

extension Keyring {
    /// The same batch with the hash of the audit leaf that announces it, tagged anew: whoever has
    /// the log sees that the write was on the record before it was proposed.
    ///
    /// The hash rides as the check that nothing is stored under it as a key. That is always so, for
    /// storage keys are HMACs; and no member needs to know what it is to evaluate the batch alike.
    /// - Parameter leaf: 32 bytes.
    package func announced(_ batch: WriteBatch, by leaf: [UInt8]) -> WriteBatch {
        guard let key = StorageKey(leaf) else { preconditionFailure("a leaf's hash has 32 bytes") }
        var operations = batch.operations
        let place = operations.firstIndex { operation in
            switch operation {
            case .once, .check: false
            case .put, .delete, .ensure, .prune: true
            }
        }
        operations.insert(
            .check(key, modificationIndex: 0),
            at: place ?? operations.endIndex
        )
        var announced = WriteBatch(
            requestID: batch.requestID,
            baseIndex: batch.baseIndex,
            time: batch.time,
            dataKeyIDs: batch.dataKeyIDs,
            operations: operations
        )
        announced.tag = tag(of: announced)
        return announced
    }
}
