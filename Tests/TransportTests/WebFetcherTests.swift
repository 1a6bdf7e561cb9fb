import Synchronization
import TestSupport
import Testing
import Wire

@testable import Transport

extension NetworkTests {
    /// Documents from servers of others: strict about who answers, with what, and when.
    @Suite("fetching documents")
    struct WebFetcherTests {
        /// A fetcher that is stopped at the end of the body.
        private func withFetcher(_ body: (WebFetcher) async throws -> Void) async throws {
            let fetcher = WebFetcher()
            do {
                try await body(fetcher)
            } catch {
                await fetcher.stop()
                throw error
            }
            await fetcher.stop()
        }

        /// The document, or why there is none.
        private func text(
            _ fetcher: WebFetcher,
            _ address: String,
            _ authorities: String = "",
            patience: Duration = .seconds(60),
            trace: String? = nil
        ) async throws -> String {
            var fetch = WebFetch(
                try WebAddress(address),
                authorities: authorities,
                patience: patience,
                bytesMax: 1_000
            )
            fetch.trace = trace
            let result = await withCheckedContinuation { done in
                fetcher.fetch(fetch) { done.resume(returning: $0) }
            }
            switch result {
            case .success(let bytes): return String(decoding: bytes, as: UTF8.self)
            case .failure(let error): return error.text
            }
        }

        /// Answers by path; what it does not know waits for ever.
        @Sendable private static func serve(_ exchange: HTTPExchange) {
            let target = String(decoding: exchange.request.target, as: UTF8.self)
            func redirect(_ status: Int, _ location: String) {
                exchange.respond(status: status, headers: [("Location", location)], body: [])
            }
            switch target {
            case "/doc?a=b": exchange.respond(status: 200, headers: [], body: Array("{}".utf8))
            case "/long":
                exchange.respond(
                    status: 200,
                    headers: [],
                    body: [UInt8](repeating: 0x78, count: 1_001)
                )
            case "/none": exchange.respond(status: 404, headers: [], body: Array("x".utf8))
            case "/once": redirect(302, "/doc?a=b")
            case "/round": redirect(307, "/round")
            case "/plain": redirect(301, "http://127.0.0.1:1/doc")
            case "/secure": redirect(301, "https://127.0.0.1:1/doc")
            case "/lost": exchange.respond(status: 303, headers: [], body: [])
            default: waiting.add(exchange)
            }
        }

        private static let waiting = Collector<HTTPExchange>()

        static let rows: [(path: String, expected: String)] = [
            ("/doc?a=b", "{}"), ("/once", "{}"), ("/long", "longer than 1000 bytes"),
            ("/none", "answered with status 404"), ("/round", "redirects more than 3 times"),
            ("/lost", "redirects to nowhere"),
        ]

        @Test("over plain HTTP on this machine", arguments: rows.indices)
        func plain(_ row: Int) async throws {
            try await withServer(handler: Self.serve) { server in
                try await withFetcher { fetcher in
                    let origin = "http://127.0.0.1:\(server.boundAddress.port)"
                    let text = try await text(fetcher, origin + Self.rows[row].path)
                    #expect(text.contains(Self.rows[row].expected), "\(text)")
                    let other = try await self.text(fetcher, origin + "/secure")
                    #expect(other.contains("leads to another scheme"), "\(other)")
                }
            }
        }

        @Test("each request has the trace it is asked with, and none where there is none")
        func trace() async throws {
            let seen = Collector<String>()
            let serve: @Sendable (HTTPExchange) -> Void = { exchange in
                seen.add(exchange.request.header("traceparent") ?? "none")
                Self.serve(exchange)
            }
            try await withServer(handler: serve) { server in
                try await withFetcher { fetcher in
                    let address = "http://127.0.0.1:\(server.boundAddress.port)/once"
                    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                    let traced = try await text(fetcher, address, trace: trace)
                    let untraced = try await text(fetcher, address)
                    #expect(traced == "{}" && untraced == "{}")
                    #expect(seen.all == [trace, trace, "none", "none"])
                }
            }
        }

