import Wire

// Layout: format u8 · request id 16 · base index u64 · time u64 · data-key ids (varint count, u32
// each) · operations (varint count; code u8, then as below) · tag 32. Integers are big-endian.
extension WriteBatch {
    /// The format that this program writes, and the highest that it reads.
    package static let formatVersion: UInt8 = 1

    private enum Code {
        static let put: UInt8 = 1
        static let delete: UInt8 = 2
        static let check: UInt8 = 3
        static let ensure: UInt8 = 4
        static let prune: UInt8 = 5
        static let once: UInt8 = 6
    }

    /// The body of a log entry. Call ``checkLimits()`` before proposing it: a batch above a limit
    /// encodes, but no node decodes it.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        encodeContent(into: &writer)
        writer.writeBytes(tag)
        return writer.bytes
    }

    /// What the tag covers besides vault id and epoch: everything in the encoding but the tag.
    package func operationsDigestInput() -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        encodeContent(into: &writer)
        return writer.bytes
    }

    /// Says whether every node will be able to decode this batch.
    ///
    /// - Throws: ``StoreError/malformedBatch(_:)`` naming the limit and the count.
    package func checkLimits() throws(StoreError) {
        _ = try WriteBatch(decoding: encoded())
    }

    /// Reads a log entry's body, which another node wrote.
    ///
    /// - Throws: ``StoreError/malformedBatch(_:)``, ``StoreError/unknownOperation(code:)``.
    package init(decoding bytes: [UInt8]) throws(StoreError) {
        guard bytes.count <= StoreLimits.entryBytesMax else {
            throw .malformedBatch(
                "\(bytes.count) bytes, limit is \(StoreLimits.entryBytesMax)"
            )
        }
        var reader = ByteReader(bytes)
        do {
            self = try Self.read(from: &reader)
            try reader.finish()
        } catch let error as StoreError {
            throw error
        } catch let error as WireError {
            throw .malformedBatch(error.summary)
        } catch {
            throw .malformedBatch("\(error)")
        }
    }

    private func encodeContent(into writer: inout ByteWriter) {
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(requestID)
        writer.writeUInt64(baseIndex)
        writer.writeUInt64(time)
        writer.writeVarint(UInt64(dataKeyIDs.count))
        for id in dataKeyIDs {
            writer.writeUInt32(id)
        }
        writer.writeVarint(UInt64(operations.count))
        for operation in operations {
            Self.write(operation, into: &writer)
        }
    }

    private static func write(_ operation: BatchOperation, into writer: inout ByteWriter) {
        switch operation {
        case .put(let key, let record):
            writer.writeUInt8(Code.put)
            key.write(into: &writer)
            writer.writeBlob(record.encoded())
        case .delete(let key):
            writer.writeUInt8(Code.delete)
            key.write(into: &writer)
        case .check(let key, let modificationIndex):
            writer.writeUInt8(Code.check)
            key.write(into: &writer)
            writer.writeUInt64(modificationIndex)
        case .ensure(let key, let record):
            writer.writeUInt8(Code.ensure)
            key.write(into: &writer)
            writer.writeBlob(record.encoded())
        case .prune(let steps):
            writer.writeUInt8(Code.prune)
            writer.writeVarint(UInt64(steps.count))
            for step in steps {
                step.marker.write(into: &writer)
                writer.writeUInt64(step.directory.words.0)
                writer.writeUInt64(step.directory.words.1)
            }
        case .once(let requestID):
            writer.writeUInt8(Code.once)
            writer.writeBytes(requestID)
        }
    }

    private static func read(from reader: inout ByteReader) throws -> WriteBatch {
        let format = try reader.readUInt8()
        guard format == formatVersion else {
            throw StoreError.malformedBatch("batch format \(format), known up to \(formatVersion)")
        }
        let requestID = try reader.readBytes(StoreLimits.requestIDBytes)
        let baseIndex = try reader.readUInt64()
        let time = try reader.readUInt64()
        let idCount = try readCount(
            from: &reader,
            limit: StoreLimits.dataKeyIDsMax,
            what: "data-key ids"
        )
        var dataKeyIDs: [UInt32] = []
        dataKeyIDs.reserveCapacity(min(idCount, reader.remaining / 4))
        for _ in 0..<idCount {
            dataKeyIDs.append(try reader.readUInt32())
        }
        let operations = try readOperations(from: &reader)
        let tag = try reader.readBytes(StoreLimits.tagBytes)
        return WriteBatch(
            requestID: requestID,
            baseIndex: baseIndex,
            time: time,
            dataKeyIDs: dataKeyIDs,
            operations: operations,
            tag: tag
        )
    }

    private static func readOperations(from reader: inout ByteReader) throws -> [BatchOperation] {
        let count = try readCount(
            from: &reader,
            limit: StoreLimits.operationsMax,
            what: "operations"
        )
        var operations: [BatchOperation] = []
        operations.reserveCapacity(min(count, reader.remaining))
        var steps = 0
        var onces = 0
        for _ in 0..<count {
            let operation = try readOperation(from: &reader)
            if case .prune(let pruned) = operation { steps += pruned.count }
            if case .once = operation { onces += 1 }
            operations.append(operation)
        }
        guard count + steps <= StoreLimits.operationsMax else {
            throw StoreError.malformedBatch(
                "\(count) operations and \(steps) prune steps, limit is "
                    + "\(StoreLimits.operationsMax) together"
            )
        }
        guard onces <= 1 else { throw StoreError.malformedBatch("\(onces) once operations") }
        return operations
    }

    private static func readOperation(from reader: inout ByteReader) throws -> BatchOperation {
        let code = try reader.readUInt8()
        switch code {
        case Code.put:
            return .put(try StorageKey(from: &reader), try readRecord(from: &reader))
        case Code.delete:
            return .delete(try StorageKey(from: &reader))
        case Code.check:
            let key = try StorageKey(from: &reader)
            return .check(key, modificationIndex: try reader.readUInt64())
        case Code.ensure:
            return .ensure(try StorageKey(from: &reader), try readRecord(from: &reader))
        case Code.prune:
            return .prune(try readSteps(from: &reader))
        case Code.once:
            return .once(requestID: try reader.readBytes(StoreLimits.requestIDBytes))
        default:
            throw StoreError.unknownOperation(code: code)
        }
    }

    private static func readSteps(from reader: inout ByteReader) throws -> [PruneStep] {
        let count = try readCount(
            from: &reader,
            limit: StoreLimits.pruneStepsMax,
            what: "prune steps"
        )
        var steps: [PruneStep] = []
        steps.reserveCapacity(min(count, reader.remaining / 48))
        for _ in 0..<count {
            let marker = try StorageKey(from: &reader)
            let first = try reader.readUInt64()
            let directory = DirectoryPrefix(words: (first, try reader.readUInt64()))
            steps.append(PruneStep(marker: marker, directory: directory))
        }
        return steps
    }

    private static func readRecord(from reader: inout ByteReader) throws -> Record {
        let limit =
            Record.headerBytes + StoreLimits.nameBoxBytesMax + StoreLimits.valueBoxBytesMax
        let record: Record
        do {
            record = try Record(decoding: try reader.readBlob(atMost: limit))
        } catch StoreError.corrupt(let reason) {
            throw StoreError.malformedBatch(reason)
        }
        guard record.modificationIndex == 0 else {
            throw StoreError.malformedBatch(
                "a record in a batch already has modification index \(record.modificationIndex)"
            )
        }
        return record
    }

    private static func readCount(
        from reader: inout ByteReader,
        limit: Int,
        what: String
    ) throws -> Int {
        let count = try reader.readVarint()
        guard count <= UInt64(limit) else {
            throw StoreError.malformedBatch("\(count) \(what), limit is \(limit)")
        }
        return Int(count)
    }
}
