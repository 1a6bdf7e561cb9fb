/// Reads the part of TOML 1.0 that settings need: tables, arrays of tables, and keys whose values
/// are strings of one line, whole numbers or booleans.
///
/// Ours, because every TOML and YAML library at hand links full Foundation, and so ICU, into the
/// server. What it does not know it refuses, naming the line; it never guesses.
/// - Source: TOML 1.0.0, toml.io.
enum TOMLReader {
    /// A value, with the line it stands on.
    enum Value: Equatable, Sendable {
        case text(String)
        case flag(Bool)
        case number(Int)
    }

    /// One table: its keys in the order of the file, dots for subtables.
    struct Table: Equatable, Sendable {
        var keys: [String] = []
        private var values: [String: Value] = [:]

        subscript(key: String) -> Value? { values[key] }

        /// - Returns: false when the key is there already.
        mutating func add(_ key: String, _ value: Value) -> Bool {
            guard values[key] == nil else { return false }
            keys.append(key)
            values[key] = value
            return true
        }
    }

    /// A whole file.
    struct Document: Equatable, Sendable {
        /// The top level; the keys of table `[tls]` are `tls.certificate` and so on.
        var top = Table()
        /// The names of `[name]` tables, empty ones included.
        var tables: [String] = []
        /// `[[name]]` tables in the order of the file.
        var arrays: [String: [Table]] = [:]
    }

    /// What is wrong, and on which line, from 1.
    struct Failure: Error, Equatable {
        let line: Int
        let reason: String
    }

    /// Where the next keys belong.
    private enum Place {
        case top(prefix: String)
        case array(String)
    }

    static func read(_ text: String) throws(Failure) -> Document {
        var document = Document()
        var place = Place.top(prefix: "")
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (position, bytes) in lines.enumerated() {
            var line = Line(Array(bytes), number: position + 1)
            line.skipSpace()
            guard let first = line.next, first != 0x23 else { continue }
            if first == 0x5B {
                place = try header(&line, &document)
            } else {
                let name = try line.dottedKey()
                try line.expect(0x3D, "an equals sign after the key \(name)")
                line.skipSpace()
                try add(name, try line.value(), to: place, in: &document, line.number)
            }
            try line.finish()
        }
        return document
    }

    private static func header(
        _ line: inout Line,
        _ document: inout Document
    ) throws(Failure) -> Place {
        line.advance()
        let isArray = line.next == 0x5B
        if isArray { line.advance() }
        line.skipSpace()
        let name = try line.dottedKey()
        try line.expect(0x5D, "a closing bracket after the table name \(name)")
        if isArray {
            guard line.next == 0x5D else {
                throw Failure(line: line.number, reason: "a second closing bracket is missing")
            }
            line.advance()
            document.arrays[name, default: []].append(Table())
            return .array(name)
        }
        guard !document.tables.contains(name) else {
            throw Failure(line: line.number, reason: "the table [\(name)] is there twice")
        }
        document.tables.append(name)
        return .top(prefix: name + ".")
    }

    private static func add(
        _ name: String,
        _ value: Value,
        to place: Place,
        in document: inout Document,
        _ line: Int
    ) throws(Failure) {
        let isNew: Bool
        switch place {
        case .top(let prefix): isNew = document.top.add(prefix + name, value)
        case .array(let array):
            let last = (document.arrays[array]?.count ?? 0) - 1
            isNew = document.arrays[array]?[last].add(name, value) ?? false
        }
        guard isNew else { throw Failure(line: line, reason: "the key \(name) is there twice") }
    }
}

