/// Every bound in `Replica`. A number that is not here does not exist.
package enum Limits {
    /// One tick of the consensus core, in milliseconds.
    package static let tickMilliseconds = 10
    /// Ticks delivered at most after a pause: a thawed node must not storm through elections.
    package static let ticksPerTurnMax = 3
    /// Inputs handled in one turn of the core; also the most proposals that share one flush.
    package static let inputsPerTurnMax = 1_024
    /// Waiting inputs of the core. Beyond this a proposal or a read is refused at once.
    package static let inboxInputsMax = 16_384
    /// Layers (committed, evaluated, not yet applied) before evaluation waits for the disk.
    package static let overlayLayersMax = 2_048
    /// The same bound in bytes.
    package static let overlayBytesMax = 64 << 20
    /// Bytes of evaluated writes applied in one transaction, so an append never waits for long.
    package static let applyBytesPerTurnMax = 4 << 20
    /// An evaluated layer waits this long for an append to ride with before it is applied alone,
    /// which costs flushes of its own. Nothing depends on it being early: the log has the entry,
    /// and views see the overlay.
    package static let applyAloneAfterMilliseconds = 100
    /// Pause between steps of the log's compaction on an idle node.
    package static let compactionPauseMilliseconds = 5
    /// Log entries kept behind the applied index for followers that lag.
    package static let logEntriesRetained = 8_192
    /// Bytes of log kept; the whole retained log is in memory.
    package static let logBytesRetained = 32 << 20
    /// Entries dropped in one transaction, so freed pages trickle.
    package static let compactEntriesPerTurnMax = 256
    /// Outcomes remembered for requests whose entry is evaluated before they ask.
    package static let outcomesRemembered = 16_384
    /// Writes remembered on the leader to detect a batch that was prepared on an older state.
    package static let recentWritesMax = 65_536
    /// Bytes of one snapshot chunk on the wire.
    package static let snapshotChunkBytes = 256 << 10
}
