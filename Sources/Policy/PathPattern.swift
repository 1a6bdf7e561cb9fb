/// The path of a rule: exact, a prefix (`secret/*`), or with segments that stand for any one
/// segment (`secret/+/key`); the last two can be combined.
package struct PathPattern: Hashable, Sendable {
    /// As written, without a leading slash.
    package let text: String
    /// Whether the text ends in `*`.
    package let isPrefix: Bool
    /// What stands between slashes, nil for `+`, without the final `*`. Never empty.
    let segments: [[UInt8]?]
    /// Bytes before the first wildcard.
    let literalBytes: Int
    /// Number of `+`.
    let wildSegments: Int

    /// - Parameter written: as in a policy, templates already expanded.
    /// - Returns: nil for the forbidden `+*`.
    package init?(_ written: String) {
        var bytes = Array(written.utf8)
        if bytes.first == Self.slash { bytes.removeFirst() }
        text = String(decoding: bytes, as: UTF8.self)
        isPrefix = bytes.last == Self.star
        if isPrefix { bytes.removeLast() }
        if isPrefix, bytes.last == Self.plus { return nil }
        let parts = bytes.split(separator: Self.slash, omittingEmptySubsequences: false)
        segments = parts.map { $0.elementsEqual([Self.plus]) ? nil : Array($0) }
        wildSegments = segments.count { $0 == nil }
        let first = segments.firstIndex { $0 == nil }
        literalBytes = first.map { parts[$0].startIndex } ?? bytes.count
    }

    static let slash = UInt8(ascii: "/")
    private static let star = UInt8(ascii: "*")
    private static let plus = UInt8(ascii: "+")

    /// Whether it matches one path only.
    package var isExact: Bool { !isPrefix && wildSegments == 0 }

    /// Whether a segment of it stands for any one segment.
    package var hasWildSegments: Bool { wildSegments > 0 }

    /// Whether this path, without a leading slash, is one of those it stands for.
    ///
    /// One walk over the path, a segment at a time. ``RuleTree`` finds the same for many patterns
    /// at once.
    package func matches(_ path: Span<UInt8>) -> Bool {
        var start = 0
        for number in segments.indices {
            let isLast = number == segments.count - 1
            if isLast, isPrefix {
                // `+*` is forbidden, so the last segment is a literal one.
                return path.holds(segments[number] ?? [], at: start)
            }
            var end = start
            while end < path.count, path[end] != Self.slash { end += 1 }
            if let literal = segments[number] {
                guard end - start == literal.count, path.holds(literal, at: start) else {
                    return false
                }
            }
            if isLast { return end == path.count }
            guard end < path.count else { return false }
            start = end + 1
        }
        return false
    }

    /// Whether it can match this folder or a path below it.
    ///
    /// - Parameter folder: its segments, without empty ones: `["team", "kv"]`.
    func reaches(below folder: [[UInt8]]) -> Bool {
        for (number, part) in folder.enumerated() {
            guard number < segments.count else { return false }
            guard let literal = segments[number] else { continue }
            if isPrefix, number == segments.count - 1 { return part.starts(with: literal) }
            guard literal == part else { return false }
        }
        return true
    }

    /// Whether this one decides before `other` where both match. A total order over texts.
    ///
    /// - Source: OpenBao's documentation of policies, "priority matching".
    func precedes(_ other: PathPattern) -> Bool {
        if isExact != other.isExact { return isExact }
        if literalBytes != other.literalBytes { return literalBytes > other.literalBytes }
        if isPrefix != other.isPrefix { return !isPrefix }
        if wildSegments != other.wildSegments { return wildSegments < other.wildSegments }
        let (own, others) = (text.utf8, other.text.utf8)
        if own.count != others.count { return own.count > others.count }
        return others.lexicographicallyPrecedes(own)
    }
}

extension Span where Element == UInt8 {
    /// Whether these bytes stand here, from `start` on.
    func holds(_ text: [UInt8], at start: Int) -> Bool {
        guard count - start >= text.count else { return false }
        for offset in text.indices where self[start + offset] != text[offset] { return false }
        return true
    }
}
