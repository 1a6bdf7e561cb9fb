import Store
import TestSupport
import Testing
import Wire

@Suite("Write batch codec")
struct WriteBatchTests {
    static let everyOperation: [BatchOperation] = [
        .put(key(1, 1), record("one")),
        .delete(key(1, 2)),
        .check(key(1, 3), modificationIndex: 0),
        .check(key(1, 3), modificationIndex: .max),
        .ensure(key(1, 4), record("marker")),
        .prune([
            PruneStep(marker: key(1, 5), directory: prefix(2)),
            PruneStep(marker: key(1, 6), directory: prefix(1)),
        ]),
        .prune([]),
        .once(requestID: requestID(77)),
    ]

    @Test("every operation comes back", arguments: everyOperation.indices)
    func roundTrip(position: Int) throws {
        let original = batch([Self.everyOperation[position]])
        #expect(try WriteBatch(decoding: original.encoded()) == original)
    }

    @Test("a batch of all operations comes back, tag included")
    func roundTripAll() throws {
        var original = batch(Self.everyOperation)
        original.tag = [UInt8](0..<32)
        let encoded = original.encoded()
        #expect(try WriteBatch(decoding: encoded) == original)
        #expect(encoded == original.operationsDigestInput() + original.tag)
    }

    @Test("the tag covers everything but itself")
    func digestInput() {
        let base = batch(Self.everyOperation)
        var tagged = base
        tagged.tag = [UInt8](repeating: 5, count: 32)
        #expect(tagged.operationsDigestInput() == base.operationsDigestInput())
        let other = WriteBatch(
            requestID: base.requestID,
            baseIndex: base.baseIndex + 1,
            time: base.time,
            dataKeyIDs: base.dataKeyIDs,
            operations: base.operations
        )
        #expect(other.operationsDigestInput() != base.operationsDigestInput())
    }

    @Test("a batch cut at any byte, or with one more, is refused")
    func truncated() {
        let bytes = batch(Self.everyOperation).encoded()
        for count in 0..<bytes.count {
            #expect(throws: StoreError.self) { try WriteBatch(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: StoreError.malformedBatch("1 bytes are left after the end of the value")) {
            try WriteBatch(decoding: bytes + [0])
        }
    }

    @Test("20,000 random inputs are refused or come back, and never trap")
    func randomBytes() {
        var random = Seeded(20_000)
        let good = batch(Self.everyOperation).encoded()
        for round in 0..<20_000 {
            var bytes = good
            if round % 4 == 0 {
                bytes = random.bytes(Int.random(in: 0..<200, using: &random))
            } else {
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let position = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[position] = UInt8.random(in: .min ... .max, using: &random)
                }
            }
            guard let decoded = try? WriteBatch(decoding: bytes) else { continue }
            #expect(decoded.encoded() == bytes)
        }
    }

    @Test("an operation of a later version is named")
    func unknownOperation() {
        var bytes = batch([.delete(key(1, 1))]).encoded()
        let code = 1 + 16 + 8 + 8 + 1 + 4 + 1
        #expect(bytes[code] == 2)
        bytes[code] = 99
        #expect(throws: StoreError.unknownOperation(code: 99)) { try WriteBatch(decoding: bytes) }
    }

    @Test("limits are refused with both numbers")
    func limits() {
        let many = [BatchOperation](
            repeating: .delete(key(1, 1)),
            count: StoreLimits.operationsMax + 1
        )
        #expect(throws: StoreError.malformedBatch("8193 operations, limit is 8192")) {
            try batch(many).checkLimits()
        }
        let steps = [PruneStep](
            repeating: PruneStep(marker: key(1, 1), directory: prefix(1)),
            count: 2_048
        )
        #expect(
            throws: StoreError.malformedBatch(
                "4 operations and 8192 prune steps, limit is 8192 together"
            )
        ) {
            try batch([BatchOperation](repeating: .prune(steps), count: 4)).checkLimits()
        }
        #expect(throws: StoreError.malformedBatch("2 once operations")) {
            try batch([.once(requestID: requestID(1)), .once(requestID: requestID(2))])
                .checkLimits()
        }
        let large = Record(
            flags: 0,
            dataKeyID: 1,
            nameBox: [],
            valueBox: [UInt8](repeating: 1, count: StoreLimits.valueBoxBytesMax)
        )
        #expect(throws: Never.self) {
            try batch([BatchOperation](repeating: .put(key(1, 1), large), count: 3)).checkLimits()
        }
        #expect(throws: StoreError.self) {
            try batch([BatchOperation](repeating: .put(key(1, 1), large), count: 4)).checkLimits()
        }
    }

    @Test("a record in a batch must not carry a modification index")
    func stampedRecord() {
        let stamped = Record(
            flags: 0,
            dataKeyID: 1,
            modificationIndex: 5,
            nameBox: [],
            valueBox: [1]
        )
        #expect(
            throws: StoreError.malformedBatch(
                "a record in a batch already has modification index 5"
            )
        ) {
            try WriteBatch(decoding: batch([.put(key(1, 1), stamped)]).encoded())
        }
    }

    @Test("read and written keys name what a batch touches")
    func touchedKeys() {
        let all = batch(Self.everyOperation)
        #expect(all.readKeys == [key(1, 3), key(1, 3), key(1, 4), key(1, 5), key(1, 6)])
        #expect(all.writtenKeys == [key(1, 1), key(1, 2), key(1, 4), key(1, 5), key(1, 6)])
        #expect(all.readDirectories == [prefix(2), prefix(1)])
    }
}
