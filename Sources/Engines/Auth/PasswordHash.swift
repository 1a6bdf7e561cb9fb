import Cryptography
import Wire

/// A password at rest: what it costs to try one, the salt, and the hash.
///
/// Format, part of the records that hold one: format 1, log2 N, r, p, salt and hash with their
/// lengths. The cost is stored, so it can grow with new passwords while old ones still work.
struct PasswordHash: Sendable, Equatable {
    static let saltBytes = 16
    static let hashBytes = 32

    let cost: ScryptCost
    let salt: [UInt8]
    let hash: [UInt8]

    private init(cost: ScryptCost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// Hashes a password: some 80 ms.
    ///
    /// - Parameter salt: 16 bytes, random, and the same when the request is prepared again.
    init(of password: String, salt: [UInt8]) throws(EngineError) {
        precondition(salt.count == Self.saltBytes, "a salt has 16 bytes")
        guard password.utf8.count <= EngineLimits.passwordBytesMax else {
            throw .invalid(
                "the password is \(password.utf8.count) bytes, the limit is "
                    + "\(EngineLimits.passwordBytesMax)"
            )
        }
        let cost = ScryptCost.password
        self.init(cost: cost, salt: salt, hash: try Self.hash(password, salt, cost))
    }

    /// What a password is compared with where there is no user: it takes as long, and nothing
    /// matches it.
    static let nobody = PasswordHash(
        cost: .password,
        salt: [UInt8](repeating: 0, count: saltBytes),
        hash: []
    )

    /// Whether this is the password: some 80 ms, whatever comes out.
    func matches(_ password: String) throws(EngineError) -> Bool {
        guard password.utf8.count <= EngineLimits.passwordBytesMax else { return false }
        return constantTimeEquals(try Self.hash(password, salt, cost), hash)
    }

    private static func hash(
        _ password: String,
        _ salt: [UInt8],
        _ cost: ScryptCost
    ) throws(EngineError) -> [UInt8] {
        do throws(CryptographyError) {
            return try scrypt(Array(password.utf8), salt: salt, cost: cost, count: hashBytes)
        } catch {
            throw .failed("this node has no memory to check a password: try again")
        }
    }
}

// MARK: at rest

extension PasswordHash {
    func write(to writer: inout ByteWriter) {
        writer.writeUInt8(1)
        writer.writeUInt8(cost.costLog2)
        writer.writeUInt8(cost.blockSize)
        writer.writeUInt8(cost.parallelism)
        writer.writeBlob(salt)
        writer.writeBlob(hash)
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        try reader.readFormat(of: "a password's hash")
        let cost = ScryptCost(
            costLog2: try reader.readUInt8(),
            blockSize: try reader.readUInt8(),
            parallelism: try reader.readUInt8()
        )
        guard let cost else { throw .malformed("a cost that scrypt does not allow") }
        let salt = try reader.readBlob(atMost: Self.saltBytes)
        let hash = try reader.readBlob(atMost: Self.hashBytes)
        guard salt.count == Self.saltBytes, hash.count == Self.hashBytes else {
            throw .malformed("a password's hash of \(salt.count) and \(hash.count) bytes")
        }
        self.init(cost: cost, salt: salt, hash: hash)
    }
}
