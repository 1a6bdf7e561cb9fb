import Wire

/// A policy as written: its rules in order, each checked by itself.
///
/// What the rules mean together, and for whom, is decided by ``AccessList``.
package struct PolicyDocument: Equatable, Sendable {
    /// `name = "…"` of the text. It is only read; the name under which the policy is kept counts.
    package let name: String?
    /// Path blocks in the order of the text.
    package let rules: [PathRule]

    /// Reads HCL, or JSON if the text begins with a brace.
    ///
    /// - Throws: ``PolicyError``; the first problem in the text.
    /// - Complexity: linear in the text, about 40 ns a byte.
    package init(parsing text: String) throws(PolicyError) {
        var name: String?
        var rules: [PathRule] = []
        for item in try HCLParser.parse(text) {
            switch item.keys[0] {
            case "path":
                for block in try HCLBlock.blocks(of: item, label: "one path") {
                    guard rules.count < PolicyLimits.rulesMax else {
                        throw .tooLarge("more than \(PolicyLimits.rulesMax) path blocks")
                    }
                    rules.append(try RuleReader.rule(block))
                }
            case "name":
                guard item.keys.count == 1, case .string(let text) = item.value else {
                    throw .syntax(line: item.line, problem: "`name` needs a text")
                }
                name = text
            default:
                throw .invalidKey(item.keys[0], line: item.line, path: nil)
            }
        }
        self.name = name
        self.rules = rules
    }
}

/// Reads path blocks.
private enum RuleReader {
    static func rule(_ block: HCLBlock) throws(PolicyError) -> PathRule {
        var path = block.label
        if path.utf8.first == PathPattern.slash { path = String(path.dropFirst()) }
        guard path.utf8.count <= PolicyLimits.pathBytesMax else {
            throw .tooLarge("a path has more than \(PolicyLimits.pathBytesMax) bytes")
        }
        guard Braces.pieces(of: path) != nil else {
            throw .invalidRule(path: path, problem: "braces of templates do not pair up")
        }
        guard PathPattern(path) != nil else {
            throw .invalidRule(
                path: path,
                problem: "invalid use of wildcards ('+*' is forbidden)"
            )
        }
        var rule = PathRule(path: path, capabilities: [], line: block.line)
        var seen: [String] = []
        for item in block.items {
            let key = item.keys[0]
            guard PathRule.keys.contains(key) else {
                throw unknownKey(item, in: path)
            }
            guard !seen.contains(key) else {
                throw .invalidRule(path: path, problem: "`\(key)` stands twice")
            }
            seen.append(key)
            do throws(Fault) {
                guard item.keys.count == 1 else { throw Fault("`\(key)` takes no label") }
                try read(key, item.value, into: &rule)
            } catch {
                throw .invalidRule(path: path, problem: error.text)
            }
        }
        return try checked(rule)
    }

    /// What OpenBao knows and Holdfast does not enforce is refused: a rule that is kept and not
    /// followed would be worse than none.
    private static func unknownKey(_ item: HCLItem, in path: String) -> PolicyError {
        let key = item.keys[0]
        guard key == "control_group" || key == "mfa_methods" else {
            return .invalidKey(key, line: item.line, path: path)
        }
        return .invalidRule(path: path, problem: "`\(key)` is not supported by this server")
    }

    private static func checked(_ rule: PathRule) throws(PolicyError) -> PathRule {
        if rule.capabilities.contains(.deny) { return rule.denying }
        let (min, max) = (rule.wrappingSecondsMin, rule.wrappingSecondsMax)
        guard min == 0 || max == 0 || min <= max else {
            throw .invalidRule(
                path: rule.path,
                problem: "max_wrapping_ttl cannot be less than min_wrapping_ttl"
            )
        }
        let isListing = !rule.capabilities.isDisjoint(with: [.list, .scan])
        guard rule.keysFilter == nil || isListing else {
            throw .invalidRule(
                path: rule.path,
                problem: "list_scan_response_keys_filter_path needs list or scan"
            )
        }
        return rule
    }

    // MARK: Keys

