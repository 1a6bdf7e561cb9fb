import Barrier
import Engines
import Wire

/// Removes tokens and all that hangs on them, as far as one batch reaches.
///
/// Descendants go before the token that they descend from, furthest first, so whatever is left is
/// found again from the same root and no list of it has to be kept. They are refused meanwhile: the
/// root is gone, being freed or behind a fence before the first of them is swept.
///
/// Nothing is swept below a token whose children are being set free: it is over already, they are
/// orphans though their records still name it, and its own job removes it after the last of them.
struct TokenSweep {
    /// What the batch still has room for.
    private var tokensLeft = TokenLimits.revocationsPerBatch
    private var recordsLeft = TokenLimits.cubbyholeRecordsPerBatch
    /// Of the batch: a record in a deep folder costs one for each folder above it.
    private var operationsLeft = TokenLimits.sweepOperationsMax
    /// Tokens removed or freed.
    private(set) var doneCount: UInt64 = 0

    /// A token on the way down the tree, and its children that are still to be visited.
    private struct Frame {
        let hash: String
        /// Where the token is.
        let home: MountID
        /// Names of children, in reverse order.
        var children: [ChildName]
        /// There were more children than there was room for.
        let isPartial: Bool
    }

    /// Whether one more record, wherever it is, fits.
    private var hasRoom: Bool { operationsLeft >= TokenLimits.sweepOperationsReserve }

    private static func folderCount(_ path: String) -> Int { path.utf8.count { $0 == 0x2F } }

    // MARK: one token

    /// Removes one token, whatever descends from it.
    ///
    /// - Throws: ``VaultError/damaged(_:)`` for a record that does not read: what belongs to it is
    ///   not known then.
    mutating func remove(
        _ hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        guard let (record, index) = try Self.record(hash, view) else { return }
        let path = SystemPaths.token(hash: hash)
        let home = view.home
        try draft.check(path, index, in: home)
        try draft.delete(path, in: home)
        try draft.delete(SystemPaths.accessor(record.accessor), in: home)
        if record.hasLease {
            try draft.delete(SystemPaths.lease(record.leaseID(hash: hash)), in: home)
        }
        if record.usesMax > 0 { try draft.delete(SystemPaths.tokenUses(hash), in: home) }
        if !record.parent.isEmpty {
            let name = ChildName(hash, in: home, of: record)
            let parentHome = record.parentHome ?? home
            try draft.delete(SystemPaths.child(name, of: record.parent), in: parentHome)
        }
        if !record.entityID.isEmpty {
            try draft.delete(SystemPaths.tokenOfEntity(hash, record.entityID), in: home)
        }
        if let expiration = record.expiration {
            try draft.clearTimer(due: expiration, path: path, in: home)
        }
        tokensLeft -= 1
        operationsLeft -= TokenLimits.sweepOperationsPerToken + Self.folderCount(record.path)
        doneCount += 1
    }

    /// Something goes because a token is not there, or is not the one that was meant: only where
    /// that is so.
    private func checkOther(
        _ hash: String,
        _ index: UInt64?,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try draft.check(SystemPaths.token(hash: hash), index ?? 0, in: view.home)
    }

    static func record(
        _ hash: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: TokenRecord, modificationIndex: UInt64)? {
        guard let opened = try view.systemRecord(SystemPaths.token(hash: hash)) else { return nil }
        return (try TokenRecord(decoding: opened.value), opened.modificationIndex)
    }

    /// Removes one token and its cubbyhole, whatever descends from it, where all tokens go.
    ///
    /// - Returns: false if the batch has no room for it.
    mutating func removeWithCubbyhole(
        _ hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        guard tokensLeft > 0, hasRoom, try emptyCubbyhole(of: hash, in: &draft, view), hasRoom
        else { return false }
        try remove(hash, in: &draft, view)
        return true
    }

    /// Removes what a token kept in its cubbyhole.
    ///
    /// - Returns: whether nothing is left of it.
    mutating func emptyCubbyhole(
        of hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        let folder = SystemPaths.cubbyhole(hash)
        let walk = try TreeWalk.leaves(below: folder, limit: recordsLeft, view)
        for leaf in walk.leaves {
            guard hasRoom else { return false }
            try draft.delete(folder + leaf, in: view.home)
            recordsLeft -= 1
            operationsLeft -= 4 + Self.folderCount(leaf)
        }
        return walk.isComplete
    }

    // MARK: a tree

