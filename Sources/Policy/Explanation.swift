import Wire

/// Why a request is allowed or not, for people: the rule that decides, those that would have
/// matched too, and what would have to be written to allow it.
package struct Explanation: Equatable, Sendable {
    /// A rule that matches the path.
    package struct Match: Equatable, Sendable {
        /// The path of the rule, templates expanded.
        package let path: String
        /// What it grants.
        package let capabilities: [String]
        /// The blocks that it was made of.
        package let origins: [AccessList.Origin]
        /// Why it does not decide; nil: it does.
        package let yieldsBecause: String?
    }

    /// What was decided.
    package let decision: Decision
    /// All rules that match, the one that decides first.
    package let matches: [Match]
    /// One sentence.
    package let summary: String
    /// What somebody who may write policies could do; nil: it is allowed.
    package let remedy: String?
}

extension AccessList {
    /// Explains what ``decide(_:)`` says.
    ///
    /// - Complexity: linear in the rules.
    package func explain(_ request: AccessRequest) -> Explanation {
        let decision = decide(request)
        var matches: [Explanation.Match] = []
        if let chosen = decision.rule {
            matches.append(match(chosen, lostTo: nil))
            let bytes = Array((way + Self.plain(request.path)).utf8)
            let others = rules.indices.filter { rule in
                rule != chosen && rules[rule].pattern.matches(bytes.span)
            }
            let ordered = others.sorted { rules[$0].pattern.precedes(rules[$1].pattern) }
            matches += ordered.map { match($0, lostTo: chosen) }
        }
        return Explanation(
            decision: decision,
            matches: matches,
            summary: summary(of: decision, request),
            remedy: decision.isAllowed ? nil : remedy(for: decision, request)
        )
    }

    private func match(_ position: Int, lostTo winner: Int?) -> Explanation.Match {
        let rule = rules[position]
        return Explanation.Match(
            path: rule.pattern.text,
            capabilities: rule.capabilities.names,
            origins: rule.origins,
            yieldsBecause: winner.map { Self.reason(rule.pattern, rules[$0].pattern) }
        )
    }

    private static func reason(_ loser: PathPattern, _ winner: PathPattern) -> String {
        if winner.isExact { return "an exact path comes before wildcards" }
        if winner.literalBytes != loser.literalBytes {
            return "its first wildcard stands earlier in the path"
        }
        if winner.isPrefix != loser.isPrefix { return "it ends in *" }
        if winner.wildSegments != loser.wildSegments { return "it has more + segments" }
        return "its text is shorter, or earlier in the alphabet"
    }

    private func summary(of decision: Decision, _ request: AccessRequest) -> String {
        let wish = "\(request.operation.rawValue) on \"\(request.path)\""
        let place = decision.rule.map { rule in
            let policies = Self.list(rules[rule].origins.map(\.policy))
            return "path \"\(rules[rule].pattern.text)\" of \(policies)"
        }
        let rule = place ?? "no rule"
        switch decision.reason {
        case .root: return "allowed: \(wish), because the token has the policy root"
        case .harmless: return "allowed: \(wish) needs no capability"
        case .granted: return "allowed: \(wish), by \(rule)"
        case .noRule: return "denied: no rule matches, for \(wish)"
        case .denied: return "denied: \(wish), because \(rule) says deny"
        case .capabilityMissing(let missing):
            return "denied: \(wish), because \(rule) lacks \(missing.names.joined(separator: ", "))"
        case .parameterDenied(let name):
            return "denied: \(wish), because \(rule) forbids the parameter \"\(name)\" or its value"
        case .parameterNotAllowed(let name):
            return "denied: \(wish), because \(rule) does not list the parameter \"\(name)\" "
                + "with this value"
        case .parameterMissing(let name):
            return "denied: \(wish), because \(rule) requires the parameter \"\(name)\""
        case .wrapping(let min, let max):
            return "denied: \(wish), because \(rule) wants the answer wrapped "
                + Self.bounds(min, max)
        case .pageTooLong(let limit):
            return "denied: \(wish), because \(rule) allows \(limit) names a page"
        }
    }

    private func remedy(for decision: Decision, _ request: AccessRequest) -> String {
        switch decision.reason {
        case .noRule: return "a policy of the token would need: " + block(for: request, [])
        case .denied:
            let policies = decision.rule.map { Self.list(rules[$0].origins.map(\.policy)) } ?? ""
            return "take the deny out of \(policies): no other rule for that path can outvote it"
        case .capabilityMissing:
            guard let rule = decision.rule else { return block(for: request, []) }
            return "the rule that decides would need: "
                + block(for: request, rules[rule].capabilities, path: rules[rule].pattern.text)
        case .parameterDenied(let name), .parameterNotAllowed(let name):
            return "send the request without \"\(name)\", or with a value that the rule allows"
        case .parameterMissing(let name): return "send the request with \"\(name)\""
        case .wrapping(let min, let max):
            return "ask for a wrapped answer (X-Vault-Wrap-TTL) " + Self.bounds(min, max)
        case .pageTooLong(let limit): return "ask for at most \(limit) names (limit=\(limit))"
        case .root, .harmless, .granted: preconditionFailure("nothing to mend")
        }
    }

    /// A block that would allow the request.
    private func block(
        for request: AccessRequest,
        _ have: Capabilities,
        path: String? = nil
    ) -> String {
        let need = (request.operation.capability ?? []).union(request.needsSudo ? .sudo : [])
        let names = have.union(need).names.map { "\"\($0)\"" }.joined(separator: ", ")
        return "path \"\(path ?? way + request.path)\" { capabilities = [\(names)] }"
    }

    private static func bounds(_ min: UInt64, _ max: UInt64) -> String {
        switch (min, max) {
        case (let min, 0): "for at least \(min) s"
        case (0, let max): "for at most \(max) s"
        case (let min, let max): "for \(min) to \(max) s"
        }
    }

    private static func list(_ policies: [String]) -> String {
        var distinct: [String] = []
        for name in policies where !distinct.contains(name) { distinct.append(name) }
        return (distinct.count == 1 ? "policy " : "policies ") + distinct.joined(separator: ", ")
    }
}
