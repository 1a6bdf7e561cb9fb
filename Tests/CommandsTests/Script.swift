import Commands
import Synchronization
import Testing
import Wire

/// A test of the command line as a text: what the server will answer, what is typed, which command
/// runs, what comes out.
///
///     server PUT /v1/sys/unseal {"key":"a"} -> 200 {"sealed":false}
///     type a
///     holdfast unseal
///     stdout 'unsealed'
///
/// - `server METHOD TARGET [BODY] -> STATUS [BODY]`: the next request must be this one.
/// - `env NAME=VALUE`, `type LINE` (at the hidden prompt), `pipe TEXT` (standard input, `\n`).
/// - `holdfast ARGUMENTS` must end with 0, `!2 holdfast …` with 2. Arguments may be in quotes.
/// - `stdout 'TEXT'`, `stderr 'TEXT'` must be in the output of the last command; `! stdout …` must
///   not. `stdout-is`: the following lines that begin with `|` are all of it, with `$ADDRESS` for the
///   server's address. `stdout-json`: it is exactly one JSON document. `stdout-empty`.
struct Script {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Wanted {
        let method: String
        let target: String
        let body: String?
    }

    private let server: FakeServer
    private var wanted: [Wanted] = []
    private var environment: [String: String] = [:]
    private var typed: [String] = []
    private var piped: String?
    private var output = ""
    private var messages = ""

    /// Runs a script to its end.
    static func run(_ text: String) async throws {
        let server = try FakeServer()
        defer { server.stop() }
        var script = Script(server: server)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while !lines.isEmpty {
            let line = lines.removeFirst()
            var block: [String] = []
            while let next = lines.first, next.hasPrefix("|") {
                block.append(String(next.dropFirst()))
                lines.removeFirst()
            }
            do {
                try await script.perform(line, block)
            } catch {
                throw Failure(
                    description: "\(line)\n\(error)\nstdout: \(script.output)\n"
                        + "stderr: \(script.messages)"
                )
            }
        }
        try script.finish()
    }

    private init(server: FakeServer) { self.server = server }

    private mutating func perform(_ line: String, _ block: [String]) async throws {
        if line.isEmpty || line.hasPrefix("#") { return }
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        switch parts[0] {
        case "server": try prepare(rest)
        case "env":
            let pair = rest.split(separator: "=", maxSplits: 1).map(String.init)
            environment[pair[0]] = pair.count > 1 ? pair[1] : ""
        case "type": typed.append(rest)
        case "pipe":
            piped = rest.split(separator: "\\n", omittingEmptySubsequences: false)
                .joined(separator: "\n")
        case "holdfast": try await run(rest, wantedStatus: 0)
        case "!":
            let (name, text) = try quoted(rest)
            try expect(!stream(name).contains(text), "\(name) holds \(text)")
        case "stdout", "stderr":
            let (name, text) = try quoted(line)
            try expect(stream(name).contains(text), "\(name) does not hold \(text)")
        case "stdout-is":
            let wanted = block.joined(separator: "\n") + "\n"
            let shown = output.split(separator: server.address, omittingEmptySubsequences: false)
            try expect(shown.joined(separator: "$ADDRESS") == wanted, "stdout differs")
        case "stdout-json":
            try expect(output.hasSuffix("\n"), "stdout does not end with a line end")
            _ = try JSONScanner.parse(Array(output.utf8))
        case "stdout-empty": try expect(output.isEmpty, "stdout is not empty")
        case let word where word.hasPrefix("!"):
            guard let status = Int32(word.dropFirst()), rest.hasPrefix("holdfast") else {
                throw Failure(description: "not a line of a script")
            }
            try await run(String(rest.dropFirst("holdfast".count)), wantedStatus: status)
        default: throw Failure(description: "not a line of a script")
        }
    }

