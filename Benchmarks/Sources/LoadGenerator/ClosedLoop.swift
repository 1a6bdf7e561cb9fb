package import NIOCore
package import NIOSSL

/// Settings of one closed-loop run.
package struct ClosedLoopSettings: Sendable {
    /// Connections are dealt to these in turn.
    package let endpoints: [Endpoint]
    package let shape: RequestShape
    package let connections: Int
    /// Measured time; ignored when `count` is given.
    package let duration: TimeAmount
    package let warmUp: TimeAmount
    /// Exactly so many requests, counters 0 to count - 1, no warm-up: to fill a key space.
    package let count: Int?

    package init(
        endpoints: [Endpoint],
        shape: RequestShape,
        connections: Int,
        duration: TimeAmount,
        warmUp: TimeAmount,
        count: Int?
    ) {
        precondition(!endpoints.isEmpty && connections > 0)
        self.endpoints = endpoints
        self.shape = shape
        self.connections = connections
        self.duration = duration
        self.warmUp = warmUp
        self.count = count
    }
}

/// N connections, each sends its next request when the answer to the last one is there.
///
/// Everything happens on one event loop, so there is no lock, and the generator never takes more
/// than one core from the servers that it measures.
package final class ClosedLoop {
    /// A broken connection is opened again after this, so that a dead server is not hammered.
    private static let reconnectPause = TimeAmount.milliseconds(10)

    private let settings: ClosedLoopSettings
    private let loop: any EventLoop
    private let opener: LinkOpener
    private let promise: EventLoopPromise<String>
    private var counter = 0
    private var isMeasuring: Bool
    private var isDone = false
    private var startedAt = monotonicNow()
    private var inFlight = 0
    private var done = 0
    private var errors: [String: Int] = [:]
    private var latencies = Latencies()

    private init(settings: ClosedLoopSettings, tls: NIOSSLContext?, loop: any EventLoop) {
        self.settings = settings
        self.loop = loop
        isMeasuring = settings.count != nil
        opener = LinkOpener(loop: loop, tls: tls, connectTimeout: .seconds(5))
        promise = loop.makePromise(of: String.self)
    }

    /// Runs to the end and gives the report, one line of JSON.
    package static func run(
        _ settings: ClosedLoopSettings,
        tls: NIOSSLContext?,
        on loop: any EventLoop
    ) -> EventLoopFuture<String> {
        loop.flatSubmit {
            let run = ClosedLoop(settings: settings, tls: tls, loop: loop)
            run.start()
            return run.promise.futureResult
        }
    }

    private func start() {
        for slot in 0..<settings.connections { connect(slot) }
        guard settings.count == nil else { return }
        let timer = loop.assumeIsolated()
        timer.scheduleTask(in: settings.warmUp) {
            self.isMeasuring = true
            self.startedAt = monotonicNow()
            self.done = 0
            self.errors = [:]
            self.latencies = Latencies()
        }
        timer.scheduleTask(in: settings.warmUp + settings.duration) { self.finish() }
    }

    private func connect(_ slot: Int) {
        guard !isDone else { return }
        let endpoint = settings.endpoints[slot % settings.endpoints.count]
        opener.open(endpoint) { link, event in self.happened(event, on: link, slot) }
            .whenComplete { result in
                switch result {
                case .success(let link): self.sendNext(on: link.value, slot)
                case .failure(let error): self.failed(Link.reason(error), slot)
                }
            }
    }

    private func sendNext(on link: Link, _ slot: Int) {
        if let count = settings.count, counter >= count {
            link.abandon()
            if inFlight == 0 { finish() }
            return
        }
        guard !isDone, link.isOpen else { return }
        let endpoint = settings.endpoints[slot % settings.endpoints.count]
        let request = settings.shape.render(counter, to: endpoint, allocator: link.allocator)
        counter += 1
        inFlight += 1
        link.send(request)
    }

    private func happened(_ event: Link.Event, on link: Link, _ slot: Int) {
        let sentAt = link.sentAt
        if sentAt != nil {
            link.settle()
            inFlight -= 1
        }
        guard !isDone else { return }
        switch event {
        case .ended(let reason):
            failed(reason, slot)
        case .answered(let response):
            guard let sentAt else { return failed("answer without request", slot) }
            record(response, sentAt: sentAt)
            if link.isOpen { sendNext(on: link, slot) } else { connect(slot) }
        }
    }

    private func record(_ response: ResponseFramer.Response, sentAt: UInt64) {
        if settings.shape.expected.contains(response.status) {
            done += 1
            latencies.add(nanoseconds: monotonicNow() - sentAt)
        } else {
            errors["\(response.status)", default: 0] += 1
        }
    }

    private func failed(_ reason: String, _ slot: Int) {
        guard !isDone else { return }
        errors[reason, default: 0] += 1
        loop.assumeIsolated().scheduleTask(in: Self.reconnectPause) { self.connect(slot) }
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        let nanoseconds = Int(monotonicNow() - startedAt)
        var report = Report()
        report.add("mode", "run")
        report.add("connections", settings.connections)
        report.add("seconds", thousandths: nanoseconds / 1_000_000)
        report.add("requests", done)
        report.add("errors", errors)
        report.add("per_second", thousandths: done * 1_000_000 / max(nanoseconds / 1_000_000, 1))
        report.add("latency_us", latencies.summary())
        promise.succeed(report.line)
    }
}
