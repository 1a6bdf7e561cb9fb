import Wire

/// What a node says of itself on `sys/node-status`.
struct NodeStatusAnswer {
    let object: JSONObject

    /// Nil for what is no such answer: other servers of this API have another error, or none.
    init?(_ object: JSONObject?) {
        guard let object, object["node"]?.asString != nil, object["role"]?.asString != nil else {
            return nil
        }
        self.object = object
    }

    var name: String { text("node") ?? "" }
    var version: String { text("version") ?? "" }
    var time: Timestamp? { text("time").flatMap { Timestamp(rfc3339: $0) } }
    var isInitialized: Bool { flag("initialized") }
    var isSealed: Bool { flag("sealed") }
    var sharesGiven: Int { number("shares_given") ?? 0 }
    var sharesNeeded: Int { number("shares_needed") ?? 0 }
    var role: String { text("role") ?? "" }
    var isLeader: Bool { role == "leader" }
    var term: Int { number("term") ?? 0 }
    var hasLeader: Bool { flag("has_leader") }
    var committedIndex: Int { number("committed_index") ?? 0 }
    var appliedIndex: Int { number("applied_index") ?? 0 }
    /// Whether its disk has room for everything.
    var hasRoom: Bool { text("room") == "ample" }
    /// Whether its disk has room for what others could send again later.
    var takesEntries: Bool { text("room") != "none" }

    // MARK: what not everybody is told

    /// Nil where the token may not see it.
    var members: [JSONObject]? { object["members"]?.asArray?.compactMap(\.asObject) }
    var leader: String? { text("leader") }
    var leaderSince: Timestamp? { text("leader_since").flatMap { Timestamp(rfc3339: $0) } }
    var diskAvailable: Int? { number("disk_available_bytes") }
    var diskTotal: Int? { number("disk_total_bytes") }
    var databaseBytes: Int? { number("database_bytes") }
    var tokens: Int? { number("tokens") }
    var damagedParts: Int { Self.count(part("damage")?["waiting"]) ?? 0 }
    var damagesFound: Int { Self.count(part("damage")?["found"]) ?? 0 }
    var lastDamage: String? { part("damage")?["last"]?.asString }
    var isAudited: Bool? { part("audit")?["on"]?.asBool }
    var secondsSinceRefusal: Int? { Self.count(part("audit")?["seconds_since_refusal"]) }
    /// Nil while it is sealed.
    var jobs: Jobs? { part("jobs").map(Jobs.init) }

    /// What the vault does by itself.
    struct Jobs {
        let object: JSONObject

        var underWay: Int { NodeStatusAnswer.count(object["under_way"]) ?? 0 }
        var failing: Int { NodeStatusAnswer.count(object["failing"]) ?? 0 }
        var stuckLeases: Int { NodeStatusAnswer.count(object["stuck_leases"]) ?? 0 }
        var lagSeconds: Int { NodeStatusAnswer.count(object["lag_seconds"]) ?? 0 }
        var worst: [JSONObject] { object["worst"]?.asArray?.compactMap(\.asObject) ?? [] }
    }

    private func part(_ name: String) -> JSONObject? { object[name]?.asObject }
    private func text(_ name: String) -> String? { object[name]?.asString }
    private func flag(_ name: String) -> Bool { object[name]?.asBool ?? false }
    private func number(_ name: String) -> Int? { Self.count(object[name]) }

    /// Whatever a server says, it is not negative, so that differences cannot overflow.
    fileprivate static func count(_ value: JSONValue?) -> Int? { value?.asInt.map { max(0, $0) } }
}

/// Numbers as people read them.
enum StatusText {
    /// `12,345`
    static func count(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// `3 jobs`, `1 job`
    static func count(_ number: Int, _ noun: String) -> String {
        "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// `none under way`, `3 under way, 1 failing`
    static func text(_ jobs: NodeStatusAnswer.Jobs) -> String {
        if jobs.underWay == 0 { return "none under way" }
        let failing = jobs.failing > 0 ? ", \(count(jobs.failing)) failing" : ""
        return "\(count(jobs.underWay)) under way\(failing)"
    }

    /// `12.3 GiB`
    static func bytes(_ count: Int) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
        guard count >= 1_024 else { return "\(count) B" }
        // One decimal place, in tenths of a unit: whatever the number, nothing overflows.
        var tenths = count / 1_024 * 10 + count % 1_024 * 10 / 1_024
        var unit = 0
        while tenths >= 10_240, unit < units.count - 1 {
            tenths /= 1_024
            unit += 1
        }
        return tenths >= 1_000
            ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// `45 s`, `2 h 3 min`, `3 d 4 h`
    static func duration(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }

    /// `+3.2 s`, `-0.4 s`
    static func difference(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        let size = abs(tenths)
        return "\(tenths < 0 ? "-" : "+")\(size / 10).\(size % 10) s"
    }

    /// Lines of at most `columns` characters that begin with so many spaces. A word that is longer
    /// is cut into pieces: nothing is lost.
    static func wrapped(_ text: String, indent: Int, columns: Int) -> [String] {
        let room = max(1, columns - indent)
        var lines: [String] = []
        var line = ""
        for word in ResultText.harmless(text).split(whereSeparator: \.isWhitespace) {
            var rest = word[...]
            if !line.isEmpty, line.count + 1 + rest.count > room {
                lines.append(line)
                line = ""
            }
            while rest.count > room {
                lines.append(String(rest.prefix(room)))
                rest = rest.dropFirst(room)
            }
            line += line.isEmpty ? String(rest) : " \(rest)"
        }
        if !line.isEmpty { lines.append(line) }
        return lines.map { String(repeating: " ", count: indent) + $0 }
    }
}
