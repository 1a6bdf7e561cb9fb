import Barrier
import Engines
import Policy
import Wire

/// `sys/policies/versions/…`, `…/diff/…`, `…/rollback/…`: what a policy said before.
extension PolicyBackend {
    /// All versions that are kept, without their texts; with `version` that one, with its text.
    func versions(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let fields = try parse([("version", .int)])
        guard let name = name(written) else { throw .notFound }
        let state = try PolicyState(name, view)
        if let number = fields.int("version") {
            let record = try version(number, state, view)
            var members = PolicyText.members(name, record, textName: "policy")
            for (member, value) in Self.facts(record).members { members[member] = value }
            let data = JSONValue.object(members).encoded(sortingKeys: true)
            return VaultAnswer(EngineAnswer(data: data, warnings: fields.warnings))
        }
        var records: [JSONValue] = []
        for number in try keptVersions(name, view) {
            records.append(.object(Self.facts(try earlier(name, number, view))))
        }
        if let current = state.current { records.append(.object(Self.facts(current.record))) }
        guard !records.isEmpty else { throw .notFound }
        let data: JSONValue = [
            "current": .number(JSONNumber(state.current?.record.version ?? 0)),
            "kept": .number(JSONNumber(VaultLimits.policyVersionsKept + 1)),
            "name": .string(name.text), "versions": .array(records),
        ]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    /// The difference between two versions: `from` and `to`, by default the last two.
    func diff(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let fields = try parse([("from", .int), ("to", .int)])
        guard let name = name(written) else { throw .notFound }
        let state = try PolicyState(name, view)
        guard state.lastVersion > 0 else { throw .notFound }
        let last = Int(clamping: state.lastVersion)
        let to = fields.int("to") ?? last
        let new = try version(to, state, view)
        let from = fields.int("from") ?? to - 1
        guard from != 0 else { throw .invalid("version 1 has none before it: name 'from'") }
        let old = try version(from, state, view)
        let diff = LineDiff(
            from: old.content.text,
            to: new.content.text,
            names: ("\(name.text) version \(from)", "\(name.text) version \(to)")
        )
        let data: JSONValue = [
            "added": .number(JSONNumber(diff.addedCount)), "diff": .string(diff.text),
            "from": .number(JSONNumber(from)), "name": .string(name.text),
            "options_changed": .bool(!Self.hasSameOptions(old.content, new.content)),
            "removed": .number(JSONNumber(diff.removedCount)),
            "to": .number(JSONNumber(to)),
        ]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    /// Makes an earlier version, with its options and its cases, the present one, under a new
    /// number. Brings a deleted policy back, too.
    func rollback(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try parse([("version", .int), ("cas", .int), ("force", .bool)])
        let name = try writable(written)
        guard let number = fields.int("version") else {
            throw .invalid("'version' is needed: the version to go back to")
        }
        let state = try PolicyState(name, view)
        guard state.lastVersion > 0 else { throw .notFound }
        // The call names what it goes back to, so a policy that needs a check-and-set gets one
        // only if the caller wants it.
        try checkAndSet(fields.int("cas"), state, isNeeded: false)
        let record = try version(number, state, view)
        return try commit(
            record.content,
            over: state,
            restoredFrom: record.version,
            isForced: fields.bool("force") ?? false,
            view
        ) { version, failures in
            let data: JSONValue = [
                "digest": .string(record.digest), "name": .string(name.text),
                "restored_from": .number(JSONNumber(record.version)),
                "version": .number(JSONNumber(version)),
            ]
            return VaultAnswer(
                EngineAnswer(
                    data: data.encoded(sortingKeys: true),
                    warnings: fields.warnings + failures
                )
            )
        }
    }

    /// Forgets a deleted policy altogether.
    func purge(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let name = name(written) else { return .answer(.empty) }
        let state = try PolicyState(name, view)
        guard state.current == nil else {
            throw .invalid(
                "policy \(GoText.quoted(name.text)) is there: only the history of a deleted policy "
                    + "can be removed"
            )
        }
        guard state.isDeleted else { return .answer(.empty) }
        let versions = try keptVersions(name, view)
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try state.purge(versions, in: &draft)
        return .commit(try draft.finish(), .empty)
    }

    // MARK: reading

    /// Numbers of the earlier versions that are kept, ascending.
    private func keptVersions(
        _ name: PolicyName,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [UInt64] {
        var numbers: [UInt64] = []
        for text in try view.systemNames(SystemPaths.policyHistory(name)) {
            guard let number = UInt64(text) else {
                throw .damaged("a version of a policy without a number")
            }
            numbers.append(number)
        }
        return numbers
    }

    private func version(
        _ number: Int,
        _ state: PolicyState,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> PolicyRecord {
        let last = state.lastVersion
        guard last > 0 else { throw .notFound }
        guard let number = UInt64(exactly: number), number > 0, number <= last else {
            throw .invalid("policy \(GoText.quoted(state.name.text)) has versions up to \(last)")
        }
        if let current = state.current?.record, current.version == number { return current }
        let isKept = try view.systemIndex(SystemPaths.policyVersion(state.name, number)) > 0
        guard isKept else {
            throw .invalid(
                "version \(number) is not kept any more: the last "
                    + "\(VaultLimits.policyVersionsKept) before the present one are"
            )
        }
        return try earlier(state.name, number, view)
    }

    private func earlier(
        _ name: PolicyName,
        _ number: UInt64,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> PolicyRecord {
        guard let opened = try view.systemRecord(SystemPaths.policyVersion(name, number)) else {
            throw .damaged("a version of a policy is listed and not there")
        }
        let record = try PolicyRecord(decoding: opened.value)
        guard record.version == number else {
            throw .damaged("version \(number) of a policy says that it is \(record.version)")
        }
        return record
    }

    /// What a list of versions says of one.
    private static func facts(_ record: PolicyRecord) -> JSONObject {
        var facts: JSONObject = [
            "author": .string(record.author),
            "bytes": .number(JSONNumber(record.content.text.utf8.count)),
            "case_count": .number(JSONNumber(PolicyText.cases(of: record.content).count)),
            "digest": .string(record.digest), "modified": .string(record.modified.rfc3339),
            "version": .number(JSONNumber(record.version)),
        ]
        if record.restoredFrom > 0 {
            facts["restored_from"] = .number(JSONNumber(record.restoredFrom))
        }
        return facts
    }

    private static func hasSameOptions(
        _ old: PolicyRecord.Content,
        _ new: PolicyRecord.Content
    ) -> Bool {
        var old = old
        old.text = new.text
        return old == new
    }
}
