import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
package import Wire

/// A document to fetch from a server of somebody else.
package struct WebFetch: Sendable {
    /// Where it is.
    package let address: WebAddress
    /// Certificates in PEM whose servers are trusted; empty: those that the system trusts.
    package let authorities: String
    /// For everything: names, connections, redirects, the answer.
    package let patience: Duration
    /// Bytes of its body.
    package let bytesMax: Int
    /// `traceparent` of each request that is made for it, redirects too; nil: none. One line, as
    /// W3C Trace Context wants it.
    package var trace: String?

    package init(
        _ address: WebAddress,
        authorities: String,
        patience: Duration,
        bytesMax: Int
    ) {
        self.address = address
        self.authorities = authorities
        self.patience = patience
        self.bytesMax = bytesMax
    }
}

/// Why a document could not be fetched, for operators: what happened, lower case. Holds nothing
/// that the server sent, and of the address only scheme, host and port.
package struct WebFetchError: Error, Equatable {
    /// The reason.
    package let text: String

    init(_ text: String) { self.text = text }
}

/// Fetches documents from servers of others, one GET each, on a thread that the process has for
/// such things.
///
/// Over https the server's certificate has to be for the host that was asked for, and from an
/// authority that is trusted. Redirects are followed, a few, and never to another scheme. No proxy,
/// no cookies, no kept connections: a fetch is rare, and what is not there cannot go wrong.
package final class WebFetcher: Sendable {
    private struct Trust {
        let context: NIOSSLContext
        let madeAt: NIODeadline
    }

    /// Of NIO's own threads, which never end: looking up a name cannot be broken off, and its end
    /// would come to a thread that is gone.
    private let loop = MultiThreadedEventLoopGroup.singleton.any()
    /// By the certificates in PEM. Only looked up.
    private let trusts: NIOLoopBoundBox<[String: Trust]>
    /// Those under way.
    private let asking: NIOLoopBoundBox<[ObjectIdentifier: WebAnswerCollector]>
    private let isOpen = Mutex(true)
    private let count = Atomic(0)

    /// See ``stop()``.
    package init() {
        trusts = .makeBoxSendingValue([:], eventLoop: loop)
        asking = .makeBoxSendingValue([:], eventLoop: loop)
    }

    /// Fetches. `completion` is called once, on any thread, within the patience.
    package func fetch(
        _ fetch: WebFetch,
        completion: @escaping @Sendable (Result<[UInt8], WebFetchError>) -> Void
    ) {
        let deadline = NIODeadline.now() + Self.amount(fetch.patience)
        guard count.add(1, ordering: .relaxed).newValue <= TransportLimits.fetchesMax else {
            count.subtract(1, ordering: .relaxed)
            return completion(
                .failure(
                    WebFetchError("\(TransportLimits.fetchesMax) other fetches are under way")
                )
            )
        }
        let end: @Sendable (Result<[UInt8], WebFetchError>) -> Void = { [self] result in
            count.subtract(1, ordering: .relaxed)
            completion(result)
        }
        // Held while it is handed over, so that ``stop()`` comes before it or after.
        let isTaken = isOpen.withLock { isOpen in
            guard isOpen else { return false }
            loop.execute { [self] in
                go(fetch, at: fetch.address, TransportLimits.redirectsMax, deadline)
                    .whenComplete { end($0.mapError(Self.known)) }
            }
            return true
        }
        if !isTaken { end(.failure(WebFetchError("this node stops"))) }
    }

    /// Ends what is under way, with a failure, and takes no more.
    package func stop() async {
        isOpen.withLock { $0 = false }
        try? await loop.submit { [asking] in
            for collector in Array(asking.value.values) { collector.end("this node stops") }
        }.get()
    }

    // MARK: on the thread

    private func go(
        _ fetch: WebFetch,
        at address: WebAddress,
        _ redirectsLeft: Int,
        _ deadline: NIODeadline
    ) -> EventLoopFuture<[UInt8]> {
        let tls: NIOSSLContext?
        do throws(WebFetchError) {
            tls = address.usesTLS ? try context(fetch.authorities) : nil
        } catch {
            return loop.makeFailedFuture(error)
        }
        return exchange(fetch, at: address, tls, deadline).flatMap { [self] answer in
            switch answer {
            case .body(let bytes): return loop.makeSucceededFuture(bytes)
            case .redirect(let location):
                guard redirectsLeft > 0 else {
                    return loop.makeFailedFuture(
                        WebFetchError(
                            "\(fetch.address.origin) redirects more than "
                                + "\(TransportLimits.redirectsMax) times"
                        )
                    )
                }
                do throws(WebAddressError) {
                    return go(
                        fetch,
                        at: try address.following(location),
                        redirectsLeft - 1,
                        deadline
                    )
                } catch {
                    return loop.makeFailedFuture(
                        WebFetchError(
                            "a redirect of \(address.origin) is not followed: \(error.text)"
                        )
                    )
                }
            }
        }
    }

    private func exchange(
        _ fetch: WebFetch,
        at address: WebAddress,
        _ tls: NIOSSLContext?,
        _ deadline: NIODeadline
    ) -> EventLoopFuture<WebAnswer> {
        let collector = WebAnswerCollector(
            address,
            bytesMax: fetch.bytesMax,
            trace: fetch.trace,
            promise: loop.makePromise()
        )
        let bound = NIOLoopBound(collector, eventLoop: loop)
        let patience = fetch.patience
        let timeout = loop.scheduleTask(deadline: deadline) {
            bound.value.end("\(address.origin) did not answer within \(patience)")
        }
        let id = ObjectIdentifier(collector)
        asking.value[id] = collector
        collector.answer.whenComplete { [asking] _ in
            timeout.cancel()
            asking.value[id] = nil
        }
        let name = address.isIPAddress ? nil : address.host
        ClientBootstrap(group: loop)
            .connectTimeout(max(deadline - .now(), .milliseconds(1)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name)
                        )
                    }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(bound.value)
                }
            }
            .connect(host: address.host, port: address.port)
            .whenComplete { result in
                switch result {
                case .success(let channel): bound.value.begin(on: channel)
                case .failure(let error):
                    bound.value.end("\(address.origin): \(WebAnswerCollector.reason(error))")
                }
            }
        return collector.answer
    }

    /// Made now and then: reading the system's certificates takes a while, and they change.
    private func context(_ authorities: String) throws(WebFetchError) -> NIOSSLContext {
        let now = NIODeadline.now()
        if let trust = trusts.value[authorities],
            now < trust.madeAt + .seconds(TransportLimits.trustSeconds)
        {
            return trust.context
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        let context: NIOSSLContext
        do {
            if !authorities.isEmpty {
                configuration.trustRoots = .certificates(
                    try NIOSSLCertificate.fromPEMBytes(Array(authorities.utf8))
                )
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw WebFetchError("could not parse CA PEM value successfully")
        }
        if trusts.value.count >= TransportLimits.trustsMax { trusts.value = [:] }
        trusts.value[authorities] = Trust(context: context, madeAt: now)
        return context
    }

    private static func known(_ error: any Error) -> WebFetchError {
        error as? WebFetchError ?? WebFetchError("the connection failed: \(error)")
    }

    private static func amount(_ duration: Duration) -> TimeAmount {
        let (seconds, attoseconds) = duration.components
        return .nanoseconds(
            max(0, min(seconds, 86_400)) * 1_000_000_000 + attoseconds / 1_000_000_000
        )
    }
}
