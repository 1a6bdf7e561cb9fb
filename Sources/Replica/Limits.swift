import Store

/// How much of the log is kept. The whole retained log is in memory.
package struct LogRetention: Sendable {
    /// Entries kept behind the end for followers that lag, once they are applied.
    package var entries = 8_192
    /// Bytes kept.
    package var bytes = 32 << 20
    /// Entries kept at most for a member that is present and lags, or is getting a snapshot.
    /// Beyond this it gets (another) one.
    package var entriesMax = 65_536
    /// The same bound in bytes.
    package var bytesMax = 128 << 20
    /// The state is compared with the other members' every so many entries.
    package var checkpointEntries = Limits.checkpointEntries
    /// For how many entries evaluation knows a repeated request. Not a choice: a replica takes what
    /// its store has.
    package var requests = StoreOptions().requestsRetained

    /// The numbers for production.
    package init() {}
}

/// Every bound in `Replica`. A number that is not here, or in ``LogRetention``, does not exist.
package enum Limits {
    /// One tick of the consensus core, in milliseconds.
    package static let tickMilliseconds = 10
    /// Ticks delivered at most after a pause: a thawed node must not storm through elections.
    package static let ticksPerTurnMax = 5
    /// Ticks that an idle core sleeps through and takes in with the next one. Together they are
    /// fewer than ``ticksPerTurnMax``, so that waking up a little late loses none.
    package static let ticksSparedMax = 3
    /// Inputs handled in one turn of the core; also the most proposals that share one flush.
    package static let inputsPerTurnMax = 1_024
    /// Waiting inputs of the core. Beyond this a proposal or a read is refused at once.
    package static let inboxInputsMax = 16_384
    /// Further room that only members' messages may take, so that clients who fill the inbox do
    /// not cost the heartbeats with it.
    package static let inboxMessagesExtra = 16_384
    /// A leader's disk that wrote nothing for this many ticks is probed with a tiny transaction, so
    /// that a leader that nobody writes to learns of its disk's end. Not more often: each is a sync
    /// of an idle machine.
    package static let diskProbeTicks = 100
    /// A disk that stalled counts as well again after this many ticks without a stall.
    package static let diskWellTicks = 100
    /// Ticks between two looks for reads whose patience has ended.
    package static let readExpiryTicks = 25
    /// Answers about how current the state is that wait for evaluation; more are thinned out.
    package static let freshnessPendingMax = 64
    /// Layers (committed, evaluated, not yet applied) before evaluation waits for the disk.
    package static let overlayLayersMax = 2_048
    /// The same bound in bytes.
    package static let overlayBytesMax = 64 << 20
    /// Bytes of evaluated writes applied in one transaction, so an append never waits for long.
    package static let applyBytesPerTurnMax = 4 << 20
    /// Evaluated layers that an append takes along at least, unless the oldest has waited too long.
    package static let applyLayersMin = 64
    /// An evaluated layer waits this long for an append to ride with before it is applied alone,
    /// which costs flushes of its own. Nothing depends on it being early: the log has the entry,
    /// and views see the overlay.
    package static let applyAloneAfterMilliseconds = 100
    /// How soon a transaction that found no room is tried again.
    package static let retryWithoutRoomMilliseconds = 250
    /// Pause between steps of the log's compaction on an idle node.
    package static let compactionPauseMilliseconds = 5
    /// Entries dropped in one transaction, so freed pages trickle.
    package static let compactEntriesPerTurnMax = 256
    /// Outcomes remembered for requests whose entry is evaluated before they ask.
    package static let outcomesRemembered = 16_384
    /// Written keys remembered on the leader, repeats included, to detect a batch that was
    /// prepared on an older state.
    package static let recentWritesMax = 65_536
    /// Bytes of one snapshot chunk on the wire.
    package static let snapshotChunkBytes = 256 << 10
    /// Bytes of the digest over a snapshot file.
    package static let snapshotDigestBytes = 32
    /// Bytes of a snapshot file at most: what is announced beyond is nonsense.
    package static let snapshotBytesMax: UInt64 = 1 << 44
    /// Bytes of a snapshot on their way that the receiver has not written yet.
    package static let snapshotWindowBytes = 8 << 20
    /// Bytes a second that snapshots begin to leave with.
    package static let snapshotRateStart = 16 << 20
    /// They never leave slower than this, or a member that lags would never catch up.
    package static let snapshotRateMin = 2 << 20
    /// Nor faster than this while clients write.
    package static let snapshotRateBusyMax = 64 << 20
    /// Nor faster than this.
    package static let snapshotRateMax = 256 << 20
    /// From this many commits a second on, what they cost steers the rate.
    package static let snapshotBusyCommitsPerSecond: UInt64 = 20
    /// Time between two looks at what commits cost.
    package static let snapshotLookMilliseconds = 250
    /// A longer pause than this between two turns allows no more bytes.
    package static let snapshotRefillMillisecondsMax = 50
    /// The copy to the local file may always go this fast: it holds a view, and the database grows
    /// for as long as that is open.
    package static let snapshotExportRateMin = 16 << 20
    /// How long the copy waits before it looks again whether it may go on.
    package static let snapshotExportPauseMilliseconds = 5
    /// How long applying may trail the index of which a snapshot was asked for.
    package static let snapshotApplySeconds = 10
    /// A file that was exported is streamed again, so that a receiver can go on with what it has,
    /// until so many entries were written after it: half of what the log keeps for a member.
    package static let snapshotReuseEntriesMax = 32_768
    /// A file that was exported, or one that has arrived in part, goes when nobody has asked for
    /// it for this long.
    package static let snapshotKeptSeconds = 600
    /// The log after a snapshot stays for this long after its stream broke.
    package static let snapshotResumeSeconds = 60
    /// Pause before a stream that failed is begun again.
    package static let snapshotRetryMilliseconds = 1_000
    /// A receiver without room for a snapshot refuses further ones for this long.
    package static let snapshotNoRoomSeconds = 10
    /// A stream whose receiver says nothing new for this long has failed.
    package static let snapshotSilenceSeconds = 20
    /// While it verifies a whole file, a receiver says so after this many steps.
    package static let snapshotStepsPerWord = 4
    /// A step of filling a database from a snapshot is followed by a rest this many times as long.
    package static let snapshotFillRest: Int64 = 3
    /// Longest pause between two steps of filling a database from a snapshot.
    package static let snapshotPauseMillisecondsMax = 200
    /// Frames of snapshots waiting for the courier; several windows of several senders.
    package static let courierInboxMax = 256
    /// Frames handled in one turn of it.
    package static let courierJobsPerTurnMax = 64
    /// Words that it keeps for members whose connections have no room.
    package static let courierUnsaidMax = 16
    /// Time between its turns while something is being sent, while something is waited for, and
    /// otherwise.
    package static let courierBusyMilliseconds = 5
    package static let courierWaitingMilliseconds = 20
    package static let courierIdleMilliseconds = 1_000
}

