import Glibc

/// Megabytes for one computation, given back to the system when it ends.
///
/// scrypt mixes a password into 32 MiB. Locking that would need a limit that few systems grant, and
/// faulting it in under the arena's lock would hold up everybody else, so it is not locked; but no
/// core dump and no child gets it, and the system zeroes the pages when they are given back.
enum WorkingMemory {
    /// A zeroed block of `count` bytes, aligned to a page, or nil when the system has none.
    static func take(_ count: Int) -> UnsafeMutableRawPointer? {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let block = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let block = unsafe block, unsafe block != UnsafeMutableRawPointer(bitPattern: -1)
        else { return nil }
        _ = unsafe madvise(block, count, MADV_DONTDUMP)
        _ = unsafe madvise(block, count, MADV_DONTFORK)
        return unsafe block
    }

    /// Gives back a block that came from `take(count)` with the same `count`.
    static func release(_ block: UnsafeMutableRawPointer, count: Int) {
        let result = unsafe munmap(block, count)
        precondition(result == 0, "a block that the system did not give out was released")
    }
}
