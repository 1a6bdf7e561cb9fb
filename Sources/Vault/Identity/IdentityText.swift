import Engines
import Wire

/// Texts by name, sorted by name: `metadata` and `custom_metadata`.
struct IdentityTexts: Sendable, Equatable {
    struct Pair: Sendable, Equatable {
        let name: String
        let value: String
    }

    let pairs: [Pair]

    static let none = IdentityTexts(pairs: [])

    private init(pairs: [Pair]) { self.pairs = pairs }

    /// What a client or an auth method gave.
    ///
    /// - Parameter what: `entity metadata`, for the refusal.
    /// - Throws: ``VaultError/invalid(_:)`` for more or longer texts than there may be.
    init(_ raw: [(name: String, value: String)], _ what: String) throws(VaultError) {
        let countMax = VaultLimits.identityTextsMax
        guard raw.count <= countMax else {
            throw Self.refusal(
                "invalid \(what): metadata cannot contain more than \(countMax) key/value pairs"
            )
        }
        for (name, value) in raw {
            let (nameMax, valueMax) =
                (VaultLimits.identityTextNameBytesMax, VaultLimits.identityTextBytesMax)
            guard name.utf8.count <= nameMax else {
                throw Self.refusal(
                    "invalid \(what): \(Self.pair(name)): key is too long "
                        + "(limit: \(nameMax) characters)"
                )
            }
            guard value.utf8.count <= valueMax else {
                throw Self.refusal(
                    "invalid \(what): \(Self.pair(name)): value is too long "
                        + "(limit: \(valueMax) characters)"
                )
            }
        }
        let sorted = raw.sorted { utf8Precedes($0.name, $1.name) }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where utf8Equals(first.name, second.name) {
            throw Self.refusal("invalid \(what): \(GoText.quoted(first.name)) is there twice")
        }
        pairs = sorted.map { Pair(name: $0.name, value: $0.value) }
    }

    /// Of an object whose values are texts.
    init(_ object: JSONObject, _ what: String) throws(VaultError) {
        try self.init(
            object.members.map { (name: $0.name, value: $0.value.asString ?? "") },
            what
        )
    }

    private static func refusal(_ text: String) -> VaultError { .invalid(GoText.errors([text])) }

    /// The value is nobody else's, and errors are told, shown and logged.
    private static func pair(_ name: String) -> String {
        "failed to load metadata pair \(GoText.quoted(name))"
    }

    var json: JSONValue {
        .object(JSONObject(pairs.map { ($0.name, .string($0.value)) }))
    }

    /// For templates. Only looked up.
    var dictionary: [String: String] {
        var result: [String: String] = [:]
        for pair in pairs { result[pair.name] = pair.value }
        return result
    }

    func write(to writer: inout ByteWriter) {
        writer.writeTexts(pairs.map(\.name))
        writer.writeTexts(pairs.map(\.value))
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        let names = try reader.readTexts(
            countMax: VaultLimits.identityTextsMax,
            bytesMax: VaultLimits.identityTextNameBytesMax
        )
        let values = try reader.readTexts(
            countMax: VaultLimits.identityTextsMax,
            bytesMax: VaultLimits.identityTextBytesMax
        )
        guard names.count == values.count else {
            throw .malformed("\(names.count) names and \(values.count) texts")
        }
        for (first, second) in zip(names, names.dropFirst())
        where !utf8Precedes(first, second) {
            throw .malformed("names of texts out of order")
        }
        pairs = zip(names, values).map { Pair(name: $0, value: $1) }
    }
}

/// Names that people give to entities and groups, and policies that they give them.
enum IdentityText {
    static func checkName(_ name: String) throws(VaultError) -> String {
        let bytesMax = VaultLimits.identityNameBytesMax
        guard !name.isEmpty, name.utf8.count <= bytesMax else {
            throw .invalid("a name has 1 to \(bytesMax) bytes, this one \(name.utf8.count)")
        }
        return name
    }

    /// Normalised as names of policies are, sorted, each once.
    static func policies(_ written: [String]) throws(VaultError) -> [String] {
        guard written.count <= VaultLimits.identityPoliciesMax else {
            throw .invalid(
                "\(written.count) policies, the limit is \(VaultLimits.identityPoliciesMax)"
            )
        }
        var names: [String] = []
        for text in written {
            guard !text.isEmpty else { continue }
            guard let name = PolicyName(text) else {
                throw .invalid("\(GoText.quoted(text)) cannot be the name of a policy")
            }
            guard name.text != BuiltInPolicy.root else {
                throw .invalid("policies cannot contain root")
            }
            guard name.text != BuiltInPolicy.wrapping else {
                throw .invalid("policies cannot contain \(BuiltInPolicy.wrapping)")
            }
            names.append(name.text)
        }
        return once(names)
    }

    /// Sorted, each once.
    static func once(_ names: [String]) -> [String] {
        var result: [String] = []
        for name in names.sorted(by: utf8Precedes) {
            if let last = result.last, utf8Equals(last, name) { continue }
            result.append(name)
        }
        return result
    }
}
