import Barrier
import Cryptography
import Engines
import Policy
import Wire

/// One version of a policy at rest.
///
/// Format 1: version, when it was written, accessor of the token that wrote it, version that it was
/// restored from (0: none), flags (1: needs a check-and-set, 2: templates may hold slashes, 4:
/// templates may hold wildcards), when it expires (0: never), text, cases as a JSON list.
struct PolicyRecord: Sendable, Equatable {
    /// Grows with every version and is never used again, not even after a delete.
    var version: UInt64
    var modified: Timestamp
    /// Empty for what was written when the vault was made.
    var author: String
    var restoredFrom: UInt64 = 0
    var content: Content

    /// What people decide about a policy.
    struct Content: Sendable, Equatable {
        /// As written, checked to be readable.
        var text: String
        var needsCheckAndSet = false
        var allowsSlashesInTemplates = false
        var allowsWildcardsInTemplates = false
        /// Means nothing from then on.
        var expiration: Timestamp?
        /// A JSON list, checked to be readable; `[]` for none.
        var cases: [UInt8] = Array("[]".utf8)

        /// Whether it says nothing but a text.
        var isPlain: Bool { self == Content(text: text) }
    }

    /// Hexadecimal SHA-256 of the text, so that anybody can compare it with a file.
    var digest: String { Hex.encode(sha256(Array(content.text.utf8))) }

    func isExpired(at now: Timestamp) -> Bool {
        content.expiration.map { $0 <= now } ?? false
    }

    /// The policy as it is put together with others.
    func source(named name: PolicyName) throws(VaultError) -> AccessList.Source {
        let document: PolicyDocument
        do throws(PolicyError) {
            document = try PolicyDocument(parsing: content.text)
        } catch {
            throw .damaged("policy \(GoText.quoted(name.text)): \(error.summary)")
        }
        return content.source(named: name, document)
    }
}

extension PolicyRecord.Content {
    func source(named name: PolicyName, _ document: PolicyDocument) -> AccessList.Source {
        var source = AccessList.Source(name: name.text, document: document)
        source.allowsSlashesInTemplates = allowsSlashesInTemplates
        source.allowsWildcardsInTemplates = allowsWildcardsInTemplates
        return source
    }
}

extension PolicyRecord {
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128 + content.text.utf8.count + content.cases.count)
        writer.writeUInt8(1)
        writer.writeUInt64(version)
        writer.writeUInt64(modified.nanoseconds)
        writer.writeString(author)
        writer.writeUInt64(restoredFrom)
        var flags: UInt8 = content.needsCheckAndSet ? 1 : 0
        if content.allowsSlashesInTemplates { flags |= 2 }
        if content.allowsWildcardsInTemplates { flags |= 4 }
        writer.writeUInt8(flags)
        writer.writeUInt64(content.expiration?.nanoseconds ?? 0)
        writer.writeBlob(Array(content.text.utf8))
        writer.writeBlob(content.cases)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("policy: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "a policy")
        version = try reader.readUInt64()
        guard version > 0 else { throw .malformed("a policy of version 0") }
        modified = Timestamp(nanoseconds: try reader.readUInt64())
        author = try reader.readString(atMost: 128)
        restoredFrom = try reader.readUInt64()
        let flags = try reader.readUInt8()
        guard flags < 8 else { throw .malformed("a policy with flags \(flags)") }
        let expiration = try reader.readUInt64()
        let text = try reader.readBlob(atMost: PolicyLimits.textBytesMax)
        guard let text = String(validating: text, as: UTF8.self) else {
            throw .malformed("the text of a policy is not UTF-8")
        }
        content = Content(text: text)
        content.needsCheckAndSet = flags & 1 != 0
        content.allowsSlashesInTemplates = flags & 2 != 0
        content.allowsWildcardsInTemplates = flags & 4 != 0
        content.expiration = expiration == 0 ? nil : Timestamp(nanoseconds: expiration)
        content.cases = try reader.readBlob(atMost: VaultLimits.policyCasesBytesMax)
        try reader.finish()
    }
}

/// What is left in place of a policy that was deleted: it is known to be gone, and its history can
/// still be read. Format 1: last version, when it was deleted, accessor of the token that did it.
struct DeletedPolicyRecord: Sendable, Equatable {
    let lastVersion: UInt64
    let deleted: Timestamp
    let author: String

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.writeUInt8(1)
        writer.writeUInt64(lastVersion)
        writer.writeUInt64(deleted.nanoseconds)
        writer.writeString(author)
        return writer.bytes
    }
}

extension DeletedPolicyRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "the mark of a deleted policy")
            lastVersion = try reader.readUInt64()
            deleted = Timestamp(nanoseconds: try reader.readUInt64())
            author = try reader.readString(atMost: 128)
            try reader.finish()
        } catch {
            throw .damaged("mark of a deleted policy: \(error.summary)")
        }
    }
}

/// Written with every change of any policy. One look at its modification index tells whether what
/// was put together in memory still holds, and a batch that policies allowed checks it, so nothing
/// is applied that a newer policy forbids.
///
/// Format 1: policies that are there, policies of which only history is there.
struct PolicyTableRecord: Sendable, Equatable {
    var liveCount: UInt64
    var deletedCount: UInt64

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 17)
        writer.writeUInt8(1)
        writer.writeUInt64(liveCount)
        writer.writeUInt64(deletedCount)
        return writer.bytes
    }
}

extension PolicyTableRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "the policy table")
            liveCount = try reader.readUInt64()
            deletedCount = try reader.readUInt64()
            try reader.finish()
        } catch {
            throw .damaged("policy table: \(error.summary)")
        }
    }
}
