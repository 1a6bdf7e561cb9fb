import Glibc
import Logging
import Raft
import Replica
import Wire

/// Reads a TOML settings file; `HOLDFAST_<KEY>` environment variables override its top level.
package enum SettingsReader {
    private static let tables = ["tls", "join", "autopilot"]

    /// Kinds of values a key takes.
    private enum Kind { case text, flag, number }

    /// Every key of the top level, dots for tables.
    private static let keys: [(name: String, kind: Kind)] = [
        ("node", .text), ("data", .text), ("api_listen", .text), ("api_address", .text),
        ("peer_listen", .text), ("cluster_name", .text), ("tls.certificate", .text),
        ("tls.key", .text), ("plain_http_on_loopback", .flag), ("log_level", .text),
        ("log_format", .text), ("log_requests_level", .text),
        ("allow_unlocked_memory", .flag), ("read_lease", .flag), ("clock_drift_ppm", .number),
        ("checkpoint_entries", .number),
        ("metrics_unauthenticated", .flag), ("audit_log", .flag),
        ("join.region", .text), ("join.zone", .text), ("join.peer_address", .text),
        ("autopilot.cleanup_dead_servers", .flag),
        ("autopilot.dead_server_last_contact_threshold", .text),
    ]
    private static let memberKeys = [
        "name", "region", "zone", "peer_address", "api_address", "pin",
    ]
    private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error"]

    /// Parses `text`.
    ///
    /// - Parameters:
    ///   - text: the file's content.
    ///   - path: named in errors.
    ///   - environment: the process's variables; those not starting with HOLDFAST_ are ignored.
    /// - Throws: ``SettingsError`` naming the key, and for an unknown one the nearest known.
    package static func read(
        _ text: String,
        path: String,
        environment: [String: String]
    ) throws(SettingsError) -> Settings {
        let document = try document(text, path: path)
        for name in document.arrays.keys.sorted() where name != "member" {
            throw unknown(name)
        }
        for name in document.tables where !tables.contains(name) { throw unknown(name) }
        var values = try topLevel(document.top)
        try override(&values, with: environment)
        return try settings(values, members: try members(document.arrays["member"] ?? []))
    }

    /// The file's tables, whatever their keys are.
    static func document(
        _ text: String,
        path: String
    ) throws(SettingsError) -> TOMLReader.Document {
        do throws(TOMLReader.Failure) {
            return try TOMLReader.read(text)
        } catch {
            throw .syntax(path: path, reason: "line \(error.line): \(error.reason)")
        }
    }

    // MARK: Values

    private static func topLevel(
        _ table: TOMLReader.Table
    ) throws(SettingsError) -> [String: String] {
        var values: [String: String] = [:]
        for key in table.keys {
            guard let known = keys.first(where: { $0.name == key }) else { throw unknown(key) }
            switch (known.kind, table[key]) {
            case (.text, .text(let text)): values[key] = text
            case (.flag, .flag(let flag)): values[key] = flag ? "true" : "false"
            case (.number, .number(let number)): values[key] = String(number)
            case (.text, _): throw .wrongType(key: key, want: "a string")
            case (.flag, _): throw .wrongType(key: key, want: "true or false")
            case (.number, _): throw .wrongType(key: key, want: "a whole number")
            }
        }
        return values
    }

    /// What is wrong with a name that is not expected there.
    private static func unknown(_ key: String) -> SettingsError {
        switch key {
        case "member": .wrongType(key: key, want: "[[member]] tables")
        case let table where tables.contains(table):
            .wrongType(key: key, want: "a [\(table)] table")
        default:
            .unknownKey(
                key,
                nearest: nearestName(to: key, among: keys.map(\.name) + ["member"] + tables)
            )
        }
    }

    private static func override(
        _ values: inout [String: String],
        with environment: [String: String]
    ) throws(SettingsError) {
        for (name, kind) in keys {
            let variable =
                "HOLDFAST_"
                + name.uppercased().split(separator: ".").joined(
                    separator: "_"
                )
            guard let value = environment[variable], !value.isEmpty else { continue }
            if kind == .flag && value != "true" && value != "false" {
                throw .wrongType(key: variable, want: "true or false")
            }
            if kind == .number && Int(value) == nil {
                throw .wrongType(key: variable, want: "a whole number")
            }
            values[name] = value
        }
    }

    // MARK: Members

    private static func members(
        _ tables: [TOMLReader.Table]
    ) throws(SettingsError) -> [Settings.InitialMember] {
        var members: [Settings.InitialMember] = []
        for (position, table) in tables.enumerated() {
            members.append(try member(table, number: position + 1))
        }
        return members
    }

    private static func member(
        _ table: TOMLReader.Table,
        number: Int
    ) throws(SettingsError) -> Settings.InitialMember {
        for key in table.keys where !memberKeys.contains(key) {
            throw .unknownKey(
                "member[\(number)].\(key)",
                nearest: nearestName(to: key, among: memberKeys)
            )
        }
        func text(_ key: String, default fallback: String? = nil) throws(SettingsError) -> String {
            guard let value = table[key] else {
                if let fallback { return fallback }
                throw .missing("member[\(number)].\(key)")
            }
            guard case .text(let text) = value, !text.isEmpty else {
                throw .wrongType(key: "member[\(number)].\(key)", want: "a non-empty string")
            }
            return text
        }
        let pinText = try text("pin")
        guard let pin = Hex.decode(pinText), pin.count == 32 else {
            throw .wrongValue(
                key: "member[\(number)].pin",
                reason: "a pin is 64 hex digits, as printed by holdfast identity"
            )
        }
        let name = try text("name")
        try checkName(name, key: "member[\(number)].name")
        let region = try text("region")
        return Settings.InitialMember(
            name: name,
            region: region,
            zone: try text("zone", default: region),
            peerAddress: try text("peer_address"),
            apiAddress: try text("api_address"),
            pin: pin
        )
    }

    private static func checkName(_ name: String, key: String) throws(SettingsError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        guard isPlain && (1...64).contains(name.utf8.count) else {
            throw .wrongValue(key: key, reason: "use 1 to 64 letters, digits, -, _ or .")
        }
    }

    // MARK: The whole

    private static func settings(
        _ values: [String: String],
        members: [Settings.InitialMember]
    ) throws(SettingsError) -> Settings {
        func need(_ key: String) throws(SettingsError) -> String {
            guard let value = values[key], !value.isEmpty else { throw .missing(key) }
            return value
        }
        let node = try need("node")
        let peerListen = try need("peer_listen")
        let apiListen = try need("api_listen")
        let isPlain = values["plain_http_on_loopback"] == "true"
        let log = try log(values)
        guard (values["tls.certificate"] == nil) == (values["tls.key"] == nil) else {
            throw .wrongValue(key: "tls", reason: "certificate and key are given together")
        }
        if isPlain && !isLoopback(apiListen) {
            throw .wrongValue(
                key: "plain_http_on_loopback",
                reason: "api_listen is \(apiListen), which is not a loopback address"
            )
        }
        let join = try join(values)
        if join == nil {
            try checkMembers(members, node: node)
        } else if !members.isEmpty {
            throw .wrongValue(
                key: "join",
                reason: "a node has [[member]] tables or a [join] table, never both"
            )
        }
        try checkName(node, key: "node")
        let own = members.first { $0.name == node }
        let scheme = isPlain ? "http" : "https"
        return Settings(
            node: node,
            data: try need("data"),
            apiListen: apiListen,
            apiAddress: values["api_address"] ?? own?.apiAddress ?? "\(scheme)://\(apiListen)",
            peerListen: peerListen,
            clusterName: values["cluster_name"] ?? "holdfast",
            certificateFile: values["tls.certificate"],
            certificateKeyFile: values["tls.key"],
            plainHTTPOnLoopback: isPlain,
            logLevel: log.level,
            logFormat: log.format,
            requestLogLevel: log.requests,
            allowUnlockedMemory: values["allow_unlocked_memory"] == "true",
            readLease: values["read_lease"] == "true",
            clockDriftPPM: try clockDrift(values["clock_drift_ppm"]),
            checkpointEntries: try checkpointEntries(values["checkpoint_entries"]),
            metricsUnauthenticated: values["metrics_unauthenticated"] == "true",
            auditLog: values["audit_log"] != "false",
            members: members,
            join: join,
            autopilot: try autopilot(values)
        )
    }

    private static func log(
        _ values: [String: String]
    ) throws(SettingsError) -> (
        level: String, format: Settings.LogFormat, requests: Logger.Level?
    ) {
        let level = values["log_level"] ?? "info"
        guard logLevels.contains(level) else {
            throw .wrongValue(
                key: "log_level",
                reason: "use one of \(logLevels.joined(separator: ", "))"
            )
        }
        let requestLevel = values["log_requests_level"] ?? "off"
        guard requestLevel == "off" || logLevels.contains(requestLevel) else {
            throw .wrongValue(
                key: "log_requests_level",
                reason: "use off or one of \(logLevels.joined(separator: ", "))"
            )
        }
        guard let format = Settings.LogFormat(rawValue: values["log_format"] ?? "text") else {
            throw .wrongValue(key: "log_format", reason: "use text or json")
        }
        return (level, format, Logger.Level(rawValue: requestLevel))
    }

    /// What a node says of itself when it joins a cluster that exists; nil without a table.
    private static func join(
        _ values: [String: String]
    ) throws(SettingsError) -> Settings.JoinPlace? {
        guard values.keys.contains(where: { $0.hasPrefix("join.") }) else { return nil }
        guard let region = values["join.region"], !region.isEmpty else {
            throw .missing("join.region")
        }
        guard let address = values["join.peer_address"], !address.isEmpty else {
            throw .missing("join.peer_address")
        }
        return Settings.JoinPlace(
            region: region,
            zone: values["join.zone"] ?? region,
            peerAddress: address
        )
    }

    private static func autopilot(
        _ values: [String: String]
    ) throws(SettingsError) -> Settings.Autopilot {
        var autopilot = Settings.Autopilot()
        autopilot.removesDead = values["autopilot.cleanup_dead_servers"] == "true"
        let key = "autopilot.dead_server_last_contact_threshold"
        guard let text = values[key] else { return autopilot }
        let seconds = GoDuration.parse(text).map { $0 / 1_000_000_000 } ?? 0
        guard seconds >= Int64(Limits.deadSecondsMin), seconds <= 366 * 86_400 else {
            throw .wrongValue(
                key: key,
                reason: "use a duration of \(Limits.deadSecondsMin)s to a year, such as \"24h\""
            )
        }
        autopilot.deadSeconds = Int(seconds)
        return autopilot
    }

    private static func clockDrift(_ text: String?) throws(SettingsError) -> Int {
        let most = Int(Raft.Limits.clockDriftPPMMax)
        guard let text else { return Int(ReadLeaseSettings().clockDriftPPM) }
        guard let number = Int(text), (0...most).contains(number) else {
            throw .wrongValue(key: "clock_drift_ppm", reason: "use 0 to \(most)")
        }
        return number
    }

    private static func checkpointEntries(_ text: String?) throws(SettingsError) -> Int {
        guard let text else { return Int(Replica.Limits.checkpointEntries) }
        let allowed = Limits.checkpointEntriesMin...Limits.checkpointEntriesMax
        guard let number = Int(text), allowed.contains(number) else {
            throw .wrongValue(
                key: "checkpoint_entries",
                reason: "use \(allowed.lowerBound) to \(allowed.upperBound)"
            )
        }
        return number
    }

    private static func checkMembers(
        _ members: [Settings.InitialMember],
        node: String
    ) throws(SettingsError) {
        guard !members.isEmpty else { throw .missing("member") }
        guard members.count <= Limits.initialMembersMax else {
            throw .wrongValue(
                key: "member",
                reason: "\(members.count) members; use 1 to \(Limits.initialMembersMax)"
            )
        }
        let names = members.map(\.name).sorted()
        guard names.contains(node) else { throw .notAMember(node: node, members: names) }
        for (first, second) in zip(names, names.dropFirst()) where first == second {
            throw .wrongValue(key: "member", reason: "two members are named \"\(first)\"")
        }
        let addresses = members.map(\.peerAddress).sorted()
        for (first, second) in zip(addresses, addresses.dropFirst()) where first == second {
            throw .wrongValue(key: "member", reason: "two members have peer_address \(first)")
        }
        let pins = members.map { Hex.encode($0.pin) }.sorted()
        for (first, second) in zip(pins, pins.dropFirst()) where first == second {
            throw .wrongValue(key: "member", reason: "two members have the pin \(first)")
        }
        if let problem = Configuration.problem(in: Settings.configured(members)) {
            throw .wrongValue(key: "member", reason: problem)
        }
    }

    private static func isLoopback(_ listen: String) -> Bool {
        listen.hasPrefix("127.") || listen.hasPrefix("localhost:") || listen.hasPrefix("[::1]:")
    }

    /// The known name with the fewest edits away from `name`, if at most three.
    package static func nearestName(to name: String, among known: [String]) -> String? {
        var best: (name: String, distance: Int)?
        for candidate in known {
            let distance = editDistance(Array(name.utf8), Array(candidate.utf8))
            if distance <= 3 && distance < (best?.distance ?? .max) {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// Levenshtein's distance, one row at a time.
    private static func editDistance(_ source: [UInt8], _ target: [UInt8]) -> Int {
        var row = Array(0...target.count)
        for (line, byte) in source.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in target.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column + 1] + 1, row[column] + 1)
            }
        }
        return row[target.count]
    }
}
