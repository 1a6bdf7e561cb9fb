import Wire

/// The parameters behind `?`, decoded as Go does: `+` is a space, pairs that do not decode are left
/// out, and so are pairs with a semicolon.
struct Query {
    /// In order; a name may come more than once.
    let items: [(name: String, value: String)]
    /// Whether there were more than ``APILimits/queryItemsMax``; the rest was not read.
    let isCut: Bool

    init(_ bytes: ArraySlice<UInt8>) {
        var items: [(name: String, value: String)] = []
        var isCut = false
        for pair in bytes.split(separator: 0x26) where !pair.contains(0x3B) {
            if items.count == APILimits.queryItemsMax {
                isCut = true
                break
            }
            let equals = pair.firstIndex(of: 0x3D) ?? pair.endIndex
            guard let name = Percent.decodedText(pair[..<equals]),
                let value = Percent.decodedText(pair[equals...].dropFirst())
            else { continue }
            items.append((name, value))
        }
        self.items = items
        self.isCut = isCut
    }

    /// The first value of a parameter.
    func first(_ name: String) -> String? {
        items.first { utf8Equals($0.name, name) }?.value
    }

    /// The parameters of a logical request. A name that comes twice is a list. What only steers the
    /// operation (`list`, `scan`, `help`) is left out.
    func fields() throws(RouteError) -> JSONObject {
        try collected { name in
            name == "list" || name == "scan" || name == "help"
        }
    }

    /// The parameters of a form. What comes twice is one text with a comma, as OpenBao reads it.
    func formFields() throws(RouteError) -> JSONObject {
        var fields = try collected { _ in false }
        for (name, value) in fields.members {
            guard case .array(let values) = value else { continue }
            let texts = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
            fields[name] = .string(texts.joined(separator: ","))
        }
        return fields
    }

    private func collected(
        leavingOut isLeftOut: (String) -> Bool
    ) throws(RouteError) -> JSONObject {
        guard !isCut else {
            throw .refused(
                400,
                ["more than \(APILimits.queryItemsMax) query parameters"]
            )
        }
        var fields = JSONObject()
        for (name, value) in items where !isLeftOut(name) {
            switch fields[name] {
            case nil: fields[name] = .string(value)
            case .array(let values): fields[name] = .array(values + [.string(value)])
            case .some(let first): fields[name] = .array([first, .string(value)])
            }
        }
        return fields
    }
}

/// Percent-encoding (RFC 3986).
enum Percent {
    /// The bytes behind the encoding, or nil where an escape is not two hex digits.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        guard bytes.contains(0x25) else { return Array(bytes) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard byte == 0x25 else {
                result.append(byte)
                continue
            }
            guard bytes.endIndex - position >= 2, let high = digit(bytes[position]),
                let low = digit(bytes[position + 1])
            else { return nil }
            result.append(high << 4 | low)
            position += 2
        }
        return result
    }

    /// A part of a query as text; bytes that are no UTF-8 become U+FFFD.
    static func decodedText(_ bytes: ArraySlice<UInt8>) -> String? {
        let spaced = bytes.map { $0 == 0x2B ? 0x20 : $0 }
        return decoded(spaced[...]).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
