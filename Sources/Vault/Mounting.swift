import Barrier
import Engines
import Wire

/// `sys/mounts/<path>` and its tuning: make, show, change and remove mounts.
///
/// Every change writes the mount's own record and the mark of the whole table, and checks both,
/// so two changes at once never both hold, and a write into a mount that goes away fails its
/// check.
struct Mounting {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: ends in `/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read: .answer(try lookups.secret(at: path, call.request.fields))
        case .update: try mount(path, view)
        case .delete: try unmount(path, view)
        case .list, .scan, .patch, .help: throw .engine(.unsupportedOperation)
        }
    }

    /// - Parameter path: ends in `/`.
    func tune(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read: return .answer(try lookups.secretTuning(at: path, call.request.fields))
        case .update: break
        case .delete, .list, .scan, .patch, .help: throw .engine(.unsupportedOperation)
        }
        if BuiltInMount.engine(at: path) != nil {
            return try BuiltInMount.refuseTuning(path, call.request.fields)
        }
        guard let entry = mounts.entry(at: path) else {
            throw .invalid("tune of path \(GoText.quoted(path)) failed: no mount entry found")
        }
        return try tune(entry, view)
    }

    /// Changes what the request names of a mount that is there.
    func tune(
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var record = entry.record
        let input = try TuneInput(call.request.fields, record)
        record.tuning = input.tuning
        guard record != entry.record else { return .answer(.empty) }
        var draft = try changeOfTable(view)
        try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
        var answer = VaultAnswer.empty
        if input.beginsUpgrade {
            let environment = call.environment
            record = try KVUpgrade.begin(entry, record, in: &draft, environment, view)
            answer = VaultAnswer(EngineAnswer(warnings: [KVUpgrade.warning] + input.warnings))
        }
        try draft.put(SystemPaths.activeMount(entry.id), record.encoded())
        return .commit(try draft.finish(), answer)
    }

    private var lookups: MountLookups { MountLookups(mounts, call.environment) }

    private func mount(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let input = try MountInput(call.request.fields, isAuthMethod: false)
        guard !isReserved(path) else { throw .invalid("cannot mount \(GoText.quoted(path))") }
        if let (other, _) = mounts.namespace(leading: path) {
            throw .invalid("existing mount at \(other.record.name.withSlash)")
        }
        if let other = mounts.conflict(with: path) {
            throw .invalid("path is already in use at \(other)")
        }
        return try create(path, input, view)
    }

    /// Makes a mount at a path that is free.
    func create(
        _ path: String,
        _ input: MountInput,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard path.utf8.count <= VaultLimits.mountPathBytesMax else {
            throw .invalid(
                "the path of a mount is \(path.utf8.count) bytes, the limit is "
                    + "\(VaultLimits.mountPathBytesMax)"
            )
        }
        guard mounts.entries.count < VaultLimits.mountsMax else {
            throw .invalid("there are \(mounts.entries.count) mounts, which is the limit")
        }
        var draft = try changeOfTable(view)
        let id = draft.mountID()
        let prefix = input.kind.isAuthMethod ? "auth_" : ""
        let accessor = "\(prefix)\(input.type)_\(Hex.encode(draft.randomBytes(4)))"
        let record = MountRecord(
            path: path,
            type: input.type,
            kind: input.kind,
            accessor: accessor,
            created: call.environment.now,
            tuning: input.tuning
        )
        try draft.createMount(id)
        try draft.check(SystemPaths.activeMount(id), 0)
        try draft.put(SystemPaths.activeMount(id), record.encoded())
        return .commit(try draft.finish(), .empty)
    }

    private func unmount(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard !isReserved(path) else { throw .invalid("cannot unmount \(GoText.quoted(path))") }
        guard let entry = mounts.entry(at: path) else { return .answer(.empty) }
        return try retire(entry, view)
    }

    /// Takes the mount out of the table, so nothing in it can be reached any more. Its keys and
    /// records stay until shredding removes them: the record moves to the retired ones.
    func retire(
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var draft = try changeOfTable(view)
        try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
        try draft.delete(SystemPaths.activeMount(entry.id))
        let retirement = try RetirementRecord.load(view)
        try draft.check(SystemPaths.retirement, retirement.modificationIndex)
        let retired = RetiredMountRecord(
            entry.record.isUpgrading ? entry.record.notUpgraded() : entry.record,
            at: call.environment.now,
            delaySeconds: retirement.record.delaySeconds
        )
        try draft.put(SystemPaths.retiredMount(entry.id), retired.encoded())
        let path = call.environment.namespace.path + entry.record.path
        try draft.changeRateLimits(view) { $0.mountRemoved(path) }
        if entry.record.isAuthMethod {
            // Who logged in here is not logged in any more.
            let prefix = entry.record.path
            try TokenRevocation.revokePrefix(prefix, in: &draft, call.environment, view)
        }
        return .commit(try draft.finish(), .empty)
    }

    private func isReserved(_ path: String) -> Bool {
        BuiltInMount.reservedPrefixes.contains { path.utf8.starts(with: $0.utf8) }
    }

    /// The batch of a change that later requests see in the table.
    func changeOfTable(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> BatchDraft {
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.mountTable, mounts.modificationIndex)
        try draft.put(SystemPaths.mountTable, MountTable.marker)
        return draft
    }
}
