import Barrier
import Engines
import Policy
import Wire

/// `sys/policies/versions/…`, `…/diff/…`, `…/rollback/…`: what a policy said before.
extension PolicyBackend {
    /// The last versions, or those `before` one, without their texts; with `version` that one, with
    /// its text.
    func versions(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let fields = try parse([("version", .int), ("before", .int), ("limit", .int)])
        guard let name = name(written) else { throw .notFound }
        let state = try PolicyState(name, view)
        if let number = fields.int("version") {
            let record = try version(number, state, view)
            var members = PolicyText.members(name, record, textName: "policy")
            for (member, value) in Self.facts(record).members { members[member] = value }
            let data = JSONValue.object(members).encoded(sortingKeys: true)
            return VaultAnswer(EngineAnswer(data: data, warnings: fields.warnings))
        }
        guard state.lastVersion > 0 else { throw .notFound }
        let page = try Self.page(fields, last: Int(clamping: state.lastVersion))
        var records: [JSONValue] = []
        for number in page {
            guard let record = try find(UInt64(number), state, view) else { continue }
            records.append(.object(Self.facts(record)))
        }
        let data: JSONValue = [
            "current": .number(JSONNumber(state.current?.record.version ?? 0)),
            "earlier": .number(JSONNumber(page.lowerBound - 1)),
            "last": .number(JSONNumber(state.lastVersion)),
            "name": .string(name.text), "versions": .array(records),
        ]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    /// The numbers that `before` and `limit` ask for.
    private static func page(_ fields: Fields, last: Int) throws(VaultError) -> Range<Int> {
        let most = VaultLimits.policyVersionsShownMax
        let limit = fields.int("limit") ?? most
        let before = fields.int("before") ?? last + 1
        guard limit > 0, before > 0 else { throw .invalid("'limit' and 'before' are above 0") }
        let end = min(before, last + 1)
        return max(1, end - min(limit, most))..<end
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

    /// Forgets a deleted policy altogether; of one with very many versions some, and says so.
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
        let most = VaultLimits.policyVersionsPurgedMax
        let versions = try someVersions(name, limit: most + 1, view)
        let isAll = versions.count <= most
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try state.purge(Array(versions.prefix(most)), isAll: isAll, in: &draft)
        let batch = try draft.finish()
        guard !isAll else { return .commit(batch, .empty) }
        let warning = "\(most) versions are removed, and there are more: repeat the call"
        let answer = EngineAnswer(data: Array("{}".utf8), warnings: [warning])
        return .commit(batch, VaultAnswer(answer))
    }

    // MARK: reading

    /// Numbers of some earlier versions.
    private func someVersions(
        _ name: PolicyName,
        limit: Int,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [UInt64] {
        var numbers: [UInt64] = []
        let folder = SystemPaths.policyHistory(name)
        for text in try view.systemNames(in: folder, limit: limit) {
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
        guard let record = try find(number, state, view) else {
            throw .invalid("version \(number) was removed, after the policy had been deleted")
        }
        return record
    }

    /// A version; nil if it was removed.
    private func find(
        _ number: UInt64,
        _ state: PolicyState,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> PolicyRecord? {
        if let current = state.current?.record, current.version == number { return current }
        let path = SystemPaths.policyVersion(state.name, number)
        guard let opened = try view.systemRecord(path) else { return nil }
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
