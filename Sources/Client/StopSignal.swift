import Glibc
import NIOPosix
import Synchronization

/// Waits for somebody to ask this process to end.
package enum StopSignal {
    /// Where the handler writes. A pipe, because a handler may do hardly anything else.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Returns when SIGTERM or SIGINT arrives. A second one then ends the process at once.
    ///
    /// - Throws: ``LocalError`` when there is no pipe to be had.
    package static func next() async throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw LocalError.failed("pipe", reason: LocalFile.lastReason())
        }
        let readEnd = ends[0]
        pipeEnd.store(ends[1], ordering: .sequentiallyConsistent)
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                var byte: UInt8 = 1
                let descriptor = StopSignal.pipeEnd.load(ordering: .sequentiallyConsistent)
                _ = unsafe write(descriptor, &byte, 1)
            }
        }
        try await NIOThreadPool.singleton.runIfActive {
            var byte: UInt8 = 0
            while unsafe read(readEnd, &byte, 1) < 0, errno == EINTR {}
        }
        for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
    }
}
