/// What a document may cost. The defaults are OpenBao's, except the depth, where Go allows 10,000.
package struct JSONLimits: Sendable {
    /// Arrays and objects inside each other. The scanner recurses, so this also bounds its stack.
    package let depthMax: Int
    /// Strings in the document, member names included.
    package let stringsMax: Int
    /// Estimated bytes of the decoded document: 16 for each value and each string, 48 more for each
    /// object, and the bytes of every string and number.
    package let memoryBytesMax: Int
    /// Whether a name may stand twice in an object. Go takes the last value; where the first could
    /// be a rule that somebody relies on, that is refused instead.
    package let allowsDuplicateNames: Bool

    /// - Parameter depthMax: 1...512, the deepest that fits the smallest thread stack many times.
    package init(
        depthMax: Int = 128,
        stringsMax: Int = 1_000,
        memoryBytesMax: Int = 34_078_720,
        allowsDuplicateNames: Bool = true
    ) {
        precondition((1...512).contains(depthMax), "depth \(depthMax) does not fit the stack")
        self.depthMax = depthMax
        self.stringsMax = stringsMax
        self.memoryBytesMax = memoryBytesMax
        self.allowsDuplicateNames = allowsDuplicateNames
    }

    /// For documents of our own making, as a client reads them: only the depth is bounded.
    package static let trusted = JSONLimits(stringsMax: .max, memoryBytesMax: .max)
}

/// Reads a JSON document (RFC 8259) in one pass over its bytes.
///
/// Deliberate details, all as Go's decoder has them: a byte order mark is refused; invalid UTF-8
/// inside a string becomes U+FFFD, one for each bad byte; an escaped surrogate without its partner
/// becomes U+FFFD; of several members with one name the last value wins, at the place of the first.
package enum JSONScanner {
    /// The document in `bytes`, which must hold nothing else but white space.
    ///
    /// - Throws: ``JSONError``; the first problem in reading order.
    /// - Complexity: linear in the bytes.
    package static func parse(
        _ bytes: [UInt8],
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }

    /// The document in lent bytes. See ``parse(_:limits:)-([UInt8],_)``.
    package static func parse(
        _ bytes: Span<UInt8>,
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        var walk = JSONWalk(limits: limits)
        let value = try walk.value(in: bytes)
        walk.skipSpace(in: bytes)
        guard walk.position == bytes.count else {
            throw .invalidCharacter(bytes[walk.position], .afterDocument)
        }
        return value
    }
}

/// A position in a document and what has been spent so far. The bytes are a parameter of every
/// method, because a stored span needs an experimental feature.
private struct JSONWalk {
    let limits: JSONLimits
    var position = 0
    var depth = 0
    var strings = 0
    var memoryBytes = 0

    init(limits: JSONLimits) { self.limits = limits }

    mutating func value(in bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        let first = try nextByte(in: bytes)
        try spend(16)
        switch first {
        case 0x7B:
            return .object(try object(in: bytes))
        case 0x5B:
            return .array(try array(in: bytes))
        case 0x22:
            return .string(try string(in: bytes))
        case 0x2D, 0x30...0x39:
            return .number(try number(in: bytes))
        case 0x74:
            try literal(JSONLiteral.restOfTrue, in: bytes)
            return .bool(true)
        case 0x66:
            try literal(JSONLiteral.restOfFalse, in: bytes)
            return .bool(false)
        case 0x6E:
            try literal(JSONLiteral.restOfNull, in: bytes)
            return .null
        default:
            throw .invalidCharacter(first, .beginningOfValue)
        }
    }

    private mutating func object(in bytes: Span<UInt8>) throws(JSONError) -> JSONObject {
        try enter()
        try spend(48)
        var members = MemberList()
        if try nextByte(in: bytes) == 0x7D {
            leave()
            return JSONObject()
        }
        while true {
            let quote = try nextByte(in: bytes)
            guard quote == 0x22 else { throw .invalidCharacter(quote, .beginningOfName) }
            let name = try string(in: bytes)
            let colon = try nextByte(in: bytes)
            guard colon == 0x3A else { throw .invalidCharacter(colon, .afterName) }
            position += 1
            let isNew = members.set(name, try value(in: bytes))
            guard isNew || limits.allowsDuplicateNames else { throw .duplicateName(name) }
            switch try nextByte(in: bytes) {
            case 0x2C:
                position += 1
            case 0x7D:
                leave()
                return JSONObject(distinct: members.members)
            case let other:
                throw .invalidCharacter(other, .afterMember)
            }
        }
    }

