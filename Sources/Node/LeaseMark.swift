import Raft
import Transport

/// Remembers in the data folder whether this node last ran with read leases.
///
/// A voter keeps still for a while for the leader's lease, and holds that promise in memory only.
/// With leases on, every start waits such a while before it votes. A node whose leases were just
/// turned off must wait as well, once: its last process may have promised something a moment ago.
enum LeaseMark {
    private static let fileName = "read-lease"
    private static let on = Array("on\n".utf8)
    private static let off = Array("off\n".utf8)

    /// To be called before consensus starts.
    ///
    /// - Returns: how long to wait before it may start; nil: not at all.
    /// - Throws: `TransportError` when the mark can be neither read nor written.
    static func begin(folder: String, hasLeases: Bool) throws -> Duration? {
        let path = "\(folder)/\(fileName)"
        let known = try PrivateFile.readSecret(path)
        if hasLeases {
            if known != on { try PrivateFile.writeSecret(on, to: path) }
            return nil
        }
        guard let known, known != off else { return nil }
        return .nanoseconds(Int64(clamping: RaftSettings.longestPromiseNanoseconds))
    }

    /// The wait is over: nothing promised earlier can still be owed.
    static func waited(folder: String) throws {
        try PrivateFile.writeSecret(off, to: "\(folder)/\(fileName)")
    }
}
