import Barrier
import Wire

/// A namespace at rest, in its parent's home, under its own home's id: its id, its name, when it
/// was made, whether it is being removed, what an operator noted, and the lock on its API. Format 1
/// ends before the lock, and is what one without a lock is written in.
struct NamespaceRecord: Sendable, Equatable {
    let id: String
    /// One segment of a path, without a slash.
    let name: String
    let created: Timestamp
    /// Nobody reaches it any more; a job removes what is in it.
    var isEnding = false
    var metadata: IdentityTexts
    /// Nil: its API is not locked, as far as this namespace itself decides.
    var lock: NamespaceLock?

    var isLocked: Bool { lock != nil }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeUInt8(lock == nil ? 1 : 2)
        writer.writeString(id)
        writer.writeString(name)
        writer.writeUInt64(created.nanoseconds)
        writer.writeBool(isEnding)
        metadata.write(to: &writer)
        lock?.write(to: &writer)
        return writer.bytes
    }
}

extension NamespaceRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            let format = try reader.readFormat(1...2, of: "a namespace")
            id = try reader.readString(atMost: VaultLimits.namespaceIDCharacters)
            name = try reader.readString(atMost: VaultLimits.namespacePathBytesMax)
            guard !id.isEmpty, !name.isEmpty, !name.utf8.contains(0x2F) else {
                throw .malformed("a namespace without a name or an id")
            }
            created = Timestamp(nanoseconds: try reader.readUInt64())
            isEnding = try reader.readBool()
            metadata = try IdentityTexts(reading: &reader)
            if format > 1 { lock = try NamespaceLock(reading: &reader) }
            try reader.finish()
        } catch {
            throw .damaged("namespace: \(error.summary)")
        }
    }
}

/// A namespace as its parent's table has it.
struct NamespaceEntry: Sendable {
    /// Where its own records lie. Its text is the namespace's `uuid`.
    let home: MountID
    let record: NamespaceRecord
    /// Of its record.
    let modificationIndex: UInt64
}

/// Where a namespace is that is known by its id: format 1 and its path, under the id in the system
/// mount. Says nothing that its parent's table does not say; the table decides.
enum NamespacePointer {
    static func encoded(_ path: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 2 + path.utf8.count)
        writer.writeUInt8(1)
        writer.writeString(path)
        return writer.bytes
    }

    static func path(decoding bytes: [UInt8]) throws(VaultError) -> String {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a pointer to a namespace")
            let path = try reader.readString(atMost: VaultLimits.namespacePathBytesMax)
            guard path.utf8.last == 0x2F else { throw .malformed("a path without its slash") }
            try reader.finish()
            return path
        } catch {
            throw .damaged("pointer to a namespace: \(error.summary)")
        }
    }
}

extension SystemPaths {
    /// One record for each namespace directly below the one whose home this is.
    static let namespaces = "namespaces/active/"

    static func namespace(_ home: MountID) -> String { namespaces + home.text }

    /// In the system mount: where the namespace with an id is.
    static func namespaceID(_ id: String) -> String { "namespaces/id/\(id)" }
}

extension VaultLimits {
    /// Characters in the id of a namespace.
    package static let namespaceIDCharacters = 6
    /// Bytes in the path of a namespace, its final slash included.
    package static let namespacePathBytesMax = 512
    /// Namespaces inside each other: each request reads the tables of all that it passes through.
    package static let namespaceDepthMax = 16
    /// Namespaces directly below one.
    package static let namespacesMax = 10_000
    /// Namespaces whose tables are kept in memory, besides the root namespace.
    package static let cachedNamespacesMax = 1_024
}