    private mutating func array(in bytes: Span<UInt8>) throws(JSONError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        if try nextByte(in: bytes) == 0x5D {
            leave()
            return elements
        }
        while true {
            elements.append(try value(in: bytes))
            switch try nextByte(in: bytes) {
            case 0x2C:
                position += 1
            case 0x5D:
                leave()
                return elements
            case let other:
                throw .invalidCharacter(other, .afterElement)
            }
        }
    }

    private mutating func number(in bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = position
        if let problem = JSONGrammar.number(in: bytes, from: &position) { throw problem }
        let text = JSONText.text(of: bytes.extracting(start..<position))
        try spend(position - start)
        return JSONNumber(checked: text)
    }

    /// Reads a string whose opening quote is at the position.
    private mutating func string(in bytes: Span<UInt8>) throws(JSONError) -> String {
        strings += 1
        guard strings <= limits.stringsMax else { throw .tooManyStrings(limit: limits.stringsMax) }
        position += 1
        let start = position
        let isPlain = try JSONGrammar.stringBody(in: bytes, from: &position)
        let body = bytes.extracting(start..<position)
        position += 1
        try spend(body.count + 16)
        return isPlain ? JSONText.text(of: body) : JSONText.unescaped(body)
    }

    /// Reads the rest of a literal whose first letter is at the position.
    private mutating func literal(
        _ rest: [(letter: UInt8, place: JSONPlace)],
        in bytes: Span<UInt8>
    ) throws(JSONError) {
        for (letter, place) in rest {
            position += 1
            guard position < bytes.count else { throw .unexpectedEnd }
            guard bytes[position] == letter else {
                throw .invalidCharacter(bytes[position], place)
            }
        }
        position += 1
    }

    /// Skips white space and looks at the byte behind it.
    private mutating func nextByte(in bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        skipSpace(in: bytes)
        guard position < bytes.count else { throw .unexpectedEnd }
        return bytes[position]
    }

    mutating func skipSpace(in bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        position += 1
        guard depth <= limits.depthMax else { throw .tooDeep(limit: limits.depthMax) }
    }

    private mutating func leave() {
        depth -= 1
        position += 1
    }

    private mutating func spend(_ bytes: Int) throws(JSONError) {
        memoryBytes += bytes
        guard memoryBytes <= limits.memoryBytesMax else {
            throw .tooMuchMemory(limit: limits.memoryBytesMax)
        }
    }
}

/// The letters behind the first one, and what Go says when they are missing.
private enum JSONLiteral {
    static let restOfTrue: [(letter: UInt8, place: JSONPlace)] = [
        (0x72, .trueNeedsR), (0x75, .trueNeedsU), (0x65, .trueNeedsE),
    ]
    static let restOfFalse: [(letter: UInt8, place: JSONPlace)] = [
        (0x61, .falseNeedsA), (0x6C, .falseNeedsL), (0x73, .falseNeedsS), (0x65, .falseNeedsE),
    ]
    static let restOfNull: [(letter: UInt8, place: JSONPlace)] = [
        (0x75, .nullNeedsU), (0x6C, .nullNeedsL), (0x6C, .nullNeedsL),
    ]
}

/// Members of an object that is being read. Small ones are searched, large ones get an index, so
/// that a hostile object does not cost quadratic time.
private struct MemberList {
    private(set) var members: [(name: String, value: JSONValue)] = []
    private var positions: [NameBytes: Int] = [:]
    private static let searchedMax = 16

    /// - Returns: whether there was no member of this name.
    mutating func set(_ name: String, _ value: JSONValue) -> Bool {
        if let position = position(of: name) {
            members[position].value = value
            return false
        }
        members.append((name, value))
        if members.count > Self.searchedMax {
            positions[NameBytes(text: name)] = members.count - 1
        }
        return true
    }

    private func position(of name: String) -> Int? {
        for position in 0..<min(members.count, Self.searchedMax)
        where utf8Equals(members[position].name, name) {
            return position
        }
        return members.count > Self.searchedMax ? positions[NameBytes(text: name)] : nil
    }
}

/// A name that hashes and compares by its bytes. Only looked up, never iterated.
private struct NameBytes: Hashable {
    let text: String

    static func == (a: NameBytes, b: NameBytes) -> Bool { utf8Equals(a.text, b.text) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 {
            hasher.combine(byte)
        }
    }
}
