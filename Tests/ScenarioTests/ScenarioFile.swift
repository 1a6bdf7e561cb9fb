import Glibc
import Testing

/// What is wrong with a scenario, or with the core it tells about: always with file and line.
struct ScenarioError: Error, CustomStringConvertible {
    let file: String
    let line: Int
    let text: String

    var description: String { "\(file):\(line): \(text)" }
}

/// One story: a file below `Tests/Scenarios`, or a text that a test made up.
struct ScenarioFile: Sendable, CustomTestStringConvertible {
    struct Line: Sendable {
        let number: Int
        let words: [String]
    }

    let name: String
    let text: String

    var testDescription: String { name }

    /// Lines that say something. `#` begins a comment, anywhere.
    var lines: [Line] {
        var number = 0
        return text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
            number += 1
            let code = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let words = code[0].split(separator: " ").map(String.init)
            return words.isEmpty ? nil : Line(number: number, words: words)
        }
    }

    static let suffix = ".scenario"

    /// All files of the folder, by name.
    static let all: [ScenarioFile] = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        let folder = parts.joined(separator: "/") + "/Scenarios"
        return names(in: folder).filter { $0.hasSuffix(suffix) }.map {
            ScenarioFile(name: $0, text: contents(of: "\(folder)/\($0)"))
        }
    }()

    private static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            names.append(name)
        }
        return names.sorted()
    }

    private static func contents(of path: String) -> String {
        guard let stream = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(stream) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe fread(buffer.baseAddress, 1, buffer.count, stream)
            }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}

/// A line of a scenario while it is read, word by word.
struct Words {
    let file: String
    let line: Int
    /// Nodes are 1 ... this.
    let nodeCount: Int
    private var rest: ArraySlice<String>

    init(_ line: ScenarioFile.Line, of file: String, nodeCount: Int) {
        self.file = file
        self.line = line.number
        self.nodeCount = nodeCount
        rest = line.words[...]
    }

    func error(_ text: String) -> ScenarioError {
        ScenarioError(file: file, line: line, text: text)
    }

    var isEmpty: Bool { rest.isEmpty }
    var upcoming: String? { rest.first }

    mutating func next(_ what: String) throws -> String {
        guard let word = rest.popFirst() else { throw error("\(what) is missing") }
        return word
    }

    /// Consumes the word if it comes next.
    mutating func take(_ word: String) -> Bool {
        guard rest.first == word else { return false }
        rest.removeFirst()
        return true
    }

    mutating func require(_ word: String) throws {
        let found = try next("\"\(word)\"")
        guard found == word else { throw error("\"\(word)\" is expected, not \"\(found)\"") }
    }

    mutating func number(_ what: String) throws -> Int {
        let word = try next(what)
        guard let number = Int(word), number >= 0 else {
            throw error("\(what) must be a number, not \"\(word)\"")
        }
        return number
    }

    /// A number if one comes next.
    mutating func numberIfAny() -> Int? {
        guard let word = rest.first, let number = Int(word), number >= 0 else { return nil }
        rest.removeFirst()
        return number
    }

    /// The position of a node.
    mutating func node() throws -> Int {
        try position(of: try next("a node"))
    }

    /// `2`, `1,3` or `all`.
    mutating func nodes() throws -> [Int] {
        let word = try next("a node")
        if word == "all" { return Array(0..<nodeCount) }
        return try word.split(separator: ",").map { try position(of: String($0)) }
    }

    private func position(of word: String) throws -> Int {
        guard let number = Int(word) else { throw error("\"\(word)\" is no node") }
        guard (1...max(1, nodeCount)).contains(number), nodeCount > 0 else {
            throw error("there is no node \(number), only \(nodeCount)")
        }
        return number - 1
    }

    /// `1 -> 2`, `1 <-> 2,3`, `all -> 2`: the one-way links meant.
    mutating func links() throws -> [Link] {
        let sources = try nodes()
        let arrow = try next("\"->\"")
        guard arrow == "->" || arrow == "<->" else {
            throw error("\"->\" or \"<->\" is expected, not \"\(arrow)\"")
        }
        let targets = try nodes()
        var links: [Link] = []
        for source in sources {
            for target in targets where source != target {
                links.append(Link(source: source, target: target))
                if arrow == "<->" { links.append(Link(source: target, target: source)) }
            }
        }
        return links
    }

    mutating func finish() throws {
        guard let word = rest.first else { return }
        throw error("\"\(word)\" is one word too many")
    }
}

/// One direction between two nodes, by position.
struct Link: Hashable {
    let source: Int
    let target: Int
}
