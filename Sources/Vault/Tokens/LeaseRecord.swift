import Wire

/// A lease at rest, under its id. Format 1: what kind it is, then what that kind says. Engines that
/// lease secrets add kinds.
enum LeaseRecord: Sendable, Equatable {
    /// The lease of a token: all about it, its end included, is in the token's own record, so no
    /// two records can disagree. Kind 1: the token's hash.
    case token(String)

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 72)
        writer.writeUInt8(1)
        switch self {
        case .token(let hash):
            writer.writeUInt8(1)
            writer.writeString(hash)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a lease")
            switch try reader.readUInt8() {
            case 1:
                let hash = try reader.readString(atMost: TokenLimits.hashCharacters)
                guard TokenPlace.isHash(hash) else { throw .malformed("it leads to no hash") }
                self = .token(hash)
            case let kind: throw .malformed("a lease of kind \(kind)")
            }
            try reader.finish()
        } catch {
            throw .damaged("lease: \(error.summary)")
        }
    }
}
