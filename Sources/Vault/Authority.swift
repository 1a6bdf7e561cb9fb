import Barrier
package import Engines
package import Policy
import Wire

/// What allowed a request: the token and its policies, as the request's own view has them.
///
/// Every batch checks that all of it is still the same when the batch is applied, so a token that
/// is revoked, or a policy that is changed, while a write is on its way stops that write.
struct Authority {
    /// As the client sent it. Only `lookup-self` shows it, to the client that sent it.
    let token: [UInt8]
    /// As the request's view has it, with everything that it lives by.
    let live: LiveToken
    /// What the token may do, and by which versions of which policies.
    let access: TokenAccess
    /// What was decided about this request; nil where no rule has a say.
    private(set) var decision: Decision?
    /// What else the decision rests on.
    private(set) var ground: Ground?

    /// A record outside the system mount that was there, or was not, when a write was allowed as a
    /// creation or as an update.
    struct Ground {
        let mount: MountID
        let existence: Existence
    }

    var record: TokenRecord { live.record }

    /// What stands for the token in names, the cubbyhole's for one; empty where it has no record.
    var tokenName: String { live.record.isBatch ? "" : live.hash }

    /// Whose cubbyhole a request is about: it lies in the token's own namespace, wherever the
    /// request is.
    struct CubbyholeOwner {
        let tokenName: String
        let home: MountID

        var mount: EngineMount { EngineMount(id: home, kind: .cubbyhole, leaseSeconds: 0) }
    }

    var cubbyhole: CubbyholeOwner {
        CubbyholeOwner(tokenName: tokenName, home: live.namespace.home)
    }

    /// - Parameters:
    ///   - address: where the client is; nil: not known.
    ///   - view: at home where the request is.
    /// - Throws: ``VaultError/permissionDenied`` for no token, for one that is not known or over,
    ///   and for one that may not be used from there. Which of them it was, nobody is told.
    static func check(
        _ token: [UInt8],
        from address: IPAddress? = nil,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Authority {
        let environment = copy environment
        guard let live = try TokenFinder(environment: environment).live(token, view),
            AddressBlock.allow(address, in: live.record.boundCIDRs)
        else { throw .permissionDenied }
        let access = try environment.access(of: live, view)
        guard !access.isBarred else { throw .permissionDenied }
        return Authority(
            token: token,
            live: live,
            access: access
        )
    }

    // MARK: deciding

    /// Lets the request pass, or not.
    ///
    /// - Parameter existing: looks whether what a write is about is there already; nil where the
    ///   path makes no difference between creating and updating. Only asked if it matters.
    /// - Throws: ``VaultError/denied``; what is wrong with the store.
    mutating func authorize(
        _ request: AccessRequest,
        existing: () throws(VaultError) -> Ground?
    ) throws(VaultError) {
        guard let list = access.list else {
            decision = .withoutRules
            throw .denied
        }
        var decision = list.decide(request)
        if request.operation == .update {
            let creation = list.decide(request.creating)
            if creation.isAllowed != decision.isAllowed, let ground = try existing() {
                self.ground = ground
                if !ground.existence.isThere { decision = creation }
            }
        }
        self.decision = decision
        guard decision.isAllowed else { throw .denied }
    }
}

extension AccessRequest {
    /// The same as policies see it.
    init(_ request: borrowing VaultRequest) {
        self.init(request.operation.access, request.path)
        parameters = request.fields
        wrappingSeconds = request.wrapSeconds
        needsSudo = SudoPaths.contains(request.path)
    }

    /// The same write, of something that is not there yet.
    var creating: AccessRequest {
        var request = AccessRequest(.create, path)
        request.parameters = parameters
        request.needsSudo = needsSudo
        request.wrappingSeconds = wrappingSeconds
        return request
    }
}

extension Operation {
    /// What policies call it, where a write is not known to be a creation.
    package var access: AccessOperation {
        switch self {
        case .read: .read
        case .update: .update
        case .delete: .delete
        case .list: .list
        case .scan: .scan
        case .patch: .patch
        case .help: .help
        }
    }
}

/// Paths for which the capability `sudo` is needed besides the operation's own.
enum SudoPaths {
    /// - Parameter path: behind `/v1/`.
    static func contains(_ path: String) -> Bool {
        exact.contains { utf8Equals($0, path) }
            || prefixes.contains { path.utf8.starts(with: $0.utf8) }
    }

    /// - Source: the API contract, part 2. Holdfast's own are `sys/audit-anchors`,
    ///   `sys/audit-key`, `sys/cluster/` and `sys/retired-mounts`: to bring a mount back is to
    ///   enable it or to move it, which OpenBao gives to nobody without sudo.
    private static let exact = [
        "sys/remount", "sys/audit", "sys/audit-anchors", "sys/audit-key", "sys/raw",
        "sys/rotate", "sys/rotate/keyring",
        "sys/rotate/root", "sys/config/cors", "sys/leases", "sys/leases/", "sys/retired-mounts",
        "sys/seal", "sys/step-down",
    ]
    private static let prefixes = [
        "sys/auth/", "sys/audit/", "sys/raw/", "sys/config/auditing/", "sys/config/ui/headers/",
        "sys/plugins/catalog/", "sys/revoke-prefix/", "sys/revoke-force/",
        "sys/leases/revoke-prefix/", "sys/leases/revoke-force/", "sys/leases/lookup/",
        "sys/internal/inspect/", "sys/cluster/", "sys/retired-mounts/", "auth/token/accessors",
        "auth/token/revoke-orphan",
    ]
}
