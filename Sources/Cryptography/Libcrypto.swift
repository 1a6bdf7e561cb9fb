import COpenSSL
import Glibc

/// The one place that sets libcrypto up: algorithms fetched once, its heap in locked memory.
///
/// Every context of libcrypto holds expanded keys in its own heap. That heap is small (nothing else
/// in this process uses the system's libcrypto), so all of it goes to the locked arena: expanded
/// keys are then not swapped, not dumped, and wiped when freed.
@safe final class Libcrypto: Sendable {
    static let shared = Libcrypto()

    /// False if someone used libcrypto before us, so that its heap is ordinary memory.
    let isHeapLocked: Bool

    // Why `nonisolated(unsafe)` holds: each is set once, before anybody can reach `shared`, and is
    // neither changed nor freed after that. What it points to is a fetched algorithm: constant but
    // for its reference count, which libcrypto changes atomically (crypto(7),
    // openssl-threads(7)), so any threads may make contexts of it at the same time.
    nonisolated(unsafe) let sha256: OpaquePointer
    nonisolated(unsafe) let aes256: OpaquePointer
    nonisolated(unsafe) let aes256GCM: OpaquePointer
    nonisolated(unsafe) let hkdf: OpaquePointer

    /// Digest contexts that are already set to SHA-256.
    let digests: Pool<OpaquePointer>

    private init() {
        isHeapLocked =
            unsafe CRYPTO_set_mem_functions(
                { count, _, _ in unsafe lockedAllocate(count) },
                { block, count, _, _ in unsafe lockedReallocate(block, count) },
                { block, _, _ in unsafe lockedFree(block) }
            ) == 1
        // No configuration file: an environment variable shall not decide which code sees our keys.
        // No exit handler: it would pull the contexts away from threads that still run.
        let options = UInt64(OPENSSL_INIT_NO_LOAD_CONFIG) | UInt64(OPENSSL_INIT_NO_ATEXIT)
        let isReady = OPENSSL_init_crypto(options, nil) == 1
        precondition(isReady, "libcrypto cannot be initialised")
        let digest = unsafe EVP_MD_fetch(nil, "SHA256", nil)
        let block = unsafe EVP_CIPHER_fetch(nil, "AES-256-ECB", nil)
        let gcm = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
        let kdf = unsafe EVP_KDF_fetch(nil, "HKDF", nil)
        guard let digest = unsafe digest, let block = unsafe block,
            let gcm = unsafe gcm, let kdf = unsafe kdf
        else { preconditionFailure("libcrypto lacks SHA256, AES-256-ECB, AES-256-GCM or HKDF") }
        unsafe sha256 = digest
        unsafe aes256 = block
        unsafe aes256GCM = gcm
        unsafe hkdf = kdf
        unsafe digests = Self.digestPool(SharedPointer(pointer: digest))
    }

    private static func digestPool(_ digest: SharedPointer) -> Pool<OpaquePointer> {
        unsafe Pool(
            make: {
                let context = unsafe EVP_MD_CTX_new()
                guard let context = unsafe context,
                    unsafe EVP_DigestInit_ex2(context, digest.pointer, nil) == 1
                else { preconditionFailure("libcrypto refused a SHA-256 context") }
                return unsafe context
            },
            free: { unsafe EVP_MD_CTX_free($0) }
        )
    }

    /// Ends the process when a call failed that correct arguments cannot make fail. Going on would
    /// mean answering with bytes that nobody computed.
    static func require(_ result: Int32, _ call: StaticString) {
        precondition(result == 1, "\(call) failed in libcrypto")
    }
}

/// A pointer to a fetched algorithm. `@unchecked`: that is constant, see ``Libcrypto``, and so is
/// the pointer.
@safe private struct SharedPointer: @unchecked Sendable {
    let pointer: OpaquePointer
}

// MARK: - libcrypto's heap

/// In front of each block: its whole size, so that `free` knows it. Keeps blocks aligned to 16.
private let headerBytes = 16

private func lockedAllocate(_ count: Int) -> UnsafeMutableRawPointer? {
    guard count > 0, count <= Int.max - headerBytes else { return nil }
    let whole = count + headerBytes
    guard let block = unsafe take(whole) else { return nil }
    unsafe block.storeBytes(of: whole, as: Int.self)
    return unsafe block + headerBytes
}

private func lockedFree(_ block: UnsafeMutableRawPointer?) {
    guard let block = unsafe block else { return }
    let start = unsafe block - headerBytes
    let whole = unsafe start.load(as: Int.self)
    if whole < Limits.workingBytesMin {
        unsafe LockedMemory.release(start, count: whole)
    } else {
        unsafe WorkingMemory.release(start, count: whole)
    }
}

private func take(_ count: Int) -> UnsafeMutableRawPointer? {
    count < Limits.workingBytesMin
        ? unsafe LockedMemory.take(count) : unsafe WorkingMemory.take(count)
}

private func lockedReallocate(
    _ block: UnsafeMutableRawPointer?,
    _ count: Int
) -> UnsafeMutableRawPointer? {
    guard let block = unsafe block else { return unsafe lockedAllocate(count) }
    guard count > 0 else {
        unsafe lockedFree(block)
        return nil
    }
    let whole = unsafe (block - headerBytes).load(as: Int.self)
    guard let target = unsafe lockedAllocate(count) else { return nil }
    unsafe target.copyMemory(from: block, byteCount: min(count, whole - headerBytes))
    unsafe lockedFree(block)
    return unsafe target
}
