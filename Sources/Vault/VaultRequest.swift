package import Engines
package import Wire

/// One request to the vault, after HTTP and before any look at the store.
package struct VaultRequest: Sendable {
    /// What is wanted.
    package let operation: Operation
    /// Behind `/v1/`, decoded: `secret/data/a/b`. A list or scan ends in `/`. No segment is
    /// empty, `.` or `..`.
    package let path: String
    /// The client's token as it came; empty where none came.
    package let token: [UInt8]
    /// The members of the body, or for operations without a body those of the query.
    package let fields: JSONObject
    /// 16 bytes drawn by the node that received the request. Names the batch, so a repeated write
    /// happens once, and is the `request_id` of the answer.
    package let requestID: [UInt8]
    /// Bytes of body that came with it.
    package let bodyBytes: Int
    /// How fresh the state has to be; says nothing for writes.
    package let consistency: ReadConsistency
    /// Where the client is; nil where nobody knows.
    package let remoteAddress: IPAddress?
    /// How long the answer shall wait for its reader, 1 or more; nil: it goes to the client.
    package var wrapSeconds: UInt64?
    /// See ``EngineContext/clientCertificates``. Only logins and renewals have them.
    package var clientCertificates: [[UInt8]] = []

    /// - Precondition: the id has 16 bytes.
    package init(
        operation: Operation,
        path: String,
        token: [UInt8],
        fields: JSONObject,
        requestID: [UInt8],
        bodyBytes: Int = 0,
        consistency: ReadConsistency = .linearizable,
        remoteAddress: IPAddress? = nil
    ) {
        precondition(requestID.count == 16, "a request id has 16 bytes")
        self.operation = operation
        self.path = path
        self.token = token
        self.fields = fields
        self.requestID = requestID
        self.bodyBytes = bodyBytes
        self.consistency = consistency
        self.remoteAddress = remoteAddress
    }

    /// The same with other parameters.
    func with(_ fields: JSONObject) -> VaultRequest {
        var request = VaultRequest(
            operation: operation,
            path: path,
            token: token,
            fields: fields,
            requestID: requestID,
            bodyBytes: bodyBytes,
            consistency: consistency,
            remoteAddress: remoteAddress
        )
        request.wrapSeconds = wrapSeconds
        request.clientCertificates = clientCertificates
        return request
    }

    /// Whether it may write, and so has to run on the node that leads.
    package var isWrite: Bool { operation.isWrite || wrapSeconds != nil }

    /// Whether it takes something away, so that a full disk must not stop it.
    package var isRemoval: Bool {
        operation == .delete
            || operation == .update && Self.removals.contains { path.below($0) != nil }
    }

    private static let removals = [
        "auth/token/revoke", "sys/leases/revoke", "sys/revoke", "auth/token/tidy",
    ]

    /// Whether it may take more than an event loop has to spare: listings, large bodies, what reads
    /// or compiles policies or walks over groups, what sweeps tokens, and what hashes passwords or
    /// checks signatures.
    package var isLong: Bool {
        if path.utf8.starts(with: "sys/polic".utf8) { return true }
        if path.utf8.starts(with: "identity/".utf8) { return true }
        if path == "sys/locked-users" { return true }
        if path.utf8.starts(with: "sys/internal/counters/".utf8) { return true }
        if operation == .help || path == "sys/internal/specs/openapi" { return true }
        if operation == .update, isRemoval { return true }
        if operation == .update, path.utf8.starts(with: MountTable.authPrefix.utf8) {
            return !path.utf8.starts(with: "auth/token/".utf8) || !clientCertificates.isEmpty
        }
        switch operation {
        case .list, .scan: return true
        case .read, .update, .delete, .patch, .help:
            return bodyBytes > VaultLimits.shortBodyBytesMax
        }
    }
}
