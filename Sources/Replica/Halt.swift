import Glibc
package import Logging
import Store
package import Wire

/// The end of a process that must not go on.
package enum Halt {
    /// Says what happened and what to do, then exits with 70.
    ///
    /// A node that cannot trust its disk must not acknowledge anything, so there is no way back.
    /// After damage the next start walks everything before it trusts it: it would end here again
    /// otherwise, and nobody would ever put the database aside.
    package static func now(
        _ error: some OperatorError,
        while activity: String,
        logger: Logger
    ) -> Never {
        logger.critical(
            "stopped while \(activity): \(error.summary)",
            metadata: ["remedy": "\(error.remedy)", "blame": "\(error.blame.rawValue)"]
        )
        if let error = error as? StoreError, error.isDamage { SuspectMarker.leave() }
        exit(70)
    }
}
