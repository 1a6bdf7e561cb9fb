import Glibc
package import NIOCore
package import NIOSSL

/// Settings of a write-gap measurement.
package struct GapSettings: Sendable {
    /// The writer starts with the first and moves on to the next at every failure.
    package let endpoints: [Endpoint]
    package let shape: RequestShape
    /// Time between the starts of two probes while all is well.
    package let interval: TimeAmount
    /// A probe without an answer for so long has failed.
    package let timeout: TimeAmount
    /// Process to end with SIGKILL, or nil if somebody else sends the signal.
    package let victim: Int32?
    /// Time of good writes before the signal.
    package let signalAfter: TimeAmount
    /// How long to go on after the first write that followed the signal.
    package let settle: TimeAmount
    /// The end in any case.
    package let limit: TimeAmount

    package init(
        endpoints: [Endpoint],
        shape: RequestShape,
        interval: TimeAmount,
        timeout: TimeAmount,
        victim: Int32?,
        signalAfter: TimeAmount,
        settle: TimeAmount,
        limit: TimeAmount
    ) {
        precondition(!endpoints.isEmpty)
        precondition(victim ?? 2 > 1, "only one plain process may be signalled")
        self.endpoints = endpoints
        self.shape = shape
        self.interval = interval
        self.timeout = timeout
        self.victim = victim
        self.signalAfter = signalAfter
        self.settle = settle
        self.limit = limit
    }
}

