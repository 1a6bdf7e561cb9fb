package import Engines
package import Policy
package import Vault
package import Wire

/// Calls about the node that is asked, which answers them itself for a token that may: what it runs
/// on, how it is set, what it is working on, what it logs and how much. Never forwarded.
package struct LocalCall: Sendable {
    /// What it is about.
    package enum Subject: Sendable, Equatable {
        /// `sys/host-info`
        case host
        /// `sys/in-flight-req`
        case inFlight
        /// `sys/config/state/sanitized`
        case settings
        /// `sys/monitor`
        case monitor
        /// `sys/loggers`: all of them.
        case loggers
        /// `sys/loggers/<name>`
        case logger(String)
    }

    /// Which of them.
    package let subject: Subject
    /// What is to be done about it.
    package let operation: Operation
    /// Behind `/v1/`.
    package let path: String
    /// Members of the body or of the query.
    package let fields: JSONObject

    /// The call as policies see it.
    package var access: AccessRequest {
        var request = AccessRequest(operation.access, path)
        request.parameters = fields
        return request
    }

    /// It changes nothing.
    package var isRead: Bool { !operation.isWrite }

    /// Its answer goes on until somebody ends it.
    package var isStreamed: Bool { subject == .monitor && operation == .read }

    /// - Returns: nil for a path that is none of these.
    init?(_ path: String, _ operation: Operation, _ fields: JSONObject) {
        switch path {
        case "sys/host-info": subject = .host
        case "sys/in-flight-req": subject = .inFlight
        case "sys/config/state/sanitized": subject = .settings
        case "sys/monitor": subject = .monitor
        case "sys/loggers": subject = .loggers
        default:
            let prefix = "sys/loggers/"
            guard path.utf8.starts(with: prefix.utf8),
                let name = String(path.utf8.dropFirst(prefix.utf8.count)), !name.isEmpty
            else { return nil }
            subject = .logger(name)
        }
        self.path = path
        self.operation = operation
        self.fields = fields
    }
}

/// Answers to ``LocalCall``s.
package enum LocalReply {
    /// `data` in the envelope.
    ///
    /// - Parameter data: one JSON object.
    package static func enveloped(
        _ data: [UInt8],
        warnings: [String] = [],
        requestID: [UInt8]
    ) -> APIResponse {
        Reply.response(
            to: VaultAnswer(EngineAnswer(data: data, warnings: warnings)),
            requestID: requestID
        )
    }

    /// An object without envelope.
    package static func bare(_ object: JSONObject) -> APIResponse {
        let body = JSONValue.object(object).encoded(sortingKeys: false)
        return APIResponse(status: 200, body: body + [0x0A])
    }

    /// The path exists, and not for this.
    package static var unsupportedOperation: APIResponse {
        Reply.response(to: .engine(.unsupportedOperation))
    }

    /// Parameters of one of the calls, which clients may send as text.
    ///
    /// - Throws: ``VaultError`` for a value of a wrong type.
    package static func fields(
        _ raw: JSONObject,
        _ kinds: [(String, FieldSchema.Kind)],
        captured: [String] = []
    ) throws(VaultError) -> Fields {
        do throws(EngineError) {
            return try Fields(raw, FieldSchema(kinds, captured: captured))
        } catch {
            throw .engine(error)
        }
    }
}
