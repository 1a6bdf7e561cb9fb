import Barrier
import Engines
package import Store
import Wire

/// `sys/version-history`: which versions of the program have led this vault, and since when.
///
/// A node that leads unsealed writes its version down, once.
package enum VersionHistory {
    /// The batch that writes this version down.
    ///
    /// - Parameters:
    ///   - version: `0.1.0`, of at most ``VaultLimits/versionBytesMax``.
    ///   - built: when it was made, RFC 3339; the same bound.
    /// - Returns: nil if it is written down already.
    package static func batch(
        noting version: String,
        built: String,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) -> WriteBatch? {
        let barrier = BarrierView(environment.keyring, over: view)
        let (old, index) = try read(barrier)
        var record = old
        guard record.note(version, built: built, at: environment.now) else { return nil }
        var draft = try BatchDraft(ofTask: environment, barrier)
        try draft.check(SystemPaths.versions, index)
        try draft.put(SystemPaths.versions, record.encoded())
        return try draft.finish()
    }

    /// What the record says, and when it was written; nothing and 0 before the first.
    static func read(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: VersionRecord, modificationIndex: UInt64) {
        guard let opened = try view.systemRecord(SystemPaths.versions) else {
            return (VersionRecord(), 0)
        }
        return (try VersionRecord(decoding: opened.value), opened.modificationIndex)
    }

    /// `LIST sys/version-history`
    static func answer(
        _ call: VaultCall,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        guard call.request.operation == .list else { throw .engine(.unsupportedOperation) }
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        let entries = try read(view).record.entries
        var info = JSONObject()
        var previous = JSONValue.null
        for entry in entries {
            info[entry.version] = [
                "commit_date": .string(entry.built),
                "previous_version": previous,
                "timestamp_installed": .string(entry.installed.rfc3339),
            ]
            previous = .string(entry.version)
        }
        let data: JSONValue = [
            "key_info": .object(info), "keys": .array(entries.map { .string($0.version) }),
        ]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        )
    }
}

/// Versions at rest, the oldest first. Format 1: their number, then of each its version, when it
/// was built, and when it first led.
struct VersionRecord: Sendable, Equatable {
    /// One version.
    struct Entry: Sendable, Equatable {
        let version: String
        let built: String
        let installed: Timestamp
    }

    private(set) var entries: [Entry] = []

    init() {}

    /// - Returns: false if the newest one is this one. One that comes back is the newest again.
    mutating func note(_ version: String, built: String, at now: Timestamp) -> Bool {
        precondition(version.utf8.count <= VaultLimits.versionBytesMax, "a version is short")
        precondition(built.utf8.count <= VaultLimits.versionBytesMax, "a date is short")
        if let last = entries.last, utf8Equals(last.version, version) { return false }
        entries.removeAll { utf8Equals($0.version, version) }
        if entries.count == VaultLimits.versionsKept { entries.removeFirst() }
        entries.append(Entry(version: version, built: built, installed: now))
        return true
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + entries.count * 64)
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(entries.count))
        for entry in entries {
            writer.writeString(entry.version)
            writer.writeString(entry.built)
            writer.writeUInt64(entry.installed.nanoseconds)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a history of versions")
            let count = try reader.readVarint()
            guard count <= UInt64(VaultLimits.versionsKept) else {
                throw .tooLong(limit: VaultLimits.versionsKept, have: count)
            }
            for _ in 0..<count {
                entries.append(
                    Entry(
                        version: try reader.readString(atMost: VaultLimits.versionBytesMax),
                        built: try reader.readString(atMost: VaultLimits.versionBytesMax),
                        installed: Timestamp(nanoseconds: try reader.readUInt64())
                    )
                )
            }
            try reader.finish()
        } catch {
            throw .damaged("history of versions: \(error.summary)")
        }
    }
}
