/// Every bound in `Node`. A number that is not here does not exist.
package enum Limits {
    /// Members in a settings file; consensus itself takes no more voters.
    package static let initialMembersMax = 9
    /// A request ends after this long, whatever it waits for.
    package static let requestSeconds = 30
    /// A write waits this long for a leader to be elected before it is refused with 503.
    package static let leaderWaitMilliseconds = 5_000
    /// Making or abandoning a vault waits this long for a leader: members of a new cluster may
    /// still be starting.
    package static let creationLeaderWaitMilliseconds = 10_000
    /// `sys/init` waits this long for a majority before it tells what this node alone knows.
    package static let initStatusWaitMilliseconds = 2_000
    /// Tokens are counted at most so often, and for `sys/node-status` only where that is quick.
    package static let tokenCensusSeconds = 60
    package static let tokenCensusRecordsQuick: UInt64 = 200_000
    /// `sys/node-status` waits this long for a majority before it looks at a token as this node
    /// alone knows it.
    package static let statusReadWaitMilliseconds = 500
    /// Pause before asking again who leads.
    package static let leaderPollMilliseconds = 10
    /// A change of voters waits so long for a member that has not caught up, then it is refused.
    package static let catchUpMilliseconds = 2_000
    /// A leader that was asked to step down looks for a voter that can lead for so long; shorter
    /// than a member that forwarded the request waits for a word.
    package static let transferPatienceMilliseconds = 2_500
    /// And how long it waits in between.
    package static let transferPauseMilliseconds = 200
    /// A stale read that finds nothing waits this long for another member to confirm it.
    package static let confirmStaleMilliseconds = 500
    /// Pause between two questions that only keep the state fresh for stale reads.
    package static let refreshPauseMilliseconds = 250
    /// A forwarded request without an answer for this long is asked again under the same id.
    package static let forwardSilenceMilliseconds = 3_000
    /// What a leader has told a member about a write is kept so long: enough for whoever asks again
    /// after silence, and again after the next one. Not more of them, nor more bytes of bodies.
    package static let replyKeptSeconds = 10
    package static let repliesKeptMax = 4_096
    package static let repliesKeptBytesMax = 32 << 20
    /// Prepared again this often because what it was based on changed; then 503.
    package static let attemptsMax = 2_000
    /// Forwarded requests waiting for the leader's answer.
    package static let forwardsWaitingMax = 8_192
    /// Bytes of a request or answer inside a frame between members, which holds 8 MiB.
    package static let forwardBodyBytesMax = (7 << 20) + (64 << 10)
    /// How long a leader that stops waits for another one to lead.
    package static let stopHandoverMilliseconds = 2_000
    /// How long a stopping node finishes what it began.
    package static let stopGraceSeconds = 5
    /// Event loops for clients.
    package static let clientThreads = 2
    /// Threads for requests that would hold up an event loop: listings and large bodies.
    package static let workerThreads = 2
    /// Requests waiting for such a thread before further ones are refused with 503.
    package static let workerQueueMax = 1_024
    /// Shortest silence after which a member may be taken for dead.
    package static let deadSecondsMin = 60
    /// How often the leader looks after the members: promotions and removals.
    package static let autopilotMilliseconds = 1_000
    /// A node that is in touch with no member, and meets unknown keys for so long, says so.
    package static let estrangedSeconds = 10
    /// And says it again after so long.
    package static let estrangedReportSeconds = 600
    /// Audit records waiting for the audit thread; beyond this a request gets 503 at once.
    package static let auditWaitingMax = 8_192
    /// And their bytes.
    package static let auditWaitingBytesMax = 64 << 20
    /// Most audit records, and most of their bytes, that are written at once. See
    /// `AuditLimits.batchBytesMax`, which counts what sealing adds.
    package static let auditBatchMax = 256
    package static let auditBatchBytesMax = 7 << 20
    /// Requests that may wait for one audit device; beyond this one is refused.
    package static let auditSinkWaitingMax = 8_192
    /// A new audit device has so long to take a line.
    package static let auditProbeSeconds = 5
    /// Audit records are on the disk after so long.
    package static let auditSyncMilliseconds = 500
    /// And covered by a checkpoint after so long.
    package static let auditCheckpointMilliseconds = 750
    /// How often the audit looks at the two while lines wait for them, and at devices and its room
    /// while none do.
    package static let auditTickMilliseconds = 125
    package static let auditIdleTickMilliseconds = 500
    /// What is wrong with a member's log is said again after so long.
    package static let anchorAlarmSeconds = 60
    /// An answer that is longer is read for its record on a worker.
    package static let auditShortBytesMax = 64 << 10
    /// Log entries from one comparison of the members' states to the next. Fewer would end
    /// transactions early all the time.
    package static let checkpointEntriesMin = 64
    package static let checkpointEntriesMax = 1_000_000
    /// How often the leader looks whether something is due: as fine as timers are.
    package static let taskLookMilliseconds = 1_000
    /// Tasks, effects included, that are under way at the same time.
    package static let tasksRunningMax = 16
    /// Timers that one look wants to find besides those that are known.
    package static let taskTimersMax = 64
    /// And at most.
    package static let taskTimersPerLookMax = 4_096
    /// How long a task waits for a repair before its disk is looked at again.
    package static let taskRepairSeconds = 5
    /// A task is prepared again this often because what it was based on changed.
    package static let taskAttemptsMax = 1_000
    /// Pause when tasks cannot even be put off.
    package static let taskPauseMilliseconds = 1_000
    /// An effect that has not ended after this long has failed.
    package static let effectSeconds = 30
    /// A request that waits for an effect waits so long for each.
    package static let effectWaitSeconds = 10
    /// Requests that wait for effects at the same time; a further one is refused with 503.
    package static let requestsWaitingMax = 1_024
    /// Issuers whose keys are kept, and requests that wait for one of them.
    package static let keySetsMax = 256
    package static let keySetWaitingMax = 256
    /// An issuer's keys count for so long; from half of it on they are fetched anew.
    package static let keySetSeconds = 600
    /// And for so long where the issuer does not answer.
    package static let keySetStaleSeconds = 6 * 3_600
    /// An issuer that failed, or has no key that fits, is asked again after so long.
    package static let keySetPauseSeconds = 10
    /// One fetch, redirects and discovery included: it ends before those who wait for it do.
    package static let keySetFetchMilliseconds = 9_000
    /// A member that lags by more is not called healthy.
    package static let trailingEntriesMax = 1_000
    /// Clients of which each has a count of its own for each rate limit.
    package static let rateLimitClientsMax = 65_536
    /// Requests that `sys/in-flight-req` can show at once; further ones are worked on all the same.
    package static let inFlightNotedMax = 10_000
    /// How often the members tell each other what their clocks show.
    package static let clockTellMilliseconds = 2_000
    /// And while a node knows the clocks of too few.
    package static let clockAskMilliseconds = 250
    /// A clock that was not heard of for this long is not known any more, in nanoseconds.
    package static let clockAgeMax: Int64 = 30_000_000_000
    /// A clock that differs by more from the median of the voters' is wrong, in nanoseconds.
    package static let clockDifferenceMax: UInt64 = 2_000_000_000
    /// Cluster time begins at most this much ahead of the median, in nanoseconds.
    package static let clockLeadMax: UInt64 = 1_000_000_000
    /// A node with a wrong clock says so this often.
    package static let clockAlarmSeconds = 60
    /// And hands over at most this often when it leads.
    package static let clockHandoverSeconds = 10
    /// Clients that watch the log of a node at the same time.
    package static let logWatchersMax = 8
    /// Bytes of a path that a line of the log tells.
    package static let loggedPathBytesMax = 512
}
