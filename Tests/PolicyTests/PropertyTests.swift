import Testing
import Wire

@testable import Policy

/// How often something was seen.
private struct Tally {
    private var counts: [String: Int] = [:]

    mutating func add(_ name: String) { counts[name, default: 0] += 1 }

    func count(_ name: String) -> Int { counts[name, default: 0] }

    var text: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }
}

@Suite("the whole policy language against the definition")
struct PropertyTests {
    /// Of the decisions of one seed, how many of each kind there must be at least, so that no kind
    /// can drop out unseen. A refusal counts where one kind of complaint is the only one.
    private static let least: [(kind: String, count: Int)] = [
        ("barred by a template", 20), ("allowed", 250), ("denied by path", 400),
        ("parameter missing", 25),
        ("parameter denied", 12), ("parameter not allowed", 30), ("denied by wrapping", 50),
        ("denied by page", 8), ("several complaints", 100),
        ("allowed with parameters under a rule", 30), ("allowed and wrapped as it must be", 12),
        ("decided by a template", 90), ("decided in spite of another match", 170),
        ("decided by several blocks", 320), ("decided otherwise by a block alone", 190),
        ("shown by a filter", 25), ("hidden by a filter", 50), ("one filter of several", 1),
    ]

    @Test("random policies, subjects and requests are decided alike", arguments: 1...10)
    func random(_ seed: UInt64) throws {
        var makes = RandomPolicies(seed: seed)
        var tally = Tally()
        for round in 0..<80 {
            let policies = makes.policies()
            let somebody = PlainSubject.all[[0, 1, 0, 1, 0, 2][round % 6]]
            let reference = PlainEvaluator(policies, facts: somebody.facts)
            var sources: [AccessList.Source] = []
            for (number, policy) in policies.enumerated() {
                sources.append(try policy.source("p\(number)"))
            }
            let list = AccessList(sources, for: somebody.subject, at: someday)
            for _ in 0..<20 {
                let request = makes.request(facts: somebody.facts)
                let verdict = reference.verdict(request)
                let lists = ["list", "scan"].contains(request.operation)
                let names = lists ? (0..<4).map { _ in makes.name() } : []
                let difference =
                    try Self.difference(list, request, verdict)
                    ?? Self.difference(list, request, verdict, names: names, reference)
                guard difference == nil else {
                    let texts = policies.map { policy in
                        "wildcards \(policy.allowsWildcards), slashes \(policy.allowsSlashes)\n"
                            + policy.text
                    }
                    Issue.record(
                        """
                        seed \(seed), round \(round), \(somebody.subject.entity?.name ?? "nobody")
                        \(request.text)
                        \(difference ?? "")
                        \(texts.joined(separator: "\n--\n"))
                        """
                    )
                    return
                }
                if reference.isBarred {
                    tally.add("barred by a template")
                } else {
                    Self.count(request, verdict, list, in: &tally)
                }
                if verdict.complaints.isEmpty, verdict.filter != nil {
                    let filters = Set(verdict.blocks.compactMap(\.filter))
                    if filters.count > 1 { tally.add("one filter of several") }
                    for name in names {
                        let isShown = reference.shows(name, of: request, verdict)
                        tally.add(isShown ? "shown by a filter" : "hidden by a filter")
                    }
                }
            }
        }
        for (kind, count) in Self.least {
            #expect(tally.count(kind) >= count, "seed \(seed), \(kind); \(tally.text)")
        }
    }

    /// What is decided otherwise than it is defined.
    private static func difference(
        _ list: AccessList,
        _ request: PlainRequest,
        _ verdict: PlainEvaluator.Verdict
    ) throws -> String? {
        let operation = try #require(AccessOperation(rawValue: request.operation))
        let decision = list.decide(request.request(operation))
        let rule = decision.rule.map { list.rules[$0].pattern.text }
        guard rule == verdict.rule else {
            return "decided by \(rule ?? "nothing"), defined: \(verdict.rule ?? "nothing")"
        }
        // More than one thing can be wrong; which is told first is not defined.
        let complaint = Complaint(decision.reason)
        let isAlike = complaint.map(verdict.complaints.contains) ?? verdict.complaints.isEmpty
        guard isAlike, decision.isAllowed == verdict.complaints.isEmpty else {
            return "decided: \(decision.reason), defined: \(verdict.complaints)"
        }
        let limit = decision.isAllowed ? verdict.pageLimit : nil
        guard decision.pageLimit == limit else {
            return "page of \(decision.pageLimit ?? 0), defined: \(limit ?? 0)"
        }
        return nil
    }

    /// What is shown of a list that is not defined to be, or the other way round.
    private static func difference(
        _ list: AccessList,
        _ request: PlainRequest,
        _ verdict: PlainEvaluator.Verdict,
        names: [String],
        _ reference: PlainEvaluator
    ) -> String? {
        guard verdict.complaints.isEmpty else { return nil }
        let filter = list.rule(for: request.path, isListing: true)
            .flatMap { list.rules[$0].keysFilter }
        for name in names {
            let target = filter?.expanded(path: request.path, key: name)
            let operation: AccessOperation = name.hasSuffix("/") ? .list : .read
            let isShown = target.map { list.allows(operation, $0) } ?? true
            guard isShown == reference.shows(name, of: request, verdict) else {
                return "\(name) is \(isShown ? "shown" : "hidden"), looked up at \(target ?? "")"
            }
        }
        return nil
    }

    private static func count(
        _ request: PlainRequest,
        _ verdict: PlainEvaluator.Verdict,
        _ list: AccessList,
        in tally: inout Tally
    ) {
        let kinds = Set(verdict.complaints.map(\.kind))
        tally.add(kinds.count > 1 ? "several complaints" : kinds.first ?? "allowed")
        if verdict.blocks.count > 1 {
            tally.add("decided by several blocks")
            let differs = verdict.blocks.contains { block in
                let complaints = PlainEvaluator.complaints(about: request, by: [block])
                return complaints.isEmpty != kinds.isEmpty
            }
            if differs { tally.add("decided otherwise by a block alone") }
        }
        if verdict.blocks.contains(where: \.isTemplate) { tally.add("decided by a template") }
        let path = Array(request.path.utf8)
        let matches = list.rules.count { $0.pattern.matches(path.span) }
        if matches > 1 { tally.add("decided in spite of another match") }
        guard kinds.isEmpty else { return }
        let hasTables = verdict.blocks.contains { block in
            !(block.allowed ?? []).isEmpty || !block.denied.isEmpty || !block.required.isEmpty
        }
        let isChecked = ["create", "read", "update", "patch"].contains(request.operation)
        if hasTables, isChecked, !request.parameters.isEmpty {
            tally.add("allowed with parameters under a rule")
        }
        let isBounded = verdict.blocks.contains { ($0.wrappingMin ?? $0.wrappingMax ?? 0) > 0 }
        if isBounded { tally.add("allowed and wrapped as it must be") }
    }
}

extension Complaint {
    /// nil: nothing is wrong.
    fileprivate init?(_ reason: Decision.Reason) {
        switch reason {
        case .root, .harmless, .granted: return nil
        case .noRule: self = .noRule
        case .denied: self = .denied
        case .capabilityMissing(let missing): self = .lacks(missing.names)
        case .parameterDenied(let name): self = .parameterDenied(name)
        case .parameterNotAllowed(let name): self = .parameterNotAllowed(name)
        case .parameterMissing(let name): self = .missing(name)
        case .wrapping(let min, let max): self = .wrapping(min: Int(min), max: Int(max))
        case .pageTooLong(let limit): self = .page(limit: limit)
        }
    }
}
