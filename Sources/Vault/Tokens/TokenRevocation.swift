import Barrier
import Wire

/// What a revocation that one batch does not finish is about: the arguments of its job.
///
/// Format 1: a kind, then what that kind needs.
enum RevocationScope: Sendable, Equatable {
    /// What descends from a token that is gone, and its cubbyhole.
    case tree(hash: String)
    /// A token whose children become orphans.
    case freeing(hash: String)
    /// Tokens whose leases begin so, behind the fence with this id.
    case leases(prefix: String, before: Timestamp, fence: [UInt8])
    /// Tokens of entities that were disabled or removed then.
    case entities([String], before: Timestamp)
    /// Whatever belongs to no token.
    case tidy

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(1)
        switch self {
        case .tree(let hash):
            writer.writeUInt8(1)
            writer.writeString(hash)
        case .freeing(let hash):
            writer.writeUInt8(2)
            writer.writeString(hash)
        case .leases(let prefix, let before, let fence):
            writer.writeUInt8(3)
            writer.writeString(prefix)
            writer.writeUInt64(before.nanoseconds)
            writer.writeBytes(fence)
        case .entities(let ids, let before):
            writer.writeUInt8(4)
            writer.writeUInt64(before.nanoseconds)
            writer.writeTexts(ids)
        case .tidy: writer.writeUInt8(5)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "the scope of a revocation")
            switch try reader.readUInt8() {
            case 1: self = .tree(hash: try Self.hash(&reader))
            case 2: self = .freeing(hash: try Self.hash(&reader))
            case 3:
                self = .leases(
                    prefix: try reader.readString(atMost: TokenLimits.pathBytesMax),
                    before: Timestamp(nanoseconds: try reader.readUInt64()),
                    fence: try reader.readBytes(16)
                )
            case 4:
                let before = Timestamp(nanoseconds: try reader.readUInt64())
                let ids = try reader.readTexts(
                    countMax: TokenLimits.entitiesPerSweepMax,
                    bytesMax: TokenLimits.entityBytesMax
                )
                self = .entities(ids, before: before)
            case 5: self = .tidy
            case let kind: throw .malformed("a revocation of kind \(kind)")
            }
            try reader.finish()
        } catch {
            throw .damaged("revocation: \(error.summary)")
        }
    }

    private static func hash(_ reader: inout ByteReader) throws(WireError) -> String {
        let hash = try reader.readString(atMost: TokenLimits.hashCharacters)
        guard TokenPlace.isHash(hash) else { throw .malformed("it is about no hash") }
        return hash
    }
}

/// Takes tokens back. Each beginning is one bounded step in a draft: what stops their use at once,
/// and as much of the sweep as one batch takes. What is left goes on as a job.
enum TokenRevocation {
    /// A token and all that descends from it. Its record goes first: without it nothing that
    /// descends from it may be used.
    static func revoke(
        _ hash: String,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        if let rest = try begin(hash, in: &draft, view) {
            try start(rest, cursor: [], in: &draft, environment, view)
        }
    }

