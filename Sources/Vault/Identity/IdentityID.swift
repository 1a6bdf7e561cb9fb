import Wire

/// Names an entity, a group or an alias for ever: 16 random bytes. Names may change, ids do not.
struct IdentityID: Hashable, Sendable {
    /// 16 bytes.
    let bytes: [UInt8]

    /// - Parameter bytes: exactly 16, else nil.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// - Parameter text: 8-4-4-4-12 hexadecimal digits, and in a namespace a dot and its id,
    ///   which the namespace that is asked needs no more; else nil: there is nothing with such an
    ///   id.
    init?(text: String) {
        var digits = text
        if let dot = text.utf8.firstIndex(of: 0x2E) {
            let namespace = text.utf8[text.utf8.index(after: dot)...]
            guard namespace.count == VaultLimits.namespaceIDCharacters else { return nil }
            digits = String(text[..<dot])
        }
        guard let bytes = uuidBytes(digits) else { return nil }
        self.bytes = bytes
    }

    /// As clients of the root namespace see it, and as the name of a record.
    var text: String { uuidText(bytes) }
}

extension IdentityID: Comparable {
    /// The order of the texts.
    static func < (a: IdentityID, b: IdentityID) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

extension [IdentityID] {
    /// As clients see them.
    var texts: [String] { map(\.text) }

    /// Each once, in their order.
    var sortedOnce: [IdentityID] {
        var result: [IdentityID] = []
        for id in sorted() where result.last != id { result.append(id) }
        return result
    }

    /// Adds an id to a list in order.
    ///
    /// - Returns: false if it was there.
    @discardableResult
    mutating func insertInOrder(_ id: IdentityID) -> Bool {
        let position = firstIndex { !($0 < id) } ?? endIndex
        if position < endIndex, self[position] == id { return false }
        insert(id, at: position)
        return true
    }
}

extension BatchDraft {
    /// A fresh id; the same when the request is prepared again.
    mutating func identityID() -> IdentityID {
        guard let id = IdentityID(randomBytes(16)) else {
            preconditionFailure("16 bytes are an id")
        }
        return id
    }
}
