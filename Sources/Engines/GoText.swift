import Wire

/// Texts in the form that clients of OpenBao know from Go's standard library.
package enum GoText {
    /// Errors of one request as Go's `multierror` prints them.
    package static func errors(_ texts: [String]) -> String {
        let noun = texts.count == 1 ? "error" : "errors"
        let lines = texts.map { "\t* \($0)\n" }.joined()
        return "\(texts.count) \(noun) occurred:\n\(lines)\n"
    }

    /// The text in double quotes, with quotes, backslashes and what does not print escaped, as
    /// `%q`.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result += escaped(scalar)
            }
        }
        return result + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        if scalar.isPrintable { return String(Character(scalar)) }
        let digits = String(scalar.value, radix: 16)
        if scalar.value < 0x80 { return "\\x" + padded(digits, 2) }
        return scalar.value < 0x1_0000 ? "\\u" + padded(digits, 4) : "\\U" + padded(digits, 8)
    }

    private static func padded(_ digits: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }
}
