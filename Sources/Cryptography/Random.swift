import COpenSSL
import Glibc

/// Uniform bytes, straight from the kernel for every call.
///
/// There is no pool in this process: a virtual machine that was cloned must not repeat a nonce.
/// A failure is an error, never weaker bytes.
package enum Random {
    /// `count` fresh bytes, 0 to `Limits.randomBytesMax`.
    package static func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        precondition(count >= 0 && count <= Limits.randomBytesMax)
        var result = [UInt8](repeating: 0, count: count)
        var span = result.mutableSpan
        try fill(&span)
        return result
    }

    /// 64 fresh bits.
    package static func uint64() throws(CryptographyError) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Overwrites all of `target` with fresh bytes.
    package static func fill(_ target: inout MutableSpan<UInt8>) throws(CryptographyError) {
        let failure = unsafe target.withUnsafeMutableBytes { buffer -> Int32? in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                let written = unsafe holdfast_getrandom(rest.baseAddress, rest.count)
                if written > 0 {
                    done += written
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
        if let failure { throw .entropy(code: failure) }
    }
}
