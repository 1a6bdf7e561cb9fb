import Store
import TestSupport
import Testing

@Suite("Record and keys")
struct RecordTests {
    @Test("every part of a record comes back", arguments: [0, 1, 31, 4_000])
    func roundTrip(bytes: Int) throws {
        let original = Record(
            flags: 0xA5,
            dataKeyID: 0xDEAD_BEEF,
            modificationIndex: 1 << 60,
            nameBox: [UInt8](repeating: 3, count: bytes / 2),
            valueBox: [UInt8](repeating: 9, count: bytes)
        )
        let decoded = try Record(decoding: original.encoded())
        #expect(decoded == original)
        #expect(decoded.flags == 0xA5)
        #expect(decoded.dataKeyID == 0xDEAD_BEEF)
        #expect(decoded.modificationIndex == 1 << 60)
        #expect(decoded.nameBox == [UInt8](repeating: 3, count: bytes / 2))
        #expect(decoded.valueBox == [UInt8](repeating: 9, count: bytes))
        #expect(decoded.valueBoxBytes == bytes)
        #expect(decoded.encodedBytes == Record.headerBytes + bytes / 2 + bytes)
    }

    @Test("a record cut at any byte is refused")
    func truncated() {
        let bytes = record("a value of some length").encoded()
        for count in 0..<bytes.count {
            #expect(throws: StoreError.self) { try Record(decoding: Array(bytes[..<count])) }
        }
    }

    @Test("a record with any bit flipped is refused")
    func flipped() {
        let bytes = record("value").encoded()
        for position in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[position / 8] ^= 1 << UInt8(position % 8)
            #expect(throws: StoreError.self) { try Record(decoding: damaged) }
        }
    }

    @Test("keys keep their bytes and order as bytes do")
    func keyOrder() throws {
        var random = Seeded(1)
        var previous = try #require(StorageKey([UInt8](repeating: 0, count: 32)))
        for _ in 0..<1_000 {
            let bytes = random.bytes(32)
            let key = try #require(StorageKey(bytes))
            #expect(key.bytes == bytes)
            #expect(key.directory.bytes == Array(bytes[..<16]))
            #expect((key < previous) == bytes.lexicographicallyPrecedes(previous.bytes))
            #expect(DirectoryPrefix(Array(bytes[..<16])) == key.directory)
            previous = key
        }
        #expect(StorageKey([UInt8](repeating: 0, count: 31)) == nil)
        #expect(StorageKey([UInt8](repeating: 0, count: 33)) == nil)
        #expect(DirectoryPrefix([UInt8](repeating: 0, count: 32)) == nil)
    }

    @Test("limits fit into each other")
    func limits() {
        let largest =
            Record.headerBytes + StoreLimits.nameBoxBytesMax + StoreLimits.valueBoxBytesMax
        #expect(largest + 1_024 < StoreLimits.entryBytesMax)
        // Two pieces of a body and their row headers fit a page of 4,096 bytes.
        #expect(2 * (StoreLimits.bodyChunkBytes + 12 + 8 + 2) + 16 <= 4_096)
        #expect(StoreLimits.pruneStepsMax <= StoreLimits.operationsMax)
    }
}