    /// Removes everything that descends from a token, and not the token.
    ///
    /// What one batch leaves of the way down is checked as well: none of it has been set free
    /// meanwhile, with what is removed here.
    ///
    /// - Returns: whether nothing is left of it.
    mutating func removeDescendants(
        of root: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        if let (_, index) = try Self.record(root, view) {
            try checkPassed(root, index, in: &draft, view)
        }
        var stack = [try frame(root, view)]
        while let frame = stack.last {
            if let child = stack[stack.count - 1].children.popLast() {
                guard stack.count <= TokenLimits.generationsMax + 1 else {
                    throw .damaged("tokens descend from each other in a circle")
                }
                let view = view.at(child.home ?? frame.home)
                if let (record, index) = try Self.record(child.hash, view) {
                    try checkPassed(child.hash, index, in: &draft, view)
                    guard !record.isFreeing, utf8Equals(record.parent, frame.hash) else {
                        guard try unlink(child, record, from: frame, in: &draft) else {
                            return false
                        }
                        continue
                    }
                }
                stack.append(try self.frame(child.hash, view))
                continue
            }
            stack.removeLast()
            guard !frame.isPartial else { return false }
            guard let parent = stack.last else { return true }
            let view = view.at(frame.home)
            guard try removeChild(frame.hash, of: parent, in: &draft, view) else {
                return false
            }
        }
        return true
    }

    private mutating func checkPassed(
        _ hash: String,
        _ index: UInt64,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try draft.check(SystemPaths.token(hash: hash), index, in: view.home)
        operationsLeft -= 1
    }

    /// Takes out of a tree what does not go with it: a token whose children are being set free,
    /// which is left to its own job; or one that has another parent.
    ///
    /// - Precondition: its record is checked.
    private mutating func unlink(
        _ child: ChildName,
        _ found: TokenRecord,
        from parent: Frame,
        in draft: inout BatchDraft
    ) throws(VaultError) -> Bool {
        guard tokensLeft > 0, hasRoom else { return false }
        if utf8Equals(found.parent, parent.hash) {
            var record = found
            (record.parent, record.parentHome) = ("", nil)
            let path = SystemPaths.token(hash: child.hash)
            try draft.put(path, record.encoded(), in: child.home ?? parent.home)
        }
        try draft.delete(SystemPaths.child(child, of: parent.hash), in: parent.home)
        tokensLeft -= 1
        operationsLeft -= TokenLimits.sweepOperationsPerToken
        return true
    }

    /// - Precondition: nothing descends from it any more.
    private mutating func removeChild(
        _ hash: String,
        of parent: Frame,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        guard tokensLeft > 0, hasRoom else { return false }
        guard try Self.record(hash, view) != nil else {
            try checkOther(hash, nil, in: &draft, view)
            let name = ChildName(hash, in: view.home, below: parent.home)
            try draft.delete(SystemPaths.child(name, of: parent.hash), in: parent.home)
            tokensLeft -= 1
            operationsLeft -= TokenLimits.sweepOperationsPerToken
            return true
        }
        guard try emptyCubbyhole(of: hash, in: &draft, view), hasRoom else { return false }
        try remove(hash, in: &draft, view)
        return true
    }

