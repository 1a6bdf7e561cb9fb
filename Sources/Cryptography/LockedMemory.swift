import COpenSSL
import Glibc
import Synchronization

/// Memory for secrets: locked in RAM, left out of core dumps and children, wiped when released.
///
/// - Layout: slabs of 64 KiB, each cut into slots of one size (16 B to 16 KiB, powers of two). A
///   larger block gets a mapping of its own. Every mapping has an inaccessible page on each side.
/// - Why slabs: `mlock` and `munlock` work on whole pages and do not count. Two secrets that share
///   a page would unlock each other. A slab is locked once and stays so while the process lives.
/// - Cost: taking a slot is one lock and one array pop. A slab is never given back to the system,
///   so the total is the high-water mark of what was in use.
/// - Not defended: a debugger with the right to attach, hibernation, the CPU's own caches.
enum LockedMemory {
    /// How much of the arena the kernel agreed to lock, in bytes.
    struct Usage: Sendable, Equatable {
        var lockedBytes = 0
        var unlockedBytes = 0
    }

    private struct State {
        /// Addresses of free slots, one list per size class. Addresses, so the state is Sendable.
        var free: [[UInt]]
        var usage = Usage()
        /// Addresses of mappings whose lock was refused.
        var unlocked: [UInt] = []
    }

    private static let state = Mutex(State(free: Array(repeating: [], count: classCount)))

    private static let classCount =
        (Limits.slotBytesMax / Limits.slotBytesMin).trailingZeroBitCount + 1

    static var usage: Usage { state.withLock { $0.usage } }

    /// Bytes really reserved for a request of `count` bytes.
    static func roundedBytes(_ count: Int) -> Int {
        guard count <= Limits.slotBytesMax else {
            let page = Int(getpagesize())
            return (count + page - 1) / page * page
        }
        return Limits.slotBytesMin << sizeClass(count)
    }

    /// A zeroed block of at least `count` bytes, aligned to 16, or nil when the system has none.
    static func take(_ count: Int) -> UnsafeMutableRawPointer? {
        precondition(count > 0)
        guard count <= Limits.slotBytesMax else {
            return unsafe state.withLock { state in
                let mapping = unsafe map(roundedBytes(count), &state)
                return UInt(bitPattern: mapping)
            }.pointer
        }
        let index = sizeClass(count)
        let address = state.withLock { state -> UInt in
            if state.free[index].isEmpty { refill(index, &state) }
            return state.free[index].popLast() ?? 0
        }
        return unsafe address.pointer
    }

    /// Wipes and takes back a block that came from `take(count)` with the same `count`.
    static func release(_ block: UnsafeMutableRawPointer, count: Int) {
        let bytes = roundedBytes(count)
        unsafe OPENSSL_cleanse(block, bytes)
        let address = UInt(bitPattern: block)
        if count > Limits.slotBytesMax {
            state.withLock { unmap(address, bytes, &$0) }
        } else {
            let index = sizeClass(count)
            state.withLock { $0.free[index].append(address) }
        }
    }

    private static func sizeClass(_ count: Int) -> Int {
        guard count > Limits.slotBytesMin else { return 0 }
        let slots = (count - 1) / Limits.slotBytesMin
        return Int.bitWidth - slots.leadingZeroBitCount
    }

    private static func refill(_ index: Int, _ state: inout State) {
        guard let slab = unsafe map(Limits.slabBytes, &state) else { return }
        let first = UInt(bitPattern: slab)
        let slotBytes = Limits.slotBytesMin << index
        for offset in stride(from: 0, to: Limits.slabBytes, by: slotBytes) {
            state.free[index].append(first + UInt(offset))
        }
    }

    /// A locked mapping between two pages that nobody may touch.
    ///
    /// A refused lock is counted, not fatal: `Node` decides at start whether that is acceptable.
    private static func map(_ bytes: Int, _ state: inout State) -> UnsafeMutableRawPointer? {
        let page = Int(getpagesize())
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let whole = unsafe mmap(nil, bytes + 2 * page, PROT_NONE, flags, -1, 0)
        guard let whole = unsafe whole, unsafe whole != UnsafeMutableRawPointer(bitPattern: -1)
        else { return nil }
        let inner = unsafe whole + page
        guard unsafe mprotect(inner, bytes, PROT_READ | PROT_WRITE) == 0 else {
            _ = unsafe munmap(whole, bytes + 2 * page)
            return nil
        }
        _ = unsafe madvise(inner, bytes, MADV_DONTDUMP)
        _ = unsafe madvise(inner, bytes, MADV_DONTFORK)
        if unsafe mlock(inner, bytes) == 0 {
            state.usage.lockedBytes += bytes
        } else {
            state.usage.unlockedBytes += bytes
            state.unlocked.append(UInt(bitPattern: inner))
        }
        return unsafe inner
    }

    /// Unmapping ends the lock too.
    private static func unmap(_ address: UInt, _ bytes: Int, _ state: inout State) {
        let page = Int(getpagesize())
        let whole = unsafe UnsafeMutableRawPointer(bitPattern: address - UInt(page))
        let result = unsafe munmap(whole, bytes + 2 * page)
        precondition(result == 0, "a block that the arena did not give out was released")
        if let position = state.unlocked.firstIndex(of: address) {
            state.unlocked.remove(at: position)
            state.usage.unlockedBytes -= bytes
        } else {
            state.usage.lockedBytes -= bytes
        }
    }
}

extension UInt {
    /// The address as a pointer; nil for 0.
    fileprivate var pointer: UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: self)
    }
}
