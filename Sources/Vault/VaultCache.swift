import Barrier
import Store
import Synchronization
import Wire

/// What the vault keeps decoded between requests: the mount table, tokens, policies, and what the
/// policies of a token mean together.
///
/// No older than the view that it is used for: each thing is kept with the modification index of
/// the record it came from, or of the one that is written with every change of any that it came
/// from, and every request compares that with its own view before it uses it.
///
/// Nor is it trusted more than what the view shows. What comes from more records than the one that
/// is compared is a ``Kept``: a disk that lost a page's write has older ones of them beside it, so
/// whoever uses it again rests on their buckets as if it had read them, and nobody does once a
/// repair may have changed them.
///
/// Made with a keyring and dropped with it, so nothing is left of it after sealing.
///
/// - Precondition: only views of committed entries may be used with it. An index seen in an entry
///   that is not committed could come back with another content.
package final class VaultCache: Sendable {
    private struct State {
        var mounts = ByHome<Kept<MountTable>>()
        var fences = ByHome<TokenFences>()
        /// Where namespaces are, by their ids. Only looked up, and not believed.
        var namespacePaths: [String: String] = [:]
        /// By the place of the token's record. Only looked up.
        var tokens: [Placed<String>: CachedToken] = [:]
        /// Only looked up.
        var policies: [Placed<PolicyName>: CompiledPolicy] = [:]
        /// By the names of a token's policies, with NUL between them; where templates make a
        /// difference 0xFF and the entity's id follow. Only looked up.
        var accesses: [Placed<[UInt8]>: Kept<TokenAccess>] = [:]
        /// Of the texts behind both of those.
        var textBytes = 0
        var identities = IdentityCache()

        /// Makes room for one more policy or set of them, by forgetting all where there is none.
        mutating func makeRoom(for bytes: Int) {
            let isFull =
                policies.count >= VaultLimits.cachedPoliciesMax
                || accesses.count >= VaultLimits.cachedPoliciesMax
                || textBytes + bytes > VaultLimits.cachedPolicyBytesMax
            if isFull {
                policies = [:]
                accesses = [:]
                textBytes = 0
            }
            textBytes += bytes
        }
    }

    private struct CachedToken {
        let record: TokenRecord
        let modificationIndex: UInt64
    }

    /// What is known by a name in one home.
    private struct Placed<Name: Hashable & Sendable>: Hashable, Sendable {
        let home: MountID
        let name: Name
    }

    /// One value for each home.
    private struct ByHome<Value: Sendable>: Sendable {
        private var system: Value?
        /// Only looked up.
        private var others: [MountID: Value] = [:]

        subscript(home: MountID) -> Value? {
            get { home == .system ? system : others[home] }
            set {
                guard home != .system else { return system = newValue }
                if others.count >= VaultLimits.cachedNamespacesMax, others[home] == nil {
                    others = [:]
                }
                others[home] = newValue
            }
        }
    }

    private let state = Mutex(State())

    /// The revocations of many tokens that are under way, as this view has them.
    func fences(_ view: borrowing BarrierView) throws(VaultError) -> TokenFences {
        let index = try view.systemIndex(SystemPaths.tokenFences)
        let home = view.home
        if index > 0, let kept = state.withLock({ $0.fences[home] }),
            kept.modificationIndex == index
        {
            return kept
        }
        guard let opened = try view.systemRecord(SystemPaths.tokenFences) else {
            throw .damaged("the fences of tokens are missing")
        }
        let fences = try TokenFences(decoding: opened)
        state.withLock { state in
            if (state.fences[home]?.modificationIndex ?? 0) <= fences.modificationIndex {
                state.fences[home] = fences
            }
        }
        return fences
    }

    /// Nothing kept yet.
    package init() {}

    /// Forgets everything at once.
    package func wipe() {
        state.withLock { $0 = State() }
    }

    /// The mount table as this view has it.
    func mounts(_ view: borrowing BarrierView) throws(VaultError) -> MountTable {
        let index = try view.systemIndex(SystemPaths.mountTable)
        let home = view.home
        if let kept = state.withLock({ $0.mounts[home] }),
            kept.value.modificationIndex == index, kept.counts(in: view)
        {
            return kept.value
        }
        let table = try Kept(view) { view throws(VaultError) in try MountTable.load(view) }
        state.withLock { state in
            // A request on an older view must not replace what newer ones use.
            if let old = state.mounts[home], old.isNewer(than: table, by: \.modificationIndex) {
                return
            }
            state.mounts[home] = table
        }
        return table.value
    }

    /// Where the namespace with an id was.
    func namespacePath(of id: String) -> String? {
        state.withLock { $0.namespacePaths[id] }
    }

    func keep(namespacePath path: String, of id: String) {
        state.withLock { state in
            if state.namespacePaths.count >= VaultLimits.cachedNamespacesMax {
                state.namespacePaths = [:]
            }
            state.namespacePaths[id] = path
        }
    }

    func forgetNamespacePath(of id: String) {
        state.withLock { $0.namespacePaths[id] = nil }
    }

    /// A token's record at this place, as this view has it; nil if there is none.
    func token(
        at path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (record: TokenRecord, modificationIndex: UInt64)? {
        let index = try view.systemIndex(path)
        guard index > 0 else { return nil }
        let place = Placed(home: view.home, name: path)
        if let kept = state.withLock({ $0.tokens[place] }), kept.modificationIndex == index {
            return (kept.record, index)
        }
        guard let opened = try view.systemRecord(path) else {
            throw .damaged("a token's record is there and not there in one view")
        }
        let record = try TokenRecord(decoding: opened.value)
        let cached = CachedToken(record: record, modificationIndex: opened.modificationIndex)
        state.withLock { state in
            if state.tokens.count >= VaultLimits.cachedTokensMax { state.tokens = [:] }
            state.tokens[place] = cached
        }
        return (record, opened.modificationIndex)
    }

    // MARK: policies

    /// Of the texts behind everything compiled that is kept.
    var policyTextBytes: Int { state.withLock { $0.textBytes } }

    /// A policy as this view has it; nil if there is none.
    func policy(
        _ name: PolicyName,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> CompiledPolicy? {
        let index = try view.systemIndex(SystemPaths.policy(name))
        guard index > 0 else { return nil }
        let place = Placed(home: view.home, name: name)
        if let kept = state.withLock({ $0.policies[place] }), kept.modificationIndex == index {
            return kept
        }
        guard let opened = try view.systemRecord(SystemPaths.policy(name)) else {
            throw .damaged("a policy's record is there and not there in one view")
        }
        let policy = try CompiledPolicy(
            name,
            PolicyRecord(decoding: opened.value),
            modificationIndex: opened.modificationIndex
        )
        state.withLock { state in
            let old = state.policies[place]
            if let old, old.modificationIndex > policy.modificationIndex { return }
            state.textBytes -= old?.textBytes ?? 0
            state.policies[place] = nil
            state.makeRoom(for: policy.textBytes)
            state.policies[place] = policy
        }
        return policy
    }

    /// The entity behind a token, as this view has it: the one that the token names, or the one
    /// that this was merged into. The latter's record changes whenever what leads to it does.
    ///
    /// - Parameter view: at home in the token's namespace.
    /// - Returns: nil for nobody's token, and where the entity is gone.
    func identity(
        of token: TokenRecord,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenIdentity? {
        guard !token.entityID.isEmpty else { return nil }
        guard let id = IdentityID(text: token.entityID) else {
            throw .damaged("a token names an entity that can be none")
        }
        if let identity = try identity(id, token.suffix, view) { return identity }
        guard let opened = try view.systemRecord(IdentityPaths.merged(id)) else { return nil }
        let merged = try MergedEntity(decoding: opened.value)
        return try identity(merged.into, token.suffix, view)?.judging(tokensOf: merged)
    }

    private func identity(
        _ id: IdentityID,
        _ suffix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenIdentity? {
        if let kept = state.withLock({ $0.identities.find(id) }), try kept.value.holds(view),
            kept.counts(in: view)
        {
            return kept.value
        }
        let loaded = try Kept(view) { view throws(VaultError) in
            try TokenIdentity.load(id, suffix: suffix, view)
        }
        guard let identity = loaded.unwrapped() else { return nil }
        state.withLock { $0.identities.keep(identity) }
        return identity.value
    }

    /// What a token's policies and those of its entity allow, as this view has them.
    ///
    /// - Parameter view: at home in the token's namespace.
    func access(
        of record: TokenRecord,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        let identity = try identity(of: record, view)
        guard record.entityID.isEmpty || identity?.bars(record) == false else { return .barred }
        if record.isRoot, view.home == .system { return TokenAccess.root.with(identity) }
        let added = (identity?.policies ?? []).filter { name in
            !record.policies.contains { utf8Equals($0, name) }
        }
        return try access(ofPolicies: record.policies + added, for: identity, at: now, view)
    }

    /// What these policies allow together, as this view has them.
    ///
    /// - Parameter identity: what their templates can speak of; nil: nobody.
    func access(
        ofPolicies names: [String],
        for identity: TokenIdentity? = nil,
        at now: Timestamp,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        let index = try view.systemIndex(SystemPaths.policyTable)
        guard index > 0 else { throw .damaged("the policy table is missing") }
        // Before anything that was put together for others: the names lack those of its groups.
        if let problem = identity?.problem {
            let remedy = "take the entity out of some of its groups"
            return TokenAccess.nothing(problem, remedy: remedy, tableIndex: index).with(identity)
        }
        var key: [UInt8] = []
        for name in names {
            key += Array(name.utf8)
            key.append(0)
        }
        let place = Placed(home: view.home, name: key)
        if let kept = state.withLock({ $0.accesses[place] }), kept.value.holds(index, at: now),
            identity == nil || !kept.value.isTemplated, kept.counts(in: view)
        {
            return kept.value.with(identity)
        }
        // No name has this byte in it.
        let own = Placed(
            home: view.home,
            name: key + (identity.map { [0xFF] + $0.id.bytes } ?? [])
        )
        if let identity, let kept = state.withLock({ $0.accesses[own] }),
            kept.value.holds(index, at: now), kept.value.isFor(identity), kept.counts(in: view)
        {
            return kept.value
        }
        let loader = TokenAccessLoader(cache: self, now: now, identity: identity)
        let access = try Kept(view) { view throws(VaultError) in
            try loader.load(names, tableIndex: index, view)
        }
        keep(access, at: access.value.isTemplated ? own : place)
        return access.value
    }

    private func keep(_ access: Kept<TokenAccess>, at key: Placed<[UInt8]>) {
        state.withLock { state in
            let old = state.accesses[key]
            if let old, old.isNewer(than: access, by: \.tableIndex) { return }
            state.textBytes -= old?.value.textBytes ?? 0
            state.accesses[key] = nil
            state.makeRoom(for: access.value.textBytes)
            state.accesses[key] = access
        }
    }
}

/// Something that was put together from several records, and what it rests on.
struct Kept<Value: Sendable>: Sendable {
    let value: Value
    private let edition: StateEdition
    private let rested: RestedBuckets

    /// Loads it from a view.
    init(
        _ view: borrowing BarrierView,
        _ load: (borrowing BarrierView) throws(VaultError) -> Value
    ) throws(VaultError) {
        (value, rested) = try view.recording(load)
        edition = view.edition
    }

    private init(_ value: Value, _ edition: StateEdition, _ rested: RestedBuckets) {
        (self.value, self.edition, self.rested) = (value, edition, rested)
    }

    /// The same of what is there; nil if there is nothing.
    func unwrapped<Wrapped>() -> Kept<Wrapped>? where Value == Wrapped? {
        value.map { Kept<Wrapped>($0, edition, rested) }
    }

    /// Whether no repair lies between the view that it was loaded from and this one. Then it is
    /// going to be used, so what the view is asked about rests on its buckets as well.
    func counts(in view: borrowing BarrierView) -> Bool {
        guard edition == view.edition else { return false }
        view.note(rested)
        return true
    }

    /// Whether another, loaded from an older view, must not take its place.
    func isNewer(than other: Kept, by index: (Value) -> UInt64) -> Bool {
        edition == other.edition
            ? index(value) > index(other.value) : edition > other.edition
    }
}
