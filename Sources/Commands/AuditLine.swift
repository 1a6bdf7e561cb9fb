import Wire

/// One record of an audit log, as far as a person looks at it.
struct AuditLine {
    /// Position in the log: what `audit prove` takes.
    let leaf: UInt64
    /// The line as it was recorded.
    private let bytes: [UInt8]
    private let record: JSONObject

    /// Widest line on a terminal.
    static let columnsMax = 100
    private static let limits = JSONLimits(stringsMax: .max, memoryBytesMax: 256 << 20)

    /// - Throws: ``JSONError`` for a record that is not JSON.
    init(_ bytes: [UInt8], leaf: UInt64) throws(JSONError) {
        self.leaf = leaf
        self.bytes = bytes
        record = try JSONScanner.parse(bytes, limits: Self.limits).asObject ?? JSONObject()
    }

    /// Which records are wanted; of what is not given, all.
    struct Filter: Sendable {
        var path: String?
        /// As records show it.
        var accessor: String?
        var entity: String?
        var errorsOnly = false

        var isEmpty: Bool { path == nil && accessor == nil && entity == nil && !errorsOnly }

        func takes(_ line: AuditLine) -> Bool {
            if let path, !line.path.utf8.starts(with: path.utf8) { return false }
            if errorsOnly, line.error.isEmpty, !line.isDenied { return false }
            if let accessor {
                let known = [line.auth, line.newAuth].map { $0?["accessor"]?.asString }
                let asked = line.request["client_token_accessor"]?.asString
                guard (known + [asked]).contains(accessor) else { return false }
            }
            if let entity {
                let known = [line.auth, line.newAuth].map { $0?["entity_id"]?.asString }
                guard known.contains(entity) else { return false }
            }
            return true
        }
    }

    // MARK: forms

    /// What happened, to what, by whom, and why not; the most telling part first, since a terminal
    /// gets only the beginning.
    func text(isCut: Bool) -> String {
        let operation = text("operation")
        var text = [
            String(leaf), time, outcome.padded(8), operation.padded(6),
            path.isEmpty ? "-" : path,
        ].joined(separator: " ")
        if !error.isEmpty { text += ": " + error.split { $0.isWhitespace }.joined(separator: " ") }
        if !name.isEmpty { text += " by " + name }
        let address = self.text("remote_address")
        if !address.isEmpty { text += " from " + address }
        let line = Self.oneLine(text)
        let safe = isCut ? ResultText.harmless(line) : line
        guard isCut, safe.count > Self.columnsMax else { return safe }
        return "\(safe.prefix(Self.columnsMax - 1))…"
    }

    /// A path may hold anything.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    /// The record as it is, with the member `leaf` before its own.
    var json: String {
        var line = bytes
        while let last = line.last, last == 0x0A { line.removeLast() }
        guard line.first == UInt8(ascii: "{") else { return String(decoding: line, as: UTF8.self) }
        let comma = record.isEmpty ? "" : ","
        return "{\"leaf\":\(leaf)\(comma)" + String(decoding: line.dropFirst(), as: UTF8.self)
    }

    // MARK: parts

    private var request: JSONObject { record["request"]?.asObject ?? JSONObject() }
    private var auth: JSONObject? { record["auth"]?.asObject }
    /// The token that a login gave.
    private var newAuth: JSONObject? { record["response"]?.asObject?["auth"]?.asObject }
    private var path: String { text("path") }
    private var error: String { record["error"]?.asString ?? "" }

    private func text(_ member: String) -> String { request[member]?.asString ?? "" }

    private var isDenied: Bool {
        let results = auth?["policy_results"]?.asObject
        return results?["allowed"]?.asBool == false || error.contains("permission denied")
    }

    private var outcome: String {
        if isDenied { return "denied" }
        if !error.isEmpty { return "failed" }
        return record["type"]?.asString == "response" ? "answered" : "asked"
    }

    private var name: String {
        let names = [auth, newAuth].compactMap { $0?["display_name"]?.asString }
        return names.first { !$0.isEmpty } ?? auth?["entity_id"]?.asString ?? ""
    }

    /// To the millisecond, so that the columns below each other are of one width.
    private var time: String {
        let text = record["time"]?.asString ?? ""
        guard let moment = Timestamp(rfc3339: text) else { return text }
        let whole = Timestamp(nanoseconds: moment.nanoseconds / 1_000_000_000 * 1_000_000_000)
        let milliseconds = String(moment.nanoseconds / 1_000_000 % 1_000)
        let zeros = String(repeating: "0", count: 3 - milliseconds.count)
        return "\(whole.rfc3339.dropLast()).\(zeros)\(milliseconds)Z"
    }
}

extension String {
    fileprivate func padded(_ columns: Int) -> String {
        self + String(repeating: " ", count: max(0, columns - count))
    }
}
