/// Which operations of a key are placed: everything below `prefix`, and single positions above.
///
/// Operations are placed nearly in their order, so this is small, of fixed size in all usual
/// cases, and equal sets are equal values whatever the order of insertion.
struct PositionSet: Hashable {
    /// Every position below is in the set; the one at `prefix` is not.
    private(set) var prefix = 0
    /// Bit n is the position `prefix + n`.
    private var window: UInt64 = 0
    /// Bit n of word w is the position `prefix + 64 × (w + 1) + n`. The last word is not 0.
    private var wide: [UInt64] = []

    func contains(_ position: Int) -> Bool {
        let offset = position - prefix
        if offset < 0 { return true }
        if offset < 64 { return window >> UInt64(offset) & 1 == 1 }
        let word = offset / 64 - 1
        return word < wide.count && wide[word] >> UInt64(offset % 64) & 1 == 1
    }

    mutating func insert(_ position: Int) {
        let offset = position - prefix
        precondition(offset >= 0 && !contains(position), "nothing is placed twice")
        if offset < 64 {
            window |= 1 << UInt64(offset)
        } else {
            let word = offset / 64 - 1
            while wide.count <= word {
                wide.append(0)
            }
            wide[word] |= 1 << UInt64(offset % 64)
        }
        while window & 1 == 1 {
            slide()
        }
    }

    /// Takes the positions from `prefix` on that are in the set into the prefix.
    private mutating func slide() {
        let count = (~window).trailingZeroBitCount
        prefix += count
        // A shift by 64 gives 0, which is what a full window leaves.
        window >>= UInt64(count)
        guard !wide.isEmpty else { return }
        window |= wide[0] << UInt64(64 - count)
        for word in wide.indices {
            let above = word + 1 < wide.count ? wide[word + 1] : 0
            wide[word] = wide[word] >> UInt64(count) | above << UInt64(64 - count)
        }
        while wide.last == 0 {
            wide.removeLast()
        }
    }
}
