package import Vault

/// What a browser is told about a page of another origin that uses the API.
package enum CrossOriginReply {
    /// The answer to a request that goes no further: one of a page that may not, or a question
    /// before a request. Nil: the request is worked on, and its answer gets ``headers(_:_:)``.
    ///
    /// - Parameters:
    ///   - origin: the request's `Origin`.
    ///   - wanted: its `Access-Control-Request-Method`.
    package static func answer(
        _ settings: CrossOriginSettings,
        origin: String,
        method: String,
        wanted: String?
    ) -> APIResponse? {
        guard settings.allows(origin) else { return Reply.errors(403, ["origin not allowed"]) }
        guard method == "OPTIONS" else { return nil }
        guard let wanted, methods.contains(wanted) else { return APIResponse(status: 405) }
        let told = [
            (name: "Access-Control-Allow-Methods", value: methods.joined(separator: ",")),
            (
                name: "Access-Control-Allow-Headers",
                value: settings.headers.joined(separator: ",")
            ),
            (name: "Access-Control-Max-Age", value: "300"),
        ]
        return APIResponse(status: 200, headers: told)
    }

    /// What lets the page see an answer; nothing for a page that may not.
    package static func headers(
        _ settings: CrossOriginSettings,
        _ origin: String
    ) -> [(name: String, value: String)] {
        guard settings.allows(origin) else { return [] }
        var headers = [
            (name: "Access-Control-Allow-Origin", value: origin), (name: "Vary", value: "Origin"),
        ]
        if settings.allowsCredentials {
            headers.append((name: "Access-Control-Allow-Credentials", value: "true"))
        }
        return headers
    }

    private static let methods = ["DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "SCAN"]
}

extension CrossOriginSettings {
    /// Whether a page of this origin may use the API.
    fileprivate func allows(_ origin: String) -> Bool {
        // It comes back in a header.
        guard origin.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        return origins == ["*"] || origins.contains { $0.utf8.elementsEqual(origin.utf8) }
    }
}
