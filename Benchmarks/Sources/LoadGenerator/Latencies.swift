/// Latencies of a run, kept whole, so that percentiles are exact and not read from buckets.
package struct Latencies {
    private var microseconds: [UInt32] = []

    package init() { microseconds.reserveCapacity(1 << 16) }

    package var count: Int { microseconds.count }

    package mutating func add(nanoseconds: UInt64) {
        microseconds.append(UInt32(clamping: nanoseconds / 1_000))
    }

    /// Percentiles by nearest rank, in microseconds; nil if there was no request.
    package func summary() -> LatencySummary? {
        let sorted = microseconds.sorted()
        guard let max = sorted.last else { return nil }
        func rank(_ perMille: Int) -> UInt32 {
            let rank = (sorted.count * perMille + 999) / 1_000
            return sorted[Swift.max(rank, 1) - 1]
        }
        return LatencySummary(p50: rank(500), p95: rank(950), p99: rank(990), max: max)
    }
}

/// Microseconds.
package struct LatencySummary: Equatable, Sendable {
    package let p50: UInt32
    package let p95: UInt32
    package let p99: UInt32
    package let max: UInt32

    package init(p50: UInt32, p95: UInt32, p99: UInt32, max: UInt32) {
        self.p50 = p50
        self.p95 = p95
        self.p99 = p99
        self.max = max
    }
}
