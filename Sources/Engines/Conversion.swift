import Wire

/// Why a value does not convert, in the words of Go's `mapstructure`, which OpenBao's clients see.
struct ConversionError: Error, Equatable {
    let text: String

    static func unparsable(_ kind: String, _ function: String, _ reason: String) -> Self {
        Self(text: "'' cannot parse value as '\(kind)': strconv.\(function): \(reason)")
    }

    static func unconvertible(_ kind: String, _ value: JSONValue) -> Self {
        Self(
            text: "'' expected type '\(kind)', got unconvertible type "
                + "'\(Conversion.goType(of: value))'"
        )
    }

    /// The same inside a list.
    func inside(_ position: Int) -> Self {
        Self(text: "'[\(position)]'" + text.dropFirst(2))
    }
}

/// Loose conversions from JSON, as OpenBao makes them.
enum Conversion {
    static func value(
        of raw: JSONValue,
        as kind: FieldSchema.Kind
    ) throws(ConversionError) -> FieldValue {
        switch kind {
        case .text: .text(try text(raw))
        case .int: .int(try int(raw))
        case .float: .float(try float(raw))
        case .bool: .bool(try bool(raw))
        case .map: .map(try map(raw))
        case .pairs: .map(try pairs(raw))
        case .ints: .ints(try ints(raw))
        case .texts: .texts(try texts(raw))
        case .seconds: .int(try seconds(raw, isSigned: false))
        case .signedSeconds: .int(try seconds(raw, isSigned: true))
        }
    }

    static func text(_ raw: JSONValue) throws(ConversionError) -> String {
        switch raw {
        case .null: ""
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): flag ? "1" : "0"
        case .array, .object: throw .unconvertible("string", raw)
        }
    }

    static func int(_ raw: JSONValue) throws(ConversionError) -> Int {
        switch raw {
        case .null: return 0
        case .bool(let flag): return flag ? 1 : 0
        case .number(let number): return try int(spelled: number.text)
        case .string(let text): return text.isEmpty ? 0 : try int(spelled: text)
        case .array, .object: throw .unconvertible("int", raw)
        }
    }

    /// Never NaN, which is no number that anybody can mean.
    static func float(_ raw: JSONValue) throws(ConversionError) -> Double {
        let text: String
        switch raw {
        case .null: return 0
        case .bool(let flag): return flag ? 1 : 0
        case .number(let number): text = number.text
        case .string(let given): text = given.isEmpty ? "0" : given
        case .array, .object: throw .unconvertible("float64", raw)
        }
        guard let value = Double(text), !value.isNaN else {
            throw .unparsable("float64", "ParseFloat", "invalid syntax")
        }
        return value
    }

    static func bool(_ raw: JSONValue) throws(ConversionError) -> Bool {
        switch raw {
        case .null: return false
        case .bool(let flag): return flag
        case .number(let number): return try int(spelled: number.text) != 0
        case .string(let text):
            if text.isEmpty { return false }
            guard let flag = goBool(text) else {
                throw .unparsable("bool", "ParseBool", "invalid syntax")
            }
            return flag
        case .array, .object: throw .unconvertible("bool", raw)
        }
    }

    /// Go's `strconv.ParseBool`.
    static func goBool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func map(_ raw: JSONValue) throws(ConversionError) -> JSONObject {
        let kind = "map[string]interface {}"
        switch raw {
        case .null: return JSONObject()
        case .object(let object): return object
        case .array(let elements):
            if let first = elements.first {
                throw ConversionError.unconvertible(kind, first).inside(0)
            }
            return JSONObject()
        case .bool, .number, .string: throw .unconvertible(kind, raw)
        }
    }

    static func pairs(_ raw: JSONValue) throws(ConversionError) -> JSONObject {
        var result = JSONObject()
        switch raw {
        case .null: break
        case .object(let object):
            for (name, value) in object.members {
                result[name] = .string(try text(value))
            }
        case .array(let elements):
            for element in elements {
                try addPair(try text(element), to: &result)
            }
        case .string(let one):
            if !one.isEmpty { try addPair(one, to: &result) }
        case .bool, .number: throw .unconvertible("map[string]string", raw)
        }
        return result
    }

    static func ints(_ raw: JSONValue) throws(ConversionError) -> [Int] {
        let elements: [JSONValue]
        switch raw {
        case .null: elements = []
        case .array(let list): elements = list
        case .string(let text): elements = split(text).map { .string($0) }
        case .object(let object): elements = object.isEmpty ? [] : [raw]
        case .bool, .number: elements = [raw]
        }
        var result: [Int] = []
        for (position, element) in elements.enumerated() {
            do throws(ConversionError) {
                result.append(try int(element))
            } catch {
                throw ConversionError(
                    text: "decoding failed due to the following error(s):\n\n"
                        + error.inside(position).text
                )
            }
        }
        return result
    }

    static func texts(_ raw: JSONValue) throws(ConversionError) -> [String] {
        switch raw {
        case .null: return []
        case .string(let text): return split(text)
        case .bool, .number: return [try text(raw)]
        case .object: throw .unconvertible("[]string", raw)
        case .array(let elements):
            var result: [String] = []
            for (position, element) in elements.enumerated() {
                do throws(ConversionError) {
                    result.append(try text(element))
                } catch {
                    throw error.inside(position)
                }
            }
            return result
        }
    }

    static func seconds(_ raw: JSONValue, isSigned: Bool) throws(ConversionError) -> Int {
        let spelled: String
        switch raw {
        case .null: spelled = ""
        case .string(let text): spelled = text
        case .number(let number): spelled = number.text
        case .bool, .array, .object: throw .unconvertible("int", raw)
        }
        let seconds = try wholeSeconds(spelled)
        guard isSigned || seconds >= 0 else {
            throw ConversionError(text: "cannot provide negative value '\(seconds)'")
        }
        return seconds
    }

    private static func wholeSeconds(_ text: String) throws(ConversionError) -> Int {
        do throws(DurationError) {
            return Int(try GoDuration.nanoseconds(of: text) / 1_000_000_000)
        } catch {
            throw ConversionError(text: error.summary)
        }
    }

    /// How Go names the type of a decoded value.
    static func goType(of value: JSONValue) -> String {
        switch value {
        case .null: "nil"
        case .bool: "bool"
        case .number: "json.Number"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    private static func int(spelled text: String) throws(ConversionError) -> Int {
        if let value = Int(text) { return value }
        let digits = text.utf8.first == 0x2D ? text.utf8.dropFirst() : text.utf8[...]
        let isNumber = !digits.isEmpty && digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        throw .unparsable("int", "ParseInt", isNumber ? "value out of range" : "invalid syntax")
    }

    private static func addPair(
        _ text: String,
        to object: inout JSONObject
    ) throws(ConversionError) {
        guard let equals = text.utf8.firstIndex(of: 0x3D) else {
            throw ConversionError(text: "invalid key/value pair \"\(text)\"")
        }
        object[String(text[..<equals])] = .string(String(text[text.utf8.index(after: equals)...]))
    }

    /// Parts between commas without the spaces around them; nothing for an empty text.
    private static func split(_ text: String) -> [String] {
        if text.isEmpty { return [] }
        return text.utf8.split(separator: 0x2C, omittingEmptySubsequences: false).map { part in
            var part = part
            while part.first == 0x20 { part.removeFirst() }
            while part.last == 0x20 { part.removeLast() }
            return String(part) ?? ""
        }
    }
}
