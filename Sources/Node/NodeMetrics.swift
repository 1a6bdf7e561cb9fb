import API
import Raft
import Replica
import Store
import Transport
import Vault
import Wire

/// What `sys/metrics` tells of this node: one table for its own numbers, one for its members'.
///
/// The numbers say how the node does, never what is in it: no name of a secret, no key, no token.
struct NodeMetrics: Sendable {
    let store: LocalStore
    let replica: LocalReplica
    let seal: SealKeeper
    let meter: RequestMeter
    let audit: AuditParts
    /// Whether anyone who can reach the port may ask, sealed or not: the setting
    /// `metrics_unauthenticated`.
    let isOpen: Bool
    let tasks: TaskCounts
    let waiting: WaitingRequests
    let census: TokenCensus
    let clock: ClusterClock
    /// The data folder.
    let data: String

    /// One moment, as the node's parts tell it.
    struct Facts {
        let growth: StoreGrowth
        let status: ReplicaStatus
        let overlay: (layers: Int, bytes: Int)
        let isSealed: Bool
        let sharesGiven: Int
        let requestsWaiting: Int
        let now: Moment
        /// Nil while sealed.
        let work: WorkSummary?
        /// On the leader.
        let tokens: Int?
        /// Of the disk that holds the data folder.
        let disk: Machine.DiskRoom?
        /// Nil while the clocks of too few voters are known.
        let clocks: WallClocks.Standing?
        /// How much this node's clock is ahead of cluster time, in seconds.
        let aheadOfCluster: Double
    }

    /// Walks the free list of the database: not for an event loop.
    ///
    /// - Throws: `StoreError`.
    func collect() throws(StoreError) -> [Metric] {
        let isLeader = replica.status.role == .leader
        let facts = Facts(
            growth: try store.growth(),
            status: replica.status,
            overlay: (store.overlayCount, store.overlayBytes),
            isSealed: seal.unsealed == nil,
            sharesGiven: seal.progress.given,
            requestsWaiting: waiting.count,
            now: .now,
            work: seal.unsealed.flatMap { unsealed in
                // What cannot be read has no number.
                try? store.view { view throws(VaultError) in
                    try WorkSummary(unsealed.keyring, view: view)
                }
            },
            tokens: isLeader ? census.count(seal, in: store, mayTakeLong: true) : nil,
            disk: Machine.room(data),
            clocks: clock.standing,
            aheadOfCluster: seconds(WallClock.now()) - seconds(clock.now())
        )
        return Self.metrics(of: facts) + meter.metrics + audit.metrics + tasks.metrics
    }

    private func seconds(_ time: Timestamp) -> Double { Double(time.nanoseconds) / 1e9 }

    static func metrics(of facts: Facts) -> [Metric] {
        table.map { name, help, kind, value in
            let samples = value(facts).map { [Metric.Sample(value: $0)] } ?? []
            return Metric("holdfast_\(name)", help, kind, samples)
        }
            + memberTable.map { name, help, value in
                Metric("holdfast_\(name)", help, .gauge, samples(facts.status, value))
            }
    }

    private static func samples(
        _ status: ReplicaStatus,
        _ value: (RaftCore.MemberProgress) -> Double
    ) -> [Metric.Sample] {
        status.members.map { member in
            let name = status.configuration?.member(member.id)?.name ?? "\(member.id.number)"
            return Metric.Sample(labels: [("member", name)], value: value(member))
        }
    }

    /// Without a value there is no sample: no number would be true.
    private typealias Row = (
        name: String, help: String, kind: Metric.Kind, value: @Sendable (Facts) -> Double?
    )

    private static let table: [Row] =
        nodeTable + workTable + fileTable + scrubTable + raftTable + readTable + snapshotTable

    private static let nodeTable: [Row] = [
        ("sealed", "1 while this node lacks the keys", .gauge, { $0.isSealed ? 1 : 0 }),
        (
            "unseal_shares_given", "Shares given in this attempt to unseal", .gauge,
            { Double($0.sharesGiven) }
        ),
        (
            "clock_ahead_seconds", "This node's clock before the median of the voters'", .gauge,
            { $0.clocks.map { Double($0.ahead) / 1e9 } }
        ),
        (
            "clock_ahead_of_cluster_seconds", "This node's clock before cluster time", .gauge,
            { $0.aheadOfCluster }
        ),
        (
            "requests_waiting", "Requests that wait for a server outside, such as an issuer",
            .gauge, { Double($0.requestsWaiting) }
        ),
    ]

