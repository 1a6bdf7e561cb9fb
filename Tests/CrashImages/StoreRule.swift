import Store
import TestSupport

/// A rule of the store that is kept in code of its own, which no simulated disk runs: tried on a
/// real data folder, with damage and restarts at places that the seed decides.
///
/// The bugs that are planted in that code are found here; see `Tests/planted`.
package enum StoreRule: CaseIterable, Sendable {
    /// What is damaged in a log is refused or fetched: it is never taken for the log's end.
    case keepsDamagedEntries
    /// A request that was carried out is known, before and after it is applied and a restart.
    case remembersRequests
    /// A repair is kept if the bucket then has what it should have, and only then.
    case keepsFitRepairs
    /// A state from which damage took something is not exported.
    case exportsWholeStates
    /// A snapshot brings all that was applied, and the requests that count as carried out.
    case importsEverything

    /// How the rule was broken in the run of this seed, or nil.
    package func problem(seed: UInt64) -> String? {
        let folder = TemporaryFolder(inMemory: true)
        return withExtendedLifetime(folder) {
            do {
                return try problem(seed, folder.path)
            } catch {
                return "\(error)"
            }
        }
    }

    private func problem(_ seed: UInt64, _ folder: String) throws -> String? {
        var random = Seeded(seed)
        switch self {
        case .keepsDamagedEntries:
            var trial = LogTrial(&random, in: folder)
            return try trial.problem(&random)
        case .remembersRequests: return try RequestTrial.problem(&random, in: folder)
        case .keepsFitRepairs:
            var trial = try RepairTrial(&random, in: folder)
            return try trial.problem(&random)
        case .exportsWholeStates:
            var trial = try SnapshotTrial(&random, in: folder)
            return try trial.problemOfDamage(&random)
        case .importsEverything:
            var trial = try SnapshotTrial(&random, in: folder)
            return try trial.problemOfImport(&random)
        }
    }
}
