import API
import Barrier
import Cryptography
import Logging
import NIOCore
import NIOPosix
import Raft
import Replica
import Store
import Transport
import Vault
import Wire

/// The parts of a running node, wired; and the two doors into it: clients' and members' requests.
final class NodeParts: ReplicaObserver {
    let replica: LocalReplica
    let network: PeerNetwork
    let forwarder: Forwarder
    private let replies: ReplyKeeper
    let seal: SealKeeper
    let workers: Workers
    let waiting: WaitingRequests
    let fetcher: WebFetcher
    let timers: MultiThreadedEventLoopGroup
    private let versions: VersionKeeper
    private let crossOrigin: CrossOriginGate
    private let rateLimits: RateLimitGate
    private let creation: CreationFlow
    private let calls: NodeCalls
    private let flow: RequestFlow
    private let membership: MembershipFlow
    let autopilot: Autopilot
    let audit: AuditParts
    let clusterClock: ClusterClock
    let wall: @Sendable () -> Timestamp
    let tasks: TaskRunner
    private let proof: LocalProof?
    private let observer: RequestObserver
    private let logger: Logger
    private let standardHeaders = HTTPHeaderBlock(APIResponse.standardHeaders)

    init(_ settings: Settings, _ start: NodeStart, loggers: NodeLoggers) {
        let base = NodeBase(settings, start, loggers: loggers)
        let place = AuditPlace(data: settings.data, name: settings.node, pin: start.identity.pin)
        audit = AuditParts(
            settings,
            place,
            base,
            workers: base.workers,
            logger: loggers[.audit]
        )
        let opener = base.opener()
        versions = base.versions(opener)
        creation = base.creation(epoch: start.cluster.epoch)
        calls = base.calls(settings, versions, creation, audit)
        flow = base.flow(opener)
        membership = base.membership(settings, start)
        (replica, network, forwarder) = (base.replica, base.network, base.forwarder)
        (seal, workers, observer) = (base.seal, base.workers, base.observer)
        (waiting, fetcher, replies) = (base.waiting, base.fetcher, base.replies)
        (logger, clusterClock, wall) = (loggers[.core], base.clusterClock, base.wall)
        tasks = base.taskRunner()
        proof = Self.makeProof(settings.data, logger)
        rateLimits = base.rateLimits()
        crossOrigin = base.crossOrigin()
        timers = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = timers.next()
        autopilot = Autopilot(flow: membership, replica: replica, loop: loop, logger: logger)
        Self.sweep(forwarder, replies, on: loop)
        clusterClock.start(on: loop) { [network] in network.sendClock($0, to: $1) }
        beginAudit(on: loop)
    }

