import Barrier
import Engines
import Wire

/// From requests to engines and back.
extension VaultCall {
    /// What an engine wants to happen.
    func step(
        _ mount: EngineMount,
        _ below: String,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> EngineStep {
        let engineRequest = engineRequest(below, tokenName: authority.tokenName)
        do throws(EngineError) {
            return try EngineCatalog.step(engineRequest, in: mount, view: view)
        } catch {
            throw .engine(error)
        }
    }

    /// The request as an engine sees it.
    ///
    /// - Parameters:
    ///   - below: the path below the mount.
    ///   - tokenName: empty for a request without a token.
    func engineRequest(_ below: String, tokenName: String) -> EngineRequest {
        var context = EngineContext(tokenName: tokenName, seed: environment.seed)
        context.remoteAddress = request.remoteAddress
        context.clientCertificates = request.clientCertificates
        context.performed = environment.performed
        return EngineRequest(
            operation: request.operation,
            path: below,
            fields: request.fields,
            now: environment.now,
            context: context
        )
    }

    /// `cubbyhole/…`: there is no mount to check, and the batch checks the token as every batch
    /// does, so nothing is written for a token that is gone.
    func cubbyholeStep(
        _ below: String,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let mount = authority.cubbyhole.mount
        switch try step(mount, below, authority, view) {
        case .answer(let answer):
            return .answer(VaultAnswer(answer))
        case .commit(let plan, let answer):
            precondition(
                plan.stays(below: CubbyholePlace.root),
                "the cubbyhole writes nowhere else in the system mount"
            )
            var draft = try BatchDraft(request, authority, environment, view)
            try draft.add(plan, in: mount.id)
            return .commit(try draft.finish(), VaultAnswer(answer))
        case .login, .perform:
            throw .engine(.unsupportedOperation)
        }
    }

    /// An effect that an engine asks for, under the id that it has in this request.
    func effect(_ kind: EffectKind, _ body: [UInt8]) -> VaultStep {
        var id = ByteWriter(capacity: 24)
        id.writeBytes(request.requestID)
        id.writeUInt64(UInt64(environment.performed.count))
        return .perform(Effect(kind: kind, id: id.bytes, body: body))
    }
}

extension BatchPlan {
    /// Whether every record that it touches is in this folder.
    fileprivate func stays(below folder: String) -> Bool {
        steps.allSatisfy { step in
            switch step {
            case .put(let path, _), .delete(let path), .check(let path, _):
                path.utf8.starts(with: folder.utf8)
            }
        }
    }
}