    private func frame(
        _ hash: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Frame {
        let room = max(0, tokensLeft)
        let names = try view.systemNames(in: SystemPaths.children(of: hash), limit: room + 1)
        return Frame(
            hash: hash,
            home: view.home,
            children: try ChildName.decode(names.prefix(room)).reversed(),
            isPartial: names.count > room
        )
    }

    /// Removes a token that is behind a fence, with all that descends from it.
    ///
    /// - Returns: whether nothing is left of it.
    mutating func removeTree(
        _ hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        guard try removeDescendants(of: hash, in: &draft, view), tokensLeft > 0,
            try emptyCubbyhole(of: hash, in: &draft, view), hasRoom
        else { return false }
        try remove(hash, in: &draft, view)
        return true
    }

    // MARK: setting free

    /// Makes a token's children orphans, and removes it after the last.
    ///
    /// - Returns: whether it is gone.
    mutating func free(
        _ hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Bool {
        let room = tokensLeft - 1
        let names = try view.systemNames(in: SystemPaths.children(of: hash), limit: room + 1)
        for child in try ChildName.decode(names.prefix(room)) {
            try draft.delete(SystemPaths.child(child, of: hash), in: view.home)
            tokensLeft -= 1
            let home = child.home ?? view.home
            let found = try Self.record(child.hash, view.at(home))
            guard case (var record, let index)? = found, utf8Equals(record.parent, hash) else {
                try checkOther(child.hash, found?.modificationIndex, in: &draft, view.at(home))
                continue
            }
            let path = SystemPaths.token(hash: child.hash)
            (record.parent, record.parentHome) = ("", nil)
            try draft.check(path, index, in: home)
            try draft.put(path, record.encoded(), in: home)
            operationsLeft -= TokenLimits.sweepOperationsPerToken
            doneCount += 1
        }
        guard names.count <= room, try emptyCubbyhole(of: hash, in: &draft, view), hasRoom else {
            return false
        }
        try remove(hash, in: &draft, view)
        return true
    }

    // MARK: many

    /// Removes the tokens whose leases begin so and that were made up to a moment.
    ///
    /// - Parameters:
    ///   - prefix: of leases' ids; ends in `/`.
    ///   - cursor: the last lease of the sweep's previous step, or empty.
    /// - Returns: the cursor to go on behind; nil: nothing is left.
    mutating func removeLeases(
        below prefix: String,
        upTo before: Timestamp,
        after cursor: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String? {
        let folder = SystemPaths.leases + prefix
        let walk = try TreeWalk.leaves(
            below: folder,
            after: cursor,
            limit: TokenLimits.sweptNamesMax,
            view
        )
        var last = cursor
        for leaf in walk.leaves {
            guard let opened = try view.systemRecord(folder + leaf) else {
                throw .damaged("a lease is there and not there in one view")
            }
            let lease = try LeaseRecord(decoding: opened.value)
            switch lease {
            case .token(let hash):
                if let (record, _) = try Self.record(hash, view) {
                    if record.created <= before, !record.isFreeing {
                        guard try removeTree(hash, in: &draft, view) else { return last }
                    }
                } else {
                    guard tokensLeft > 0, hasRoom else { return last }
                    try checkOther(hash, nil, in: &draft, view)
                    try draft.delete(folder + leaf, in: view.home)
                    tokensLeft -= 1
                    operationsLeft -= 5 + Self.folderCount(folder + leaf)
                }
            }
            last = leaf
        }
        return walk.isComplete ? nil : last
    }

    /// Removes the tokens of an entity that were made up to a moment.
    ///
    /// - Parameter cursor: the last token that the sweep has looked at, or empty.
    /// - Returns: the cursor to go on behind; nil: nothing is left.
    mutating func removeTokens(
        ofEntity entity: String,
        upTo before: Timestamp,
        after cursor: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String? {
        let folder = SystemPaths.tokensOfEntity(entity)
        let limit = TokenLimits.sweptNamesMax
        let after = cursor.isEmpty ? nil : cursor
        let names = try view.systemNames(in: folder, after: after, limit: limit)
        var last = cursor
        for hash in names {
            guard tokensLeft > 0, hasRoom else { return last }
            if let (record, _) = try Self.record(hash, view) {
                if record.created <= before, !record.isFreeing {
                    guard try removeTree(hash, in: &draft, view) else { return last }
                }
            } else {
                try checkOther(hash, nil, in: &draft, view)
                try draft.delete(folder + hash, in: view.home)
                tokensLeft -= 1
                operationsLeft -= TokenLimits.sweepOperationsPerToken
            }
            last = hash
        }
        return names.count < limit ? nil : last
    }

    /// The same of several entities, one after the other.
    ///
    /// - Parameter cursor: number of the entity u16 ‖ its last token that was looked at; or empty.
    mutating func removeTokens(
        ofEntities ids: [String],
        upTo before: Timestamp,
        after cursor: [UInt8],
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [UInt8]? {
        var number = cursor.prefix(2).reduce(0) { $0 << 8 | Int($1) }
        var last = String(decoding: cursor.dropFirst(2), as: UTF8.self)
        while number < ids.count {
            let next = try removeTokens(
                ofEntity: ids[number],
                upTo: before,
                after: last,
                in: &draft,
                view
            )
            if let next { return [UInt8(number >> 8), UInt8(number & 0xFF)] + Array(next.utf8) }
            (number, last) = (number + 1, "")
        }
        return nil
    }
}

/// Records below a folder of the system mount, of a namespace's home or of any other mount, in the
/// order in which they lie in the store: for work that has to go on where it left off.
enum TreeWalk {
    private struct Frame {
        /// Below the root, ending in `/`, or empty.
        let folder: String
        /// The last name that was looked at.
        var after: String?
    }

    /// - Parameters:
    ///   - cursor: a leaf that an earlier walk gave, still there or not; empty: from the beginning.
    ///   - limit: most leaves.
    /// - Returns: leaves as paths below `root`, and whether there are no more.
    static func leaves(
        below root: String,
        after cursor: String = "",
        limit: Int,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (leaves: [String], isComplete: Bool) {
        var stack = frames(to: cursor)
        var leaves: [String] = []
        while let frame = stack.last {
            guard leaves.count < limit else { return (leaves, false) }
            let names = try view.systemNames(
                in: root + frame.folder,
                after: frame.after,
                limit: limit - leaves.count
            )
            guard !names.isEmpty else {
                stack.removeLast()
                continue
            }
            for name in names {
                stack[stack.count - 1].after = name
                if name.utf8.last == 0x2F {
                    stack.append(Frame(folder: frame.folder + name))
                    break
                }
                leaves.append(frame.folder + name)
            }
        }
        return (leaves, true)
    }

    private static func frames(to cursor: String) -> [Frame] {
        var frames: [Frame] = []
        var folder = ""
        let parts = cursor.utf8.split(separator: 0x2F)
        for (position, part) in parts.enumerated() {
            var name = String(part) ?? ""
            if position < parts.count - 1 { name += "/" }
            frames.append(Frame(folder: folder, after: name))
            folder += name
        }
        return frames.isEmpty ? [Frame(folder: "")] : frames
    }
}
