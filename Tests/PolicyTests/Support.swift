import Wire

@testable import Policy

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
