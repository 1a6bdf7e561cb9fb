import API
import Barrier
import Cryptography
import Engines
import Policy
import Store
import Vault
import Wire

/// Who wants something that no mount serves.
struct OperatorCaller: Sendable {
    let token: [UInt8]
    /// Nil: not known. Then a token that is bound to addresses may do nothing.
    let address: IPAddress?
    /// Where the request is recorded; nil: nowhere.
    let audit: RequestAudit?
}

/// Whether a token may do what no mount serves: seal a node, change the members. The one place.
struct OperatorCheck: Sendable {
    let store: LocalStore
    let facts: @Sendable () -> NodeFacts
    let clock: @Sendable () -> Timestamp

    /// Why this caller may not; nil when it may. Ask after a linearizable read. Who it was and what
    /// decided is on the request's record from then on.
    func refusal(
        of caller: OperatorCaller,
        for request: AccessRequest,
        _ unsealed: Unsealed
    ) -> APIResponse? {
        do {
            let environment = VaultEnvironment(
                keyring: unsealed.keyring,
                cache: unsealed.cache,
                now: clock(),
                seed: try Random.bytes(Entropy.seedBytes),
                attempt: 0,
                facts: facts()
            )
            let trace = caller.audit.map { _ in VaultTrace() }
            defer { if let trace { caller.audit?.learned(trace.facts) } }
            try store.view { view throws(VaultError) in
                try VaultCore.authorizeOperator(
                    (caller.token, caller.address),
                    for: request,
                    in: environment,
                    view: view,
                    trace: trace
                )
            }
            return nil
        } catch let error as VaultError {
            return Reply.response(to: error)
        } catch {
            return ServiceFailure.internalFailure.response
        }
    }
}