        @Test("over TLS: the right authority, the right name, the same scheme")
        func secure() async throws {
            let folder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["127.0.0.1", "localhost"],
                logger: quietLogger
            )
            let other = TemporaryFolder()
            let foreign = try ServerCertificate.loadOrCreate(
                folder: other.path,
                names: ["127.0.0.1"],
                logger: quietLogger
            )
            let pem = tls.certificatePEM
            try await withServer(tls: tls, handler: Self.serve) { server in
                try await withFetcher { fetcher in
                    let port = server.boundAddress.port
                    let origin = "https://127.0.0.1:\(port)"
                    #expect(try await text(fetcher, origin + "/doc?a=b", pem) == "{}")
                    #expect(try await text(fetcher, origin + "/once", pem) == "{}")
                    let named = try await text(fetcher, "https://localhost:\(port)/once", pem)
                    #expect(named == "{}")
                    for (address, authorities, reason) in [
                        (origin + "/plain", pem, "leads to another scheme"),
                        (origin + "/doc?a=b", "", "not one of those trusted"),
                        (origin + "/doc?a=b", foreign.certificatePEM, "not one of those trusted"),
                        (origin + "/doc?a=b", "no PEM", "could not parse CA PEM"),
                        ("https://127.0.0.2:\(port)/", pem, "127.0.0.2"),
                        ("http://127.0.0.1:\(port)/doc?a=b", "", "127.0.0.1"),
                    ] {
                        let text = try await text(fetcher, address, authorities)
                        #expect(text.contains(reason) && text != "{}", "\(address): \(text)")
                    }
                }
            }
        }

        @Test("a server that says nothing is given up in time, and nobody is a failure")
        func patience() async throws {
            try await withServer(handler: Self.serve) { server in
                try await withFetcher { fetcher in
                    let origin = "http://127.0.0.1:\(server.boundAddress.port)"
                    let began = ContinuousClock.now
                    let text = try await text(fetcher, origin, patience: .milliseconds(200))
                    #expect(text.contains("did not answer within 0.2 seconds"), "\(text)")
                    #expect(ContinuousClock.now - began < .seconds(30))
                    let nobody = try await self.text(fetcher, "http://127.0.0.1:1/")
                    #expect(nobody.contains("http://127.0.0.1:1: "), "\(nobody)")
                    // It speaks, but no TLS.
                    let port = server.boundAddress.port
                    let none = try await self.text(fetcher, "https://127.0.0.1:\(port)/doc?a=b")
                    #expect(none.hasPrefix("https://127.0.0.1:\(port)"), "\(none)")
                    let unknown = try await self.text(fetcher, "https://no-such-host.invalid/")
                    #expect(unknown.hasPrefix("https://no-such-host.invalid: "), "\(unknown)")
                }
            }
        }

        @Test("fetches are bounded in number, and end with the fetcher")
        func bounds() async throws {
            try await withServer(handler: Self.serve) { server in
                let fetcher = WebFetcher()
                let texts = Collector<String>()
                let address = try WebAddress("http://127.0.0.1:\(server.boundAddress.port)/")
                let fetch = WebFetch(
                    address,
                    authorities: "",
                    patience: .seconds(300),
                    bytesMax: 1_000
                )
                let most = TransportLimits.fetchesMax
                for _ in 0...most {
                    fetcher.fetch(fetch) { result in
                        if case .failure(let error) = result { texts.add(error.text) }
                    }
                }
                #expect(texts.all == ["\(most) other fetches are under way"])
                await fetcher.stop()
                try await eventually("all have ended") { texts.count == most + 1 }
                fetcher.fetch(fetch) { result in
                    if case .failure(let error) = result { texts.add(error.text) }
                }
                #expect(texts.all.last == "this node stops")
            }
        }
    }
}