    /// What is wrong with one key's value.
    private struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private static func read(
        _ key: String,
        _ value: HCLValue,
        into rule: inout PathRule
    ) throws(Fault) {
        switch key {
        case "capabilities": rule.capabilities.formUnion(try capabilities(value))
        case "policy": rule.capabilities.formUnion(try oldPolicy(value))
        case "comment": _ = try text(value, key)
        case "allowed_parameters": rule.parameters.allow(try table(value, key))
        case "denied_parameters": rule.parameters.deny(try table(value, key))
        case "required_parameters":
            rule.parameters.require(try texts(value, key).map { $0.lowercased() })
        case "min_wrapping_ttl": rule.wrappingSecondsMin = try seconds(value, key, .up)
        case "max_wrapping_ttl": rule.wrappingSecondsMax = try seconds(value, key, .down)
        case "expiration":
            guard let moment = Timestamp(rfc3339: try text(value, key)) else {
                throw Fault("`expiration` needs a moment such as 2027-01-31T12:00:00Z")
            }
            rule.expiration = moment
        case "pagination_limit":
            guard case .number(let text) = value, let limit = Int(text), limit > 0 else {
                throw Fault("`pagination_limit` needs a whole number above 0")
            }
            rule.paginationLimit = limit
        case "list_scan_response_keys_filter_path":
            guard let filter = KeysFilter(try text(value, key)) else {
                throw Fault("`\(key)` can only hold {{ .path }} and {{ .key }}")
            }
            rule.keysFilter = filter
        default: preconditionFailure("every key of a block is read")
        }
    }

    private static func capabilities(_ value: HCLValue) throws(Fault) -> Capabilities {
        var found: Capabilities = []
        for name in try texts(value, "capabilities") {
            guard let capability = Capabilities(name: name) else {
                throw Fault("invalid capability \"\(name)\"")
            }
            found.formUnion(capability)
        }
        return found
    }

    /// The words from before there were capabilities.
    private static func oldPolicy(_ value: HCLValue) throws(Fault) -> Capabilities {
        let write: Capabilities = [.create, .read, .update, .delete, .list]
        switch try text(value, "policy") {
        case "deny": return .deny
        case "read": return [.read, .list]
        case "write": return write
        case "sudo": return write.union(.sudo)
        case let other: throw Fault("invalid policy \"\(other)\"")
        }
    }

    private static func text(_ value: HCLValue, _ key: String) throws(Fault) -> String {
        guard case .string(let text) = value else {
            throw Fault("`\(key)` needs a text, not \(value.kind)")
        }
        return text
    }

    private static func texts(_ value: HCLValue, _ key: String) throws(Fault) -> [String] {
        guard case .list(let elements) = value else {
            throw Fault("`\(key)` needs a list of texts, not \(value.kind)")
        }
        guard elements.count <= PolicyLimits.parametersMax else {
            throw Fault("`\(key)` has more than \(PolicyLimits.parametersMax) elements")
        }
        var texts: [String] = []
        for element in elements { texts.append(try text(element, key)) }
        return texts
    }

    /// Whole seconds: a bound never lets more through than it says. 0 says nothing.
    private static func seconds(
        _ value: HCLValue,
        _ key: String,
        _ rounding: FloatingPointRoundingRule
    ) throws(Fault) -> UInt64 {
        let text: String
        switch value {
        case .string(let written), .number(let written): text = written
        default: throw Fault("`\(key)` needs a duration such as \"90s\", not \(value.kind)")
        }
        guard let nanoseconds = GoDuration.parse(text), nanoseconds >= 0 else {
            throw Fault("`\(key)` needs a duration such as \"90s\", not \"\(text)\"")
        }
        let whole: UInt64 = 1_000_000_000
        let seconds = (UInt64(nanoseconds) + (rounding == .up ? whole - 1 : 0)) / whole
        guard seconds > 0 || nanoseconds == 0 else {
            throw Fault("`\(key)` is below a second, and no answer is wrapped for so short a time")
        }
        guard seconds <= PolicyLimits.wrappingSecondsMax else {
            throw Fault("`\(key)` is above a hundred years")
        }
        return seconds
    }

    private static func table(
        _ value: HCLValue,
        _ key: String
    ) throws(Fault) -> ParameterRule.Table {
        guard case .object(let items) = value else {
            throw Fault("`\(key)` needs a block of lists, not \(value.kind)")
        }
        guard items.count <= PolicyLimits.parametersMax else {
            throw Fault("`\(key)` has more than \(PolicyLimits.parametersMax) names")
        }
        var table: ParameterRule.Table = []
        for item in items {
            guard item.keys.count == 1, case .list(let elements) = item.value,
                elements.count <= PolicyLimits.parametersMax
            else {
                throw Fault(
                    "`\(key)`: \"\(item.keys[0])\" needs a list of at most "
                        + "\(PolicyLimits.parametersMax) values"
                )
            }
            table.append((item.keys[0].lowercased(), ParameterValues(elements.map(json))))
        }
        return table
    }

    private static func json(_ value: HCLValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        // HCL also has hexadecimal and such; what JSON cannot spell, no request can hold.
        case .number(let text): JSONNumber(text: text).map { .number($0) } ?? .string(text)
        case .bool(let flag): .bool(flag)
        case .list(let elements): .array(elements.map(json))
        case .object(let items): .object(JSONObject(items.map { ($0.keys[0], json($0.value)) }))
        }
    }
}
