/// The bounds of timers and jobs.
extension VaultLimits {
    /// Jobs that may be under way.
    package static let jobsMax: UInt64 = 10_000
    /// Bytes in what a job is about, and in its cursor.
    package static let jobBytesMax = 16 << 10
    /// Bytes of text about a failure that a job keeps.
    package static let jobErrorBytesMax = 512
    /// Longest pause before a job that failed is tried again, but for what is drawn.
    package static let jobPauseSecondsMax: UInt64 = 600
    /// Jobs in one answer.
    package static let jobsShownMax = 1_000
    /// Jobs that do not get on, of which a summary tells why.
    package static let stuckJobsShown = 3
}
