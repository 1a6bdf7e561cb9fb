/// Which of some paths decides, found as plainly as possible: all rules, all matches, sorted. Knows
/// nothing of anchors, walks or tables.
struct PlainPaths {
    let rules: Set<String>

    func decides(_ path: String, isListing: Bool) -> String? {
        if isExact(path), rules.contains(path) { return path }
        let bare = path.hasSuffix("/") ? String(path.dropLast()) : path
        if isListing, isExact(bare), rules.contains(bare) { return bare }
        return best(path) ?? (isListing ? best(bare) : nil)
    }

    private func isExact(_ rule: String) -> Bool {
        !rule.hasSuffix("*")
            && !rule.split(separator: "/", omittingEmptySubsequences: false)
                .contains("+")
    }

    private func best(_ path: String) -> String? {
        rules.filter { !isExact($0) && matches($0, path) }.max { a, b in
            let (first, second) = (rank(a), rank(b))
            for (left, right) in zip(first, second) where left != right { return left < right }
            return a < b
        }
    }

    /// Larger is better, number by number.
    private func rank(_ rule: String) -> [Int] {
        let isPrefix = rule.hasSuffix("*")
        let parts = rule.split(separator: "/", omittingEmptySubsequences: false)
        var first = 0
        for part in parts {
            if part == "+" { break }
            first += part.count + 1
        }
        if !parts.contains("+") { first = rule.count - 1 }
        return [first, isPrefix ? 0 : 1, -parts.filter { $0 == "+" }.count, rule.count]
    }

    private func matches(_ rule: String, _ path: String) -> Bool {
        let isPrefix = rule.hasSuffix("*")
        let pattern = (isPrefix ? String(rule.dropLast()) : rule)
            .split(separator: "/", omittingEmptySubsequences: false)
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard isPrefix ? parts.count >= pattern.count : parts.count == pattern.count else {
            return false
        }
        for (number, part) in pattern.enumerated() {
            let isLast = number == pattern.count - 1
            if isLast, isPrefix {
                let rest = parts[number...].joined(separator: "/")
                if !rest.hasPrefix(part) { return false }
            } else if part != "+", part != parts[number] {
                return false
            }
        }
        return true
    }
}

/// What is wrong with a request.
enum Complaint: Hashable {
    case noRule
    case denied
    /// Capabilities, sorted.
    case lacks([String])
    case missing(String)
    case parameterDenied(String)
    case parameterNotAllowed(String)
    /// 0: no bound.
    case wrapping(min: Int, max: Int)
    case page(limit: Int)

    /// Complaints of one kind differ in details only.
    var kind: String {
        switch self {
        case .noRule, .denied, .lacks: "denied by path"
        case .missing: "parameter missing"
        case .parameterDenied: "parameter denied"
        case .parameterNotAllowed: "parameter not allowed"
        case .wrapping: "denied by wrapping"
        case .page: "denied by page"
        }
    }
}

/// The policy language as a definition and not as a program: a rule is all blocks about one path, and
/// each question is put to all of these blocks anew. Nothing is merged or prepared, and everything
/// that is wrong is found, not only the first.
struct PlainEvaluator {
    struct Verdict {
        /// Path of the rule that decides.
        var rule: String?
        /// The rule's blocks.
        var blocks: [PlainBlock] = []
        var complaints: Set<Complaint> = []
        /// Names that a list may have.
        var pageLimit: Int?
        /// Where it is looked up whether a name of the list is shown; nil: all are.
        var filter: String?
    }

    /// Of one subject, templates expanded.
    private var blocks: [(path: String, block: PlainBlock)] = []
    /// A template has a value that must not stand there, so nothing is allowed.
    private(set) var isBarred = false

    /// - Parameter facts: what the template variables stand for.
    init(_ policies: [PlainPolicy], facts: [String: String]) {
        for policy in policies {
            for block in policy.blocks {
                // The tests' now is in 2026, and no block ends in that year.
                if let expiration = block.expiration, expiration < "2026" { continue }
                guard let path = expanded(block.path, of: policy, facts) else { continue }
                blocks.append((path, block))
            }
        }
        if isBarred { blocks = [] }
    }

