import Glibc

/// Says why on standard error and ends this process with status 70 (an internal failure).
///
/// For failures after which the disk's content is not known: any error of a sync or a commit, and
/// LMDB's own assertions. Linux marks pages clean after a failed sync, so a second attempt would
/// report success for data that is lost (Rebello et al., USENIX ATC 2020). Nothing is retried,
/// nothing is cleaned up, no exit handler runs: the next start reads what is really there.
func endProcess(_ reason: String) -> Never {
    var line = Array(
        "holdfast: store: \(reason); ending this process, the disk is not trusted\n".utf8
    )
    unsafe line.withUnsafeMutableBytes { bytes in
        _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
    _exit(70)
}
