import COpenSSL

/// What the process can promise about memory that holds secrets. `Node` asks once, at start.
package enum MemoryLock {
    /// Locked and not lockable bytes of the arena for secrets, at this moment.
    package static var usage: (lockedBytes: Int, unlockedBytes: Int) {
        let usage = LockedMemory.usage
        return (usage.lockedBytes, usage.unlockedBytes)
    }

    /// Fills the arena's first slabs and says whether all of it could be locked.
    ///
    /// - Returns: false if any part of the arena may be swapped out, or if libcrypto was already
    ///   in use with ordinary memory. `Node` then refuses to start unless its settings allow it.
    package static func requireLocking() -> Bool {
        let isHeapLocked = Libcrypto.shared.isHeapLocked
        let probe = SecretBytes(count: 32) { _ in }
        precondition(probe.count == 32)
        return isHeapLocked && LockedMemory.usage.unlockedBytes == 0
    }

    /// RLIMIT_MEMLOCK in bytes, for the message that explains a refused start; nil if unlimited.
    package static var limitBytes: UInt64? {
        var bytes: UInt64 = 0
        guard unsafe holdfast_memlock_limit(&bytes) == 0, bytes != .max else { return nil }
        return bytes
    }

    /// Forbids core files, attaching debuggers and crash reports for the rest of the process's
    /// life: Swift's backtracer prints the memory around registers, which could be a key.
    ///
    /// Side effect: files under `/proc/<pid>` then belong to root.
    /// - Returns: false when the kernel refused either.
    @discardableResult
    package static func disableCoreDumps() -> Bool {
        holdfast_forbid_core_dumps() == 0
    }
}