/// One line of the file and a position in it.
private struct Line {
    let number: Int
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8], number: Int) {
        // A file with Windows line ends.
        self.bytes = bytes.last == 0x0D ? bytes.dropLast() : bytes
        self.number = number
    }

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func advance() { offset += 1 }

    mutating func skipSpace() {
        while next == 0x20 || next == 0x09 { offset += 1 }
    }

    mutating func expect(_ byte: UInt8, _ what: String) throws(TOMLReader.Failure) {
        skipSpace()
        guard next == byte else { throw failure("\(what) is missing") }
        advance()
    }

    /// Nothing but a comment may follow.
    mutating func finish() throws(TOMLReader.Failure) {
        skipSpace()
        guard next == nil || next == 0x23 else { throw failure("there is more after the value") }
    }

    func failure(_ reason: String) -> TOMLReader.Failure {
        TOMLReader.Failure(line: number, reason: reason)
    }

    // MARK: Keys

    mutating func dottedKey() throws(TOMLReader.Failure) -> String {
        var parts = [try bareKey()]
        skipSpace()
        while next == 0x2E {
            advance()
            skipSpace()
            parts.append(try bareKey())
            skipSpace()
        }
        return parts.joined(separator: ".")
    }

    private mutating func bareKey() throws(TOMLReader.Failure) -> String {
        let start = offset
        while let byte = next, Self.isBare(byte) { offset += 1 }
        guard offset > start else {
            throw failure("a key of letters, digits, - and _ was expected")
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
    }

    // MARK: Values

    mutating func value() throws(TOMLReader.Failure) -> TOMLReader.Value {
        switch next {
        case 0x22: return .text(try basicString())
        case 0x27: return .text(try literalString())
        case nil: throw failure("a value is missing")
        default: return try word()
        }
    }

    private mutating func word() throws(TOMLReader.Failure) -> TOMLReader.Value {
        let start = offset
        while let byte = next, byte != 0x20, byte != 0x09, byte != 0x23 { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        switch text {
        case "true": return .flag(true)
        case "false": return .flag(false)
        default: break
        }
        let digits = text.utf8.first == 0x2D ? text.dropFirst() : text[...]
        let isDecimal =
            !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && (digits.count == 1 || digits.utf8.first != 0x30)
        guard isDecimal, let number = Int(text) else {
            throw failure("settings know strings in quotes, whole numbers, true and false")
        }
        return .number(number)
    }

    private mutating func literalString() throws(TOMLReader.Failure) -> String {
        advance()
        let start = offset
        while let byte = next, byte != 0x27 {
            guard byte >= 0x20 || byte == 0x09 else { throw failure("a control character") }
            offset += 1
        }
        guard next == 0x27 else { throw failure("the string does not end on its line") }
        defer { advance() }
        return try checked(Array(bytes[start..<offset]))
    }

    private mutating func basicString() throws(TOMLReader.Failure) -> String {
        advance()
        var result: [UInt8] = []
        while let byte = next, byte != 0x22 {
            guard byte >= 0x20 || byte == 0x09 else { throw failure("a control character") }
            advance()
            if byte == 0x5C {
                result += try escape()
            } else {
                result.append(byte)
            }
        }
        guard next == 0x22 else { throw failure("the string does not end on its line") }
        advance()
        return try checked(result)
    }

    private func checked(_ bytes: [UInt8]) throws(TOMLReader.Failure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure("the string is not UTF-8")
        }
        return text
    }

    private mutating func escape() throws(TOMLReader.Failure) -> [UInt8] {
        guard let byte = next else { throw failure("the string ends in a backslash") }
        advance()
        switch byte {
        case 0x62: return [0x08]
        case 0x74: return [0x09]
        case 0x6E: return [0x0A]
        case 0x66: return [0x0C]
        case 0x72: return [0x0D]
        case 0x22, 0x5C: return [byte]
        case 0x75: return try scalar(digits: 4)
        case 0x55: return try scalar(digits: 8)
        default: throw failure("an unknown escape in a string")
        }
    }

    private mutating func scalar(digits: Int) throws(TOMLReader.Failure) -> [UInt8] {
        let text = String(
            decoding: bytes[offset..<min(offset + digits, bytes.count)],
            as: UTF8.self
        )
        guard text.utf8.count == digits, text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let code = UInt32(text, radix: 16), let scalar = Unicode.Scalar(code)
        else { throw failure("\\u needs \(digits) hex digits of a character") }
        offset += digits
        return Array(String(Character(scalar)).utf8)
    }
}
