/// A JSON document in memory. Numbers stay as written and members in their order, so that what a
/// client stored comes back unchanged.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// The text of a string value, else nil.
    package var asString: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The object, else nil.
    package var asObject: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The elements of an array, else nil.
    package var asArray: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The truth value of `true` or `false`, else nil.
    package var asBool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The number, if it is written as an integer and fits, else nil. Strings do not count.
    package var asInt: Int? {
        if case .number(let number) = self { number.int } else { nil }
    }

    /// Whether the value is `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// Compact JSON, escaped as ``JSONWriter`` does.
    ///
    /// - Parameter sortingKeys: true sorts the members of every object by their UTF-8 bytes, as Go
    ///   writes maps; false keeps their order.
    package func encoded(sortingKeys: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.write(sortingKeys ? sortingKeysDeeply() : self)
        return writer.bytes
    }

    private func sortingKeysDeeply() -> JSONValue {
        switch self {
        case .null, .bool, .number, .string: self
        case .array(let elements): .array(elements.map { $0.sortingKeysDeeply() })
        case .object(let object):
            .object(object.mapValues { $0.sortingKeysDeeply() }.sorted())
        }
    }
}

extension JSONValue: Equatable {
    /// Strings are equal by bytes, numbers by spelling, objects regardless of order.
    package static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let first), .bool(let second)): first == second
        case (.number(let first), .number(let second)): first == second
        case (.string(let first), .string(let second)): utf8Equals(first, second)
        case (.array(let first), .array(let second)): first == second
        case (.object(let first), .object(let second)): first == second
        default: false
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `"text"` is a string value.
    package init(stringLiteral value: String) { self = .string(value) }
    /// `7` is a number value.
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    /// `true` and `false` are truth values.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `nil` is `null`.
    package init(nilLiteral: ()) { self = .null }
    /// `[a, b]` is an array.
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// `["name": value]` is an object. A later duplicate replaces the value in place.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements))
    }
}
