import Cryptography
import Store
import Wire

/// Where a record stands and what sealed it. Every box is bound to all of it, so a record that is
/// moved, relabelled or copied into another vault does not open.
struct RecordPlace {
    /// The format of boxes and of this binding.
    static let formatVersion: UInt8 = 1

    let vaultID: [UInt8]
    let mount: MountID
    let key: StorageKey
    let flags: UInt8

    /// Which box of the record.
    enum Box: UInt8 {
        case name = 1
        case value = 2

        /// As it appears in a sentence.
        var text: String { self == .name ? "name" : "value" }
    }

    /// Associated data: label · format u8 · flags u8 · box u8 · data-key id u32 · vault id 16 ·
    /// mount id 16 · storage key 32. Every field has a fixed length.
    func associatedData(_ box: Box, dataKeyID: UInt32) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeBytes(Self.label)
        writer.writeUInt8(Self.formatVersion)
        writer.writeUInt8(flags)
        writer.writeUInt8(box.rawValue)
        writer.writeUInt32(dataKeyID)
        writer.writeBytes(vaultID)
        writer.writeBytes(mount.bytes)
        writer.writeBytes(key.bytes)
        return writer.bytes
    }

    /// The storage key in hex, for errors.
    var text: String { Hex.encode(key.bytes) }

    private static let label = Array("holdfast/record".utf8)
}

extension XAESKey {
    /// A box: nonce of 24 bytes, then ciphertext and tag.
    func box(
        _ plaintext: [UInt8],
        associatedData: [UInt8],
        entropy: inout Entropy
    ) -> [UInt8] {
        let nonce = entropy.nonce(sealing: plaintext.span, associatedData: associatedData)
        return nonce + seal(plaintext, nonce: nonce, associatedData: associatedData)
    }

    /// A box around a secret, which never enters ordinary memory.
    func box(
        secret: borrowing SecretBytes,
        associatedData: [UInt8],
        entropy: inout Entropy
    ) -> [UInt8] {
        let nonce = secret.withBytes {
            entropy.nonce(sealing: $0, associatedData: associatedData)
        }
        return nonce + seal(secret: secret, nonce: nonce, associatedData: associatedData)
    }

    /// What is in a box.
    func unbox(_ box: [UInt8], associatedData: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard box.count >= BarrierLimits.boxOverheadBytes else { throw .authenticationFailed }
        return try open(
            Array(box[Self.nonceBytes...]),
            nonce: Array(box[..<Self.nonceBytes]),
            associatedData: associatedData
        )
    }

    /// The secret in a box.
    func unboxSecret(
        _ box: [UInt8],
        associatedData: [UInt8]
    ) throws(CryptographyError) -> SecretBytes {
        guard box.count > BarrierLimits.boxOverheadBytes else { throw .authenticationFailed }
        return try openSecret(
            Array(box[Self.nonceBytes...]),
            nonce: Array(box[..<Self.nonceBytes]),
            associatedData: associatedData
        )
    }
}

extension MountKeys {
    /// Seals a value under the newest data key.
    func seal(
        value: [UInt8],
        at place: RecordPlace,
        name: ArraySlice<UInt8>,
        entropy: inout Entropy
    ) throws(BarrierError) -> Record {
        guard value.count <= BarrierLimits.valueBytesMax else {
            throw .valueTooLong(have: value.count, limit: BarrierLimits.valueBytesMax)
        }
        let valueBox = current.key.box(
            Padding.pad(value: value),
            associatedData: place.associatedData(.value, dataKeyID: current.id),
            entropy: &entropy
        )
        return record(at: place, name: name, valueBox: valueBox, entropy: &entropy)
    }

    /// Seals a folder's marker: a name and no value.
    func sealFolder(
        at place: RecordPlace,
        name: ArraySlice<UInt8>,
        entropy: inout Entropy
    ) -> Record {
        record(at: place, name: name, valueBox: [], entropy: &entropy)
    }

