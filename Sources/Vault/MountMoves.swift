import Barrier
import Engines
import Wire

/// `sys/remount` and its status: gives a mount another path.
///
/// A move is one batch, because nothing below a mount depends on its path: storage keys come from
/// the mount's id. So there is no queue, and the status of a move is always that it succeeded. It
/// is kept because clients ask for it.
struct MountMoves {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: below `sys/`.
    /// - Returns: nil for a path that is none of these.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        if path == "remount" {
            guard call.request.operation == .update else { throw .engine(.unsupportedOperation) }
            return try move(view)
        }
        guard let id = path.below("remount/status/"), !id.isEmpty else { return nil }
        guard call.request.operation == .read else { throw .engine(.unsupportedOperation) }
        return .answer(try status(of: id, view))
    }

    private func move(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        let (source, target) = try paths(fields)
        let isAuthMethod = source.utf8.starts(with: MountTable.authPrefix.utf8)
        if BuiltInMount.isReserved(source, forAuthMethod: isAuthMethod) {
            throw .invalid("cannot remount \(GoText.quoted(source))")
        }
        if isAuthMethod, !target.utf8.starts(with: MountTable.authPrefix.utf8) {
            throw .invalid("cannot remount auth mount to non-auth mount \(GoText.quoted(target))")
        }
        guard !BuiltInMount.isReserved(target, forAuthMethod: isAuthMethod) else {
            throw .invalid("cannot remount to destination \(target)")
        }
        for path in [source, target] {
            guard let (other, below) = mounts.namespace(leading: path), !below.isEmpty else {
                continue
            }
            throw .invalid(
                "a mount is not moved from one namespace to another: \(GoText.quoted(path)) leads "
                    + "into \(GoText.quoted(other.record.name.withSlash)). Make a mount there and "
                    + "copy what is in it; inside a namespace, send the request to that namespace"
            )
        }
        guard let entry = mounts.entry(at: source) else {
            throw .invalid("no matching mount at \(GoText.quoted(source))")
        }
        if let other = mounts.conflict(with: target) {
            throw .invalid("path already in use at \(GoText.quoted(other))")
        }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        let log = try MountMoveLog.load(view)
        let id = uuidText(draft.mountID().bytes)
        try draft.changeTable(mounts)
        try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
        let moved = entry.record.moved(to: target)
        try draft.put(SystemPaths.activeMount(entry.id), moved.encoded())
        let move = MountMove(id: id, source: source, target: target)
        try draft.put(SystemPaths.mountMoves, log.adding(move).encoded())
        let above = call.environment.namespace.path
        try draft.changeRateLimits(view) { limits in
            limits.mountMoved(from: above + source, to: above + target)
        }
        if isAuthMethod {
            // As OpenBao does: leases are named after the path that is no more.
            try TokenRevocation.revokePrefix(source, in: &draft, call.environment, view)
        }
        let answer = EngineAnswer(
            data: JSONValue.object(["migration_id": .string(id)]).encoded(sortingKeys: true),
            warnings: [
                "The mount has moved. Policies that name its old path do not follow it."
            ] + fields.warnings
        )
        return try draft.commit(VaultAnswer(answer, isInjected: true))
    }

    /// Both with a slash at their end and none at their beginning.
    private func paths(_ fields: Fields) throws(VaultError) -> (source: String, target: String) {
        let given = ["from", "to"].map { (name: $0, text: fields.text($0) ?? "") }
        guard given.allSatisfy({ !$0.text.isEmpty }) else {
            throw .invalid("both 'from' and 'to' path must be specified as a string")
        }
        for (name, text) in given where text.utf8.first == 0x20 || text.utf8.last == 0x20 {
            throw .invalid("'\(name)' path cannot contain trailing whitespace")
        }
        let source = Self.cleaned(given[0].text)
        let target = Self.cleaned(given[1].text)
        guard !target.isEmpty, target.utf8.count <= VaultLimits.mountPathBytesMax,
            MountPath.isClean(target)
        else {
            throw .invalid(
                "invalid destination mount: \(GoText.quoted(given[1].text)) is no path of at most "
                    + "\(VaultLimits.mountPathBytesMax) bytes with single slashes"
            )
        }
        return (source, target)
    }

    private static func cleaned(_ text: String) -> String {
        var bytes = text.utf8[...]
        while bytes.first == 0x2F { bytes.removeFirst() }
        return bytes.isEmpty ? "" : (String(bytes) ?? "").withSlash
    }

    private func status(
        of id: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        guard let move = try MountMoveLog.load(view).moves.first(where: { $0.id == id }) else {
            throw .notFound
        }
        let data: JSONObject = [
            "migration_id": .string(move.id),
            "migration_info": .object([
                "source_mount": .string(move.source), "status": "success",
                "target_mount": .string(move.target),
            ]),
        ]
        return VaultAnswer(
            EngineAnswer(data: JSONValue.object(data).encoded(sortingKeys: true))
        )
    }

    private static let schema = FieldSchema([("from", .text), ("to", .text)])
}

