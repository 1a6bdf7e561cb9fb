package import Engines
package import Wire

/// The parts of an HTTP request that the API looks at, as bytes. Travels unchanged when a node
/// forwards the request to the leader.
package struct APIRequest: Sendable, Equatable {
    /// As it came: `GET`, `LIST`.
    package let method: String
    /// Path and query as they came, still percent-encoded.
    package let target: [UInt8]
    package let headers: APIHeaders
    package let body: [UInt8]
    /// 16 bytes drawn by the node that received the request. Names the batch that it may become, so
    /// that a repeated write happens once, and is the `request_id` of its answer.
    package let requestID: [UInt8]
    /// The client's address as the node that holds its connection sees it, with its port:
    /// `127.0.0.1:51234`, `[::1]:51234`. Nil where there is no client.
    package let remoteAddress: String?
    /// What the client showed in its TLS handshake with the node that holds its connection, DER,
    /// its own certificate first; empty without one. Never read from anything that the client
    /// sends, and only kept where ``asksForCertificates`` says so.
    package private(set) var clientCertificates: [[UInt8]] = []

    /// - Precondition: the id has 16 bytes.
    package init(
        method: String,
        target: [UInt8],
        headers: APIHeaders,
        body: [UInt8],
        requestID: [UInt8],
        remoteAddress: String? = nil
    ) {
        precondition(requestID.count == 16, "a request id has 16 bytes")
        self.remoteAddress = remoteAddress
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.requestID = requestID
    }
}

/// The headers that the API looks at. Nil where the request has none of that name.
package struct APIHeaders: Sendable, Equatable {
    /// `X-Vault-Token`
    package var token: String?
    /// `Authorization`
    package var authorization: String?
    /// `X-Vault-Namespace`
    package var namespace: String?
    /// `X-Vault-Wrap-TTL`
    package var wrapTTL: String?
    /// `Content-Type`
    package var contentType: String?
    /// `X-Holdfast-Consistency`. Only reads look at it.
    package var consistency: String?
    /// `X-Holdfast-Max-Staleness`. Whoever holds the client keeps to the bound, so it does not
    /// travel between members.
    package var maxStaleness: String?
    /// `traceparent`: where the caller stands in a distributed trace.
    package var trace: String?

    /// No header at all.
    package init() {}

    /// Takes the headers that the API looks at from whatever holds them.
    ///
    /// - Parameter header: the value of the header with this name, without regard to case.
    package init(_ header: (String) -> String?) {
        token = header("X-Vault-Token")
        authorization = header("Authorization")
        namespace = header("X-Vault-Namespace")
        wrapTTL = header("X-Vault-Wrap-TTL")
        contentType = header("Content-Type")
        consistency = header(ConsistencyHeaders.consistency)
        maxStaleness = header(ConsistencyHeaders.maxStaleness)
        trace = header("traceparent")
    }
}

// MARK: certificates

extension APIRequest {
    /// Whether what the client showed in its handshake can count: for logins, and for renewals of
    /// what a login gave. All other requests travel without it.
    package var asksForCertificates: Bool {
        let path = target.prefix { $0 != 0x3F }
        // A namespace may stand in front.
        guard path.starts(with: "/v1/".utf8), path.contains(Array("/auth/".utf8)) else {
            return false
        }
        return path.ends(with: "/login".utf8) || path.contains(Array("/auth/token/renew".utf8))
    }

    /// The same with what its client showed, where that can count.
    ///
    /// - Parameter certificates: within the limits that the listener keeps.
    package func showing(_ certificates: [[UInt8]]) -> APIRequest {
        precondition(
            certificates.count <= EngineLimits.presentedCertificatesMax,
            "more certificates than the listener takes"
        )
        var request = self
        request.clientCertificates = asksForCertificates ? certificates : []
        return request
    }
}

extension Sequence<UInt8> where Self: BidirectionalCollection {
    fileprivate func ends(with other: String.UTF8View) -> Bool {
        suffix(other.count).elementsEqual(other)
    }
}

// MARK: between members

