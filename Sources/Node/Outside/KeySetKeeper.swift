import Engines
import Logging
import Replica
import Synchronization
import Transport
import Wire

/// Says with which keys an issuer signs: from what this node keeps, or by asking the issuer.
///
/// A cache in this node's memory, never replicated: another node asks for itself. Public keys are
/// no secret, but which issuers a vault trusts is in its records only, so sealing forgets them.
final class KeySetKeeper: EffectPerformer {
    /// Fetches a document; calls back once.
    typealias Fetch =
        @Sendable (
            _ fetch: WebFetch,
            _ completion: @escaping @Sendable (Result<[UInt8], WebFetchError>) -> Void
        ) -> Void
    private typealias Waiter = @Sendable (EffectOutcome) -> Void

    /// The documents that are fetched for one source.
    private struct Errand {
        let source: KeySource
        let deadline: Moment
        /// Of the request that began it. Others may wait for it as well.
        let trace: String?
    }

    private let table = Mutex(KeySetTable<Waiter>())
    private let fetch: Fetch
    private let clock: @Sendable () -> Moment
    private let logger: Logger

    init(
        fetch: @escaping Fetch,
        clock: @escaping @Sendable () -> Moment = { .now },
        logger: Logger
    ) {
        self.fetch = fetch
        self.clock = clock
        self.logger = logger
    }

    func perform(
        _ effect: Effect,
        deadline: Moment,
        completion: @escaping @Sendable (EffectOutcome) -> Void
    ) {
        let question: KeySetQuestion
        do throws(WireError) {
            question = try KeySetQuestion(decoding: effect.body)
        } catch {
            return completion(.failed(error.summary))
        }
        let now = clock()
        switch table.withLock({ $0.ask(question, effect.id, completion, at: now) }) {
        case .answer(let outcome, let fetches):
            completion(outcome)
            if fetches { begin(question.source, effect.trace) }
        case .wait(let fetches):
            if fetches { begin(question.source, effect.trace) }
        }
    }

    func abandon(_ effect: Effect) {
        guard let question = try? KeySetQuestion(decoding: effect.body) else { return }
        table.withLock { $0.abandon(effect.id, of: question.source) }
    }

    /// The node is sealed.
    func forgetAll() {
        for waiter in table.withLock({ $0.forgetAll() }) {
            waiter(.failed("this node was sealed"))
        }
    }

    // MARK: one fetch

    private func begin(_ source: KeySource, _ trace: String?) {
        let errand = Errand(
            source: source,
            deadline: clock() + .milliseconds(Limits.keySetFetchMilliseconds),
            trace: trace
        )
        do throws(WebAddressError) {
            switch source.kind {
            case .keySet: fetchKeys(at: try WebAddress(source.url), errand)
            case .discovery:
                let address = try IssuerDocument.address(of: source.url)
                get(address, errand) { [self] result in
                    discovered(result, at: address, errand)
                }
            }
        } catch {
            end(source, .failure(KeySetFailure(text: "the URL is refused: \(error.text)")))
        }
    }

    private func discovered(
        _ result: Result<[UInt8], WebFetchError>,
        at address: WebAddress,
        _ errand: Errand
    ) {
        do {
            let document = try IssuerDocument(parsing: result.get(), of: errand.source.url)
            // Nobody may make the vault take keys from a connection that anybody can change.
            guard document.keys.usesTLS || !address.usesTLS else {
                throw KeySetFailure(text: "the jwks_uri of the discovery document is not https://")
            }
            fetchKeys(at: document.keys, errand)
        } catch {
            end(errand.source, .failure(Self.failure(error)))
        }
    }

    private func fetchKeys(at address: WebAddress, _ errand: Errand) {
        get(address, errand) { [self] result in
            do {
                end(errand.source, .success(try KeySet(parsing: result.get())))
            } catch {
                end(errand.source, .failure(Self.failure(error)))
            }
        }
    }

    private func get(
        _ address: WebAddress,
        _ errand: Errand,
        _ completion: @escaping @Sendable (Result<[UInt8], WebFetchError>) -> Void
    ) {
        var request = WebFetch(
            address,
            authorities: errand.source.authorities,
            patience: max(errand.deadline - clock(), .zero),
            bytesMax: EngineLimits.issuerAnswerBytesMax
        )
        request.trace = errand.trace
        fetch(request, completion)
    }

    private func end(_ source: KeySource, _ result: Result<KeySet, KeySetFailure>) {
        if case .failure(let failure) = result {
            logger.warning(
                "the keys of an issuer cannot be fetched: \(failure.text)",
                metadata: [
                    "remedy": """
                    check that the issuer is up and that this node reaches it; until then keys \
                    that were fetched before count for \(Limits.keySetStaleSeconds / 3_600) h
                    """
                ]
            )
        }
        let now = clock()
        for (waiter, outcome) in table.withLock({ $0.ended(result, of: source, at: now) }) {
            waiter(outcome)
        }
    }

    private static func failure(_ error: any Error) -> KeySetFailure {
        switch error {
        case let error as KeySetFailure: error
        case let error as WebFetchError: KeySetFailure(text: error.text)
        case let error as KeySetError: KeySetFailure(text: error.text)
        default: KeySetFailure(text: "\(error)")
        }
    }
}
