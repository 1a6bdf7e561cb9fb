import API
import Barrier
import Cryptography
import Shamir
import Synchronization

/// Holds a new vault's shares and root token until the commit, and gives them out once.
final class CreatedAnswer: Sendable {
    private let vault: Mutex<CreatedVault?>

    init(_ vault: consuming CreatedVault) {
        self.vault = Mutex(consume vault)
    }

    /// The answer to `PUT sys/init`. A second call has nothing left to give.
    func take() -> APIResponse {
        vault.withLock { slot -> APIResponse in
            guard let vault = slot.take() else { return ServiceFailure.internalFailure.response }
            var shares = vault.shares.map { (bytes: $0.bytes42.exposedCopy(), words: $0.words) }
            var token = vault.rootToken.exposedCopy()
            defer {
                for position in shares.indices { wipe(&shares[position].bytes) }
                wipe(&token)
            }
            return NodeReply.initialized(
                shares: shares,
                rootToken: String(decoding: token, as: UTF8.self)
            )
        }
    }
}
