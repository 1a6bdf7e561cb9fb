import Barrier
import Engines
import Wire

/// `identity/entity…`: make, show, change, remove.
extension IdentityBackend {
    private static let entityFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("metadata", .pairs), ("policies", .texts),
        ("disabled", .bool),
    ]

    /// The entity with this id or name.
    func findEntity(
        _ key: Key,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (id: IdentityID, record: EntityRecord)? {
        switch key {
        case .id(let text):
            guard let id = IdentityID(text: text), let record = try records.entity(id, view)
            else { return nil }
            return (id, record)
        case .name(let name):
            guard let id = try records.pointer(IdentityPaths.entityName(name), view) else {
                return nil
            }
            return (id, try records.existingEntity(id, view))
        }
    }

    /// - Parameter key: as the path names it; nil: as the body does, or nobody does.
    func writeEntity(_ key: Key?, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try parse(Self.entityFields, captured: key?.captured)
        var records = IdentityRecords()
        var draft = try draft(view)
        let name = fields.text("name").flatMap { $0.isEmpty ? nil : $0 }
        let bodyID = fields.text("id").flatMap { $0.isEmpty ? nil : Key.id($0) }
        let key = key ?? bodyID ?? name.map { .name($0) }
        var found: (id: IdentityID, record: EntityRecord)?
        if let key { found = try findEntity(key, &records, view) }
        if case .id = key, found == nil { throw .invalid("entity not found from id") }
        let id = found?.id ?? draft.identityID()
        var record: EntityRecord
        if let found {
            record = found.record
            if case .id = key, let name { try rename(&record, to: name, id, &records, view) }
        } else {
            let given =
                if case .name(let text) = key {
                    try IdentityText.checkName(text)
                } else {
                    try records.freshName("entity", in: &draft, view)
                }
            record = EntityRecord(name: given, created: now)
            try records.setPointer(id, at: IdentityPaths.entityName(given), view)
        }
        try apply(fields, to: &record)
        record.updated = now
        try records.setEntity(record, id, view)
        guard found == nil else { return try commit(records, draft, .empty) }
        let answer = IdentityAnswers.answer(
            ["aliases": .null, "id": .string(id.text), "name": .string(record.name)],
            fields.warnings
        )
        return try commit(records, draft, answer)
    }

    private func rename(
        _ record: inout EntityRecord,
        to name: String,
        _ id: IdentityID,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let name = try IdentityText.checkName(name)
        let holder = try records.pointer(IdentityPaths.entityName(name), view)
        guard holder == nil || holder == id else {
            throw .invalid("entity name is already in use")
        }
        try records.setPointer(nil, at: IdentityPaths.entityName(record.name), view)
        try records.setPointer(id, at: IdentityPaths.entityName(name), view)
        record.name = name
    }

    private func apply(_ fields: Fields, to record: inout EntityRecord) throws(VaultError) {
        if let names = fields.texts("policies") {
            record.policies = try IdentityText.policies(names)
        }
        if let object = fields.map("metadata") {
            record.metadata = try IdentityTexts(object, "entity metadata")
        }
        if let isDisabled = fields.bool("disabled") { record.isDisabled = isDisabled }
    }

    func readEntity(_ key: Key, _ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try findEntity(key, &records, view) else { throw .notFound }
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
        _ key: Key,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        _ = try parse([], captured: key.captured)
        var records = IdentityRecords()
        guard let found = try findEntity(key, &records, view) else { return .answer(.empty) }
        try records.removeEntity(found.id, at: now, view)
        return try commit(records, draft(view), .empty)
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
        var isChanged = false
        for text in texts {
            guard let found = try findEntity(.id(text), &records, view) else { continue }
            try records.removeEntity(found.id, at: now, view)
            isChanged = true
        }
        return isChanged ? try commit(records, draft(view), .empty) : .answer(.empty)
    }
}
