import Barrier
import Cryptography
import Wire

/// What is kept of a lock on a namespace's API. The key that opens it is a credential, so it is not
/// kept: HMAC(K_token, what it is for, the namespace's home, the key), in hexadecimal.
struct NamespaceLock: Sendable, Equatable {
    private let hash: String

    /// - Parameters:
    ///   - key: as whoever locks gets it.
    ///   - home: of the namespace that is locked.
    init(key: String, home: MountID, _ keyring: Keyring) {
        hash = Self.hash(key, home, keyring)
    }

    /// Whether this is the key that came with the lock.
    func isOpened(by key: String, home: MountID, _ keyring: Keyring) -> Bool {
        let given = Self.hash(key, home, keyring)
        return constantTimeEquals(Array(given.utf8), Array(hash.utf8))
    }

    private static func hash(_ key: String, _ home: MountID, _ keyring: Keyring) -> String {
        keyring.tokenPath(Array("namespace lock\0".utf8) + home.bytes + Array(key.utf8))
    }
}

extension NamespaceLock {
    init(reading reader: inout ByteReader) throws(WireError) {
        hash = try reader.readString(atMost: TokenLimits.hashCharacters)
        guard TokenPlace.isHash(hash) else { throw .malformed("a lock without its hash") }
    }

    func write(to writer: inout ByteWriter) { writer.writeString(hash) }
}

extension VaultLimits {
    /// Characters of the key that unlocks a namespace: 142 bits.
    static let unlockKeyCharacters = 24
}
