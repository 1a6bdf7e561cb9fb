/// The bounds of what `sys/…` keeps about the system itself.
extension VaultLimits {
    /// Paths in one description of the API; mounts beyond that are described by their kind.
    package static let describedPathsMax = 5_000
    /// Versions in the history.
    package static let versionsKept = 128
    /// Bytes in a version, and in the date of its making.
    package static let versionBytesMax = 64
    /// Origins that browsers may come from, and headers that they may send.
    package static let corsEntriesMax = 128
    /// Bytes in one of those.
    package static let corsEntryBytesMax = 1_024
    /// Rate limits of one vault.
    package static let quotasMax = 1_000
    /// Bytes in the name, in the path and in the role of a rate limit.
    package static let quotaTextBytesMax = 512
    /// Paths that no rate limit concerns.
    package static let quotaExemptionsMax = 256
    /// Requests in an interval, at most.
    package static let quotaRateMax = 1e15
    /// Longest interval and block of a rate limit, in seconds: 10 years.
    package static let quotaSecondsMax: UInt64 = 315_360_000
}
