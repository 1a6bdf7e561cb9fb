import Testing
import Wire

@testable import Engines

/// KV's records at rest: what is written is read, and what is damaged is an error, never a trap and never
/// something else.
@Suite("records of KV")
struct KVRecordTests {
    private func metadata() -> KVMetadataRecord {
        var record = KVMetadataRecord(created: Timestamp(nanoseconds: 5))
        record.customMetadata = [("a", "b"), ("c", "d")]
        record.versionsMax = 4
        record.isCASRequired = true
        record.metadataVersion = 3
        for time in 0..<7 {
            _ = record.addVersion(
                at: Timestamp(nanoseconds: UInt64(10 + time)),
                KVConfigRecord()
            )
        }
        record.deleteAfter = 3_600_000_000_000
        record.versions[1].deletion = Timestamp(nanoseconds: 99)
        record.versions[2].isDestroyed = true
        return record
    }

    @Test("metadata is read as it was written")
    func metadataRound() throws {
        let record = metadata()
        let copy = try KVMetadataRecord(decoding: record.encoded())
        #expect(copy == record)
        #expect(copy.versions == record.versions)
        #expect(copy.versions.map(\.number) == [4, 5, 6, 7])
        #expect(copy.oldestVersion == 4 && copy.currentVersion == 7)
        #expect(copy.deleteAfter == 3_600_000_000_000)
        #expect(copy.customMetadata.map(\.value) == ["b", "d"])
    }

    @Test("every version is found, wherever the list has gaps")
    func positions() {
        var record = metadata()
        record.versions.remove(at: 1)
        #expect([3, 4, 5, 6, 7, 8].map { record.version($0)?.number } == [nil, 4, nil, 6, 7, nil])
    }

    @Test("secrets of version 1 remember their lease")
    func secrets() throws {
        for (fields, seconds) in [
            (["ttl": "1h"], 3_600), (["ttl": 30], 30), (["lease": "7m"], 420),
            (["ttl": "zz", "lease": "5m"], nil), (["x": 1], nil), (["ttl": ["a": 1]], nil),
            (["ttl": "0"], 0), (["ttl": nil], nil),
        ] as [(JSONObject, Int?)] {
            let record = KVSecretRecord(fields: fields)
            let copy = try KVSecretRecord(decoding: record.encoded())
            #expect(copy.leaseSeconds == seconds)
            #expect(copy.json == record.json)
        }
    }

    @Test("settings are read as they were written")
    func config() throws {
        var record = KVConfigRecord()
        record.versionsMax = EngineLimits.versionsMax
        record.isMetadataCASRequired = true
        for nanoseconds in [0, 1_000_000_000, Int64.max, KVSettings.deleteAfterOff] {
            record.deleteAfter = nanoseconds
            #expect(try KVConfigRecord(decoding: record.encoded()) == record)
        }
        record.deleteAfter = -2
        #expect(throws: EngineError.self) { try KVConfigRecord(decoding: record.encoded()) }
    }

