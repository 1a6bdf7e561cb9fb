import Barrier
import Raft
import Synchronization

/// Whether the configurations in the log were made by holders of the vault's keys.
///
/// Each carries a tag under K_batch, but for the one by which a leader ends a joint configuration:
/// that one has to be exactly what follows from the one before. Called in log order.
final class ConfigurationInspector: Sendable {
    private let keyring: Keyring
    private let previous = Mutex<Configuration?>(nil)

    init(keyring: Keyring) {
        self.keyring = keyring
    }

    /// - Returns: false for a configuration that no holder of the keys made.
    func isGenuine(_ entry: ConfigurationEntry) -> Bool {
        let before = previous.withLock { known in
            defer { known = entry.configuration }
            return known
        }
        if entry.authorisation.isEmpty {
            // The one before may be gone from the log; the core has judged the step by itself.
            guard let before else { return !entry.configuration.isJoint }
            return (try? before.leavingJoint()) == entry.configuration
        }
        return verify(
            configuration: entry.configuration.encoded(),
            tag: entry.authorisation,
            with: keyring
        )
    }
}
