import API
import Barrier
import Cryptography
import Policy
import Store
import Vault
import Wire

/// Whether a token may do what no mount serves: seal a node, change the members. The one place.
struct OperatorCheck: Sendable {
    let store: LocalStore
    let facts: @Sendable () -> NodeFacts
    let clock: @Sendable () -> Timestamp

    /// Why this token may not; nil when it may. Ask after a linearizable read.
    func refusal(
        of token: [UInt8],
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
            try store.view { view throws(VaultError) in
                try VaultCore.authorizeOperator(
                    token,
                    for: request,
                    in: environment,
                    view: view
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
