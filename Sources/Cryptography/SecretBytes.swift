import COpenSSL

/// Bytes that are never copied by accident, never printed, never swapped out.
///
/// - Layout: one slot of the locked arena (see `LockedMemory`), 1 to `Limits.secretBytesMax` bytes.
/// - Life: wiped with `OPENSSL_cleanse` when the owner lets go.
/// - Moving the value moves a pointer, so no copy stays behind on an old stack.
/// - Not copyable, hence it fits neither `print`, nor `Any`, nor an interpolation.
@safe package struct SecretBytes: ~Copyable {
    private let start: UnsafeMutablePointer<UInt8>
    /// Number of bytes. The length of a secret is not secret.
    package let count: Int

    /// Takes `count` zero bytes and lets `fill` write them. What `fill` throws is passed on, and
    /// the bytes are wiped.
    package init<Failure: Error>(
        count: Int,
        fill: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let start = unsafe Self.take(count)
        do throws(Failure) {
            let block = unsafe UnsafeMutableBufferPointer(start: start, count: count)
            var bytes = unsafe block.mutableSpan
            try fill(&bytes)
        } catch {
            unsafe LockedMemory.release(start, count: count)
            throw error
        }
        unsafe self.start = start
        self.count = count
    }

    /// Copies bytes that live elsewhere. Wiping the original stays the caller's task.
    package init(copying source: Span<UInt8>) {
        self.init(count: source.count) { bytes in
            for position in source.indices { bytes[position] = source[position] }
        }
    }

    /// Takes over the content of an array and wipes the array: afterwards it is empty.
    ///
    /// Only the storage of this array is wiped. If another variable shares it, Swift makes a copy
    /// first and the other one keeps the bytes.
    package init(wiping source: inout [UInt8]) {
        self.init(copying: source.span)
        wipe(&source)
    }

    /// `count` uniform bytes from the system.
    package static func random(count: Int) throws(CryptographyError) -> SecretBytes {
        try SecretBytes(count: count) { bytes throws(CryptographyError) in
            try Random.fill(&bytes)
        }
    }

    /// Lends the bytes to `body`. A `Span` cannot outlive the call.
    package borrowing func withBytes<Value: ~Copyable, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let block = unsafe UnsafeBufferPointer(start: start, count: count)
        return try body(unsafe block.span)
    }

    /// A second owner of the same content.
    package borrowing func clone() -> SecretBytes {
        withBytes { SecretBytes(copying: $0) }
    }

    /// Compares without revealing where the first difference is. Lengths are compared openly.
    package borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
        guard count == other.count else { return false }
        return unsafe CRYPTO_memcmp(start, other.start, count) == 0
    }

    /// The content as an ordinary array, outside locked memory. For the one answer that has to show
    /// a secret to its owner; wipe it with `wipe(_:)` once it is sent.
    package borrowing func exposedCopy() -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    deinit {
        unsafe LockedMemory.release(start, count: count)
    }

    private static func take(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(
            count > 0 && count <= Limits.secretBytesMax,
            "a secret is 1 byte to 2 MiB"
        )
        guard let block = unsafe LockedMemory.take(count) else {
            preconditionFailure("out of memory for secrets")
        }
        return unsafe block.bindMemory(to: UInt8.self, capacity: count)
    }
}

/// Safe to hand to another thread: one owner, and no mutation after `init`.
extension SecretBytes: @unchecked Sendable {}

/// Overwrites the array's storage with zeros and empties it.
package func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        unsafe OPENSSL_cleanse(base, buffer.count)
    }
    bytes.removeAll()
}

/// Compares without revealing where the first difference is. Lengths are compared openly.
package func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    guard !a.isEmpty else { return true }
    return unsafe CRYPTO_memcmp(a, b, a.count) == 0
}
