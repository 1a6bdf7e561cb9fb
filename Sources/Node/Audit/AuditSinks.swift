import Audit
import Barrier
import Logging
import NIOCore
import NIOPosix
import Replica
import Store
import Synchronization
import Vault
import Wire

/// The audit devices of the vault, as this node writes to them while it is unsealed.
///
/// A record has been taken when every device has dealt with it and at least one has taken it; if
/// none has, what it is about must not happen, or not be told. A device that blocks blocks. Without
/// devices there is nothing to wait for: the node's own log holds every record anyway.
final class AuditSinks: Sendable {
    private struct State: Sendable {
        var table: AuditDeviceTable?
        var sinks: [AuditSink] = []
        /// Those whose last record was refused; only looked up. At most one for each device.
        var failing: [String: Moment] = [:]
        var refused: UInt64 = 0
    }

    private let state = Mutex(State())
    private let store: LocalStore
    private let node: String
    private let unsealed: @Sendable () -> Unsealed?
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let logger: Logger

    /// - Parameter node: this node's name, for collectors.
    init(
        store: LocalStore,
        node: String,
        logger: Logger,
        unsealed: @escaping @Sendable () -> Unsealed?
    ) {
        self.store = store
        self.node = node
        self.logger = logger
        self.unsealed = unsealed
    }

    /// Devices there are, and records that a device has refused.
    var numbers: (devices: Int, refused: UInt64) {
        state.withLock { ($0.sinks.count, $0.refused) }
    }

    // MARK: Which there are

    /// Looks which devices there are. Called on the audit thread, several times a second and after
    /// each request that changes them.
    ///
    /// - Returns: false if it cannot be told now: then nothing can be recorded.
    @discardableResult
    func refresh() -> Bool {
        guard let unsealed = unsealed() else {
            replace(with: nil)
            return true
        }
        let known = state.withLock { $0.table }
        do {
            let table = try store.view { view throws(VaultError) in
                try AuditDeviceTable.load(unsealed.keyring, view, known: known)
            }
            if table != known { replace(with: table) }
            return true
        } catch let error as any OperatorError {
            logger.error("the audit devices cannot be read: \(error.summary)")
        } catch {
            logger.error("the audit devices cannot be read")
        }
        return false
    }

    private func replace(with table: AuditDeviceTable?) {
        let old = state.withLock { $0.sinks }
        guard table != nil || !old.isEmpty || state.withLock({ $0.table != nil }) else { return }
        var sinks: [AuditSink] = []
        for device in table?.devices ?? [] {
            if let same = old.first(where: { $0.device == device }) {
                sinks.append(same)
            } else {
                sinks.append(AuditSink(device, node: node, on: group.next()))
            }
        }
        let kept = sinks
        state.withLock { state in
            state.table = table
            state.sinks = kept
            state.failing = [:]
        }
        for sink in old where !kept.contains(where: { $0 === sink }) { sink.close() }
    }

    // MARK: Writing

    /// Writes records to all devices; `done` gets whether at least one took them, or none is there.
    ///
    /// - Parameter isExempt: of a request about the devices themselves: it must stay possible to
    ///   take one away that takes nothing. The node's own log has it.
    func write(
        _ records: [AuditRecord],
        isExempt: Bool,
        done: @escaping @Sendable (Bool) -> Void
    ) {
        if state.withLock({ $0.table == nil }), unsealed() != nil, !refresh() { return done(false) }
        let sinks = state.withLock { $0.sinks }
        guard !sinks.isEmpty else { return done(true) }
        let tally = Mutex((open: sinks.count, taken: 0))
        for sink in sinks {
            sink.write(records) { [self] problem in
                note(problem, sink.device.path)
                let result = tally.withLock { tally -> Bool? in
                    tally.open -= 1
                    if problem == nil { tally.taken += 1 }
                    return tally.open == 0 ? tally.taken > 0 : nil
                }
                if let result { done(result || isExempt) }
            }
        }
    }

    /// Tries a device before it is there: whether it takes a line, as OpenBao tries it.
    func probe(
        _ device: AuditDevice,
        at time: Timestamp,
        done: @escaping @Sendable (String?) -> Void
    ) {
        let sink = AuditSink(device, node: node, on: group.next())
        let isFinished = Mutex(false)
        let finish: @Sendable (String?) -> Void = { problem in
            let isFirst = isFinished.withLock { finished -> Bool in
                defer { finished = true }
                return !finished
            }
            guard isFirst else { return }
            sink.close()
            done(problem)
        }
        let id = uuidText([UInt8](repeating: 0, count: 16))
        let request = AuditRequest(id: id, operation: "update", path: "sys/audit/test")
        sink.write([AuditRecord(time: time, request: request)], done: finish)
        group.next().scheduleTask(in: .seconds(Int64(Limits.auditProbeSeconds))) {
            finish("it blocks")
        }
    }

    /// Says when a device begins to refuse, and when it takes records again.
    private func note(_ problem: String?, _ path: String) {
        let now = Moment.now
        let (isNews, wasFailing) = state.withLock { state -> (Bool, Bool) in
            guard problem != nil else {
                return (false, state.failing.removeValue(forKey: path) != nil)
            }
            state.refused += 1
            if let said = state.failing[path], now - said < .seconds(10) { return (false, true) }
            state.failing[path] = now
            return (true, false)
        }
        if let problem, isNews {
            logger.critical(
                "the audit device \(path) takes no record: \(problem)",
                metadata: [
                    "remedy": "mend what it writes to, or take it away: holdfast delete sys/audit/…"
                ]
            )
        } else if problem == nil, wasFailing {
            logger.notice("the audit device \(path) takes records again")
        }
    }

    /// Ends them all.
    func stop() async {
        let sinks = state.withLock { $0.sinks }
        for sink in sinks { sink.close() }
        try? await group.shutdownGracefully()
    }
}
