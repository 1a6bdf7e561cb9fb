import Barrier
import Engines
import Wire

/// `identity/lookup/…` and the listings.
extension IdentityBackend {
    private static let lookupFields: [(String, FieldSchema.Kind)] = [
        ("id", .text), ("name", .text), ("alias_id", .text), ("alias_name", .text),
        ("alias_mount_accessor", .text),
    ]

    /// The one thing that a look-up goes by.
    private enum Clue {
        case key(IdentityKey)
        case aliasID(String)
        case alias(name: String, mountAccessor: String)
    }

    private func clue(_ fields: Fields) throws(VaultError) -> Clue {
        func text(_ name: String) -> String? {
            fields.text(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let name = text("alias_name")
        let accessor = text("alias_mount_accessor")
        var clues: [Clue] = []
        if let id = text("id") { clues.append(.key(.id(id))) }
        if let name = text("name") { clues.append(.key(.name(name))) }
        if let id = text("alias_id") { clues.append(.aliasID(id)) }
        if name != nil || accessor != nil {
            clues.append(.alias(name: name ?? "", mountAccessor: accessor ?? ""))
        }
        guard let only = clues.first else { throw .invalid("query parameter not supplied") }
        guard clues.count == 1 else {
            throw .invalid(
                "query parameter conflict; please supply distinct set of query parameters"
            )
        }
        if case .alias = only, name == nil || accessor == nil {
            throw .invalid("both 'alias_name' and 'alias_mount_accessor' needs to be set")
        }
        return only
    }

    func lookupEntity(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try parse(Self.lookupFields)
        var records = IdentityRecords()
        let found: FoundIdentity<EntityRecord>? = try find(clue(fields), &records, view)
        guard let found else { return .empty }
        return try show(found.id, found.record, &records, fields.warnings, view)
    }

    func lookupGroup(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try parse(Self.lookupFields)
        var records = IdentityRecords()
        let found: FoundIdentity<GroupRecord>? = try find(clue(fields), &records, view)
        guard let found else { return .empty }
        return try show(found.id, found.record, &records, fields.warnings, view)
    }

    private func find<Record: IdentityRecord>(
        _ clue: Clue,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> FoundIdentity<Record>? {
        let path: String
        switch clue {
        case .key(let key):
            return try records.find(key, view)
        case .aliasID(let text):
            guard let alias = IdentityID(text: text) else { return nil }
            path = Record.aliasPath(alias)
        case .alias(let name, let accessor):
            path = Record.aliasNamePath(name, accessor)
        }
        guard let id = try records.pointer(path, view) else { return nil }
        return FoundIdentity(id: id, record: try records.existing(id, view))
    }

    // MARK: listings

    /// One page of a folder that is named by ids.
    private struct Page {
        let ids: [IdentityID]
        let warnings: [String]
    }

    private func page(
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Page {
        let fields = try parse([("after", .text), ("limit", .int)])
        let limitMax = VaultLimits.identityListMax
        let asked = fields.int("limit") ?? 0
        let limit = asked > 0 ? min(asked, limitMax) : limitMax
        let after = fields.text("after").flatMap { $0.isEmpty ? nil : $0 }
        var names: [String]
        do throws(BarrierError) {
            names = try view.list(view.home, directory: folder, after: after, limit: limit + 1)
        } catch {
            throw .barrier(error)
        }
        var warnings = fields.warnings
        if names.count > limit {
            names.removeLast()
            if asked <= 0 || asked > limitMax {
                warnings.append(
                    "There are more than \(limitMax). These are the first; for the others list "
                        + "again with 'after' set to the last of these."
                )
            }
        }
        guard !names.isEmpty else { throw .notFound }
        var ids: [IdentityID] = []
        for name in names {
            guard let id = IdentityID(text: name) else {
                throw .damaged("a record of identity has a name that is no id")
            }
            ids.append(id)
        }
        return Page(ids: ids, warnings: warnings)
    }

    /// `{"key_info":{…},"keys":[…]}`, or the names as keys alone.
    private func listing(
        _ page: Page,
        byName: Bool,
        _ info: (IdentityID) throws(VaultError) -> JSONObject
    ) throws(VaultError) -> VaultAnswer {
        var infos: [JSONObject] = []
        for id in page.ids { infos.append(try info(id)) }
        var writer = JSONWriter(capacity: 64 + page.ids.count * 256)
        writer.beginObject()
        if !byName {
            writer.name("key_info")
            writer.beginObject()
            for (id, info) in zip(page.ids, infos) {
                writer.name(answers.text(id))
                writer.raw(JSONValue.object(info).encoded(sortingKeys: true))
            }
            writer.endObject()
        }
        writer.name("keys")
        writer.beginArray()
        for (id, info) in zip(page.ids, infos) {
            writer.string(byName ? info["name"]?.asString ?? "" : answers.text(id))
        }
        writer.endArray()
        writer.endObject()
        return VaultAnswer(EngineAnswer(data: writer.bytes, warnings: page.warnings))
    }

    /// In the order of the ids, also where names are listed, as OpenBao has it.
    func listEntities(
        _ byName: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let page = try page(IdentityPaths.entities, view)
        var records = IdentityRecords()
        return try listing(page, byName: byName) { id throws(VaultError) in
            answers.entityInfo(try records.existingEntity(id, view), id)
        }
    }

    func listGroups(
        _ byName: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let page = try page(IdentityPaths.groups, view)
        var records = IdentityRecords()
        return try listing(page, byName: byName) { id throws(VaultError) in
            let record = try records.existingGroup(id, view)
            return answers.groupInfo(record, try records.roster(of: id, view), id)
        }
    }

    func listAliases(
        _ owner: IdentityRoute.Owner,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        var records = IdentityRecords()
        switch owner {
        case .entity:
            let page = try page(IdentityPaths.entityAliases, view)
            return try listing(page, byName: false) { id throws(VaultError) in
                guard let found = try records.entityAlias(id, view) else {
                    throw .damaged("alias \(id.text) is listed and not there")
                }
                let alias = found.record.aliases[found.position]
                return answers.alias(alias, of: found.entity, .inAliasList)
            }
        case .group:
            let page = try page(IdentityPaths.groupAliases, view)
            return try listing(page, byName: false) { id throws(VaultError) in
                guard let group = try records.pointer(IdentityPaths.groupAlias(id), view),
                    let alias = try records.existingGroup(group, view).alias
                else { throw .damaged("alias \(id.text) is listed and not there") }
                return answers.alias(alias, of: group, .inAliasList, isOfGroup: true)
            }
        }
    }
}