/// Bounds of repair and of looking for damage.
extension Limits {
    /// Waiting jobs of the repair thread. Beyond this a confirmation is not asked for.
    package static let repairInboxMax = 4_096
    /// Keys in one question about presence.
    package static let presenceKeysMax = 4_096
    /// Questions about presence that wait for an answer.
    package static let presenceQuestionsMax = 1_024
    /// Questions of other members that wait for this node's evaluation.
    package static let presenceDeferredMax = 256
    /// A member that has not answered for this long is not waited for; another is asked.
    package static let repairAnswerMilliseconds = 250
    /// The same for parts of a bucket and bodies, which are large.
    package static let repairLargeAnswerMilliseconds = 2_000
    /// Pause before a repair that did not work out is tried again.
    package static let repairPauseMilliseconds = 200
    /// Bytes of records lent in one frame.
    package static let repairBucketBytes = 512 << 10
    /// Bytes of one bucket held in memory for a repair. A bigger one is rebuilt.
    package static let repairBucketBytesMax = 256 << 20
    /// Requests that wait for a bucket's repair. Beyond it they hear at once that it is damaged.
    package static let mendersMax = 4_096
    /// Answers in a row that were whole and bigger than that; then the node is rebuilt.
    package static let repairOversizedMax = 2
    /// Attempts to repair one bucket with members that answered; then the node is rebuilt.
    package static let repairAttemptsMax = 40
    /// Pause between attempts once there were as many answers with which nothing could be tried.
    package static let repairPatienceSeconds = 10
    /// Replicas compare what their states add up to every so many entries.
    package static let checkpointEntries: UInt64 = 10_000
    /// Members that have not said what their state added up to are asked again after this long.
    package static let checkpointPauseSeconds = 5
    /// A bucket that added up counts as whole for this long: two passes of the scrubber.
    package static let bucketTrustSeconds = 120
    /// Bytes in one slice of the scrubber.
    package static let scrubSliceBytes = 256 << 10
    /// Bytes that the scrubber looks at in a second, at most.
    package static let scrubBytesPerSecond = 8 << 20
    /// Of the time, the scrubber works at most one part in this many.
    package static let scrubShareOfTime = 100
    /// From the beginning of one pass to the next, at least.
    package static let scrubPassSeconds = 60
}
