/// Rules by what a path has to begin with, so that one walk over a path finds those that could
/// match it.
///
/// An open-addressed table over FNV-1a, whose value for every beginning of a path falls out of the
/// walk. Whoever writes policies could choose colliding paths; that slows down his own tokens only,
/// and a hit is compared byte by byte.
struct AnchorTable: Sendable {
    private struct Entry {
        let hash: UInt64
        let anchor: [UInt8]
        /// Positions of rules with this anchor, best first.
        var candidates: [Int]
    }

    private var entries: [Entry] = []
    /// Position in `entries` plus one; 0: free. A power of two, at most half full.
    private var slots: [Int32] = [0]
    /// Distinct lengths of anchors, ascending.
    private var lengths: [Int] = []

    private static let hashStart: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let hashFactor: UInt64 = 0x0000_0100_0000_01B3

    /// No rules.
    init() {}

    /// - Parameter patterns: of the rules, in their order.
    init(_ patterns: [PathPattern]) {
        var capacity = 4
        while capacity < 2 * patterns.count { capacity *= 2 }
        slots = Array(repeating: 0, count: capacity)
        for (position, pattern) in patterns.enumerated() {
            let hash = pattern.anchor.reduce(Self.hashStart) {
                ($0 ^ UInt64($1)) &* Self.hashFactor
            }
            if let entry = find(hash, pattern.anchor.span, pattern.anchor.count) {
                entries[entry].candidates.append(position)
            } else {
                entries.append(Entry(hash: hash, anchor: pattern.anchor, candidates: [position]))
                occupy(hash)
            }
        }
        for entry in entries.indices {
            entries[entry].candidates.sort { patterns[$0].precedes(patterns[$1]) }
        }
        lengths = Set(entries.map(\.anchor.count)).sorted()
    }

    private mutating func occupy(_ hash: UInt64) {
        let mask = UInt64(slots.count - 1)
        var slot = Int(hash & mask)
        while slots[slot] != 0 { slot = (slot + 1) & Int(mask) }
        slots[slot] = Int32(entries.count)
    }

    /// The entry for the first `count` bytes of a path.
    private func find(_ hash: UInt64, _ path: Span<UInt8>, _ count: Int) -> Int? {
        let mask = slots.count - 1
        var slot = Int(hash & UInt64(mask))
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if entries[position].hash == hash, entries[position].anchor.count == count,
                Self.begins(path, with: entries[position].anchor)
            {
                return position
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func begins(_ path: Span<UInt8>, with anchor: [UInt8]) -> Bool {
        for offset in anchor.indices where path[offset] != anchor[offset] { return false }
        return true
    }

    /// Position of the rule that decides about a path: of those with the longest anchor that match,
    /// the best.
    func find(_ path: Span<UInt8>, _ rules: [AccessList.Rule]) -> Int? {
        var best: Int?
        var hash = Self.hashStart
        var hashed = 0
        for length in lengths {
            guard length <= path.count else { break }
            while hashed < length {
                hash = (hash ^ UInt64(path[hashed])) &* Self.hashFactor
                hashed += 1
            }
            guard let entry = find(hash, path, length) else { continue }
            for position in entries[entry].candidates
            where rules[position].pattern.matches(path) {
                best = position
                break
            }
        }
        return best
    }
}
