/// Rules as a tree of path segments, so that finding the one that decides costs a walk over the
/// path and not over the rules.
///
/// A node's branches are literal segments and at most one `+`. What ends in `*` hangs on the node
/// of the last slash before the star. A walk visits the nodes that agree with the path so far: one
/// a segment, and at most one more for each `+` that was passed by.
struct RuleTree: Sendable {
    private struct Node {
        /// Where `+` leads; 0: nowhere, because nothing leads to the root.
        var wild: Int32 = 0
        /// The rule that ends with this node's segment; -1: none.
        var rule: Int32 = -1
        /// Rules `rest*`, by the bytes of `rest`.
        var prefixes: [Prefix] = []
    }

    private struct Prefix {
        let rest: [UInt8]
        let rule: Int32
        /// Position of the longest other prefix that this one begins with; -1: none.
        var parent = -1
    }

    /// A literal branch.
    private struct Branch {
        let node: Int32
        let segment: [UInt8]
        let target: Int32
    }

    private var nodes = [Node()]
    private var branches: [Branch] = []
    /// Open-addressed: position in `branches` plus one; 0: free. A power of two, at most half full.
    private var slots: [Int32] = [0]
    /// Place of each rule in the order in which they decide; the least wins.
    private var ranks: [Int32] = []

    /// - Parameter patterns: of the rules, in their order, all different.
    init(_ patterns: [PathPattern]) {
        let order = patterns.indices.sorted { patterns[$0].precedes(patterns[$1]) }
        ranks = Array(repeating: 0, count: patterns.count)
        for (rank, position) in order.enumerated() { ranks[position] = Int32(rank) }
        for (position, pattern) in patterns.enumerated() { add(pattern, Int32(position)) }
        for node in nodes.indices where nodes[node].prefixes.count > 1 {
            nodes[node].prefixes = Self.linked(nodes[node].prefixes)
        }
    }

    private mutating func add(_ pattern: PathPattern, _ rule: Int32) {
        var node = 0
        let last = pattern.segments.count - 1
        for (number, segment) in pattern.segments.enumerated() {
            if pattern.isPrefix, number == last {
                // `+*` is forbidden, so what stands before the star is literal.
                nodes[node].prefixes.append(Prefix(rest: segment ?? [], rule: rule))
                return
            }
            node = segment.map { literal($0, of: node) } ?? wild(of: node)
        }
        nodes[node].rule = rule
    }

    private mutating func wild(of node: Int) -> Int {
        if nodes[node].wild == 0 {
            nodes[node].wild = Int32(nodes.count)
            nodes.append(Node())
        }
        return Int(nodes[node].wild)
    }

    private mutating func literal(_ segment: [UInt8], of node: Int) -> Int {
        if let known = branch(of: node, segment.span, 0, segment.count) { return known }
        let target = nodes.count
        nodes.append(Node())
        branches.append(Branch(node: Int32(node), segment: segment, target: Int32(target)))
        if slots.count < 2 * branches.count {
            slots = Array(repeating: 0, count: Self.powerOfTwo(atLeast: 4 * branches.count))
            for position in branches.indices { occupy(position) }
        } else {
            occupy(branches.count - 1)
        }
        return target
    }

    private static func powerOfTwo(atLeast count: Int) -> Int {
        var power = 4
        while power < count { power *= 2 }
        return power
    }

    private mutating func occupy(_ position: Int) {
        let branch = branches[position]
        let mask = slots.count - 1
        var slot = Self.hash(Int(branch.node), branch.segment.span, 0, branch.segment.count) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = Int32(position + 1)
    }

    /// FNV-1a. Whoever writes policies could choose colliding segments: that slows down his own
    /// tokens only, and a hit is compared byte by byte.
    private static func hash(_ node: Int, _ path: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var hash = (0xCBF2_9CE4_8422_2325 ^ UInt64(node)) &* 0x0000_0100_0000_01B3
        for position in start..<end {
            hash = (hash ^ UInt64(path[position])) &* 0x0000_0100_0000_01B3
        }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & 0x7FFF_FFFF)
    }

    /// Where this segment of a path leads from a node.
    private func branch(of node: Int, _ path: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(node, path, start, end) & mask
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if branches[position].node == node,
                branches[position].segment.count == end - start,
                path.holds(branches[position].segment, at: start)
            {
                return Int(branches[position].target)
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    // MARK: Prefixes

    /// Sorted by bytes, each with the longest other one that it begins with. Those that one text
    /// begins with are then a chain from the last one that does not come after the text.
    private static func linked(_ prefixes: [Prefix]) -> [Prefix] {
        var sorted = prefixes.sorted { $0.rest.lexicographicallyPrecedes($1.rest) }
        for position in sorted.indices.dropFirst() {
            var parent = position - 1
            while parent >= 0, !sorted[position].rest.starts(with: sorted[parent].rest) {
                parent = sorted[parent].parent
            }
            sorted[position].parent = parent
        }
        return sorted
    }

    /// The rule with the longest `rest` that the path goes on with.
    private static func longest(
        _ prefixes: [Prefix],
        _ path: Span<UInt8>,
        from start: Int
    ) -> Int32? {
        var low = 0
        var high = prefixes.count
        while low < high {
            let middle = (low + high) / 2
            if comesAfter(prefixes[middle].rest, path, start) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        var position = low - 1
        while position >= 0 {
            if path.holds(prefixes[position].rest, at: start) { return prefixes[position].rule }
            position = prefixes[position].parent
        }
        return nil
    }

    /// Whether a text comes after the rest of the path in the order of bytes.
    private static func comesAfter(_ text: [UInt8], _ path: Span<UInt8>, _ start: Int) -> Bool {
        let common = min(text.count, path.count - start)
        for offset in 0..<common where text[offset] != path[start + offset] {
            return text[offset] > path[start + offset]
        }
        return text.count > path.count - start
    }

    // MARK: Finding

    /// Position of the rule that decides about a path, without a leading slash; nil: none matches.
    func find(_ path: Span<UInt8>) -> Int? {
        var best: Int32 = -1
        // Where a walk goes on: a node, and the start of the segment that follows it.
        var node = 0
        var start = 0
        var waiting: [(node: Int, start: Int)] = []
        func take(_ rule: Int32, _ best: inout Int32) {
            guard rule >= 0 else { return }
            if best < 0 || ranks[Int(rule)] < ranks[Int(best)] { best = rule }
        }
        while true {
            if let rule = Self.longest(nodes[node].prefixes, path, from: start) {
                take(rule, &best)
            }
            var end = start
            while end < path.count, path[end] != PathPattern.slash { end += 1 }
            let wild = Int(nodes[node].wild)
            let literal = branch(of: node, path, start, end)
            if end == path.count {
                if let literal { take(nodes[literal].rule, &best) }
                if wild > 0 { take(nodes[wild].rule, &best) }
            } else if let literal {
                if wild > 0 { waiting.append((wild, end + 1)) }
                (node, start) = (literal, end + 1)
                continue
            } else if wild > 0 {
                (node, start) = (wild, end + 1)
                continue
            }
            guard let next = waiting.popLast() else { break }
            (node, start) = next
        }
        return best < 0 ? nil : Int(best)
    }
}
