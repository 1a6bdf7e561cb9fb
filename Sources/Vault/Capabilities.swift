import Barrier
import Engines
import Policy
import Wire

/// `sys/capabilities`, `sys/capabilities-self`, `sys/capabilities-accessor`,
/// `sys/internal/ui/resultant-acl`: what a token may do.
extension SystemBackend {
    /// - Parameter endpoint: its name below `sys/`.
    func capabilities(
        _ endpoint: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        try require(.update)
        let fields = try SystemFields.parse(call.request.fields, Self.capabilityFields)
        if endpoint == "capabilities-accessor", (fields.text("accessor") ?? "").isEmpty {
            throw .invalid("missing accessor")
        }
        var paths = fields.texts("paths") ?? []
        if paths.isEmpty { paths = fields.texts("path") ?? [] }
        guard !paths.isEmpty else { throw .invalid("paths must be supplied") }
        guard paths.count <= VaultLimits.capabilityPathsMax else {
            throw .invalid(
                "\(paths.count) paths in one request, the limit is "
                    + "\(VaultLimits.capabilityPathsMax)"
            )
        }
        guard !paths.contains(where: \.isEmpty) else {
            throw .invalid(GoText.errors(["missing path"]))
        }
        let subjects = SubjectLookup(call: call, authority: authority)
        let access: TokenAccess
        switch endpoint {
        // Whoever has a token may ask about it, wherever it is from: here it may do what its
        // policies say of this namespace.
        case "capabilities":
            access = try subjects.access(ofToken: fields.text("token"), isOwn: false, view)
        case "capabilities-accessor":
            access = try subjects.access(ofAccessor: fields.text("accessor") ?? "", view)
        // The command line sends its own token along; it is always the caller's.
        default: access = authority.access
        }
        return shown(paths, of: access, warnings: fields.warnings)
    }

    private func shown(
        _ paths: [String],
        of access: TokenAccess,
        warnings: [String]
    ) -> VaultAnswer {
        func list(_ path: String) -> JSONValue {
            let trimmed = path.utf8.first == 0x2F ? String(path.utf8.dropFirst()) ?? path : path
            return .array(access.capabilities(of: trimmed).map { .string($0) })
        }
        var data: [(String, JSONValue)] = paths.map { ($0, list($0)) }
        if let only = data.first, data.count == 1 { data.append(("capabilities", only.1)) }
        let bytes = JSONValue.object(JSONObject(data)).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: bytes, warnings: warnings), isInjected: true)
    }

    /// What all policies of the token say together, except rules with `+`, which have no place in
    /// the shape that clients know. Paths are those from the root namespace on, wherever one asks.
    func resultantACL() throws(VaultError) -> VaultAnswer {
        try require(.read)
        guard let list = authority.access.list, !list.isRoot else {
            let isRoot = authority.access.list?.isRoot ?? false
            return try answer(Array(#"{"root":\#(isRoot)}"#.utf8))
        }
        var writer = JSONWriter(capacity: 64 + list.rules.count * 64)
        writer.beginObject()
        writer.name("exact_paths")
        let above = authority.live.namespace.path
        write(list.rules.filter { $0.pattern.isExact }, below: above, to: &writer)
        writer.name("glob_paths")
        let globs = list.rules.filter { $0.pattern.isPrefix && !$0.pattern.hasWildSegments }
        write(globs, below: above, to: &writer)
        writer.name("root")
        writer.bool(false)
        writer.endObject()
        return try answer(writer.bytes)
    }

    /// An object of capabilities by path. There can be many, so no look-up by name happens.
    private func write(
        _ rules: [AccessList.Rule],
        below namespace: String,
        to writer: inout JSONWriter
    ) {
        writer.beginObject()
        for rule in rules.sorted(by: { utf8Precedes($0.pattern.text, $1.pattern.text) }) {
            let text = rule.pattern.text.utf8
            let path = rule.pattern.isPrefix ? text.dropLast() : text[...]
            writer.name(namespace + String(decoding: Array(path), as: UTF8.self))
            writer.write(
                ["capabilities": .array(rule.capabilities.names.map { .string($0) })]
            )
        }
        writer.endObject()
    }

    private static let capabilityFields = FieldSchema([
        ("paths", .texts), ("path", .texts), ("token", .text), ("accessor", .text),
    ])
}

/// Finds what another token may do.
struct SubjectLookup {
    let call: VaultCall
    let authority: Authority

    /// - Parameter isOwn: whether it has to be of the request's namespace, or of one below: what is
    ///   told of it names its policies.
    func access(
        ofToken token: String?,
        isOwn: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        guard let token, !token.isEmpty else { throw Self.refusal("no token found") }
        let namespace = call.environment.namespace
        let found = try TokenFinder(environment: call.environment).live(Array(token.utf8), view)
        guard let found, !isOwn || found.namespace.path(below: namespace) != nil,
            let access = try access(of: found, view)
        else {
            throw Self.refusal("invalid token")
        }
        return access
    }

    func access(
        ofAccessor accessor: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        let finder = TokenFinder(environment: call.environment)
        guard let found = try finder.live(accessor: accessor, view),
            let access = try access(of: found, view)
        else { throw Self.refusal("invalid accessor") }
        return access
    }

    private func access(
        of token: LiveToken,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess? {
        let access = try call.environment.access(of: token, view)
        return access.isBarred ? nil : access
    }

    private static func refusal(_ text: String) -> VaultError {
        .invalid(GoText.errors([text]))
    }
}
