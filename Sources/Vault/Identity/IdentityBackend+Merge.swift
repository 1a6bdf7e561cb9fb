import Barrier
import Engines
import Wire

/// `identity/entity/merge`: several entities become one.
///
/// The target keeps its name, metadata and policies. It gets the others' aliases and memberships,
/// and tokens of the others work on as its own, but for those that were revoked. A disabled entity
/// has none, so none come out of one and none go into one. An entity has one alias for each mount,
/// so where both have one the request says which to keep, and then merges exactly one entity.
extension IdentityBackend {
    private static let mergeFields: [(String, FieldSchema.Kind)] = [
        ("from_entity_ids", .texts), ("to_entity_id", .text), ("force", .bool),
        ("conflicting_alias_ids_to_keep", .texts),
    ]

    func mergeEntities(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try parse(Self.mergeFields)
        guard let toText = fields.text("to_entity_id"), !toText.isEmpty else {
            throw .invalid("missing entity id to merge to")
        }
        let fromTexts = fields.texts("from_entity_ids") ?? []
        guard !fromTexts.isEmpty else { throw .invalid("missing entity ids to merge from") }
        guard fromTexts.count <= VaultLimits.entityBatchMax else {
            throw .invalid(
                "\(fromTexts.count) entities in one request, the limit is "
                    + "\(VaultLimits.entityBatchMax)"
            )
        }
        var records = IdentityRecords()
        guard let target = try records.entity(.id(toText), view) else {
            throw .invalid("entity id to merge to is invalid")
        }
        var sources: [IdentityID] = []
        for text in fromTexts {
            guard let source = try records.entity(.id(text), view) else {
                throw .invalid("entity id to merge from is invalid")
            }
            guard source.id != target.id else {
                throw .invalid("to_entity_id should not be present in from_entity_ids")
            }
            if !sources.contains(source.id) { sources.append(source.id) }
        }
        let kept = (fields.texts("conflicting_alias_ids_to_keep") ?? []).compactMap {
            IdentityID(text: $0)
        }
        let isAsked = !(fields.texts("conflicting_alias_ids_to_keep") ?? []).isEmpty
        let merge = EntityMerge(target: target.id, sources: sources, now: now)
        try merge.resolve(keeping: isAsked ? kept : nil, &records, view)
        let ended = try merge.perform(&records, view)
        return try commit(records, draft(view), ended: ended, view)
    }
}

/// One merge, once it is known that all its entities are there.
struct EntityMerge {
    let target: IdentityID
    /// Each once.
    let sources: [IdentityID]
    let now: Timestamp

    /// Two aliases of the same mount, on both sides.
    private struct Clash {
        let source: IdentityID
        let targetAlias: AliasRecord
        let sourceAlias: AliasRecord
    }

    /// Removes of each two aliases that cannot both be there the one that is not to be kept.
    ///
    /// - Parameter kept: ids of aliases; nil: the request does not say.
    func resolve(
        keeping kept: [IdentityID]?,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let clashes = try clashes(&records, view)
        guard !clashes.isEmpty else { return try refuseClashesOfSources(&records, view) }
        guard let kept, sources.count == 1 else { throw refusal(of: clashes) }
        var targetRecord = try records.existingEntity(target, view)
        var sourceRecord = try records.existingEntity(sources[0], view)
        for clash in clashes {
            let keepsSource = kept.contains(clash.sourceAlias.id)
            let keepsTarget = kept.contains(clash.targetAlias.id)
            guard keepsSource || keepsTarget else {
                throw .invalid(
                    "conflicting mount accessors in following alias IDs and neither were present "
                        + "in conflicting_alias_ids_to_keep: \(clash.sourceAlias.id.text), "
                        + clash.targetAlias.id.text
                )
            }
            guard !(keepsSource && keepsTarget) else {
                throw .invalid(
                    "both \(clash.sourceAlias.id.text) and \(clash.targetAlias.id.text) are in "
                        + "conflicting_alias_ids_to_keep, and an entity has one alias for a mount"
                )
            }
            let lost = keepsSource ? clash.targetAlias : clash.sourceAlias
            try records.point(lost, to: nil, EntityRecord.self, view)
            targetRecord.aliases.removeAll { $0.id == lost.id }
            sourceRecord.aliases.removeAll { $0.id == lost.id }
        }
        try records.setEntity(targetRecord, target, view)
        try records.setEntity(sourceRecord, sources[0], view)
    }