    private static let workTable: [Row] = [
        (
            "tokens", "Service tokens, counted on the leader once a minute", .gauge,
            { $0.tokens.map { Double($0) } }
        ),
        ("jobs", "Jobs under way", .gauge, { $0.work.map { Double($0.jobs) } }),
        (
            "jobs_failing", "Of those, jobs that failed since they last got on", .gauge,
            { $0.work.map { Double($0.failing) } }
        ),
        (
            "leases_stuck", "Tokens and leases that should have ended and could not", .gauge,
            { $0.work.map { Double($0.stuckLeases) } }
        ),
    ]

    private static let fileTable: [Row] = [
        (
            "disk_available_bytes", "Room on the disk of the data folder", .gauge,
            { $0.disk.map { Double($0.available) } }
        ),
        (
            "disk_total_bytes", "Size of the disk of the data folder", .gauge,
            { $0.disk.map { Double($0.total) } }
        ),
        (
            "store_file_bytes", "Database file, with what is reserved ahead", .gauge,
            { Double($0.growth.fileBytes) }
        ),
        (
            "store_used_bytes", "Pages of the file that were ever used", .gauge,
            { Double($0.growth.usedPages * $0.growth.pageBytes) }
        ),
        (
            "store_live_bytes", "Of those, pages that hold something", .gauge,
            { Double($0.growth.liveBytes) }
        ),
        (
            "store_free_pages", "Used pages that hold nothing and will be used again", .gauge,
            { Double($0.growth.freePages) }
        ),
        (
            "store_free_list_records", "Records in the list of free pages", .gauge,
            { Double($0.growth.freeListRecords) }
        ),
        (
            "store_log_entries", "Entries of the retained log", .gauge,
            { Double($0.growth.logEntries) }
        ),
        ("store_records", "Records of the state", .gauge, { Double($0.growth.records) }),
        (
            "store_record_pieces", "Pieces of those that are longer than a page", .gauge,
            { Double($0.growth.recordPieces) }
        ),
        (
            "store_oldest_view_seconds", "Age of the oldest open read transaction", .gauge,
            { Double($0.growth.oldestReaderNanoseconds) / 1e9 }
        ),
        (
            "store_expired_views_total", "Read transactions that were ended for their age",
            .counter,
            { Double($0.growth.expiredReaders) }
        ),
        (
            "store_room_state", "0 ample, 1 only deletes are taken, 2 nothing is appended", .gauge,
            { Double($0.status.space.rawValue) }
        ),
        (
            "store_overlay_layers", "Entries that are evaluated and not applied", .gauge,
            { Double($0.overlay.layers) }
        ),
        ("store_overlay_bytes", "What they weigh in memory", .gauge, { Double($0.overlay.bytes) }),
        (
            "store_commits_total", "Write transactions", .counter,
            { Double($0.growth.counters.commits) }
        ),
        (
            "store_commit_flushes_total", "Flushes by write transactions", .counter,
            { Double($0.growth.counters.commitFlushes) }
        ),
        (
            "store_vote_flushes_total", "Flushes of the vote file", .counter,
            { Double($0.growth.counters.voteFlushes) }
        ),
        (
            "store_preallocation_flushes_total", "Flushes of zeros written ahead", .counter,
            { Double($0.growth.counters.preallocationFlushes) }
        ),
    ]

    private static let scrubTable: [Row] = [
        (
            "store_scrub_passes_total", "Times that everything stored was looked over", .counter,
            { Double($0.status.scrub.passes) }
        ),
        (
            "store_scrub_pages_total", "Pages of the database whose structure was looked at",
            .counter, { Double($0.status.scrub.pages) }
        ),
        (
            "store_scrub_found_total", "Things found damaged", .counter,
            { Double($0.status.scrub.found) }
        ),
        (
            "store_scrub_repaired_total", "Of those, repaired from another member", .counter,
            { Double($0.status.scrub.repaired) }
        ),
        (
            "store_doubtful_buckets", "Parts of the state that wait for repair", .gauge,
            { Double($0.status.scrub.doubtfulBuckets.count) }
        ),
        (
            "store_scrub_pass_bytes", "Looked at in the pass that goes on", .gauge,
            { Double($0.status.scrub.passBytes) }
        ),
        (
            "store_scrub_age_seconds", "Since everything stored was last looked over", .gauge,
            { facts in facts.status.scrub.lastPass.map { (facts.now - $0) / .seconds(1) } }
        ),
        (
            "store_agreed_index", "Here a majority had the same state the last time", .gauge,
            { Double($0.status.scrub.agreed.number) }
        ),
    ]

