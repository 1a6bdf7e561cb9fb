/// Computes the roots of several ranges of leaves in one pass over the leaves, so that a proof over
/// millions of them takes no more memory than the proof itself.
///
/// Leaves are given in their order, starting with the first one of the tree.
package struct RangeHasher: Sendable {
    /// Disjoint, none empty, in the order in which the results are wanted.
    private let ranges: [Range<UInt64>]
    /// Positions in `ranges`, by where the range begins.
    private let order: [Int]
    /// How many of `order` are done.
    private var done = 0
    private var results: [TreeHash?]
    private var open = Frontier()
    private var next: UInt64 = 0

    /// - Parameter ranges: disjoint and not empty, in any order, such as
    ///   ``InclusionProof/ranges(index:size:)`` gives.
    package init(_ ranges: [Range<UInt64>]) {
        precondition(ranges.allSatisfy { !$0.isEmpty }, "a range without leaves has no root")
        self.ranges = ranges
        order = ranges.indices.sorted { ranges[$0].lowerBound < ranges[$1].lowerBound }
        results = Array(repeating: nil, count: ranges.count)
        for (before, after) in zip(order, order.dropFirst()) {
            precondition(!ranges[before].overlaps(ranges[after]), "a leaf is in two ranges")
        }
    }

    /// Takes the next leaf.
    package mutating func add(_ leaf: TreeHash) {
        defer { next += 1 }
        guard done < order.count, ranges[order[done]].contains(next) else { return }
        open.append(leaf)
        guard next + 1 == ranges[order[done]].upperBound else { return }
        results[order[done]] = open.root
        open = Frontier()
        done += 1
    }

    /// The roots, in the order of the ranges; nil until all their leaves were given.
    package var hashes: [TreeHash]? {
        done == order.count ? results.compactMap { $0 } : nil
    }
}
