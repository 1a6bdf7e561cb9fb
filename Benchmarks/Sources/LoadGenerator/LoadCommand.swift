import NIOCore
import NIOPosix
import NIOSSL

/// The command line of `load`: reads options, runs, prints one line of JSON.
package enum LoadCommand {
    package static let help = """
        usage: load run --url URL [--url URL ...] --path TEMPLATE [options]
               load gap --url URL --url URL ... --path TEMPLATE [options]

        both    --method GET      --body TEMPLATE     --header 'Name: value' (again for more)
                --headers-file F (one header a line, for tokens)   --ca FILE
                --expect 200,204  --keys N (counter modulo N)
        run     --connections 1   --seconds 5  --warmup 1   or   --count N
        gap     --interval 0.002  --timeout 0.5  --seconds 60
                --kill PID --after 2 --settle 1
        templates: {n} is the counter, {b64:TEXT} is base64 of TEXT with # as the counter
        """

    /// Gives the report.
    package static func run(_ arguments: [String]) throws -> String {
        guard let mode = arguments.first else { throw Options.Failure(help) }
        var options = try Options(arguments.dropFirst())
        let endpoints = try readEndpoints(&options)
        let shape = try readShape(&options)
        let tls = try readTLS(&options, endpoints)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        switch mode {
        case "run":
            let settings = try readClosedLoop(&options, endpoints, shape)
            try options.finish()
            return try ClosedLoop.run(settings, tls: tls, on: group.next()).wait()
        case "gap":
            let settings = try readGap(&options, endpoints, shape)
            try options.finish()
            return try GapProbe.run(settings, tls: tls, on: group.next()).wait()
        default:
            throw Options.Failure("\(mode) is not a mode\n\(help)")
        }
    }

    private static func readEndpoints(_ options: inout Options) throws -> [Endpoint] {
        let endpoints = try options.all("url").map { text throws(Options.Failure) in
            guard let endpoint = Endpoint(text) else {
                throw Options.Failure("--url \(text): http(s)://host:port is needed")
            }
            return endpoint
        }
        guard !endpoints.isEmpty else { throw Options.Failure("--url is needed") }
        return endpoints
    }

    private static func readShape(_ options: inout Options) throws -> RequestShape {
        guard let path = options.last("path"), path.hasPrefix("/") else {
            throw Options.Failure("--path is needed and starts with /")
        }
        var headers = options.all("header")
        if let file = options.last("headers-file") {
            headers += try TextFile.read(file).split(separator: "\n").map(String.init)
        }
        let expected = (options.last("expect") ?? "200,204").split(separator: ",").compactMap {
            Int($0)
        }
        return RequestShape(
            method: options.last("method") ?? "GET",
            path: Template(path),
            body: options.last("body").map(Template.init),
            headers: headers,
            expected: Set(expected),
            keys: try options.integer("keys", default: 0)
        )
    }

    private static func readTLS(
        _ options: inout Options,
        _ endpoints: [Endpoint]
    ) throws -> NIOSSLContext? {
        let file = options.last("ca")
        guard endpoints.contains(where: \.usesTLS) else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let file { configuration.trustRoots = .file(file) }
        return try NIOSSLContext(configuration: configuration)
    }

    private static func readClosedLoop(
        _ options: inout Options,
        _ endpoints: [Endpoint],
        _ shape: RequestShape
    ) throws -> ClosedLoopSettings {
        let connections = try options.integer("connections", default: 1)
        guard connections > 0 else { throw Options.Failure("--connections must be at least 1") }
        let count = try options.integer("count", default: 0)
        return ClosedLoopSettings(
            endpoints: endpoints,
            shape: shape,
            connections: connections,
            duration: .milliseconds(Int64(try options.milliseconds("seconds", default: 5_000))),
            warmUp: .milliseconds(Int64(try options.milliseconds("warmup", default: 1_000))),
            count: count > 0 ? count : nil
        )
    }

    private static func readGap(
        _ options: inout Options,
        _ endpoints: [Endpoint],
        _ shape: RequestShape
    ) throws -> GapSettings {
        let victim = try options.integer("kill", default: 0)
        guard victim != 1, victim <= Int(Int32.max) else {
            throw Options.Failure("--kill \(victim): a process id is needed")
        }
        func time(_ name: String, _ fallback: Int) throws(Options.Failure) -> TimeAmount {
            .milliseconds(Int64(try options.milliseconds(name, default: fallback)))
        }
        return GapSettings(
            endpoints: endpoints,
            shape: shape,
            interval: try time("interval", 2),
            timeout: try time("timeout", 500),
            victim: victim > 0 ? Int32(victim) : nil,
            signalAfter: try time("after", 2_000),
            settle: try time("settle", 1_000),
            limit: try time("seconds", 60_000)
        )
    }
}
