import Wire

/// Everything KV v2 knows of a key besides its values. One record a key; whoever writes a version
/// writes it too and checks that it has not changed, so no version is ever lost or counted twice.
///
/// At rest (format 1): versions current and oldest, version of the metadata, created, updated,
/// `max_versions`, flags, `delete_version_after` in nanoseconds (0 = not set), custom metadata
/// sorted by name, then every version: number, created, deletion (0 = none), flags.
struct KVMetadataRecord: Equatable {
    /// One version of the key, whether its value is still there or not.
    struct Version: Equatable {
        let number: UInt64
        let created: Timestamp
        /// When it was or will be deleted. The value is kept until it is destroyed or trimmed.
        var deletion: Timestamp?
        var isDestroyed = false

        /// Whether a read shows its value.
        func isReadable(at now: Timestamp) -> Bool {
            !isDestroyed && (deletion.map { now < $0 } ?? true)
        }
    }

    /// The newest version's number; 0 when there is none yet. Only grows.
    var currentVersion: UInt64 = 0
    /// The oldest version that may still be listed; 0 until the first one had to go.
    var oldestVersion: UInt64 = 0
    /// Counts writes of the metadata, not of values.
    var metadataVersion: UInt64 = 0
    var created: Timestamp
    var updated: Timestamp
    /// 0 = as the mount says.
    var versionsMax: UInt64 = 0
    var isCASRequired = false
    var isMetadataCASRequired = false
    /// `delete_version_after` in nanoseconds, 0 or more; 0 = as the mount says.
    var deleteAfter: Int64 = 0
    /// Sorted by name.
    var customMetadata: [(name: String, value: String)] = []
    /// Sorted by number.
    var versions: [Version] = []

    /// A key without versions.
    init(created: Timestamp) {
        self.created = created
        updated = created
    }

    func version(_ number: UInt64) -> Version? {
        position(of: number).map { versions[$0] }
    }

    func position(of number: UInt64) -> Int? {
        // Numbers are consecutive but for what was trimmed, so the guess is nearly always right.
        if let first = versions.first, number >= first.number {
            let guess = number - first.number
            if guess < UInt64(versions.count), versions[Int(guess)].number == number {
                return Int(guess)
            }
        }
        return versions.firstIndex { $0.number == number }
    }

    /// Adds the next version and forgets those above the limit, in steps where they are very many.
    ///
    /// - Parameter config: the mount's. Of its `max_versions` and the key's the larger one counts,
    ///   as in OpenBao, however surprising that is.
    /// - Returns: the new version, and versions forgotten, whose values are to be removed.
    mutating func addVersion(
        at now: Timestamp,
        _ config: KVConfigRecord
    ) -> (added: Version, forgotten: [Version]) {
        let set = max(versionsMax, config.versionsMax)
        let kept = set > 0 ? set : EngineLimits.versionsDefault
        currentVersion += 1
        let deletion = KVSettings.deletion(
            ofWrite: now,
            mount: config.deleteAfter,
            key: deleteAfter
        )
        let added = Version(number: currentVersion, created: now, deletion: deletion)
        versions.append(added)
        updated = now
        guard currentVersion - oldestVersion >= kept else { return (added, []) }
        oldestVersion = currentVersion - kept + 1
        var forgottenCount = versions.prefix { $0.number < oldestVersion }.count
        if forgottenCount > EngineLimits.planStepsMax {
            // One batch is bounded; the next write goes on from here.
            forgottenCount = EngineLimits.planStepsMax
            oldestVersion = versions[forgottenCount].number
        }
        let forgotten = Array(versions.prefix(forgottenCount))
        versions.removeFirst(forgottenCount)
        return (added, forgotten)
    }

    static func == (a: Self, b: Self) -> Bool {
        a.encoded() == b.encoded()
    }
}

// MARK: at rest

extension KVMetadataRecord {
    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("KV metadata: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "KV metadata")
        currentVersion = try reader.readVarint()
        oldestVersion = try reader.readVarint()
        guard oldestVersion <= currentVersion, currentVersion < 1 << 62 else {
            throw .malformed("versions \(oldestVersion) to \(currentVersion) cannot be")
        }
        metadataVersion = try reader.readVarint()
        created = Timestamp(nanoseconds: try reader.readUInt64())
        updated = Timestamp(nanoseconds: try reader.readUInt64())
        versionsMax = try reader.readVarint()
        isCASRequired = try reader.readBool()
        isMetadataCASRequired = try reader.readBool()
        deleteAfter = Int64(bitPattern: try reader.readUInt64())
        guard deleteAfter >= 0 else { throw .malformed("delete_version_after is negative") }
        for _ in 0..<(try Self.count(&reader)) {
            let name = try reader.readString(atMost: EngineLimits.customMetadataNameBytesMax)
            let value = try reader.readString(atMost: EngineLimits.customMetadataValueBytesMax)
            customMetadata.append((name, value))
        }
        let count = try Self.count(&reader)
        versions.reserveCapacity(count)
        for _ in 0..<count {
            versions.append(try Self.version(&reader))
        }
        try reader.finish()
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + versions.count * 20)
        writer.writeUInt8(1)
        writer.writeVarint(currentVersion)
        writer.writeVarint(oldestVersion)
        writer.writeVarint(metadataVersion)
        writer.writeUInt64(created.nanoseconds)
        writer.writeUInt64(updated.nanoseconds)
        writer.writeVarint(versionsMax)
        writer.writeBool(isCASRequired)
        writer.writeBool(isMetadataCASRequired)
        writer.writeUInt64(UInt64(bitPattern: deleteAfter))
        writer.writeVarint(UInt64(customMetadata.count))
        for (name, value) in customMetadata {
            writer.writeString(name)
            writer.writeString(value)
        }
        writer.writeVarint(UInt64(versions.count))
        for version in versions {
            writer.writeVarint(version.number)
            writer.writeUInt64(version.created.nanoseconds)
            writer.writeUInt64(version.deletion?.nanoseconds ?? 0)
            writer.writeBool(version.isDestroyed)
        }
        return writer.bytes
    }

    private static func version(_ reader: inout ByteReader) throws(WireError) -> Version {
        let number = try reader.readVarint()
        let created = Timestamp(nanoseconds: try reader.readUInt64())
        let deletion = try reader.readUInt64()
        let isDestroyed = try reader.readBool()
        return Version(
            number: number,
            created: created,
            deletion: deletion == 0 ? nil : Timestamp(nanoseconds: deletion),
            isDestroyed: isDestroyed
        )
    }

    /// A count that cannot be larger than the bytes that are left.
    private static func count(_ reader: inout ByteReader) throws(WireError) -> Int {
        let count = try reader.readVarint()
        guard count <= UInt64(reader.remaining) else {
            throw .tooLong(limit: reader.remaining, have: count)
        }
        return Int(count)
    }
}
