import TestSupport
import Testing
import Wire

@testable import Policy

/// The rules of the policy language written down as plainly as possible: all rules, all matches,
/// sorted. Knows nothing of anchors, walks or tables.
private struct Reference {
    var capabilities: [String: Capabilities] = [:]

    init(_ documents: [PolicyDocument]) {
        for document in documents {
            for rule in document.rules {
                let all = capabilities[rule.path, default: []].union(rule.capabilities)
                capabilities[rule.path] = all.contains(.deny) ? .deny : all
            }
        }
    }

    func decides(_ path: String, isListing: Bool) -> String? {
        if isExact(path), capabilities[path] != nil { return path }
        let bare = path.hasSuffix("/") ? String(path.dropLast()) : path
        if isListing, isExact(bare), capabilities[bare] != nil { return bare }
        return best(path) ?? (isListing ? best(bare) : nil)
    }

    private func isExact(_ rule: String) -> Bool {
        !rule.hasSuffix("*")
            && !rule.split(separator: "/", omittingEmptySubsequences: false)
                .contains("+")
    }

    private func best(_ path: String) -> String? {
        capabilities.keys.filter { !isExact($0) && matches($0, path) }.max { a, b in
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

@Suite("access list against the reference")
struct ReferenceTests {
    @Test("random policies and requests are decided alike", arguments: 1...40)
    func random(_ seed: UInt64) throws {
        var random = Seeded(seed)
        let words = ["a", "b", "ab", "+", "x+y", ""]
        let names = Capabilities.named.map(\.name)
        for _ in 0..<50 {
            var documents: [PolicyDocument] = []
            var sources: [AccessList.Source] = []
            for number in 0..<(1 + Int(random.next() % 6)) {
                var text = ""
                for _ in 0..<(1 + Int(random.next() % 8)) {
                    var path = (0..<(1 + Int(random.next() % 4)))
                        .map { _ in random.pick(words) }.joined(separator: "/")
                    if random.chance(1, of: 3), !path.hasSuffix("+") { path += "*" }
                    if path.hasPrefix("/") { path = "a" + path }
                    let capability = random.chance(1, of: 8) ? "deny" : random.pick(names)
                    text += "path \"\(path)\" { capabilities = [\"\(capability)\", \"read\"] }\n"
                }
                documents.append(try PolicyDocument(parsing: text))
                sources.append(try source("p\(number)", text))
            }
            let reference = Reference(documents)
            let list = AccessList(sources, for: .nobody, at: someday)
            for _ in 0..<60 {
                let path = (0..<(1 + Int(random.next() % 4)))
                    .map { _ in random.pick(["a", "b", "ab", "abc", "x+y", ""]) }
                    .joined(separator: "/")
                guard !path.hasPrefix("/") else { continue }
                for isListing in [false, true] {
                    let expected = reference.decides(path, isListing: isListing)
                    let found = list.rule(for: path, isListing: isListing)
                    #expect(found.map { list.rules[$0].pattern.text } == expected, "\(path)")
                    if let found, let expected {
                        let capabilities = reference.capabilities[expected]
                        #expect(list.rules[found].capabilities == capabilities)
                    }
                }
            }
        }
    }
}
