package import Engines
package import Store
package import Wire

/// What the vault wants to happen next.
package enum VaultStep: Sendable {
    /// Nothing to write: answer now.
    case answer(VaultAnswer)
    /// Propose the batch. The answer holds only once the batch is applied. If one of its checks
    /// fails, step the same request again on a newer view, with the next attempt number.
    case commit(WriteBatch, VaultAnswer)
    /// Propose the batch, as for an answer; once it is applied, refuse. So what a refused request
    /// costs is counted before anybody hears of it.
    case commitRefusing(WriteBatch, VaultError)
    /// Perform the effect, then step the same request again with what came of it among
    /// ``VaultEnvironment/performed``. Nothing was written.
    case perform(Effect)
    /// Nothing was written and nothing will be.
    case refuse(VaultError)

    /// Whether there is a batch to commit.
    package var isWritten: Bool {
        switch self {
        case .commit, .commitRefusing: true
        case .answer, .refuse, .perform: false
        }
    }
}

/// An engine's answer and how it is wrapped.
package struct VaultAnswer: Sendable, Equatable {
    /// The engine's answer, or that of one of the vault's own endpoints.
    package let body: EngineAnswer
    /// Whether the members of `data` also stand at the top level, where old clients read them.
    package let isInjected: Bool
    /// Whether `data` is all of the answer, without the envelope.
    package private(set) var isBare = false
    /// A token that was made or renewed.
    package let auth: AuthBlock?
    /// Where the answer waits, if it is not this one.
    package var wrap: WrapBlock?
    /// The `auth` of an answer that waited.
    package var unwrappedAuth: JSONObject?

    package init(_ body: EngineAnswer, isInjected: Bool = false, auth: AuthBlock? = nil) {
        self.body = body
        self.isInjected = isInjected
        self.auth = auth
    }

    /// An answer without the envelope.
    static func bare(_ data: [UInt8]) -> VaultAnswer {
        var answer = VaultAnswer(EngineAnswer(data: data))
        answer.isBare = true
        return answer
    }

    /// 204.
    package static let empty = VaultAnswer(.empty)

    /// 202 without a body: what was asked for has begun.
    static let begun = VaultAnswer(EngineAnswer(status: 202))
}
