/// Shows that a leaf is in a tree, to somebody who has only the leaf and the tree's root.
///
/// - Source: RFC 9162, section 2.1.3.
package struct InclusionProof: Sendable, Equatable {
    /// Position of the leaf; the first is 0.
    package let index: UInt64
    /// Leaves in the tree; more than `index`.
    package let size: UInt64
    /// Roots of the subtrees beside the way from the leaf to the root, the leaf's sibling first.
    package let path: [TreeHash]

    package init(index: UInt64, size: UInt64, path: [TreeHash]) {
        self.index = index
        self.size = size
        self.path = path
    }

    /// Whether the proof leads from this leaf to this root.
    ///
    /// - Source: RFC 9162, section 2.1.3.2.
    package func verifies(_ leaf: TreeHash, root: TreeHash) -> Bool {
        guard index < size else { return false }
        // Where the way is on its level, and the level's last place.
        var place = index
        var last = size - 1
        var hash = leaf
        for sibling in path {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                hash = .node(sibling, hash)
                // A last node without a right sibling moves up as it is.
                while place & 1 == 0 && place > 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            place >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// The leaves below each node of the path, in the path's order.
    package static func ranges(index: UInt64, size: UInt64) -> [Range<UInt64>] {
        precondition(index < size, "leaf \(index) is not in a tree of \(size)")
        var ranges: [Range<UInt64>] = []
        var (low, high): (UInt64, UInt64) = (0, size)
        while high - low > 1 {
            let middle = low + leavesOnTheLeft(of: high - low)
            if index < middle {
                ranges.append(middle..<high)
                high = middle
            } else {
                ranges.append(low..<middle)
                low = middle
            }
        }
        return ranges.reversed()
    }
}
