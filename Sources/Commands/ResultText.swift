import Wire

/// JSON as people read it.
enum ResultText {
    /// One JSON document, indented by two spaces, members in their order.
    static func indented(_ value: JSONValue) -> String {
        var text = ""
        append(value, depth: 0, to: &text)
        return text
    }

    /// A value in one cell of a table: text as it is, lists as `[a b]`, objects as `map[a:1]`.
    static func cell(_ value: JSONValue) -> String {
        switch value {
        case .null: return "<nil>"
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number): return number.text
        case .string(let text): return text
        case .array(let elements):
            return "[\(elements.map(cell).joined(separator: " "))]"
        case .object(let object):
            let pairs = object.sorted().members.map { "\($0.name):\(cell($0.value))" }
            return "map[\(pairs.joined(separator: " "))]"
        }
    }

    /// A table of an object's members, sorted by name.
    static func table(_ object: JSONObject) -> Table {
        var table = Table(["Key", "Value"])
        for (name, value) in object.members { table.add([name, cell(value)]) }
        table.sort()
        return table
    }

    /// `====== Title ======`, about as wide as the table below it.
    static func heading(_ title: String, above table: Table) -> String {
        let nameWidth = table.rows.map(\.[0].count).max() ?? 0
        let wanted = nameWidth + table.gap + "Value".count - title.count - 2
        let side = String(repeating: "=", count: max(2, (wanted + 1) / 2))
        return "\(side) \(title) \(side)"
    }

    /// Text that cannot steer a terminal: control characters other than line end and tab are
    /// written as `\u{…}`.
    static func harmless(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0A: safe.unicodeScalars.append(scalar)
            case 0..<0x20, 0x7F..<0xA0: safe += "\\u{\(String(scalar.value, radix: 16))}"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    private static func append(_ value: JSONValue, depth: Int, to text: inout String) {
        let inner = "\n" + String(repeating: "  ", count: depth + 1)
        let outer = "\n" + String(repeating: "  ", count: depth)
        switch value {
        case .array(let elements) where !elements.isEmpty:
            text += "["
            for (position, element) in elements.enumerated() {
                text += (position > 0 ? "," : "") + inner
                append(element, depth: depth + 1, to: &text)
            }
            text += outer + "]"
        case .object(let object) where !object.isEmpty:
            text += "{"
            for (position, member) in object.members.enumerated() {
                text += (position > 0 ? "," : "") + inner
                text += compact(.string(member.name)) + ": "
                append(member.value, depth: depth + 1, to: &text)
            }
            text += outer + "}"
        default:
            text += compact(value)
        }
    }

    private static func compact(_ value: JSONValue) -> String {
        String(decoding: value.encoded(sortingKeys: false), as: UTF8.self)
    }
}

extension Session {
    /// Prints one JSON document.
    func printJSON(_ value: JSONValue) { terminal.result(ResultText.indented(value)) }

    /// Prints text for people.
    func printText(_ text: String) {
        terminal.result(terminal.outputIsTerminal ? ResultText.harmless(text) : text)
    }

    /// Prints one field alone: text as it is, anything else as JSON.
    func printField(_ value: JSONValue) {
        if case .string(let text) = value {
            let isShown = terminal.outputIsTerminal
            terminal.rawResult(isShown ? ResultText.harmless(text) : text)
        } else {
            terminal.rawResult(String(decoding: value.encoded(sortingKeys: false), as: UTF8.self))
        }
    }
}