    private mutating func prepare(_ text: String) throws {
        let sides = text.components(separatedBy: " -> ")
        guard sides.count == 2 else { throw Failure(description: "no -> in it") }
        let left = sides[0].split(separator: " ", maxSplits: 2).map(String.init)
        let right = sides[1].split(separator: " ", maxSplits: 1).map(String.init)
        guard left.count >= 2, let status = Int(right[0]) else {
            throw Failure(description: "METHOD TARGET [BODY] -> STATUS [BODY]")
        }
        wanted.append(
            Wanted(
                method: left[0],
                target: left[1],
                body: left.count > 2 ? left[2] : nil
            )
        )
        server.prepare(.json(status, right.count > 1 ? right[1] : ""))
    }

    private mutating func run(_ text: String, wantedStatus: Int32) async throws {
        let recorder = Recorder()
        let typed = Mutex(typed)
        let piped = piped
        self.typed = []
        self.piped = nil
        let terminal = Terminal(
            inputIsTerminal: piped == nil,
            outputIsTerminal: false,
            sink: { stream, text in recorder.add(stream, text) },
            hiddenLine: { _ in
                try typed.withLock { lines in
                    guard !lines.isEmpty else {
                        throw Failure(description: "the script types nothing here")
                    }
                    return lines.removeFirst()
                }
            },
            pipedInput: { _ in Array((piped ?? "").utf8) }
        )
        var environment = environment
        if environment["HOLDFAST_ADDR"] == nil { environment["HOLDFAST_ADDR"] = server.address }
        let status = await CommandLineTool.run(
            try Self.arguments(text),
            environment: environment,
            terminal: terminal
        )
        (output, messages) = recorder.texts
        try expect(status == wantedStatus, "exit code \(status) instead of \(wantedStatus)")
        try compareRequests()
    }

    private mutating func compareRequests() throws {
        let received = server.received
        try expect(received.count == wanted.count, "requests: \(received.map(\.target))")
        for (have, want) in zip(received, wanted) {
            try expect(
                have.method == want.method && have.target == want.target,
                "request \(have.method) \(have.target) instead of \(want.target)"
            )
            if let body = want.body {
                try expect(have.body == body, "\(have.target) got \(have.body)")
            }
        }
    }

    private func finish() throws {
        guard server.unused == 0 else {
            throw Failure(description: "\(server.unused) answers were not asked for")
        }
    }

    private func stream(_ name: String) -> String { name == "stdout" ? output : messages }

    private func quoted(_ text: String) throws -> (String, String) {
        let words = try Self.arguments(text)
        guard words.count == 2 else { throw Failure(description: "one quoted text is needed") }
        return (words[0], words[1])
    }

    private func expect(_ isTrue: Bool, _ problem: String) throws {
        if !isTrue { throw Failure(description: problem) }
    }

    /// Words separated by spaces; single quotes keep spaces in a word.
    private static func arguments(_ text: String) throws -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var hasWord = false
        for character in text {
            switch character {
            case "'":
                isQuoted.toggle()
                hasWord = true
            case " " where !isQuoted:
                if hasWord { words.append(word) }
                word = ""
                hasWord = false
            default:
                word.append(character)
                hasWord = true
            }
        }
        guard !isQuoted else { throw Failure(description: "a quote is open") }
        return hasWord ? words + [word] : words
    }
}

/// What a command wrote.
private final class Recorder: Sendable {
    private let state = Mutex((output: "", messages: ""))

    func add(_ stream: Terminal.Stream, _ text: String) {
        state.withLock { state in
            switch stream {
            case .result: state.output += text
            case .message: state.messages += text
            }
        }
    }

    var texts: (String, String) { state.withLock { ($0.output, $0.messages) } }
}

extension String {
    /// The parts between occurrences of `separator`.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var rest = Substring(self)
        while !rest.isEmpty {
            if rest.hasPrefix(separator) {
                parts.append(part)
                part = ""
                rest = rest.dropFirst(separator.count)
            } else {
                part.append(rest.removeFirst())
            }
        }
        return parts + [part]
    }
}
