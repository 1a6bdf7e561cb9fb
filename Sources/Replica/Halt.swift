import Glibc
package import Logging
package import Wire

/// The end of a process that must not go on.
package enum Halt {
    /// Says what happened and what to do, then exits with 70.
    ///
    /// A node that cannot trust its disk must not acknowledge anything, so there is no way back.
    package static func now(
        _ error: some OperatorError,
        while activity: String,
        logger: Logger
    ) -> Never {
        logger.critical(
            "stopped while \(activity): \(error.summary)",
            metadata: ["remedy": "\(error.remedy)", "blame": "\(error.blame.rawValue)"]
        )
        exit(70)
    }
}
