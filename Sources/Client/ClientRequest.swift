package import Wire

/// One request of the API.
package struct ClientRequest: Sendable {
    /// What the API knows. Lists are a GET with `list=true`.
    package enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    /// How the path is meant.
    package let method: Method
    /// Path and query as sent, from `/v1/` on, percent-encoded.
    package let target: String
    /// The JSON document that is sent, if any.
    package let body: [UInt8]?
    /// Sent beside those that every request has.
    package var headers: [(String, String)] = []

    /// - Parameters:
    ///   - path: without `/v1/`, not encoded; a slash separates.
    ///   - query: names and values, not encoded.
    ///   - body: sent with its members in their order.
    package init(
        _ method: Method,
        _ path: String,
        query: [(String, String)] = [],
        body: JSONValue? = nil
    ) {
        self.method = method
        var target = "/v1/" + Self.encoded(path, keepingSlashes: true)
        for (position, item) in query.enumerated() {
            target += position == 0 ? "?" : "&"
            target += Self.encoded(item.0, keepingSlashes: false) + "="
            target += Self.encoded(item.1, keepingSlashes: false)
        }
        self.target = target
        self.body = body?.encoded(sortingKeys: false)
    }

    /// The same request for another target, after a redirect.
    init(_ request: ClientRequest, target: String) {
        method = request.method
        self.target = target
        body = request.body
        headers = request.headers
    }

    /// Percent-encodes everything but unreserved characters (RFC 3986) and, if wanted, slashes.
    private static func encoded(_ text: String, keepingSlashes: Bool) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepingSlashes:
                encoded += "/"
            default:
                encoded += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return encoded
    }
}

/// One answer, whatever its status.
package struct ClientResponse: Sendable {
    /// HTTP status.
    package let status: Int
    /// As received; empty if there is none.
    package let body: [UInt8]
    /// Value of the Location header.
    package let location: String?
    /// The node that answered.
    package let address: ServerAddress

    package init(status: Int, body: [UInt8], location: String? = nil, address: ServerAddress) {
        self.status = status
        self.body = body
        self.location = location
        self.address = address
    }

    /// The JSON object in the body, nil if there is none.
    package var object: JSONObject? {
        (try? JSONScanner.parse(body, limits: .trusted))?.asObject
    }

    /// The server's error texts; empty if there are none.
    package var errors: [String] {
        object?["errors"]?.asArray?.compactMap(\.asString) ?? []
    }
}