extension APIRequest {
    /// Format 1: id, method, target, headers, body. Format 2: the consistency is the last header;
    /// only where there is one. Format 3: the consistency, present or not, is the last header, and
    /// the client's address follows. Format 4: consistency and address, present or not, and then
    /// the trace. Format 5: the trace, present or not, and then the client's certificates, one or
    /// more, with their count before them. Each is used only for what the ones before it cannot
    /// say.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256 + target.count + body.count)
        let format: UInt8 =
            if !clientCertificates.isEmpty {
                5
            } else if headers.trace != nil {
                4
            } else if remoteAddress != nil {
                3
            } else {
                headers.consistency == nil ? 1 : 2
            }
        writer.writeUInt8(format)
        writer.writeBytes(requestID)
        writer.writeString(method)
        writer.writeBlob(target)
        for header in [
            headers.token, headers.authorization, headers.namespace, headers.wrapTTL,
            headers.contentType,
        ] {
            writer.writeBool(header != nil)
            if let header { writer.writeString(header) }
        }
        if format >= 3 { writer.writeBool(headers.consistency != nil) }
        if let consistency = headers.consistency { writer.writeString(consistency) }
        if format >= 4 { writer.writeBool(remoteAddress != nil) }
        if let remoteAddress { writer.writeString(remoteAddress) }
        if format == 5 { writer.writeBool(headers.trace != nil) }
        if let trace = headers.trace { writer.writeString(trace) }
        if format == 5 {
            writer.writeUInt8(UInt8(clientCertificates.count))
            for certificate in clientCertificates { writer.writeBlob(certificate) }
        }
        writer.writeBlob(body)
        return writer.bytes
    }

    /// Whether it fits between members. A request that does not is refused where it arrived.
    package var isForwardable: Bool {
        target.count + body.count + 1_024 + (headers.token?.utf8.count ?? 0)
            + (headers.authorization?.utf8.count ?? 0) + (headers.consistency?.utf8.count ?? 0)
            + clientCertificates.reduce(0) { $0 + $1.count }
            <= APILimits.forwardBytesMax
    }

    /// Reads what a peer sent. Never traps.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readFormat(1...5, of: "a forwarded request")
        requestID = try reader.readBytes(16)
        method = try reader.readString(atMost: APILimits.methodBytesMax)
        target = try reader.readBlob(atMost: APILimits.targetBytesMax)
        var headers = APIHeaders()
        headers.token = try Self.header(&reader)
        headers.authorization = try Self.header(&reader)
        headers.namespace = try Self.header(&reader)
        headers.wrapTTL = try Self.header(&reader)
        headers.contentType = try Self.header(&reader)
        if format == 2 {
            headers.consistency = try reader.readString(atMost: APILimits.headerBytesMax)
        }
        if format >= 3 { headers.consistency = try Self.header(&reader) }
        switch format {
        case 3: remoteAddress = try reader.readString(atMost: APILimits.headerBytesMax)
        case 4:
            remoteAddress = try Self.header(&reader)
            headers.trace = try reader.readString(atMost: APILimits.headerBytesMax)
        case 5:
            remoteAddress = try Self.header(&reader)
            headers.trace = try Self.header(&reader)
            clientCertificates = try Self.certificates(&reader)
        default: remoteAddress = nil
        }
        self.headers = headers
        body = try reader.readBlob(atMost: APILimits.forwardBytesMax)
        try reader.finish()
    }

    /// The same read for the leader to answer, linearizable and with what it is worth.
    package var confirmedAndReported: APIRequest {
        var headers = headers
        headers.consistency = ConsistencyHeaders.linearizable
        headers.maxStaleness = nil
        return replacing(headers)
    }

    /// As another member gets it: in the caller's trace, as what this node's part of it asks for. A
    /// trace of this node's own needs no words: it follows from the request's id.
    package var passedOn: APIRequest {
        guard headers.trace != nil else { return self }
        var headers = headers
        headers.trace = TraceContext(header: headers.trace).map {
            TraceContext(of: $0, requestID: requestID).header
        }
        return replacing(headers)
    }

    /// Where the client is; nil: not known.
    package var clientIP: IPAddress? { remoteAddress.flatMap(ClientAddress.init)?.ip }

    /// Without the trace: as members of versions that cannot read it get it.
    package var untraced: APIRequest {
        guard headers.trace != nil else { return self }
        var headers = headers
        headers.trace = nil
        return replacing(headers)
    }

    private func replacing(_ headers: APIHeaders) -> APIRequest {
        var request = APIRequest(
            method: method,
            target: target,
            headers: headers,
            body: body,
            requestID: requestID,
            remoteAddress: remoteAddress
        )
        request.clientCertificates = clientCertificates
        return request
    }

    private static func certificates(
        _ reader: inout ByteReader
    ) throws(WireError) -> [[UInt8]] {
        let count = try reader.readUInt8()
        guard (1...UInt8(EngineLimits.presentedCertificatesMax)).contains(count) else {
            throw .malformed("\(count) certificates of a client")
        }
        var certificates: [[UInt8]] = []
        var room = EngineLimits.presentedBytesMax
        for _ in 0..<count {
            certificates.append(try reader.readBlob(atMost: room))
            room -= certificates.last?.count ?? 0
        }
        return certificates
    }

    private static func header(_ reader: inout ByteReader) throws(WireError) -> String? {
        guard try reader.readBool() else { return nil }
        return try reader.readString(atMost: APILimits.headerBytesMax)
    }
}
