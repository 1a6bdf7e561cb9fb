import Wire

/// Writes audit records as JSON, one line each, as OpenBao writes them to its file and syslog
/// devices, so that whatever reads those reads these.
///
/// Members without a value are left out; members of maps are sorted by name. Two members are ours
/// and stand last in a granting policy: `version` and `digest`.
/// - Source: OpenBao 2.7, `audit/format.go`; compared with lines of a running server in the tests.
package struct AuditFormat: Sendable {
    /// nil writes secrets as they are (`log_raw`): for a device in a test environment only.
    package let hash: ValueHash?
    /// Whether accessors are replaced too (`hmac_accessor`).
    package let hashesAccessors: Bool
    /// Whether the names in the answer to a list are only counted (`elide_list_responses`).
    package let elidesLists: Bool
    /// Text before each line (`prefix`).
    package let prefix: String
    /// Whether a failure is told in the words that the client reads, where OpenBao's lines have its
    /// kind and a digest of the words: for logs that are sealed.
    package let tellsReasons: Bool

    /// The settings of a device, by their defaults.
    package init(
        hash: ValueHash?,
        hashesAccessors: Bool = true,
        elidesLists: Bool = false,
        prefix: String = "",
        tellsReasons: Bool = false
    ) {
        self.hash = hash
        self.hashesAccessors = hashesAccessors
        self.elidesLists = elidesLists
        self.prefix = prefix
        self.tellsReasons = tellsReasons
    }

    /// The record's line, its line end included.
    package func line(_ record: AuditRecord) -> [UInt8] {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        writer.member("time", record.time.rfc3339)
        writer.member("type", record.response == nil ? "request" : "response")
        writer.name("auth")
        write(record.auth, into: &writer)
        writer.name("request")
        write(record.request, into: &writer)
        if let response = record.response {
            writer.name("response")
            write(response, to: record.request, into: &writer)
        }
        let tellsReason = tellsReasons && !record.reason.isEmpty
        writer.member("error", tellsReason ? record.reason : record.error)
        if record.response == nil {
            writer.member("forwarded_from", record.forwardedFrom)
        } else {
            writer.member("forwarded", !record.forwardedFrom.isEmpty)
        }
        writer.member("share", record.share)
        writer.endObject()
        return Array(prefix.utf8) + writer.bytes + [0x0A]
    }

    private func secret(_ text: String) -> String {
        guard let hash, !text.isEmpty else { return text }
        return hash.text(text)
    }

    private func accessor(_ text: String) -> String { hashesAccessors ? secret(text) : text }

    private func write(_ auth: AuditAuth, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("client_token", secret(auth.clientToken))
        writer.member("accessor", accessor(auth.accessor))
        writer.member("display_name", auth.displayName)
        writer.member("policies", auth.policies)
        writer.member("token_policies", auth.tokenPolicies)
        writer.member("identity_policies", auth.identityPolicies)
        if !auth.otherPolicies.isEmpty {
            let pairs = auth.otherPolicies.map { namespace, policies in
                (namespace, JSONValue.array(policies.map { .string($0) }))
            }
            writer.name("external_namespace_policies")
            writer.write(.object(JSONObject(pairs).sorted()))
        }
        writer.member("no_default_policy", auth.noDefaultPolicy)
        if let decision = auth.decision { write(decision, into: &writer) }
        if !auth.metadata.isEmpty {
            let pairs = auth.metadata.map { ($0.name, JSONValue.string($0.value)) }
            writer.name("metadata")
            writer.write(.object(JSONObject(pairs).sorted()))
        }
        writer.member("num_uses", auth.useCount)
        writer.member("remaining_uses", auth.remainingUses)
        writer.member("entity_id", auth.entityID)
        writer.member("entity_created", auth.entityCreated)
        writer.member("token_type", auth.tokenType)
        if auth.tokenTTLSeconds > 0 {
            writer.name("token_ttl")
            writer.uint(auth.tokenTTLSeconds)
        }
        // Whole seconds, unlike the other times.
        if let issued = auth.issued {
            let seconds = issued.nanoseconds / 1_000_000_000 * 1_000_000_000
            writer.member("token_issue_time", Timestamp(nanoseconds: seconds).rfc3339)
        }
        writer.endObject()
    }

    private func write(_ decision: AuditDecision, into writer: inout JSONWriter) {
        writer.name("policy_results")
        writer.beginObject()
        writer.name("allowed")
        writer.bool(decision.isAllowed)
        if !decision.deciding.isEmpty {
            // OpenBao names those that grant only.
            writer.name(decision.isAllowed ? "granting_policies" : "denying_policies")
            writer.beginArray()
            for policy in decision.deciding {
                writer.beginObject()
                writer.member("name", policy.name)
                writer.member("namespace_id", policy.namespaceID)
                writer.member("namespace_path", policy.namespacePath)
                writer.name("type")
                writer.string(policy.type)
                if policy.version > 0 {
                    writer.name("version")
                    writer.uint(policy.version)
                }
                writer.member("digest", policy.digest)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    private func write(_ request: AuditRequest, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", request.id)
        writer.member("client_id", request.clientID)
        writer.member("operation", request.operation)
        write(request.mount, versionName: "mount_running_version", into: &writer)
        writer.member("client_token", secret(request.clientToken))
        writer.member("client_token_accessor", accessor(request.clientTokenAccessor))
        writer.name("namespace")
        writer.beginObject()
        writer.member("id", request.namespaceID)
        writer.member("path", request.namespacePath)
        writer.endObject()
        writer.member("path", request.path)
        write(data: request.data, clearKeys: request.clearKeys, into: &writer)
        writer.member("remote_address", request.remoteAddress)
        writer.member("remote_port", request.remotePort)
        writer.member("wrap_ttl", request.wrapTTLSeconds)
        write(request.headers, into: &writer)
        writer.endObject()
    }

    private func write(
        _ response: AuditResponse,
        to request: AuditRequest,
        into writer: inout JSONWriter
    ) {
        writer.beginObject()
        if let auth = response.auth {
            writer.name("auth")
            write(auth, into: &writer)
        }
        write(request.mount, versionName: "mount_running_plugin_version", into: &writer)
        if response.hasSecret || !response.leaseID.isEmpty {
            writer.name("secret")
            writer.beginObject()
            writer.member("lease_id", response.leaseID)
            writer.endObject()
        }
        let isElided = elidesLists && request.operation == "list"
        let data = isElided ? counted(response.data) : response.data
        write(data: data, clearKeys: response.clearKeys, into: &writer)
        writer.member("warnings", response.warnings)
        writer.member("redirect", response.redirect)
        if let wrap = response.wrap { write(wrap, into: &writer) }
        write(response.headers, into: &writer)
        writer.endObject()
    }

    private func write(
        _ mount: AuditMount,
        versionName: String,
        into writer: inout JSONWriter
    ) {
        writer.member("mount_point", mount.point)
        writer.member("mount_type", mount.type)
        writer.member("mount_accessor", mount.accessor)
        writer.member(versionName, mount.runningVersion)
        writer.member("mount_class", mount.kind)
    }

    private func write(_ wrap: AuditWrap, into writer: inout JSONWriter) {
        writer.name("wrap_info")
        writer.beginObject()
        writer.member("ttl", wrap.ttlSeconds)
        writer.member("token", secret(wrap.token))
        writer.member("accessor", accessor(wrap.accessor))
        writer.member("creation_time", wrap.created.rfc3339)
        writer.member("creation_path", wrap.path)
        writer.member("wrapped_accessor", accessor(wrap.wrappedAccessor))
        writer.endObject()
    }

    private func write(
        data: JSONObject,
        clearKeys: [String],
        into writer: inout JSONWriter
    ) {
        guard !data.isEmpty else { return }
        let value = JSONValue.object(data)
        let shown = hash?.value(value, clearKeys: clearKeys) ?? value
        writer.name("data")
        writer.raw(shown.encoded(sortingKeys: true))
    }

    private func write(_ headers: [AuditHeader], into writer: inout JSONWriter) {
        guard !headers.isEmpty else { return }
        let pairs = headers.map { header in
            let values = header.values.map { text in
                header.isHashed ? hash?.text(text) ?? text : text
            }
            return (header.name, JSONValue.array(values.map { .string($0) }))
        }
        writer.name("headers")
        writer.write(.object(JSONObject(pairs).sorted()))
    }

    /// The answer to a list with the numbers of its names in place of the names.
    private func counted(_ data: JSONObject) -> JSONObject {
        var data = data
        if let keys = data["keys"]?.asArray { data["keys"] = .number(JSONNumber(keys.count)) }
        if let info = data["key_info"]?.asObject {
            data["key_info"] = .number(JSONNumber(info.count))
        }
        return data
    }
}

extension JSONWriter {
    /// A member that is left out without a text.
    fileprivate mutating func member(_ name: String, _ text: String) {
        guard !text.isEmpty else { return }
        self.name(name)
        string(text)
    }

    fileprivate mutating func member(_ name: String, _ texts: [String]) {
        guard !texts.isEmpty else { return }
        self.name(name)
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    fileprivate mutating func member(_ name: String, _ number: Int) {
        guard number != 0 else { return }
        self.name(name)
        int(number)
    }

    fileprivate mutating func member(_ name: String, _ flag: Bool) {
        guard flag else { return }
        self.name(name)
        bool(flag)
    }
}
