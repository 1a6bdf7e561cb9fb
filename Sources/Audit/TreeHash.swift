import Cryptography
package import Wire

/// A hash of a Merkle tree: of one leaf, of a subtree, or the root. SHA-256, 32 bytes.
///
/// A leaf is hashed behind a zero byte and an inner node behind a one, so that no node can be
/// passed off as a leaf.
/// - Source: RFC 9162, section 2.1.1; the same as RFC 6962.
package struct TreeHash: Sendable, Hashable {
    /// Bytes of every hash.
    package static let byteCount = 32

    /// 32 bytes.
    package let bytes: [UInt8]

    /// Takes 32 bytes; nil for any other number of them.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    private init(digest: [UInt8]) { bytes = digest }

    /// The root of a tree without leaves.
    package static let ofEmptyTree = TreeHash(digest: sha256([]))

    /// The hash of a leaf with this content.
    package static func leaf(_ content: [UInt8]) -> TreeHash {
        var stream = SHA256Stream()
        stream.update([0])
        stream.update(content)
        return TreeHash(digest: stream.finish())
    }

    /// The hash of the node above these two, which stand in the order of their leaves.
    package static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        var stream = SHA256Stream()
        stream.update([1])
        stream.update(left.bytes)
        stream.update(right.bytes)
        return TreeHash(digest: stream.finish())
    }

    /// 64 lower-case digits.
    package var hex: String { Hex.encode(bytes) }

    /// Standard base64 with padding, as a checkpoint has it.
    package var base64: String { Base64.encode(bytes) }

    /// Reads the next 32 bytes as a hash.
    ///
    /// - Throws: ``WireError/truncated(need:have:)``.
    package init(from reader: inout ByteReader) throws(WireError) {
        bytes = try reader.readBytes(Self.byteCount)
    }
}

/// How many leaves the left subtree of a tree with `count` leaves has: the largest power of two
/// below it. `count` is at least 2. Source: RFC 9162, section 2.1.1.
func leavesOnTheLeft(of count: UInt64) -> UInt64 {
    precondition(count > 1, "one leaf has no children")
    return 1 << UInt64(63 - (count - 1).leadingZeroBitCount)
}
