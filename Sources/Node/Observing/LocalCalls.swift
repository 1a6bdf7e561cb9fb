import API
import Engines
import Logging
import NIOCore
import Replica
import Transport
import Vault
import Wire

/// An answer whose body is made while it is sent, or a refusal.
struct StreamedAnswer: Sendable {
    /// Its head. Has a body itself where there is nothing to stream.
    let head: APIResponse
    /// Gets what the body is written to, once the head may leave.
    let body: (@Sendable (HTTPStream) -> Void)?

    init(_ head: APIResponse, body: (@Sendable (HTTPStream) -> Void)? = nil) {
        (self.head, self.body) = (head, body)
    }
}

/// Carries out ``LocalCall``s: of this node, and for a token that may.
struct LocalCalls: Sendable {
    let settings: Settings
    let levels: LogLevels
    let inFlight: InFlightRequests
    let monitor: LogMonitor
    let seal: SealKeeper
    let logger: Logger

    /// What an allowed call leads to. Reads files of the system, so not on an event loop.
    func answer(_ call: LocalCall, requestID: [UInt8], now: Timestamp) -> APIResponse {
        do throws(VaultError) {
            switch (call.subject, call.operation) {
            case (.host, .read):
                let facts = HostFacts.collect(dataFolder: settings.data, now: now)
                return try enveloped(facts, call, requestID)
            case (.settings, .read):
                return try enveloped(SettingsFacts.members(of: settings), call, requestID)
            case (.inFlight, .read): return LocalReply.bare(requests())
            case (.loggers, .read): return try enveloped(all(), call, requestID)
            case (.logger(let name), .read): return try enveloped(one(name), call, requestID)
            case (.loggers, .update): return try set(LogPart.allCases, call)
            case (.logger(let name), .update): return try set([part(name)], call)
            case (.loggers, .delete): return reset(LogPart.allCases)
            case (.logger(let name), .delete): return reset([try part(name)])
            default: return LocalReply.unsupportedOperation
            }
        } catch {
            return Reply.response(to: error)
        }
    }

    /// What an allowed call for the log leads to.
    func watch(_ call: LocalCall) -> StreamedAnswer {
        do throws(VaultError) {
            let schema: [(String, FieldSchema.Kind)] = [
                ("log_level", .text), ("log_format", .text),
            ]
            let fields = try LocalReply.fields(call.fields, schema)
            let name = fields.text("log_level") ?? ""
            guard let level = Logger.Level(named: name.isEmpty ? "info" : name) else {
                throw .invalid("unknown log level")
            }
            let wanted = (fields.text("log_format") ?? "standard").lowercased()
            guard let format = LogMonitor.Format(rawValue: wanted) else {
                throw .invalid("unknown log format")
            }
            guard monitor.hasRoom else {
                let text = "\(Limits.logWatchersMax) clients watch the log of this node already"
                return StreamedAnswer(Reply.errors(503, [text]))
            }
            let head = APIResponse(status: 200, contentType: "text/plain; charset=utf-8")
            return StreamedAnswer(head) { begin(level, format, $0) }
        } catch {
            return StreamedAnswer(Reply.response(to: error))
        }
    }

    /// Lines go to the client until it leaves, or this node is sealed or stops.
    private func begin(
        _ level: Logger.Level,
        _ format: LogMonitor.Format,
        _ stream: HTTPStream
    ) {
        let watch = LogMonitor.Watch(level, format) {
            stream.write($0)
        } finish: {
            stream.finish()
        }
        guard monitor.begin(watch) else { return stream.finish() }
        stream.whenEnded { [monitor] in monitor.end(watch) }
        // It may have been sealed since it was asked.
        if seal.unsealed == nil { monitor.endAll() }
    }

    private func enveloped(
        _ members: JSONObject,
        _ call: LocalCall,
        _ requestID: [UInt8]
    ) throws(VaultError) -> APIResponse {
        let warnings = try LocalReply.fields(call.fields, []).warnings
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return LocalReply.enveloped(data, warnings: warnings, requestID: requestID)
    }

