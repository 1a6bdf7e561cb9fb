/// Where the compiler's checks may be switched off, and how often.
enum UnsafeRules {
    /// Targets whose job is C and raw memory.
    static let resource: Set = ["Store", "Cryptography", "Transport"]

    /// The word `unsafe` elsewhere: system calls without a safe face (threads and their semaphore in Replica; the wall clock in Node;
    /// terminal, files and environment in Client; its own files in Audit; a file in history-check; what a trap says, and standard error, in simulate). Lower a number when you can; raising one is a
    /// decision that the reviewer should see.
    static let allowance: [String: Int] = [
        "Replica": 16, "Audit": 28, "Node": 1, "Client": 37, "Commands": 0, "history-check": 6,
        "simulate": 9,
    ]

    /// `@unchecked Sendable` and `nonisolated(unsafe)` for each target, each with its proof.
    static let tapeAllowance: [String: Int] = [
        "Store": 3, "Cryptography": 8, "Transport": 0, "Replica": 1, "Node": 0,
    ]

    /// Lines where the word `unsafe` is used, apart from `nonisolated(unsafe)`.
    static func uses(in file: SourceFile) -> [Int] {
        let tape = Set(file.positions(of: ["nonisolated", "(", "unsafe", ")"]).map { $0 + 2 })
        return file.positions(of: ["unsafe"]).filter { !tape.contains($0) }.map {
            file.tokens[$0].line
        }
    }

    /// Lines where a data-race check is switched off.
    static func tapes(in file: SourceFile) -> [Int] {
        let texts = [["@", "unchecked", "Sendable"], ["nonisolated", "(", "unsafe", ")"]]
        return texts.flatMap { file.positions(of: $0) }.map { file.tokens[$0].line }.sorted()
    }

    static func findings(in file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        let isAllowed = resource.contains(file.module) || allowance[file.module, default: 0] > 0
        if !isAllowed {
            findings += uses(in: file).map {
                Finding(line: $0, problem: "unsafe is banned in \(file.module), use a safe type")
            }
        }
        var explained: Int?
        for line in tapes(in: file) {
            // One comment may speak for a block of neighbouring lines.
            let isExplained =
                file.line(line).contains("//") || file.isComment(line - 1) || explained == line - 1
                || explained == line
            if isExplained {
                explained = line
            } else {
                findings.append(Finding(line: line, problem: "needs a comment that proves it safe"))
            }
        }
        return findings
    }

    /// What is over its allowance, one sentence for each target.
    static func excesses(in files: [SourceFile]) -> [String] {
        let modules = Set(files.map(\.module)).sorted()
        return modules.flatMap { module -> [String] in
            let own = files.filter { $0.module == module }
            let uses = own.reduce(0) { $0 + self.uses(in: $1).count }
            let tapes = own.reduce(0) { $0 + self.tapes(in: $1).count }
            let usesMax = resource.contains(module) ? .max : allowance[module, default: 0]
            let tapesMax = tapeAllowance[module, default: 0]
            var problems: [String] = []
            if uses > usesMax {
                problems.append("\(module) says unsafe \(uses) times, its allowance is \(usesMax)")
            }
            if tapes > tapesMax {
                problems.append(
                    "\(module) switches race checks off \(tapes) times, allowance is \(tapesMax)"
                )
            }
            return problems
        }
    }
}
