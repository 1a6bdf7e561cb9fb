import Cryptography
package import Wire

/// A leaf with an audit record in it, sealed: what the tree hashes and whoever proves something
/// hands out. It shows the record's position and about how long it is, nothing else.
///
/// Layout of the leaf: leaf type u8 = 2 · index u64 · nonce 24 · ciphertext ‖ tag 16. Content of
/// the box: length u32 · the record · zeros up to a multiple of 64 bytes.
package struct LeafBox: Sendable, Equatable {
    static let leafType: UInt8 = 2

    /// Position in the log; the first leaf is 0.
    package let index: UInt64
    fileprivate let nonce: [UInt8]
    fileprivate let box: [UInt8]

    /// The leaf's content.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: box.count + 33)
        writer.writeUInt8(Self.leafType)
        writer.writeUInt64(index)
        writer.writeBytes(nonce)
        writer.writeBytes(box)
        return writer.bytes
    }

    fileprivate init(index: UInt64, nonce: [UInt8], box: [UInt8]) {
        self.index = index
        self.nonce = nonce
        self.box = box
    }

    /// Reads a leaf's content.
    ///
    /// - Throws: ``WireError`` if it is not a sealed record.
    package init(decoding content: [UInt8]) throws(WireError) {
        var reader = ByteReader(content)
        guard try reader.readUInt8() == Self.leafType else {
            throw .malformed("the leaf is not a sealed record")
        }
        index = try reader.readUInt64()
        nonce = try reader.readBytes(XAESKey.nonceBytes)
        guard reader.remaining >= XAESKey.tagBytes + AuditLimits.paddingBytes else {
            throw .truncated(
                need: XAESKey.tagBytes + AuditLimits.paddingBytes,
                have: reader.remaining
            )
        }
        box = try reader.readBytes(reader.remaining)
    }
}

/// Seals and opens the records of one segment.
///
/// Leaf key: HKDF(segment key, audit-leaf). Nonces are drawn at random for each leaf, not counted,
/// because a cloned machine must not use one twice. Associated data: label · vault id · origin ·
/// segment number · index, so a leaf opens only where it was written.
package struct SegmentKey: Sendable {
    private let key: XAESKey
    private let log: LogIdentity
    private let number: UInt64

    init(_ key: borrowing SecretBytes, log: LogIdentity, number: UInt64) {
        self.key = XAESKey(deriveKey(.auditLeaf, from: key, vaultID: log.vaultID))
        self.log = log
        self.number = number
    }

    /// Seals a record as leaf `index`.
    func seal(
        _ record: [UInt8],
        index: UInt64,
        entropy: inout some EntropySource
    ) throws(CryptographyError) -> LeafBox {
        let nonce = try entropy.secret(count: XAESKey.nonceBytes).exposedCopy()
        var writer = ByteWriter(capacity: record.count + 2 * AuditLimits.paddingBytes)
        writer.writeUInt32(UInt32(record.count))
        writer.writeBytes(record)
        let rest = writer.count % AuditLimits.paddingBytes
        if rest > 0 {
            writer.writeBytes([UInt8](repeating: 0, count: AuditLimits.paddingBytes - rest))
        }
        let box = key.seal(writer.bytes, nonce: nonce, associatedData: associatedData(index))
        return LeafBox(index: index, nonce: nonce, box: box)
    }

    /// The record in a leaf of this segment.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` if the leaf was altered or moved.
    package func open(_ leaf: LeafBox) throws(AuditError) -> [UInt8] {
        do {
            let padded = try key.open(
                leaf.box,
                nonce: leaf.nonce,
                associatedData: associatedData(leaf.index)
            )
            var reader = ByteReader(padded)
            return try reader.readBytes(Int(try reader.readUInt32()))
        } catch let error as any OperatorError {
            throw .cryptography("leaf \(leaf.index) does not open: \(error.summary)")
        } catch {
            throw .cryptography("leaf \(leaf.index) does not open")
        }
    }

    private func associatedData(_ index: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeString("holdfast/audit-leaf")
        log.write(into: &writer)
        writer.writeUInt64(number)
        writer.writeUInt64(index)
        return writer.bytes
    }
}
