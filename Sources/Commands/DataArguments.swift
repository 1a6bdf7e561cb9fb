import ArgumentParser
import Client
import Wire

/// The `key=value` arguments of a write.
///
/// - `k=v` is text; `k=@file` the content of a file; `k=-` standard input; `k=\@v` the text `@v`.
/// - `-` is a JSON object on standard input, `@file` one in a file.
/// - A key that is given twice becomes a list.
struct DataArguments {
    private let terminal: Terminal
    private var hasReadInput = false
    private(set) var object = JSONObject()

    init(_ items: [String], _ terminal: Terminal) throws {
        self.terminal = terminal
        for (position, item) in items.enumerated() {
            if item == "-" {
                try merge(document: inputText(), from: "standard input")
            } else if item.utf8.first == UInt8(ascii: "@") {
                let file = String(item.dropFirst())
                try merge(document: fileText(file), from: file)
            } else if let equals = item.firstIndex(of: "="), equals > item.startIndex {
                let value = String(item[item.index(after: equals)...])
                try add(String(item[..<equals]), text(of: value))
            } else {
                // The item is not repeated: it may be a secret with its key left out.
                throw ValidationError("data argument \(position + 1) is not key=value")
            }
        }
    }

    private mutating func text(of value: String) throws -> String {
        if value == "-" { return try inputText() }
        if value.utf8.first == UInt8(ascii: "@") { return try fileText(String(value.dropFirst())) }
        if value.utf8.starts(with: "\\@".utf8) || value == "\\-" {
            return String(value.dropFirst())
        }
        return value
    }

    private mutating func inputText() throws -> String {
        guard !hasReadInput else {
            throw ValidationError("standard input can be used for one value only")
        }
        hasReadInput = true
        return try terminal.inputText()
    }

    private func fileText(_ path: String) throws -> String {
        let bytes = try LocalFile.read(path, atMost: Terminal.inputBytesMax)
        return try Terminal.text(of: bytes, from: path)
    }

    private mutating func merge(document: String, from name: String) throws {
        let value: JSONValue
        do {
            value = try JSONScanner.parse(Array(document.utf8), limits: .trusted)
        } catch {
            throw CommandFailure(.refused, "\(name): \(error.summary)", error.remedy)
        }
        guard let members = value.asObject else {
            throw CommandFailure(
                .refused,
                "\(name) is not a JSON object",
                "write it as {\"key\":\"value\"}"
            )
        }
        for (name, value) in members.members { object[name] = value }
    }

    private mutating func add(_ name: String, _ text: String) {
        switch object[name] {
        case nil: object[name] = .string(text)
        case .array(let elements)?: object[name] = .array(elements + [.string(text)])
        case let value?: object[name] = .array([value, .string(text)])
        }
    }
}
