import Logging
import NIOCore
import Raft
import Replica
import Store
import Synchronization
import Wire

/// Cluster time: what all tokens, leases and timers go by, on every node.
///
/// It is state: each batch carries it, so it survives leaders, and no clock of one node can expire
/// everything. See ``ClusterTime`` for how it advances and ``WallClocks`` for what bounds it.
/// Cheap enough for every request: two locks.
final class ClusterClock: Sendable {
    private struct State: Sendable {
        var time: ClusterTime
        var walls = WallClocks()
        /// Nothing is said before this.
        var quietUntil: Moment?
        /// Nothing is handed over before this.
        var leadsUntil: Moment?
    }

    private let state: Mutex<State>
    private let store: LocalStore
    private let replica: LocalReplica
    private let selfID: NodeID
    private let initial: Configuration
    private let logger: Logger

    init(store: LocalStore, replica: LocalReplica, _ start: NodeStart, logger: Logger) {
        self.store = store
        self.replica = replica
        selfID = start.selfID
        initial = start.configuration
        self.logger = logger
        let time = ClusterTime(
            state: store.evaluatedTime,
            wall: WallClock.now().nanoseconds,
            at: .now
        )
        state = Mutex(State(time: time))
    }

    /// Cluster time.
    func now() -> Timestamp {
        let moment = Moment.now
        let newest = store.evaluatedTime
        return Timestamp(
            nanoseconds: state.withLock { $0.time.read(moment, state: newest) }
        )
    }

    /// How this node's clock stands to those of the other voters; nil while too few are known.
    var standing: WallClocks.Standing? {
        state.withLock { standing(&$0, .now) }
    }

    /// The replica's role may have changed.
    func roleChanged(isLeading: Bool) {
        let moment = Moment.now
        let newest = store.evaluatedTime
        state.withLock { state in
            if isLeading, !state.time.isLeading {
                state.time.lead(moment, state: newest)
                adopt(&state, moment, newest)
            } else if !isLeading {
                state.time.follow()
            }
        }
    }

    /// A member has said what its clock shows, and the leader what time it is.
    ///
    /// - Parameter payload: see ``payload``.
    /// - Returns: whether nothing was known of that clock: then it may not know of ours either.
    func heard(_ payload: [UInt8], from member: NodeID) throws(WireError) -> Bool {
        var reader = ByteReader(payload)
        let wall = try reader.readUInt64()
        let (term, time) = (try reader.readUInt64(), try reader.readUInt64())
        try reader.finish()
        // Whoever led in an earlier term may not know yet that it leads no more.
        let isLeader = term > 0 && term >= replica.status.term.number
        let moment = Moment.now
        let newest = store.evaluatedTime
        return state.withLock { state in
            if isLeader { state.time.told(time, moment) }
            let isNew = state.walls.heard(wall, from: member, at: moment)
            adopt(&state, moment, newest)
            return isNew
        }
    }

    /// What this node tells the others, 24 bytes: its clock (nanoseconds since 1970, u64); the term
    /// in which it leads, or 0 (u64); cluster time, which counts only if it leads (u64).
    var payload: [UInt8] {
        let status = replica.status
        var writer = ByteWriter(capacity: 24)
        writer.writeUInt64(WallClock.now().nanoseconds)
        writer.writeUInt64(status.role == .leader ? status.term.number : 0)
        writer.writeUInt64(now().nanoseconds)
        return writer.bytes
    }

    /// Compares and tells now, and every few seconds until the loop ends; more often while the
    /// clocks of too few are known.
    ///
    /// - Parameter tell: sends what this node's clock shows to a member.
    func start(on loop: any EventLoop, tell: @escaping @Sendable ([UInt8], NodeID) -> Void) {
        look(tell)
        let isKnown = state.withLock { standing(&$0, .now) != nil }
        let pause = isKnown ? Limits.clockTellMilliseconds : Limits.clockAskMilliseconds
        loop.scheduleTask(in: .milliseconds(Int64(pause))) { [weak self] in
            self?.start(on: loop, tell: tell)
        }
    }

    private func look(_ tell: @Sendable ([UInt8], NodeID) -> Void) {
        let payload = payload
        for member in configuration.members where member.id != selfID { tell(payload, member.id) }
        let moment = Moment.now
        let newest = store.evaluatedTime
        let isLeader = replica.status.role == .leader
        let (said, target) = state.withLock { state -> (WallClocks.Standing?, NodeID?) in
            adopt(&state, moment, newest)
            guard let standing = standing(&state, moment), standing.isWrong else {
                (state.quietUntil, state.leadsUntil) = (nil, nil)
                return (nil, nil)
            }
            let isDue = isLeader && state.leadsUntil ?? moment <= moment
            if isDue { state.leadsUntil = moment + .seconds(Limits.clockHandoverSeconds) }
            let target = isDue ? standing.sound.first : nil
            guard state.quietUntil ?? moment <= moment else { return (nil, target) }
            state.quietUntil = moment + .seconds(Limits.clockAlarmSeconds)
            return (standing, target)
        }
        if let said { complain(said) }
        if let target { handOver(to: target) }
    }

    private var configuration: Configuration { replica.status.configuration ?? initial }

    private func standing(_ state: inout State, _ now: Moment) -> WallClocks.Standing? {
        state.walls.standing(
            own: WallClock.now().nanoseconds,
            of: selfID,
            among: configuration.members.filter { $0.role == .voter }.map(\.id),
            now
        )
    }

    private func adopt(_ state: inout State, _ now: Moment, _ newest: UInt64) {
        guard !state.time.isAdopted, let standing = standing(&state, now) else { return }
        state.time.adopt(standing.bound, now, state: newest)
    }

    /// Says that this node's clock is wrong.
    private func complain(_ standing: WallClocks.Standing) {
        let difference = Double(standing.ahead.magnitude) / 1e9
        let side = standing.ahead < 0 ? "behind" : "ahead of"
        logger.critical(
            """
            the clock of this node is \(rounded(difference)) s \(side) the median of the voters' \
            clocks
            """,
            metadata: [
                "remedy": """
                set it, and keep it right with a time service; cluster time goes by the others' \
                clocks, and this node does not lead where another can
                """
            ]
        )
    }

    /// Lets a voter lead whose clock is right.
    private func handOver(to target: NodeID) {
        let deadline = Moment.now + .milliseconds(Limits.clockTellMilliseconds)
        replica.transferLeadership(to: target, deadline: deadline) { [logger] outcome in
            if case .done(let leader) = outcome {
                logger.notice("leadership was handed over to node \(leader.number)")
            } else {
                logger.warning("leadership was not handed over: \(outcome)")
            }
        }
    }

    private func rounded(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
