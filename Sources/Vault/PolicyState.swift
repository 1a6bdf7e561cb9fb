import Barrier
import Wire

/// Everything that a change of a policy rests on, as one view has it, and the change itself.
struct PolicyState {
    let name: PolicyName
    /// The present version, expired or not.
    let current: (record: PolicyRecord, modificationIndex: UInt64)?
    private let deleted: (record: DeletedPolicyRecord, modificationIndex: UInt64)?
    private let table: (record: PolicyTableRecord, modificationIndex: UInt64)

    init(_ name: PolicyName, _ view: borrowing BarrierView) throws(VaultError) {
        self.name = name
        current = try Self.current(name, view)
        if let opened = try view.systemRecord(SystemPaths.deletedPolicy(name)) {
            let record = try DeletedPolicyRecord(decoding: opened.value)
            deleted = (record, opened.modificationIndex)
        } else {
            deleted = nil
        }
        guard let opened = try view.systemRecord(SystemPaths.policyTable) else {
            throw .damaged("the policy table is missing")
        }
        table = (try PolicyTableRecord(decoding: opened.value), opened.modificationIndex)
    }

    /// The present version of a policy, expired or not; nil if there is none.
    static func current(
        _ name: PolicyName,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: PolicyRecord, modificationIndex: UInt64)? {
        guard let opened = try view.systemRecord(SystemPaths.policy(name)) else { return nil }
        return (try PolicyRecord(decoding: opened.value), opened.modificationIndex)
    }

    /// Whether the policy was deleted and its history is there.
    var isDeleted: Bool { deleted != nil }

    /// The highest version there ever was; 0: none.
    var lastVersion: UInt64 { current?.record.version ?? deleted?.record.lastVersion ?? 0 }

    // MARK: changes

    /// Makes `record` the present version. What was present becomes history.
    ///
    /// - Precondition: its version is the one after ``lastVersion``.
    func put(_ record: PolicyRecord, in draft: inout BatchDraft) throws(VaultError) {
        precondition(record.version == lastVersion + 1, "versions of a policy have no gaps")
        var counts = table.record
        if current == nil {
            let all = counts.liveCount + counts.deletedCount
            guard deleted != nil || all < VaultLimits.policiesMax else {
                throw .invalid(
                    "there are \(all) policies, deleted ones counted, which is the limit; remove "
                        + "the history of one with DELETE sys/policies/versions/acl/<name>"
                )
            }
            counts.liveCount += 1
            if deleted != nil { counts.deletedCount -= 1 }
        }
        try check(in: &draft)
        try keepAsHistory(in: &draft)
        try draft.put(SystemPaths.policy(name), record.encoded())
        if deleted != nil { try draft.delete(SystemPaths.deletedPolicy(name)) }
        try markExpiring(record.content.expiration, in: &draft)
        try draft.put(SystemPaths.policyTable, counts.encoded())
    }

    /// Leaves the history and a mark.
    ///
    /// - Precondition: there is a present version.
    func delete(
        in draft: inout BatchDraft,
        at now: Timestamp,
        by author: String
    ) throws(VaultError) {
        guard let current else { preconditionFailure("only what is there is deleted") }
        var counts = table.record
        guard counts.liveCount > 0 else { throw .damaged("the policy table counts too few") }
        counts.liveCount -= 1
        counts.deletedCount += 1
        try check(in: &draft)
        try keepAsHistory(in: &draft)
        try draft.delete(SystemPaths.policy(name))
        try markExpiring(nil, in: &draft)
        let mark = DeletedPolicyRecord(
            lastVersion: current.record.version,
            deleted: now,
            author: author
        )
        try draft.put(SystemPaths.deletedPolicy(name), mark.encoded())
        try draft.put(SystemPaths.policyTable, counts.encoded())
    }

    /// Removes versions of a deleted policy; with the last of them the knowledge that there was
    /// one.
    ///
    /// - Parameter isAll: whether there are no others.
    /// - Precondition: ``isDeleted``.
    func purge(
        _ versions: [UInt64],
        isAll: Bool,
        in draft: inout BatchDraft
    ) throws(VaultError) {
        precondition(current == nil && deleted != nil, "only a deleted policy is forgotten")
        try check(in: &draft)
        for version in versions { try draft.delete(SystemPaths.policyVersion(name, version)) }
        guard isAll else {
            // Whoever brings a version back, or removes some, at the same time, looks again.
            if let deleted {
                try draft.put(SystemPaths.deletedPolicy(name), deleted.record.encoded())
            }
            return
        }
        var counts = table.record
        guard counts.deletedCount > 0 else { throw .damaged("the policy table counts too few") }
        counts.deletedCount -= 1
        try draft.delete(SystemPaths.deletedPolicy(name))
        try draft.put(SystemPaths.policyTable, counts.encoded())
    }

    /// Two changes at once never both hold.
    private func check(in draft: inout BatchDraft) throws(VaultError) {
        try draft.check(SystemPaths.policyTable, table.modificationIndex)
        try draft.check(SystemPaths.policy(name), current?.modificationIndex ?? 0)
        try draft.check(SystemPaths.deletedPolicy(name), deleted?.modificationIndex ?? 0)
    }

    private func keepAsHistory(in draft: inout BatchDraft) throws(VaultError) {
        guard let current else { return }
        let path = SystemPaths.policyVersion(name, current.record.version)
        try draft.put(path, current.record.encoded())
    }

    private func markExpiring(
        _ expiration: Timestamp?,
        in draft: inout BatchDraft
    ) throws(VaultError) {
        let path = SystemPaths.expiringPolicy(name)
        let former = current?.record.content.expiration
        if let former, former != expiration { try draft.clearTimer(due: former, path: path) }
        if let expiration {
            // Only that it is there matters: format 1.
            try draft.put(path, [1])
            try draft.setTimer(due: expiration, path: path)
        } else if former != nil {
            try draft.delete(path)
        }
    }
}
