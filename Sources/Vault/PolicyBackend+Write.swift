import Barrier
import Engines
import Policy
import Wire

/// Writing policies: checked, compiled, tried with their cases, and only then committed.
extension PolicyBackend {
    func write(
        _ written: String,
        isLegacy: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let (raw, cases) = try PolicyCases.taken(from: call.request.fields)
        var kinds = Self.fields
        if isLegacy { kinds.append(("rules", .text)) }
        let fields = try SystemFields.parse(raw, FieldSchema(kinds, captured: ["name"]))
        let name = try writable(written)
        var warnings: [String] = []
        var text = fields.text("policy") ?? ""
        if text.isEmpty, let rules = fields.text("rules"), !rules.isEmpty {
            text = rules
            warnings.append("'rules' is deprecated, please use 'policy' instead")
        }
        guard !text.isEmpty else { throw Self.noText }
        let state = try PolicyState(name, view)
        try checkAndSet(
            fields.int("cas"),
            state,
            isNeeded: present(state)?.content.needsCheckAndSet ?? false
                || fields.bool("cas_required") ?? false
        )
        var content = PolicyRecord.Content(text: Self.spelled(text))
        try options(fields, into: &content)
        // Clients that know nothing of cases must not lose them.
        content.cases = cases ?? present(state)?.content.cases ?? content.cases
        return try commit(content, over: state, isForced: fields.bool("force") ?? false, view) {
            _,
            failures in
            warnings += failures
            return warnings.isEmpty
                ? .empty : VaultAnswer(EngineAnswer(warnings: warnings))
        }
    }

    /// Changes some of what a policy says and leaves the rest.
    func patch(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let (raw, cases) = try PolicyCases.taken(from: call.request.fields)
        let fields = try SystemFields.parse(raw, FieldSchema(Self.fields, captured: ["name"]))
        let name = try writable(written)
        let state = try PolicyState(name, view)
        guard var content = present(state)?.content else { throw .invalid("policy not found") }
        try checkAndSet(fields.int("cas"), state, isNeeded: false)
        if let text = fields.text("policy") {
            guard !text.isEmpty else { throw Self.noText }
            content.text = Self.spelled(text)
        }
        try options(fields, into: &content)
        if let cases { content.cases = cases }
        return try commit(content, over: state, isForced: fields.bool("force") ?? false, view) {
            _,
            failures in
            VaultAnswer(EngineAnswer(warnings: fields.warnings + failures))
        }
    }

    static let fields: [(String, FieldSchema.Kind)] = [
        ("policy", .text), ("cas", .int), ("cas_required", .bool), ("ttl", .seconds),
        ("expiration", .text), ("allow_slashes_in_identity_templates", .bool),
        ("allow_wildcards_in_identity_templates", .bool), ("force", .bool),
    ]

    /// A policy may come as base64, which spares a client the quoting. No policy that means
    /// anything is at the same time a base64 text.
    private static func spelled(_ text: String) -> String {
        guard let bytes = Base64.decode(text),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { return text }
        return decoded
    }

    private static let noText = VaultError.invalid("'policy' parameter not supplied or empty")

    /// The name in the path, if a policy of that name can be written.
    func writable(_ written: String) throws(VaultError) -> PolicyName {
        guard let name = name(written) else {
            throw .invalid(
                "the name of a policy has 1 to \(VaultLimits.policyNameBytesMax) bytes"
            )
        }
        guard !BuiltInPolicy.isFixed(name) else {
            throw .invalid("cannot update \(GoText.quoted(name.text)) policy")
        }
        return name
    }

    /// The present version, unless it has expired.
    func present(_ state: PolicyState) -> PolicyRecord? {
        guard let record = state.current?.record, !record.isExpired(at: now) else { return nil }
        return record
    }

    /// - Parameter isNeeded: whether a write without a check-and-set is refused.
    func checkAndSet(
        _ version: Int?,
        _ state: PolicyState,
        isNeeded: Bool
    ) throws(VaultError) {
        let present = present(state)
        let have = present?.version ?? 0
        switch version {
        case nil:
            guard !isNeeded else {
                throw .invalid("check-and-set parameter required for this call")
            }
        case -1 where present != nil:
            throw .invalid("check-and-set parameter set to -1 on existing entry")
        case -1: break
        case let wanted? where UInt64(exactly: wanted) != have:
            throw .invalid(
                "check-and-set parameter \(wanted) did not match the current version \(have)"
            )
        default: break
        }
    }

