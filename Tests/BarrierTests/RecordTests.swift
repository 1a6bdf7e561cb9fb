import Cryptography
import Store
import Testing
import Wire

@testable import Barrier

@Suite("records")
struct RecordTests {
    @Test("what is put is read, at the index that wrote it")
    func roundTrip() throws {
        let vault = try TestVault()
        #expect(try vault.read("a/b") == nil)
        #expect(try vault.view { try $0.modificationIndex(TestVault.mount, "a/b") } == 0)
        try vault.put("a/b", [1, 2])
        let first = vault.store.lastIndex
        #expect(
            try vault.view { try $0.read(TestVault.mount, "a/b") }
                == Opened(value: [1, 2], modificationIndex: first)
        )
        try vault.put("a/b", [])
        #expect(try vault.read("a/b") == [])
        #expect(try vault.view { try $0.modificationIndex(TestVault.mount, "a/b") } == first + 1)
        #expect(try vault.view { try $0.exists(TestVault.mount, "a/b") })
        try vault.delete("a/b")
        #expect(try vault.read("a/b") == nil)
        #expect(try !vault.view { try $0.exists(TestVault.mount, "a/b") })
    }

    @Test("names are bytes: Unicode equivalence, dots and NUL join nothing")
    func names() throws {
        let vault = try TestVault()
        let paths = ["caf\u{E9}", "cafe\u{301}", "..", "a/..", "a\u{0}", "a", "A", "日本/語"]
        for (position, path) in paths.enumerated() {
            try vault.put(path, [UInt8(position)])
        }
        for (position, path) in paths.enumerated() {
            #expect(try vault.read(path) == [UInt8(position)])
        }
    }

    @Test("the same path in two mounts is two records under unrelated keys")
    func mounts() throws {
        let vault = try TestVault()
        try vault.put("x", [1])
        try vault.put("x", [2], .system)
        #expect(try vault.read("x") == [1])
        #expect(try vault.read("x", .system) == [2])
        #expect(try vault.key("x") != vault.key("x", .system))
    }

    @Test("a storage key tells neither depth nor which folder a directory belongs to")
    func storageKeys() throws {
        let vault = try TestVault()
        let keys = try #require(vault.keyring.cachedKeys(of: TestVault.mount))
        let path = try BarrierPath("a/b/c")
        let marker = keys.storageKey(of: path.folders[1])
        let content = keys.prefix(of: path.folders[1].path)
        #expect(keys.storageKey(of: path).directory == content)
        #expect(Array(marker.bytes.suffix(16)) != content.bytes)
        #expect(marker.directory == keys.prefix(of: path.folders[0].path))
    }

    @Test("a path of 4 KiB, as one name and as folders")
    func longPaths() throws {
        let vault = try TestVault()
        let limit = BarrierLimits.pathBytesMax
        let oneName = String(repeating: "n", count: limit)
        let deep = String(repeating: "f/", count: 2_040) + "end"
        try vault.put(oneName, [1])
        try vault.put(deep, [2])
        #expect(try vault.read(oneName) == [1])
        #expect(try vault.read(deep) == [2])
        #expect(try vault.list("").contains("f/"))
        #expect(try vault.list(String(repeating: "f/", count: 2_040)) == ["end"])
        try vault.delete(deep)
        #expect(try vault.list("") == ["first", oneName])
        #expect(
            barrierError { try vault.put(oneName + "n", []) }
                == .pathTooLong(have: limit + 1, limit: limit)
        )
    }

    @Test("a value of 1 MiB is kept; one byte more is refused with both sizes")
    func longValues() throws {
        let vault = try TestVault()
        let limit = BarrierLimits.valueBytesMax
        let value = [UInt8](repeating: 0x5A, count: limit)
        try vault.put("big", value)
        #expect(try vault.read("big") == value)
        let error = barrierError { try vault.put("bigger", value + [0]) }
        #expect(error == .valueTooLong(have: limit + 1, limit: limit))
        #expect(error?.summary == "value is 1048577 bytes; at most 1048576 are allowed")
    }

    @Test("a change that does not fit one entry is refused with its size")
    func longBatches() throws {
        let vault = try TestVault()
        var builder = try vault.builder()
        for number in 0..<4 {
            try builder.put(
                TestVault.mount,
                "\(number)",
                [UInt8](repeating: 0, count: BarrierLimits.valueBytesMax)
            )
        }
        do {
            _ = try builder.finish()
            Issue.record("four sealed MiB fitted an entry")
        } catch BarrierError.batchTooLong(let have, let limit) {
            #expect(have > limit && limit == StoreLimits.entryBytesMax)
        }
        var many = try vault.builder()
        for number in 0...StoreLimits.operationsMax {
            try many.check(TestVault.mount, "\(number)", modificationIndex: 0)
        }
        do {
            _ = try many.finish()
            Issue.record("too many operations fitted an entry")
        } catch BarrierError.batchTooManyOperations(let have, let limit) {
            #expect(have == limit + 1)
        }
    }

    @Test("writing into a mount whose keys nobody loaded is refused")
    func unknownMount() throws {
        let vault = try TestVault()
        let mount = try #require(MountID([UInt8](repeating: 7, count: 16)))
        var builder = try vault.builder()
        #expect(throws: BarrierError.mountKeysNotLoaded(mount: mount.text)) {
            try builder.put(mount, "a", [])
        }
        #expect(
            barrierError { _ = try vault.read("a", mount) }
                == .mountKeysMissing(mount: mount.text)
        )
        _ = consume builder
    }
}

