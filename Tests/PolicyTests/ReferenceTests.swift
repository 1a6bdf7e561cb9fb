import TestSupport
import Testing
import Wire

@testable import Policy

/// The capabilities of each path, as plainly as possible.
private struct Reference {
    private(set) var capabilities: [String: Capabilities] = [:]
    let paths: PlainPaths

    init(_ documents: [PolicyDocument]) {
        for document in documents {
            for rule in document.rules {
                let all = capabilities[rule.path, default: []].union(rule.capabilities)
                capabilities[rule.path] = all.contains(.deny) ? .deny : all
            }
        }
        paths = PlainPaths(rules: Set(capabilities.keys))
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
                    let expected = reference.paths.decides(path, isListing: isListing)
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
