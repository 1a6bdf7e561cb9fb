import Barrier
import Engines
import Wire

/// `auth/token/tidy` and `sys/leases/tidy`: removes what belongs to no token any more.
///
/// Everything of a token is written and removed in one batch, so there is nothing of the kind in a
/// sound vault. A restored or repaired one is swept all the same.
struct TokenTidy {
    let call: VaultCall
    let authority: Authority

    func step(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        if try view.systemIndex(SystemPaths.tidying) > 0 {
            let warning = "Tidy operation already in progress."
            return .answer(VaultAnswer(EngineAnswer(warnings: warnings + [warning])))
        }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.tidying, 0)
        try draft.put(SystemPaths.tidying, SystemPaths.marker)
        let job = NewJob(kind: .revocation, arguments: RevocationScope.tidy.encoded())
        try draft.begin(job, view, at: call.environment.now)
        let warning =
            "Tidy operation successfully started. How far it is can be seen at sys/jobs."
        let body = EngineAnswer(status: 202, warnings: warnings + [warning])
        return .commit(try draft.finish(), VaultAnswer(body))
    }
}

/// One step of it: some records, each looked at once, in folder after folder.
///
/// Cursor: number of the folder u8 ‖ the leaf behind which to go on.
enum TokenTidySweep {
    private static let folders = [
        SystemPaths.accessors, SystemPaths.leases, SystemPaths.allChildren,
        SystemPaths.allEntities, SystemPaths.allUses,
    ]

    /// - Returns: where to go on, nil at the end; and how many records were removed.
    static func step(
        _ cursor: [UInt8],
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (cursor: [UInt8]?, doneCount: UInt64) {
        let number = Int(cursor.first ?? 0)
        guard number < folders.count else {
            try draft.delete(SystemPaths.tidying)
            return (nil, 0)
        }
        let after = String(decoding: cursor.dropFirst(), as: UTF8.self)
        let walk = try TreeWalk.leaves(
            below: folders[number],
            after: after,
            limit: TokenLimits.sweptNamesMax,
            view
        )
        var doneCount: UInt64 = 0
        var last = after
        for leaf in walk.leaves {
            let path = folders[number] + leaf
            guard doneCount < UInt64(TokenLimits.revocationsPerBatch) else {
                return ([UInt8(number)] + Array(last.utf8), doneCount)
            }
            last = leaf
            let owner = try owner(of: path, leaf, view)
            let record = SystemPaths.token(hash: owner.hash)
            let home = owner.home ?? view.home
            if try view.hasKeys(of: home) {
                guard try view.at(home).systemIndex(record) == 0 else { continue }
                // Whoever makes that token now wins.
                try draft.check(record, 0, in: home)
            }
            try draft.check(path, try view.systemIndex(path))
            try draft.delete(path)
            doneCount += 1
        }
        guard walk.isComplete else {
            return ([UInt8(number)] + Array(last.utf8), doneCount)
        }
        return ([UInt8(number + 1)], doneCount)
    }

    /// The token that a record is about.
    private static func owner(
        of path: String,
        _ leaf: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> ChildName {
        if path.utf8.starts(with: SystemPaths.accessors.utf8) {
            let hash = try AccessorRecord.hash(decoding: try bytes(path, view))
            return ChildName(hash, in: view.home, below: view.home)
        }
        if path.utf8.starts(with: SystemPaths.leases.utf8) {
            switch try LeaseRecord(decoding: try bytes(path, view)) {
            case .token(let hash): return ChildName(hash, in: view.home, below: view.home)
            }
        }
        // The name itself says it.
        let name = leaf.utf8.split(separator: 0x2F).last.flatMap { String($0) } ?? ""
        return try ChildName(decoding: name)
    }

    private static func bytes(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [UInt8] {
        guard let opened = try view.systemRecord(path) else {
            throw .damaged("a record is there and not there in one view")
        }
        return opened.value
    }
}
