import Wire

/// Values of one parameter that a rule names. No values: any.
struct ParameterValues: Equatable, Sendable {
    private(set) var values: [JSONValue]

    init(_ values: [JSONValue]) { self.values = values }

    var isAny: Bool { values.isEmpty }

    /// An empty list takes the place of the other one: any value.
    mutating func merge(_ other: ParameterValues) {
        values = isAny || other.isAny ? [] : values + other.values
    }

    /// Whether this value of a request is one of those. Texts may begin or end in `*`, which alone
    /// is a text like any other; numbers compare by value, so that `1.0` does not slip past a rule
    /// about `1`.
    func contains(_ value: JSONValue) -> Bool {
        isAny || values.contains { Self.matches($0, value) }
    }

    private static func matches(_ pattern: JSONValue, _ value: JSONValue) -> Bool {
        switch (pattern, value) {
        case (.string(let glob), .string(let text)):
            isGlob(Array(glob.utf8), matching: Array(text.utf8))
        default: isSame(pattern, value)
        }
    }

    private static func isSame(_ first: JSONValue, _ second: JSONValue) -> Bool {
        switch (first, second) {
        case (.number(let first), .number(let second)):
            // Of two integers the digits tell, also where no Double holds them.
            if let first = integer(first), let second = integer(second) {
                first == second
            } else {
                Double(first.text) == Double(second.text)
            }
        case (.array(let first), .array(let second)):
            first.count == second.count && zip(first, second).allSatisfy { isSame($0, $1) }
        case (.object(let first), .object(let second)):
            first.count == second.count
                && first.members.allSatisfy { member in
                    second[member.name].map { isSame(member.value, $0) } ?? false
                }
        default: first == second
        }
    }

    /// An integer's digits behind its sign, without zeros in front; nil for other spellings.
    private static func integer(_ number: JSONNumber) -> [UInt8]? {
        let isNegative = number.text.utf8.first == UInt8(ascii: "-")
        let digits = number.text.utf8.dropFirst(isNegative ? 1 : 0)
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let plain = digits.drop { $0 == 0x30 }
        return isNegative && !plain.isEmpty ? [0x2D] + plain : Array(plain)
    }

    private static func isGlob(_ glob: [UInt8], matching text: [UInt8]) -> Bool {
        let star = UInt8(ascii: "*")
        guard glob.count > 1 else { return text == glob }
        let isSuffix = glob.first == star
        let isPrefix = glob.last == star
        let core = glob.dropFirst(isSuffix ? 1 : 0).dropLast(isPrefix ? 1 : 0)
        switch (isSuffix, isPrefix) {
        case (false, false): return text == glob
        case (true, false): return text.suffix(core.count) == core && text.count >= core.count
        case (false, true): return text.starts(with: core)
        case (true, true):
            guard text.count >= core.count else { return false }
            return (0...(text.count - core.count)).contains { text[$0...].starts(with: core) }
        }
    }
}

/// What a rule says of a request's parameters. Names are lower case.
struct ParameterRule: Equatable, Sendable {
    /// Of each name in order; `*` stands for all others.
    typealias Table = [(name: String, values: ParameterValues)]

    /// nil: nothing is said. Empty: everything is allowed.
    private(set) var allowed: Table?
    private(set) var denied: Table = []
    private(set) var required: [String] = []

    /// Whether no request can fail it.
    var isEmpty: Bool { allowed == nil && denied.isEmpty && required.isEmpty }

    mutating func allow(_ table: Table) { allowed = Self.union(allowed ?? [], table) }
    mutating func deny(_ table: Table) { denied = Self.union(denied, table) }
    mutating func require(_ names: [String]) {
        for name in names where !required.contains(name) { required.append(name) }
    }

    mutating func merge(_ other: ParameterRule) {
        if let table = other.allowed { allow(table) }
        deny(other.denied)
        require(other.required)
    }

    private static func union(_ first: Table, _ second: Table) -> Table {
        var merged = first
        for (name, values) in second {
            if let position = merged.firstIndex(where: { utf8Equals($0.name, name) }) {
                merged[position].values.merge(values)
            } else {
                merged.append((name, values))
            }
        }
        return merged
    }

    static func == (a: ParameterRule, b: ParameterRule) -> Bool {
        a.required == b.required && isEqual(a.denied, b.denied)
            && (a.allowed == nil) == (b.allowed == nil)
            && isEqual(a.allowed ?? [], b.allowed ?? [])
    }

    private static func isEqual(_ a: Table, _ b: Table) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0 == $1 }
    }

    /// What in these parameters is not as the rule wants it; nil if nothing is.
    func problem(in parameters: JSONObject) -> Decision.Reason? {
        // An engine reads a parameter under its own name: one that only looks like it, in capitals,
        // is not the one that must be there.
        let given = parameters.members
        for name in required where !given.contains(where: { utf8Equals($0.name, name) }) {
            return .parameterMissing(name)
        }
        let fields = given.map { (name: $0.name.lowercased(), value: $0.value) }
        guard !fields.isEmpty else { return nil }
        if denied.contains(where: { $0.name == "*" }) { return .parameterDenied(fields[0].name) }
        for field in fields {
            if let values = Self.values(denied, field.name), values.contains(field.value) {
                return .parameterDenied(field.name)
            }
        }
        guard let allowed, !allowed.isEmpty else { return nil }
        let others = allowed.contains { $0.name == "*" }
        for field in fields {
            guard let values = Self.values(allowed, field.name) else {
                if others { continue }
                return .parameterNotAllowed(field.name)
            }
            guard values.contains(field.value) else { return .parameterNotAllowed(field.name) }
        }
        return nil
    }

    private static func values(_ table: Table, _ name: String) -> ParameterValues? {
        table.first { utf8Equals($0.name, name) }?.values
    }
}