    private mutating func expanded(
        _ pieces: [PlainPiece],
        of policy: PlainPolicy,
        _ facts: [String: String]
    ) -> String? {
        var path = ""
        let isTemplate = pieces.contains { if case .variable = $0 { true } else { false } }
        for piece in pieces {
            switch piece {
            case .text(let text): path += text
            case .variable(let name):
                guard let value = facts[name] else { return nil }
                let isWild = value.contains("*") || value.contains("+")
                let isBad =
                    isWild && !policy.allowsWildcards
                    || value.contains("/") && !policy.allowsSlashes
                guard !isBad else {
                    isBarred = true
                    return nil
                }
                path += value
            }
        }
        if path.hasPrefix("/") { path = String(path.dropFirst()) }
        guard path.hasSuffix("+*") else { return path }
        if isTemplate { isBarred = true }
        return nil
    }

    func verdict(_ request: PlainRequest) -> Verdict {
        if request.operation == "help" { return Verdict() }
        let isListing = request.operation == "list" || request.operation == "scan"
        let path = request.path.hasPrefix("/") ? String(request.path.dropFirst()) : request.path
        let paths = PlainPaths(rules: Set(blocks.map(\.path)))
        guard let rule = paths.decides(path, isListing: isListing) else {
            return Verdict(complaints: [.noRule])
        }
        let blocks = blocks.filter { $0.path == rule }.map(\.block)
        return Verdict(
            rule: rule,
            blocks: blocks,
            complaints: Self.complaints(about: request, by: blocks),
            pageLimit: isListing ? Self.pageLimit(blocks) : nil,
            filter: isListing ? blocks.compactMap(\.filter).first : nil
        )
    }

    /// Whether a name of a list that is allowed may be seen by somebody who has these policies:
    /// what is asked of a folder is its list.
    func shows(_ name: String, of request: PlainRequest, _ verdict: Verdict) -> Bool {
        guard let filter = verdict.filter else { return true }
        var target = ""
        for (number, part) in filter.components("{{ ").enumerated() {
            guard number > 0 else {
                target += part
                continue
            }
            let halves = part.components(" }}")
            target += (halves[0] == ".path" ? request.path : name) + halves[1]
        }
        let operation = name.hasSuffix("/") ? "list" : "read"
        return self.verdict(PlainRequest(operation: operation, path: target)).complaints.isEmpty
    }

    /// What these blocks, all about the path of the request, find wrong with it.
    static func complaints(about request: PlainRequest, by blocks: [PlainBlock]) -> Set<Complaint> {
        if let refusal = refusal(of: request, blocks) { return [refusal] }
        var complaints: Set<Complaint> = []
        if let complaint = wrappingComplaint(request, blocks) { complaints.insert(complaint) }
        switch request.operation {
        case "list", "scan":
            if let complaint = pageComplaint(request, blocks) { complaints.insert(complaint) }
        case "create", "read", "update", "patch":
            complaints.formUnion(parameterComplaints(request, blocks))
        default: break
        }
        return complaints
    }

    private static func pageLimit(_ blocks: [PlainBlock]) -> Int? {
        blocks.compactMap(\.pageLimit).min()
    }

    private static func refusal(of request: PlainRequest, _ blocks: [PlainBlock]) -> Complaint? {
        var held: Set<String> = []
        for block in blocks {
            held.formUnion(block.capabilities)
            let write: Set = ["create", "read", "update", "delete", "list"]
            switch block.oldPolicy {
            case "deny": held.insert("deny")
            case "read": held.formUnion(["read", "list"])
            case "write": held.formUnion(write)
            case "sudo": held.formUnion(write.union(["sudo"]))
            default: break
            }
        }
        if held.contains("deny") { return .denied }
        let needed: Set = request.needsSudo ? [request.operation, "sudo"] : [request.operation]
        let lacking = needed.subtracting(held)
        return lacking.isEmpty ? nil : .lacks(lacking.sorted())
    }

    private static func wrappingComplaint(
        _ request: PlainRequest,
        _ blocks: [PlainBlock]
    ) -> Complaint? {
        // A bound of 0 says nothing.
        let low = blocks.compactMap(\.wrappingMin).filter { $0 > 0 }.min()
        let high = blocks.compactMap(\.wrappingMax).filter { $0 > 0 }.min()
        guard low != nil || high != nil else { return nil }
        if let seconds = request.wrappingSeconds, seconds >= low ?? 0, seconds <= high ?? .max {
            return nil
        }
        return .wrapping(min: low ?? 0, max: high ?? 0)
    }

