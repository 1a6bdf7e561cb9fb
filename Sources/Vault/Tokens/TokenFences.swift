import Barrier
import Wire

/// Revocations of many tokens that are under way: what they cover may not be used any more, though
/// the sweep has not removed it yet. One record for all of them, which every use of a token reads
/// and every batch that a token allows checks, so nothing can be born behind a fence.
///
/// Format 1: a count, then for each fence its id, the beginning of the leases that it covers, and
/// the moment up to which they were made.
struct TokenFences: Sendable, Equatable {
    /// One revocation.
    struct Fence: Sendable, Equatable {
        /// 16 bytes, as the job that sweeps knows it.
        let id: [UInt8]
        /// Ends in `/`.
        let prefix: String
        /// Tokens made later are not meant.
        let before: Timestamp
    }

    private(set) var fences: [Fence]
    /// Of the record.
    let modificationIndex: UInt64

    /// Whether a revocation is on its way to this token.
    func cover(_ record: TokenRecord) -> Bool {
        guard !fences.isEmpty, record.hasLease, !record.isBatch else { return false }
        let path = record.path.withSlash.utf8
        return fences.contains {
            record.created <= $0.before && path.starts(with: $0.prefix.utf8)
        }
    }

    /// - Throws: ``VaultError/invalid(_:)`` at the limit.
    mutating func add(_ fence: Fence) throws(VaultError) {
        guard fences.count < TokenLimits.fencesMax else {
            throw .invalid(
                "\(fences.count) revocations of many leases are under way, which is the limit; "
                    + "wait until one of them is done"
            )
        }
        fences.append(fence)
    }

    /// What rests on them.
    func ground(_ home: MountID) -> LiveToken.Ground {
        LiveToken.Ground(
            home: home,
            path: SystemPaths.tokenFences,
            modificationIndex: modificationIndex
        )
    }

    mutating func remove(_ id: [UInt8]) { fences.removeAll { $0.id == id } }
}

extension TokenFences {
    /// As a vault is born with.
    static let none = TokenFences(fences: [], modificationIndex: 0)

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(fences.count))
        for fence in fences {
            writer.writeBytes(fence.id)
            writer.writeString(fence.prefix)
            writer.writeUInt64(fence.before.nanoseconds)
        }
        return writer.bytes
    }

    init(decoding opened: Opened) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(opened.value)
            try reader.readFormat(of: "fences of tokens")
            let count = try reader.readVarint()
            guard count <= UInt64(TokenLimits.fencesMax) else {
                throw .tooLong(limit: TokenLimits.fencesMax, have: count)
            }
            fences = []
            for _ in 0..<count {
                let fence = Fence(
                    id: try reader.readBytes(16),
                    prefix: try reader.readString(atMost: TokenLimits.pathBytesMax),
                    before: Timestamp(nanoseconds: try reader.readUInt64())
                )
                guard fence.prefix.utf8.last == 0x2F else {
                    throw .malformed("a fence without its slash")
                }
                fences.append(fence)
            }
            try reader.finish()
        } catch {
            throw .damaged("fences of tokens: \(error.summary)")
        }
        modificationIndex = opened.modificationIndex
    }
}
