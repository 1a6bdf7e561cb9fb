package import Wire

/// A parameter after conversion.
package enum FieldValue: Sendable, Equatable {
    case text(String)
    case int(Int)
    case float(Double)
    case bool(Bool)
    case map(JSONObject)
    case ints([Int])
    case texts([String])
}

/// The parameters of one request, converted as the endpoint's schema says.
package struct Fields: Sendable {
    private var values: [(name: String, value: FieldValue)] = []
    private var ignored: [String] = []
    private var replaced: [String] = []

    /// - Throws: ``EngineError/invalid(_:)`` for the first value of a wrong type, in Go's words.
    package init(_ raw: JSONObject, _ schema: FieldSchema) throws(EngineError) {
        for (name, value) in raw.members {
            if schema.captured.contains(where: { utf8Equals($0, name) }) {
                replaced.append(name)
            } else if let kind = schema.kind(of: name) {
                // Go's framework reads a duration of null as one that was not given.
                if kind.isDuration && value.isNull { continue }
                do throws(ConversionError) {
                    values.append((name, try Conversion.value(of: value, as: kind)))
                } catch {
                    throw .invalid(
                        "\(schema.errorPrefix)error converting input for field "
                            + "\"\(name)\": \(error.text)"
                    )
                }
            } else {
                ignored.append(name)
            }
        }
    }

    /// The same with another value for a parameter that the request names.
    func replacing(_ name: String, with value: FieldValue) -> Fields {
        var fields = self
        for position in fields.values.indices where utf8Equals(fields.values[position].name, name) {
            fields.values[position].value = value
        }
        return fields
    }

    /// Whether the request names this parameter.
    package func has(_ name: String) -> Bool { value(name) != nil }

    /// The text, or nil if the request does not name it.
    package func text(_ name: String) -> String? {
        if case .text(let text) = value(name) { text } else { nil }
    }

    /// The number (for durations in seconds), or nil.
    package func int(_ name: String) -> Int? {
        if case .int(let number) = value(name) { number } else { nil }
    }

    /// The number with its fraction, or nil.
    package func float(_ name: String) -> Double? {
        if case .float(let number) = value(name) { number } else { nil }
    }

    /// The truth value, or nil.
    package func bool(_ name: String) -> Bool? {
        if case .bool(let flag) = value(name) { flag } else { nil }
    }

    /// The object, or nil.
    package func map(_ name: String) -> JSONObject? {
        if case .map(let object) = value(name) { object } else { nil }
    }

    /// The numbers, or nil.
    package func ints(_ name: String) -> [Int]? {
        if case .ints(let numbers) = value(name) { numbers } else { nil }
    }

    /// The texts, or nil.
    package func texts(_ name: String) -> [String]? {
        if case .texts(let texts) = value(name) { texts } else { nil }
    }

    /// What an answer with a body says about parameters that had no effect.
    package var warnings: [String] {
        var warnings: [String] = []
        if !ignored.isEmpty {
            warnings.append(
                "Endpoint ignored these unrecognized parameters: \(listed(ignored))"
            )
        }
        if !replaced.isEmpty {
            warnings.append(
                "Endpoint replaced the value of these parameters with the values captured from the "
                    + "endpoint's path: \(listed(replaced))"
            )
        }
        return warnings
    }

    private func value(_ name: String) -> FieldValue? {
        values.first { utf8Equals($0.name, name) }?.value
    }

    private func listed(_ names: [String]) -> String {
        "[\(names.sorted(by: utf8Precedes).joined(separator: " "))]"
    }
}
