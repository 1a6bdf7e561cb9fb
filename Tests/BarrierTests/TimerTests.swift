import Cryptography
import Store
import Testing
import Wire

@testable import Barrier

@Suite("timers")
struct TimerTests {
    private func moment(_ seconds: UInt64, _ nanoseconds: UInt64 = 0) -> Timestamp {
        Timestamp(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    private func set(_ vault: TestVault, _ timers: [(UInt64, String)]) throws {
        let evaluation = try vault.change { builder throws(BarrierError) in
            for (seconds, path) in timers {
                try builder.setTimer(due: moment(seconds), path: path)
            }
        }
        guard case .applied = evaluation else { throw TestFailure("a timer was rejected") }
    }

    private func due(
        _ vault: TestVault,
        _ seconds: UInt64,
        limit: Int = 1_000
    ) throws -> DueTimers {
        try vault.view { try $0.dueTimers(through: moment(seconds), limit: limit) }
    }

    @Test("come in the order of time, however they were set")
    func order() throws {
        let vault = try TestVault()
        let timers = (0..<600).map { (UInt64($0 * 7_919 % 600 + 1_000), "leases/\($0)") }
        for start in stride(from: 0, to: 600, by: 60) {
            try set(vault, Array(timers[start..<start + 60]))
        }
        let wanted = timers.sorted { $0.0 < $1.0 }
        let all = try due(vault, 2_000)
        #expect(all.timers.map(\.path) == wanted.map(\.1))
        #expect(all.timers.map(\.dueSeconds) == wanted.map(\.0))
        #expect(!all.hasMore && all.nextDueSeconds == nil && all.damaged.isEmpty)
        let first = try due(vault, 2_000, limit: 7)
        #expect(first.timers == Array(all.timers.prefix(7)))
        #expect(first.hasMore && first.nextDueSeconds == nil)
    }

    @Test("are due from their second on, which is rounded up")
    func boundaries() throws {
        let vault = try TestVault()
        try vault.change { builder throws(BarrierError) in
            try builder.setTimer(due: moment(100), path: "whole")
            try builder.setTimer(due: moment(100, 1), path: "part")
            try builder.setTimer(due: moment(0), path: "first")
            try builder.setTimer(due: Timestamp(nanoseconds: .max), path: "last")
        }
        #expect(try due(vault, 0).timers.map(\.path) == ["first"])
        #expect(try due(vault, 99).timers.map(\.path) == ["first"])
        #expect(try due(vault, 99).nextDueSeconds == 100)
        #expect(try due(vault, 100).timers.map(\.path) == ["first", "whole"])
        #expect(try due(vault, 100).nextDueSeconds == 101)
        #expect(try due(vault, 101).timers.map(\.path) == ["first", "whole", "part"])
        #expect(try due(vault, 101).nextDueSeconds == UInt64.max / 1_000_000_000 + 1)
        let late = try vault.view { view throws in
            try view.dueTimers(through: moment(100, 999_999_999), limit: 10)
        }
        #expect(late.timers.count == 2)
        #expect(try due(vault, 101, limit: 3).timers.count == 3)
        #expect(try due(vault, 101, limit: 3).hasMore == false)
        #expect(try due(vault, 101, limit: 3).nextDueSeconds == UInt64.max / 1_000_000_000 + 1)
    }

    @Test("the same second and path are one timer; clearing takes exactly that one")
    func clearing() throws {
        let vault = try TestVault()
        try set(vault, [(5, "a"), (5, "a"), (6, "a"), (5, "b")])
        #expect(try due(vault, 9).timers.map(\.path).sorted() == ["a", "a", "b"])
        try vault.change { builder throws(BarrierError) in
            try builder.clearTimer(due: moment(4, 500), path: "a")
            try builder.clearTimer(due: moment(77), path: "b")
        }
        let left = try due(vault, 9).timers
        #expect(left.map(\.path).sorted() == ["a", "b"])
        #expect(left.last?.dueSeconds == 6)
    }

    @Test("a timer that was consumed, or set again since, is not consumed twice")
    func consuming() throws {
        let vault = try TestVault()
        try set(vault, [(5, "a")])
        let timer = try #require(try due(vault, 5).timers.first)
        try set(vault, [(5, "a")])
        guard case .rejected = try vault.change({ $0.consume(timer) }) else {
            throw TestFailure("a timer was consumed that had been set again")
        }
        let again = try #require(try due(vault, 5).timers.first)
        guard case .applied = try vault.change({ $0.consume(again) }) else {
            throw TestFailure("a timer could not be consumed")
        }
        #expect(try due(vault, 5).timers.isEmpty)
        guard case .rejected = try vault.change({ $0.consume(again) }) else {
            throw TestFailure("a timer was consumed twice")
        }
    }

    @Test("stay when the record they lead to is gone, and show in no listing")
    func orphans() throws {
        let vault = try TestVault()
        try vault.put("leases/one", [1], .system)
        try set(vault, [(5, "leases/one"), (6, "leases/none")])
        #expect(try vault.list("leases/", .system) == ["one"])
        #expect(try vault.list("", .system).sorted() == ["leases/", "token/"])
        try vault.change { builder throws(BarrierError) in
            try builder.delete(.system, "leases/one")
        }
        #expect(try due(vault, 9).timers.map(\.path) == ["leases/one", "leases/none"])
        #expect(try vault.read("leases/one", .system) == nil)
    }

    @Test("are spread over the digest's buckets, and no name is on the disk")
    func storageKeys() throws {
        let vault = try TestVault()
        let path = "leases/credential-of-somebody"
        let keys = try #require(vault.keyring.cachedKeys(of: .system))
        var buckets: Set<Int> = []
        for number in 0..<2_000 {
            let path = try BarrierPath("leases/\(number)")
            let key = keys.timerKey(dueSeconds: 1_700_000_000, path: path)
            buckets.insert(key.bucket)
            #expect(TimerKey.dueSeconds(of: key) == 1_700_000_000)
            #expect(TimerKey.ranges[key.bucket].contains(key))
            #expect(key.directory != keys.storageKey(of: path).directory)
        }
        #expect(buckets.count > 250)
        try set(vault, [(5, path)])
        #expect(try !vault.store.fileBytes().contains(sequence: Array("credential".utf8)))
        #expect(TimerKey.ranges.count == 256)
        #expect(
            zip(TimerKey.ranges, TimerKey.ranges.dropFirst())
                .allSatisfy { $0.upperBound < $1.lowerBound }
        )
        #expect(!TimerKey.ranges.contains { $0.contains(ClearRecord.mountKey(of: .system)) })
        #expect(!TimerKey.ranges.contains { $0.contains(ClearRecord.sealKey) })
    }

    @Test("a damaged one is told of and keeps no other waiting")
    func damage() throws {
        let vault = try TestVault()
        try set(vault, [(5, "a"), (6, "b"), (7, "c")])
        let keys = try #require(vault.keyring.cachedKeys(of: .system))
        let key = keys.timerKey(dueSeconds: 5, path: try BarrierPath("a"))
        let bytes = try #require(try vault.store.record(key)).encoded()
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x10
            try vault.store.overwrite(key, with: damaged)
            let found = try due(vault, 9)
            #expect(found.timers.map(\.path) == ["b", "c"], "byte \(position)")
            #expect(found.damaged.count == 1, "byte \(position)")
        }
        try vault.store.overwrite(key, with: bytes)
        #expect(try due(vault, 9).timers.map(\.path) == ["a", "b", "c"])
    }

    @Test("one that was moved to another second does not open")
    func moved() throws {
        let vault = try TestVault()
        try set(vault, [(5, "a")])
        let keys = try #require(vault.keyring.cachedKeys(of: .system))
        let path = try BarrierPath("a")
        let record = try #require(
            try vault.store.record(keys.timerKey(dueSeconds: 5, path: path))
        )
        let later = keys.timerKey(dueSeconds: 8, path: path)
        try vault.store.overwrite(later, with: record.encoded())
        let found = try due(vault, 9)
        #expect(found.timers.map(\.dueSeconds) == [5])
        #expect(found.damaged.count == 1)
    }

    @Test("those of another kind of record are left out")
    func foreign() throws {
        let vault = try TestVault()
        try set(vault, [(5, "a")])
        let other = TimerKey.key(dueSeconds: 4, id: [UInt8](repeating: 7, count: 16))
        try vault.store.overwrite(
            other,
            with: Record(flags: RecordFlags.value, dataKeyID: 1, nameBox: [], valueBox: [])
                .encoded()
        )
        #expect(try due(vault, 9).timers.map(\.path) == ["a"])
        #expect(try due(vault, 9).damaged.isEmpty)
    }
}