    private func requests() -> JSONObject {
        var members = JSONObject()
        for entry in inFlight.entries {
            members[uuidText(entry.id)] = [
                "start_time": .string(entry.started.rfc3339),
                "client_remote_address": .string(entry.address),
                "request_path": .string(RequestObserver.printable(entry.target)),
                "request_method": .string(
                    RequestObserver.printable(Array(entry.method.utf8))
                ),
                // Who asks is known once the vault was asked; what waits may not be there yet.
                "client_id": "",
            ]
        }
        return members
    }

    // MARK: loggers

    private func all() -> JSONObject {
        JSONObject(LogPart.allCases.map { ($0.rawValue, .string(levels[$0].shortName)) })
    }

    private func one(_ name: String) throws(VaultError) -> JSONObject {
        guard let part = LogPart(rawValue: name) else { return JSONObject() }
        return JSONObject([(name, .string(levels[part].shortName))])
    }

    private func part(_ name: String) throws(VaultError) -> LogPart {
        guard let part = LogPart(rawValue: name) else {
            throw .invalid("logger \(GoText.quoted(name)) not found")
        }
        return part
    }

    private func set(_ parts: [LogPart], _ call: LocalCall) throws(VaultError) -> APIResponse {
        let fields = try LocalReply.fields(call.fields, [("level", .text)], captured: ["name"])
        guard let name = fields.text("level"), !name.isEmpty else {
            throw .invalid("level is required")
        }
        guard let level = Logger.Level(named: name) else {
            throw .invalid("invalid level provided: unknown log level: \(name)")
        }
        return change(parts, to: level)
    }

    private func reset(_ parts: [LogPart]) -> APIResponse { change(parts, to: levels.initial) }

    /// Whoever reads the log shall know why it became longer or shorter.
    private func change(_ parts: [LogPart], to level: Logger.Level) -> APIResponse {
        for part in parts { levels[part] = level }
        let names = parts.map(\.rawValue).joined(separator: " ")
        logger.notice("log level changed", metadata: ["loggers": "\(names)", "level": "\(level)"])
        return APIResponse(status: 204)
    }
}

/// `sys/config/state/sanitized`: how this node is set, without anything secret. Names are OpenBao's
/// where it has the same setting.
enum SettingsFacts {
    static func members(of settings: Settings) -> JSONObject {
        let listener: JSONValue = [
            "config": [
                "address": .string(settings.apiListen),
                "tls_disable": .bool(settings.plainHTTPOnLoopback),
            ],
            "type": "tcp",
        ]
        return [
            "allow_unlocked_memory": .bool(settings.allowUnlockedMemory),
            "api_addr": .string(settings.apiAddress),
            "audit_log": .bool(settings.auditLog),
            "checkpoint_entries": .number(JSONNumber(settings.checkpointEntries)),
            "cluster_addr": .string("https://\(settings.peerListen)"),
            "cluster_name": .string(settings.clusterName),
            "default_lease_ttl": .number(JSONNumber(VaultLimits.leaseSecondsDefault)),
            "listeners": [listener],
            "log_format": .string(settings.logFormat.rawValue),
            "log_level": .string(settings.logLevel),
            "log_requests_level": .string(settings.requestLogLevel?.rawValue ?? ""),
            "max_lease_ttl": .number(JSONNumber(VaultLimits.leaseSecondsDefault)),
            "metrics_unauthenticated": .bool(settings.metricsUnauthenticated),
            "raw_storage_endpoint": false,
            "read_lease": .bool(settings.readLease),
            "seals": [["disabled": false, "type": "shamir"]],
            "storage": [
                "cluster_addr": .string("https://\(settings.peerListen)"),
                "disable_clustering": false,
                "node_id": .string(settings.node),
                "path": .string(settings.data),
                "redirect_addr": .string(settings.apiAddress),
                "type": "raft",
            ],
        ]
    }
}