@Suite("record places")
struct RecordPlaceTests {
    @Test("a box is bound to every part of its place")
    func associatedData() throws {
        let key = try #require(StorageKey([UInt8](repeating: 1, count: 32)))
        let otherKey = try #require(StorageKey([UInt8](repeating: 2, count: 32)))
        let vaultID = [UInt8](repeating: 3, count: 16)
        func place(
            vaultID: [UInt8] = vaultID,
            mount: MountID = .system,
            key: StorageKey = key,
            flags: UInt8 = 0
        ) -> RecordPlace {
            RecordPlace(vaultID: vaultID, mount: mount, key: key, flags: flags)
        }
        let all = [
            place().associatedData(.name, dataKeyID: 1),
            place().associatedData(.value, dataKeyID: 1),
            place().associatedData(.name, dataKeyID: 2),
            place(flags: 1).associatedData(.name, dataKeyID: 1),
            place(key: otherKey).associatedData(.name, dataKeyID: 1),
            place(mount: TestVault.mount).associatedData(.name, dataKeyID: 1),
            place(vaultID: vaultID.flipped(at: 0)).associatedData(.name, dataKeyID: 1),
        ]
        #expect(Set(all).count == all.count)
        #expect(Set(all.map(\.count)).count == 1)
    }
}

@Suite("damaged records")
struct DamagedRecordTests {
    /// One way to spoil a record.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let spoil: @Sendable (Record) -> Record

