package import Wire

/// Layout: kind u8, term, epoch, boot, incarnation (varints), then the fields of the body in
/// order. Numbers are varints, batch numbers u64, flags one byte. The frame around it carries
/// version and checksum.
extension Message {
    private enum Kind: UInt8 {
        case preVoteRequest = 1
        case preVoteResponse = 2
        case voteRequest = 3
        case voteResponse = 4
        case append = 5
        case appendResponse = 6
        case heartbeat = 7
        case heartbeatResponse = 8
        case commitNotice = 9
        case timeoutNow = 10
        case readIndexRequest = 11
        case readIndexResponse = 12
        case relayed = 13
    }

    /// Appends the message to `writer`. At most ``RaftSettings/appendBytesMax`` plus one entry
    /// long.
    package func encode(into writer: inout ByteWriter) {
        writer.writeUInt8(kind.rawValue)
        writer.writeVarint(term.number)
        writer.writeVarint(epoch)
        writer.writeVarint(boot)
        writer.writeVarint(incarnation)
        switch body {
        case .preVoteRequest(let request), .voteRequest(let request):
            request.encode(into: &writer)
        case .preVoteResponse(let response):
            writer.writeVarint(response.proposedTerm.number)
            writer.writeBool(response.isGranted)
        case .voteResponse(let isGranted):
            writer.writeBool(isGranted)
        case .append(let append):
            append.encode(into: &writer)
        case .appendResponse(let response):
            response.encode(into: &writer)
        case .heartbeat(let heartbeat):
            writer.writeVarint(heartbeat.commit.number)
            writer.writeVarint(heartbeat.round)
            writer.writeVarint(heartbeat.promise)
        case .heartbeatResponse(let response):
            response.encode(into: &writer)
        case .commitNotice(let index):
            writer.writeVarint(index.number)
        case .timeoutNow:
            break
        case .readIndexRequest(let batch):
            writer.writeUInt64(batch.number)
        case .readIndexResponse(let response):
            writer.writeUInt64(response.batch.number)
            writer.writeBool(response.index != nil)
            writer.writeVarint(response.index?.number ?? 0)
        case .relayed(let relayed):
            writer.writeVarint(relayed.origin.number)
            writer.writeVarint(relayed.target.number)
            relayed.message.encode(into: &writer)
        }
    }

    private var kind: Kind {
        switch body {
        case .preVoteRequest: .preVoteRequest
        case .preVoteResponse: .preVoteResponse
        case .voteRequest: .voteRequest
        case .voteResponse: .voteResponse
        case .append: .append
        case .appendResponse: .appendResponse
        case .heartbeat: .heartbeat
        case .heartbeatResponse: .heartbeatResponse
        case .commitNotice: .commitNotice
        case .timeoutNow: .timeoutNow
        case .readIndexRequest: .readIndexRequest
        case .readIndexResponse: .readIndexResponse
        case .relayed: .relayed
        }
    }

    /// Reads one message and leaves what follows it; call `finish()` to refuse trailing bytes.
    ///
    /// - Throws: ``WireError`` for anything ``encode(into:)`` does not write: unknown kind, terms
    ///   and indexes above ``Limits``, over-long lists and bodies.
    package init(from reader: inout ByteReader) throws(WireError) {
        try self.init(from: &reader, mayBeRelayed: true)
    }

    /// - Parameter mayBeRelayed: false inside a relayed message, so that nothing nests deeper.
    private init(from reader: inout ByteReader, mayBeRelayed: Bool) throws(WireError) {
        let code = try reader.readUInt8()
        guard let kind = Kind(rawValue: code), mayBeRelayed || kind != .relayed else {
            throw .malformed("message kind \(code)")
        }
        let term = try reader.readTerm()
        let epoch = try reader.readVarint()
        let boot = try reader.readVarint()
        guard boot >= 1 else { throw .malformed("boot 0") }
        let incarnation = try reader.readVarint()
        self.init(
            term: term,
            epoch: epoch,
            boot: boot,
            incarnation: incarnation,
            body: try Self.readBody(kind, from: &reader)
        )
    }

    private static func readBody(
        _ kind: Kind,
        from reader: inout ByteReader
    ) throws(WireError) -> MessageBody {
        switch kind {
        case .preVoteRequest:
            return .preVoteRequest(try VoteRequest(from: &reader))
        case .preVoteResponse:
            let term = try reader.readTerm()
            let isGranted = try reader.readBool()
            return .preVoteResponse(PreVoteResponse(proposedTerm: term, isGranted: isGranted))
        case .voteRequest:
            return .voteRequest(try VoteRequest(from: &reader))
        case .voteResponse:
            return .voteResponse(isGranted: try reader.readBool())
        case .append:
            return .append(try Append(from: &reader))
        case .appendResponse:
            return .appendResponse(try AppendResponse(from: &reader))
        case .heartbeat:
            return .heartbeat(try Heartbeat(from: &reader))
        case .heartbeatResponse:
            return .heartbeatResponse(try HeartbeatResponse(from: &reader))
        case .commitNotice:
            return .commitNotice(try reader.readIndex())
        case .timeoutNow:
            return .timeoutNow
        case .readIndexRequest:
            return .readIndexRequest(ReadBatch(number: try reader.readUInt64()))
        case .readIndexResponse:
            return .readIndexResponse(try ReadIndexResponse(from: &reader))
        case .relayed:
            let origin = NodeID(number: try reader.readVarint())
            let target = NodeID(number: try reader.readVarint())
            let message = try Message(from: &reader, mayBeRelayed: false)
            return .relayed(Relayed(origin: origin, target: target, message: message))
        }
    }
}

