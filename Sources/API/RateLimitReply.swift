import Engines
import Policy
package import Vault
import Wire

/// What a client hears that asks too often.
package enum RateLimitReply {
    /// - Parameters:
    ///   - path: behind `/v1/`.
    ///   - retrySeconds: after which it is worth asking again; rounded up, so that who keeps to it
    ///     is not refused once more.
    package static func refusal(
        path: String,
        retrySeconds: UInt64,
        headers: [(name: String, value: String)]
    ) -> APIResponse {
        var response = Reply.errors(
            429,
            ["request path \(GoText.quoted(path)): rate limit quota exceeded"]
        )
        response.headers = [(name: "Retry-After", value: String(retrySeconds))] + headers
        return response
    }
}

extension Route {
    /// What a rate limit may be about; nil for what the node answers in any state, and for what
    /// goes no further anyway.
    package var limited: RateLimits.Subject? {
        switch self {
        case .vault(let request):
            RateLimits.Subject(
                path: request.namespace + request.path,
                operation: request.operation,
                fields: request.fields
            )
        case .cluster(let call, _): plain(call.access.path)
        case .node(.local(let call, _)): plain(call.path)
        case .node(.metrics): plain("sys/metrics")
        case .node(.leader): plain("sys/leader")
        case .node(.seal): plain("sys/seal")
        case .node(.health): plain("sys/health")
        case .node(.sealStatus): plain("sys/seal-status")
        case .node(.status): plain("sys/node-status")
        case .node(.unseal): plain("sys/unseal")
        case .node(.initStatus), .node(.initialize), .node(.raftJoin), .reply: nil
        }
    }

    private func plain(_ path: String) -> RateLimits.Subject {
        RateLimits.Subject(path: path, operation: .read, fields: JSONObject())
    }
}
