/// Why bytes from a peer, a client or a disk could not be read.
package enum WireError: OperatorError, Equatable {
    /// The input ended early. Both counts are bytes.
    case truncated(need: Int, have: Int)
    /// A length in the input is above what this field may have. Both counts are bytes.
    case tooLong(limit: Int, have: UInt64)
    /// That many bytes are left where the input should have ended.
    case trailing(Int)
    /// The bytes are there but mean nothing; the text says which rule they break.
    case malformed(String)

    /// Bytes that do not parse came from somebody else.
    package var blame: Blame { .peer }

    /// What was wrong, with the numbers.
    package var summary: String {
        switch self {
        case .truncated(let need, let have): "input ends early: need \(need) bytes, have \(have)"
        case .tooLong(let limit, let have): "length \(have) is above the limit of \(limit) bytes"
        case .trailing(let count): "\(count) bytes are left after the end of the value"
        case .malformed(let reason): "malformed input: \(reason)"
        }
    }

    /// What an operator can do about bytes that do not parse.
    package var remedy: String {
        "check that both sides run compatible versions and that nothing between them alters bytes"
    }
}
