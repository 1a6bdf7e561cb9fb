import Barrier
import Engines
import Wire

/// `identity/entity-alias…`, also by its old names `alias` and `persona`.
extension IdentityBackend {
    private static let aliasFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("mount_accessor", .text), ("canonical_id", .text),
        ("entity_id", .text), ("custom_metadata", .pairs),
    ]

    /// What a request says of an alias.
    private struct AliasInput {
        let name: String?
        let mountAccessor: String?
        let canonicalID: String?
        let customMetadata: IdentityTexts?
        let warnings: [String]

        init(_ fields: Fields) throws(VaultError) {
            func text(_ name: String) -> String? {
                fields.text(name).flatMap { $0.isEmpty ? nil : $0 }
            }
            name = text("name")
            mountAccessor = text("mount_accessor")
            canonicalID = text("canonical_id") ?? text("entity_id")
            customMetadata = try fields.map("custom_metadata").map { map throws(VaultError) in
                try IdentityTexts(map, "alias custom_metadata")
            }
            warnings = fields.warnings
        }
    }

    /// `entity-alias/id/<id>`
    func entityAlias(
        _ text: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .update:
            return try writeEntityAlias(text, view)
        case .read:
            let fields = try parse([], captured: "id")
            var records = IdentityRecords()
            guard let id = IdentityID(text: text),
                let found = try records.entityAlias(id, view)
            else { throw .notFound }
            let alias = found.record.aliases[found.position]
            let members = answers.alias(alias, of: found.entity, .alone)
            return .answer(IdentityAnswers.answer(members, fields.warnings))
        case .delete:
            var records = IdentityRecords()
            guard let id = IdentityID(text: text),
                let found = try records.entityAlias(id, view)
            else { return .answer(.empty) }
            var record = found.record
            try records.point(
                record.aliases.remove(at: found.position),
                to: nil,
                EntityRecord.self,
                view
            )
            record.updated = now
            try records.setEntity(record, found.entity, view)
            return try commit(records, draft(view), .empty)
        case .list, .scan, .patch, .help:
            throw .engine(.unsupportedOperation)
        }
    }

    /// - Parameter id: as the path names it.
    func writeEntityAlias(
        _ id: String?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try parse(Self.aliasFields, captured: id == nil ? nil : "id")
        let input = try AliasInput(fields)
        if let accessor = input.mountAccessor { try checkMount(accessor) }
        var records = IdentityRecords()
        if let text = id ?? fields.text("id").flatMap({ $0.isEmpty ? nil : $0 }) {
            guard let id = IdentityID(text: text), try records.entityAlias(id, view) != nil
            else { throw .invalid("invalid alias ID provided") }
            return try change(id, input, &records, view)
        }
        guard let name = input.name, let accessor = input.mountAccessor else {
            throw .invalid("'id' or 'mount_accessor' and 'name' must be provided")
        }
        let path = IdentityPaths.entityAliasName(name, accessor)
        if let entity = try records.pointer(path, view) {
            let record = try records.existingEntity(entity, view)
            guard let alias = record.aliases.first(where: { $0.isNamed(name, accessor) }) else {
                throw .damaged("entity \(entity.text) does not have the alias that leads to it")
            }
            return try change(alias.id, input, &records, view)
        }
        return try make(name, accessor, input, &records, view)
    }

    private func make(
        _ name: String,
        _ accessor: String,
        _ input: AliasInput,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        var draft = try draft(view)
        let owner: IdentityID
        var record: EntityRecord
        if let canonicalID = input.canonicalID {
            guard let found = try records.entity(.id(canonicalID), view) else {
                throw .invalid("invalid canonical ID")
            }
            (owner, record) = (found.id, found.record)
        } else {
            owner = draft.identityID()
            record = EntityRecord(
                name: try records.freshName(EntityRecord.self, in: &draft, view),
                created: now
            )
            try records.setPointer(owner, at: IdentityPaths.entityName(record.name), view)
        }
        guard !record.aliases.contains(where: { utf8Equals($0.mountAccessor, accessor) }) else {
            throw .invalid("Alias already exists for requested entity and mount accessor")
        }
        let alias = AliasRecord(
            id: draft.identityID(),
            name: try IdentityText.checkName(name),
            mountAccessor: accessor,
            created: now,
            updated: now,
            metadata: nil,
            customMetadata: input.customMetadata ?? .none,
            mergedFrom: []
        )
        try add(alias, to: &record)
        try records.point(alias, to: owner, EntityRecord.self, view)
        try records.setEntity(record, owner, view)
        return try commit(records, draft, shown(alias.id, owner, input))
    }

    private func change(
        _ id: IdentityID,
        _ input: AliasInput,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let found = try records.entityAlias(id, view) else {
            preconditionFailure("the alias was found before")
        }
        let old = found.record.aliases[found.position]
        var alias = old
        alias.name =
            try input.name.map { name throws(VaultError) in
                try IdentityText.checkName(name)
            } ?? old.name
        alias.mountAccessor = input.mountAccessor ?? old.mountAccessor
        alias.customMetadata = input.customMetadata ?? old.customMetadata
        var owner = found.entity
        if let canonicalID = input.canonicalID {
            guard let target = try records.entity(.id(canonicalID), view) else {
                throw .invalid("given 'canonical_id' is not associated with an entity")
            }
            owner = target.id
        }
        guard alias != old || owner != found.entity else { return .answer(.empty) }
        let path = IdentityPaths.entityAliasName(alias.name, alias.mountAccessor)
        if !old.isNamed(alias.name, alias.mountAccessor), try records.pointer(path, view) != nil {
            throw .invalid("alias with combination of mount accessor and name already exists")
        }
        alias.updated = now
        var former = found.record
        former.aliases.remove(at: found.position)
        try records.point(old, to: nil, EntityRecord.self, view)
        try records.setEntity(former, found.entity, view)
        var record = try records.existingEntity(owner, view)
        guard !record.aliases.contains(where: { utf8Equals($0.mountAccessor, alias.mountAccessor) })
        else {
            throw .invalid(
                "Alias cannot be updated as the given entity already has an alias for this mount "
            )
        }
        try add(alias, to: &record, at: owner == found.entity ? found.position : nil)
        try records.point(alias, to: owner, EntityRecord.self, view)
        try records.setEntity(record, owner, view)
        return try commit(records, draft(view), shown(alias.id, owner, input))
    }

    private func add(
        _ alias: AliasRecord,
        to record: inout EntityRecord,
        at position: Int? = nil
    ) throws(VaultError) {
        record.aliases.insert(alias, at: position ?? record.aliases.count)
        record.updated = now
        guard record.aliases.count <= VaultLimits.entityAliasesMax else {
            throw .invalid(
                "the entity would have \(record.aliases.count) aliases, the limit is "
                    + "\(VaultLimits.entityAliasesMax)"
            )
        }
    }

    private func shown(
        _ id: IdentityID,
        _ owner: IdentityID,
        _ input: AliasInput
    ) -> VaultAnswer {
        IdentityAnswers.answer(
            [
                "canonical_id": .string(answers.text(owner)),
                "id": .string(answers.text(id)),
            ],
            input.warnings
        )
    }
}
