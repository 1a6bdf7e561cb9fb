/// Names that the house does not use, each with what to use instead.
enum NameRules {
    struct Ban: Sendable {
        let texts: [String]
        let instead: String
        /// Targets where the name is allowed.
        var except: Set<String> = []
        /// Targets where the name is banned; empty means everywhere.
        var only: Set<String> = []
    }

    /// Targets with threads, sockets or a person in front: the only ones that know the time.
    static let runtime: Set = [
        "Replica", "Node", "Client", "Commands", "Transport", "holdfast", "history-check",
        "simulate",
    ]
    /// Values in, values out.
    static let pure: Set = [
        "Wire", "Raft", "History", "Policy", "Shamir", "Barrier", "Audit", "Engines", "Vault",
        "API",
    ]

    /// What knows the time or rolls dice without being handed either.
    private static let hiddenInputs: [[String]] = [
        ["Date", "(", ")"], ["Date", ".", "now"], ["ContinuousClock"], ["SuspendingClock"],
        ["Moment", ".", "now"], ["clock_gettime"], ["gettimeofday"],
        ["SystemRandomNumberGenerator"],
        [".", "random", "(", "in"], [".", "random", "(", ")"], [".", "randomElement", "("],
        [".", "shuffled", "(", ")"], [".", "shuffle", "(", ")"],
    ]

    static let bans: [Ban] =
        hiddenInputs.map { Ban(texts: $0, instead: "a value that is passed in", except: runtime) }
        + namedBans

    private static let namedBans: [Ban] = [
        Ban(texts: ["assert", "("], instead: "precondition("),
        Ban(texts: ["assertionFailure", "("], instead: "preconditionFailure("),
        Ban(texts: ["try", "!"], instead: "a typed error"),
        Ban(texts: ["as", "!"], instead: "as? or a generic"),
        Ban(texts: ["fatalError", "("], instead: "precondition( or a typed error"),
        Ban(texts: ["public"], instead: "package"),
        Ban(texts: ["open", "class"], instead: "package final class"),
        Ban(texts: ["Random", "."], instead: "entropy that is passed in", only: pure),
        Ban(texts: ["async"], instead: "a plain function: this target is pure", only: pure),
        Ban(texts: ["Thread", "("], instead: "nothing: this target is pure", only: pure),
        Ban(texts: ["Dictionary"], instead: "a sorted array: replicas must agree", only: ["Raft"]),
        Ban(texts: ["Set", "<"], instead: "a sorted array: replicas must agree", only: ["Raft"]),
        Ban(texts: ["Set", "("], instead: "a sorted array: replicas must agree", only: ["Raft"]),
    ]

    static func findings(in file: SourceFile) -> [Finding] {
        var findings = dictionaries(in: file) + leftovers(in: file)
        for ban in bans where !ban.except.contains(file.module) {
            guard ban.only.isEmpty || ban.only.contains(file.module) else { continue }
            for position in file.positions(of: ban.texts) {
                let name = ban.texts.joined()
                let problem = "\(name) is banned, use \(ban.instead)"
                findings.append(Finding(line: file.tokens[position].line, problem: problem))
            }
        }
        return findings.sorted { $0.line < $1.line }
    }

    /// `[Key: Value]` in the consensus core, whose order would differ between processes.
    private static func dictionaries(in file: SourceFile) -> [Finding] {
        guard file.module == "Raft" else { return [] }
        return file.positions(of: ["["]).compactMap { position in
            // A qualified type, then a colon; or a colon alone, the empty dictionary.
            var rest = file.tokens[(position + 1)...]
            while rest.count > 2, rest[rest.startIndex + 1].text == "." { rest.removeFirst(2) }
            guard rest.count > 1 else { return nil }
            let first = rest[rest.startIndex].text
            let isTyped =
                first.first?.isUppercase == true && rest[rest.startIndex + 1].text == ":"
            guard isTyped || first == ":" else { return nil }
            let problem = "a dictionary is banned, use a sorted array: replicas must agree"
            return Finding(line: file.tokens[position].line, problem: problem)
        }
    }

    /// Notes to oneself, which are only found in comments.
    private static func leftovers(in file: SourceFile) -> [Finding] {
        let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        return file.lines.enumerated().compactMap { offset, line in
            notes.first { line.contains($0) }.map {
                Finding(line: offset + 1, problem: "\($0) is banned, finish it before merging")
            }
        }
    }
}
