import Barrier
import Engines
import Wire

/// `sys/wrapping/…`: wrap what a client sends, and look up, give out and wrap again what waits.
struct WrappingBackend {
    let call: VaultCall
    let authority: Authority

    private var request: VaultRequest { call.request }

    /// - Parameter path: below `sys/wrapping/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch path {
        case "wrap":
            try require(.update)
            guard request.wrapSeconds != nil else {
                throw .invalid("endpoint requires response wrapping to be used")
            }
            let data = JSONValue.object(request.fields).encoded(sortingKeys: true)
            return .answer(VaultAnswer(EngineAnswer(data: data)))
        case "unwrap":
            try require(.update)
            return try unwrap(try named(), view)
        case "rewrap":
            try require(.update)
            return try rewrap(try named(), view)
        default:
            throw .engine(.unsupportedPath)
        }
    }

    private func require(_ operation: Operation) throws(VaultError) {
        guard request.operation == operation else { throw .engine(.unsupportedOperation) }
    }

    /// The token in the body.
    private func named() throws(VaultError) -> [UInt8] {
        let token = try SystemFields.parse(request.fields, Self.schema).text("token") ?? ""
        guard !token.isEmpty else { throw Wrapping.invalid }
        return Array(token.utf8)
    }

    /// One batch gives the answer out and removes it with its token. Whoever comes second finds
    /// neither, on whatever node and under whatever leader.
    func unwrap(
        _ token: [UInt8],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let waiting = try WaitingAnswer(token, call.environment, view)
        var draft = try BatchDraft(request, authority, call.environment, view)
        try waiting.remove(in: &draft, call.environment, view)
        return try draft.commit(try waiting.content.answer)
    }

    /// Another token for the same answer, which waits as long again; the old one is gone.
    private func rewrap(
        _ token: [UInt8],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let waiting = try WaitingAnswer(token, call.environment, view)
        var draft = try BatchDraft(request, authority, call.environment, view)
        try waiting.remove(in: &draft, call.environment, view)
        let answer = try Wrapping.wrap(waiting.content, in: &draft, call.environment)
        return .commit(try draft.finish(), answer)
    }

    static let schema = FieldSchema([("token", .text)])
}

/// An answer that waits, with everything that it rests on.
private struct WaitingAnswer {
    let token: LiveToken
    let content: WrappedAnswer
    let modificationIndex: UInt64

    /// - Throws: ``Wrapping/invalid``, whatever is wrong with the token;
    ///   ``VaultError/namespaceLocked(path:)``.
    init(
        _ token: [UInt8],
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        guard let live = try TokenFinder(environment: environment).live(token, view) else {
            throw Wrapping.invalid
        }
        try live.namespace.checkLock()
        // Whoever has the token has the answer, wherever it waits.
        let opened = try view.inside(live.namespace.home) { view throws(VaultError) in
            try view.systemRecord(Wrapping.place(live.hash))
        }
        guard let opened else { throw Wrapping.invalid }
        self.token = live
        content = try WrappedAnswer(decoding: opened.value)
        modificationIndex = opened.modificationIndex
    }

    func remove(
        in draft: inout BatchDraft,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let home = token.namespace.home
        try draft.check(token)
        try draft.check(Wrapping.place(token.hash), modificationIndex, in: home)
        try TokenRevocation.revoke(token.hash, in: &draft, environment, view.at(home))
    }
}

extension VaultCall {
    /// What clients may ask about wrapped answers without any other token: nil for all else.
    func wrappingWithoutPolicy(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        switch request.path {
        case "sys/wrapping/lookup":
            guard request.operation == .read || request.operation == .update else {
                throw .engine(.unsupportedOperation, isBare: true)
            }
            trace?.note(mountOf: request.path, try environment.cache.mounts(view), environment)
            trace?.noteOpen()
            return .answer(try lookUpWrapping(view))
        case "sys/wrapping/unwrap" where request.operation == .update:
            let named = try SystemFields.parse(request.fields, WrappingBackend.schema).text("token")
            guard let named, !named.isEmpty else { return try unwrapOwn(view) }
            return Array(named.utf8) == request.token ? try unwrapOwn(view) : nil
        default:
            return nil
        }
    }

    /// The wrapping token is the client's own: it may, and it is gone after.
    private func unwrapOwn(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let authority: Authority
        do throws(VaultError) {
            authority = try Authority.check(
                request.token,
                from: request.remoteAddress,
                environment,
                view
            )
        } catch {
            guard case .permissionDenied = error else { throw error }
            throw Wrapping.invalid
        }
        trace?.note(mountOf: request.path, try environment.cache.mounts(view), environment)
        trace?.note(own: authority)
        let backend = WrappingBackend(call: self, authority: authority)
        return try backend.unwrap(request.token, view)
    }

    private func lookUpWrapping(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(request.fields, WrappingBackend.schema)
        let named = Array((fields.text("token") ?? "").utf8)
        guard !named.isEmpty || !request.token.isEmpty else {
            throw .forbidden("error validating wrapping token: token is empty")
        }
        let waiting = try WaitingAnswer(named.isEmpty ? request.token : named, environment, view)
        let data: JSONObject = [
            "creation_path": .string(waiting.content.path),
            "creation_time": .string(waiting.token.record.created.rfc3339),
            "creation_ttl": .number(JSONNumber(waiting.content.seconds)),
        ]
        let json = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: json, warnings: fields.warnings))
    }
}
