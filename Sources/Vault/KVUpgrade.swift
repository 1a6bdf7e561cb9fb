import Barrier
import Engines
import Wire

/// `options.version` from 1 to 2: a job that makes every secret of a mount the first version of a
/// key.
///
/// Where version 1 keeps a secret named `m/x`, version 2 keeps what it knows of a key `x`, so
/// nothing is changed in place. The secrets go to a new id with keys of its own; the batch that
/// copies the last one puts the new id in the place of the old, which is retired as an unmounted
/// mount is. Until then nothing of the old is touched, and nobody reads or writes either.
///
/// ```
/// tune       the mount's record names the new id; its keys; the job
/// copy       some secrets in a batch, in the order in which they lie
/// exchange   with the last of them: path and accessor belong to the new id
/// discard    instead, if the mount was unmounted meanwhile: what was copied is removed
/// ```
enum KVUpgrade {
    /// What clients hear meanwhile.
    ///
    /// - Source: OpenBao's key-value engine.
    static let unavailable = VaultError.invalid(
        "Upgrading from non-versioned to versioned data. This backend will be unavailable for a "
            + "brief period and will resume service shortly."
    )

    /// What the client hears whose request began it.
    static let warning =
        "Upgrading mount from version 1 to version 2. This mount will be unavailable for a brief "
        + "period and will resume service shortly."

    /// Names looked at for one batch, and bytes of secrets after which it ends.
    private static let namesPerBatch = 64
    private static let bytesPerBatch = 256 << 10

