package import Engines
package import Store

/// What the vault wants to happen next.
///
/// Effects on the outside world and long jobs become further cases with the engines that need them.
package enum VaultStep: Sendable {
    /// Nothing to write: answer now.
    case answer(VaultAnswer)
    /// Propose the batch. The answer holds only once the batch is applied. If one of its checks
    /// fails, step the same request again on a newer view, with the next attempt number.
    case commit(WriteBatch, VaultAnswer)
    /// Nothing was written and nothing will be.
    case refuse(VaultError)
}

/// An engine's answer and how it is wrapped.
package struct VaultAnswer: Sendable, Equatable {
    /// The engine's answer, or that of one of the vault's own endpoints.
    package let body: EngineAnswer
    /// Whether the members of `data` also stand at the top level, where old clients read them.
    package let isInjected: Bool

    package init(_ body: EngineAnswer, isInjected: Bool = false) {
        self.body = body
        self.isInjected = isInjected
    }

    /// 204.
    package static let empty = VaultAnswer(.empty)
}
