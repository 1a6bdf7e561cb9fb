import Barrier
import Store
import TestSupport
import Testing
import Wire

@testable import Vault

/// A namespace that is deleted: nobody reaches it from then on, and nothing is left of it.
@Suite("removal of namespaces")
struct NamespaceRemovalTests {
    /// Puts one of everything into a namespace.
    private func fill(_ vault: TestVault, _ path: String, tokens: Int = 3) throws {
        let all: [(String, String)] = [
            ("sys/mounts/kv", #"{"type":"kv"}"#), ("kv/a", #"{"v":"1"}"#),
            ("kv/deep/er/b", #"{"v":"1"}"#),
            ("sys/mounts/two", #"{"type":"kv-v2"}"#), ("two/data/x/y", #"{"data":{"k":"v"}}"#),
            ("sys/mounts/gone", #"{"type":"kv"}"#), ("gone/a", #"{"v":"1"}"#),
            ("sys/auth/up", #"{"type":"userpass"}"#),
            ("auth/up/users/u", #"{"password":"p"}"#),
            (
                "sys/policies/acl/p",
                #"{"policy":"path \"kv/*\" { capabilities = [\"read\"] }","ttl":3600}"#
            ),
            ("identity/entity", #"{"name":"e"}"#), ("identity/group", #"{"name":"g"}"#),
            ("auth/token/roles/r", "{}"),
        ]
        for (target, body) in all {
            let answer = try vault.send(in: path, "POST", target, body)
            guard answer.status < 300 else { throw TestFailure("\(target): \(answer.text)") }
        }
        try vault.send(in: path, "DELETE", "sys/mounts/gone")
        try vault.send(in: path, as: "", "POST", "auth/up/login/u", #"{"password":"p"}"#)
        let admin = try vault.adminToken(of: path)
        for _ in 0..<tokens {
            let child = try vault.createToken(in: path, #"{"policies":["p"]}"#, as: admin)
            try vault.send(in: path, as: child, "POST", "cubbyhole/x/y", #"{"v":"1"}"#)
        }
    }

    @Test("not one record of it is left in the store", arguments: [0, 3, 200])
    func everything(_ tokens: Int) throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        let before = try vault.recordCountAfterAJob()
        try vault.makeNamespace("a/b")
        try fill(vault, "a/b", tokens: tokens)
        #expect(try vault.send(in: "a", "DELETE", "sys/namespaces/b").status == 200)
        try vault.work()
        #expect(try vault.jobCount() == 0)
        let after = try vault.recordCount()
        #expect(after == before)
        #expect(try vault.send(in: "a", "LIST", "sys/namespaces").status == 404)
        #expect(try vault.dueTimersEver() == [])
        try vault.makeNamespace("a/b")
        #expect(try vault.send(in: "a/b", "GET", "kv/a").status == 404)
    }

    @Test("children of tokens above leave no mark behind")
    func marks() throws {
        let vault = try TestVault()
        let before = try vault.recordCountAfterAJob()
        try vault.makeNamespace("a")
        let parent = try vault.create("{}").token
        _ = try vault.createToken(in: "a", #"{"policies":["default"]}"#, as: parent)
        try vault.send("DELETE", "sys/namespaces/a")
        try vault.work()
        try vault.send("POST", "auth/token/revoke", #"{"token":"\#(parent)"}"#)
        try vault.work()
        let after = try vault.recordCount()
        #expect(after == before)
    }

    @Test("from the first moment nobody reaches it and no token of it is good for anything")
    func atOnce() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        try fill(vault, "a")
        let token = try vault.adminToken(of: "a")
        let batch = try vault.createToken(in: "a", #"{"type":"batch","policies":["admin"]}"#)
        let login = #"{"password":"p"}"#
        let late = [
            try vault.vaultRequest("POST", "a/kv/late", #"{"v":"1"}"#),
            try vault.vaultRequest("POST", "a/kv/late", #"{"v":"1"}"#, token: token),
            try vault.vaultRequest("POST", "a/auth/up/login/u", login, token: ""),
            try vault.vaultRequest("POST", "a/sys/namespaces/b", "{}"),
            try vault.vaultRequest("POST", "a/auth/token/create", "{}", token: token),
        ]
        let batches = try late.map { request in
            guard case .commit(let batch, _) = vault.step(request) else {
                throw TestFailure("\(request.path) was refused")
            }
            return batch
        }
        #expect(try vault.send("DELETE", "sys/namespaces/a").status == 200)
        for batch in batches {
            if case .applied = try vault.commit(batch) { Issue.record("it was born behind") }
        }
        for token in [token, batch] {
            #expect(try !vault.isAlive(token))
            #expect(try vault.send(as: token, "GET", "sys/mounts").status == 403)
        }
        let header = try vault.send(in: "a", "GET", "kv/a")
        #expect(header.status == 404 && header.errors == ["namespace not found"])
        #expect(try vault.send("GET", "a/kv/a").status == 404)
        #expect(try vault.send(in: "a", as: "", "POST", "auth/up/login/u", login).status == 404)
        #expect(try vault.send("POST", "sys/namespaces/a", "{}").status == 400)
        #expect(try vault.send("POST", "sys/mounts/a", #"{"type":"kv"}"#).status == 400)
        #expect(try vault.send("DELETE", "sys/namespaces/a").data("status") == "in-progress")
        #expect(try vault.jobCount() == 1)
    }

    @Test("a child that is made at the same moment, or the deletion, but not both")
    func race() throws {
        for childFirst in [true, false] {
            let vault = try TestVault()
            try vault.makeNamespace("a")
            let steps = [
                vault.step(try vault.vaultRequest("POST", "a/sys/namespaces/b", "{}")),
                vault.step(try vault.vaultRequest("DELETE", "sys/namespaces/a")),
            ]
            var applied = 0
            for step in childFirst ? steps : steps.reversed() {
                guard case .commit(let batch, _) = step else { throw TestFailure("\(step)") }
                if case .applied = try vault.commit(batch) { applied += 1 }
            }
            #expect(applied == 1)
        }
    }

    @Test("a leader that dies at any step costs nothing: the next one does what is left, once")
    func killedAnywhere() throws {
        let vault = try TestVault()
        let before = try vault.recordCountAfterAJob()
        try vault.makeNamespace("a")
        try fill(vault, "a", tokens: 100)
        let tune = #"{"options":{"version":"2"}}"#
        #expect(try vault.send(in: "a", "POST", "sys/mounts/kv/tune", tune).status == 200)
        try vault.send("DELETE", "sys/namespaces/a")
        var steps = 0
        while let timer = try vault.dueTimers().last {
            guard case .commit(let first, _) = try vault.wake(timer),
                case .commit(let second, _) = try vault.wake(timer)
            else { throw TestFailure("a step without a batch") }
            if case .applied = try vault.commit(first),
                case .applied = try vault.commit(second)
            {
                Issue.record("step \(steps) happened twice")
            }
            vault.cache.wipe()
            steps += 1
            guard steps < 200 else { throw TestFailure("it does not end") }
        }
        #expect(steps > 8)
        let after = try vault.recordCount()
        #expect(after == before)
    }

    @Test("records of namespaces are read back, and what is no such record is refused")
    func records() throws {
        let metadata = try IdentityTexts([("k", "v")], "metadata")
        var record = NamespaceRecord(
            id: "abcDEF",
            name: "team",
            created: Timestamp(nanoseconds: 7),
            metadata: metadata
        )
        record.isEnding = true
        let bytes = record.encoded()
        #expect(try NamespaceRecord(decoding: bytes) == record)
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                try NamespaceRecord(decoding: Array(bytes[..<count]))
            }
        }
        #expect(throws: VaultError.self) { try NamespaceRecord(decoding: bytes + [0]) }
        // The first format stays what one without a lock is written in.
        #expect(bytes.first == 1)
        let pointer = NamespacePointer.encoded("a/b/")
        #expect(try NamespacePointer.path(decoding: pointer) == "a/b/")
        let home = try #require(MountID(text: "00000000-0000-4000-8000-00000000000a"))
        let subject = NamespaceRemoval.Subject(home: home, id: "abcDEF")
        #expect(try NamespaceRemoval.Subject(decoding: subject.encoded()) == subject)
        for broken in [
            [], [2] + subject.encoded().dropFirst(), Array(subject.encoded().dropLast()),
        ] {
            #expect(throws: VaultError.self) { try NamespaceRemoval.Subject(decoding: broken) }
        }
        let place = TimerPlace(home: home, path: "tokens/id/x")
        #expect(TimerPlace(place.text) == place)
        let plain = TimerPlace(home: .system, path: "tokens/id/x")
        #expect(plain.text == "tokens/id/x" && TimerPlace(plain.text) == plain)
    }
}

extension TestVault {
    /// Paths of all timers, whenever they are due.
    fileprivate func dueTimersEver() throws -> [String] {
        try view { view in
            try view.dueTimers(through: Timestamp(nanoseconds: .max), limit: 10_000).timers.map(
                \.path
            )
        }
    }
}