extension ByteReader {
    fileprivate mutating func readTerm() throws(WireError) -> Term {
        let term = Term(number: try readVarint())
        guard term <= Limits.termMax else { throw .malformed("term \(term.number)") }
        return term
    }

    fileprivate mutating func readIndex() throws(WireError) -> LogIndex {
        let index = LogIndex(number: try readVarint())
        guard index <= Limits.indexMax else { throw .malformed("log index \(index.number)") }
        return index
    }
}

extension VoteRequest {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.writeVarint(lastIndex.number)
        writer.writeVarint(lastTerm.number)
        writer.writeBool(isTransfer)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let lastIndex = try reader.readIndex()
        let lastTerm = try reader.readTerm()
        let isTransfer = try reader.readBool()
        self.init(lastIndex: lastIndex, lastTerm: lastTerm, isTransfer: isTransfer)
    }
}

extension Append {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.writeVarint(previousIndex.number)
        writer.writeVarint(previousTerm.number)
        writer.writeVarint(commit.number)
        writer.writeVarint(UInt64(entries.count))
        for entry in entries {
            writer.writeVarint(entry.term.number)
            writer.writeUInt8(entry.kind.rawValue)
            writer.writeBlob(entry.body)
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let previousIndex = try reader.readIndex()
        let previousTerm = try reader.readTerm()
        let commit = try reader.readIndex()
        let count = try reader.readVarint()
        guard count <= UInt64(Limits.appendEntriesDecodeMax) else {
            throw .tooLong(limit: Limits.appendEntriesDecodeMax, have: count)
        }
        var entries: [LogEntry] = []
        var index = previousIndex
        for _ in 0..<count {
            index = index.next
            let term = try reader.readTerm()
            let code = try reader.readUInt8()
            guard let kind = EntryKind(rawValue: code) else {
                throw .malformed("entry kind \(code)")
            }
            let body = try reader.readBlob(atMost: Limits.entryBodyBytesMax)
            entries.append(LogEntry(index: index, term: term, kind: kind, body: body))
        }
        self.init(
            previousIndex: previousIndex,
            previousTerm: previousTerm,
            commit: commit,
            entries: entries
        )
    }
}

extension AppendResponse {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.writeBool(isSealed)
        switch outcome {
        case .accepted(let index):
            writer.writeBool(true)
            writer.writeVarint(index.number)
        case .rejected(let previous, let hintIndex, let hintTerm):
            writer.writeBool(false)
            writer.writeVarint(previous.number)
            writer.writeVarint(hintIndex.number)
            writer.writeVarint(hintTerm.number)
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let isSealed = try reader.readBool()
        if try reader.readBool() {
            self.init(outcome: .accepted(through: try reader.readIndex()), isSealed: isSealed)
            return
        }
        let previous = try reader.readIndex()
        let hintIndex = try reader.readIndex()
        let hintTerm = try reader.readTerm()
        self.init(
            outcome: .rejected(previous: previous, hintIndex: hintIndex, hintTerm: hintTerm),
            isSealed: isSealed
        )
    }
}

extension Heartbeat {
    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let commit = try reader.readIndex()
        let round = try reader.readVarint()
        let promise = try reader.readVarint()
        self.init(commit: commit, round: round, promise: promise)
    }
}

extension HeartbeatResponse {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.writeVarint(round)
        writer.writeVarint(received.number)
        writer.writeVarint(durable.number)
        writer.writeBool(isSealed)
        writer.writeBool(isPromised)
        writer.writeBool(isDiskStalled)
        writer.writeBool(isShortOfRoom)
        writer.writeVarint(formatLevel)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let round = try reader.readVarint()
        let received = try reader.readIndex()
        let durable = try reader.readIndex()
        let isSealed = try reader.readBool()
        let isPromised = try reader.readBool()
        let isDiskStalled = try reader.readBool()
        let isShortOfRoom = try reader.readBool()
        self.init(
            round: round,
            received: received,
            durable: durable,
            isSealed: isSealed,
            isPromised: isPromised,
            isDiskStalled: isDiskStalled,
            isShortOfRoom: isShortOfRoom,
            formatLevel: try reader.readVarint()
        )
    }
}

extension ReadIndexResponse {
    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let batch = ReadBatch(number: try reader.readUInt64())
        let isAnswered = try reader.readBool()
        let index = try reader.readIndex()
        guard isAnswered || index == .zero else {
            throw .malformed("a refused read names the index \(index.number)")
        }
        self.init(batch: batch, index: isAnswered ? index : nil)
    }
}
