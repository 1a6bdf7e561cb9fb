package import Wire

/// All policies of a token put together, for one subject: what decides about its requests.
///
/// Rules with the same path are merged; of rules with different paths that match a request, one
/// decides (``PathPattern/precedes(_:)``). Finding it costs one walk over the path, whatever the
/// number of rules that do not match (``RuleTree``).
package struct AccessList: Sendable {
    /// A policy to put together.
    package struct Source: Sendable {
        /// The name under which it is kept.
        package let name: String
        /// Its rules.
        package let document: PolicyDocument
        /// Whether a template may expand to a text with `*` or `+` in it.
        package var allowsWildcardsInTemplates = false
        /// Whether a template may expand to a text with `/` in it.
        package var allowsSlashesInTemplates = false

        /// A policy whose templates expand to plain names only.
        package init(name: String, document: PolicyDocument) {
            self.name = name
            self.document = document
        }
    }

    /// Where a rule comes from.
    package struct Origin: Equatable, Sendable {
        /// The policy's name.
        package let policy: String
        /// As written there, templates and all.
        package let path: String
        /// Line of the policy; 0 in JSON.
        package let line: Int
    }

    /// A path and what all policies together say of it.
    package struct Rule: Sendable {
        /// The path, templates expanded.
        package let pattern: PathPattern
        /// What the policies grant together; only `deny` if one of them denies.
        package fileprivate(set) var capabilities: Capabilities
        var parameters: ParameterRule
        var wrappingSecondsMin: UInt64
        var wrappingSecondsMax: UInt64
        var paginationLimit: Int?
        /// Which names of a list are shown.
        package fileprivate(set) var keysFilter: KeysFilter?
        /// The blocks that it was made of, in the order of the policies.
        package fileprivate(set) var origins: [Origin]
    }

    /// Whether everything is allowed.
    package let isRoot: Bool
    /// Rules with distinct paths.
    package private(set) var rules: [Rule] = []
    /// From this moment on a block has expired, or a template stands for another time, and the list
    /// has to be made anew; nil: never.
    package private(set) var validUntil: Timestamp?
    /// A block with a template whose value must not stand there. It could have denied anything, so
    /// nothing is allowed: the list has no rules.
    package private(set) var forbidden: ForbiddenValue?
    private var tree: RuleTree
    /// What the policies call the place that requests come from: empty, or ending in a slash.
    package private(set) var way = ""

    /// - Parameters:
    ///   - sources: at most ``PolicyLimits/policiesMax``; their order decides nothing.
    ///   - subject: whose templates are expanded. A block whose template has no value for the
    ///     subject is left out; a value that must not stand there leaves nothing, see
    ///     ``forbidden``.
    ///   - now: cluster time; blocks that have expired are left out, and templates may name it.
    /// - Complexity: linear in the rules.
    package init(_ sources: [Source], for subject: PolicySubject, at now: Timestamp) {
        precondition(sources.count <= PolicyLimits.policiesMax)
        isRoot = false
        var positions: [[UInt8]: Int] = [:]
        for source in sources {
            for block in source.document.rules {
                if let expiration = block.expiration {
                    guard now < expiration else { continue }
                    validUntil = min(validUntil ?? expiration, expiration)
                }
                let pattern: PathPattern
                switch Self.expanded(block.path, of: source, for: subject, at: now) {
                case .nothing: continue
                case .path(let path, let end):
                    pattern = path
                    validUntil = [validUntil, end].compactMap { $0 }.min()
                case .forbidden:
                    forbidden = ForbiddenValue(policy: source.name, path: block.path)
                    rules = []
                    tree = RuleTree([])
                    return
                }
                let rule = Rule(block, pattern, of: source.name)
                let key = Array(pattern.text.utf8)
                if let position = positions[key] {
                    rules[position].merge(rule)
                } else {
                    positions[key] = rules.count
                    rules.append(rule)
                }
            }
        }
        tree = RuleTree(rules.map(\.pattern))
    }

    private init(isRoot: Bool) {
        self.isRoot = isRoot
        tree = RuleTree([])
    }

    /// The same for requests whose paths begin somewhere below.
    ///
    /// - Parameter way: what the policies call that place, a slash at its end.
    package func asked(from way: String) -> AccessList {
        var list = self
        list.way = way
        return list
    }

    /// For a token with the policy `root`.
    package static let root = AccessList(isRoot: true)

    private enum Expansion {
        /// And until when; nil: it does not change by itself.
        case path(PathPattern, until: Timestamp?)
        /// A template has no value.
        case nothing
        /// One has a value that must not stand there.
        case forbidden
    }

    /// The path with its templates replaced.
    private static func expanded(
        _ path: String,
        of source: Source,
        for subject: PolicySubject,
        at now: Timestamp
    ) -> Expansion {
        guard path.utf8.contains(UInt8(ascii: "{")), let pieces = Braces.pieces(of: path) else {
            return PathPattern(path).map { .path($0, until: nil) } ?? .nothing
        }
        var result = ""
        var end: Timestamp?
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .variable(let name):
                guard let found = subject.value(of: name, at: now), !found.text.isEmpty else {
                    return .nothing
                }
                let value = found.text
                end = [end, found.validUntil].compactMap { $0 }.min()
                let isWild = value.utf8.contains { $0 == 0x2A || $0 == 0x2B }
                let isDeep = value.utf8.contains(PathPattern.slash)
                guard source.allowsWildcardsInTemplates || !isWild,
                    source.allowsSlashesInTemplates || !isDeep
                else { return .forbidden }
                result += value
            }
        }
        return PathPattern(result).map { .path($0, until: end) } ?? .forbidden
    }

    // MARK: Finding

    /// Position of the rule that decides about this path; nil if none matches.
    ///
    /// A list of `a/b/` is also a list of `a/b`, so a rule about that decides if there is no exact
    /// one.
    package func rule(for path: String, isListing: Bool) -> Int? {
        guard way.isEmpty else { return rule(forWhole: way + Self.plain(path), isListing) }
        return rule(forWhole: path, isListing)
    }

    /// The path without a slash at its beginning.
    static func plain(_ path: String) -> String {
        path.utf8.first == PathPattern.slash ? String(path.dropFirst()) : path
    }

    private func rule(forWhole path: String, _ isListing: Bool) -> Int? {
        var text = path.utf8Span.span
        if !text.isEmpty, text[0] == PathPattern.slash { text = text.extracting(droppingFirst: 1) }
        let found = tree.find(text)
        guard isListing, !text.isEmpty, text[text.count - 1] == PathPattern.slash else {
            return found
        }
        if let found, rules[found].pattern.isExact { return found }
        let bare = tree.find(text.extracting(droppingLast: 1))
        if let bare, rules[bare].pattern.isExact { return bare }
        return found ?? bare
    }

    /// What may be done at this path, as `sys/capabilities` answers.
    package func capabilities(of path: String) -> [String] {
        if isRoot { return ["root"] }
        guard let rule = rule(for: path, isListing: true) else { return ["deny"] }
        return rules[rule].capabilities.names
    }

    /// Whether anything may be done at a folder or below it, so that the folder may be shown.
    ///
    /// - Parameter folder: of a mount: `team/kv/`.
    /// - Complexity: linear in the rules.
    package func reaches(below folder: String) -> Bool {
        if isRoot { return true }
        let path = Array((way + folder).utf8)
        let parts = path.split(separator: PathPattern.slash).map { Array($0) }
        return rules.contains { rule in
            !rule.capabilities.isEmpty && !rule.capabilities.contains(.deny)
                && rule.pattern.reaches(below: parts)
        }
    }

    // MARK: Deciding

    /// Whether a request may go on.
    ///
    /// - Complexity: a walk over the path, then over the parameters that the rule names.
    package func decide(_ request: AccessRequest) -> Decision {
        if isRoot { return Decision(.root) }
        guard let capability = request.operation.capability else { return Decision(.harmless) }
        guard let position = rule(for: request.path, isListing: request.operation.isListing)
        else { return Decision(.noRule) }
        let rule = rules[position]
        guard !rule.capabilities.contains(.deny) else { return Decision(.denied, rule: position) }
        let needed = request.needsSudo ? capability.union(.sudo) : capability
        let missing = needed.subtracting(rule.capabilities)
        guard missing.isEmpty else {
            return Decision(.capabilityMissing(missing), rule: position)
        }
        if let problem = rule.problem(in: request) { return Decision(problem, rule: position) }
        var decision = Decision(.granted, rule: position)
        if request.operation.isListing { decision.pageLimit = rule.paginationLimit }
        return decision
    }
}