    /// Seals a timer: the path that is due, in place of a name, and no value.
    func sealTimer(
        at place: RecordPlace,
        path: BarrierPath,
        entropy: inout Entropy
    ) -> Record {
        record(at: place, name: path.bytes[...], valueBox: [], entropy: &entropy)
    }

    private func record(
        at place: RecordPlace,
        name: ArraySlice<UInt8>,
        valueBox: [UInt8],
        entropy: inout Entropy
    ) -> Record {
        let nameBox = current.key.box(
            Padding.pad(name: name),
            associatedData: place.associatedData(.name, dataKeyID: current.id),
            entropy: &entropy
        )
        return Record(
            flags: place.flags,
            dataKeyID: current.id,
            nameBox: nameBox,
            valueBox: valueBox
        )
    }

    /// Opens the name box of a record found under `key`.
    ///
    /// - Returns: the name's bytes; those of a folder end in "/".
    /// - Throws: ``BarrierError/damagedRecord(key:reason:)``, `unknownDataKey`.
    func openName(
        _ nameBox: [UInt8],
        flags: UInt8,
        dataKeyID: UInt32,
        at key: StorageKey
    ) throws(BarrierError) -> [UInt8] {
        let place = RecordPlace(vaultID: vaultID, mount: mount, key: key, flags: flags)
        guard flags == RecordFlags.value || flags == RecordFlags.folder else {
            throw .damagedRecord(key: place.text, reason: "flags \(flags) are unknown")
        }
        let padded = try open(nameBox, .name, dataKeyID: dataKeyID, at: place)
        guard let name = Padding.unpad(name: padded), let last = name.last else {
            throw .damagedRecord(key: place.text, reason: "the name's padding is wrong")
        }
        guard (last == UInt8(ascii: "/")) == (flags == RecordFlags.folder) else {
            throw .damagedRecord(key: place.text, reason: "the name does not fit the flags")
        }
        return Array(name)
    }

    /// Opens the record of a timer found under `key`.
    ///
    /// - Returns: the bytes of the path that is due.
    /// - Throws: ``BarrierError/damagedRecord(key:reason:)``, `unknownDataKey`.
    func openTimer(
        _ nameBox: [UInt8],
        dataKeyID: UInt32,
        at key: StorageKey
    ) throws(BarrierError) -> [UInt8] {
        let place = RecordPlace(
            vaultID: vaultID,
            mount: mount,
            key: key,
            flags: RecordFlags.timer
        )
        let padded = try open(nameBox, .name, dataKeyID: dataKeyID, at: place)
        guard let path = Padding.unpad(name: padded) else {
            throw .damagedRecord(key: place.text, reason: "the path's padding is wrong")
        }
        return Array(path)
    }

    /// Opens the value box of a record found under `key`.
    ///
    /// - Throws: ``BarrierError/damagedRecord(key:reason:)``, `unknownDataKey`.
    func openValue(of record: Record, at key: StorageKey) throws(BarrierError) -> [UInt8] {
        let place = RecordPlace(vaultID: vaultID, mount: mount, key: key, flags: record.flags)
        guard record.flags == RecordFlags.value else {
            throw .damagedRecord(key: place.text, reason: "flags \(record.flags) carry no value")
        }
        let padded = try open(record.valueBox, .value, dataKeyID: record.dataKeyID, at: place)
        guard let value = Padding.unpad(value: padded) else {
            throw .damagedRecord(key: place.text, reason: "the value's padding is wrong")
        }
        return value
    }

    private func open(
        _ box: [UInt8],
        _ kind: RecordPlace.Box,
        dataKeyID: UInt32,
        at place: RecordPlace
    ) throws(BarrierError) -> [UInt8] {
        guard let dataKey = dataKey(dataKeyID) else {
            throw .unknownDataKey(id: dataKeyID, mount: mount.text)
        }
        do throws(CryptographyError) {
            return try dataKey.key.unbox(
                box,
                associatedData: place.associatedData(kind, dataKeyID: dataKeyID)
            )
        } catch {
            throw .damagedRecord(key: place.text, reason: "\(kind.text) box: \(error.summary)")
        }
    }
}
