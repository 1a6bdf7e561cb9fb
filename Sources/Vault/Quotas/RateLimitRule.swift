import Wire

/// A rate limit: how many requests one client may make in an interval, on what.
///
/// Each node counts for itself, so a client that asks three nodes has three times as many.
package struct RateLimitRule: Sendable, Hashable {
    /// As the operator calls it.
    package let name: String
    /// What it is about: empty for everything; the path of a namespace or of a mount with its
    /// slash; or a path inside a mount, with `*` at its end for all that begins so. From the root
    /// namespace on.
    package internal(set) var path: String
    /// Of an auth method's logins, those of this role; empty: of whatever role.
    package let role: String
    /// Requests in an interval, above 0.
    package let rate: Double
    /// In seconds, 1 or more.
    package let intervalSeconds: UInt64
    /// For how long a client that asked too often gets nothing, in seconds; 0: till the interval is
    /// over.
    package let blockSeconds: UInt64
    /// Whether it holds in the namespaces below as well.
    package let isInheritable: Bool

    /// Requests in an interval, as they are counted.
    package var limit: UInt64 { UInt64(max(1, min(rate.rounded(), 1e15))) }

    /// Whether the rule is about a path, and how closely: nil if it is not.
    ///
    /// - Parameters:
    ///   - path: behind `/v1/`, without a slash at its end.
    ///   - namespace: that the path begins with; empty for the root namespace.
    func closeness(to path: String, in namespace: String) -> Closeness? {
        // A namespace above the request's: only what is inherited counts.
        if self.path.utf8.count < namespace.utf8.count, !isInheritable { return nil }
        if self.path.isEmpty { return .everything }
        if self.path.utf8.last == 0x2F {
            let fits = path.withSlash.utf8.starts(with: self.path.utf8)
            return fits ? .mount(self.path.utf8.count) : nil
        }
        if self.path.utf8.last == 0x2A {
            let beginning = self.path.utf8.dropLast()
            return path.utf8.starts(with: beginning) ? .beginning(beginning.count) : nil
        }
        return utf8Equals(self.path, path) ? .exact : nil
    }

    /// How closely a rule's path fits.
    enum Closeness: Equatable {
        case everything
        /// A namespace or a mount whose path has this many bytes.
        case mount(Int)
        /// This many bytes are the same.
        case beginning(Int)
        case exact

        /// More is closer.
        var rank: Int {
            switch self {
            case .everything: 0
            case .mount(let count): 1 + count
            case .beginning(let count): 1 << 32 + count
            case .exact: .max
            }
        }
    }
}

/// Every rate limit, and what holds for all: one record, so one look tells whether it changed.
struct RateLimitTable: Sendable, Equatable {
    /// Whether a request that came too often is on the record of the audit.
    var auditsRefusals = false
    /// Whether answers say how many requests are left.
    var showsHeaders = false
    /// Paths that no limit concerns.
    var exemptPaths = RateLimitTable.standardExemptions
    /// Sorted by name.
    private(set) var rules: [RateLimitRule] = []

    /// - Source: OpenBao 2.7.2's answers.
    static let standardExemptions = [
        "sys/generate-recovery-token/attempt", "sys/generate-recovery-token/update",
        "sys/generate-root/attempt", "sys/generate-root/update", "sys/health",
        "sys/seal-status", "sys/unseal",
    ]

    init() {}

    /// The rule of this name.
    func rule(named name: String) -> RateLimitRule? {
        rules.first { utf8Equals($0.name, name) }
    }

    /// The rule with the same path and role under another name, of which there can be one.
    func twin(of rule: RateLimitRule) -> RateLimitRule? {
        rules.first { other in
            !utf8Equals(other.name, rule.name) && utf8Equals(other.path, rule.path)
                && utf8Equals(other.role, rule.role)
        }
    }

    mutating func put(_ rule: RateLimitRule) {
        remove(rule.name)
        rules.append(rule)
        rules.sort { utf8Precedes($0.name, $1.name) }
    }

    mutating func remove(_ name: String) {
        rules.removeAll { utf8Equals($0.name, name) }
    }

    /// A mount is gone, and what was about it with it.
    mutating func mountRemoved(_ mount: String) {
        rules.removeAll { $0.path.utf8.starts(with: mount.utf8) }
    }

