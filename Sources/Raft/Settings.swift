/// What an operator may tune. Times are in ticks; the driver ticks every 10 ms.
package struct RaftSettings: Equatable, Sendable {
    /// A leader speaks at least this often.
    package var heartbeatTicks = 8
    /// A follower waits `electionTicksMin ... electionTicksMax` (drawn anew each time) before it
    /// campaigns. A leader that has not heard a quorum for the minimum steps down.
    package var electionTicksMin = 40
    package var electionTicksMax = 80
    /// What a sealed node waits on top before it campaigns: one more election time-out.
    package var sealedPenaltyTicks = 80
    /// What a node waits on top whose disk is stalled, or was a moment ago: two more.
    package var stalledPenaltyTicks = 160
    /// A reset connection to the leader makes a follower campaign after 1 ... this many ticks.
    package var linkResetDelayTicksMax = 8
    /// How often it asks again, after one to two times that (two to four, when votes were split),
    /// before it waits as usual.
    package var hurriedCampaignsMax = 4
    /// Appends on their way to one follower. Reached means: wait for an answer.
    package var inFlightMessagesMax = 128
    /// Bytes on their way to one follower, for the same purpose.
    package var inFlightBytesMax = 16 << 20
    /// Bytes in one append. A single larger entry travels alone.
    package var appendBytesMax = 1 << 20
    /// Entries in one append.
    package var appendEntriesMax = 1_024
    /// Entries a leader holds that are not committed yet, in bytes. Beyond it, proposals are
    /// refused as overloaded. This is the master bound of the write path.
    package var uncommittedBytesMax = 64 << 20
    /// A follower that answers heartbeats but has taken nothing for this long has lost an append.
    package var resendTicks = 20
    /// After a delivered snapshot, how long its receiver may take to say so.
    package var snapshotAnswerTicksMax = 160
    /// A read forwarded to the leader and not answered for this long is refused.
    package var readForwardTicksMax = 100
    /// Reads that wait in one node, its own and forwarded ones. Beyond it they are refused.
    package var readsWaitingMax = 16_384
    /// When messages of a member's earlier boot have kept coming for this long, and none of its
    /// newest, they are no stragglers: its disk was replaced by an old image.
    package var bootDoubtTicks = 300
    /// The highest format level that this version knows. A configuration above it is not taken.
    package var formatLevel: UInt64 = 1
    /// A sealed leader tries to hand over at most this often.
    package var handoverIntervalTicks = 500
    /// How long proposals may be refused in one attempt to hand over: one election time-out.
    package var handoverTicksMax = 40
    /// How long the target of a handover may take before that to catch up.
    package var transferTicksMax = 500
    /// Proposals stop when what was in the log this long ago has arrived at the target.
    package var transferRoundTicksMax = 5
    /// A member that did not answer directly for this long is spoken to through others as well.
    package var relayAfterTicks = 18
    /// How long the peer that brought a member's message is the way to that member.
    package var relayMemoryTicks = 24
    /// Bytes that a node passes on for others in a tick, in the long run. More is dropped.
    package var relayBytesPerTick = 256 << 10
    /// Bytes that it passes on at once after a quiet time.
    package var relayBurstBytesMax = 6 << 20
    /// Bytes on their way to one follower through a relay.
    package var relayInFlightBytesMax = 1 << 20
    /// Leaders read by lease, without asking a quorum each time; `nil`: they always ask. All
    /// members must agree: the answers of one that differs count for no lease.
    package var readLease: ReadLeaseSettings?

    /// The defaults: leaders are missed after 400 to 800 ms.
    package init() {}

    /// A transaction that is under way for longer than half an election time-out is a stalled
    /// disk: followers would miss a leader that waits for it.
    package var diskStallTicks: Int { max(1, electionTicksMin / 2) }

    /// Why these settings cannot work; `nil` when they can.
    package var problem: String? {
        guard heartbeatTicks >= 1 else { return "heartbeatTicks is below 1" }
        guard electionTicksMin >= 4 * heartbeatTicks else {
            return "electionTicksMin is below four heartbeats"
        }
        guard electionTicksMax > electionTicksMin else {
            return "electionTicksMax is not above electionTicksMin"
        }
        guard stalledPenaltyTicks >= 0 else { return "stalledPenaltyTicks is below 0" }
        guard sealedPenaltyTicks >= 0, linkResetDelayTicksMax >= 1, hurriedCampaignsMax >= 0 else {
            return "sealedPenaltyTicks or a limit for reset links is too small"
        }
        guard inFlightMessagesMax >= 1, inFlightBytesMax >= 1, appendBytesMax >= 1 else {
            return "an in-flight or append limit is below 1"
        }
        guard (1...Limits.appendEntriesDecodeMax).contains(appendEntriesMax) else {
            return "appendEntriesMax is not in 1...\(Limits.appendEntriesDecodeMax)"
        }
        guard uncommittedBytesMax >= Limits.entryBodyBytesMax + Limits.entryOverheadBytes else {
            return "uncommittedBytesMax does not hold one entry"
        }
        guard resendTicks >= 1, snapshotAnswerTicksMax >= 1, readForwardTicksMax >= 1 else {
            return "a time-out is below 1 tick"
        }
        guard formatLevel >= 1 else { return "formatLevel is below 1" }
        guard bootDoubtTicks >= 1 else { return "bootDoubtTicks is below 1" }
        guard readsWaitingMax >= 1, handoverIntervalTicks >= 1, handoverTicksMax >= 1 else {
            return "readsWaitingMax or a handover limit is below 1"
        }
        guard relayAfterTicks > heartbeatTicks, relayMemoryTicks > heartbeatTicks,
            relayBytesPerTick >= Limits.relayedOverheadBytes, relayInFlightBytesMax >= 1,
            relayBurstBytesMax / 8 * 7 >= Limits.relayedOverheadBytes + appendBytesMax,
            relayBurstBytesMax / 8 * 7
                >= Limits.relayedOverheadBytes + Limits.entryBodyBytesMax
                + Limits.entryOverheadBytes
        else { return "a relay limit is below what a heartbeat or an entry needs" }
        guard transferTicksMax >= 1, transferRoundTicksMax >= 1 else {
            return "a transfer limit is below 1 tick"
        }
        return leaseProblem
    }
}
