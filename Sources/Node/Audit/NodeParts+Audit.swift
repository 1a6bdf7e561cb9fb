import API
import Audit
import Barrier
import Logging
import NIOCore
import Policy
import Raft
import Transport
import Vault
import Wire

/// The parts of the audit, wired.
struct AuditParts: Sendable {
    /// The setting `audit_log`.
    let isOn: Bool
    let keeper: AuditKeeper
    let anchors: AnchorFlow
    let recovery: AuditRecovery

    init(
        _ settings: Settings,
        _ place: AuditPlace,
        _ base: NodeBase,
        workers: Workers,
        logger: Logger
    ) {
        isOn = settings.auditLog
        let seal = base.seal
        let sinks = AuditSinks(
            (base.store, base.replica, workers),
            node: settings.node,
            logger: logger
        ) {
            seal.unsealed
        }
        let keeper = AuditKeeper(
            place,
            store: base.store,
            sinks: sinks,
            clock: base.wall,
            logger: logger
        ) {
            seal.unsealed?.keyring.audit
        }
        let anchors = AnchorFlow(
            place,
            parts: (base.store, base.replica, seal),
            workers: workers,
            forwarder: base.forwarder,
            // Records tell what this node's clock showed; a batch carries cluster time.
            clock: base.clock,
            logger: logger
        )
        keeper.deliver { [anchors] in anchors.arrived($0) }
        recovery = AuditRecovery(
            keeper: keeper,
            parts: (base.store, base.replica, workers),
            clock: base.wall,
            logger: logger
        )
        (self.keeper, self.anchors) = (keeper, anchors)
    }

    /// What the metrics say of the audit.
    var metrics: [Metric] {
        let numbers = keeper.counters.numbers
        func metric(_ name: String, _ help: String, _ kind: Metric.Kind, _ value: Double) -> Metric
        {
            Metric("holdfast_audit_\(name)", help, kind, [Metric.Sample(value: value)])
        }
        return [
            metric("enabled", "1 if requests are on the record", .gauge, isOn ? 1 : 0),
            metric(
                "records_total",
                "Audit records written since the start",
                .counter,
                Double(numbers.lines)
            ),
            metric(
                "record_bytes_total",
                "Their bytes, before they were sealed",
                .counter,
                Double(numbers.bytes)
            ),
            metric(
                "refused_total",
                "Records that could not be written, so requests that failed",
                .counter,
                Double(numbers.refused)
            ),
            metric(
                "devices",
                "Audit devices that this node writes to besides its own log",
                .gauge,
                Double(keeper.sinks?.numbers.devices ?? 0)
            ),
            metric(
                "device_refused_total",
                "Records that a device did not take; another one, and the node's own log, did",
                .counter,
                Double(keeper.sinks?.numbers.refused ?? 0)
            ),
            metric("waiting", "Records waiting to be written", .gauge, Double(keeper.waiting)),
            metric(
                "covered_leaves",
                "Leaves of this node's log under its last checkpoint",
                .gauge,
                Double(numbers.checkpointedLeaves)
            ),
            metric(
                "room_bytes",
                "Room on the disk that the audit log keeps ahead for a full one",
                .gauge,
                Double(numbers.roomBytes ?? 0)
            ),
            metric(
                "damaged_logs",
                "Audit logs of this node that were found damaged and are kept beside the newest",
                .gauge,
                Double(numbers.damagedLogs)
            ),
            metric(
                "anchors_total",
                "Anchors of all members that this node, leading, had committed",
                .counter,
                Double(anchors.committed)
            ),
        ]
    }
}

