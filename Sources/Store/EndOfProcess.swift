import Glibc

/// As ``endProcess(_:)``, for a call of the system that failed on a file.
func endProcess(_ operation: String, on path: String, code: Int32) -> Never {
    endProcess("\(operation) failed on \(path): \(systemMessage(code)) (errno \(code))")
}

/// Says why on standard error and ends this process with status 70 (an internal failure).
///
/// For failures after which the disk's content is not known: any error of a sync or a commit, and
/// LMDB's own assertions. Linux marks pages clean after a failed sync, so a second attempt would
/// report success for data that is lost (Rebello et al., USENIX ATC 2020). Nothing is retried,
/// nothing is cleaned up, no exit handler runs: the next start reads what is really there.
func endProcess(_ reason: String) -> Never {
    SuspectMarker.leave()
    var line = Array(
        """
        holdfast: store: \(reason); this process ends because what the disk holds is not known \
        now, nothing acknowledged depends on it; look for disk errors in the kernel's log, replace \
        a failing disk, then start this node again\n
        """.utf8
    )
    unsafe line.withUnsafeMutableBytes { bytes in
        _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
    _exit(70)
}
