extension JSONValue {
    /// The value after a JSON merge patch: objects are merged, null removes a member, and anything
    /// else takes the place of what was there. The members of merged objects are sorted.
    ///
    /// - Source: RFC 7396.
    /// - Complexity: as sorting the members of the objects that are merged.
    package func patched(with patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        return .object((asObject ?? JSONObject()).patched(with: changes))
    }
}

extension JSONObject {
    /// See ``JSONValue/patched(with:)``.
    fileprivate func patched(with patch: JSONObject) -> JSONObject {
        var old = sorted().members[...]
        var result: [(name: String, value: JSONValue)] = []
        result.reserveCapacity(count + patch.count)
        for change in patch.sorted().members {
            while let first = old.first, utf8Precedes(first.name, change.name) {
                result.append(first)
                old.removeFirst()
            }
            var target = JSONValue.null
            if let first = old.first, utf8Equals(first.name, change.name) {
                target = first.value
                old.removeFirst()
            }
            if !change.value.isNull {
                result.append((change.name, target.patched(with: change.value)))
            }
        }
        result.append(contentsOf: old)
        return JSONObject(distinct: result)
    }
}
