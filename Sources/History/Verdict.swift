/// What a checker has to say about a history.
package enum Verdict: Equatable, Sendable {
    /// It could have been the work of one copy, asked one request at a time.
    case linearizable
    /// It could not, and this is where.
    case violated(Explanation)
    /// No violation was found, but the work allowed did not suffice for these keys (sorted).
    case undecided(keys: [String])
}

/// Why a key's history fits no order, for a person to read.
package struct Explanation: Equatable, Sendable {
    /// The record it is about.
    package let key: String
    /// The operation whose answer made the history impossible: until it came, some order fitted.
    package let culprit: Operation
    /// One of the longest orders that fit, without `culprit`. Its end tells the story.
    package let prefix: [Operation]
    /// What the record would be after `prefix`, in words.
    package let state: String
    /// Operations that would have to come next, none of which fits.
    package let waiting: [Operation]

    /// Lines of `prefix` that ``description`` shows.
    package static let prefixLinesMax = 10
}

extension Explanation: CustomStringConvertible {
    package var description: String {
        var lines = ["key \"\(key)\" is not linearizable: no order explains", "  \(culprit)"]
        let shown = prefix.suffix(Self.prefixLinesMax)
        lines.append("the longest order that fits has \(prefix.count) operations")
        if shown.count < prefix.count {
            lines.append("  ... \(prefix.count - shown.count) more")
        }
        lines += shown.map { "  \($0)" }
        lines.append("then the record is \(state), and none of these can come next")
        lines += waiting.map { "  \($0)" }
        return lines.joined(separator: "\n")
    }
}
