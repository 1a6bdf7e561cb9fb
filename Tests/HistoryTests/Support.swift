import Testing

@testable import History

/// `put(1, "a", 10, 20)`: client 1 writes "a" to key "k" from 10 to 20.
func put(
    _ client: UInt64,
    _ value: String?,
    _ call: UInt64,
    _ end: UInt64?,
    if condition: Condition = .none,
    _ outcome: Outcome? = nil,
    key: String = "k"
) -> Operation {
    Operation(
        client: client,
        key: key,
        call: call,
        end: end,
        action: .write(value, condition),
        outcome: outcome ?? (end == nil ? .unknown : .written(version: nil))
    )
}

/// `get(2, "a", 30, 40)`: client 2 reads "a" from key "k", from 30 to 40.
func get(
    _ client: UInt64,
    _ value: String?,
    _ call: UInt64,
    _ end: UInt64,
    version: UInt64? = nil,
    stale bound: UInt64? = nil,
    key: String = "k"
) -> Operation {
    Operation(
        client: client,
        key: key,
        call: call,
        end: end,
        action: bound.map { .staleGet(bound: $0) } ?? .get,
        outcome: .found(value: value, version: version)
    )
}

func verdict(_ operations: [Operation]) throws -> Verdict {
    try LinearizabilityChecker().check(operations)
}

func explanation(_ operations: [Operation]) throws -> Explanation {
    guard case .violated(let explanation) = try verdict(operations) else {
        throw NotViolated()
    }
    return explanation
}

struct NotViolated: Error {}
