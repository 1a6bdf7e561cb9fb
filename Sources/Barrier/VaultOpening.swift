package import Store
import Wire

/// The time between init and the first unseal, when a vault may still be given up.
///
/// The answer to init carries the shares. If it is lost, nobody can ever open the vault, and it
/// holds nothing yet: then it may be abandoned and another one made. The first unseal writes an
/// opened record, and after that a vault is never abandoned.
///
/// Creating and abandoning are the only batches that a leader takes without a key, so their shape
/// is checked exactly: ``isCreation(_:)``, ``isAbandonment(_:)``.
package enum VaultOpening {
    static let formatVersion: UInt8 = 1

    /// Whether this store's vault was unsealed once. False also if there is no vault.
    ///
    /// - Throws: ``BarrierError/hierarchyDamaged(_:reason:)``, `hierarchyFormat`, `store`.
    package static func isOpened(_ view: borrowing ReadView) throws(BarrierError) -> Bool {
        guard let record = try load(ClearRecord.openedKey, view) else { return false }
        var reader = try ClearRecord.reader(
            of: record,
            .openedRecord,
            format: Self.formatVersion
        )
        do throws(WireError) {
            _ = try reader.readUInt64()
            _ = try reader.readBytes(BarrierLimits.idBytes)
            try reader.finish()
        } catch {
            throw .hierarchyDamaged(.openedRecord, reason: error.summary)
        }
        return true
    }

    /// Records that the vault was opened. Layout: format u8, 1 · time u64, nanoseconds since 1970 ·
    /// vault id 16.
    ///
    /// The batch is rejected, harmlessly, if another node was first.
    package static func openedBatch(
        keyring: Keyring,
        view: borrowing ReadView,
        time: UInt64,
        entropy: consuming Entropy
    ) throws(BarrierError) -> WriteBatch {
        let requestID = entropy.bytes(BarrierLimits.idBytes)
        var builder = BatchBuilder(
            keyring: keyring,
            baseIndex: view.evaluatedIndex,
            requestID: requestID,
            time: time,
            entropy: entropy
        )
        var writer = ByteWriter(capacity: 32)
        writer.writeUInt8(formatVersion)
        writer.writeUInt64(time)
        writer.writeBytes(keyring.vaultID)
        builder.checkClear(ClearRecord.openedKey, modificationIndex: 0)
        builder.putClear(ClearRecord.openedKey, writer.bytes)
        return try builder.finish()
    }

    /// Gives up a vault that was never opened: removes seal record, keyring record, audit keys and
    /// all mount keys. What the vault's first batch wrote besides stays as ciphertext that no key
    /// opens.
    ///
    /// - Parameter requestID: 16 bytes.
    /// - Returns: a batch whose tag is 32 zero bytes, for no key is at hand; nil without a vault.
    /// - Throws: ``BarrierError/alreadyOpened``.
    package static func abandonBatch(
        view: borrowing ReadView,
        requestID: [UInt8],
        time: UInt64
    ) throws(BarrierError) -> WriteBatch? {
        guard let sealRecord = try load(ClearRecord.sealKey, view) else { return nil }
        guard try !isOpened(view) else { throw .alreadyOpened }
        var operations: [BatchOperation] = [
            .check(ClearRecord.sealKey, modificationIndex: sealRecord.modificationIndex),
            .check(ClearRecord.openedKey, modificationIndex: 0),
            .delete(ClearRecord.sealKey),
            .delete(ClearRecord.keyringKey),
            .delete(ClearRecord.auditKey),
        ]
        do {
            try view.scanHeads(ClearRecord.mountKeys) { key, _ in
                operations.append(.delete(key))
                return true
            }
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            preconditionFailure("a scan throws what its body or the store throws")
        }
        return WriteBatch(
            requestID: requestID,
            baseIndex: view.evaluatedIndex,
            time: time,
            dataKeyIDs: [],
            operations: operations
        )
    }

    /// Whether a batch creates a vault where there is none, and does nothing else.
    ///
    /// It begins with the check that there is no seal record; then come checks that something is
    /// absent, and writes, one of which is the seal record and one the keyring record. It deletes
    /// nothing and does not touch the opened record.
    package static func isCreation(_ batch: WriteBatch) -> Bool {
        guard batch.operations.first == .check(ClearRecord.sealKey, modificationIndex: 0) else {
            return false
        }
        var sealRecords = 0
        var keyrings = 0
        for operation in batch.operations {
            switch operation {
            case .check(_, let modificationIndex):
                guard modificationIndex == 0 else { return false }
            case .put(let key, _), .ensure(let key, _):
                guard key != ClearRecord.openedKey else { return false }
                sealRecords += key == ClearRecord.sealKey ? 1 : 0
                keyrings += key == ClearRecord.keyringKey ? 1 : 0
            case .delete, .prune, .once:
                return false
            }
        }
        return sealRecords == 1 && keyrings == 1
    }

    /// Whether a batch abandons a vault that was never opened, and does nothing else: exactly the
    /// checks and deletes of ``abandonBatch(view:requestID:time:)``, in that order.
    package static func isAbandonment(_ batch: WriteBatch) -> Bool {
        let operations = batch.operations
        guard operations.count >= 5,
            case .check(ClearRecord.sealKey, let written) = operations[0], written > 0,
            operations[1] == .check(ClearRecord.openedKey, modificationIndex: 0),
            operations[2] == .delete(ClearRecord.sealKey),
            operations[3] == .delete(ClearRecord.keyringKey),
            operations[4] == .delete(ClearRecord.auditKey)
        else { return false }
        return operations.dropFirst(5).allSatisfy { operation in
            guard case .delete(let key) = operation else { return false }
            return key.directory == ClearRecord.mountKeys
        }
    }

    private static func load(
        _ key: StorageKey,
        _ view: borrowing ReadView
    ) throws(BarrierError) -> Record? {
        do throws(StoreError) {
            return try view.record(key)
        } catch {
            throw .store(error)
        }
    }
}
