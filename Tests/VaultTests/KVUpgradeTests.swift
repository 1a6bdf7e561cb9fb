import Barrier
import Store
import TestSupport
import Testing
import Wire

@testable import Vault

/// Key-value secrets of version 1 become those of version 2.
@Suite("upgrade of key-value mounts")
struct KVUpgradeTests {
    /// Names that version 2 has other uses for, folders in folders, and one secret beside a folder of
    /// its name.
    static let names = [
        "a", "config", "m/x", "x", "m", "v", "data/d", "metadata/d", "deep/er/and/er/z",
        "deep/er/y", "deep/q", "a/b",
    ]

    static func tune(_ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("POST", "sys/mounts/k/tune", #"{"options":{"version":"2"}}"#)
    }

    /// A mount of version 1 with secrets.
    static func vault(_ names: [String] = Self.names) throws -> TestVault {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/k", #"{"type":"kv"}"#)
        for name in names {
            let answer = try vault.send("POST", "k/\(name)", #"{"ttl":"1h","value":"\#(name)"}"#)
            guard answer.status == 204 else { throw TestFailure(answer.text) }
        }
        return vault
    }

    static func expectUpgraded(_ vault: TestVault, _ names: [String] = Self.names) throws {
        for name in names {
            let answer = try vault.send("GET", "k/data/\(name)")
            #expect(answer.status == 200, "\(name): \(answer.text)")
            #expect(try answer.data("data.value") == .string(name))
            #expect(try answer.data("data.ttl") == "1h")
            #expect(try answer.data("metadata.version") == 1)
        }
        #expect(try vault.send("SCAN", "k/metadata").data("keys")?.asArray?.count == names.count)
    }

    @Test("every secret is there afterwards, whatever its name, and nothing else")
    func everything() throws {
        let vault = try Self.vault()
        let before = try vault.send("GET", "sys/mounts/k")
        let answer = try Self.tune(vault)
        #expect(answer.status == 200)
        #expect(answer.text.contains("will be unavailable for a brief period"))
        try vault.runTasks()
        #expect(try vault.jobCount() == 0)
        try Self.expectUpgraded(vault)
        let after = try vault.send("GET", "sys/mounts/k")
        #expect(try after.data("accessor") == before.data("accessor"))
        #expect(try after.data("options.version") == "2")
        #expect(try vault.send("GET", "k/config").data("max_versions") == 0)
        let write = try vault.send(
            "POST",
            "k/data/a",
            #"{"data":{"value":"new"},"options":{"cas":1}}"#
        )
        #expect(try write.data("version") == 2)
        #expect(try Self.tune(vault).status == 204)
        let down = try vault.send("POST", "sys/mounts/k/tune", #"{"options":{"version":"1"}}"#)
        #expect(down.errors == ["cannot downgrade mount from version 2"])
    }

    @Test("meanwhile nobody reads or writes, in the words that clients know")
    func unavailable() throws {
        let vault = try Self.vault()
        _ = try Self.tune(vault)
        let text =
            "Upgrading from non-versioned to versioned data. This backend will be unavailable for a "
            + "brief period and will resume service shortly."
        for (method, path) in [("GET", "k/a"), ("POST", "k/data/a"), ("LIST", "k/metadata")] {
            let answer = try vault.send(method, path, method == "POST" ? "{}" : "")
            #expect(answer.status == 400 && answer.errors == [text], "\(method) \(path)")
        }
        // It can be seen, tuned, and moved.
        #expect(try vault.send("GET", "sys/mounts/k").data("options.version") == "2")
        #expect(try Self.tune(vault).status == 204)
        let down = try vault.send("POST", "sys/mounts/k/tune", #"{"options":{"version":"1"}}"#)
        #expect(down.status == 400)
        #expect(try vault.send("POST", "sys/remount", #"{"from":"k","to":"j"}"#).status == 200)
        #expect(try vault.jobCount() == 1)
        try vault.runTasks()
        #expect(try vault.send("GET", "j/data/m/x").data("data.value") == "m/x")
        try vault.send("POST", "sys/remount", #"{"from":"j","to":"k"}"#)
        try Self.expectUpgraded(vault)
    }

    @Test("a write that was allowed before, and comes after, is stepped again")
    func lateWrite() throws {
        let vault = try Self.vault()
        let request = try vault.vaultRequest("POST", "k/late", #"{"value":1}"#)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("the write was refused")
        }
        _ = try Self.tune(vault)
        if case .applied = try vault.commit(batch) { Issue.record("it was written unseen") }
        try vault.runTasks()
        try Self.expectUpgraded(vault)
    }

    @Test("a mount without secrets, and one of many batches", arguments: [0, 1, 500])
    func sizes(_ count: Int) throws {
        let names = (0..<count).map { "f\($0 % 7)/g\($0 % 3)/n\($0)" }
        let vault = try Self.vault(names)
        _ = try Self.tune(vault)
        let batches = try vault.runTasks()
        #expect(batches > count / 64)
        if count > 0 {
            try Self.expectUpgraded(vault, names)
        } else {
            #expect(try vault.send("LIST", "k/metadata").status == 404)
        }
    }

    @Test("a leader that dies at any step costs nothing: the next one does what is left, once")
    func killedAnywhere() throws {
        let names = (0..<150).map { "f\($0 % 5)/n\($0)" }
        let vault = try Self.vault(names)
        _ = try Self.tune(vault)
        var steps = 0
        while let timer = try vault.dueTimers().first(where: { $0.path.hasPrefix("jobs/") }) {
            // Two leaders prepare the same step; both batches get to the log.
            guard case .commit(let first, _) = try vault.wake(timer),
                case .commit(let second, _) = try vault.wake(timer)
            else { throw TestFailure("a step without a batch") }
            guard case .applied = try vault.commit(first) else { throw TestFailure("rejected") }
            if case .applied = try vault.commit(second) {
                Issue.record("step \(steps) happened twice")
            }
            vault.cache.wipe()
            steps += 1
            guard steps < 100 else { throw TestFailure("it does not end") }
        }
        #expect(steps > 2)
        try Self.expectUpgraded(vault, names)
    }

    @Test("a mount that goes away meanwhile takes what was copied with it, and can come back")
    func unmounted() throws {
        let names = (0..<150).map { "f\($0 % 5)/n\($0)" }
        let vault = try Self.vault(names)
        _ = try Self.tune(vault)
        let timer = try #require(try vault.dueTimers().first { $0.path.hasPrefix("jobs/") })
        guard case .commit(let batch, _) = try vault.wake(timer),
            case .applied = try vault.commit(batch)
        else { throw TestFailure("no first step") }
        let job = try #require(try vault.view { try $0.systemNames(SystemPaths.jobs) }.first)
        let record = try #require(try vault.job(job))
        let target = try #require(MountID(Array(record.arguments[17...])))
        #expect(try vault.view { try $0.count(target, in: "m/") } > 0)
        #expect(try vault.send("DELETE", "sys/mounts/k").status == 204)
        try vault.runTasks()
        #expect(try vault.jobCount() == 0)
        for folder in ["", "m/"] {
            #expect(try vault.view { try $0.count(target, in: folder) } == 0)
        }
        let retired = try vault.send("LIST", "sys/retired-mounts")
        let id = try #require(try retired.data("keys")?.asArray?.first?.asString)
        #expect(try vault.send("POST", "sys/retired-mounts/\(id)/restore", "{}").status < 300)
        #expect(try vault.send("GET", "k/\(names[7])").data("value") == .string(names[7]))
        #expect(try vault.send("GET", "sys/mounts/k").data("options.version") == "1")
    }

    @Test("the old secrets can be brought back as they were, at another path")
    func restored() throws {
        let vault = try Self.vault()
        let before = try vault.send("GET", "sys/mounts/k").data("accessor")
        _ = try Self.tune(vault)
        try vault.runTasks()
        let retired = try vault.send("LIST", "sys/retired-mounts")
        let id = try #require(try retired.data("keys")?.asArray?.first?.asString)
        let answer = try vault.send("POST", "sys/retired-mounts/\(id)/restore", #"{"path":"old"}"#)
        #expect(answer.status < 300, "\(answer.text)")
        #expect(try vault.send("GET", "old/m/x").data("value") == "m/x")
        #expect(try vault.send("GET", "sys/mounts/old").data("accessor") != before)
        try Self.expectUpgraded(vault)
    }

    @Test("a mount at rest says that it is on its way, and damage is found")
    func records() throws {
        let vault = try Self.vault()
        _ = try Self.tune(vault)
        let entry = try #require(
            try vault.view { try vault.environment().cache.mounts($0).entry(at: "k/") }
        )
        #expect(entry.record.isUpgrading)
        let bytes = entry.record.encoded()
        #expect(bytes[0] == 3)
        #expect(try MountRecord(decoding: bytes) == entry.record)
        for count in bytes.indices {
            #expect(throws: VaultError.self) { try MountRecord(decoding: Array(bytes[..<count])) }
        }
        var cursor = KVUpgrade.Cursor(phase: .copy)
        #expect(try KVUpgrade.Cursor(decoding: cursor.encoded()) == cursor)
        _ = try vault.view { try cursor.next(in: entry.id, $0) }
        let stored = cursor.encoded()
        #expect(try KVUpgrade.Cursor(decoding: stored) == cursor)
        for count in stored.indices {
            #expect(throws: VaultError.self) {
                try KVUpgrade.Cursor(decoding: Array(stored[..<count]))
            }
        }
    }
}
