/// Every bound in `Cryptography`. A number that is not here does not exist.
package enum Limits {
    /// Largest secret. A sealed value is at most 1 MiB; its plaintext may be a secret too.
    package static let secretBytesMax = 2 << 20
    /// Largest plaintext of one box. XAES-256-GCM allows 64 GiB; libcrypto counts in `Int32`.
    package static let boxBytesMax = 64 << 20
    /// One slab of the locked arena holds slots of one size.
    static let slabBytes = 64 << 10
    /// Smallest and largest slot of a slab; larger blocks get a mapping of their own.
    static let slotBytesMin = 16
    static let slotBytesMax = 16 << 10
    /// Idle contexts kept per pool. More than that are freed when they come back.
    static let idleContextsMax = 64
    /// Most bytes one HKDF-SHA256 expansion may give. Source: RFC 5869, section 2.3.
    package static let derivedBytesMax = 255 * 32
    /// Most bytes from one call to the system's random source.
    package static let randomBytesMax = 1 << 20
    /// Bytes in a SubjectPublicKeyInfo: RSA with 8,192 bits has 1,062.
    package static let publicKeyBytesMax = 2_048
    /// Most memory of one scrypt computation.
    package static let scryptBytesMax = 64 << 20
    /// A block of libcrypto's from this size on is scrypt's, see `WorkingMemory`.
    static let workingBytesMin = 1 << 20
}
