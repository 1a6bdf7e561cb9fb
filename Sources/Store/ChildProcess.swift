import Glibc

/// Runs a program as a child and waits for its end; for checks that may end it by a signal.
package enum ChildProcess {
    /// How it ended.
    package enum End: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// - Parameters:
    ///   - program: path of the program, also its first argument.
    ///   - arguments: the others. Standard streams are shared with this process.
    /// - Throws: ``StoreError/system(code:operation:path:)`` when it cannot be started.
    package static func run(_ program: String, _ arguments: [String]) throws(StoreError) -> End {
        var child = pid_t()
        let texts = [program] + arguments
        var pointers = unsafe texts.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let code = unsafe posix_spawn(&child, program, nil, nil, pointers, environ)
        guard code == 0 else { throw .system(code: code, operation: "posix_spawn", path: program) }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else {
                throw .system(code: errno, operation: "waitpid", path: program)
            }
        }
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
    }
}
