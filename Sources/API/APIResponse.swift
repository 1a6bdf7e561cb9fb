package import Wire

/// An answer, complete but for what only the server adds (`Date`, `Content-Length`, `Connection`).
package struct APIResponse: Sendable {
    /// 200…599.
    package let status: Int
    /// Headers besides ``standardHeaders``.
    package var headers: [(name: String, value: String)]
    /// Replaces `application/json`.
    package let contentType: String?
    package let body: [UInt8]

    /// - Precondition: the status has three digits.
    package init(
        status: Int,
        headers: [(name: String, value: String)] = [],
        contentType: String? = nil,
        body: [UInt8] = []
    ) {
        precondition((100...599).contains(status), "a status has three digits")
        self.status = status
        self.headers = headers
        self.contentType = contentType
        self.body = body
    }

    /// What every answer carries. A constant, so a server can encode it once.
    package static let standardHeaders: [(name: String, value: String)] = headers(of: nil)

    /// Whether ``standardHeaders`` are all there are.
    package var hasStandardHeadersOnly: Bool { headers.isEmpty && contentType == nil }

    /// Every header of this answer.
    package var allHeaders: [(name: String, value: String)] {
        Self.headers(of: contentType) + headers
    }

    /// The same with further headers.
    package func with(_ more: [(name: String, value: String)]) -> APIResponse {
        guard !more.isEmpty else { return self }
        var response = self
        response.headers += more
        return response
    }

    private static func headers(of contentType: String?) -> [(name: String, value: String)] {
        [
            ("Cache-Control", "no-store"),
            ("Content-Type", contentType ?? "application/json"),
            ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ]
    }
}

// MARK: between members

extension APIResponse {
    /// Format 1: status, headers, content type, body.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + body.count)
        writer.writeUInt8(1)
        writer.writeUInt16(UInt16(status))
        writer.writeVarint(UInt64(headers.count))
        for (name, value) in headers {
            writer.writeString(name)
            writer.writeString(value)
        }
        writer.writeString(contentType ?? "")
        writer.writeBlob(body)
        return writer.bytes
    }

    /// Reads what a peer sent. Never traps.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "a relayed answer")
        let status = Int(try reader.readUInt16())
        guard (200...599).contains(status) else { throw .malformed("status \(status)") }
        let count = try reader.readVarint()
        guard count <= UInt64(APILimits.responseHeadersMax) else {
            throw .tooLong(limit: APILimits.responseHeadersMax, have: count)
        }
        var headers: [(name: String, value: String)] = []
        for _ in 0..<count {
            let name = try reader.readString(atMost: APILimits.headerBytesMax)
            let value = try reader.readString(atMost: APILimits.headerBytesMax)
            guard Self.isHeader(name, value) else { throw .malformed("a header with a line break") }
            headers.append((name, value))
        }
        let contentType = try reader.readString(atMost: APILimits.headerBytesMax)
        guard Self.isHeader("Content-Type", contentType) else {
            throw .malformed("a content type with a line break")
        }
        let body = try reader.readBlob(atMost: APILimits.forwardBytesMax)
        try reader.finish()
        self.init(
            status: status,
            headers: headers,
            contentType: contentType.isEmpty ? nil : contentType,
            body: body
        )
    }

    /// A peer's header ends up in our own answer, so it must not be able to end a line.
    private static func isHeader(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