/// What of the requests is recorded, and when: the two doors of the node ask here.
extension NodeParts {
    /// Starts the clock of the audit, and puts the start of this process on the record.
    func beginAudit(on loop: any EventLoop) {
        guard audit.isOn else { return }
        let pause = TimeAmount.milliseconds(Int64(Limits.auditIdleTickMilliseconds))
        let tick = { @Sendable [audit] in
            audit.keeper.tick()
            audit.anchors.tick()
        }
        loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in tick() }
        let hurry = AuditHurry(on: loop, while: { [audit] in audit.keeper.isRestless }, tick)
        audit.keeper.whenRestless { hurry.begin() }
        seal.whenUnsealed { [audit] in audit.recovery.nodeUnsealed($0) }
        audit.keeper.begin()
    }

    // MARK: Who is recorded

    /// Where a client's request is recorded; nil for one that is not, and where the log is off.
    ///
    /// Not recorded is what tells no secret and has to be answered in any state: probes of health,
    /// of the seal's state and of the node's, and what a sealed node turns away before it looks at
    /// it. They can come at any rate from anybody.
    func recorder(
        of request: APIRequest,
        _ route: Route,
        from exchange: HTTPExchange
    ) -> RequestAudit? {
        switch route {
        case .reply: seal.unsealed == nil ? nil : ceremonyRecorder(of: request, from: exchange)
        case .node(.initStatus), .node(.sealStatus), .node(.health), .node(.leader),
            .node(.status):
            nil
        case .node(.metrics(_, let token)):
            token.isEmpty ? nil : ceremonyRecorder(of: request, Self.order(route), from: exchange)
        case .node, .cluster: ceremonyRecorder(of: request, Self.order(route), from: exchange)
        case .vault(let vault):
            recorder(AuditEntry(vault), isCeremony: false) { note(exchange, in: &$0) }
        }
    }

    /// Where the leader records what another member passes on: by the id that both know.
    func recorder(of request: APIRequest, _ route: Route, member: NodeID) -> RequestAudit? {
        let name = replica.configuration.member(member)?.name ?? "\(member.number)"
        if case .vault(let vault) = route {
            return recorder(AuditEntry(vault), isCeremony: false) { $0.forwardedFrom = name }
        }
        let entry = AuditEntry(ceremony: request, Self.order(route))
        return recorder(entry, isCeremony: true) { $0.forwardedFrom = name }
    }

    /// Nil for what needs no token.
    private static func order(_ route: Route) -> AuditEntry.Order? {
        switch route {
        case .node(.seal(let token)), .node(.metrics(_, let token)):
            AuditEntry.Order(token: token)
        case .node(.local(let call, let token)):
            AuditEntry.Order(token: token, parameters: call.access.parameters)
        case .cluster(let call, let token):
            AuditEntry.Order(token: token, parameters: call.access.parameters)
        case .node, .vault, .reply: nil
        }
    }

    /// Where a ceremony is recorded: that it was, and how it went, and never a body.
    func ceremonyRecorder(
        of request: APIRequest,
        _ order: AuditEntry.Order? = nil,
        from exchange: HTTPExchange
    ) -> RequestAudit? {
        recorder(AuditEntry(ceremony: request, order), isCeremony: true) {
            note(exchange, in: &$0)
        }
    }

    /// What only the node knows that holds the client: where it is, and the headers that it sent.
    private func note(_ exchange: HTTPExchange, in entry: inout AuditEntry) {
        entry.remoteAddress = exchange.remoteAddress
        entry.headers = (audit.keeper.sinks?.headers ?? []).compactMap { header in
            let values = exchange.request.headerValues(header.name)
            guard !values.isEmpty else { return nil }
            return AuditHeader(name: header.name, values: values, isHashed: header.isHashed)
        }
    }

    private func recorder(
        _ entry: AuditEntry,
        isCeremony: Bool,
        _ complete: (inout AuditEntry) -> Void
    ) -> RequestAudit? {
        guard audit.isOn else { return nil }
        var entry = entry
        complete(&entry)
        return RequestAudit(
            entry,
            isCeremony: isCeremony,
            keys: seal.unsealed?.keyring.audit,
            keeper: audit.keeper,
            clock: wall
        )
    }

    // MARK: When

    /// Runs a call that may change something once it is on the record that it was asked for.
    func announce(
        _ audit: RequestAudit?,
        _ request: APIRequest,
        _ exchange: HTTPExchange,
        _ body: @escaping @Sendable () -> Void
    ) {
        guard let audit, request.method != "GET" else { return body() }
        audit.announce { [self] announcement in
            guard case .recorded = announcement else {
                return release(ServiceFailure.notRecorded.response, exchange, request)
            }
            exchange.eventLoop.execute(body)
        }
    }

    /// Records an answer: on its loop, or on a worker where reading it takes long.
    func record(
        _ response: APIResponse,
        _ audit: RequestAudit,
        on loop: any EventLoop,
        _ done: @escaping @Sendable (APIResponse) -> Void
    ) {
        let isShort = response.body.count <= Limits.auditShortBytesMax
        if loop.inEventLoop {
            guard !isShort else { return audit.answer(response, done) }
            workers.submit { _ in audit.answer(response, done) }
        } else if isShort {
            loop.execute { audit.answer(response, done) }
        } else {
            audit.answer(response, done)
        }
    }

    /// The same for what is answered to a member: only final answers. What is in the log already
    /// was announced, and its outcome is for the node to record that holds the client.
    func recorded(
        _ audit: RequestAudit?,
        on loop: any EventLoop,
        _ send: @escaping @Sendable (ForwardedReply.Outcome) -> Void
    ) -> @Sendable (ForwardedReply.Outcome) -> Void {
        guard let audit else { return send }
        return { [self] outcome in
            guard case .answer(let response) = outcome else { return send(outcome) }
            record(response, audit, on: loop) { send(.answer($0)) }
        }
    }
}

extension ForwardedReply.Outcome {
    /// What a client of this node is told: nobody tells it where the log is led.
    var ofClient: APIResponse {
        guard case .answer(let response) = self else {
            preconditionFailure("a client gets an answer")
        }
        return response
    }
}