    /// Ends what is waited for in vain, four times a second.
    private static func sweep(
        _ forwarder: Forwarder,
        _ replies: ReplyKeeper,
        on loop: any EventLoop
    ) {
        let pause = TimeAmount.milliseconds(250)
        loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
            forwarder.sweep()
            replies.sweep()
        }
    }

    private static func makeProof(_ folder: String, _ logger: Logger) -> LocalProof? {
        do {
            return try LocalProof(folder: folder)
        } catch {
            logger.warning("no local proof: init --abandon will be refused: \(error)")
            return nil
        }
    }

    // MARK: Clients

    /// One request of a client, on its connection's event loop.
    func handle(_ exchange: HTTPExchange) {
        observer.arrived()
        do throws(CryptographyError) {
            let drawn = try Random.bytes(16 + 32)
            handle(exchange, requestID: Array(drawn[..<16]), seed: Array(drawn[16...]))
        } catch {
            logger.critical("the system gives no random bytes: \(error.summary)")
            release(ServiceFailure.internalFailure.response, exchange, nil)
        }
    }

    private func handle(_ exchange: HTTPExchange, requestID: [UInt8], seed: [UInt8]) {
        let request = APIRequest(
            method: exchange.request.method,
            target: exchange.request.target,
            headers: APIHeaders { exchange.request.header($0) },
            body: exchange.request.body,
            requestID: requestID,
            remoteAddress: exchange.remoteAddress
        ).showing(exchange.clientCertificates)
        observer.began(request, from: exchange.remoteAddress, at: wall())
        if let refusal = crossOrigin.answer(to: exchange) {
            return release(refusal, exchange, request)
        }
        if request.method == "DELETE", request.target == Array("/v1/sys/init".utf8) {
            return abandon(exchange, request)
        }
        let route = Router.route(request, isSealed: seal.unsealed == nil)
        let audit = recorder(of: request, route, from: exchange)
        let told: [(name: String, value: String)]
        switch rateLimits.check(route, client: exchange.remoteAddress) {
        case .refused(let response, let isAudited):
            return release(response, exchange, request, isAudited ? audit : nil)
        case .goesOn(let headers): told = headers
        }
        let end: @Sendable (APIResponse) -> Void = { [self] response in
            release(response.with(told), exchange, request, audit)
        }
        let origin = NodeCalls.Origin(
            requestID: requestID,
            address: request.clientIP,
            audit: audit,
            loop: exchange.eventLoop
        )
        switch route {
        case .reply(let response): end(response)
        case .node(.local(let call, let token)) where call.isStreamed:
            calls.stream(call, token, of: origin) { [self] in
                release($0.head.with(told), exchange, request, audit, body: $0.body)
            }
        case .node(let call):
            announce(audit, request, exchange) { [self] in
                calls.handle(call, of: origin, completion: end)
            }
        case .cluster(let call, let token):
            announce(audit, request, exchange) { [self] in
                membership.handle(
                    MembershipFlow.Context(
                        call: call,
                        token: token,
                        request: request,
                        audit: audit,
                        origin: .client,
                        deadline: .now + .seconds(Limits.requestSeconds),
                        loop: exchange.eventLoop,
                        finish: { end($0.ofClient) }
                    )
                )
            }
        case .vault(let vault):
            var context = context(vault, request, seed: seed, exchange, end)
            context.audit = audit
            flow.handle(context)
        }
    }

    /// Of a client's request to the vault.
    private func context(
        _ vault: VaultRequest,
        _ request: APIRequest,
        seed: [UInt8],
        _ exchange: HTTPExchange,
        _ end: @escaping @Sendable (APIResponse) -> Void
    ) -> RequestContext {
        let now = Moment.now
        var context = RequestContext(
            origin: .client,
            request: request,
            vault: vault,
            seed: seed,
            since: replica.status.evaluated,
            deadline: now + .seconds(Limits.requestSeconds),
            leaderDeadline: now + .milliseconds(Limits.leaderWaitMilliseconds),
            attemptBase: 0,
            loop: exchange.eventLoop,
            finish: { end($0.ofClient) }
        )
        context.whenGone = { exchange.whenGone($0) }
        return context
    }

    private func abandon(_ exchange: HTTPExchange, _ request: APIRequest) {
        let audit = ceremonyRecorder(of: request, from: exchange)
        guard let proof, proof.holds(exchange.request.header(LocalProof.header)) else {
            return release(Reply.errors(403, ["permission denied"]), exchange, request, audit)
        }
        announce(audit, request, exchange) { [self] in
            calls.abandon(requestID: request.requestID, loop: exchange.eventLoop) { [self] in
                release($0, exchange, request, audit)
            }
        }
    }

    /// The gate: every answer of this node to a client leaves here, and nowhere else. No record, no
    /// answer.
    ///
    /// - Parameter body: gets what the rest of the answer is written to, where there is more to it.
    func release(
        _ response: APIResponse,
        _ exchange: HTTPExchange,
        _ request: APIRequest?,
        _ audit: RequestAudit? = nil,
        body: (@Sendable (HTTPStream) -> Void)? = nil
    ) {
        let final = request.map { Router.finish(response, for: $0) } ?? response
        guard let audit else { return respond(final, exchange, request, body) }
        record(final, audit, on: exchange.eventLoop) { [self] in
            respond($0, exchange, request, body)
        }
    }

    private func respond(
        _ final: APIResponse,
        _ exchange: HTTPExchange,
        _ request: APIRequest?,
        _ body: (@Sendable (HTTPStream) -> Void)?
    ) {
        observer.answered(exchange, request, status: final.status)
        let final = crossOrigin.marked(final, for: exchange)
        // Without a record of it there is another answer in its place.
        if let body, final.status < 300 {
            body(exchange.stream(status: final.status, headers: final.allHeaders))
        } else if final.hasStandardHeadersOnly {
            exchange.respond(status: final.status, block: standardHeaders, body: final.body)
        } else {
            exchange.respond(status: final.status, headers: final.allHeaders, body: final.body)
        }
    }

    // MARK: Members

    /// One request that another member forwards, on the peers' event loop.
    func serve(_ forwarded: ForwardedRequest, from member: NodeID) {
        let number = forwarded.number
        let send: @Sendable (ForwardedReply.Outcome) -> Void = { [network] outcome in
            network.send(ForwardedReply(number: number, outcome: outcome), to: member)
        }
        switch forwarded.content {
        case .creation(let batch): creation.take(batch, finish: send)
        case .anchor(let head): audit.anchors.take(head, from: member, finish: send)
        case .request(let request):
            logger.debug(
                "forwarded_request",
                metadata: RequestObserver.identity(of: request, isForwarded: true)
                    .merging(["peer": "\(member.number)"]) { $1 }
            )
            guard seal.unsealed != nil else { return send(.notLeader(hint: nil)) }
            switch replies.begin(forwarded, from: member) {
            case .nothing: serve(request, as: forwarded, from: member)
            case .underWay: break
            case .kept(let outcome): send(outcome)
            }
        }
    }

    private func serve(
        _ request: APIRequest,
        as forwarded: ForwardedRequest,
        from member: NodeID
    ) {
        let route = Router.route(request, isSealed: false)
        let audit = recorder(of: request, route, member: member)
        let finish = recorded(audit, on: timers.next()) { [network, replies] outcome in
            let number = replies.end(forwarded, outcome)
            network.send(ForwardedReply(number: number, outcome: outcome), to: member)
        }
        let patience = min(Int(forwarded.patienceMilliseconds), Limits.requestSeconds * 1_000)
        let deadline = Moment.now + .milliseconds(patience)
        switch route {
        case .reply(let response): finish(.answer(response))
        // What a node answers itself is never forwarded by an honest member.
        case .node: finish(.answer(ServiceFailure.internalFailure.response))
        case .cluster(let call, let token):
            membership.handle(
                MembershipFlow.Context(
                    call: call,
                    token: token,
                    request: request,
                    audit: audit,
                    origin: .member,
                    deadline: deadline,
                    loop: timers.next(),
                    finish: finish
                )
            )
        case .vault(let vault):
            var context = RequestContext(
                origin: .member,
                request: request,
                vault: vault,
                seed: forwarded.seed,
                since: forwarded.since,
                deadline: deadline,
                leaderDeadline: Moment.now,
                attemptBase: forwarded.attempt,
                loop: timers.next(),
                finish: finish
            )
            context.audit = audit
            context.underWay = { [network, replies] in
                network.send(ForwardedNews(number: replies.number(of: forwarded)), to: member)
            }
            context.loop.execute { [flow, context] in flow.handle(context) }
        }
    }

    // MARK: Replica

    func roleChanged(_ status: ReplicaStatus) {
        logger.info(
            "role: \(status.role)",
            metadata: [
                "term": "\(status.term.number)",
                "leader": "\(status.leader.map { String($0.number) } ?? "none")",
            ]
        )
        clusterClock.roleChanged(isLeading: status.role == .leader)
        guard status.role == .leader else { return }
        timers.next().execute { [versions, seal] in
            guard let unsealed = seal.unsealed else { return }
            versions.note(unsealed)
        }
    }

    func configurationChanged(_ configuration: Configuration) {
        let members = configuration.members.map { member in
            let isOutgoing = configuration.outgoingVoters.contains(member.id)
            let role = member.role == .voter ? "voter" : isOutgoing ? "leaving" : "learner"
            return "\(member.name) \(role)"
        }
        logger.notice(
            "members changed",
            metadata: [
                "revision": "\(configuration.revision)",
                "members": "\(members.joined(separator: ", "))",
            ]
        )
        network.updateMembers(configuration)
    }

    func diverged(_ divergence: Divergence) {
        logger.critical(
            "this node's state differs from that of node \(divergence.member.number)",
            metadata: [
                "index": "\(divergence.own.index.number)",
                "own": "\(Hex.encode(divergence.own.root))",
                "theirs": "\(Hex.encode(divergence.theirs))",
                "remedy": """
                none needed where a majority agrees: whoever differs from it is rebuilt; otherwise \
                stop writing, compare the members' digests and restore the one that is wrong
                """,
            ]
        )
    }

    /// Reads of this node are wrong, and it cannot know which. The others have the right state:
    /// the next start puts the database aside and gets theirs.
    func outvoted(_ own: Checkpoint, majority: [UInt8]) {
        let reason = """
            after entry \(own.index.number) the state adds up to \(Hex.encode(own.root)), on a \
            majority of the members to \(Hex.encode(majority))
            """
        SuspectMarker.leave(because: reason)
        Halt.now(StoreError.corrupt(reason), while: "comparing digests", logger: logger)
    }

    func raised(_ alarm: Alarm) {
        logger.critical("\(alarm.summary)", metadata: ["remedy": "\(alarm.remedy)"])
    }
}
