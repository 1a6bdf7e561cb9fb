package import Barrier
package import Wire

/// Which engine serves a mount. The number is part of the mount's record.
package enum EngineKind: UInt8, Sendable, Equatable {
    case kvVersion1 = 1
    case kvVersion2 = 2
}

/// What an engine knows of the mount that it serves.
package struct EngineMount: Sendable {
    /// Names the mount's records and keys.
    package let id: MountID
    package let kind: EngineKind
    /// Lease duration of answers that name none of their own, in seconds.
    package let leaseSeconds: Int

    package init(id: MountID, kind: EngineKind, leaseSeconds: Int) {
        self.id = id
        self.kind = kind
        self.leaseSeconds = leaseSeconds
    }
}

/// One request as an engine sees it. Token, policies and HTTP are behind it.
package struct EngineRequest: Sendable {
    /// What is wanted.
    package let operation: Operation
    /// Path below the mount, decoded, without a leading slash. A list ends in `/` or is empty. No
    /// segment is empty, `.` or `..`.
    package let path: String
    /// Members of the JSON body, or the query for operations without a body.
    package let fields: JSONObject
    /// Cluster time, decided before the request is proposed.
    package let now: Timestamp

    package init(operation: Operation, path: String, fields: JSONObject, now: Timestamp) {
        self.operation = operation
        self.path = path
        self.fields = fields
        self.now = now
    }
}
