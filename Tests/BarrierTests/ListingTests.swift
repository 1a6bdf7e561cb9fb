import Store
import Testing

@testable import Barrier

@Suite("listings")
struct ListingTests {
    @Test("names and folders, in the order of their bytes")
    func nesting() throws {
        let vault = try TestVault()
        for path in ["b", "a/x", "a/y/z", "a", "B", "ä", "a.b", "c/d/e/f"] {
            try vault.put(path, [1])
        }
        #expect(try vault.list("") == ["B", "a", "a.b", "a/", "b", "c/", "first", "ä"])
        #expect(try vault.list("a/") == ["x", "y/"])
        #expect(try vault.list("a/y/") == ["z"])
        #expect(try vault.list("c/") == ["d/"])
        #expect(try vault.list("c/d/e/") == ["f"])
        #expect(try vault.list("nowhere/") == [])
    }

    @Test("pages continue after a name")
    func pages() throws {
        let vault = try TestVault()
        for number in 0..<9 { try vault.put("d/\(number)", []) }
        try vault.put("d/4/x", [])
        var names: [String] = []
        var last: String?
        while true {
            let page = try vault.view {
                try $0.list(TestVault.mount, directory: "d/", after: last, limit: 4)
            }
            names += page
            last = page.last
            if page.count < 4 { break }
        }
        #expect(names == ["0", "1", "2", "3", "4", "4/", "5", "6", "7", "8"])
        #expect(try vault.view { try $0.list(TestVault.mount, directory: "d/", limit: 0) } == [])
        #expect(
            try vault.view { try $0.list(TestVault.mount, directory: "d/", after: "8") } == []
        )
        #expect(
            try vault.view { try $0.list(TestVault.mount, directory: "d/", after: "45", limit: 1) }
                == ["5"]
        )
    }

    @Test("a folder goes with the last thing in it, and not before")
    func pruning() throws {
        let vault = try TestVault()
        try vault.put("a/b/c/one", [1])
        try vault.put("a/b/two", [1])
        try vault.delete("a/b/c/one")
        #expect(try vault.list("a/b/") == ["two"])
        #expect(try vault.list("a/") == ["b/"])
        try vault.delete("a/b/two")
        #expect(try vault.list("") == ["first"])
        #expect(try vault.list("a/") == [])
        try vault.put("a/b/two", [1])
        #expect(try vault.list("a/") == ["b/"])
    }

    @Test("one batch may empty a folder and fill it again")
    func pruneAndEnsureTogether() throws {
        let vault = try TestVault()
        try vault.put("a/b/one", [1])
        try vault.change { builder throws(BarrierError) in
            try builder.put(TestVault.mount, "a/b/two", [2])
            try builder.delete(TestVault.mount, "a/b/one")
            try builder.delete(TestVault.mount, "a/b/two")
            try builder.put(TestVault.mount, "a/b/three", [3])
        }
        #expect(try vault.list("") == ["a/", "first"])
        #expect(try vault.list("a/") == ["b/"])
        #expect(try vault.list("a/b/") == ["three"])
    }

    @Test("deleting what is not there leaves the folders of others")
    func deleteNothing() throws {
        let vault = try TestVault()
        try vault.put("a/b", [1])
        try vault.delete("a/nothing")
        try vault.delete("z/nothing")
        #expect(try vault.list("") == ["a/", "first"])
    }

    @Test("a marker that was moved into another directory does not open")
    func movedMarker() throws {
        let vault = try TestVault()
        try vault.put("a/x", [1])
        try vault.put("b/y", [1])
        let keys = try #require(vault.keyring.cachedKeys(of: TestVault.mount))
        let marker = keys.storageKey(of: try BarrierPath("a/x").folders[0])
        let target = keys.storageKey(of: try BarrierPath("b/a/x").folders[1])
        let record = try #require(try vault.store.record(marker))
        try vault.store.overwrite(target, with: record.encoded())
        guard case .damagedRecord = barrierError({ _ = try vault.list("b/") }) else {
            Issue.record("the moved marker opened")
            return
        }
    }
}
