import Barrier
import Engines
import Wire

/// Removes what is in a namespace that was deleted, and at the end the namespace: a job, so that it
/// goes on under whichever node leads.
///
/// ```
/// jobs       what the vault did in it by itself ends
/// tokens     with their leases, timers and cubbyholes, and their marks in namespaces above
/// policies   those that expire, with their timers
/// mounts     one after the other: what is in them, then their keys
/// records    all that is left in its home
/// the end    the keys of its home, and what leads to it
/// ```
/// Each batch takes the first that it finds, so there is no place to remember but the jobs'.
/// Nothing comes to it meanwhile: every batch of the namespace checks its record, which says since
/// the first moment that it is ending.
enum NamespaceRemoval {
    /// What it is about, at rest: format 1, the namespace's home and its id.
    struct Subject: Equatable {
        let home: MountID
        let id: String

        func encoded() -> [UInt8] { [1] + home.bytes + Array(id.utf8) }

        init(home: MountID, id: String) { (self.home, self.id) = (home, id) }

        init(decoding bytes: [UInt8]) throws(VaultError) {
            let id = String(decoding: bytes.dropFirst(17), as: UTF8.self)
            guard bytes.first == 1, let home = MountID(Array(bytes.dropFirst().prefix(16))),
                home != .system, id.utf8.count == VaultLimits.namespaceIDCharacters
            else { throw .damaged("a removal of a namespace: its arguments") }
            self.init(home: home, id: id)
        }
    }

    /// Jobs that one batch looks at, and ends at most.
    private static let jobsPerBatch = 512
    private static let jobEndsPerBatch = 64
    /// Policies that one batch removes.
    private static let policiesPerBatch = 64
    /// Records of a mount that one batch removes.
    private static let recordsPerBatch = 256

    /// - Parameter view: at home in the parent.
    static func step(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        let subject = try Subject(decoding: job.arguments)
        if let after = Cursor(job.cursor).jobsLeft {
            return try endJobs(of: subject, after: after, view, &draft)
        }
        if let count = try removeSome(view.at(subject.home), &draft) {
            return .more(cursor: Cursor.jobsDone.bytes, done: count)
        }
        try end(subject, view, environment, &draft)
        return .finished(done: 1)
    }

    /// Removes the first that is there.
    ///
    /// - Parameter view: at home in the namespace.
    /// - Returns: how much; nil: nothing is left.
    private static func removeSome(
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64? {
        if let count = try removeTokens(view, &draft) { return count }
        if let count = try removePolicies(view, &draft) { return count }
        if let count = try removeMount(view, &draft) { return count }
        return try removeRecords(view, &draft)
    }

    /// Where it goes on: among the jobs, behind one of them, or behind all of them.
    private struct Cursor {
        let bytes: [UInt8]

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        static let jobsDone = Cursor([1])

        static func jobs(after id: String) -> Cursor { Cursor([0] + Array(id.utf8)) }

        /// Nil once all jobs were looked at.
        var jobsLeft: String? {
            bytes.first == 1 ? nil : String(decoding: bytes.dropFirst(), as: UTF8.self)
        }
    }

    private static func endJobs(
        of subject: Subject,
        after: String,
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        let system = view.at(.system)
        let names = try system.systemNames(
            in: SystemPaths.jobs,
            after: after.isEmpty ? nil : after,
            limit: jobsPerBatch
        )
        var count: UInt64 = 0
        for id in names {
            guard let job = try JobEntry(id, view), job.record.home == subject.home else {
                continue
            }
            try draft.end(job, view)
            count += 1
            if count == jobEndsPerBatch {
                return .more(cursor: Cursor.jobs(after: id).bytes, done: count)
            }
        }
        guard let last = names.last, names.count == jobsPerBatch else {
            return .more(cursor: Cursor.jobsDone.bytes, done: count)
        }
        return .more(cursor: Cursor.jobs(after: last).bytes, done: count)
    }

    // MARK: what is in it

    /// - Returns: how many were removed; nil: there are none.
    private static func removeTokens(
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64? {
        let names = try view.systemNames(
            in: SystemPaths.tokens,
            limit: TokenLimits.revocationsPerBatch
        )
        guard !names.isEmpty else { return nil }
        var sweep = TokenSweep()
        for hash in names {
            guard try sweep.removeWithCubbyhole(hash, in: &draft, view) else { break }
        }
        return sweep.doneCount
    }

    private static func removePolicies(
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64? {
        let folder = SystemPaths.expiringPolicies
        let names = try view.systemNames(in: folder, limit: policiesPerBatch)
        guard !names.isEmpty else { return nil }
        for stored in names {
            let path = folder + stored
            if let name = PolicyName(stored: stored),
                let expiration = try PolicyState.current(name, view)?.record.content.expiration
            {
                try draft.clearTimer(due: expiration, path: path, in: view.home)
            }
            try draft.delete(path, in: view.home)
        }
        return UInt64(names.count)
    }

    private static func removeMount(
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64? {
        for folder in [SystemPaths.activeMounts, SystemPaths.retiredMounts] {
            guard let name = try view.systemNames(in: folder, limit: 1).first else { continue }
            guard let id = MountID(text: name) else {
                throw .damaged("a mount's record has a name that no mount has")
            }
            // What a mount is being made anew as goes before it, or nobody would find it.
            let upgrade = try upgrade(at: folder + name, view)
            for mount in [upgrade, id].compactMap({ $0 }) {
                guard try view.hasKeys(of: mount) else { continue }
                let count = try empty(mount, view, &draft)
                if count > 0 { return count }
                try draft.removeMount(mount)
            }
            try draft.delete(folder + name, in: view.home)
            return 1
        }
        return nil
    }

    private static func upgrade(
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> MountID? {
        guard path.below(SystemPaths.activeMounts) != nil,
            let opened = try view.systemRecord(path)
        else { return nil }
        return try MountRecord(decoding: opened.value).upgradeTarget
    }

    private static func removeRecords(
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64? {
        let count = try empty(view.home, view, &draft)
        return count > 0 ? count : nil
    }

    /// Removes some records of a mount, or of the home.
    private static func empty(
        _ mount: MountID,
        _ view: borrowing BarrierView,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> UInt64 {
        let inside = view.at(mount)
        let walk = try TreeWalk.leaves(below: "", limit: recordsPerBatch, inside)
        var operationsLeft = TokenLimits.sweepOperationsMax
        var count: UInt64 = 0
        for leaf in walk.leaves where operationsLeft >= TokenLimits.sweepOperationsReserve {
            try draft.delete(leaf, in: mount)
            operationsLeft -= 2 + leaf.utf8.count { $0 == 0x2F }
            count += 1
        }
        return count
    }

    private static func end(
        _ subject: Subject,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) {
        let path = SystemPaths.namespace(subject.home)
        let mounts = try environment.cache.mounts(view)
        guard let entry = mounts.namespaces.first(where: { $0.home == subject.home }) else {
            throw .damaged("a namespace that is to be removed is in no table")
        }
        try draft.changeTable(mounts)
        try draft.check(path, entry.modificationIndex)
        try draft.delete(path)
        try draft.delete(SystemPaths.namespaceID(subject.id), in: .system)
        try draft.removeMount(subject.home)
    }
}
