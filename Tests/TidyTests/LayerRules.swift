/// Which target may import which. The table is the architecture: a new target gets a line here or
/// the test fails.
enum Layer {
    /// Imports only point to a lower number.
    static let levels: [String: Int] = [
        "Wire": 0, "Raft": 1, "History": 1, "Policy": 1, "Cryptography": 1, "Store": 1, "Shamir": 2,
        "Replica": 2,
        "Barrier": 3, "Audit": 3, "Engines": 4, "Vault": 5, "API": 6, "Transport": 6, "Node": 7,
        "Client": 8, "Commands": 9, "holdfast": 10, "history-check": 10,
        "Simulator": 3, "simulate": 4,
    ]

    /// Lower, and still not allowed: what keeps consensus and the vault apart.
    static let forbidden: [String: Set<String>] = [
        "Replica": ["Shamir"],
        "Barrier": ["Raft", "Replica"],
        "Audit": ["Raft", "History", "Policy", "Store", "Shamir", "Replica"],
        "Engines": ["Raft", "Replica"],
        "Vault": ["Raft", "Replica"],
        "API": ["Raft", "Replica", "Transport"],
        "Transport": ["Shamir", "Barrier", "Engines", "Vault", "Replica"],
        "Simulator": ["Shamir", "Cryptography"],
        "Client": ["Node", "Vault", "Replica", "Store"],
    ]

    /// Modules that are not ours, and who may import them. What is missing here may not be used.
    static let owners: [String: Set<String>] = [
        "CLMDB": ["Store"],
        "CLinux": ["Audit", "Replica"],
        "COpenSSL": ["Cryptography"],
        "Crypto": ["Cryptography", "Transport"],
        "X509": ["Transport"],
        "SwiftASN1": ["Transport"],
        "NIOCore": ["Transport", "Node", "Client"],
        "NIOPosix": ["Transport", "Node", "Client"],
        "NIOHTTP1": ["Transport", "Client"],
        "NIOSSL": ["Transport", "Client"],
        "NIOTLS": ["Transport", "Client"],
        "ArgumentParser": ["Commands", "holdfast"],
        "Logging": ["Replica", "Transport", "Node", "Commands"],
        "Glibc": [
            "Cryptography", "Store", "Replica", "Audit", "Transport", "Node", "Client",
            "Commands", "holdfast", "history-check", "simulate",
        ],
        "Dispatch": [
            "Cryptography", "Store", "Replica", "Transport", "Node", "Client", "Commands",
        ],
        "Synchronization": [
            "Cryptography", "Store", "Replica", "Barrier", "Vault", "Transport", "Node", "Client",
            "Commands", "Simulator", "simulate",
        ],
        "FoundationEssentials": ["Cryptography", "Transport"],
        // Only with the trait `PlantedBugs`.
        "RaftLaboratory": ["simulate"],
    ]

    /// Arrows that point sideways or up, and guests in the wrong house.
    static func findings(in file: SourceFile) -> [Finding] {
        guard let level = levels[file.module] else {
            return [Finding(line: 0, problem: "target \(file.module) has no level in LayerRules")]
        }
        return imports(in: file).compactMap { module, line in
            if let lower = levels[module] {
                if lower >= level {
                    return Finding(
                        line: line,
                        problem:
                            "\(file.module) (level \(level)) imports \(module) (level \(lower))"
                    )
                }
                let isForbidden = forbidden[file.module]?.contains(module) == true
                return isForbidden
                    ? Finding(line: line, problem: "\(file.module) must not know \(module)") : nil
            }
            if module == "Foundation" {
                return Finding(
                    line: line,
                    problem: "import Foundation is banned, use Glibc or Wire"
                )
            }
            if owners[module]?.contains(file.module) == true { return nil }
            return Finding(line: line, problem: "\(file.module) may not import \(module)")
        }
    }

    /// Module names that a file imports, with their lines.
    static func imports(in file: SourceFile) -> [(module: String, line: Int)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
        return file.positions(of: ["import"]).compactMap { position in
            let line = file.tokens[position].line
            let before = file.tokens[..<position].suffix { $0.line == line }
            guard before.allSatisfy({ isImportPrefix($0.text) }) else { return nil }
            let after = file.tokens[(position + 1)...].prefix { $0.line == line }
            guard let name = after.first(where: { !kinds.contains($0.text) }) else { return nil }
            return (name.text, line)
        }
    }

    private static func isImportPrefix(_ text: String) -> Bool {
        let modifiers: Set = ["package", "public", "internal", "private", "fileprivate", "@"]
        return modifiers.contains(text) || text == "preconcurrency" || text == "testable"
            || text == "exported" || text == "_exported"
    }
}

extension Collection where Self: BidirectionalCollection {
    /// The longest end of the collection whose elements all match.
    fileprivate func suffix(while matches: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start > startIndex, matches(self[index(before: start)]) {
            start = index(before: start)
        }
        return self[start...]
    }
}