extension AccessList.Rule {
    fileprivate init(_ block: PathRule, _ pattern: PathPattern, of policy: String) {
        self.pattern = pattern
        capabilities = block.capabilities
        parameters = block.parameters
        wrappingSecondsMin = block.wrappingSecondsMin
        wrappingSecondsMax = block.wrappingSecondsMax
        paginationLimit = block.paginationLimit
        keysFilter = block.keysFilter
        origins = [AccessList.Origin(policy: policy, path: block.path, line: block.line)]
    }

    /// Another block about the same path. A deny in either is all that counts.
    fileprivate mutating func merge(_ other: AccessList.Rule) {
        origins += other.origins
        capabilities = capabilities.merged(with: other.capabilities)
        parameters.merge(other.parameters)
        wrappingSecondsMin = Self.smaller(wrappingSecondsMin, other.wrappingSecondsMin)
        wrappingSecondsMax = Self.smaller(wrappingSecondsMax, other.wrappingSecondsMax)
        let limits = [paginationLimit, other.paginationLimit].compactMap { $0 }
        paginationLimit = limits.min()
        keysFilter = keysFilter ?? other.keysFilter
    }

    /// The smaller of those that are set.
    private static func smaller(_ a: UInt64, _ b: UInt64) -> UInt64 {
        a == 0 || b == 0 ? max(a, b) : min(a, b)
    }