    private func clashes(
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [Clash] {
        let own = try records.existingEntity(target, view).aliases
        var clashes: [Clash] = []
        for source in sources {
            for alias in try records.existingEntity(source, view).aliases {
                let twin = own.first { utf8Equals($0.mountAccessor, alias.mountAccessor) }
                guard let twin else { continue }
                clashes.append(Clash(source: source, targetAlias: twin, sourceAlias: alias))
            }
        }
        return clashes
    }

    private func refusal(of clashes: [Clash]) -> VaultError {
        let lines = clashes.map { clash in
            "mountAccessor: \(clash.sourceAlias.mountAccessor), toEntity ID: \(target.text), "
                + "fromEntity ID: \(clash.source.text), conflicting toEntity alias ID: "
                + "\(clash.targetAlias.id.text), conflicting fromEntity alias ID: "
                + clash.sourceAlias.id.text
        }
        let first =
            "toEntity and at least one fromEntity have aliases with the same mount accessor, "
            + "repeat the merge request specifying exactly one fromEntity, clashes: "
        return .invalid(GoText.errors([first] + lines))
    }

    private func refuseClashesOfSources(
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var seen: [String] = []
        for source in sources {
            for alias in try records.existingEntity(source, view).aliases {
                guard !seen.contains(where: { utf8Equals($0, alias.mountAccessor) }) else {
                    throw .invalid(
                        "two entities to merge from have aliases with the mount accessor "
                            + "\(alias.mountAccessor), and an entity has one alias for a mount: "
                            + "merge one after the other"
                    )
                }
                seen.append(alias.mountAccessor)
            }
        }
    }

    /// Moves everything.
    ///
    /// - Returns: entities whose tokens are over with it.
    func perform(
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [IdentityID] {
        var merged = try records.existingEntity(target, view)
        var ended: [IdentityID] = []
        for source in sources {
            let record = try records.existingEntity(source, view)
            for var alias in record.aliases {
                alias.mergedFrom.append(source)
                try records.point(alias, to: target, EntityRecord.self, view)
                merged.aliases.append(alias)
            }
            let isEnding = record.isDisabled || merged.isDisabled
            if isEnding { ended += record.merged + [source] }
            try redirect(source, record, isEnding: isEnding, &records, view)
            merged.merged += record.merged + [source]
            for group in record.groups {
                merged.groups.insertInOrder(group)
                try records.changeRoster(group, at: now, view) { roster in
                    roster.entities.removeAll { $0 == source }
                    roster.entities.insertInOrder(target)
                }
            }
            try records.setPointer(nil, at: IdentityPaths.entityName(record.name), view)
            try records.setEntity(nil, source, view)
        }
        try records.checkGroups(of: merged)
        try check(merged)
        merged.updated = now
        try records.setEntity(merged, target, view)
        return ended
    }

    /// Lets an entity, and those that were merged into it, lead to the target, each with what is
    /// revoked of its own tokens.
    private func redirect(
        _ source: IdentityID,
        _ record: EntityRecord,
        isEnding: Bool,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        func redirected(_ revoked: Timestamp?) -> MergedEntity {
            let revokedThrough = isEnding ? max(now, revoked ?? now) : revoked
            return MergedEntity(into: target, since: now, revokedThrough: revokedThrough)
        }
        for earlier in record.merged {
            let revoked = try records.mergedEntity(earlier, view)
                .revokedThrough(with: record.revokedThrough)
            try records.setMerged(redirected(revoked), earlier, view)
        }
        try records.setMerged(redirected(record.revokedThrough), source, view)
    }

    private func check(_ merged: EntityRecord) throws(VaultError) {
        guard merged.aliases.count <= VaultLimits.entityAliasesMax,
            merged.merged.count <= VaultLimits.entityMergesMax,
            merged.aliases.allSatisfy({ $0.mergedFrom.count <= VaultLimits.entityMergesMax })
        else {
            throw .invalid(
                "the entity would have \(merged.aliases.count) aliases and "
                    + "\(merged.merged.count) entities merged into it, the limits are "
                    + "\(VaultLimits.entityAliasesMax) and \(VaultLimits.entityMergesMax)"
            )
        }
    }
}
