import Barrier
import Engines
package import Vault
import Wire

/// The only place where what happened becomes a status and a body.
///
/// Callers see texts that clients of OpenBao know. What an operator can do about it goes to the
/// trace, never to the client.
package enum Reply {
    /// The answer to a step of the vault.
    package static func response(to step: VaultStep, requestID: [UInt8]) -> APIResponse {
        switch step {
        case .answer(let answer), .commit(_, let answer):
            response(to: answer, requestID: requestID)
        case .refuse(let error), .commitRefusing(_, let error):
            response(to: error)
        case .perform:
            preconditionFailure("an effect is performed before there is an answer")
        }
    }

    /// The envelope of an answer. One of a batch may leave only when the batch is applied.
    package static func response(to answer: VaultAnswer, requestID: [UInt8]) -> APIResponse {
        let status = answer.body.status
        let isBare = answer.body.data == nil && answer.body.warnings.isEmpty
        if answer.isBare {
            return APIResponse(status: status, body: (answer.body.data ?? []) + [0x0A])
        }
        return status == 204 || status == 202 && isBare
            ? APIResponse(status: status)
            : APIResponse(
                status: status,
                body: Envelope.encoded(answer, requestID: requestID)
            )
    }

    /// `{"errors":[…]}`
    package static func errors(_ status: Int, _ texts: [String] = []) -> APIResponse {
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.name("errors")
        writer.beginArray()
        for text in texts {
            writer.string(text)
        }
        writer.endArray()
        writer.endObject()
        return APIResponse(status: status, body: writer.bytes + [0x0A])
    }

    /// A refusal of the vault.
    package static func response(to error: VaultError) -> APIResponse {
        switch error {
        case .permissionDenied:
            errors(403, ["permission denied"])
        case .denied:
            errors(403, [wrapped("permission denied", false)])
        case .forbidden(let text):
            errors(403, [text])
        case .preflightDenied(let path):
            errors(
                403,
                [
                    "preflight capability check returned 403, please ensure client's policies "
                        + "grant access to path \(GoText.quoted(path))"
                ]
            )
        case .namespaceNotFound:
            errors(404, ["namespace not found"])
        case .namespaceLocked(let path):
            errors(
                503,
                [
                    "API access to this namespace has been locked by an administrator - "
                        + "\(GoText.quoted(path)) must be unlocked to gain access."
                ]
            )
        case .noHandler(let path):
            errors(
                404,
                ["no handler for route \(GoText.quoted(path)). route entry not found."]
            )
        case .invalid(let text):
            errors(400, [text])
        case .notFound:
            errors(404)
        case .engine(let error, let isBare):
            response(to: error, isBare: isBare)
        case .damaged:
            errors(500, ["internal error"])
        case .barrier(let error):
            response(to: error)
        }
    }

    private static func response(to error: EngineError, isBare: Bool) -> APIResponse {
        switch error {
        case .invalid(let text), .badCredentials(let text): errors(400, [text])
        case .permissionDenied: errors(403, ["permission denied"])
        case .failed(let text): errors(500, [wrapped(text, isBare)])
        case .absent(let text): errors(404, [text])
        case .tooLarge(let text): errors(413, [text])
        case .unsupportedPath: errors(404, [wrapped("unsupported path", isBare)])
        case .unsupportedOperation: errors(405, [wrapped("unsupported operation", isBare)])
        case .notFound: errors(404)
        case .nothingToPatch: APIResponse(status: 404)
        case .damaged: errors(500, ["internal error"])
        case .barrier(let error): response(to: error)
        }
    }

    private static func response(to error: BarrierError) -> APIResponse {
        switch error {
        case .pathEmpty, .pathTooLong, .pathMalformed: errors(400, [error.summary])
        case .valueTooLong, .batchTooLong, .batchTooManyOperations: errors(413, [error.summary])
        // What is damaged must not look absent, and its details are for operators.
        default: errors(500, ["internal error"])
        }
    }

    private static func wrapped(_ text: String, _ isBare: Bool) -> String {
        isBare ? text : GoText.errors([text])
    }
}
