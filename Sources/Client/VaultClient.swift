import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import Wire

/// A blocking client of the HTTP API, for commands.
///
/// One request at a time, over connections that are kept. Repeats what ``RetryPolicy`` allows and
/// follows one redirect (307), never from https to http.
package final class VaultClient {
    /// What the client was made with.
    package let settings: ClientSettings
    /// Made at the first https address: reading the system's certificates takes a while.
    private var tls: NIOSSLContext?
    private let group: MultiThreadedEventLoopGroup
    private var connections: [ServerAddress: Connection] = [:]

    /// - Throws: ``ClientError`` for trust roots, token or namespace that cannot be used.
    package init(_ settings: ClientSettings) throws(ClientError) {
        for (name, text) in [("token", settings.token), ("namespace", settings.namespace)] {
            guard let text else { continue }
            guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .badHeaderText(of: name)
            }
        }
        self.settings = settings
        if settings.address.usesTLS { tls = try Self.context(settings.trust, settings.identity) }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    deinit { try? group.syncShutdownGracefully() }

    /// Sends a request and gives the answer, whatever its status.
    ///
    /// - Throws: ``ClientError``, but not ``ClientError/server(status:errors:address:)``.
    package func send(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        let policy = RetryPolicy(retriesMax: settings.retriesMax)
        var attempt = 0
        while true {
            let pause: Int
            do {
                let response = try follow(request)
                guard
                    let wanted = policy.pauseMilliseconds(
                        after: response,
                        to: request.method,
                        attempt: attempt
                    )
                else { return response }
                pause = wanted
            } catch {
                guard
                    let wanted = policy.pauseMilliseconds(
                        after: error,
                        to: request.method,
                        attempt: attempt
                    )
                else { throw error }
                pause = wanted
            }
            sleep(milliseconds: pause)
            attempt += 1
        }
    }

    /// Sends a request and gives the JSON object of a 2xx answer, nil if it has no body.
    ///
    /// - Throws: ``ClientError``; any other status is
    ///   ``ClientError/server(status:errors:address:)``.
    package func call(_ request: ClientRequest) throws(ClientError) -> JSONObject? {
        try Self.object(of: send(request))
    }

    /// The JSON object of a 2xx answer, nil if it has no body.
    ///
    /// - Throws: ``ClientError/server(status:errors:address:)`` for any other status.
    package static func object(of response: ClientResponse) throws(ClientError) -> JSONObject? {
        guard (200..<300).contains(response.status) else {
            throw .server(
                status: response.status,
                errors: response.errors,
                address: response.address.text
            )
        }
        if response.body.isEmpty { return nil }
        guard let object = response.object else {
            throw .badAnswer(response.address.text, reason: "it is not a JSON object")
        }
        return object
    }

    /// Asks several nodes at once, one attempt each, without token.
    ///
    /// - Parameter timeoutSeconds: for each.
    /// - Returns: one result for each address, in their order.
    package func probe(
        _ addresses: [ServerAddress],
        _ request: ClientRequest,
        timeoutSeconds: Double
    ) -> [Result<ClientResponse, ClientError>] {
        let limit = Self.amount(timeoutSeconds)
        let futures = addresses.map { address -> EventLoopFuture<ClientResponse> in
            let tls: NIOSSLContext?
            do {
                tls = try context(for: address)
            } catch {
                return group.next().makeFailedFuture(error)
            }
            return Self.connect(
                to: address,
                tls: tls,
                serverName: nil,
                on: group.next(),
                within: limit
            )
            .flatMap { connection in
                Self.exchange(request, on: connection, headers: [], within: limit)
                    .always { _ in connection.channel.close(promise: nil) }
            }
        }
        return zip(addresses, futures).map { address, future in
            Result { () throws(ClientError) in try Self.wait(future, address) }
        }
    }

    // One attempt

    private func follow(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        let response = try attempt(request, at: settings.address)
        guard response.status == 307, let location = response.location else { return response }
        let (address, target) = try Self.target(of: location, from: response.address)
        return try attempt(ClientRequest(request, target: target), at: address)
    }

    private func attempt(
        _ request: ClientRequest,
        at address: ServerAddress
    ) throws(ClientError) -> ClientResponse {
        let limit = Self.amount(settings.timeoutSeconds)
        let connection: Connection
        if let kept = connections[address], kept.channel.isActive {
            connection = kept
        } else {
            let name = address == settings.address ? settings.serverName : nil
            let future = Self.connect(
                to: address,
                tls: try context(for: address),
                serverName: name,
                on: group.next(),
                within: limit
            )
            connection = try Self.wait(future, address)
            connections[address] = connection
        }
        var headers: [(String, String)] = []
        if let token = settings.token { headers.append(("X-Vault-Token", token)) }
        if let namespace = settings.namespace {
            headers.append(("X-Vault-Namespace", namespace))
        }
        let future = Self.exchange(request, on: connection, headers: headers, within: limit)
        return try Self.wait(future, address)
    }

    private static func target(
        of location: String,
        from address: ServerAddress
    ) throws(ClientError) -> (ServerAddress, String) {
        if location.utf8.first == UInt8(ascii: "/") { return (address, location) }
        let bytes = Array(location.utf8)
        // scheme://authority/path
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let slash = bytes.dropFirst(colon + 3).firstIndex(of: UInt8(ascii: "/")),
            let next = try? ServerAddress(String(decoding: bytes[..<slash], as: UTF8.self)),
            next.usesTLS || !address.usesTLS
        else { throw .badRedirect(address.text, to: location) }
        return (next, String(decoding: bytes[slash...], as: UTF8.self))
    }

    /// What TLS needs for an https address, nil for http.
    private func context(for address: ServerAddress) throws(ClientError) -> NIOSSLContext? {
        guard address.usesTLS else { return nil }
        if let tls { return tls }
        let made = try Self.context(settings.trust, settings.identity)
        tls = made
        return made
    }

    private func sleep(milliseconds: Int) {
        let pause = TimeAmount.milliseconds(Int64(milliseconds))
        try? group.next().scheduleTask(in: pause) {}.futureResult.wait()
    }

    // NIO

    private static func context(
        _ trust: ClientSettings.Trust,
        _ identity: ClientSettings.Identity?
    ) throws(ClientError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        var file = "the system"
        switch trust {
        case .system: break
        case .file(let path):
            file = path
            configuration.trustRoots = .file(path)
        case .anything: configuration.certificateVerification = .none
        }
        let plain: NIOSSLContext
        do {
            plain = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .badTrustFile(file, reason: "it cannot be read as PEM")
        }
        guard let identity else { return plain }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(identity.certificates)
            let key = try NIOSSLPrivateKey(file: identity.key, format: .pem)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(key)
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .badIdentity(certificates: identity.certificates, key: identity.key)
        }
    }

    /// A connection and what puts its answers together. The collector is kept here, not looked up
    /// in the pipeline: that is empty when the connection has ended, and the collector knows why.
    private struct Connection: Sendable {
        let address: ServerAddress
        let channel: any Channel
        let collector: NIOLoopBound<AnswerCollector>
    }

    private static func connect(
        to address: ServerAddress,
        tls: NIOSSLContext?,
        serverName: String?,
        on loop: any EventLoop,
        within limit: TimeAmount
    ) -> EventLoopFuture<Connection> {
        loop.flatSubmit {
            let collector = NIOLoopBound(AnswerCollector(address: address), eventLoop: loop)
            return ClientBootstrap(group: loop)
                .connectTimeout(min(limit, .seconds(10)))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let tls {
                            let name = serverName ?? (address.isIPAddress ? nil : address.host)
                            try pipeline.addHandler(
                                NIOSSLClientHandler(context: tls, serverHostname: name)
                            )
                        }
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(collector.value)
                    }
                }
                .connect(host: address.host, port: address.port)
                .map { Connection(address: address, channel: $0, collector: collector) }
        }
    }

    private static func exchange(
        _ request: ClientRequest,
        on connection: Connection,
        headers: [(String, String)],
        within limit: TimeAmount
    ) -> EventLoopFuture<ClientResponse> {
        var head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method.rawValue),
            uri: request.target
        )
        head.headers.add(name: "Host", value: connection.address.authority)
        head.headers.add(name: "User-Agent", value: "holdfast")
        head.headers.add(name: "X-Vault-Request", value: "true")
        for (name, value) in headers + request.headers {
            head.headers.add(name: name, value: value)
        }
        if let body = request.body {
            head.headers.add(name: "Content-Type", value: "application/json")
            head.headers.add(name: "Content-Length", value: "\(body.count)")
        }
        let body = request.body.map { ByteBuffer(bytes: $0) }
        return connection.channel.eventLoop.flatSubmit { [head] in
            connection.collector.value.send(
                head,
                body: body,
                within: limit,
                on: connection.channel
            )
        }
    }

    private static func wait<Value: Sendable>(
        _ future: EventLoopFuture<Value>,
        _ address: ServerAddress
    ) throws(ClientError) -> Value {
        do {
            return try future.wait()
        } catch let error as ClientError {
            throw error
        } catch {
            throw .unreachable(address.text, reason: reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            if error.dnsAError != nil { return "the name \(error.host) is not known" }
            return "nothing answers at \(error.host)"
        case let error as IOError: return LocalFile.reason(error.errnoCode)
        case let error as ChannelError:
            if case .connectTimeout = error { return "no answer in time" }
            return "\(error)"
        case let error as SocketAddressError:
            if case .unknown(let host, _) = error { return "the name \(host) is not known" }
            return "the name is not known"
        default: return "\(error)"
        }
    }

    private static func amount(_ seconds: Double) -> TimeAmount {
        .nanoseconds(Int64(min(seconds, 86_400) * 1e9))
    }
}