/// A move that happened.
struct MountMove: Equatable {
    /// A UUID's text.
    let id: String
    let source: String
    let target: String
}

/// The latest moves at rest, oldest first: format 1, then id, source and target of each.
struct MountMoveLog: Equatable {
    private(set) var moves: [MountMove] = []

    init() {}

    static func load(_ view: borrowing BarrierView) throws(VaultError) -> MountMoveLog {
        guard let opened = try view.systemRecord(SystemPaths.mountMoves) else {
            return MountMoveLog()
        }
        return try MountMoveLog(decoding: opened.value)
    }

    func adding(_ move: MountMove) -> MountMoveLog {
        var log = self
        log.moves = Array((moves + [move]).suffix(VaultLimits.mountMovesKept))
        return log
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("moves of mounts: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "moves of mounts")
        let count = try reader.readVarint()
        guard count <= UInt64(VaultLimits.mountMovesKept) else {
            throw .tooLong(limit: VaultLimits.mountMovesKept, have: count)
        }
        for _ in 0..<count {
            moves.append(
                MountMove(
                    id: try reader.readString(atMost: 36),
                    source: try reader.readString(atMost: VaultLimits.mountPathBytesMax),
                    target: try reader.readString(atMost: VaultLimits.mountPathBytesMax)
                )
            )
        }
        try reader.finish()
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 * (moves.count + 1))
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(moves.count))
        for move in moves {
            writer.writeString(move.id)
            writer.writeString(move.source)
            writer.writeString(move.target)
        }
        return writer.bytes
    }
}

extension MountRecord {
    /// The same mount at another path.
    func moved(to path: String) -> MountRecord {
        var record = MountRecord(
            path: path,
            type: type,
            kind: kind,
            accessor: accessor,
            created: created,
            tuning: tuning
        )
        record.upgradeTarget = upgradeTarget
        return record
    }
}

extension BuiltInMount {
    /// Whether no mount may be at this path: neither a secrets engine nor, below `auth/`, an auth
    /// method.
    ///
    /// - Parameter path: ends in `/`.
    static func isReserved(_ path: String, forAuthMethod isAuthMethod: Bool = false) -> Bool {
        guard isAuthMethod else {
            return reservedPrefixes.contains { path.utf8.starts(with: $0.utf8) }
        }
        guard let below = path.below(MountTable.authPrefix), !below.isEmpty else { return true }
        return below.utf8.starts(with: tokenPath.utf8)
    }
}

extension BatchDraft {
    /// What every change of the mount table begins with: it must be as it was read, and it is
    /// another one after.
    mutating func changeTable(
        _ mounts: MountTable,
        in other: MountID? = nil
    ) throws(VaultError) {
        try check(SystemPaths.mountTable, mounts.modificationIndex, in: other)
        try put(SystemPaths.mountTable, MountTable.marker, in: other)
    }
}