    /// The first step of ``revoke(_:in:_:_:)``.
    ///
    /// - Returns: what is left; nil: nothing.
    private static func begin(
        _ hash: String,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> RevocationScope? {
        var sweep = TokenSweep()
        try sweep.remove(hash, in: &draft, view)
        let isEmpty = try sweep.emptyCubbyhole(of: hash, in: &draft, view)
        let isDone = try sweep.removeDescendants(of: hash, in: &draft, view)
        return isDone && isEmpty ? nil : .tree(hash: hash)
    }

    /// A token alone: its children live on as orphans.
    static func revokeAlone(
        _ token: LiveToken,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        // Of one that is over by now the children are, too, and must not come back.
        try draft.check(token)
        var sweep = TokenSweep()
        guard try !sweep.free(token.hash, in: &draft, view) else { return }
        var record = token.record
        record.isFreeing = true
        try draft.put(SystemPaths.token(hash: token.hash), record.encoded(), in: view.home)
        try start(.freeing(hash: token.hash), cursor: [], in: &draft, environment, view)
    }

    /// All tokens whose leases begin so.
    ///
    /// - Parameter prefix: ends in `/`: `auth/userpass/`.
    static func revokePrefix(
        _ prefix: String,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let now = environment.now
        var sweep = TokenSweep()
        let cursor = try sweep.removeLeases(
            below: prefix,
            upTo: now,
            after: "",
            in: &draft,
            view
        )
        guard let cursor else { return }
        var fences = try environment.cache.fences(view)
        let id = draft.randomBytes(16)
        try fences.add(TokenFences.Fence(id: id, prefix: prefix, before: now))
        try draft.check(SystemPaths.tokenFences, fences.modificationIndex)
        try draft.put(SystemPaths.tokenFences, fences.encoded())
        let scope = RevocationScope.leases(prefix: prefix, before: now, fence: id)
        try start(scope, cursor: Array(cursor.utf8), in: &draft, environment, view)
    }

    /// All tokens of entities, which the same batch disables or removes: that is what stops their
    /// use at once.
    static func revoke(
        ofEntities ids: [String],
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        var rest = ids[...]
        // The batch of many entities is long enough by itself.
        if let only = ids.first, ids.count == 1 {
            var sweep = TokenSweep()
            let cursor = try sweep.removeTokens(
                ofEntity: only,
                upTo: environment.now,
                after: "",
                in: &draft,
                view
            )
            if cursor == nil { rest = [] }
        }
        while !rest.isEmpty {
            let some = Array(rest.prefix(TokenLimits.entitiesPerSweepMax))
            rest = rest.dropFirst(some.count)
            let scope = RevocationScope.entities(some, before: environment.now)
            try start(scope, cursor: [], in: &draft, environment, view)
        }
    }

    private static func start(
        _ scope: RevocationScope,
        cursor: [UInt8],
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let job = NewJob(kind: .revocation, arguments: scope.encoded(), cursor: cursor)
        try draft.begin(job, view, at: environment.now)
    }

    // MARK: on the leader, without a request

    /// The timer of a token's record is due.
    ///
    /// - Parameter path: of the record.
    static func expired(
        _ path: String,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> TaskRest {
        guard let hash = TokenPlace.hash(ofRecord: path) else {
            throw .damaged("a timer for a token that has no place")
        }
        // Where something else is there, the timer stays.
        guard let (record, index) = try TokenSweep.record(hash, view) else {
            try draft.check(path, 0)
            return .nothing
        }
        let count = record.usesMax > 0 ? try UseCount.read(hash, view) : nil
        let isUsedUp = record.usesMax > 0 && count?.left ?? 0 == 0
        guard isUsedUp || !record.isRunning(at: environment.now), !record.isFreeing else {
            try draft.check(path, index)
            if let ground = count?.ground { try draft.check(ground.path, ground.modificationIndex) }
            return .nothing
        }
        guard let rest = try begin(hash, in: &draft, view) else { return .nothing }
        return .job(NewJob(kind: .revocation, arguments: rest.encoded()))
    }

    /// One step of a revocation that goes on.
    static func step(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        var sweep = TokenSweep()
        switch try RevocationScope(decoding: job.arguments) {
        case .tree(let hash):
            // Made anew under the same id, which takes that nothing was left of the old one.
            guard try TokenSweep.record(hash, view) == nil else { return .finished(done: 0) }
            let isEmpty = try sweep.emptyCubbyhole(of: hash, in: &draft, view)
            let isDone = try sweep.removeDescendants(of: hash, in: &draft, view)
            return isDone && isEmpty ? .finished(done: sweep.doneCount) : more([], sweep)
        case .freeing(let hash):
            let isDone = try sweep.free(hash, in: &draft, view)
            return isDone ? .finished(done: sweep.doneCount) : more([], sweep)
        case .entities(let ids, let before):
            let cursor = try sweep.removeTokens(
                ofEntities: ids,
                upTo: before,
                after: job.cursor,
                in: &draft,
                view
            )
            guard let cursor else { return .finished(done: sweep.doneCount) }
            return more(cursor, sweep)
        case .tidy:
            let (cursor, doneCount) = try TokenTidySweep.step(job.cursor, in: &draft, view)
            guard let cursor else { return .finished(done: doneCount) }
            return .more(cursor: cursor, done: doneCount)
        case .leases(let prefix, let before, let fence):
            let cursor = try sweep.removeLeases(
                below: prefix,
                upTo: before,
                after: String(decoding: job.cursor, as: UTF8.self),
                in: &draft,
                view
            )
            if let cursor { return more(Array(cursor.utf8), sweep) }
            var fences = try environment.cache.fences(view)
            fences.remove(fence)
            try draft.check(SystemPaths.tokenFences, fences.modificationIndex)
            try draft.put(SystemPaths.tokenFences, fences.encoded())
            return .finished(done: sweep.doneCount)
        }
    }

    private static func more(_ cursor: [UInt8], _ sweep: TokenSweep) -> JobStep {
        .more(cursor: cursor, done: sweep.doneCount)
    }
}
