import Cryptography
import Store
import Wire

/// Batch tokens: what they say is in themselves, sealed by a key under the keyring, so nothing is
/// stored for them.
///
/// Layout, big-endian: format u8 1 · keyring version u32 · nonce 24 ‖ XAES-256-GCM ciphertext ‖ tag
/// 16. Key: HKDF(key-encryption key, batch-token). Associated data: label, format, keyring version,
/// vault id.
extension Keyring {
    private static let tokenFormat: UInt8 = 1

    /// - Parameter content: what the token says, 1 byte or more.
    func sealToken(_ content: [UInt8], entropy: inout Entropy) -> [UInt8] {
        let key = wrapping
        var writer = ByteWriter(capacity: content.count + 64)
        writer.writeUInt8(Self.tokenFormat)
        writer.writeUInt32(key.version)
        let box = key.token.box(
            content,
            associatedData: tokenAssociatedData(key.version),
            entropy: &entropy
        )
        writer.writeBytes(box)
        return writer.bytes
    }

    /// What a token says; nil if this vault's keyring did not seal it. Never traps.
    package func openToken(_ bytes: [UInt8]) -> [UInt8]? {
        var reader = ByteReader(bytes)
        guard let format = try? reader.readUInt8(), format == Self.tokenFormat,
            let version = try? reader.readUInt32(), let key = keyEncryptionKey(version),
            let nonce = try? reader.readBytes(XAESKey.nonceBytes),
            let box = try? reader.readBytes(reader.remaining)
        else { return nil }
        return try? key.token.open(
            box,
            nonce: nonce,
            associatedData: tokenAssociatedData(version)
        )
    }

    private func tokenAssociatedData(_ version: UInt32) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeBytes(Array("holdfast/batch-token".utf8))
        writer.writeUInt8(Self.tokenFormat)
        writer.writeUInt32(version)
        writer.writeBytes(vaultID)
        return writer.bytes
    }
}

extension MountKeys {
    /// The name of a record as text.
    func openText(_ head: RecordHead, at key: StorageKey) throws(BarrierError) -> String {
        let name = try openName(
            head.nameBox,
            flags: head.flags,
            dataKeyID: head.dataKeyID,
            at: key
        )
        guard let text = String(validating: name, as: UTF8.self) else {
            throw .damagedRecord(key: Hex.encode(key.bytes), reason: "its name is not UTF-8")
        }
        return text
    }

    /// The storage key of a path, or of a folder where it ends in a slash.
    func storageKey(of text: String) throws(BarrierError) -> StorageKey {
        let slash = UInt8(ascii: "/")
        guard text.utf8.last == slash else { return storageKey(of: try BarrierPath(text)) }
        let path = try BarrierPath(String(decoding: Array(text.utf8.dropLast()), as: UTF8.self))
        let folder = path.bytes + [slash]
        return storageKey(
            of: BarrierPath.Folder(path: folder[...], parentCount: path.directoryCount)
        )
    }
}
