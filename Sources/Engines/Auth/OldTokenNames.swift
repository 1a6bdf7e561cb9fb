package import Wire

/// Names that `token_*` parameters had before. Requests may still use them, and a value that came
/// under its old name is shown under both. The numbers are part of records.
package struct OldTokenNames: OptionSet, Sendable {
    /// One bit for each name.
    package let rawValue: UInt8

    /// Any bits; for stored ones see ``init(stored:)``.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `policies`
    package static let policies = OldTokenNames(rawValue: 1)
    /// `ttl`
    package static let ttl = OldTokenNames(rawValue: 2)
    /// `max_ttl`
    package static let ttlMax = OldTokenNames(rawValue: 4)
    /// `period`
    package static let period = OldTokenNames(rawValue: 8)
    /// `num_uses`
    package static let uses = OldTokenNames(rawValue: 16)
    /// `bound_cidrs`
    package static let boundCIDRs = OldTokenNames(rawValue: 32)

    /// Nil for numbers that no version wrote.
    package init?(stored: UInt8) {
        guard stored < 64 else { return nil }
        rawValue = stored
    }

    /// The old names' kinds, for the schema of an endpoint that takes these.
    package func schema() -> [(String, FieldSchema.Kind)] {
        Self.table.filter { contains($0.bit) }.map { ($0.old, $0.kind) }
    }

    /// Takes over what a request names by an old name. The new name wins where it has both.
    ///
    /// - Parameter known: the old names that the endpoint takes.
    package mutating func apply(
        _ fields: Fields,
        taking known: OldTokenNames,
        to parameters: inout TokenParameters
    ) throws(EngineError) {
        for row in Self.table where known.contains(row.bit) {
            guard fields.has(row.old) else {
                // A value that is now given under its new name alone is shown under that alone.
                if fields.has(row.new) { remove(row.bit) }
                continue
            }
            insert(row.bit)
            if fields.has(row.new) { continue }
            switch row.bit {
            case .policies:
                parameters.policies = try TokenParameters.policies(fields.texts(row.old) ?? [])
            case .boundCIDRs:
                parameters.boundCIDRs = try TokenParameters.blocks(fields.texts(row.old) ?? [])
            case .ttl: parameters.ttlSeconds = fields.int(row.old) ?? 0
            case .ttlMax: parameters.ttlSecondsMax = fields.int(row.old) ?? 0
            case .period: parameters.periodSeconds = fields.int(row.old) ?? 0
            default: parameters.usesMax = fields.int(row.old) ?? 0
            }
        }
    }

    /// The members that repeat a value under its old name. Zero and empty are not repeated.
    package func add(to members: inout JSONObject) {
        for row in Self.table where contains(row.bit) {
            switch members[row.new] {
            case .number(let number) where number.text == "0": continue
            case .array(let elements) where elements.isEmpty: continue
            case .some(let value): members[row.old] = value
            case nil: continue
            }
        }
    }

    private static let table: [(bit: Self, old: String, new: String, kind: FieldSchema.Kind)] = [
        (.policies, "policies", "token_policies", .texts),
        (.ttl, "ttl", "token_ttl", .seconds),
        (.ttlMax, "max_ttl", "token_max_ttl", .seconds),
        (.period, "period", "token_period", .seconds),
        (.uses, "num_uses", "token_num_uses", .int),
        (.boundCIDRs, "bound_cidrs", "token_bound_cidrs", .texts),
    ]
}
