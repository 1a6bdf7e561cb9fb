import Barrier
import Engines
import Wire

/// `identity/…` behind the token: who is behind the names that auth methods know, and which groups
/// they belong to. Routes to what handles it.
struct IdentityBackend {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: below `identity/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        guard let route = IdentityRoute(path) else { throw .engine(.unsupportedPath) }
        let operation = call.request.operation
        switch (route, operation) {
        case (.entity, .update): return try writeEntity(nil, view)
        case (.entityByID(let id), .update): return try writeEntity(.id(id), view)
        case (.entityByName(let name), .update): return try writeEntity(.name(name), view)
        case (.entityByID(let id), .read): return .answer(try readEntity(.id(id), view))
        case (.entityByName(let name), .read): return .answer(try readEntity(.name(name), view))
        case (.entityByID(let id), .delete): return try deleteEntity(.id(id), view)
        case (.entityByName(let name), .delete): return try deleteEntity(.name(name), view)
        case (.entityMerge, .update): return try mergeEntities(view)
        case (.entityBatchDelete, .update): return try deleteEntities(view)
        case (.entities(let byName), .list): return .answer(try listEntities(byName, view))
        case (.group, .update): return try writeGroup(nil, view)
        case (.groupByID(let id), .update): return try writeGroup(.id(id), view)
        case (.groupByName(let name), .update): return try writeGroup(.name(name), view)
        case (.groupByID(let id), .read): return .answer(try readGroup(.id(id), view))
        case (.groupByName(let name), .read): return .answer(try readGroup(.name(name), view))
        case (.groupByID(let id), .delete): return try deleteGroup(.id(id), view)
        case (.groupByName(let name), .delete): return try deleteGroup(.name(name), view)
        case (.groups(let byName), .list): return .answer(try listGroups(byName, view))
        case (.alias(.entity), .update): return try writeEntityAlias(nil, view)
        case (.alias(.group), .update): return try writeGroupAlias(nil, view)
        case (.aliasByID(.entity, let id), _): return try entityAlias(id, view)
        case (.aliasByID(.group, let id), _): return try groupAlias(id, view)
        case (.aliases(let owner), .list): return .answer(try listAliases(owner, view))
        case (.lookup(.entity), .update): return .answer(try lookupEntity(view))
        case (.lookup(.group), .update): return .answer(try lookupGroup(view))
        default: throw .engine(.unsupportedOperation)
        }
    }

    var now: Timestamp { call.environment.now }

    var answers: IdentityAnswers {
        IdentityAnswers(
            mounts: IdentityMounts(mounts, call.environment),
            namespace: call.environment.namespace
        )
    }

    func draft(_ view: borrowing BarrierView) throws(VaultError) -> BatchDraft {
        try BatchDraft(call.request, authority, call.environment, view)
    }

    /// One batch of all that changed.
    func commit(
        _ records: IdentityRecords,
        _ draft: consuming BatchDraft,
        _ answer: VaultAnswer
    ) throws(VaultError) -> VaultStep {
        try records.write(into: &draft)
        return try draft.commit(answer)
    }

    /// The same, where some entities' tokens are over with this batch. It stops their use, so the
    /// sweep may come later.
    func commit(
        _ records: IdentityRecords,
        _ draft: consuming BatchDraft,
        ended: [IdentityID],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        try records.write(into: &draft)
        try TokenRevocation.revoke(
            ofEntities: ended.map(\.text),
            in: &draft,
            call.environment,
            view
        )
        return try draft.commit(.empty)
    }

    func parse(
        _ kinds: [(String, FieldSchema.Kind)],
        captured: String? = nil
    ) throws(VaultError) -> Fields {
        let others = kinds.filter { kind in captured.map { !utf8Equals($0, kind.0) } ?? true }
        let schema = FieldSchema(others, captured: captured.map { [$0] } ?? [])
        return try SystemFields.parse(call.request.fields, schema)
    }

    /// A name of a mount that there is.
    func checkMount(_ accessor: String) throws(VaultError) {
        guard answers.mounts.find(accessor) != nil else {
            throw .invalid("invalid mount accessor \(GoText.quoted(accessor))")
        }
    }
}
