import Barrier
import Engines
import Wire

/// `sys/retired-mounts…`: mounts that were unmounted and wait for their destruction.
///
/// - `LIST sys/retired-mounts`: which, since when, until when they can be brought back.
/// - `POST sys/retired-mounts/<id>/restore` `{path}`: brings one back, at its old path or another.
/// - `GET|POST sys/retired-mounts/config` `{shred_delay}`: how long mounts wait that are unmounted
///   from now on.
///
/// All of it needs `sudo`. A mount comes back with what was in it; the rate limits about it were
/// deleted with it, as in OpenBao, and who had logged in there is logged out.
struct RetiredMounts {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: below `sys/retired-mounts`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let operation = call.request.operation
        switch (path, operation) {
        case ("", .read), ("/", .list): return .answer(try list(view))
        case ("/config", .read): return .answer(try showDelay(view))
        case ("/config", .update): return try setDelay(view)
        case ("", _), ("/", _), ("/config", _): throw .engine(.unsupportedOperation)
        default: break
        }
        let parts = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, parts[2].elementsEqual("restore".utf8) else {
            throw .engine(.unsupportedPath)
        }
        guard operation == .update else { throw .engine(.unsupportedOperation) }
        guard let id = MountID(text: String(parts[1]) ?? "") else { throw .notFound }
        return try restore(id, view)
    }

    private func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(call.request.fields, FieldSchema([]))
        let names = try view.systemNames(SystemPaths.retiredMounts)
        if names.isEmpty { throw .notFound }
        var keys: [JSONValue] = []
        var details = JSONWriter(capacity: 256 * names.count)
        details.beginObject()
        for name in names {
            guard let id = MountID(text: name), let found = try record(id, view) else {
                throw .damaged("a retired mount is listed, and its record is not there")
            }
            keys.append(.string(name))
            details.name(name)
            details.raw(shown(found.record))
        }
        details.endObject()
        var writer = JSONWriter(capacity: 64 + details.bytes.count + 48 * names.count)
        writer.beginObject()
        writer.name("key_info")
        writer.raw(details.bytes)
        writer.name("keys")
        writer.write(.array(keys))
        writer.endObject()
        return VaultAnswer(EngineAnswer(data: writer.bytes, warnings: fields.warnings))
    }

    private func shown(_ record: RetiredMountRecord) -> [UInt8] {
        JSONValue.object([
            "accessor": .string(record.mount.accessor),
            "description": .string(record.mount.tuning.description),
            "path": .string(record.mount.path),
            "restorable": .bool(record.isRestorable(at: call.environment.now)),
            "restorable_until": .string(record.due.rfc3339),
            "retired_time": .string(record.retired.rfc3339),
            "type": .string(record.mount.type),
        ]).encoded(sortingKeys: true)
    }

    // MARK: bringing back

    private func restore(
        _ id: MountID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.restoreSchema)
        guard let (record, index) = try record(id, view) else { throw .notFound }
        guard record.isRestorable(at: call.environment.now) else {
            throw .invalid(
                "this mount could be restored until \(record.due.rfc3339); it waits for its "
                    + "destruction"
            )
        }
        let given = fields.text("path") ?? ""
        let path = given.isEmpty ? record.mount.path : given.withSlash
        try check(path, for: record.mount)
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.changeTable(mounts)
        try draft.check(SystemPaths.retiredMount(id), index)
        try draft.delete(SystemPaths.retiredMount(id))
        try draft.check(SystemPaths.activeMount(id), 0)
        let restored = record.mount.moved(to: path)
        try draft.put(SystemPaths.activeMount(id), restored.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private func check(_ path: String, for mount: MountRecord) throws(VaultError) {
        guard path.utf8.count <= VaultLimits.mountPathBytesMax, MountPath.isClean(path) else {
            throw .invalid(
                "\(GoText.quoted(path)) is no path of at most \(VaultLimits.mountPathBytesMax) "
                    + "bytes with single slashes"
            )
        }
        let isReserved = BuiltInMount.isReserved(path, forAuthMethod: mount.isAuthMethod)
        guard path == mount.path || !isReserved else {
            throw .invalid("cannot mount \(GoText.quoted(path))")
        }
        if let other = mounts.conflict(with: path) {
            throw .invalid(
                "path is already in use at \(other): give another path to restore to"
            )
        }
        guard mounts.entries.count < VaultLimits.mountsMax else {
            throw .invalid("there are \(mounts.entries.count) mounts, which is the limit")
        }
    }

    private func record(
        _ id: MountID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: RetiredMountRecord, modificationIndex: UInt64)? {
        guard let opened = try view.systemRecord(SystemPaths.retiredMount(id)) else { return nil }
        return (try RetiredMountRecord(decoding: opened.value), opened.modificationIndex)
    }

    // MARK: the delay

    private func showDelay(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(call.request.fields, Self.delaySchema)
        let seconds = try RetirementRecord.load(view).record.delaySeconds
        let data: JSONObject = ["shred_delay": .number(JSONNumber(seconds))]
        return VaultAnswer(
            EngineAnswer(
                data: JSONValue.object(data).encoded(sortingKeys: true),
                warnings: fields.warnings
            )
        )
    }

    private func setDelay(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.delaySchema)
        guard let given = fields.int("shred_delay"), let seconds = UInt64(exactly: given),
            seconds <= VaultLimits.shredDelaySecondsMax
        else {
            throw .invalid(
                "shred_delay is a duration of 0 to \(VaultLimits.shredDelaySecondsMax) seconds"
            )
        }
        let index = try RetirementRecord.load(view).modificationIndex
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.retirement, index)
        let record = RetirementRecord(delaySeconds: seconds)
        try draft.put(SystemPaths.retirement, record.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private static let restoreSchema = FieldSchema([("path", .text)], captured: ["id"])
    private static let delaySchema = FieldSchema([("shred_delay", .seconds)])
}

