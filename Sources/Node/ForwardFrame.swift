package import API
package import Raft
package import Wire

/// What one member asks of the leader on behalf of a client it holds.
package struct ForwardedRequest: Sendable {
    /// The asking node's number for it; the reply carries it back.
    package let number: UInt64
    /// The request id: 16 bytes, the same in every attempt, so a repeated write happens once.
    package let requestID: [UInt8]
    /// 32 fresh bytes: the entropy of every attempt of this request.
    package let seed: [UInt8]
    /// What the asking node had evaluated before the first attempt.
    package let since: LogIndex
    /// Attempts before this one; nonces of different attempts differ.
    package let attempt: UInt32
    /// How long the client still waits.
    package let patienceMilliseconds: UInt32
    /// Asked before under the same id, and nothing was heard of it: if it was carried out, the
    /// same reply is wanted again.
    package let isRepeated: Bool
    /// What is asked.
    package let content: Content

    /// A client's request, the batch that creates the vault (which a sealed leader takes), or how
    /// far the asking node's audit log goes.
    package enum Content: Sendable {
        case request(APIRequest)
        case creation([UInt8])
        case anchor(AuditHead)
    }

    /// Fields in order, the content last with its kind byte.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt64(number)
        writer.writeBytes(requestID)
        writer.writeBytes(seed)
        writer.writeUInt64(since.number)
        writer.writeUInt32(attempt)
        writer.writeUInt32(patienceMilliseconds)
        writer.writeUInt8(isRepeated ? 1 : 0)
        switch content {
        case .request(let request):
            writer.writeUInt8(1)
            writer.writeBlob(request.encoded())
        case .creation(let batch):
            writer.writeUInt8(2)
            writer.writeBlob(batch)
        case .anchor(let head):
            writer.writeUInt8(3)
            head.write(into: &writer)
        }
        return writer.bytes
    }

    package init(
        number: UInt64,
        requestID: [UInt8],
        seed: [UInt8],
        since: LogIndex,
        attempt: UInt32,
        patienceMilliseconds: UInt32,
        isRepeated: Bool = false,
        content: Content
    ) {
        self.number = number
        self.requestID = requestID
        self.seed = seed
        self.since = since
        self.attempt = attempt
        self.patienceMilliseconds = patienceMilliseconds
        self.isRepeated = isRepeated
        self.content = content
    }

    /// - Throws: ``WireError`` for anything that `encoded()` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        number = try reader.readUInt64()
        requestID = try reader.readBytes(16)
        seed = try reader.readBytes(32)
        since = LogIndex(number: try reader.readUInt64())
        attempt = try reader.readUInt32()
        patienceMilliseconds = try reader.readUInt32()
        switch try reader.readUInt8() {
        case 0: isRepeated = false
        case 1: isRepeated = true
        case let flag: throw .malformed("a forwarded request with the flag \(flag)")
        }
        switch try reader.readUInt8() {
        case 1:
            let bytes = try reader.readBlob(atMost: Limits.forwardBodyBytesMax)
            content = .request(try APIRequest(decoding: bytes))
        case 2: content = .creation(try reader.readBlob(atMost: Limits.forwardBodyBytesMax))
        case 3: content = .anchor(try AuditHead(from: &reader))
        case let kind: throw .malformed("forwarded content of kind \(kind)")
        }
        try reader.finish()
    }
}

/// A forwarded request is worked on and takes longer: it waits for something outside the vault. An
/// older member does not know the frame, and takes the silence for loss.
struct ForwardedNews: Sendable, Equatable {
    /// The number of the request it is about.
    let number: UInt64

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(number)
        return writer.bytes
    }

    init(number: UInt64) { self.number = number }

    /// - Throws: ``WireError`` for anything that `encoded()` cannot have made.
    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        number = try reader.readUInt64()
        try reader.finish()
    }
}

/// The leader's word on a forwarded request.
package struct ForwardedReply: Sendable {
    /// The number of the request it answers.
    package let number: UInt64
    /// How it went.
    package let outcome: Outcome

    /// What a leader can say.
    package enum Outcome: Sendable {
        /// The final answer; nothing was written.
        case answer(APIResponse)
        /// In the leader's log: whoever holds the client releases this answer when its own log
        /// commits that index in that term and its own evaluation passed.
        case appended(Term, LogIndex, APIResponse)
        /// Not the leader (any more); definitely not in the log.
        case notLeader(hint: NodeID?)
        /// The leader's queues are full; definitely not in the log.
        case overloaded
    }

    package init(number: UInt64, outcome: Outcome) {
        self.number = number
        self.outcome = outcome
    }

    /// Number, kind byte, then the kind's fields.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt64(number)
        switch outcome {
        case .answer(let response):
            writer.writeUInt8(1)
            writer.writeBlob(response.encoded())
        case .appended(let term, let index, let response):
            writer.writeUInt8(2)
            writer.writeUInt64(term.number)
            writer.writeUInt64(index.number)
            writer.writeBlob(response.encoded())
        case .notLeader(let hint):
            writer.writeUInt8(3)
            writer.writeUInt64(hint?.number ?? 0)
        case .overloaded:
            writer.writeUInt8(4)
        }
        return writer.bytes
    }

    /// - Throws: ``WireError`` for anything that `encoded()` cannot have made.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        number = try reader.readUInt64()
        switch try reader.readUInt8() {
        case 1: outcome = .answer(try Self.response(&reader))
        case 2:
            let term = Term(number: try reader.readUInt64())
            let index = LogIndex(number: try reader.readUInt64())
            outcome = .appended(term, index, try Self.response(&reader))
        case 3:
            let hint = try reader.readUInt64()
            outcome = .notLeader(hint: hint == 0 ? nil : NodeID(number: hint))
        case 4: outcome = .overloaded
        case let kind: throw .malformed("forwarded reply of kind \(kind)")
        }
        try reader.finish()
    }

    private static func response(_ reader: inout ByteReader) throws(WireError) -> APIResponse {
        try APIResponse(decoding: try reader.readBlob(atMost: Limits.forwardBodyBytesMax))
    }
}