    private func options(
        _ fields: Fields,
        into content: inout PolicyRecord.Content
    ) throws(VaultError) {
        if let flag = fields.bool("cas_required") { content.needsCheckAndSet = flag }
        if let flag = fields.bool("allow_slashes_in_identity_templates") {
            content.allowsSlashesInTemplates = flag
        }
        if let flag = fields.bool("allow_wildcards_in_identity_templates") {
            content.allowsWildcardsInTemplates = flag
        }
        let ttl = fields.int("ttl") ?? 0
        let moment = fields.text("expiration") ?? ""
        guard ttl == 0 || moment.isEmpty else {
            throw .invalid("cannot supply both 'expiration' and 'ttl' for policies")
        }
        if ttl > 0 {
            let (life, isLong) = UInt64(ttl).multipliedReportingOverflow(by: 1_000_000_000)
            let (end, isFar) = now.nanoseconds.addingReportingOverflow(life)
            guard !isLong, !isFar else { throw .invalid("'ttl' is too long") }
            content.expiration = Timestamp(nanoseconds: end)
        } else if !moment.isEmpty {
            guard let end = Timestamp(rfc3339: moment) else {
                throw .invalid(
                    "Field validation failed: error converting input for field \"expiration\": "
                        + "could not parse string as date and time"
                )
            }
            content.expiration = end
        }
    }

    /// What is wrong with a policy, in OpenBao's words where it is a key that nobody knows.
    private static func text(of error: PolicyError) -> String {
        guard case .invalidKey(let key, let line, let path) = error, line > 0 else {
            return error.summary
        }
        let place = path.map { "path \(GoText.quoted($0)): " } ?? ""
        return place + GoText.errors(["invalid key \(GoText.quoted(key)) on line \(line)"])
    }

    // MARK: committing

    /// Writes a new version.
    ///
    /// - Parameters:
    ///   - restoredFrom: the version that it is a copy of; 0: none.
    ///   - answer: made from the new version's number and the cases that fail all the same.
    func commit(
        _ content: PolicyRecord.Content,
        over state: PolicyState,
        restoredFrom: UInt64 = 0,
        isForced: Bool,
        _ view: borrowing BarrierView,
        answer: (UInt64, [String]) -> VaultAnswer
    ) throws(VaultError) -> VaultStep {
        guard content.expiration.map({ now < $0 }) ?? true else {
            throw .invalid("refusing to update policy as expiration time has already elapsed")
        }
        let document: PolicyDocument
        do throws(PolicyError) {
            document = try PolicyDocument(parsing: content.text)
        } catch {
            throw .invalid("failed to parse policy: \(Self.text(of: error))")
        }
        let source = content.source(named: state.name, document)
        let failures = try PolicyCases.failures(of: content, in: source, at: now)
        guard failures.isEmpty || isForced else {
            throw PolicyCases.refusal(state.name, failures)
        }
        let record = PolicyRecord(
            version: state.lastVersion + 1,
            modified: now,
            author: authority.record.accessor,
            restoredFrom: restoredFrom,
            content: content
        )
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try state.put(record, in: &draft)
        return try draft.commit(answer(record.version, failures))
    }
}

/// The cases of a policy, on their way in and when they are tried.
enum PolicyCases {
    /// Takes the parameter `cases` out of a request: a list, or text that holds one, as the command
    /// line sends it.
    ///
    /// - Returns: the other parameters, and the cases as they are stored; nil for none given.
    static func taken(
        from fields: JSONObject
    ) throws(VaultError) -> (rest: JSONObject, cases: [UInt8]?) {
        guard let given = fields["cases"] else { return (fields, nil) }
        var rest = fields
        rest["cases"] = nil
        var list = given
        if case .string(let text) = given {
            list = (try? JSONScanner.parse(Array(text.utf8))) ?? given
        }
        if case .null = list { return (rest, nil) }
        guard let elements = list.asArray else { throw .invalid("'cases' is not a list of cases") }
        guard elements.count <= VaultLimits.policyCasesMax else {
            throw .invalid(
                "\(elements.count) cases, the limit is \(VaultLimits.policyCasesMax)"
            )
        }
        let cases = try read(elements)
        let bytes = JSONValue.array(cases.map(\.json)).encoded(sortingKeys: false)
        guard bytes.count <= VaultLimits.policyCasesBytesMax else {
            throw .invalid(
                "the cases have \(bytes.count) bytes, the limit is "
                    + "\(VaultLimits.policyCasesBytesMax)"
            )
        }
        return (rest, bytes)
    }

    private static func read(_ elements: [JSONValue]) throws(VaultError) -> [PolicyCase] {
        var cases: [PolicyCase] = []
        for (position, element) in elements.enumerated() {
            do throws(PolicyCaseError) {
                cases.append(try PolicyCase(element))
            } catch {
                throw .invalid("case \(position + 1): \(error.summary); \(error.remedy)")
            }
        }
        return cases
    }

    /// What the policy does that its cases do not want.
    static func failures(
        of content: PolicyRecord.Content,
        in source: AccessList.Source,
        at now: Timestamp
    ) throws(VaultError) -> [String] {
        let cases = try read(PolicyText.cases(of: content))
        return PolicyCase.failures(of: cases, in: source, at: now)
    }

    static func refusal(_ name: PolicyName, _ failures: [String]) -> VaultError {
        let shown = failures.prefix(VaultLimits.policyFailuresShown)
        var text =
            "policy \(GoText.quoted(name.text)) was not written, because its cases fail: "
            + shown.joined(separator: "; ")
        if failures.count > shown.count { text += "; and \(failures.count - shown.count) more" }
        return .invalid(text + "; change the policy or its cases, or send force=true")
    }
}