    /// Begins: adds to a batch that changes the mount's record.
    ///
    /// - Returns: the record to write.
    static func begin(
        _ entry: MountEntry,
        _ record: MountRecord,
        in draft: inout BatchDraft,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> MountRecord {
        let target = draft.mountID()
        try draft.createMount(target)
        let arguments = Arguments(source: entry.id, target: target)
        let job = NewJob(
            kind: .kvUpgrade,
            arguments: arguments.encoded(),
            cursor: Cursor(phase: .copy).encoded()
        )
        try draft.begin(job, view, at: environment.now)
        var record = record
        record.upgradeTarget = target
        return record
    }

    /// The next batch of the job.
    static func step(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        let arguments = try Arguments(decoding: job.arguments)
        var cursor = try Cursor(decoding: job.cursor)
        let entry = try environment.cache.mounts(view).entries.first {
            $0.id == arguments.source
        }
        let isWanted = entry?.record.upgradeTarget == arguments.target
        if cursor.phase == .copy, let entry, isWanted {
            try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
            try load(arguments.target, view)
            let count = try copy(arguments, &cursor, environment.now, view, &draft)
            guard cursor.isAtEnd else { return .more(cursor: cursor.encoded(), done: count) }
            try exchange(entry, arguments.target, environment, view, &draft)
            return .finished(done: count)
        }
        if cursor.phase == .copy { cursor = Cursor(phase: .discard) }
        try load(arguments.target, view)
        let count = try discard(arguments.target, &cursor, view, &draft)
        return cursor.isAtEnd
            ? .finished(done: count) : .more(cursor: cursor.encoded(), done: count)
    }

    /// A batch seals under the mount's keys, which a blind write would not have looked up.
    private static func load(
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        do throws(BarrierError) {
            try view.loadKeys(mount)
        } catch {
            throw .barrier(error)
        }
    }

    private static func copy(
        _ arguments: Arguments,
        _ cursor: inout Cursor,
        _ now: Timestamp,
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64 {
        let (source, target) = (arguments.source, arguments.target)
        var (count, bytes, looked) = (UInt64(0), 0, 0)
        while !cursor.isAtEnd, looked < namesPerBatch, bytes < bytesPerBatch {
            looked += 1
            guard let name = try cursor.next(in: source, view) else { continue }
            guard let opened = try read(name, source, view) else {
                throw .damaged("a secret is listed, and it is not there")
            }
            bytes += opened.value.count
            let plan: BatchPlan
            do throws(EngineError) {
                plan = try KVMigration.plan(name, opened.value, at: now)
            } catch {
                throw .engine(error)
            }
            try draft.add(plan, in: target)
            count += 1
        }
        return count
    }

    private static func discard(
        _ target: MountID,
        _ cursor: inout Cursor,
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64 {
        var (count, looked) = (UInt64(0), 0)
        var plan = BatchPlan()
        while !cursor.isAtEnd, looked < namesPerBatch {
            looked += 1
            guard let name = try cursor.next(in: target, view) else { continue }
            plan.delete(name)
            count += 1
        }
        try draft.add(plan, in: target)
        return count
    }

    private static func read(
        _ name: String,
        _ mount: MountID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Opened? {
        do throws(BarrierError) {
            return try view.read(mount, name)
        } catch {
            throw .barrier(error)
        }
    }

    /// The new id takes the place of the old one.
    private static func exchange(
        _ entry: MountEntry,
        _ target: MountID,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) {
        try draft.changeTable(environment.cache.mounts(view))
        try draft.delete(SystemPaths.activeMount(entry.id))
        try draft.check(SystemPaths.activeMount(target), 0)
        let upgraded = entry.record.upgraded()
        try draft.put(SystemPaths.activeMount(target), upgraded.encoded())
        let retirement = try RetirementRecord.load(view)
        try draft.check(SystemPaths.retirement, retirement.modificationIndex)
        // Two mounts with one accessor must never be there, should the old one be restored.
        let accessor = "\(entry.record.type)_\(Hex.encode(draft.randomBytes(4)))"
        let retired = RetiredMountRecord(
            entry.record.notUpgraded(accessor: accessor),
            at: environment.now,
            delaySeconds: retirement.record.delaySeconds
        )
        try draft.put(SystemPaths.retiredMount(entry.id), retired.encoded())
    }

    /// What the job is about, at rest: format 1, the mount, and the id that takes its place.
    private struct Arguments {
        let source: MountID
        let target: MountID

        init(source: MountID, target: MountID) {
            (self.source, self.target) = (source, target)
        }

        func encoded() -> [UInt8] { [1] + source.bytes + target.bytes }

        init(decoding bytes: [UInt8]) throws(VaultError) {
            guard bytes.count == 33, bytes[0] == 1, let source = MountID(Array(bytes[1..<17])),
                let target = MountID(Array(bytes[17...]))
            else { throw .damaged("an upgrade of a mount: its arguments") }
            self.init(source: source, target: target)
        }
    }
}

extension KVUpgrade {
    /// Where the job goes on, at rest: format 1, phase, whether it is at the end, the folder, and
    /// the last name in it that was dealt with.
    ///
    /// A folder's own name is the place in the folder above it where to go on, so no more than this
    /// is needed however deep it goes. What is walked over is changed by nobody else.
    struct Cursor: Equatable {
        enum Phase: UInt8 {
            case copy = 1
            case discard = 2
        }

        let phase: Phase
        private(set) var isAtEnd = false
        /// Empty, or ending in a slash.
        private var folder = ""
        private var after: String?

        init(phase: Phase) { self.phase = phase }

        /// The next record's path, or nil where there was only a folder to go into or out of.
        mutating func next(
            in mount: MountID,
            _ view: borrowing BarrierView
        ) throws(VaultError) -> String? {
            let names: [String]
            do throws(BarrierError) {
                names = try view.names(mount, in: folder, after: after, limit: 1)
            } catch {
                throw .barrier(error)
            }
            guard let name = names.first else {
                leave()
                return nil
            }
            if name.utf8.last == 0x2F {
                (folder, after) = (folder + name, nil)
                return nil
            }
            after = name
            return folder + name
        }

        /// Goes on in the folder above.
        private mutating func leave() {
            guard !folder.isEmpty else {
                isAtEnd = true
                return
            }
            let above = folder.utf8.dropLast().lastIndex(of: 0x2F)
            let start = above.map { folder.utf8.index(after: $0) } ?? folder.startIndex
            after = String(folder[start...])
            folder = String(folder[..<start])
        }

        func encoded() -> [UInt8] {
            var writer = ByteWriter(capacity: 32 + folder.utf8.count)
            writer.writeUInt8(1)
            writer.writeUInt8(phase.rawValue)
            writer.writeBool(isAtEnd)
            writer.writeString(folder)
            writer.writeBool(after != nil)
            if let after { writer.writeString(after) }
            return writer.bytes
        }

        init(decoding bytes: [UInt8]) throws(VaultError) {
            do throws(WireError) {
                var reader = ByteReader(bytes)
                try reader.readFormat(of: "a place in a mount")
                guard let phase = Phase(rawValue: try reader.readUInt8()) else {
                    throw .malformed("a phase that there is not")
                }
                self.phase = phase
                isAtEnd = try reader.readBool()
                folder = try reader.readString(atMost: VaultLimits.jobBytesMax)
                if try reader.readBool() {
                    after = try reader.readString(atMost: VaultLimits.jobBytesMax)
                }
                try reader.finish()
            } catch {
                throw .damaged("an upgrade of a mount: \(error.summary)")
            }
        }
    }
}

extension MountRecord {
    /// Whether its secrets are on their way to version 2.
    var isUpgrading: Bool { upgradeTarget != nil }

    /// The same mount with version 2.
    fileprivate func upgraded() -> MountRecord {
        with(
            .kvVersion2,
            accessor: accessor,
            options: MountText.setting("version", to: "2", in: tuning.options)
        )
    }

    /// The same mount as it was, for one that is retired.
    func notUpgraded(accessor: String? = nil) -> MountRecord {
        with(
            kind,
            accessor: accessor ?? self.accessor,
            options: MountText.setting("version", to: "1", in: tuning.options)
        )
    }

    private func with(
        _ kind: EngineKind,
        accessor: String,
        options: [Option]
    ) -> MountRecord {
        var record = MountRecord(
            path: path,
            type: type,
            kind: kind,
            accessor: accessor,
            created: created,
            tuning: tuning
        )
        record.tuning.options = options
        return record
    }
}
