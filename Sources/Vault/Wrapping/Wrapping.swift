import Barrier
import Engines
import Wire

/// What a client asks with `X-Vault-Wrap-TTL`.
struct WrapWish: Sendable, Equatable {
    let seconds: UInt64
    /// Of the request whose answer is wrapped.
    let path: String
}

/// Puts answers away for one reader.
///
/// The answer lies in the cubbyhole of a token of its own, made in the same batch as what the
/// answer tells of. That token has one use and may do nothing but unwrap.
enum Wrapping {
    static let invalid = VaultError.invalid("wrapping token is not valid or does not exist")

    /// Where a token keeps the answer that it wraps. Clients cannot name it: their paths have no
    /// NUL.
    static func place(_ hash: String) -> String {
        CubbyholePlace.root + hash + "/\u{0}response"
    }

    /// - Returns: the answer that goes out instead.
    static func wrap(
        _ answer: VaultAnswer,
        _ wish: WrapWish,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment
    ) throws(VaultError) -> VaultAnswer {
        let content = try WrappedAnswer(answer, path: wish.path, seconds: wish.seconds)
        return try wrap(content, in: &draft, environment)
    }

    /// The same for an answer that was wrapped before.
    static func wrap(
        _ content: WrappedAnswer,
        in draft: inout BatchDraft,
        _ environment: borrowing VaultEnvironment
    ) throws(VaultError) -> VaultAnswer {
        // A list's path ends in a slash; that of a lease goes on behind one.
        let isFolder = content.path.utf8.last == 0x2F
        var grant = TokenGrant(
            displayName: "token",
            path: isFolder ? String(content.path.dropLast()) : content.path,
            policies: [BuiltInPolicy.wrapping]
        )
        grant.life = TokenLife(
            seconds: content.seconds,
            secondsMax: 0,
            explicitSecondsMax: content.seconds,
            periodSeconds: 0
        )
        grant.usesMax = 1
        grant.isRenewable = false
        let issued = try TokenIssuer.issue(grant, in: &draft, environment)
        try draft.put(place(issued.hash), content.encoded())
        var wrapped = VaultAnswer(EngineAnswer())
        wrapped.wrap = WrapBlock(
            token: issued.auth.clientToken,
            accessor: issued.auth.accessor,
            seconds: content.seconds,
            created: environment.now,
            path: content.path,
            wrappedAccessor: content.accessor
        )
        return wrapped
    }
}

extension BatchDraft {
    /// The batch with its answer: wrapped, if the client wants that.
    consuming func commit(_ answer: VaultAnswer) throws(VaultError) -> VaultStep {
        guard let (wish, environment) = wrapping, answer.isWrappable else {
            // A batch token is its own record: there is nothing to write.
            return isEmpty ? .answer(answer) : .commit(try finish(), answer)
        }
        var draft = self
        let wrapped = try Wrapping.wrap(answer, wish, in: &draft, environment)
        return .commit(try draft.finish(), wrapped)
    }
}

extension VaultCall {
    /// An allowed request's step, as the client wants its answer.
    ///
    /// An endpoint whose batch was finished without regard to wrapping must not give its answer to
    /// the wrong reader, so it is refused before anything is written.
    func wrapped(
        _ step: VaultStep,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard request.wrapSeconds != nil else { return step }
        switch step {
        case .answer(let answer) where answer.isWrappable:
            let draft = try BatchDraft(request, authority, environment, view)
            return try draft.commit(answer)
        case .commit(_, let answer) where answer.isWrappable:
            throw .invalid("this endpoint does not support response wrapping")
        default:
            return step
        }
    }
}
