package import Raft

/// The core thread's work without the thread: the driver, its ticks, and the ends of patience.
package final class CoreMachine {
    /// What consensus and its surroundings stand at.
    package private(set) var driver: CoreDriver
    private var ticker: Ticker
    private var ticksToExpiry = Limits.readExpiryTicks
    private let watch: DiskWatch
    private var judge: DiskJudge

    /// - Parameters:
    ///   - core: restored from what the storage holds.
    ///   - applied: what the storage has applied.
    ///   - watch: the storage machine's.
    ///   - now: the first tick is due one tick later.
    package init(
        core: RaftCore,
        applied: LogIndex,
        ports: any CorePorts,
        retention: LogRetention,
        watch: DiskWatch,
        now: Moment
    ) {
        driver = CoreDriver(core: core, applied: applied, ports: ports, retention: retention)
        ticker = Ticker(now: now)
        self.watch = watch
        judge = DiskJudge(stallTicks: core.settings.diskStallTicks)
    }

    /// When the next turn is due even if nothing comes. On an idle node that is not with each tick:
    /// waking up costs more than all that a tick does.
    package var nextTick: Moment {
        let isDiskBusy = watch.mark % 2 == 1
        let spare = isDiskBusy ? 0 : min(driver.quietTicks, Limits.ticksSparedMax)
        let pause = Int64(spare * Limits.tickMilliseconds) * 1_000_000
        return ticker.next.advanced(byNanoseconds: pause)
    }

    /// Answers to heartbeats may wait for ``nextTick``. Four of them every 80 ms would otherwise be
    /// most of what wakes an idle leader.
    package var isPatient: Bool { driver.canHearLate }

    /// One turn: what has come, then the ticks that are due.
    ///
    /// - Parameter now: read after the inputs were taken. Leases and staleness rest on it: whatever
    ///   is in `inputs` happened before.
    package func turn(_ inputs: consuming [CoreInput], now: Moment) {
        driver.look(at: now)
        let ticks = ticker.due(now)
        for _ in 0..<ticks {
            watchDisk(&inputs)
            inputs.append(.raft(.tick))
        }
        ticksToExpiry -= ticks
        if ticksToExpiry <= 0 {
            inputs.append(.expire(now))
            ticksToExpiry = Limits.readExpiryTicks
        }
        driver.turn(inputs)
    }

    /// One look a tick.
    private func watchDisk(_ inputs: inout [CoreInput]) {
        switch judge.look(at: watch.mark) {
        case .stalled: inputs.append(.raft(.diskHealth(.stalled)))
        case .recovered: inputs.append(.raft(.diskHealth(.ok)))
        case .idle: driver.probeDiskIfLeading()
        case .nothing: break
        }
    }

    /// The core's numbers.
    package var standing: CoreStanding { driver.standing }

    /// Copies the core's numbers to where other threads read them.
    func report(to board: StatusBoard) { driver.report(to: board) }

    /// Who takes part as of the commit index.
    package var committedConfiguration: Configuration { driver.core.committedConfiguration }

    /// The evaluated state holds everything acknowledged, anywhere, before this moment.
    package var currentAsOf: Moment? { driver.currentAsOf }

    /// As a leader, what it knows of each member; empty otherwise.
    package var memberProgress: [RaftCore.MemberProgress] { driver.core.memberProgress }

    /// The retained entry at `index`, if there is one.
    package func entry(at index: LogIndex) -> LogEntry? { driver.entry(at: index) }

    /// The term at `index`, if it is retained or just below what is.
    package func term(at index: LogIndex) -> Term? { driver.term(at: index) }
}