    private static func pageComplaint(
        _ request: PlainRequest,
        _ blocks: [PlainBlock]
    ) -> Complaint? {
        guard let limit = pageLimit(blocks) else { return nil }
        guard let asked = request.parameters.first(where: { $0.name == "limit" })?.value else {
            return requiredNames(blocks).contains("limit") ? .missing("limit") : nil
        }
        switch asked {
        case .text("max"): return nil
        case .text(let text):
            if let number = Int(text), number >= 0, number <= limit { return nil }
        case .number(let number, _):
            if number >= 0, number <= Double(limit) { return nil }
        case .flag, .null, .list: break
        }
        return .page(limit: limit)
    }

    // MARK: Parameters

    private static func requiredNames(_ blocks: [PlainBlock]) -> Set<String> {
        Set(blocks.flatMap(\.required).map { $0.lowercased() })
    }

    private static func parameterComplaints(
        _ request: PlainRequest,
        _ blocks: [PlainBlock]
    ) -> Set<Complaint> {
        var complaints: Set<Complaint> = []
        for name in requiredNames(blocks)
        where !request.parameters.contains(where: { $0.name == name }) {
            complaints.insert(.missing(name))
        }
        let denied = blocks.flatMap(\.denied)
        let allowed = blocks.flatMap { $0.allowed ?? [] }
        for (spelling, value) in request.parameters {
            let name = spelling.lowercased()
            if names("*", in: denied) || covers(denied, name, value) {
                complaints.insert(.parameterDenied(name))
            }
            guard !allowed.isEmpty else { continue }
            let isAllowed =
                names(name, in: allowed)
                ? covers(allowed, name, value) : names("*", in: allowed)
            if !isAllowed { complaints.insert(.parameterNotAllowed(name)) }
        }
        return complaints
    }

    private static func names(_ name: String, in table: PlainTable) -> Bool {
        table.contains { $0.name.lowercased() == name }
    }

    /// Whether some block lists this value, or the name without values.
    private static func covers(_ table: PlainTable, _ name: String, _ value: PlainValue) -> Bool {
        table.contains { entry in
            entry.name.lowercased() == name
                && (entry.values.isEmpty || entry.values.contains { fits(value, $0) })
        }
    }

    private static func fits(_ value: PlainValue, _ pattern: PlainValue) -> Bool {
        if case .text(let text) = value, case .text(let glob) = pattern {
            return fits(Array(text), glob: Array(glob))
        }
        return isSame(value, pattern)
    }

    /// A star first or last stands for anything, if there is more. Every way to cut the text is
    /// tried.
    private static func fits(_ text: [Character], glob: [Character]) -> Bool {
        if glob == ["*"] { return text == glob }
        let beginsOpen = glob.first == "*"
        let endsOpen = glob.last == "*"
        let core = Array(glob.dropFirst(beginsOpen ? 1 : 0).dropLast(endsOpen ? 1 : 0))
        for start in 0...text.count where beginsOpen || start == 0 {
            for end in start...text.count where endsOpen || end == text.count {
                if Array(text[start..<end]) == core { return true }
            }
        }
        return false
    }

    private static func isSame(_ a: PlainValue, _ b: PlainValue) -> Bool {
        switch (a, b) {
        case (.text(let first), .text(let second)): first == second
        case (.number(let first, _), .number(let second, _)): first == second
        case (.flag(let first), .flag(let second)): first == second
        case (.null, .null): true
        case (.list(let first), .list(let second)):
            first.count == second.count && zip(first, second).allSatisfy { isSame($0, $1) }
        default: false
        }
    }
}

extension String {
    /// What stands between these marks.
    fileprivate func components(_ mark: String) -> [String] {
        var parts = [""]
        var rest = self[...]
        while let first = rest.first {
            if rest.hasPrefix(mark) {
                parts.append("")
                rest = rest.dropFirst(mark.count)
            } else {
                parts[parts.count - 1].append(first)
                rest = rest.dropFirst()
            }
        }
        return parts
    }
}
