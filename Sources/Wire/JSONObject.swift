/// The members of a JSON object in their order. Names are distinct by bytes.
///
/// Look-up is linear: objects of requests and answers are small, and the scanner, which meets
/// large ones, does not use it.
package struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    /// Name and value of each member, in order; no name twice.
    package private(set) var members: [(name: String, value: JSONValue)]

    /// No members.
    package init() { members = [] }

    /// Takes pairs in order. A later duplicate replaces the value in place.
    package init(_ pairs: [(String, JSONValue)]) {
        members = []
        members.reserveCapacity(pairs.count)
        for (name, value) in pairs {
            self[name] = value
        }
    }

    /// `["name": value]`. A later duplicate replaces the value in place.
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }

    /// Takes members whose names are known to be distinct.
    init(distinct members: [(name: String, value: JSONValue)]) { self.members = members }

    /// Number of members.
    package var count: Int { members.count }

    /// Whether there is no member.
    package var isEmpty: Bool { members.isEmpty }

    /// The value of the member with exactly these bytes as name. Setting a new name appends it, a
    /// known one replaces its value in place, nil removes it.
    package subscript(name: String) -> JSONValue? {
        get {
            position(of: name).map { members[$0].value }
        }
        set {
            switch (position(of: name), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): members.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// The same members sorted by the UTF-8 bytes of their names. One level; see
    /// ``JSONValue/encoded(sortingKeys:)`` for all.
    package func sorted() -> JSONObject {
        JSONObject(distinct: members.sorted { utf8Precedes($0.name, $1.name) })
    }

    /// The same names in the same order with other values.
    package func mapValues(_ transform: (JSONValue) -> JSONValue) -> JSONObject {
        JSONObject(distinct: members.map { ($0.name, transform($0.value)) })
    }

    private func position(of name: String) -> Int? {
        members.firstIndex { utf8Equals($0.name, name) }
    }
}

extension JSONObject: Equatable {
    /// The order of members does not count.
    package static func == (a: JSONObject, b: JSONObject) -> Bool {
        guard a.count == b.count else { return false }
        let inOrder = zip(a.members, b.members)
        if inOrder.allSatisfy({ utf8Equals($0.name, $1.name) }) {
            return inOrder.allSatisfy { $0.value == $1.value }
        }
        return a.members.allSatisfy { b[$0.name] == $0.value }
    }
}
