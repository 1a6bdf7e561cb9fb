import Cryptography
import Shamir
import Store
import Testing
import Wire

@testable import Barrier

@Suite("what is on disk")
struct DiskTests {
    @Test("neither names nor values nor keys can be read from the file")
    func nothingReadable() throws {
        let vault = try TestVault()
        let folder = "folder-unreadable-7f3a"
        let name = "name-unreadable-91bc"
        let value = Array("value-unreadable-4d2e".utf8)
        try vault.put("\(folder)/\(name)", value)
        #expect(try vault.read("\(folder)/\(name)") == value)
        let bytes = try vault.store.fileBytes()
        #expect(bytes.contains(sequence: Array("shamir".utf8)), "the scan looks at the right file")
        #expect(bytes.contains(sequence: try vault.key("\(folder)/\(name)").bytes))
        let secrets = [
            Array(folder.utf8), Array(name.utf8), value, Array(vault.rootToken.utf8),
            Array(vault.rootToken.utf8.dropFirst(2)),
            Array(vault.keyring.tokenPath(Array(vault.rootToken.utf8)).utf8),
        ]
        for (position, secret) in secrets.enumerated() {
            #expect(!bytes.contains(sequence: secret), "secret \(position)")
        }
        for share in vault.shares {
            let share = try #require(Hex.decode(share))
            // From the fifth byte on: value and checksum.
            #expect(!bytes.contains(sequence: Array(share[5..<21])))
        }
    }

    @Test("equal values and equal names in two places are different bytes")
    func noEquality() throws {
        let vault = try TestVault()
        let value = Array("the same".utf8)
        try vault.put("a/same", value)
        try vault.put("b/same", value)
        let first = try #require(try vault.store.record(try vault.key("a/same")))
        let second = try #require(try vault.store.record(try vault.key("b/same")))
        #expect(first.nameBox != second.nameBox && first.valueBox != second.valueBox)
        #expect(first.nameBox.count == second.nameBox.count)
        #expect(first.valueBox.count == 64 + BarrierLimits.boxOverheadBytes)
    }
}

@Suite("limits")
struct LimitTests {
    @Test("limits make sense together")
    func consistent() {
        let overhead = BarrierLimits.boxOverheadBytes
        #expect(overhead == XAESKey.nonceBytes + XAESKey.tagBytes)
        let longest = [UInt8](repeating: 1, count: BarrierLimits.pathBytesMax)
        #expect(Padding.pad(name: longest[...]).count + overhead <= StoreLimits.nameBoxBytesMax)
        #expect(BarrierLimits.valueBytesMax + 4 + overhead <= StoreLimits.valueBoxBytesMax)
        #expect(BarrierLimits.clearRecordBytesMax <= StoreLimits.valueBoxBytesMax)
        #expect(BarrierLimits.foldersMax <= StoreLimits.pruneStepsMax)
        #expect(BarrierLimits.foldersMax + 2 <= StoreLimits.operationsMax)
        #expect(BarrierLimits.idBytes == 16)
        // A full keyring fits its record: 44 bytes a version.
        #expect(BarrierLimits.keyVersionsMax * 44 + 2_048 <= BarrierLimits.clearRecordBytesMax)
        #expect(BarrierLimits.keyVersionsMax <= StoreLimits.dataKeyIDsMax)
    }

    @Test("well-known keys are distinct, and the ranges hold what they should")
    func wellKnownKeys() {
        let mount = ClearRecord.mountKey(of: TestVault.mount)
        let keys = [
            ClearRecord.sealKey, ClearRecord.keyringKey, ClearRecord.openedKey, mount,
            ClearRecord.mountKey(of: .system),
        ]
        #expect(Set(keys).count == keys.count)
        #expect(mount.directory == ClearRecord.mountKeys)
        #expect(ClearRecord.sealKey.directory != ClearRecord.mountKeys)
        #expect(
            Hex.encode(ClearRecord.sealKey.bytes)
                == "0000000000000000000000000000000100000000000000000000000000000001"
        )
    }

    @Test("errors say whose fault it is, what happened, and what to do")
    func errors() {
        let errors: [any OperatorError] = [
            BarrierError.damagedRecord(key: "ab", reason: "r"), BarrierError.movedRecord(key: "ab"),
            BarrierError.unknownDataKey(id: 3, mount: "m"),
            BarrierError.mountKeysMissing(mount: "m"), BarrierError.mountKeysNotLoaded(mount: "m"),
            BarrierError.mountKeysExist(mount: "m"), BarrierError.hierarchyMissing(.keyring),
            BarrierError.hierarchyDamaged(.sealRecord, reason: "r"),
            BarrierError.hierarchyFormat(.openedRecord, have: 2, want: 1),
            BarrierError.alreadyOpened, BarrierError.pathEmpty,
            BarrierError.pathTooLong(have: 2, limit: 1), BarrierError.pathMalformed("r"),
            BarrierError.valueTooLong(have: 2, limit: 1),
            BarrierError.batchTooLong(have: 2, limit: 1),
            BarrierError.batchTooManyOperations(have: 2, limit: 1), BarrierError.store(.full),
            BarrierError.cryptography(.authenticationFailed),
            SealError.unreadable(.checksum), SealError.otherVault(want: 1, have: 2),
            SealError.otherLayout(.checksum),
            SealError.wrongValue(.init(group: 0, member: 1)),
            SealError.duplicate(.init(group: 0, member: 1)),
            SealError.incomplete(have: 0, need: 1), SealError.setReplaced, SealError.vaultGone,
            SealError.sharesDoNotOpen, SealError.barrier(.pathEmpty),
        ]
        for error in errors {
            let first = error.summary.first
            #expect(first.map { $0.isLowercase || $0.isNumber } ?? false, "\(error.summary)")
            #expect(!error.summary.hasSuffix(".") && !error.remedy.isEmpty, "\(error.summary)")
        }
    }
}
