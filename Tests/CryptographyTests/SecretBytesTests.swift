import Glibc
import Testing
import Wire

@testable import Cryptography

@Suite("secrets in memory")
struct SecretBytesTests {
    private struct Refused: Error {}

    @Test("start as zeros and hold what was filled in")
    func filling() {
        for count in [1, 15, 16, 17, 31, 32, 33, 64, 4096, 16 << 10, 16 << 10 + 1, 2 << 20] {
            var sum = 0
            let bytes = SecretBytes(count: count) { bytes in
                for position in bytes.indices { sum += Int(bytes[position]) }
                bytes[0] = 1
                bytes[count - 1] = 2
            }
            #expect(sum == 0, "\(count) bytes were not zero")
            #expect(bytes.count == count)
            bytes.withBytes { #expect($0.count == count && $0[count - 1] == 2) }
        }
    }

    @Test("a fill that fails passes its error on")
    func failingFill() {
        #expect(throws: Refused.self) {
            _ = try SecretBytes(count: 32) { (_: inout MutableSpan<UInt8>) throws(Refused) in
                throw Refused()
            }
        }
    }

    @Test("taking over an array empties it")
    func takingOver() {
        var source: [UInt8] = [1, 2, 3]
        let taken = SecretBytes(wiping: &source)
        #expect(source.isEmpty)
        #expect(taken.exposedCopy() == [1, 2, 3])
    }

    @Test("a clone is equal and independent")
    func cloning() {
        let copy: SecretBytes
        do {
            let original = secret(repeating: 5)
            copy = original.clone()
            #expect(areEqualSecrets(copy.exposedCopy(), original.exposedCopy()))
        }
        #expect(copy.exposedCopy() == [UInt8](repeating: 5, count: 32))
    }

    @Test("equality looks at every byte and at the length")
    func equality() {
        let a = Array(UInt8(0)..<32)
        for position in 0..<32 {
            var b = a
            b[position] ^= 0x80
            #expect(!areEqualSecrets(a, b), "byte \(position)")
            #expect(!constantTimeEquals(a, b), "byte \(position)")
        }
        #expect(!areEqualSecrets(a, Array(a.dropLast())))
        // A zero at the end is a byte like any other.
        #expect(!areEqualSecrets([1, 0], [1]) && !areEqualSecrets([1], [1, 0]))
        #expect(areEqualSecrets(a, a))
        #expect(constantTimeEquals(a, a))
        #expect(constantTimeEquals([], []) && !constantTimeEquals([], [0]))
    }

    @Test("random secrets differ")
    func random() throws {
        let a = try SecretBytes.random(count: 32)
        let b = try SecretBytes.random(count: 32)
        #expect(a.exposedCopy() != b.exposedCopy())
    }

    @Test("many threads take and give back at once")
    func threads() {
        let failures = Counter()
        onThreads(8) { number in
            for round in 0..<2_000 {
                let count = 1 + (round * 37 + number) % 600
                let own = secret(repeating: UInt8(number + 1), count: count)
                own.withBytes { bytes in
                    for position in bytes.indices where bytes[position] != UInt8(number + 1) {
                        failures.add()
                    }
                }
            }
        }
        #expect(failures.value == 0)
    }

    @Test("refuses to hold nothing")
    func empty() async {
        await #expect(processExitsWith: .failure) { _ = SecretBytes(count: 0) { _ in } }
    }

    @Test("refuses more than its limit")
    func tooLarge() async {
        await #expect(processExitsWith: .failure) {
            _ = SecretBytes(count: 2 << 20 + 1) { _ in }
        }
    }
}

@Suite("locked memory", .serialized)
struct LockedMemoryTests {
    @Test("a released block is wiped before anyone gets it again")
    func wiped() throws {
        // The largest class: no other test takes from it for long; last in is first out.
        let count = Limits.slotBytesMax
        for _ in 0..<20 {
            let block = unsafe try #require(LockedMemory.take(count))
            unsafe block.initializeMemory(as: UInt8.self, repeating: 0xa5, count: count)
            unsafe LockedMemory.release(block, count: count)
            let again = unsafe try #require(LockedMemory.take(count))
            let bytes = unsafe UnsafeRawBufferPointer(start: again, count: count)
            #expect(unsafe bytes.allSatisfy { $0 == 0 })
            unsafe LockedMemory.release(again, count: count)
        }
    }

    @Test("releasing a secret unlocks no neighbour")
    func neighbours() throws {
        guard MemoryLock.requireLocking() else {
            // Where the limit is too small this must be said and not hidden.
            #expect(MemoryLock.usage.unlockedBytes > 0 || !Libcrypto.shared.isHeapLocked)
            return
        }
        let keeper = secret(repeating: 1)
        for _ in 0..<1_000 { _ = secret(repeating: 2) }
        #expect(keeper.count == 32)
        let locked = try #require(statusKilobytes("VmLck:")) * 1024
        #expect(locked >= MemoryLock.usage.lockedBytes)
        #expect(MemoryLock.usage.lockedBytes >= Limits.slabBytes)
    }

    @Test("a large block is locked while it lives and gone afterwards")
    func large() {
        let count = 5 << 20
        let before = LockedMemory.usage
        let block = unsafe LockedMemory.take(count)
        let during = LockedMemory.usage
        let grown = during.lockedBytes + during.unlockedBytes
        #expect(grown >= before.lockedBytes + before.unlockedBytes + count)
        if let block = unsafe block { unsafe LockedMemory.release(block, count: count) }
        let after = LockedMemory.usage
        #expect(after.lockedBytes + after.unlockedBytes < grown)
    }

    @Test(
        "sizes are rounded to their slots",
        arguments: [
            (1, 16), (16, 16), (17, 32), (32, 32), (33, 64), (8193, 16384), (16385, 20480),
        ]
    )
    func rounding(_ count: Int, _ bytes: Int) {
        #expect(LockedMemory.roundedBytes(count) == bytes)
    }

    @Test("libcrypto's heap is in it")
    func heap() {
        _ = sha256([1])
        #expect(Libcrypto.shared.isHeapLocked)
    }

    @Test("running over the end of a large block stops the process")
    func guardPage() async {
        await #expect(processExitsWith: .failure) {
            let block = unsafe LockedMemory.take(20_480)
            if let block = unsafe block {
                unsafe block.storeBytes(of: 1, toByteOffset: 20_480, as: UInt8.self)
            }
        }
    }

    @Test("core dumps can be forbidden")
    func coreDumps() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let isForbidden = MemoryLock.disableCoreDumps()
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            exit(isForbidden && limit.rlim_cur == 0 && limit.rlim_max == 0 ? 42 : 1)
        }
    }

    @Test("a limit too small is noticed")
    func smallLimit() async {
        await #expect(processExitsWith: .exitCode(43)) {
            // As a user without the privilege, and with room for one slab only.
            var limit = rlimit(rlim_cur: 64 << 10, rlim_max: 64 << 10)
            unsafe setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
            if geteuid() == 0 { setuid(65534) }
            let isLocked = MemoryLock.requireLocking()
            let isCounted = MemoryLock.usage.unlockedBytes > 0
            let isKnown = MemoryLock.limitBytes == 64 << 10
            exit(!isLocked && isCounted && isKnown ? 43 : 1)
        }
    }

    private func statusKilobytes(_ name: String) -> Int? {
        guard let file = unsafe fopen("/proc/self/status", "r") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while unsafe fgets(&line, 256, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            guard text.hasPrefix(name) else { continue }
            return text.split { !$0.isNumber }.first.flatMap { Int($0) }
        }
        return nil
    }
}
