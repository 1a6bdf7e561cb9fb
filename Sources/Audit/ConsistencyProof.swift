/// Shows that a tree begins with all leaves of an earlier one, to somebody who has the two roots:
/// nothing was changed, removed or put in between.
///
/// - Source: RFC 9162, section 2.1.4.
package struct ConsistencyProof: Sendable, Equatable {
    /// Leaves in the earlier tree.
    package let first: UInt64
    /// Leaves in the later tree; at least `first`.
    package let second: UInt64
    /// Roots of subtrees from which both roots can be computed.
    package let path: [TreeHash]

    package init(first: UInt64, second: UInt64, path: [TreeHash]) {
        self.first = first
        self.second = second
        self.path = path
    }

    /// Whether the tree with `secondRoot` grew out of the one with `firstRoot`.
    ///
    /// Every tree grows out of the empty one, which takes no proof.
    /// - Source: RFC 9162, section 2.1.4.2.
    package func verifies(firstRoot: TreeHash, secondRoot: TreeHash) -> Bool {
        guard first <= second else { return false }
        if first == 0 { return path.isEmpty && firstRoot == .ofEmptyTree }
        if first == second { return path.isEmpty && firstRoot == secondRoot }
        // A tree of 2^n leaves is a node of the later tree, so the proof leaves it out.
        var rest = first.nonzeroBitCount == 1 ? [firstRoot] + path : path
        guard !rest.isEmpty else { return false }
        var place = first - 1
        var last = second - 1
        while place & 1 == 1 {
            place >>= 1
            last >>= 1
        }
        var (earlier, later) = (rest[0], rest[0])
        rest.removeFirst()
        for node in rest {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                earlier = .node(node, earlier)
                later = .node(node, later)
                while place & 1 == 0 && place > 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                later = .node(later, node)
            }
            place >>= 1
            last >>= 1
        }
        return last == 0 && earlier == firstRoot && later == secondRoot
    }

    /// The leaves below each node of the path, in the path's order. None if `first` is 0.
    package static func ranges(first: UInt64, second: UInt64) -> [Range<UInt64>] {
        precondition(first <= second, "a tree of \(second) did not grow out of one of \(first)")
        guard first > 0 else { return [] }
        var ranges: [Range<UInt64>] = []
        var (low, high): (UInt64, UInt64) = (0, second)
        while high != first {
            let middle = low + leavesOnTheLeft(of: high - low)
            if first <= middle {
                ranges.append(middle..<high)
                high = middle
            } else {
                ranges.append(low..<middle)
                low = middle
            }
        }
        // A subtree that begins the tree is the earlier tree itself, whose root the verifier has.
        if low > 0 { ranges.append(low..<high) }
        return ranges.reversed()
    }
}
