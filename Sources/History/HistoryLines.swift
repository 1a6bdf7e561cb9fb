import Wire

/// Reads a history from text: one JSON object a line, one operation an object. Empty lines are
/// skipped.
///
/// | member | for | value |
/// |---|---|---|
/// | `op` | all | `"get"`, `"put"`, `"delete"` |
/// | `key` | all | text |
/// | `client` | all | whole number |
/// | `call`, `end` | all | whole numbers on one clock; `end` is missing or null if no answer came |
/// | `outcome` | all | `"ok"`, `"mismatch"`, `"refused"`, `"unknown"` |
/// | `value` | put; get that is ok | text; null or missing for a get that found nothing |
/// | `version` | ok | whole number, if the answer told one |
/// | `if_version` | put, delete | whole number, 0 for "absent" |
/// | `if_value` | put, delete | text, null for "absent" |
/// | `stale_bound` | get | whole number: how old the answer may be |
///
/// Other members are an error: a misspelt condition must not pass silently.
package enum HistoryLines {
    /// What is wrong with a line.
    package struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// Counts from 1.
        package let line: Int
        /// What is wrong with it.
        package let text: String

        package var description: String { "line \(line): \(text)" }
    }

    /// Operations in the order of their lines.
    package static func parse(_ bytes: [UInt8]) throws(Problem) -> [Operation] {
        var operations: [Operation] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let isBlank = line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
            if isBlank { continue }
            operations.append(try operation(Array(line), line: number))
        }
        return operations
    }

    private static let members: Set = [
        "op", "key", "client", "call", "end", "outcome", "value", "version", "if_version",
        "if_value", "stale_bound",
    ]

    private static func operation(_ bytes: [UInt8], line: Int) throws(Problem) -> Operation {
        let document: JSONValue
        do {
            document = try JSONScanner.parse(bytes)
        } catch {
            throw Problem(line: line, text: "not JSON: \(error)")
        }
        guard let object = document.asObject else {
            throw Problem(line: line, text: "not an object")
        }
        let fields = Fields(object: object, line: line)
        for (name, _) in object.members where !members.contains(name) {
            throw Problem(line: line, text: "unknown member \"\(name)\"")
        }
        let action = try fields.action()
        let operation = Operation(
            client: try fields.required("client"),
            key: try fields.text("key"),
            call: try fields.required("call"),
            end: try fields.number("end"),
            action: action,
            outcome: try fields.outcome(of: action)
        )
        if let problem = operation.problem { throw Problem(line: line, text: problem) }
        return operation
    }

    private struct Fields {
        let object: JSONObject
        let line: Int

        func text(_ name: String) throws(Problem) -> String {
            guard let text = object[name]?.asString else {
                throw Problem(line: line, text: "\"\(name)\" is missing or no text")
            }
            return text
        }

        func number(_ name: String) throws(Problem) -> UInt64? {
            guard let value = object[name], !value.isNull else { return nil }
            guard let number = value.asInt, number >= 0 else {
                throw Problem(line: line, text: "\"\(name)\" is no whole number, 0 or above")
            }
            return UInt64(number)
        }

        func required(_ name: String) throws(Problem) -> UInt64 {
            guard let number = try number(name) else {
                throw Problem(line: line, text: "\"\(name)\" is missing")
            }
            return number
        }

        func action() throws(Problem) -> Action {
            switch try text("op") {
            case "get":
                guard object["if_version"] == nil, object["if_value"] == nil else {
                    throw Problem(line: line, text: "a get has no condition")
                }
                return try number("stale_bound").map { .staleGet(bound: $0) } ?? .get
            case "put":
                return .write(try text("value"), try condition())
            case "delete":
                return .write(nil, try condition())
            case let other:
                throw Problem(line: line, text: "unknown op \"\(other)\"")
            }
        }

        private func condition() throws(Problem) -> Condition {
            guard object["stale_bound"] == nil else {
                throw Problem(line: line, text: "only a get has a stale_bound")
            }
            switch (try number("if_version"), object["if_value"]) {
            case (nil, nil): return .none
            case (let version?, nil): return .version(version)
            case (nil, .some(.null)): return .value(nil)
            case (nil, .some(.string(let value))): return .value(value)
            case (nil, _): throw Problem(line: line, text: "\"if_value\" is no text and not null")
            case (_, _): throw Problem(line: line, text: "two conditions")
            }
        }

        func outcome(of action: Action) throws(Problem) -> Outcome {
            switch (try text("outcome"), action) {
            case ("ok", .get), ("ok", .staleGet):
                guard let value = object["value"], !value.isNull else {
                    return .found(value: nil, version: nil)
                }
                guard let text = value.asString else {
                    throw Problem(line: line, text: "\"value\" is no text and not null")
                }
                return .found(value: text, version: try number("version"))
            case ("ok", .write): return .written(version: try number("version"))
            case ("mismatch", _): return .mismatch
            case ("refused", _): return .refused
            case ("unknown", _): return .unknown
            case (let other, _):
                throw Problem(line: line, text: "unknown outcome \"\(other)\"")
            }
        }
    }
}
