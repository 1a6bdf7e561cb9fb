import Wire

@testable import Policy

/// SplitMix64. Same seed, same run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(next() % UInt64(elements.count))]
    }

    mutating func chance(_ numerator: UInt64, of denominator: UInt64) -> Bool {
        next() % denominator < numerator
    }
}

/// A moment in 2026.
let someday = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

func source(_ name: String, _ text: String) throws -> AccessList.Source {
    AccessList.Source(name: name, document: try PolicyDocument(parsing: text))
}

func accessList(
    _ texts: String...,
    for subject: PolicySubject = .nobody,
    at now: Timestamp = someday
) throws -> AccessList {
    var sources: [AccessList.Source] = []
    for (number, text) in texts.enumerated() { sources.append(try source("p\(number)", text)) }
    return AccessList(sources, for: subject, at: now)
}

extension AccessList {
    func allows(_ operation: AccessOperation, _ path: String) -> Bool {
        decide(AccessRequest(operation, path)).isAllowed
    }

    func decide(
        _ operation: AccessOperation,
        _ path: String,
        _ parameters: JSONObject
    ) -> Decision.Reason {
        var request = AccessRequest(operation, path)
        request.parameters = parameters
        return decide(request).reason
    }
}
