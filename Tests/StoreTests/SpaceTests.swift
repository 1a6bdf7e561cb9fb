import Glibc
import Store
import TestSupport
import Testing

@Suite("Room")
struct SpaceTests {
    private func fileBytes(_ folder: TemporaryFolder) -> Int {
        readFile(folder.node + "/holdfast.mdb").count
    }

    @Test("the file is extended one step ahead, a slice at a time, and filled with zeros")
    func preallocation() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.preallocateStepBytes = 16 << 20
        let store = try folder.open(options)
        var calls = 0
        while try store.preallocateIfNeeded() { calls += 1 }
        #expect(calls >= 6)
        #expect(fileBytes(folder) >= 16 << 20)
        #expect(store.counters.preallocationFlushes == UInt64(calls) + 1)
        #expect(store.counters.commits == 0)
        let before = fileBytes(folder)
        try store.fillLog(5)
        #expect(fileBytes(folder) == before)
        #expect(try store.load().entries.count == 5)
        #expect(store.space == .ample)
    }

    @Test("below the reserve it says so; deletes still work and make room again")
    func reserve() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.mapBytes = 48 << 20
        options.preallocateStepBytes = 4 << 20
        options.reserveBytes = 24 << 20
        let store = try folder.open(options)
        try store.fillLog(4_000)
        let value = [UInt8](repeating: 5, count: 100_000)
        let large = Record(flags: 0, dataKeyID: 1, nameBox: [], valueBox: value)
        var number: UInt64 = 0
        while store.space == .ample && number < 1_000 {
            number += 1
            try store.commit([.put(key(UInt8(number / 200), UInt8(number % 200)), large)])
            try store.applyThrough(number)
            try store.preallocateIfNeeded()
        }
        #expect(store.space == .reserved)
        #expect(number > 100)
        let written = number
        for old in 1...written {
            number += 1
            try store.commit([.delete(key(UInt8(old / 200), UInt8(old % 200)))])
            try store.applyThrough(number)
        }
        try store.preallocateIfNeeded()
        #expect(store.space == .ample)
    }

    @Test("a full map is an error that changes nothing, and the store opens again")
    func fullMap() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.mapBytes = 24 << 20
        let body = [UInt8](repeating: 5, count: 100_000)
        var last: UInt64 = 0
        do {
            let store = try folder.open(options)
            try store.write { (t) throws(StoreError) in
                try t.setHardState(term: 1, vote: nil, commit: 0)
            }
            #expect(throws: StoreError.full) {
                while last < 1_000 {
                    try store.write { (t) throws(StoreError) in
                        try t.appendEntries([entry(last + 1, body: body)])
                    }
                    last += 1
                }
            }
            #expect(store.space == .ample || store.space == .reserved)
            #expect(try store.load().point.last.index == last)
        }
        #expect(last > 50)
        #expect(try folder.open(options).load().entries.count == Int(last))
    }

    @Test("one transaction that is too large for the map is dropped whole")
    func largeTransaction() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.mapBytes = 24 << 20
        let store = try folder.open(options)
        try store.fillLog(3)
        let body = [UInt8](repeating: 5, count: 4 << 20)
        #expect(throws: StoreError.full) {
            try store.write { (t) throws(StoreError) in
                try t.appendEntries((4...13).map { entry($0, body: body) })
            }
        }
        #expect(try store.load().entries.count == 3)
        try store.write { (t) throws(StoreError) in try t.appendEntries([entry(4)]) }
        #expect(try store.load().entries.count == 4)
    }

    @Test("the reserve is the file's own: a disk that others fill still takes votes and deletes")
    func filledByOthers() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let folder = TemporaryFolder()
            var options = smallOptions
            options.mapBytes = 256 << 20
            options.preallocateStepBytes = 4 << 20
            options.reserveBytes = 32 << 20
            let store = try folder.open(options)
            try store.fillLog(2_000)
            try store.preallocateIfNeeded()
            // From here on as if another program had taken the rest of the disk.
            let gate = folder.path + "/full"
            writeFile(gate, [])
            inject(
                "allocate */holdfast.mdb 1+ ENOSPC @\(gate);statfs */node 1+ full @\(gate)"
            )
            let value = [UInt8](repeating: 5, count: 100_000)
            let large = Record(flags: 0, dataKeyID: 1, nameBox: [], valueBox: value)
            var number: UInt64 = 0
            func fill(while state: SpaceState) throws {
                while store.space == state && number < 1_000 {
                    number += 1
                    try store.commit([.put(key(UInt8(number / 200), UInt8(number % 200)), large)])
                    try store.applyThrough(number)
                    try store.preallocateIfNeeded()
                }
            }
            try fill(while: .ample)
            guard store.space == .reserved, number > 20 else { exit(1) }
            try fill(while: .reserved)
            guard store.space == .exhausted else { exit(2) }
            try store.saveVote(term: 9, vote: 1)
            let written = number
            for old in 1...written {
                number += 1
                try store.commit([.delete(key(UInt8(old / 200), UInt8(old % 200)))])
                try store.applyThrough(number)
            }
            try store.preallocateIfNeeded()
            // What was deleted is room again, while the disk is as full as before.
            guard store.space != .exhausted else { exit(3) }
            deleteFile(gate)
            try store.preallocateIfNeeded()
            guard store.space == .ample, try store.load().ballot.term == 9 else { exit(4) }
            exit(42)
        }
    }

    @Test("without room for the copy of the cluster record the node goes on, and it follows later")
    func copyWithoutRoom() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            try store.fillLog(1)
            try store.write { (t) throws(StoreError) in try t.setCluster(testCluster) }
            let gate = folder.path + "/full"
            writeFile(gate, [])
            inject("write */cluster.new 1+ ENOSPC @\(gate)")
            try store.write { (t) throws(StoreError) in
                try t.setConfiguration([4, 4, 4], formatLevel: 1)
            }
            guard LocalStore.clusterCopy(folder: folder.node) == testCluster else { exit(1) }
            guard try store.load().cluster?.configuration == [4, 4, 4] else { exit(2) }
            deleteFile(gate)
            try store.preallocateIfNeeded()
            guard LocalStore.clusterCopy(folder: folder.node)?.configuration == [4, 4, 4] else {
                exit(3)
            }
            exit(42)
        }
    }

    @Test("of a disk's last room some is left for small files")
    func spare() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            let before = readFile(folder.node + "/holdfast.mdb").count
            inject("statfs */node 1+ full")
            try store.preallocateIfNeeded()
            guard readFile(folder.node + "/holdfast.mdb").count == before else { exit(1) }
            guard store.space != .ample else { exit(2) }
            exit(42)
        }
    }

    @Test("a folder that no node has used is not made by looking for one")
    func nothingThere() throws {
        let folder = TemporaryFolder()
        #expect(throws: StoreError.self) { try LocalStore.requireMade(folder: folder.node) }
        #expect(!fileExists(folder.node))
        _ = try folder.open()
        try LocalStore.requireMade(folder: folder.node)
    }
}
