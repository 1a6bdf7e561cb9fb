import API
import Logging
import Store
import Transport
import Vault

/// Requests of web pages of other origins: who may, and what their browsers are told.
///
/// Only browsers send `Origin`, so other clients cost nothing here.
struct CrossOriginGate: Sendable {
    private let seal: SealKeeper
    private let logger: Logger
    private let known: EvaluatedCache<CrossOriginSettings?>

    init(
        _ parts: EvaluatedCache<CrossOriginSettings?>.Parts,
        seal: SealKeeper,
        logger: Logger
    ) {
        (self.seal, self.logger) = (seal, logger)
        known = EvaluatedCache(parts) { _, keyring, view throws(VaultError) in
            try CrossOriginSettings.load(keyring, view: view)
        }
    }

    /// The answer to a request that goes no further.
    func answer(to exchange: HTTPExchange) -> APIResponse? {
        guard let origin = exchange.request.header("Origin"), let settings else { return nil }
        return CrossOriginReply.answer(
            settings,
            origin: origin,
            method: exchange.request.method,
            wanted: exchange.request.header("Access-Control-Request-Method")
        )
    }

    /// An answer with what lets the page see it.
    func marked(_ response: APIResponse, for exchange: HTTPExchange) -> APIResponse {
        guard let origin = exchange.request.header("Origin"), let settings else { return response }
        var response = response
        response.headers += CrossOriginReply.headers(settings, origin)
        return response
    }

    /// What is set now. A node that cannot read it allows no page anything, which is what a browser
    /// makes of an answer without these headers.
    private var settings: CrossOriginSettings? {
        guard let unsealed = seal.unsealed else { return nil }
        do {
            return try known.current(unsealed)
        } catch {
            logger.error("settings for other origins cannot be read: \(error.summary)")
            return nil
        }
    }
}
