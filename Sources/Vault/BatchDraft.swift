import Barrier
import Cryptography
import Engines
import Store
import Wire

/// A batch in the making: what every batch of the vault has in common.
///
/// It happens once for its request id, and only if what allowed it is still what it was: the
/// namespace, the token, its entity, their policies, and what it was allowed to find.
struct BatchDraft: ~Copyable {
    private var builder: BatchBuilder
    /// Where the system records are that are meant, unless a call says another home.
    let home: MountID
    /// Of the request's namespace.
    let namespaceID: String
    /// Jobs that this batch begins, less those that it ends.
    private var jobsChange = 0
    /// What the client wants of its answer, and what that takes.
    private(set) var wrapping: (wish: WrapWish, environment: VaultEnvironment)?

    init(
        _ request: borrowing VaultRequest,
        _ authority: Authority,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        builder = BatchBuilder(
            keyring: environment.keyring,
            baseIndex: view.evaluatedIndex,
            requestID: request.requestID,
            time: environment.now.nanoseconds,
            entropy: Entropy(seed: environment.seed, attempt: environment.attempt)
        )
        home = view.home
        namespaceID = environment.namespace.id
        precondition(home == environment.namespace.home, "a request has one namespace")
        wrapping = Self.wrapping(request, environment)
        builder.once()
        let owner = authority.live.namespace
        try check(environment.namespace)
        try check(authority.live)
        try spend(authority.live, environment.now)
        if authority.access.tableIndex > 0 {
            try check(SystemPaths.policyTable, authority.access.tableIndex, in: owner.home)
        }
        try authority.access.identity?.check(in: &self, owner.home)
        if let ground = authority.ground { try check(ground) }
    }

    /// A batch of the leader's own: no token allows it, but the timer or the job that it checks.
    ///
    /// It needs no ``BatchBuilder/once()``: what it checks it also replaces.
    init(
        ofTask environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try Self.loadKeys(view)
        var entropy = Entropy(seed: environment.seed, attempt: environment.attempt)
        builder = BatchBuilder(
            keyring: environment.keyring,
            baseIndex: view.evaluatedIndex,
            requestID: entropy.bytes(16),
            time: environment.now.nanoseconds,
            entropy: entropy
        )
        home = view.home
        namespaceID = environment.namespace.id
    }

    /// Those of timers and jobs, which lie in the system mount whatever they are about, and those
    /// of the home.
    private static func loadKeys(_ view: borrowing BarrierView) throws(VaultError) {
        do throws(BarrierError) {
            try view.loadKeys(.system)
            if view.home != .system { try view.loadKeys(view.home) }
        } catch {
            throw .barrier(error)
        }
    }

    /// A batch that no token allows: a login. What it rests on is the caller's to check.
    init(
        withoutToken request: borrowing VaultRequest,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        // First, in each of these: Swift 6.3.1 makes an optimised init that reads a stored member
        // before a noncopyable one is set destroy the noncopyable one, which is not there yet.
        builder = BatchBuilder(
            keyring: environment.keyring,
            baseIndex: view.evaluatedIndex,
            requestID: request.requestID,
            time: environment.now.nanoseconds,
            entropy: Entropy(seed: environment.seed, attempt: environment.attempt)
        )
        home = view.home
        namespaceID = environment.namespace.id
        precondition(home == environment.namespace.home, "a request has one namespace")
        wrapping = Self.wrapping(request, environment)
        builder.once()
        try Self.loadKeys(view)
        try check(environment.namespace)
    }

    private static func wrapping(
        _ request: borrowing VaultRequest,
        _ environment: borrowing VaultEnvironment
    ) -> (wish: WrapWish, environment: VaultEnvironment)? {
        request.wrapSeconds.map {
            (WrapWish(seconds: $0, path: request.path), copy environment)
        }
    }

    private mutating func check(_ ground: Authority.Ground) throws(VaultError) {
        do throws(BarrierError) {
            try builder.check(
                ground.mount,
                ground.existence.path,
                modificationIndex: ground.existence.modificationIndex
            )
        } catch {
            throw .barrier(error)
        }
    }

    /// The token and everything that it lives by must not have changed.
    mutating func check(_ token: LiveToken) throws(VaultError) {
        for ground in token.grounds { try check(ground) }
        if token.namespace.home != home { try check(token.namespace) }
    }

    /// The namespace and all above it must not have changed.
    mutating func check(_ namespace: Namespace) throws(VaultError) {
        for ground in namespace.grounds { try check(ground) }
    }

    private mutating func check(_ ground: LiveToken.Ground) throws(VaultError) {
        try check(ground.path, ground.modificationIndex, in: ground.home)
    }

    /// The system record must not have changed; 0 = must be absent.
    mutating func check(
        _ path: String,
        _ index: UInt64,
        in other: MountID? = nil
    ) throws(VaultError) {
        do throws(BarrierError) {
            try builder.check(other ?? home, path, modificationIndex: index)
        } catch {
            throw .barrier(error)
        }
    }

