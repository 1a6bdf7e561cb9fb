import Barrier
import Wire

/// The auth method `userpass`: users with passwords.
///
/// Contract, from `PUT users/<name>` to record: parameters → ``UserRecord`` → one `put`, checked
/// against what was read. A login reads the record, compares the password's hash and answers with a
/// ``LoginGrant``; its batch checks that the record is still the same. A user that is not there
/// costs as much time as one that is, and gets the same words.
struct Userpass {
    let mount: EngineMount

    /// Paths of the method.
    private enum Endpoint {
        case users
        case user(String)
        case password(String)
        case policies(String)
        case login(String)

        init?(_ path: String) {
            let parts = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            switch (parts[0], parts.count) {
            case ("users", 1): self = .users
            case ("users", 2) where parts[1].isEmpty: self = .users
            case ("users", 2), ("users", 3), ("login", 2):
                guard let name = AuthName.stored(parts[1]) else { return nil }
                switch (parts[0], parts.count == 3 ? parts[2] : "") {
                case ("login", _): self = .login(name)
                case (_, ""): self = .user(name)
                case (_, "password"): self = .password(name)
                case (_, "policies"): self = .policies(name)
                default: return nil
                }
            default: return nil
            }
        }
    }

    static func userPath(_ name: String) -> String { "users/" + name }