    private static let snapshotTable: [Row] = [
        (
            "snapshot_exports_total", "Local files made to be sent", .counter,
            { Double($0.status.snapshots.exported) }
        ),
        (
            "snapshot_streams_total", "Streams to members begun", .counter,
            { Double($0.status.snapshots.begun) }
        ),
        (
            "snapshot_delivered_total", "Of those, received and verified", .counter,
            { Double($0.status.snapshots.delivered) }
        ),
        (
            "snapshot_failed_total", "Streams that ended early or could not begin", .counter,
            { Double($0.status.snapshots.failed) }
        ),
        (
            "snapshot_resumed_total", "Streams that went on where one had ended", .counter,
            { Double($0.status.snapshots.resumed) }
        ),
        (
            "snapshot_damaged_total", "Thrown away because bytes were wrong", .counter,
            { Double($0.status.snapshots.damaged) }
        ),
        (
            "snapshot_arrived_total", "Received here, whole and verified", .counter,
            { Double($0.status.snapshots.arrived) }
        ),
        (
            "snapshot_sent_bytes_total", "Sent in chunks, repetitions too", .counter,
            { Double($0.status.snapshots.sentBytes) }
        ),
        (
            "snapshot_received_bytes_total", "Received and written", .counter,
            { Double($0.status.snapshots.receivedBytes) }
        ),
        (
            "snapshot_spared_bytes_total", "Here already when a stream began", .counter,
            { Double($0.status.snapshots.sparedBytes) }
        ),
    ]

    private static let raftTable: [Row] = [
        ("raft_term", "Current term", .gauge, { Double($0.status.term.number) }),
        ("raft_is_leader", "1 on the leader", .gauge, { $0.status.role == .leader ? 1 : 0 }),
        (
            "raft_has_leader", "1 while a leader is known", .gauge,
            { $0.status.leader == nil ? 0 : 1 }
        ),
        ("raft_last_index", "End of the log", .gauge, { Double($0.status.last.number) }),
        (
            "raft_commit_index", "Known to be on the disks of a majority", .gauge,
            { Double($0.status.committed.number) }
        ),
        (
            "raft_evaluated_index", "Decided and visible on this node", .gauge,
            { Double($0.status.evaluated.number) }
        ),
        (
            "raft_members", "Members, learners too", .gauge,
            { Double($0.status.configuration?.members.count ?? 0) }
        ),
        (
            "raft_state_age_seconds", "How old what this node shows is at most", .gauge,
            { facts in facts.status.currentAsOf.map { (facts.now - $0) / .seconds(1) } }
        ),
    ]

    private static let readTable: [Row] = [
        (
            "raft_read_rounds_total", "Rounds of heartbeats begun for reads", .counter,
            { Double($0.status.reads.rounds) }
        ),
        (
            "raft_reads_confirmed_total", "Own reads that a round confirmed", .counter,
            { Double($0.status.reads.confirmed) }
        ),
        (
            "raft_reads_leased_total", "Own reads answered by a lease", .counter,
            { Double($0.status.reads.leased) }
        ),
        (
            "raft_read_questions_total", "Questions of this follower to its leader", .counter,
            { Double($0.status.reads.questions) }
        ),
        (
            "raft_reads_forwarded_total", "Reads that the leader's answers settled", .counter,
            { Double($0.status.reads.forwarded) }
        ),
    ]

    /// Told by the leader, one sample for each member.
    private static let memberTable:
        [(name: String, help: String, value: @Sendable (RaftCore.MemberProgress) -> Double)] = [
            (
                "raft_member_match_index", "Its log equals the leader's through here",
                { Double($0.match.number) }
            ),
            (
                "raft_member_active", "1 if it was heard within an election time-out",
                { $0.isRecentlyActive ? 1 : 0 }
            ),
            (
                "raft_member_sealed", "1 if it says that it lacks the keys",
                { $0.isSealed == true ? 1 : 0 }
            ),
        ]
}
