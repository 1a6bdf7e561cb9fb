package import Wire

/// Why a text is no policy. The words before the colon are OpenBao's where clients match on them.
package enum PolicyError: OperatorError, Equatable {
    /// The text breaks off or has a character where it cannot stand.
    case syntax(line: Int, problem: String)
    /// The text was taken for JSON and is none.
    case json(String)
    /// Larger than ``PolicyLimits`` allows.
    case tooLarge(String)
    /// A key that policies do not have.
    case invalidKey(String, line: Int, path: String?)
    /// Something in the block of this path.
    case invalidRule(path: String, problem: String)

    /// Whoever wrote the policy.
    package var blame: Blame { .caller }

    /// What is wrong, and where.
    package var summary: String {
        switch self {
        case .syntax(let line, let problem): "line \(line): \(problem)"
        case .json(let problem): "not valid JSON: \(problem)"
        case .tooLarge(let what): what
        case .invalidKey(let key, let line, let path):
            (path.map { "path \"\($0)\": " } ?? "") + "invalid key \"\(key)\""
                + (line > 0 ? " on line \(line)" : "")
        case .invalidRule(let path, let problem): "path \"\(path)\": \(problem)"
        }
    }

    /// What to do about it.
    package var remedy: String {
        switch self {
        case .syntax, .json: "correct the text at that place; nothing was changed"
        case .tooLarge: "split the policy: a token can have several"
        case .invalidKey(_, _, nil): "at the top only `path` and `name` can stand"
        case .invalidKey: "a path block knows: \(PathRule.keys.joined(separator: ", "))"
        case .invalidRule: "correct the block; nothing was changed"
        }
    }
}