    /// The record that tells creating from updating.
    static func record(of path: String) -> String? {
        if case .user(let name) = Endpoint(path) { userPath(name) } else { nil }
    }

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let endpoint = Endpoint(request.path) else { throw .unsupportedPath }
        switch (endpoint, request.operation) {
        case (.users, .list):
            return try EngineRecords.listing("users/", request, mount.id, view)
        case (.user(let name), .read): return try read(name, request, view)
        case (.user(let name), .update): return try write(name, request, view)
        case (.user(let name), .delete): return try delete(name, view)
        case (.password(let name), .update): return try changePassword(name, request, view)
        case (.policies(let name), .update): return try changePolicies(name, request, view)
        case (.login(let name), .update): return try login(name, request, view)
        default: throw .unsupportedOperation
        }
    }

    // MARK: users

    private func read(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let warnings = try Fields(request.fields, FieldSchema([], captured: ["username"])).warnings
        guard let user = try user(name, view)?.record else { throw .notFound }
        var members = user.parameters.members
        user.echo.add(to: &members)
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return .answer(EngineAnswer(data: data, warnings: warnings))
    }

    private func write(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.userSchema)
        let found = try user(name, view)
        var parameters = found?.record.parameters ?? TokenParameters()
        var echo = found?.record.echo ?? OldTokenNames()
        try parameters.apply(fields)
        try echo.apply(fields, taking: Self.oldNames, to: &parameters)
        try parameters.check()
        let password: PasswordHash
        if let given = try Self.password(fields) {
            password = try hash(given, request)
        } else if let found {
            password = found.record.password
        } else {
            throw .invalid(Self.missingPassword)
        }
        var record = UserRecord(password: password)
        record.parameters = parameters
        record.echo = echo
        return put(record, name, found?.modificationIndex ?? 0)
    }

    private func delete(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let found = try user(name, view) else { return .answer(.empty) }
        var plan = BatchPlan()
        plan.check(Self.userPath(name), found.modificationIndex)
        plan.delete(Self.userPath(name))
        plan.delete(LoginFailurePaths.path(of: name, isKnown: true))
        return .commit(plan, .empty)
    }

    private func changePassword(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.passwordSchema)
        guard var found = try user(name, view) else { throw .failed(Self.missingUser) }
        guard let given = try Self.password(fields) else { throw .invalid(Self.missingPassword) }
        found.record.password = try hash(given, request)
        return put(found.record, name, found.modificationIndex)
    }

    private func changePolicies(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.policiesSchema)
        guard var found = try user(name, view) else { throw .failed(Self.missingUser) }
        let before = found.record
        if let policies = fields.texts("token_policies") {
            found.record.parameters.policies = try TokenParameters.policies(policies)
        }
        try found.record.echo.apply(
            fields,
            taking: .policies,
            to: &found.record.parameters
        )
        guard found.record != before else { return .answer(.empty) }
        return put(found.record, name, found.modificationIndex)
    }

    // MARK: logins

    /// Who the client says it is.
    func claim(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginClaim? {
        guard request.operation == .update, case .login(let name) = Endpoint(request.path) else {
            return nil
        }
        return LoginClaim(alias: name, isKnown: try user(name, view) != nil)
    }

    private func login(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.loginSchema)
        guard let password = fields.text("password"), !password.isEmpty else {
            throw .failed("missing password")
        }
        let found = try user(name, view)
        let isRight = try (found?.record.password ?? .nobody).matches(password)
        guard let found, isRight else { throw .badCredentials("invalid username or password") }
        let parameters = found.record.parameters
        guard AddressBlock.allow(request.context.remoteAddress, in: parameters.boundCIDRs) else {
            throw .permissionDenied
        }
        var grant = LoginGrant(alias: name, parameters: parameters)
        grant.metadata = [LoginGrant.Metadata(name: "username", value: name)]
        grant.warnings = fields.warnings
        var plan = BatchPlan()
        plan.check(Self.userPath(name), found.modificationIndex)
        return .login(grant, plan)
    }

    /// What a user says about tokens that were given before.
    func standing(
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginStanding {
        guard let found = try user(name, view) else { return .gone }
        var plan = BatchPlan()
        plan.check(Self.userPath(name), found.modificationIndex)
        return .current(found.record.parameters, plan, bindsPolicies: true)
    }

    // MARK: parts

    private func user(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: UserRecord, modificationIndex: UInt64)? {
        try EngineRecords.record(
            Self.userPath(name),
            mount.id,
            view,
            UserRecord.init(decoding:)
        )
    }

    private func put(_ record: UserRecord, _ name: String, _ index: UInt64) -> EngineStep {
        var plan = BatchPlan()
        plan.check(Self.userPath(name), index)
        plan.put(Self.userPath(name), record.encoded())
        return .commit(plan, .empty)
    }

    private func hash(
        _ password: String,
        _ request: EngineRequest
    ) throws(EngineError) -> PasswordHash {
        var entropy = request.entropy()
        return try PasswordHash(of: password, salt: entropy.bytes(PasswordHash.saltBytes))
    }

    /// The password that a request sets; nil if it sets none.
    private static func password(_ fields: Fields) throws(EngineError) -> String? {
        let password = fields.text("password") ?? ""
        let hash = fields.text("password_hash") ?? ""
        guard hash.isEmpty else {
            guard password.isEmpty else {
                throw .invalid("only one of password or password_hash may be provided")
            }
            guard isBcrypt(hash) else {
                throw .invalid("password_hash is not a valid bcrypt hash")
            }
            throw .invalid(
                "Holdfast keeps passwords as scrypt hashes and takes no bcrypt hash: set the "
                    + "password itself"
            )
        }
        return password.isEmpty ? nil : password
    }

    /// `$2a$10$` and 53 characters.
    private static func isBcrypt(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 60 && bytes[0] == 0x24 && bytes[1] == 0x32 && bytes[3] == 0x24
            && bytes[6] == 0x24
    }

    private static let missingPassword = "must provide either password or password_hash"
    private static let missingUser = "username does not exist"
    private static let oldNames: OldTokenNames = [.policies, .ttl, .ttlMax, .boundCIDRs]
    private static let passwordFields: [(String, FieldSchema.Kind)] = [
        ("password", .text), ("password_hash", .text),
    ]
    private static let userSchema = FieldSchema(
        passwordFields + oldNames.schema() + TokenParameters.schema,
        captured: ["username"],
        looksFirst: true
    )
    private static let passwordSchema = FieldSchema(passwordFields, captured: ["username"])
    private static let policiesSchema = FieldSchema(
        [("policies", .texts), ("token_policies", .texts)],
        captured: ["username"]
    )
    private static let loginSchema = FieldSchema([("password", .text)], captured: ["username"])
}