    /// Writes a system record.
    mutating func put(
        _ path: String,
        _ value: [UInt8],
        in other: MountID? = nil
    ) throws(VaultError) {
        do throws(BarrierError) {
            try builder.put(other ?? home, path, value)
        } catch {
            throw .barrier(error)
        }
    }

    /// Removes a system record.
    mutating func delete(_ path: String, in other: MountID? = nil) throws(VaultError) {
        do throws(BarrierError) {
            try builder.delete(other ?? home, path)
        } catch {
            throw .barrier(error)
        }
    }

    /// Lets a system record be looked at when it is due; see ``BatchBuilder/setTimer(due:path:)``.
    mutating func setTimer(
        due: Timestamp,
        path: String,
        in other: MountID? = nil
    ) throws(VaultError) {
        let place = TimerPlace(home: other ?? home, path: path)
        do throws(BarrierError) {
            try builder.setTimer(due: due, path: place.text)
        } catch {
            throw .barrier(error)
        }
    }

    /// Takes a timer back.
    ///
    /// - Parameters: as it was set.
    mutating func clearTimer(
        due: Timestamp,
        path: String,
        in other: MountID? = nil
    ) throws(VaultError) {
        let place = TimerPlace(home: other ?? home, path: path)
        do throws(BarrierError) {
            try builder.clearTimer(due: due, path: place.text)
        } catch {
            throw .barrier(error)
        }
    }

    /// Rejects the whole batch unless the timer is as it was read, and clears it.
    mutating func consume(_ timer: DueTimer) { builder.consume(timer) }

    /// Keeps count of the jobs: several may begin or end in one batch.
    ///
    /// - Parameters:
    ///   - change: 1 or -1.
    ///   - table: as it was before the batch.
    mutating func countJobs(_ change: Int, _ table: JobTable) throws(VaultError) {
        jobsChange += change
        let count = Int(clamping: table.count) + jobsChange
        guard count >= 0 else { throw .damaged("the table of jobs counts too few") }
        try check(SystemPaths.jobTable, table.modificationIndex, in: .system)
        try put(SystemPaths.jobTable, CountRecord(UInt64(count)).encoded(), in: .system)
    }

    /// 16 bytes for an id; the same when the request is prepared again.
    mutating func drawUUID() -> [UInt8] { builder.uuid() }

    /// An id for a new mount; the same when the request is prepared again.
    mutating func mountID() -> MountID {
        guard let id = MountID(builder.uuid()) else {
            preconditionFailure("a UUID has 16 bytes")
        }
        return id
    }

    /// Random characters for a token or an accessor; the same when the request is prepared again.
    mutating func base62(_ count: Int) -> String {
        String(decoding: builder.base62(count).exposedCopy(), as: UTF8.self)
    }

    /// What a batch token says, sealed.
    mutating func sealToken(_ content: [UInt8]) -> [UInt8] { builder.sealToken(content) }

    /// Counts the request. The last use makes the token due: from now on its count refuses it.
    private mutating func spend(
        _ token: LiveToken,
        _ now: Timestamp
    ) throws(VaultError) {
        guard let left = token.usesLeft else { return }
        let owner = token.namespace.home
        try put(SystemPaths.tokenUses(token.hash), CountRecord(left - 1).encoded(), in: owner)
        if left == 1 {
            try setTimer(due: now, path: SystemPaths.token(hash: token.hash), in: owner)
        }
    }

    /// Bytes for a new accessor; the same when the request is prepared again.
    mutating func randomBytes(_ count: Int) -> [UInt8] { builder.randomBytes(count) }

    /// Makes the keys of a new mount.
    mutating func createMount(_ id: MountID) throws(VaultError) {
        do throws(BarrierError) {
            try builder.createMount(id)
        } catch {
            throw .barrier(error)
        }
    }

    /// Removes the keys of a mount.
    mutating func removeMount(_ id: MountID) throws(VaultError) {
        do throws(BarrierError) {
            try builder.removeMount(id)
        } catch {
            throw .barrier(error)
        }
    }

    /// Adds an engine's plan, which touches only its own mount.
    mutating func add(_ plan: BatchPlan, in mount: MountID) throws(VaultError) {
        do throws(BarrierError) {
            for step in plan.steps {
                switch step {
                case .put(let path, let value): try builder.put(mount, path, value)
                case .delete(let path): try builder.delete(mount, path)
                case .check(let path, let index):
                    try builder.check(mount, path, modificationIndex: index)
                }
            }
        } catch {
            throw .barrier(error)
        }
    }

    /// Whether nothing would change.
    var isEmpty: Bool { builder.isEmpty }

    /// The batch, sealed and authenticated.
    consuming func finish() throws(VaultError) -> WriteBatch {
        do throws(BarrierError) {
            return try builder.finish()
        } catch {
            throw .barrier(error)
        }
    }
}
