#if PlantedBugs

    import Simulator

    /// A fault that somebody could make, planted at the rule that it breaks.
    struct PlantedCase: Sendable {
        /// Where it has to be found.
        enum Ground: Sendable {
            /// The simulator: cores, drivers, machines, disks and clients of production.
            case cluster
            /// The simulator, over disks that break their word.
            case disks(Lie)
            /// The laboratory of `RaftTests`: cores alone, with checks after each of their steps.
            case cores
            /// The same, while members come, go and lose their disks.
            case members
            /// The same with read leases, over clocks at the edge of what they may do.
            case leases

            var title: String {
                switch self {
                case .cluster: "cluster"
                case .disks: "disks"
                case .cores: "cores"
                case .members: "members"
                case .leases: "leases"
                }
            }
        }

        /// As its hooks have it.
        let name: String
        /// What the node does wrong.
        let fault: String
        let ground: Ground
        /// Within how many seeds, from 1 on, it is caught.
        let seedsMost: UInt64

        init(_ name: String, _ ground: Ground, within seedsMost: UInt64, _ fault: String) {
            self.name = name
            self.fault = fault
            self.ground = ground
            self.seedsMost = seedsMost
        }

        static let all: [PlantedCase] =
            elections + logs + reads + leases + members + snapshots + disks + states + repairs

        static func named(_ name: some StringProtocol) -> PlantedCase? {
            all.first { $0.name == name }
        }

        private static let elections: [PlantedCase] = [
            .init(
                "votesTwice",
                .cluster,
                within: 300,
                "grants every vote of a term that it is asked for"
            ),
            .init("votesForStaleLogs", .cluster, within: 300, "votes without comparing logs"),
            .init(
                "comparesLengthsOnly",
                .cluster,
                within: 300,
                "compares logs by length, not by term"
            ),
            .init(
                "minorityElects",
                .cluster,
                within: 300,
                "takes one vote less than a majority for one"
            ),
            .init(
                "votesBeforeSync",
                .cluster,
                within: 300,
                "sends its vote before the disk has it"
            ),
            .init(
                "speaksBeforeSync",
                .cluster,
                within: 300,
                "speaks in a term before the disk has it"
            ),
            .init("heedsEarlierTerms", .cluster, within: 300, "obeys a leader of an earlier term"),
            .init(
                "ignoresLaterTerms",
                .cluster,
                within: 300,
                "stays in its term when it hears of a later one"
            ),
            .init("savesNoVotes", .cluster, within: 300, "does not write the file of the vote"),
            .init(
                "savesOlderVotes",
                .cluster,
                within: 300,
                "overwrites the vote by a repeated older one"
            ),
            .init(
                "mergesOlderVotes",
                .cluster,
                within: 300,
                "starts with the older of two saved votes"
            ),
            .init("forgetsEpoch", .cluster, within: 300, "listens to nodes of another epoch"),
            .init(
                "handoverNeverEnds",
                .cores,
                within: 300,
                "waits for ever for the target of a handover"
            ),
        ]

        private static let logs: [PlantedCase] = [
            .init(
                "minorityCommits",
                .cluster,
                within: 300,
                "commits what one less than a majority has"
            ),
            .init(
                "commitsOldTerm",
                .cluster,
                within: 300,
                "commits an entry of an earlier term by counting"
            ),
            .init(
                "countsOwnMemory",
                .cluster,
                within: 300,
                "counts its own log before its disk has it"
            ),
            .init(
                "countsReceived",
                .cluster,
                within: 300,
                "counts what a follower received, not what it saved"
            ),
            .init(
                "countsRewrittenEntries",
                .cluster,
                within: 300,
                "takes a late sync for one of the entries that replaced those synced"
            ),
            .init(
                "acknowledgesBeforeSync",
                .cluster,
                within: 300,
                "acknowledges an append before the disk has it"
            ),
            .init("sendsBeforeSync", .cluster, within: 300, "holds no message back for the disk"),
            .init(
                "acknowledgesWholeLog",
                .cluster,
                within: 300,
                "acknowledges entries beyond those that were compared"
            ),
            .init(
                "keepsMatchAcrossTerms",
                .cluster,
                within: 300,
                "takes what equalled one leader's log for the next one's"
            ),
            .init(
                "commitsUnmatched",
                .cluster,
                within: 300,
                "believes a commit index beyond what was compared"
            ),
            .init(
                "skipsPreviousTerm",
                .cluster,
                within: 300,
                "appends without comparing the term before"
            ),
            .init(
                "truncatesWhatAgrees",
                .cluster,
                within: 300,
                "cuts its log at every append, old ones too"
            ),
            .init(
                "truncatesInMemoryOnly",
                .cluster,
                within: 300,
                "cuts its log in memory and not on disk"
            ),
            .init(
                "appliesBeforeCommit",
                .cluster,
                within: 300,
                "applies what is saved before it is committed"
            ),
            .init(
                "appliesBeforePersist",
                .cores,
                within: 300,
                "applies what is committed before it is saved"
            ),
            .init(
                "neverResends",
                .cluster,
                within: 300,
                "never sends an append again that was lost"
            ),
            .init(
                "acknowledgesWithoutRoom",
                .cluster,
                within: 300,
                "acknowledges entries for which the disk had no room"
            ),
            .init(
                "letsGoOfEndedTerms",
                .cluster,
                within: 300,
                "sends what waited for the disk after its term has ended"
            ),
        ]

        private static let reads: [PlantedCase] = [
            .init(
                "readsBeforeOwnCommit",
                .cluster,
                within: 300,
                "reads at a commit index from before its first own commit"
            ),
            .init(
                "readsWithoutQuorum",
                .cluster,
                within: 300,
                "reads as leader without asking anybody"
            ),
            .init(
                "readsByEarlierRound",
                .cluster,
                within: 300,
                "confirms a read by answers to an earlier question"
            ),
            .init(
                "followersReadAlone",
                .cluster,
                within: 300,
                "reads as follower without asking the leader"
            ),
            .init(
                "readsUnevaluated",
                .cluster,
                within: 300,
                "serves a read before its index is evaluated"
            ),
            .init(
                "readsJoinLate",
                .cores,
                within: 300,
                "lets a read join a round that is under way"
            ),
        ]

        private static let leases: [PlantedCase] = [
            .init(
                "leaseWithoutMargin",
                .leases,
                within: 300,
                "takes a promise at its word, without drift and margin"
            ),
            .init(
                "leaseFromAnswer",
                .leases,
                within: 300,
                "counts a lease from the answer, not from the question"
            ),
            .init(
                "leaseBeforeOwnCommit",
                .leases,
                within: 300,
                "reads by lease before its first own commit"
            ),
            .init(
                "votesDespitePromise",
                .leases,
                within: 300,
                "promises to vote for nobody, and votes"
            ),
            .init("restartForgetsPromise", .leases, within: 300, "votes at once after a restart"),
        ]

        private static let members: [PlantedCase] = [
            .init(
                "halfJointQuorum",
                .cluster,
                within: 300,
                "asks the incoming voters of a joint configuration only"
            ),
            .init(
                "countsOtherDisks",
                .cluster,
                within: 300,
                "counts a member whose disk is not the admitted one"
            ),
            .init(
                "countsVotesOfOtherDisks",
                .cluster,
                within: 300,
                "counts the vote of a disk that is not the admitted one"
            ),
            .init("countsLearners", .members, within: 300, "counts learners as voters"),
            .init(
                "leavesJointEarly",
                .members,
                within: 300,
                "leaves a joint configuration before it is committed"
            ),
            .init(
                "changesOverlap",
                .members,
                within: 300,
                "changes members while a change is not committed"
            ),
            .init(
                "membersTakeEffectLate",
                .members,
                within: 300,
                "goes by new members from their commit on"
            ),
            .init(
                "keepsTruncatedMembers",
                .members,
                within: 300,
                "goes by members whose entry was truncated"
            ),
            .init("learnersCampaign", .cluster, within: 300, "campaigns as a learner"),
        ]

        private static let snapshots: [PlantedCase] = [
            .init(
                "snapshotForgetsRequests",
                .cluster,
                within: 300,
                "leaves the remembered requests out of a snapshot"
            ),
            .init(
                "snapshotOverNewerState",
                .cluster,
                within: 300,
                "installs a snapshot from before what it has committed"
            ),
            .init(
                "snapshotOverAcknowledged",
                .cores,
                within: 300,
                "installs a snapshot that its log has, and forgets what came after"
            ),
        ]

        private static let disks: [PlantedCase] = [
            .init(
                "disk forgets votes",
                .disks(.forgetsVotes),
                within: 300,
                "votes again after its vote was lost"
            ),
            .init(
                "disk forgets entries",
                .disks(.forgetsEntries),
                within: 300,
                "votes after it lost the end of its log"
            ),
            .init(
                "truncatesCorrupt",
                .cluster,
                within: 300,
                "drops a damaged entry and all after it, and starts"
            ),
            .init(
                "disk changes records",
                .disks(.changesRecords),
                within: 300,
                "goes on with a changed record"
            ),
        ]

        private static let states: [PlantedCase] = [
            .init("ignoresChecks", .cluster, within: 300, "carries out a batch whose check fails"),
            .init(
                "appliesRetriesTwice",
                .cluster,
                within: 300,
                "carries out a repeated request again"
            ),
            .init(
                "appendsForgottenRepeats",
                .cluster,
                within: 300,
                "appends a repeat so late that its first attempt may be forgotten"
            ),
            .init(
                "overlooksPendingRequests",
                .cluster,
                within: 300,
                "remembers requests from when they are applied on"
            ),
            .init(
                "forgetsRequests",
                .cluster,
                within: 300,
                "remembers requests until they are applied"
            ),
            .init(
                "overlooksOverlay",
                .cluster,
                within: 300,
                "decides by what is applied, not by what is evaluated"
            ),
            .init(
                "prunesUnapplied",
                .cluster,
                within: 300,
                "forgets layers that are not applied yet"
            ),
            .init(
                "stampsPreviousIndex",
                .cluster,
                within: 300,
                "gives a record the index before its own"
            ),
            .init(
                "prunesFullFolders",
                .cluster,
                within: 300,
                "deletes the marker of a folder that is not empty"
            ),
            .init("ensureOverwrites", .cluster, within: 300, "puts a marker again that is there"),
            .init(
                "answersBeforeCommit",
                .cluster,
                within: 300,
                "tells a client of success when an entry is appended"
            ),
            .init(
                "answersForOtherTerms",
                .cluster,
                within: 300,
                "takes another leader's entry for the client's"
            ),
        ]

        private static let repairs: [PlantedCase] = [
            .init(
                "missesUnconfirmed",
                .cluster,
                within: 300,
                "says that there is nothing without asking another member"
            ),
            .init(
                "confirmsFromBehind",
                .cluster,
                within: 300,
                "confirms that there is nothing before it has evaluated as much"
            ),
            .init(
                "damagedCountsAsAbsent",
                .cluster,
                within: 300,
                "takes a damaged record for none when another member asks"
            ),
            .init(
                "confirmsWithoutLooking",
                .cluster,
                within: 300,
                "confirms that there is nothing without looking whether it lost something itself"
            ),
            .init(
                "listsTrustBuckets",
                .cluster,
                within: 300,
                "lists a bucket that was whole a while ago, and does not add it up"
            ),
            .init(
                "aloneTrustsBuckets",
                .cluster,
                within: 1_000,
                "says by itself that there is nothing in a bucket that was whole a while ago"
            ),
            .init(
                "trustsShortBuckets",
                .cluster,
                within: 300,
                "calls a bucket whole that does not add up, and answers from it"
            ),
            .init(
                "decidesOnShortBuckets",
                .cluster,
                within: 300,
                "evaluates what finds nothing in a bucket that does not add up"
            ),
            .init(
                "acknowledgesUnwritten",
                .cluster,
                within: 1_000,
                "acknowledges entries for which there is no room when a vote behind them is written"
            ),
            .init(
                "readsOldRecords",
                .cluster,
                within: 300,
                "reads a record from a bucket that does not add up"
            ),
            .init(
                "decidesOnOldRecords",
                .cluster,
                within: 300,
                "evaluates what finds a record in a bucket that does not add up"
            ),
            .init(
                "keepsUnfitRepairs",
                .cluster,
                within: 300,
                "keeps a repair after which the bucket does not add up"
            ),
            .init(
                "exportsShortBuckets",
                .cluster,
                within: 300,
                "exports a snapshot of buckets that do not add up"
            ),
        ]
    }

#endif
