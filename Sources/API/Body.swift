import Engines
import Wire

/// Why the router answers a request itself.
enum RouteError: Error, Equatable {
    /// `{"errors":[…]}` with this status.
    case refused(Int, [String])
    /// A status without a body.
    case bare(Int)
    /// 307 to this path and query.
    case redirect([UInt8])

    func response(method: String) -> APIResponse {
        switch self {
        case .refused(let status, let texts):
            // An answer to HEAD has no body.
            method == "HEAD" ? APIResponse(status: status) : Reply.errors(status, texts)
        case .bare(let status):
            APIResponse(status: status)
        case .redirect(let location):
            Self.redirect(to: String(decoding: location, as: UTF8.self), method: method)
        }
    }

    private static func redirect(to location: String, method: String) -> APIResponse {
        let headers = [(name: "Location", value: location)]
        guard method == "GET" else { return APIResponse(status: 307, headers: headers) }
        let link = location.utf8.map { byte -> String in
            switch byte {
            case 0x22: "&#34;"
            case 0x26: "&amp;"
            case 0x27: "&#39;"
            case 0x3C: "&lt;"
            case 0x3E: "&gt;"
            default: String(UnicodeScalar(byte))
            }
        }
        let page = "<a href=\"\(link.joined())\">Temporary Redirect</a>.\n\n"
        return APIResponse(
            status: 307,
            headers: headers,
            contentType: "text/html; charset=utf-8",
            body: Array(page.utf8)
        )
    }
}

/// The rules of request bodies: an object, nothing, or `null`; JSON whatever the content type says.
enum Body {
    /// The members of a logical request's body.
    static func fields(_ body: [UInt8], contentType: String?) throws(RouteError) -> JSONObject {
        let first = body.first { !isSpace($0) }
        if isForm(contentType), let first, first != 0x7B, first != 0x5B {
            return try Query(body[...]).formFields()
        }
        return try object(in: body, goType: "map[string]interface {}")
    }

    /// The object in a body; empty for no body and for `null`.
    static func object(in body: [UInt8], goType: String) throws(RouteError) -> JSONObject {
        guard body.contains(where: { !isSpace($0) }) else { return JSONObject() }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONScanner.parse(body)
        } catch {
            throw refusal(error)
        }
        switch value {
        case .object(let object): return object
        case .null: return JSONObject()
        case .bool, .number, .string, .array:
            throw .refused(
                400,
                [
                    "failed to decode JSON input: json: cannot unmarshal \(goKind(of: value)) into "
                        + "Go value of type \(goType)"
                ]
            )
        }
    }

    /// How Go's decoder names a kind of JSON value.
    static func goKind(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func refusal(_ error: JSONError) -> RouteError {
        if error.isComplexity {
            return .refused(
                400,
                ["refused JSON input due to high complexity: \(error.summary)"]
            )
        }
        // OpenBao decodes from a stream, which words these differently.
        let text =
            switch error {
            case .unexpectedEnd: "unexpected EOF"
            case .invalidCharacter(let byte, .afterDocument),
                .invalidCharacter(let byte, .beginningOfName):
                JSONError.invalidCharacter(byte, .beginningOfValue).summary
            default: error.summary
            }
        return .refused(400, ["failed to decode JSON input: \(text)"])
    }

    private static func isForm(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        return MediaType.name(of: contentType) == "application/x-www-form-urlencoded"
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}

/// The little of media types that the API needs.
enum MediaType {
    /// The type without parameters, in lower case.
    static func name(of contentType: String) -> String {
        var name = contentType.utf8.prefix { $0 != 0x3B }
        while name.first == 0x20 || name.first == 0x09 { name.removeFirst() }
        while name.last == 0x20 || name.last == 0x09 { name.removeLast() }
        return String(
            decoding: name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self
        )
    }

    /// PATCH takes one type only.
    static func requireMergePatch(_ contentType: String?) throws(RouteError) {
        let wanted = "application/merge-patch+json"
        let name = Self.name(of: contentType ?? "")
        guard !name.isEmpty else { throw .refused(400, ["mime: no media type"]) }
        guard name == wanted else {
            throw .refused(
                415,
                ["PATCH requires Content-Type of \(wanted), provided \(name)"]
            )
        }
    }
}
