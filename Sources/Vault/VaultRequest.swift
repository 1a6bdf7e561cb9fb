package import Engines
package import Wire

/// One request to the vault, after HTTP and before any look at the store.
package struct VaultRequest: Sendable {
    /// What is wanted.
    package let operation: Operation
    /// Behind `/v1/`, decoded: `secret/data/a/b`. A list or scan ends in `/`. No segment is
    /// empty, `.` or `..`.
    package internal(set) var path: String
    /// As the client's header names a namespace: empty, or names with a slash behind each. The path
    /// may begin with others, below that one.
    package var namespace = ""
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
        request.namespace = namespace
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
    ///
    /// Nobody has looked yet what of the path is a namespace, so it may be taken for long where a
    /// secret has such a name.
    package var isLong: Bool {
        if operation == .help || path == "sys/internal/specs/openapi" { return true }
        if operation == .update, isRemoval { return true }
        var rest = path.utf8[...]
        while true {
            if isLong(rest) { return true }
            guard let slash = rest.firstIndex(of: 0x2F) else { break }
            rest = rest[rest.index(after: slash)...]
        }
        switch operation {
        case .list, .scan: return true
        case .read, .update, .delete, .patch, .help:
            return bodyBytes > VaultLimits.shortBodyBytesMax
        }
    }

    private func isLong(_ path: Substring.UTF8View) -> Bool {
        switch path.first {
        case UInt8(ascii: "i"): return path.starts(with: "identity/".utf8)
        case UInt8(ascii: "s"): return Self.longPlaces.contains { path.starts(with: $0.utf8) }
        case UInt8(ascii: "a"):
            guard operation == .update, path.starts(with: MountTable.authPrefix.utf8) else {
                return false
            }
            return !path.starts(with: "auth/token/".utf8) || !clientCertificates.isEmpty
                || path.starts(with: "auth/token/revoke".utf8)
                || path.starts(with: "auth/token/tidy".utf8)
        default: return false
        }
    }

    private static let longPlaces = [
        "sys/polic", "sys/locked-users", "sys/internal/counters/", "sys/leases/revoke",
        "sys/revoke",
    ]
}
