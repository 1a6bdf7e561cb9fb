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
    /// Where a list of devices is from. A vault never writes two with the same index; another vault
    /// on the same node has a cache of its own.
    private struct Source: Sendable, Equatable {
        let vault: VaultCache
        let modificationIndex: UInt64

        static func == (a: Source, b: Source) -> Bool {
            a.vault === b.vault && a.modificationIndex == b.modificationIndex
        }
    }

    private struct State: Sendable {
        /// What ``sinks`` were made from; nil while this node is sealed.
        var source: Source?
        var sinks: [AuditSink] = []
        /// Those whose last record was refused; only looked up. At most one for each device.
        var failing: [String: Moment] = [:]
        var refused: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Held while sinks are made and closed, so that no device gets two.
    private let replacing = Mutex(())
    private let settings: EvaluatedCache<AuditSettings>
    private let node: String
    private let unsealed: @Sendable () -> Unsealed?
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let logger: Logger

    /// - Parameter node: this node's name, for collectors.
    init(
        _ parts: EvaluatedCache<AuditSettings>.Parts,
        node: String,
        logger: Logger,
        unsealed: @escaping @Sendable () -> Unsealed?
    ) {
        settings = EvaluatedCache(parts) { known, keyring, view throws(VaultError) in
            try AuditSettings.load(keyring, view, known: known)
        }
        self.node = node
        self.logger = logger
        self.unsealed = unsealed
    }

    /// Devices there are, and records that a device has refused.
    var numbers: (devices: Int, refused: UInt64) {
        state.withLock { ($0.sinks.count, $0.refused) }
    }

    // MARK: Which there are

    /// What records have of the headers of requests. Where that cannot be read, nothing can be
    /// recorded: ``write(_:isExempt:done:)`` refuses.
    var headers: [AuditedHeader] {
        guard let unsealed = unsealed() else { return [] }
        do throws(VaultError) {
            return try settings.current(unsealed).headers.headers
        } catch {
            logger.error("the headers in audit records cannot be read: \(error.summary)")
            return []
        }
    }

    /// Looks which devices there are. Called several times a second, so that a device that was
    /// taken away is closed.
    func refresh() { _ = sinks(unsealed()) }

    /// The devices as they are now: unless something was written, two locks and a comparison of two
    /// numbers, however many devices there are.
    ///
    /// - Returns: nil if it cannot be told: then nothing can be recorded.
    private func sinks(_ unsealed: Unsealed?) -> [AuditSink]? {
        do throws(VaultError) {
            let found = try table(unsealed)
            let known = state.withLock { $0.source == found?.source ? $0.sinks : nil }
            if let known { return known }
            // Looked at again, so that the newest look is the last to be carried out.
            return try replacing.withLock { _ throws(VaultError) in
                makeSinks(for: try table(unsealed))
            }
        } catch {
            logger.error("the audit devices cannot be read: \(error.summary)")
            return nil
        }
    }

    /// - Returns: nil while this node is sealed: then there is no list of devices to read.
    private func table(
        _ unsealed: Unsealed?
    ) throws(VaultError) -> (source: Source, devices: AuditDeviceTable)? {
        guard let unsealed else { return nil }
        let table = try settings.current(unsealed).devices
        return (Source(vault: unsealed.cache, modificationIndex: table.modificationIndex), table)
    }

    private func makeSinks(
        for found: (source: Source, devices: AuditDeviceTable)?
    ) -> [AuditSink] {
        let old = state.withLock { $0.sinks }
        var sinks: [AuditSink] = []
        for device in found?.devices.devices ?? [] {
            if let same = old.first(where: { $0.device == device }) {
                sinks.append(same)
            } else {
                sinks.append(AuditSink(device, node: node, on: group.next()))
            }
        }
        let kept = sinks
        state.withLock { state in
            state.source = found?.source
            state.sinks = kept
            state.failing = [:]
        }
        for sink in old where !kept.contains(where: { $0 === sink }) { sink.close() }
        return kept
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
        let unsealed = unsealed()
        // The answer to the request that sealed the node goes to the devices that were there.
        let present = unsealed == nil ? state.withLock { $0.sinks } : sinks(unsealed)
        guard let sinks = present else { return done(false) }
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