/// Paths of mounts that clients give in a body. Those in a URL are clean when they get here.
enum MountPath {
    /// Whether it is of printable names with single slashes between them and one at its end.
    ///
    /// - Parameter path: ends in `/`.
    static func isClean(_ path: String) -> Bool {
        let names = path.utf8.dropLast().split(separator: 0x2F, omittingEmptySubsequences: false)
        return path.isPrintable
            && names.allSatisfy { name in
                !name.isEmpty && !name.elementsEqual([0x2E]) && !name.elementsEqual([0x2E, 0x2E])
            }
    }
}

/// How long mounts wait for their destruction, at rest: format 1, seconds.
struct RetirementRecord: Equatable {
    var delaySeconds = VaultLimits.shredDelaySecondsDefault

    /// The default where none was set.
    static func load(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: RetirementRecord, modificationIndex: UInt64) {
        guard let opened = try view.systemRecord(SystemPaths.retirement) else {
            return (RetirementRecord(), 0)
        }
        return (try RetirementRecord(decoding: opened.value), opened.modificationIndex)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 9)
        writer.writeUInt8(1)
        writer.writeUInt64(delaySeconds)
        return writer.bytes
    }
}

extension RetirementRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "the delay of retired mounts")
            delaySeconds = try reader.readUInt64()
            guard delaySeconds <= VaultLimits.shredDelaySecondsMax else {
                throw .malformed("a delay of \(delaySeconds) s")
            }
            try reader.finish()
        } catch {
            throw .damaged("retirement of mounts: \(error.summary)")
        }
    }
}

/// A mount that was unmounted, at rest: format 2, when, until when it can be brought back, and the
/// mount's record as it was. Format 1 did not say until when; the default holds for it.
struct RetiredMountRecord: Equatable {
    let retired: Timestamp
    /// From then on it may be destroyed, and is not brought back.
    let due: Timestamp
    let mount: MountRecord

    /// - Parameter delaySeconds: 0: at once.
    init(_ mount: MountRecord, at now: Timestamp, delaySeconds: UInt64) {
        self.mount = mount
        retired = now
        due = Self.due(now, delaySeconds)
    }

    private static func due(_ retired: Timestamp, _ delaySeconds: UInt64) -> Timestamp {
        let (delay, isLong) = delaySeconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isFar) = retired.nanoseconds.addingReportingOverflow(delay)
        return Timestamp(nanoseconds: isLong || isFar ? .max : sum)
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        let mount: [UInt8]
        do throws(WireError) {
            var reader = ByteReader(bytes)
            let format = try reader.readFormat(1...2, of: "a retired mount")
            retired = Timestamp(nanoseconds: try reader.readUInt64())
            due =
                format == 1
                ? Self.due(retired, VaultLimits.shredDelaySecondsDefault)
                : Timestamp(nanoseconds: try reader.readUInt64())
            mount = try reader.readBlob(atMost: BarrierLimits.valueBytesMax)
            try reader.finish()
        } catch {
            throw .damaged("retired mount: \(error.summary)")
        }
        self.mount = try MountRecord(decoding: mount)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(2)
        writer.writeUInt64(retired.nanoseconds)
        writer.writeUInt64(due.nanoseconds)
        writer.writeBlob(mount.encoded())
        return writer.bytes
    }

    func isRestorable(at now: Timestamp) -> Bool { now < due }
}
