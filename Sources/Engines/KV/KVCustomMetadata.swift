import Wire

/// `custom_metadata`: texts that people attach to a key.
enum KVCustomMetadata {
    private static let prefix = "custom_metadata validation failed"

    /// The pairs sorted by name. Numbers and truth values are spelled out.
    static func parse(_ raw: JSONObject) throws(EngineError) -> [(name: String, value: String)] {
        try checked(try texts(raw))
    }

    /// The pairs after a patch, sorted by name: null removes one.
    static func patch(
        _ current: [(name: String, value: String)],
        with raw: JSONObject
    ) throws(EngineError) -> [(name: String, value: String)] {
        let removed = raw.members.filter { $0.value.isNull }.map(\.name)
        let given = try texts(JSONObject(raw.members.filter { !$0.value.isNull }))
        let replaced = removed + given.map(\.name)
        let kept = current.filter { pair in
            !replaced.contains { utf8Equals($0, pair.name) }
        }
        return try checked(kept + given)
    }

    private static func texts(
        _ raw: JSONObject
    ) throws(EngineError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in raw.members {
            do throws(ConversionError) {
                pairs.append((name, try Conversion.text(value)))
            } catch {
                throw .invalid("\(prefix): \(error.text)")
            }
        }
        return pairs
    }

    private static func checked(
        _ pairs: [(name: String, value: String)]
    ) throws(EngineError) -> [(name: String, value: String)] {
        let problems = problems(of: pairs)
        guard problems.isEmpty else {
            throw .invalid(GoText.errors(problems.map { "\(prefix): \($0)" }))
        }
        return pairs.sorted { utf8Precedes($0.name, $1.name) }
    }

    private static func problems(of pairs: [(name: String, value: String)]) -> [String] {
        let countMax = EngineLimits.customMetadataCountMax
        if pairs.count > countMax {
            return ["payload must contain at most \(countMax) keys, provided \(pairs.count)"]
        }
        return pairs.flatMap { problems(of: $0.name, $0.value) }
    }

    private static func problems(of name: String, _ value: String) -> [String] {
        let nameMax = EngineLimits.customMetadataNameBytesMax
        let valueMax = EngineLimits.customMetadataValueBytesMax
        let quoted = GoText.quoted(name)
        var problems: [String] = []
        if name.isEmpty || name.utf8.count > nameMax {
            problems.append(
                "length of key \(quoted) is \(name.utf8.count) but must be "
                    + "0 < len(key) <= \(nameMax)"
            )
        }
        if value.isEmpty || value.utf8.count > valueMax {
            problems.append(
                "length of value for key \(quoted) is \(value.utf8.count) but must be "
                    + "0 < len(value) <= \(valueMax)"
            )
        }
        if !name.isPrintable {
            problems.append("key \(quoted) (\(name)) contains unprintable characters")
        }
        if !value.isPrintable {
            problems.append("value for key \(quoted) contains unprintable characters")
        }
        return problems
    }
}
