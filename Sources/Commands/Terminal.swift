import Client

// Rules of this command line.
//  - Shares and tokens are typed at the terminal with echo off, or come from standard input; they
//    are never an argument and so never in a shell's history or a process list. One that is given
//    as an argument all the same is refused without being repeated.
//  - Results go to standard output. Everything else goes to standard error as "holdfast: …",
//    lower case, no final period. A failure adds one "holdfast: hint: …" line with what to type
//    next.
//  - `-format=json` prints exactly one JSON document to standard output, or nothing on failure;
//    `audit tail`, which may have no end, one for each record, a line each.
//  - Colours and the escaping of control characters happen on a terminal only; a pipe gets what
//    the server sent. NO_COLOR turns colours off.
//  - Exit codes: 0 done; 1 it failed here (bad file, no connection, not trusted); 2 the server
//    refused, does not have it, or is sealed; 64 the command line is wrong.

/// What a command sees of the world outside: streams to write to, a person or a pipe to read from.
package struct Terminal: Sendable {
    /// Where text goes.
    package enum Stream: Sendable { case result, message }

    private let sink: @Sendable (Stream, String) -> Void
    private let hiddenLine: @Sendable (String) throws -> String
    private let pipedInput: @Sendable (Int) throws -> [UInt8]
    /// Whether a person types at standard input.
    package let inputIsTerminal: Bool
    /// Whether a person reads standard output.
    package let outputIsTerminal: Bool

    /// Most that is read from standard input.
    static let inputBytesMax = 32 << 20

    /// - Parameters:
    ///   - sink: takes text as it is to be written, line ends included.
    ///   - hiddenLine: shows a prompt, reads a line without echo.
    ///   - pipedInput: reads standard input to its end, at most so many bytes.
    package init(
        inputIsTerminal: Bool,
        outputIsTerminal: Bool,
        sink: @escaping @Sendable (Stream, String) -> Void,
        hiddenLine: @escaping @Sendable (String) throws -> String,
        pipedInput: @escaping @Sendable (Int) throws -> [UInt8]
    ) {
        self.inputIsTerminal = inputIsTerminal
        self.outputIsTerminal = outputIsTerminal
        self.sink = sink
        self.hiddenLine = hiddenLine
        self.pipedInput = pipedInput
    }

    /// The terminal or pipes of this process.
    package static func ofProcess() -> Terminal {
        Terminal(
            inputIsTerminal: StandardStreams.isTerminal(StandardStreams.input),
            outputIsTerminal: StandardStreams.isTerminal(StandardStreams.output),
            sink: { stream, text in
                let descriptor =
                    stream == .result ? StandardStreams.output : StandardStreams.error
                _ = StandardStreams.write(Array(text.utf8), to: descriptor)
            },
            hiddenLine: { try HiddenPrompt.read($0) },
            pipedInput: {
                try StandardStreams.read(
                    StandardStreams.input,
                    named: "standard input",
                    atMost: $0
                )
            }
        )
    }

    /// One line, or several, of the result.
    func result(_ text: String) { sink(.result, text + "\n") }

    /// Exactly this text as the result; on a terminal a line end is added.
    func rawResult(_ text: String) { sink(.result, outputIsTerminal ? text + "\n" : text) }

    /// Something that a person should know and that is not the result.
    func say(_ text: String) { sink(.message, "holdfast: \(text)\n") }

    /// What to type next.
    func hint(_ text: String) { say("hint: \(text)") }

    /// Asks for one secret at the terminal, or takes the first line of standard input.
    func secret(_ prompt: String) throws -> String {
        guard let first = try secrets(prompt).first else {
            throw CommandFailure(.refused, "standard input is empty", "give the secret on it")
        }
        return first
    }

    /// Asks for one secret at the terminal, or takes every line of standard input that holds one.
    func secrets(_ prompt: String) throws -> [String] {
        if inputIsTerminal {
            let line = try hiddenLine("\(prompt) (hidden): ").trimmingWhitespace()
            guard !line.isEmpty else {
                throw CommandFailure(.refused, "nothing was typed", "repeat the command")
            }
            return [line]
        }
        let text = try inputText()
        let lines = text.split(whereSeparator: \.isNewline)
        return lines.map { String($0).trimmingWhitespace() }.filter { !$0.isEmpty }
    }

    /// All of standard input as text.
    func inputText() throws -> String {
        try Self.text(of: pipedInput(Self.inputBytesMax), from: "standard input")
    }

    /// Bytes as text.
    static func text(of bytes: [UInt8], from name: String) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(
                .refused,
                "\(name) is not text in UTF-8",
                "encode it: base64 FILE | …"
            )
        }
        return text
    }
}
