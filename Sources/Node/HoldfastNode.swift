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

/// One node: everything between its settings and its sockets.
///
/// ```
/// clients ─ HTTPServer ─ NodeCalls ──┬─ SealKeeper ── Barrier
///                      └ RequestFlow ┤
/// members ─ PeerTransport ─ PeerNetwork ─ LocalReplica ─ LocalStore
/// ```
package final class HoldfastNode: Sendable {
    /// Where clients connect, with the port that the system chose if 0 was asked for.
    package let apiAddress: String
    private let server: HTTPServer
    private let transport: PeerTransport
    private let workers: Workers
    private let waiting: WaitingRequests
    private let fetcher: WebFetcher
    private let timers: MultiThreadedEventLoopGroup
    private let tasks: TaskRunner
    private let seal: SealKeeper
    private let replica: LocalReplica
    private let audits: AuditKeeper
    private let logger: Logger

    /// Starts a node and returns when it serves.
    ///
    /// - Throws: `OperatorError`s that say what is wrong with settings, data folder or addresses.
    package static func start(
        _ settings: Settings,
        loggers: NodeLoggers
    ) async throws -> HoldfastNode {
        let logger = loggers[.core]
        MemoryLock.disableCoreDumps()
        let start = try NodeStart(settings, logger: logger)
        try await settleLeases(settings, logger)
        let parts = NodeParts(settings, start, loggers: loggers)
        let peers = PeerTransport(
            identity: start.identity,
            settings: PeerSettings(
                id: start.selfID,
                clusterID: start.clusterID,
                configurationText: NodeStart.text(start.configuration),
                listen: try NetworkAddress(parsing: settings.peerListen)
            ),
            logger: loggers[.transport],
            handler: parts.network
        )
        parts.network.attach(
            transport: peers,
            replica: parts.replica,
            forwarder: parts.forwarder,
            clock: parts.clusterClock
        ) { request, member in parts.serve(request, from: member) }
        _ = try await peers.start(
            try start.configuration.members.map { try PeerEndpoint($0) }
        )
        let (raft, replicaStart) = try await start.consensus(parts.replica, parts.network)
        // What was fetched may have held a change of the members.
        parts.network.updateMembers(raft.configuration)
        let server = try await listen(settings, parts, loggers[.transport])
        var retention = LogRetention()
        retention.checkpointEntries = UInt64(settings.checkpointEntries)
        parts.replica.start(
            raft: raft,
            state: replicaStart,
            link: parts.network,
            observer: parts,
            folder: SnapshotFolder(folder: settings.data),
            digest: sha256,
            retention: retention
        )
        parts.autopilot.start()
        parts.tasks.start()
        logger.notice(
            "node \(settings.node) serves",
            metadata: ["api": "\(server.boundAddress.text)", "peers": "\(settings.peerListen)"]
        )
        return HoldfastNode(server, peers, parts, settings, logger)
    }

    /// Nothing that this node's last process promised may be broken by this one.
    private static func settleLeases(_ settings: Settings, _ logger: Logger) async throws {
        let hasLeases = settings.readLease
        guard let wait = try LeaseMark.begin(folder: settings.data, hasLeases: hasLeases)
        else { return }
        logger.info("read leases were on before: waiting until none can be left")
        try await Task.sleep(for: wait)
        try LeaseMark.waited(folder: settings.data)
    }

    private static func listen(
        _ settings: Settings,
        _ parts: NodeParts,
        _ logger: Logger
    ) async throws -> HTTPServer {
        let address = try NetworkAddress(parsing: settings.apiListen)
        let tls: TLSMaterial?
        if settings.plainHTTPOnLoopback {
            tls = nil
        } else if let certificate = settings.certificateFile, let key = settings.certificateKeyFile
        {
            tls = try ServerCertificate.load(certificatePath: certificate, keyPath: key)
        } else {
            tls = try ServerCertificate.loadOrCreate(
                folder: settings.data,
                names: certificateNames(settings, address),
                logger: logger
            )
        }
        return try await HTTPServer.start(
            address: address,
            tls: tls,
            threads: Limits.clientThreads,
            logger: logger
        ) { exchange in parts.handle(exchange) }
    }

    /// The names under which clients can be expected to dial.
    private static func certificateNames(
        _ settings: Settings,
        _ listen: NetworkAddress
    ) -> [String] {
        var names = ["localhost", "127.0.0.1", "::1"]
        if !listen.host.isEmpty && listen.host != "0.0.0.0" && listen.host != "::" {
            names.append(listen.host)
        }
        let withoutScheme = settings.apiAddress.split(separator: "/").last.map(String.init) ?? ""
        if let address = try? NetworkAddress(parsing: withoutScheme), !address.host.isEmpty {
            names.append(address.host)
        }
        return names
    }

    private init(
        _ server: HTTPServer,
        _ transport: PeerTransport,
        _ parts: NodeParts,
        _ settings: Settings,
        _ logger: Logger
    ) {
        self.server = server
        self.transport = transport
        workers = parts.workers
        (waiting, fetcher) = (parts.waiting, parts.fetcher)
        timers = parts.timers
        tasks = parts.tasks
        seal = parts.seal
        replica = parts.replica
        audits = parts.audit.keeper
        self.logger = logger
        let scheme = settings.plainHTTPOnLoopback ? "http" : "https"
        apiAddress = "\(scheme)://\(server.boundAddress.text)"
    }

    /// Gives leadership away, ends what was begun, drops the keys and the connections. The log
    /// needs no farewell.
    package func stop() async {
        await giveWay()
        waiting.stop()
        await server.stop(grace: .seconds(Limits.stopGraceSeconds))
        await audits.stop()
        seal.seal()
        await transport.stop()
        await fetcher.stop()
        await workers.stop()
        await tasks.stop()
        try? await timers.shutdownGracefully()
    }

    /// What clients of all nodes write then waits for a hand-over, and not for an election. Whoever
    /// is stopped together with all others waits for nobody.
    private func giveWay() async {
        guard replica.status.role == .leader, replica.hasOthers else { return }
        let deadline = Moment.now + .milliseconds(Limits.stopHandoverMilliseconds)
        let outcome = await withCheckedContinuation { done in
            replica.transferLeadership(to: nil, deadline: deadline) { done.resume(returning: $0) }
        }
        guard case .done(let leader) = outcome else {
            return logger.notice("leadership was not handed over: \(outcome)")
        }
        let name = replica.configuration.member(leader)?.name ?? "\(leader.number)"
        logger.notice("leadership was handed over to \(name)")
    }
}