    /// A mount is elsewhere. What was about it follows.
    mutating func mountMoved(from source: String, to target: String) {
        for position in rules.indices {
            guard let below = rules[position].path.below(source) else { continue }
            rules[position].path = target + below
        }
    }

    /// The rule for a request: of all that are about its path the closest. One for the role of a
    /// login comes before all others.
    ///
    /// - Parameters:
    ///   - path: behind `/v1/`.
    ///   - namespace: that it begins with.
    ///   - role: of a login; asked for only where a rule makes a difference by it.
    func rule(
        for path: String,
        in namespace: String = "",
        role: () throws(VaultError) -> String?
    ) throws(VaultError) -> RateLimitRule? {
        let path = path.utf8.last == 0x2F ? String(path.utf8.dropLast()) ?? path : path
        guard !isExempt(path) else { return nil }
        let near = rules.compactMap { rule in
            rule.closeness(to: path, in: namespace).map { (rule: rule, rank: $0.rank) }
        }
        if near.contains(where: { !$0.rule.role.isEmpty }), let role = try role() {
            let named = near.filter { utf8Equals($0.rule.role, role) }
            if let rule = named.max(by: { $0.rank < $1.rank })?.rule { return rule }
        }
        return near.filter { $0.rule.role.isEmpty }.max { $0.rank < $1.rank }?.rule
    }

    /// Rate limits themselves are never out of reach, or one that is too strict could not be taken
    /// back.
    private func isExempt(_ path: String) -> Bool {
        path.utf8.starts(with: "sys/quotas/".utf8)
            || exemptPaths.contains { exempt in
                utf8Equals(exempt, path)
                    || exempt.utf8.last == 0x2F
                        && path.withSlash.utf8.starts(with: exempt.utf8)
            }
    }

    // MARK: at rest

    /// Format 1: the two flags, the exempt paths, the number of rules, and of each name, path,
    /// role, rate (IEEE 754), interval, block, and whether it is inherited.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + rules.count * 96)
        writer.writeUInt8(1)
        writer.writeBool(auditsRefusals)
        writer.writeBool(showsHeaders)
        writer.writeTexts(exemptPaths)
        writer.writeVarint(UInt64(rules.count))
        for rule in rules {
            writer.writeString(rule.name)
            writer.writeString(rule.path)
            writer.writeString(rule.role)
            writer.writeUInt64(rule.rate.bitPattern)
            writer.writeVarint(rule.intervalSeconds)
            writer.writeVarint(rule.blockSeconds)
            writer.writeBool(rule.isInheritable)
        }
        return writer.bytes
    }
}

extension RateLimitTable {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("rate limits: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "rate limits")
        auditsRefusals = try reader.readBool()
        showsHeaders = try reader.readBool()
        exemptPaths = try reader.readTexts(
            countMax: VaultLimits.quotaExemptionsMax,
            bytesMax: VaultLimits.quotaTextBytesMax
        )
        let count = try reader.readVarint()
        guard count <= UInt64(VaultLimits.quotasMax) else {
            throw .tooLong(limit: VaultLimits.quotasMax, have: count)
        }
        for _ in 0..<count { rules.append(try RateLimitRule(reading: &reader)) }
        guard zip(rules, rules.dropFirst()).allSatisfy({ utf8Precedes($0.name, $1.name) }) else {
            throw .malformed("their names are not in order")
        }
        try reader.finish()
    }
}

extension RateLimitRule {
    fileprivate init(reading reader: inout ByteReader) throws(WireError) {
        func text(_ reader: inout ByteReader) throws(WireError) -> String {
            try reader.readString(atMost: VaultLimits.quotaTextBytesMax)
        }
        let (name, path, role) = (try text(&reader), try text(&reader), try text(&reader))
        let rate = Double(bitPattern: try reader.readUInt64())
        let (interval, block) = (try reader.readVarint(), try reader.readVarint())
        guard rate > 0, rate.isFinite, (1...VaultLimits.quotaSecondsMax).contains(interval),
            block <= VaultLimits.quotaSecondsMax
        else { throw .malformed("a rate limit that cannot be") }
        self.init(
            name: name,
            path: path,
            role: role,
            rate: rate,
            intervalSeconds: interval,
            blockSeconds: block,
            isInheritable: try reader.readBool()
        )
    }
}
