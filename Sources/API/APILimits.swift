/// Every bound of `API`. A number that is not here does not exist.
package enum APILimits {
    /// Bytes in a request target, path and query.
    package static let targetBytesMax = 64 << 10
    /// Bytes in a method.
    package static let methodBytesMax = 32
    /// Bytes in the header that names a namespace; no namespace has a longer path.
    package static let namespaceBytesMax = 4 << 10
    /// Bytes in one header value that the API looks at.
    package static let headerBytesMax = 64 << 10
    /// How old a stale read's state may be if the client does not say: 10 s.
    package static let staleNanosecondsDefault: Int64 = 10_000_000_000
    /// How old a client may allow it to be: 1 h.
    package static let staleNanosecondsMax: Int64 = 3_600_000_000_000
    /// Bytes in a body, as in OpenBao.
    package static let bodyBytesMax = 32 << 20
    /// Bytes in a request or answer that travels between members; frames hold 8 MiB.
    package static let forwardBytesMax = 7 << 20
    /// Headers of one answer.
    package static let responseHeadersMax = 32
    /// Parameters in one query.
    package static let queryItemsMax = 256
    /// How long a join token is valid, unless asked for otherwise, and at most.
    package static let joinTokenSecondsDefault = 3_600
    package static let joinTokenSecondsMax = 7 * 86_400
    /// Shares in one group: what the share format (SLIP-0039) can number.
    package static let groupSharesMax = 16
    /// Groups of shares.
    package static let groupsMax = 16
}