        init(_ name: String, _ spoil: @escaping @Sendable (Record) -> Record) {
            testDescription = name
            self.spoil = spoil
        }
    }

    static let damages = [
        Damage("folder flag") { $0.changed(flags: 1) },
        Damage("clear flag") { $0.changed(flags: 0x80) },
        Damage("unknown flag") { $0.changed(flags: 2) },
        Damage("data key 0") { $0.changed(dataKeyID: 0) },
        Damage("data key 2") { $0.changed(dataKeyID: 2) },
        Damage("name nonce") { $0.changed(nameBox: $0.nameBox.flipped(at: 3)) },
        Damage("name ciphertext") { $0.changed(nameBox: $0.nameBox.flipped(at: 30)) },
        Damage("name tag") { $0.changed(nameBox: $0.nameBox.flipped(at: -1)) },
        Damage("name box cut") { $0.changed(nameBox: $0.nameBox.dropLast()) },
        Damage("name box empty") { $0.changed(nameBox: []) },
        Damage("name box is the value box") { $0.changed(nameBox: $0.valueBox) },
        Damage("value nonce") { $0.changed(valueBox: $0.valueBox.flipped(at: 0)) },
        Damage("value ciphertext") { $0.changed(valueBox: $0.valueBox.flipped(at: 40)) },
        Damage("value tag") { $0.changed(valueBox: $0.valueBox.flipped(at: -16)) },
        Damage("value box cut") { $0.changed(valueBox: $0.valueBox.dropLast(4)) },
        Damage("value box longer") { $0.changed(valueBox: $0.valueBox + [0]) },
        Damage("value box empty") { $0.changed(valueBox: []) },
        Damage("value box is the name box") { $0.changed(valueBox: $0.nameBox) },
    ]

    @Test("reading one is an error, never nil", arguments: damages)
    func damaged(_ damage: Damage) throws {
        let vault = try TestVault()
        try vault.put("a/b", [1, 2, 3])
        try vault.store.alter(try vault.key("a/b"), damage.spoil)
        let error = barrierError { _ = try vault.read("a/b") }
        switch error {
        case .damagedRecord, .unknownDataKey: break
        default: Issue.record("reading gave \(String(describing: error))")
        }
    }

    @Test("a listing refuses a directory with one in it", arguments: damages)
    func damagedListing(_ damage: Damage) throws {
        let vault = try TestVault()
        try vault.put("a/b", [1, 2, 3])
        try vault.store.alter(try vault.key("a/b"), damage.spoil)
        let isAboutValue = damage.testDescription.hasPrefix("value")
        #expect((barrierError { _ = try vault.list("a/") } == nil) == isAboutValue)
    }

    @Test("a flipped bit anywhere in the stored bytes is an error")
    func flippedBits() throws {
        let vault = try TestVault()
        try vault.put("p", [9, 9, 9])
        let key = try vault.key("p")
        let stored = try #require(try vault.store.record(key)).encoded()
        for position in stride(from: 0, to: stored.count, by: 5) {
            var bytes = stored
            bytes[position] ^= 1 << UInt8(position % 8)
            try vault.store.overwrite(key, with: bytes)
            let error = barrierError { _ = try vault.read("p") }
            guard case .store(let cause) = error else {
                Issue.record("byte \(position): \(String(describing: error))")
                continue
            }
            #expect(cause.blame == .operator)
        }
        try vault.store.overwrite(key, with: stored)
        #expect(try vault.read("p") == [9, 9, 9])
    }

    @Test("a record moved to another path, directory or mount does not open")
    func moved() throws {
        let vault = try TestVault()
        try vault.put("a/b", [1])
        let record = try #require(try vault.store.record(try vault.key("a/b"))).encoded()
        let targets: [(String, MountID)] = [
            ("a/c", TestVault.mount), ("b", TestVault.mount), ("x/b", TestVault.mount),
            ("a/b", .system),
        ]
        for (path, mount) in targets {
            try vault.store.overwrite(try vault.key(path, mount), with: record)
            guard case .damagedRecord = barrierError({ _ = try vault.read(path, mount) }) else {
                Issue.record("\(path) opened")
                continue
            }
        }
    }

    @Test("a record of another vault does not open, even with the same mount, path and place")
    func otherVault() throws {
        let vault = try TestVault(seed: 1)
        let other = try TestVault(seed: 2)
        try vault.put("a", [1])
        try other.put("a", [2])
        #expect(try vault.key("a") != other.key("a"))
        let record = try #require(try other.store.record(try other.key("a"))).encoded()
        try vault.store.overwrite(try vault.key("a"), with: record)
        guard case .damagedRecord = barrierError({ _ = try vault.read("a") }) else {
            Issue.record("a record of another vault opened")
            return
        }
    }

    @Test("a record that opens with another name inside is said to be moved")
    func otherName() throws {
        let vault = try TestVault()
        let key = try vault.key("a/b")
        let keys = try #require(vault.keyring.cachedKeys(of: TestVault.mount))
        let place = RecordPlace(
            vaultID: vault.keyring.vaultID,
            mount: TestVault.mount,
            key: key,
            flags: RecordFlags.value
        )
        var entropy = Entropy(seed: try Random.bytes(32))
        let name = Array("c".utf8)
        let record = try keys.seal(value: [1], at: place, name: name[...], entropy: &entropy)
        try vault.store.overwrite(key, with: record.encoded())
        let error = BarrierError.movedRecord(key: Hex.encode(key.bytes))
        #expect(barrierError { _ = try vault.read("a/b") } == error)
        #expect(
            barrierError { _ = try vault.view { try $0.exists(TestVault.mount, "a/b") } } == error
        )
    }

    @Test("boxes of two values of one path cannot be mixed into a third")
    func mixed() throws {
        let vault = try TestVault()
        try vault.put("a", [1])
        try vault.put("b", [2])
        let other = try #require(try vault.store.record(try vault.key("b")))
        try vault.store.alter(try vault.key("a")) { $0.changed(valueBox: other.valueBox) }
        #expect(barrierError { _ = try vault.read("a") } != nil)
    }

    @Test("errors name the record by its storage key and nothing else")
    func quietErrors() throws {
        let vault = try TestVault()
        try vault.put("very-secret-name", Array("very-secret-value".utf8))
        let key = try vault.key("very-secret-name")
        try vault.store.alter(key) { $0.changed(valueBox: $0.valueBox.flipped(at: 30)) }
        let error = try #require(barrierError { _ = try vault.read("very-secret-name") })
        #expect(error.summary.contains(Hex.encode(key.bytes)))
        #expect(!"\(error) \(error.remedy)".contains("very-secret"))
    }
}

extension Record {
    /// The same with some parts replaced.
    func changed(
        flags: UInt8? = nil,
        dataKeyID: UInt32? = nil,
        nameBox: [UInt8]? = nil,
        valueBox: [UInt8]? = nil
    ) -> Record {
        Record(
            flags: flags ?? self.flags,
            dataKeyID: dataKeyID ?? self.dataKeyID,
            modificationIndex: modificationIndex,
            nameBox: nameBox ?? self.nameBox,
            valueBox: valueBox ?? self.valueBox
        )
    }
}

extension [UInt8] {
    /// One bit turned over; a negative position counts from the end.
    func flipped(at position: Int) -> [UInt8] {
        var bytes = self
        bytes[position < 0 ? count + position : position] ^= 0x10
        return bytes
    }
}
