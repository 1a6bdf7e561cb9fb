package import Wire

/// All that is needed of a Merkle tree to append to it and to know its root: the roots of the whole
/// subtrees that it consists of, one for each bit that is set in its size.
///
/// Invariants: `nodes.count == size.nonzeroBitCount`; the subtree of the highest bit stands first.
/// - Complexity: a leaf costs one hash and, spread over all leaves, one more; memory is at most 64
///   hashes.
package struct Frontier: Sendable, Equatable {
    /// Leaves in the tree.
    package private(set) var size: UInt64
    /// Roots of its whole subtrees, the largest first.
    package private(set) var nodes: [TreeHash]

    /// Of a tree without leaves.
    package init() {
        size = 0
        nodes = []
    }

    /// Adds a leaf at the right.
    package mutating func append(_ leaf: TreeHash) {
        precondition(size < .max - 1, "a tree has less than 2^64 - 1 leaves")
        var hash = leaf
        var rest = size
        // Each bit that carries joins two subtrees of the same size.
        while rest & 1 == 1 {
            hash = .node(nodes.removeLast(), hash)
            rest >>= 1
        }
        nodes.append(hash)
        size += 1
    }

    /// The root of the tree as it is now.
    package var root: TreeHash {
        guard var hash = nodes.last else { return .ofEmptyTree }
        for left in nodes.dropLast().reversed() {
            hash = .node(left, hash)
        }
        return hash
    }

    /// Bytes: size u64, then its nodes.
    package func write(into writer: inout ByteWriter) {
        writer.writeUInt64(size)
        for node in nodes { writer.writeBytes(node.bytes) }
    }

    /// Reads what ``write(into:)`` wrote.
    ///
    /// - Throws: ``WireError``.
    package init(from reader: inout ByteReader) throws(WireError) {
        let size = try reader.readUInt64()
        guard size < .max else { throw .malformed("a tree of \(size) leaves") }
        var nodes: [TreeHash] = []
        for _ in 0..<size.nonzeroBitCount {
            nodes.append(try TreeHash(from: &reader))
        }
        self.size = size
        self.nodes = nodes
    }
}