/// One writer that probes without pause and measures for how long writes were not acknowledged.
///
/// Two numbers come out: from the signal to the first acknowledged write that was sent after it,
/// and the largest interval between two acknowledged writes. The second needs no knowledge of the
/// signal, so it also measures faults that somebody else injects. On a busy machine there are long
/// intervals without any fault, so all of them are reported with their times: whoever injects the
/// fault can tell which are of it.
package final class GapProbe {
    /// Shorter intervals are not reported one by one: 5 ms.
    private static let longInterval: UInt64 = 5_000_000

    private let settings: GapSettings
    private let loop: any EventLoop
    private let opener: LinkOpener
    private let promise: EventLoopPromise<String>
    private var links: [Int: Link] = [:]
    /// The endpoint in use.
    private var position = 0
    /// Number of the probe under way; an event of an earlier one is stale.
    private var probe = 0
    private var probeStartedAt: UInt64 = 0
    private var failuresInARow = 0
    private var isDone = false
    private var signalledAt: UInt64?
    private var firstAfterSignal: UInt64?
    private var firstEndpoint: Int?
    private var lastAcknowledgedAt: UInt64?
    private var largestInterval: UInt64 = 0
    /// Begin and length of each interval of ``longInterval`` or more, in nanoseconds.
    private var longIntervals: [(began: UInt64, length: UInt64)] = []
    private var acknowledged = 0
    private var failures: [String: Int] = [:]

    private init(settings: GapSettings, tls: NIOSSLContext?, loop: any EventLoop) {
        self.settings = settings
        self.loop = loop
        opener = LinkOpener(loop: loop, tls: tls, connectTimeout: settings.timeout)
        promise = loop.makePromise(of: String.self)
    }

    /// Runs to the end and gives the report, one line of JSON.
    package static func run(
        _ settings: GapSettings,
        tls: NIOSSLContext?,
        on loop: any EventLoop
    ) -> EventLoopFuture<String> {
        loop.flatSubmit {
            let gap = GapProbe(settings: settings, tls: tls, loop: loop)
            gap.start()
            return gap.promise.futureResult
        }
    }

    private func start() {
        let timer = loop.assumeIsolated()
        timer.scheduleTask(in: settings.limit) { self.finish() }
        if let victim = settings.victim {
            timer.scheduleTask(in: settings.signalAfter) {
                self.signalledAt = monotonicNow()
                _ = kill(victim, SIGKILL)
            }
        }
        sendProbe()
    }

    private func sendProbe() {
        guard !isDone else { return }
        probe += 1
        probeStartedAt = monotonicNow()
        let number = probe
        loop.assumeIsolated().scheduleTask(in: settings.timeout) {
            self.failed("timeout", probe: number)
        }
        if let link = links[position], link.isOpen {
            write(on: link)
        } else {
            connect(position, probe: number)
        }
    }

    private func connect(_ target: Int, probe number: Int) {
        opener.open(settings.endpoints[target]) { link, event in self.happened(event, on: link) }
            .whenComplete { result in
                switch result {
                case .success(let link):
                    guard number == self.probe, !self.isDone else { return link.value.abandon() }
                    self.links[target] = link.value
                    if link.value.isOpen { self.write(on: link.value) }
                case .failure(let error):
                    self.failed(Link.reason(error), probe: number)
                }
            }
    }

    private func write(on link: Link) {
        let endpoint = settings.endpoints[position]
        link.send(settings.shape.render(probe, to: endpoint, allocator: link.allocator))
    }

    private func happened(_ event: Link.Event, on link: Link) {
        // An idle link that dies, or one that was given up, fails no probe.
        guard links[position] === link || link.sentAt != nil else { return }
        switch event {
        case .ended(let reason):
            failed(reason, probe: probe)
        case .answered(let response):
            link.settle()
            if settings.shape.expected.contains(response.status) {
                succeeded()
            } else {
                failed("\(response.status)", probe: probe)
            }
        }
    }

    private func succeeded() {
        guard !isDone else { return }
        let now = monotonicNow()
        acknowledged += 1
        failuresInARow = 0
        endInterval(at: now)
        lastAcknowledgedAt = now
        if let signalledAt, firstAfterSignal == nil, probeStartedAt > signalledAt {
            firstAfterSignal = now
            firstEndpoint = position
            loop.assumeIsolated().scheduleTask(in: settings.settle) { self.finish() }
        }
        probe += 1  // The time-out of the probe that is done is stale from here.
        let next = probeStartedAt + UInt64(settings.interval.nanoseconds)
        let pause = next > now ? Int64(next - now) : 0
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(pause)) { self.sendProbe() }
    }

    private func endInterval(at now: UInt64) {
        guard let began = lastAcknowledgedAt else { return }
        let length = now - began
        largestInterval = max(largestInterval, length)
        if length >= Self.longInterval { longIntervals.append((began, length)) }
    }

    private func failed(_ reason: String, probe number: Int) {
        guard number == probe, !isDone else { return }
        probe += 1
        failures[reason, default: 0] += 1
        if let link = links[position], link.sentAt != nil || !link.isOpen {
            link.abandon()
            links[position] = nil
        }
        position = (position + 1) % settings.endpoints.count
        failuresInARow += 1
        // At once to the next node; after a whole round of failures a short pause.
        let isRoundOver = failuresInARow % settings.endpoints.count == 0
        let pause = isRoundOver ? settings.interval : .nanoseconds(0)
        loop.assumeIsolated().scheduleTask(in: pause) { self.sendProbe() }
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        endInterval(at: monotonicNow())
        var gap: Int?
        if let signalledAt, let firstAfterSignal {
            gap = Int(firstAfterSignal - signalledAt) / 1_000
        }
        var report = Report()
        report.add("mode", "gap")
        report.add("acknowledged", acknowledged)
        report.add("failures", failures)
        report.add("signal_to_first_write_ms", thousandths: gap)
        report.add("largest_interval_ms", thousandths: Int(largestInterval / 1_000))
        // On the machine's monotonic clock, so that others can relate them to what they did.
        report.add(
            "long_intervals_ms",
            thousandths: longIntervals.map { (Int($0.began) / 1_000, Int($0.length) / 1_000) }
        )
        report.add("recovered", settings.victim == nil || gap != nil)
        report.add("first_write_at", firstEndpoint.map { settings.endpoints[$0].text } ?? "")
        promise.succeed(report.line)
    }
}
