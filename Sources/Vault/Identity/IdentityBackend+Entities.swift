import Barrier
import Engines
import Wire

/// `identity/entity…`: make, show, change, remove.
extension IdentityBackend {
    private static let entityFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("metadata", .pairs), ("policies", .texts),
        ("disabled", .bool),
    ]

    /// - Parameter key: as the path names it; nil: as the body does, or nobody does.
    func writeEntity(_ key: IdentityKey?, _ view: borrowing BarrierView) throws(VaultError)
        -> VaultStep
    {
        let fields = try parse(Self.entityFields, captured: key?.captured)
        var records = IdentityRecords()
        var draft = try draft(view)
        let target = try IdentityTarget<EntityRecord>(key, fields, in: &draft, &records, view)
        var record = try target.record(in: &draft, &records, view) { name in
            EntityRecord(name: name, created: now)
        }
        try apply(fields, to: &record)
        record.updated = now
        try records.setEntity(record, target.id, view)
        guard target.existing == nil else {
            let ended = fields.bool("disabled") == true ? [target.id] + record.merged : []
            return try commit(records, draft, ended: ended, view)
        }
        let answer = IdentityAnswers.answer(
            [
                "aliases": .null, "id": .string(answers.text(target.id)),
                "name": .string(record.name),
            ],
            fields.warnings
        )
        return try commit(records, draft, answer)
    }

    private func apply(_ fields: Fields, to record: inout EntityRecord) throws(VaultError) {
        if let names = fields.texts("policies") {
            record.policies = try IdentityText.policies(names)
        }
        if let object = fields.map("metadata") {
            record.metadata = try IdentityTexts(object, "entity metadata")
        }
        if let isDisabled = fields.bool("disabled") { disable(isDisabled, &record) }
    }

    /// While it is disabled no token is made. So all that are there when it is enabled were made
    /// before, also those of a node whose clock was ahead. A login may follow in the very moment
    /// that it is enabled.
    private func disable(_ isDisabled: Bool, _ record: inout EntityRecord) {
        if isDisabled || record.isDisabled {
            let end = isDisabled ? now.nanoseconds : now.nanoseconds - min(1, now.nanoseconds)
            let moment = Timestamp(nanoseconds: end)
            record.revokedThrough = max(moment, record.revokedThrough ?? moment)
        }
        record.isDisabled = isDisabled
    }

    func readEntity(_ key: IdentityKey, _ view: borrowing BarrierView) throws(VaultError)
        -> VaultAnswer
    {
        let fields = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try records.entity(key, view) else { throw .notFound }
        return try show(found.id, found.record, &records, fields.warnings, view)
    }

    func show(
        _ id: IdentityID,
        _ record: EntityRecord,
        _ records: inout IdentityRecords,
        _ warnings: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let closure = try records.closure(record.groups, view)
        let limit = VaultLimits.inheritedGroupsMax
        let tooMany = closure == nil ? ["the entity belongs to more than \(limit) groups"] : []
        let groups = closure?.map(\.id) ?? record.groups
        return IdentityAnswers.answer(
            answers.entity(id, record, groups: groups),
            warnings + tooMany
        )
    }

    func deleteEntity(
        _ key: IdentityKey,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        _ = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try records.entity(key, view) else { return .answer(.empty) }
        try records.removeEntity(found.id, at: now, view)
        let ended = [found.id] + found.record.merged
        return try commit(records, draft(view), ended: ended, view)
    }

    /// `identity/entity/batch-delete`. Ids that nobody has are passed over.
    func deleteEntities(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try parse([("entity_ids", .texts)])
        let texts = fields.texts("entity_ids") ?? []
        guard !texts.isEmpty else { throw .invalid("missing entity ids to delete") }
        guard texts.count <= VaultLimits.entityBatchMax else {
            throw .invalid(
                "\(texts.count) entities in one request, the limit is "
                    + "\(VaultLimits.entityBatchMax)"
            )
        }
        var records = IdentityRecords()
        var ended: [IdentityID] = []
        for text in texts {
            guard let found = try records.entity(.id(text), view) else { continue }
            try records.removeEntity(found.id, at: now, view)
            ended += [found.id] + found.record.merged
        }
        guard !ended.isEmpty else { return .answer(.empty) }
        return try commit(records, draft(view), ended: ended, view)
    }
}
