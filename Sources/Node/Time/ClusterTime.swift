import Replica

/// What a node takes for cluster time: the time of the newest batch, and what has passed on its
/// own monotonic clock since.
///
/// A follower goes by each batch that it evaluates, and by what the leader says every two seconds,
/// so it differs from the leader by a message's way and never adds up its own clock's drift. The
/// second is for quiet hours: a batch may have been evaluated late, and no other come after it. A
/// leader goes by its own clock alone: if it went by its batches, each would set it back by the
/// time that it takes to commit one, and under load cluster time would hardly advance.
///
/// Batches tell nothing of the time in which nobody led. So a node that starts, and a leader that
/// begins, compares what it has with the members' clocks once: see ``adopt(_:_:state:)``.
struct ClusterTime {
    /// Cluster time, nanoseconds since 1970, at a moment of this node's clock.
    private var anchor: (time: UInt64, at: Moment)
    /// The newest batch's, or the leader's newest word.
    private var followed: UInt64
    private(set) var isLeading = false
    /// Whether the clocks were looked at since the start, or since this leadership began.
    private(set) var isAdopted = false

    /// - Parameters:
    ///   - state: the newest batch's time on the disk; 0 in a new vault.
    ///   - wall: this node's clock, which is all that there is to go by in a new vault.
    init(state: UInt64, wall: UInt64, at now: Moment) {
        anchor = (state == 0 ? wall : state, now)
        followed = state
    }

    private func estimate(_ now: Moment) -> UInt64 {
        anchor.time &+ UInt64(max(0, now.nanoseconds(since: anchor.at)))
    }

    /// Cluster time now. Never goes back on a leader; on a follower by no more than the leader's
    /// batches are slower than this node thought.
    ///
    /// - Parameter state: the newest evaluated batch's time.
    mutating func read(_ now: Moment, state: UInt64) -> UInt64 {
        if state > followed {
            followed = state
            if !isLeading || state > estimate(now) { anchor = (state, now) }
        }
        return estimate(now)
    }

    /// The leader says what time it is. In a new vault its word is no more than its clock's.
    mutating func told(_ time: UInt64, _ now: Moment) {
        guard !isLeading, followed > 0, time > followed else { return }
        followed = time
        anchor = (time, now)
    }

    /// This node begins to lead: from what it has, for the time being.
    mutating func lead(_ now: Moment, state: UInt64) {
        anchor = (read(now, state: state), now)
        isLeading = true
        isAdopted = false
    }

    /// Another node leads, or none.
    mutating func follow() { isLeading = false }

    /// Goes forward to `bound`, which the members' clocks allow. Back only in a new vault, where
    /// nothing has had a time yet, so that its first leader's clock may be a wrong one.
    mutating func adopt(_ bound: UInt64, _ now: Moment, state: UInt64) {
        let known = read(now, state: state)
        anchor = (followed == 0 ? bound : max(known, bound), now)
        isAdopted = true
    }
}