    /// What in the request is not as the rule wants it.
    fileprivate func problem(in request: AccessRequest) -> Decision.Reason? {
        let isBounded = wrappingSecondsMin > 0 || wrappingSecondsMax > 0
        if isBounded {
            let bounds = Decision.Reason.wrapping(min: wrappingSecondsMin, max: wrappingSecondsMax)
            guard let seconds = request.wrappingSeconds, seconds >= wrappingSecondsMin,
                wrappingSecondsMax == 0 || seconds <= wrappingSecondsMax
            else { return bounds }
        }
        if request.operation.hasParameters { return parameters.problem(in: request.parameters) }
        return request.operation.isListing ? pageProblem(in: request.parameters) : nil
    }

    /// A list without `limit` gets the rule's, unless the rule wants the caller to say one.
    private func pageProblem(in parameters: JSONObject) -> Decision.Reason? {
        guard let paginationLimit else { return nil }
        let tooLong = Decision.Reason.pageTooLong(limit: paginationLimit)
        switch parameters["limit"] {
        case nil:
            return self.parameters.required.contains("limit") ? .parameterMissing("limit") : nil
        case .string("max"): return nil
        case .string(let text):
            return Int(text).map { (0...paginationLimit).contains($0) } == true ? nil : tooLong
        case .number(let number):
            return number.int.map { (0...paginationLimit).contains($0) } == true ? nil : tooLong
        default: return tooLong
        }
    }
}

/// Where a template stands for a text that the policy does not let into a path.
package struct ForbiddenValue: Equatable, Sendable {
    /// The policy's name.
    package let policy: String
    /// The path with the template, as the policy says it.
    package let path: String

    /// What is wrong.
    package var summary: String {
        "in the policy \"\(policy)\" a template of the path \"\(path)\" stands for a text with "
            + "'/', '*' or '+' in it, which the policy does not allow"
    }

    /// What whoever wrote the policy or the value does about it.
    package var remedy: String {
        "change that value, or write the policy with allow_slashes_in_identity_templates or "
            + "allow_wildcards_in_identity_templates"
    }
}
