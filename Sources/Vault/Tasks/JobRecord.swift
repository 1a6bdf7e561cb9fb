import Barrier
import Wire

/// What a job does. The number is part of the job's record.
///
/// A struct, so that a record whose kind this version does not know is still read and shown.
package struct JobKind: RawRepresentable, Hashable, Sendable {
    /// As it is stored.
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Looks again at a record that was due, when the first look failed. Its arguments are the
    /// path.
    static let due = JobKind(rawValue: 1)
    /// Takes back what one batch does not reach: see ``RevocationScope``.
    static let revocation = JobKind(rawValue: 2)

    /// Gives the secrets of a mount version 2: see ``KVUpgrade``.
    static let kvUpgrade = JobKind(rawValue: 3)

    /// Empties a namespace that was deleted: see ``NamespaceRemoval``.
    static let namespaceRemoval = JobKind(rawValue: 4)

    /// As operators see it.
    package var name: String { Self.names.first { $0.kind == self }?.name ?? "kind-\(rawValue)" }

    private static let names: [(kind: JobKind, name: String)] = [
        (due, "due"), (revocation, "revocation"), (kvUpgrade, "kv-upgrade"),
        (namespaceRemoval, "namespace-removal"),
    ]
}

/// A job that is to begin.
struct NewJob: Sendable {
    let kind: JobKind
    /// What it is about, in a form of the kind's own; at most ``VaultLimits/jobBytesMax``.
    let arguments: [UInt8]
    /// Where it begins; the same bound.
    var cursor: [UInt8] = []
}

/// Long work at rest: what it is, how far it has come, and why it does not get on.
///
/// Format 1: kind, arguments, cursor, when it began, items done, batches committed, failures in a
/// row, when it is due, why it failed last (empty: it did not). Format 2, of a job that a namespace
/// has: the same, then the id of the namespace's home.
///
/// All of them lie in the system mount, whatever they are about: so one who operates the vault sees
/// them all.
struct JobRecord: Sendable, Equatable {
    let kind: JobKind
    /// Where the records are that it works on.
    let home: MountID
    let arguments: [UInt8]
    /// Where the next batch begins.
    var cursor: [UInt8]
    let begun: Timestamp
    /// What it has dealt with, in units of the kind's own.
    var doneCount: UInt64 = 0
    /// Names the next effect of the job, together with its id.
    var batchCount: UInt64 = 0
    /// Failures since it last got on.
    var failureCount: UInt32 = 0
    /// When it goes on. Its timer is set for exactly this.
    var due: Timestamp
    /// For operators: says what, and holds no secret.
    var lastError = ""

    init(_ new: NewJob, of home: MountID = .system, at now: Timestamp) {
        kind = new.kind
        self.home = home
        arguments = new.arguments
        cursor = new.cursor
        begun = now
        // The second that has begun: at once, although timers are rounded up.
        due = Timestamp(nanoseconds: now.nanoseconds - now.nanoseconds % 1_000_000_000)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 96 + arguments.count + cursor.count)
        writer.writeUInt8(home == .system ? 1 : 2)
        writer.writeUInt8(kind.rawValue)
        writer.writeBlob(arguments)
        writer.writeBlob(cursor)
        writer.writeUInt64(begun.nanoseconds)
        writer.writeUInt64(doneCount)
        writer.writeUInt64(batchCount)
        writer.writeUInt32(failureCount)
        writer.writeUInt64(due.nanoseconds)
        writer.writeString(lastError)
        if home != .system { writer.writeBytes(home.bytes) }
        return writer.bytes
    }
}

extension JobRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("job: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readFormat(1...2, of: "a job")
        kind = JobKind(rawValue: try reader.readUInt8())
        arguments = try reader.readBlob(atMost: VaultLimits.jobBytesMax)
        cursor = try reader.readBlob(atMost: VaultLimits.jobBytesMax)
        begun = Timestamp(nanoseconds: try reader.readUInt64())
        doneCount = try reader.readUInt64()
        batchCount = try reader.readUInt64()
        failureCount = try reader.readUInt32()
        due = Timestamp(nanoseconds: try reader.readUInt64())
        lastError = try reader.readString(atMost: VaultLimits.jobErrorBytesMax)
        home = try format == 1 ? .system : Self.home(&reader)
        try reader.finish()
    }

    private static func home(_ reader: inout ByteReader) throws(WireError) -> MountID {
        guard let home = MountID(try reader.readBytes(16)), home != .system else {
            throw .malformed("a job of no namespace")
        }
        return home
    }
}

/// How many jobs there are, so that there are never too many, as one view has it.
struct JobTable: Sendable {
    let count: UInt64
    /// 0 before the first job.
    let modificationIndex: UInt64

    init(_ view: borrowing BarrierView) throws(VaultError) {
        let system = view.at(.system)
        guard let opened = try system.systemRecord(SystemPaths.jobTable) else {
            (count, modificationIndex) = (0, 0)
            return
        }
        count = try CountRecord(decoding: opened.value, of: "jobs").count
        modificationIndex = opened.modificationIndex
    }

    /// Why no more jobs can begin, or nil.
    var refusal: VaultError? {
        guard count >= VaultLimits.jobsMax else { return nil }
        return .invalid("there are \(count) jobs under way, which is the limit")
    }
}
