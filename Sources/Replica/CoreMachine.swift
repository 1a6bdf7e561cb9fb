package import Raft

/// The core thread's work without the thread: the driver, its ticks, and the ends of patience.
package struct CoreMachine<Ports: CorePorts> {
    /// What consensus and its surroundings stand at.
    package private(set) var driver: CoreDriver<Ports>
    private var ticker: Ticker
    private var ticksToExpiry = Limits.readExpiryTicks

    /// - Parameters:
    ///   - core: restored from what the storage holds.
    ///   - applied: what the storage has applied.
    ///   - now: the first tick is due one tick later.
    package init(
        core: RaftCore,
        applied: LogIndex,
        ports: Ports,
        retention: LogRetention,
        now: ContinuousClock.Instant
    ) {
        driver = CoreDriver(core: core, applied: applied, ports: ports, retention: retention)
        ticker = Ticker(now: now)
    }

    /// When the next turn is due even if nothing comes.
    package var nextTick: ContinuousClock.Instant { ticker.next }

    /// One turn: what has come, then the ticks that are due.
    ///
    /// - Parameter now: read after the inputs were taken. Leases and staleness rest on it: whatever
    ///   is in `inputs` happened before.
    package mutating func turn(_ inputs: consuming [CoreInput], now: ContinuousClock.Instant) {
        driver.look(at: now)
        let ticks = ticker.due(now)
        for _ in 0..<ticks { inputs.append(.raft(.tick)) }
        ticksToExpiry -= ticks
        if ticksToExpiry <= 0 {
            inputs.append(.expire(now))
            ticksToExpiry = Limits.readExpiryTicks
        }
        driver.turn(inputs)
    }
}
