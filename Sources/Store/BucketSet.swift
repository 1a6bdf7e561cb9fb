/// Some of the 256 buckets of table `state`.
package struct BucketSet: Sendable, Equatable {
    private var words = SIMD4<UInt64>()

    /// None.
    package init() {}

    /// These; numbers below ``StateBucket/countOfBuckets``.
    package init(_ buckets: [Int]) {
        for bucket in buckets { insert(bucket) }
    }

    /// Whether there is none.
    package var isEmpty: Bool { words == SIMD4<UInt64>() }

    /// Adds one.
    package mutating func insert(_ bucket: Int) {
        words[bucket >> 6] |= 1 << UInt64(bucket & 63)
    }

    /// Takes one out.
    package mutating func remove(_ bucket: Int) {
        words[bucket >> 6] &= ~(1 << UInt64(bucket & 63))
    }

    /// Whether it has one.
    package func contains(_ bucket: Int) -> Bool {
        words[bucket >> 6] & (1 << UInt64(bucket & 63)) != 0
    }

    /// Those of either.
    package func union(_ other: BucketSet) -> BucketSet {
        var result = self
        result.words |= other.words
        return result
    }

    /// All of them, ascending.
    package var all: [Int] {
        var all: [Int] = []
        for position in 0..<4 {
            var word = words[position]
            while word != 0 {
                all.append(position << 6 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
        return all
    }
}