    @Test("a record that is cut, longer or of another format is damaged")
    func damage() throws {
        let metadata = metadata().encoded()
        for count in 0..<metadata.count {
            #expect(throws: EngineError.self) {
                try KVMetadataRecord(decoding: Array(metadata.prefix(count)))
            }
        }
        #expect(throws: EngineError.self) { try KVMetadataRecord(decoding: metadata + [0]) }
        #expect(throws: EngineError.self) {
            try KVMetadataRecord(decoding: [2] + metadata.dropFirst())
        }
        let config = KVConfigRecord().encoded()
        #expect(throws: EngineError.self) { try KVConfigRecord(decoding: config + [0]) }
        #expect(throws: EngineError.self) { try KVConfigRecord(decoding: [2] + config.dropFirst()) }
        #expect(throws: EngineError.self) { try KVSecretRecord(decoding: [2, 0, 123, 125]) }
        #expect(throws: EngineError.self) { try KVSecretRecord(decoding: [1, 0]) }
        #expect(throws: EngineError.self) { try KVVersionRecord(decoding: [2, 123, 125]) }
        #expect(throws: EngineError.self) { try KVVersionRecord(decoding: [1]) }
    }

    @Test("any change of a byte is read or refused")
    func flips() {
        let metadata = metadata().encoded()
        for position in metadata.indices {
            for bit in 0..<8 {
                var bytes = metadata
                bytes[position] ^= 1 << UInt8(bit)
                _ = try? KVMetadataRecord(decoding: bytes)
            }
        }
    }

    @Test("places of records are distinct, and versions have no folders")
    func names() {
        let names = ["k", "a/k", "1", "config", "m/k", "v"]
        var places: Set<String> = [KVNames.config]
        for name in names {
            places.insert(KVNames.metadata(name))
            for number in [UInt64(1), 11] { places.insert(KVNames.version(number, of: name)) }
        }
        #expect(places.count == 1 + names.count * 3)
        #expect(!KVNames.version(1, of: "a/b/c").utf8.contains(0x2F))
        #expect(
            KVNames.folder("") == "" && KVNames.folder("a") == "a/" && KVNames.folder("a/") == "a/"
        )
    }

    @Test(
        "endpoints",
        arguments: [
            ("config", KVEndpoint.config), ("data/a/b", .data("a/b")), ("data/", .data("")),
            ("metadata/x/", .metadata("x/")), ("delete/a", .delete("a")),
            ("undelete/a", .undelete("a")), ("destroy/a", .destroy("a")),
            ("subkeys/a", .subkeys("a")), ("detailed-metadata/", .detailedMetadata("")),
            ("data", nil), ("config/", nil), ("datax", nil), ("", nil), ("x/y", nil),
        ]
    )
    func endpoints(_ path: String, _ expected: KVEndpoint?) {
        #expect(KVEndpoint(path: path) == expected)
    }

    @Test("the larger number of versions counts, and the default where none is set")
    func versionsMax() {
        for (key, mount, kept) in [(2, 5, 5), (5, 2, 5), (0, 3, 3), (0, 0, 10), (1, 0, 1)] {
            var record = KVMetadataRecord(created: Timestamp(nanoseconds: 0))
            record.versionsMax = UInt64(key)
            var config = KVConfigRecord()
            config.versionsMax = UInt64(mount)
            for _ in 0..<20 {
                _ = record.addVersion(at: Timestamp(nanoseconds: 1), config)
            }
            #expect(record.versions.count == kept)
            #expect(record.oldestVersion == UInt64(21 - kept))
        }
    }

    @Test(
        "a version is deleted by itself after the smaller duration, unless the mount turns it off",
        arguments: [
            (0, 0, nil), (5, 0, 105), (0, 7, 107), (5, 7, 105), (7, 5, 105),
            (KVSettings.deleteAfterOff, 5, nil), (KVSettings.deleteAfterOff, 0, nil),
        ] as [(Int64, Int64, UInt64?)]
    )
    func deletions(_ mount: Int64, _ key: Int64, _ expected: UInt64?) {
        let now = Timestamp(nanoseconds: 100)
        let deletion = KVSettings.deletion(ofWrite: now, mount: mount, key: key)
        #expect(deletion?.nanoseconds == expected)
    }

    @Test("a deletion beyond all time is at its end")
    func farDeletion() {
        let now = Timestamp(nanoseconds: .max - 1)
        let deletion = KVSettings.deletion(ofWrite: now, mount: 0, key: .max)
        #expect(deletion?.nanoseconds == .max)
    }

    @Test("a version is readable until the moment of its deletion")
    func readable() {
        let created = Timestamp(nanoseconds: 1)
        var version = KVMetadataRecord.Version(number: 1, created: created)
        version.deletion = Timestamp(nanoseconds: 5)
        #expect(version.isReadable(at: Timestamp(nanoseconds: 4)))
        #expect(!version.isReadable(at: Timestamp(nanoseconds: 5)))
        version.isDestroyed = true
        #expect(!version.isReadable(at: Timestamp(nanoseconds: 4)))
    }
}
