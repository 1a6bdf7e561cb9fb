import Audit
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Transport
import Vault
import Wire

/// One audit device on this node: lines are written in their order, one batch after the other, and
/// whoever waits for a line hears whether it was taken.
///
/// A device that blocks keeps what waits for it waiting: requests are in it, so their number is
/// bounded by theirs, and by ``Limits/auditSinkWaitingMax``.
final class AuditSink: Sendable {
    private struct Job: Sendable {
        let records: [AuditRecord]
        let done: @Sendable (String?) -> Void
    }

    private struct Queue: Sendable {
        var jobs: [Job] = []
        var isBusy = false
        var isClosed = false
    }

    /// Does the writing; one batch at a time. Tells what is wrong, or nil.
    private let output: AuditOutput
    private let format: AuditFormat
    private let queue = Mutex(Queue())
    let device: AuditDevice

    /// - Parameters:
    ///   - node: this node's name, for collectors.
    ///   - loop: for connections to them.
    init(_ device: AuditDevice, node: String, on loop: any EventLoop) {
        self.device = device
        format = AuditFormat(
            hash: device.hash,
            hashesAccessors: device.plan.hashesAccessors,
            elidesLists: device.plan.elidesLists,
            prefix: device.plan.prefix
        )
        output = AuditOutput(device.plan.target, node: node, on: loop)
    }

    /// Writes records; `done` gets nil once they are taken, or why not. On any thread.
    func write(_ records: [AuditRecord], done: @escaping @Sendable (String?) -> Void) {
        let (isOver, problem, mustStart) = queue.withLock { queue -> (Bool, String?, Bool) in
            // The device was taken away meanwhile, so nothing is owed to it.
            guard !queue.isClosed else { return (true, nil, false) }
            guard queue.jobs.count < Limits.auditSinkWaitingMax else {
                return (true, "it blocks, and \(queue.jobs.count) requests wait for it", false)
            }
            queue.jobs.append(Job(records: records, done: done))
            defer { queue.isBusy = true }
            return (false, nil, !queue.isBusy)
        }
        if isOver { return done(problem) }
        if mustStart { next() }
    }

    /// Takes nothing any more: the device is not there any more. What waits is let go, since other
    /// devices and the node's own log hold it.
    func close() {
        let jobs = queue.withLock { queue -> [Job] in
            queue.isClosed = true
            defer { queue.jobs = [] }
            return queue.jobs
        }
        for job in jobs { job.done(nil) }
        output.close()
    }

    private func next() {
        let jobs = queue.withLock { queue -> [Job] in
            let jobs = Array(queue.jobs.prefix(Limits.auditBatchMax))
            queue.jobs.removeFirst(jobs.count)
            queue.isBusy = !jobs.isEmpty
            return jobs
        }
        guard !jobs.isEmpty else { return }
        let format = format
        output.write {
            jobs.flatMap { $0.records.map { (line: format.line($0), time: $0.time) } }
        } done: { [self] problem in
            for job in jobs { job.done(problem) }
            next()
        }
    }
}

/// Where a sink's lines go.
private final class AuditOutput: Sendable {
    private enum Kind: Sendable {
        case discard
        case standardOutput
        case file(path: String, mode: UInt32?)
        case syslog(StreamLink, SyslogFormat)
        /// What is wrong with it for good: every line is refused.
        case broken(String)
    }

    private let kind: Kind
    /// Files may block, so they have a thread of their own.
    private let thread: NIOThreadPool?
    private let file = Mutex<DeviceFile?>(nil)

    init(_ target: AuditDevicePlan.Target, node: String, on loop: any EventLoop) {
        var needsThread = false
        switch target {
        case .discard: kind = .discard
        case .standardOutput:
            kind = .standardOutput
            needsThread = true
        case .file(let path, let mode):
            kind = .file(path: path, mode: mode)
            needsThread = true
        case .syslog(let collector): kind = Self.syslog(collector, node, loop)
        }
        thread = needsThread ? NIOThreadPool(numberOfThreads: 1) : nil
        thread?.start()
    }

    private static func syslog(
        _ collector: AuditDevicePlan.Collector,
        _ node: String,
        _ loop: any EventLoop
    ) -> Kind {
        let trust = StreamLink.Trust(
            authorities: collector.authorities,
            serverName: collector.serverName
        )
        let place = StreamLink.Place(
            host: collector.host,
            port: collector.port,
            trust: collector.isTLS ? trust : nil,
            timeout: .seconds(collector.timeoutSeconds)
        )
        let format = SyslogFormat(
            facility: collector.facility,
            host: node,
            application: collector.tag,
            processID: Int(getpid())
        )
        do throws(TransportError) {
            return .syslog(try StreamLink(place, on: loop), format)
        } catch {
            return .broken(error.summary)
        }
    }

    /// - Parameters:
    ///   - lines: makes the lines, each with its time.
    ///   - done: what is wrong, or nil.
    func write(
        _ lines: @escaping @Sendable () -> [(line: [UInt8], time: Timestamp)],
        done: @escaping @Sendable (String?) -> Void
    ) {
        switch kind {
        case .discard: done(nil)
        case .broken(let problem): done(problem)
        case .syslog(let link, let format):
            link.send(lines().flatMap { format.message($0.line, at: $0.time) }, done: done)
        case .standardOutput, .file:
            thread?.submit { [self] state in
                guard state == .active else { return done("this node stops") }
                done(put(lines().flatMap { $0.line }))
            }
        }
    }

    private func put(_ bytes: [UInt8]) -> String? {
        do throws(AuditError) {
            guard case .file(let path, let mode) = kind else {
                try DeviceFile.writeToStandardOutput(bytes)
                return nil
            }
            // Only this thread takes the lock; after an error the file is opened anew.
            try file.withLock { file throws(AuditError) in
                var open: DeviceFile
                switch file.take() {
                case .some(let kept): open = kept
                case .none: open = try DeviceFile(path, mode: mode)
                }
                try open.write(bytes)
                file = consume open
            }
            return nil
        } catch {
            return error.summary
        }
    }

    func close() {
        if case .syslog(let link, _) = kind { link.close() }
        // A thread that is blocked ends when what it waits for does.
        thread?.submit { [self] _ in file.withLock { _ = $0.take() } }
        thread?.shutdownGracefully { _ in }
    }
}
