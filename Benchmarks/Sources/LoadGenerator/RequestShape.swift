package import NIOCore

/// What is sent again and again; only the counter in its templates changes.
package struct RequestShape: Sendable {
    package let method: String
    package let path: Template
    package let body: Template?
    /// Header lines as sent, without CR LF.
    package let headers: [String]
    /// Statuses that count as done.
    package let expected: Set<Int>
    /// Counters run modulo this; 0 means without end.
    package let keys: Int

    package init(
        method: String,
        path: Template,
        body: Template?,
        headers: [String],
        expected: Set<Int>,
        keys: Int
    ) {
        self.method = method
        self.path = path
        self.body = body
        self.headers = headers
        self.expected = expected
        self.keys = keys
    }

    /// The whole request for one counter.
    package func render(_ counter: Int, to endpoint: Endpoint, allocator: ByteBufferAllocator)
        -> ByteBuffer
    {
        let number = keys > 0 ? counter % keys : counter
        let body = body?.rendered(number)
        var head: [UInt8] = []
        head.reserveCapacity(512)
        head.append(contentsOf: method.utf8)
        head.append(UInt8(ascii: " "))
        path.render(number, into: &head)
        head.append(contentsOf: " HTTP/1.1\r\nHost: \(endpoint.host):\(endpoint.port)\r\n".utf8)
        for line in headers {
            head.append(contentsOf: line.utf8)
            head.append(contentsOf: "\r\n".utf8)
        }
        if let body { head.append(contentsOf: "Content-Length: \(body.count)\r\n".utf8) }
        head.append(contentsOf: "\r\n".utf8)
        var buffer = allocator.buffer(capacity: head.count + (body?.count ?? 0))
        buffer.writeBytes(head)
        if let body { buffer.writeBytes(body) }
        return buffer
    }
}
