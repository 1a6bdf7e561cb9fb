import Wire

/// One `path` block of a policy.
package struct PathRule: Equatable, Sendable {
    /// As written, without a leading slash; may contain templates.
    package let path: String
    /// What it grants or denies.
    package internal(set) var capabilities: Capabilities
    /// Line of the policy on which the block begins; 0 in a policy that is JSON.
    package let line: Int
    var parameters = ParameterRule()
    /// Seconds; 0: nothing is said.
    var wrappingSecondsMin: UInt64 = 0
    var wrappingSecondsMax: UInt64 = 0
    /// The block means nothing from this moment on.
    var expiration: Timestamp?
    /// Names that one list may answer; nil: any number.
    var paginationLimit: Int?
    /// Which names of a list are shown: those whose expansion may be read.
    var keysFilter: KeysFilter?

    /// Keys of a block, as policies spell them.
    static let keys = [
        "allowed_parameters", "capabilities", "comment", "denied_parameters", "expiration",
        "list_scan_response_keys_filter_path", "max_wrapping_ttl", "min_wrapping_ttl",
        "pagination_limit", "policy", "required_parameters",
    ]

    init(path: String, capabilities: Capabilities, line: Int) {
        self.path = path
        self.capabilities = capabilities
        self.line = line
    }

    /// What is left of a block that denies: nothing else in it matters.
    var denying: PathRule {
        var rule = PathRule(path: path, capabilities: .deny, line: line)
        rule.expiration = expiration
        return rule
    }
}

/// For each name of a list, the path on which the caller must be allowed to act for the name to be
/// shown: `{{ .path }}{{ .key }}`. Listing is needed for a folder, reading for anything else.
package struct KeysFilter: Equatable, Sendable {
    enum Part: Equatable, Sendable {
        case text(String)
        /// The path that is listed, its mount and its final slash included.
        case path
        /// The name in the list.
        case key
    }

    let parts: [Part]

    /// - Returns: nil unless every `{{ }}` is `.path` or `.key`.
    init?(_ text: String) {
        guard let pieces = Braces.pieces(of: text) else { return nil }
        var parts: [Part] = []
        for piece in pieces {
            switch piece {
            case .text(let text): parts.append(.text(text))
            case .variable(".path"): parts.append(.path)
            case .variable(".key"): parts.append(.key)
            case .variable: return nil
            }
        }
        self.parts = parts
    }

    /// The path for one name.
    package func expanded(path: String, key: String) -> String {
        parts.reduce(into: "") { result, part in
            switch part {
            case .text(let text): result += text
            case .path: result += path
            case .key: result += key
            }
        }
    }
}

/// Text with `{{ name }}` in it.
enum Braces {
    enum Piece: Equatable {
        case text(String)
        case variable(String)
    }

    /// The pieces in order, or nil if braces do not pair up.
    static func pieces(of text: String) -> [Piece]? {
        let bytes = Array(text.utf8)
        let open = UInt8(ascii: "{")
        let close = UInt8(ascii: "}")
        var pieces: [Piece] = []
        var start = 0
        var position = 0
        var isInside = false
        func piece(_ end: Int) -> String { String(decoding: bytes[start..<end], as: UTF8.self) }
        while position < bytes.count {
            let isDouble = position + 1 < bytes.count && bytes[position] == bytes[position + 1]
            guard isDouble, bytes[position] == open || bytes[position] == close else {
                position += 1
                continue
            }
            guard isInside == (bytes[position] == close) else { return nil }
            if isInside {
                // Names have blanks inside; around them they are nobody's.
                func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
                var name = bytes[start..<position].drop(while: isBlank)
                while let last = name.last, isBlank(last) { name.removeLast() }
                pieces.append(.variable(String(decoding: name, as: UTF8.self)))
            } else if position > start {
                pieces.append(.text(piece(position)))
            }
            isInside.toggle()
            position += 2
            start = position
        }
        guard !isInside else { return nil }
        if start < bytes.count { pieces.append(.text(piece(bytes.count))) }
        return pieces
    }
}
