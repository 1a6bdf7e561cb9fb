import Engines
import Store
import Testing
import Wire

@testable import Vault

/// Mounts move, retire and come back, and what is in them stays what it was.
@Suite("lives of mounts")
struct MountLifeTests {
    private func vault() throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/mounts/a/b", #"{"type":"kv-v2"}"#).status == 204)
        #expect(try vault.send("POST", "a/b/data/k", #"{"data":{"x":1}}"#).status == 200)
        return vault
    }

    private func retiredID(_ vault: TestVault) throws -> String {
        let keys = try vault.send("LIST", "sys/retired-mounts").data("keys")
        return try #require(keys?.asArray?.first?.asString)
    }

    @Test("a mount that moves keeps its id, its secrets and its place in time")
    func move() throws {
        let vault = try vault()
        let before = try vault.send("GET", "sys/mounts/a/b")
        let moved = try vault.send("POST", "sys/remount", #"{"from":"a/b/","to":"/c"}"#)
        #expect(moved.status == 200)
        let id = try #require(try moved.data("migration_id")?.asString)
        #expect(try moved.json().asObject?["migration_id"] == .string(id), "injected")
        #expect(uuidBytes(id) != nil)
        #expect(try vault.send("GET", "a/b/data/k").status == 404)
        #expect(try vault.send("GET", "c/data/k").data("data.x") == 1)
        let after = try vault.send("GET", "sys/mounts/c")
        for member in ["uuid", "accessor", "options", "config", "type"] {
            #expect(try after.data(member) == before.data(member), "\(member)")
        }
        let status = try vault.send("GET", "sys/remount/status/\(id)")
        #expect(try status.data("migration_id") == .string(id))
        let info: JSONValue = ["source_mount": "a/b/", "status": "success", "target_mount": "c/"]
        #expect(try status.data("migration_info") == info)
        // The old path is free, and a mount there is another one.
        #expect(try vault.send("POST", "sys/mounts/a/b", #"{"type":"kv-v2"}"#).status == 204)
        #expect(try vault.send("GET", "a/b/data/k").status == 404)
    }

    @Test(
        "moves that cannot be are refused in OpenBao's words",
        arguments: [
            ("{}", "both 'from' and 'to' path must be specified as a string"),
            (#"{"from":"a/b"}"#, "both 'from' and 'to' path must be specified as a string"),
            (#"{"to":"c"}"#, "both 'from' and 'to' path must be specified as a string"),
            (#"{"from":"zz","to":"c"}"#, #"no matching mount at "zz/""#),
            (#"{"from":"a","to":"c"}"#, #"no matching mount at "a/""#),
            (#"{"from":"a/b","to":"a/b"}"#, #"path already in use at "a/b/""#),
            (#"{"from":"a/b","to":"a/b/c"}"#, #"path already in use at "a/b/""#),
            (#"{"from":"a/b","to":"a"}"#, #"path already in use at "a/b/""#),
            (#"{"from":"a/b","to":"sys/x"}"#, "cannot remount to destination sys/x/"),
            (#"{"from":"a/b","to":"auth/x"}"#, "cannot remount to destination auth/x/"),
            (#"{"from":"a/b","to":"cubbyhole"}"#, "cannot remount to destination cubbyhole/"),
            (#"{"from":"sys","to":"c"}"#, #"cannot remount "sys/""#),
            (#"{"from":"cubbyhole","to":"c"}"#, #"cannot remount "cubbyhole/""#),
            (#"{"from":"a/b","to":" c "}"#, "'to' path cannot contain trailing whitespace"),
        ]
    )
    func refusedMoves(_ body: String, _ text: String) throws {
        let vault = try vault()
        let answer = try vault.send("POST", "sys/remount", body)
        #expect(answer.status == 400)
        #expect(answer.errors == [text])
        #expect(try vault.send("GET", "a/b/data/k").status == 200)
    }

    @Test("paths that no URL could have are no targets")
    func uncleanTargets() throws {
        let vault = try vault()
        for target in ["c//d", "/", "c/./d", "c/../d", "c\u{1}d", "..", "c/d//"] {
            let body = JSONValue.object(["from": "a/b", "to": .string(target)])
            let text = String(decoding: body.encoded(sortingKeys: true), as: UTF8.self)
            #expect(try vault.send("POST", "sys/remount", text).status == 400, "\(target)")
        }
    }

    @Test("other requests at the paths of moves")
    func otherMoves() throws {
        let vault = try vault()
        for (method, path, status) in [
            ("GET", "sys/remount", 405), ("GET", "sys/remount/status/x", 404),
            ("GET", "sys/remount/status", 404), ("POST", "sys/remount/status/x", 405),
        ] {
            #expect(try vault.send(method, path).status == status, "\(method) \(path)")
        }
    }

    @Test("moving needs sudo")
    func sudo() throws {
        let vault = try vault()
        try vault.writePolicy("p", #"path "sys/remount" { capabilities = ["update"] }"#)
        try vault.writePolicy("s", #"path "sys/remount" { capabilities = ["update", "sudo"] }"#)
        let body = #"{"from":"a/b","to":"c"}"#
        let without = try vault.makeToken(["p"]).token
        #expect(try vault.send(as: without, "POST", "sys/remount", body).status == 403)
        let with = try vault.makeToken(["s"]).token
        #expect(try vault.send(as: with, "POST", "sys/remount", body).status == 200)
    }

    @Test("only so many moves are remembered")
    func moveLog() throws {
        var log = MountMoveLog()
        for number in 0..<VaultLimits.mountMovesKept + 3 {
            log = log.adding(MountMove(id: "\(number)", source: "a/", target: "b/"))
        }
        #expect(log.moves.count == VaultLimits.mountMovesKept)
        #expect(log.moves.first?.id == "3")
        #expect(try MountMoveLog(decoding: log.encoded()) == log)
        let bytes = log.adding(MountMove(id: "x", source: "é/", target: "b/")).encoded()
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                try MountMoveLog(decoding: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: VaultError.self) { try MountMoveLog(decoding: bytes + [0]) }
        #expect(throws: VaultError.self) { try MountMoveLog(decoding: [2] + bytes.dropFirst()) }
    }

    @Test("a write that was prepared before the move of its mount is not applied")
    func movedUnderneath() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("PUT", "a/b/data/k", #"{"data":{"x":2}}"#)
        guard case .commit(let batch, _) = vault.step(request) else {
            Issue.record("a write needs a batch")
            return
        }
        try vault.send("POST", "sys/remount", #"{"from":"a/b","to":"c"}"#)
        if case .applied = try vault.commit(batch) { Issue.record("written at the old path") }
        #expect(try vault.send("GET", "c/data/k").data("data.x") == 1)
    }

    // MARK: retired

    @Test("an unmounted mount comes back with all that was in it, for seven days")
    func restore() throws {
        let vault = try vault()
        #expect(try vault.send("LIST", "sys/retired-mounts").status == 404)
        #expect(try vault.send("DELETE", "sys/mounts/a/b").status == 204)
        #expect(try vault.send("GET", "a/b/data/k").status == 404)
        let id = try retiredID(vault)
        let info = try vault.send("LIST", "sys/retired-mounts").data("key_info.\(id)")?.asObject
        #expect(info?["path"] == "a/b/" && info?["type"] == "kv")
        #expect(info?["restorable"] == true)
        let path = "sys/retired-mounts/\(id)/restore"
        #expect(try vault.send("POST", path).status == 204)
        #expect(try vault.send("GET", "a/b/data/k").data("data.x") == 1)
        #expect(try vault.send("LIST", "sys/retired-mounts").status == 404)
        #expect(try vault.send("POST", path).status == 404, "not twice")

        try vault.send("DELETE", "sys/mounts/a/b")
        vault.now += 7 * 86_400_000_000_000
        #expect(try vault.send("POST", path).status == 400)
        let late = try vault.send("LIST", "sys/retired-mounts").data("key_info.\(id)")?.asObject
        #expect(late?["restorable"] == false)
    }

    @Test("a mount whose path was taken comes back somewhere else")
    func restoreElsewhere() throws {
        let vault = try vault()
        try vault.send("DELETE", "sys/mounts/a/b")
        try vault.send("POST", "sys/mounts/a", #"{"type":"kv"}"#)
        let path = "sys/retired-mounts/\(try retiredID(vault))/restore"
        let taken = try vault.send("POST", path)
        #expect(taken.status == 400)
        #expect(taken.errors.first?.contains("already in use at a/") == true)
        for target in ["sys/x", "cubbyhole", "c//d", "/c", "a/x"] {
            let body = #"{"path":"\#(target)"}"#
            #expect(try vault.send("POST", path, body).status == 400, "\(target)")
        }
        #expect(try vault.send("POST", path, #"{"path":"c/d"}"#).status == 204)
        #expect(try vault.send("GET", "c/d/data/k").data("data.x") == 1)
    }

    @Test("the delay can be set, holds from then on, and may be nothing")
    func delay() throws {
        let vault = try vault()
        let config = "sys/retired-mounts/config"
        #expect(try vault.send("GET", config).data("shred_delay") == 604_800)
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        try vault.send("DELETE", "sys/mounts/old")
        let old = try retiredID(vault)
        for bad in [
            "{}", #"{"shred_delay":-1}"#, #"{"shred_delay":"x"}"#, #"{"shred_delay":"9999d"}"#,
        ] {
            #expect(try vault.send("POST", config, bad).status == 400, "\(bad)")
        }
        #expect(try vault.send("POST", config, #"{"shred_delay":0}"#).status == 204)
        #expect(try vault.send("GET", config).data("shred_delay") == 0)
        try vault.send("DELETE", "sys/mounts/a/b")
        let keys = try vault.send("LIST", "sys/retired-mounts").data("keys")?.asArray ?? []
        for id in keys.compactMap(\.asString) {
            let answer = try vault.send("POST", "sys/retired-mounts/\(id)/restore")
            #expect(answer.status == (id == old ? 204 : 400))
        }
    }

    @Test("whoever may not enable or move a mount brings none back, and shortens no delay")
    func needsSudo() throws {
        let vault = try vault()
        let most = #"["create", "read", "update", "patch", "delete", "list", "scan"]"#
        try vault.writePolicy("most", #"path "sys/*" { capabilities = \#(most) }"#)
        let token = try vault.makeToken(["most"]).token
        try vault.send("POST", "sys/auth/hidden", #"{"type":"userpass"}"#)
        #expect(try vault.send("DELETE", "sys/auth/hidden").status == 204)
        let restore = "sys/retired-mounts/\(try retiredID(vault))/restore"
        for (method, path, body) in [
            ("PUT", "sys/auth/x", #"{"type":"userpass"}"#),
            ("PUT", "sys/remount", #"{"from":"a/b","to":"c"}"#), ("PUT", restore, "{}"),
            ("PUT", restore, #"{"path":"auth/hidden"}"#), ("GET", "sys/retired-mounts", ""),
            ("LIST", "sys/retired-mounts", ""), ("GET", "sys/retired-mounts/config", ""),
            ("PUT", "sys/retired-mounts/config", #"{"shred_delay":0}"#),
        ] {
            #expect(try vault.send(as: token, method, path, body).status == 403, "\(path)")
        }
        #expect(try vault.send("GET", "sys/auth/hidden").status == 400)
        #expect(try vault.send("GET", "sys/retired-mounts/config").data("shred_delay") == 604_800)
        let rule = #"path "sys/retired-mounts/*" { capabilities = ["update", "sudo"] }"#
        try vault.writePolicy("restorer", rule)
        let restorer = try vault.makeToken(["restorer"]).token
        #expect(try vault.send(as: restorer, "PUT", restore, "{}").status == 204)
        #expect(try vault.send("GET", "sys/auth/hidden").status == 200)
    }

    @Test("the rate limits about a mount end with it, and do not come back")
    func limitsStayAway() throws {
        let vault = try vault()
        let limit = "sys/quotas/rate-limit/few"
        #expect(try vault.send("POST", limit, #"{"path":"a/b/","rate":5}"#).status == 204)
        try vault.send("DELETE", "sys/mounts/a/b")
        #expect(try vault.send("GET", limit).status == 404)
        let path = "sys/retired-mounts/\(try retiredID(vault))/restore"
        #expect(try vault.send("POST", path).status == 204)
        #expect(try vault.send("GET", limit).status == 404)
    }

    @Test("other requests at the paths of retired mounts")
    func otherRetired() throws {
        let vault = try vault()
        let id = "00000000-0000-0000-0000-000000000000"
        for (method, path, status) in [
            ("POST", "sys/retired-mounts", 405), ("DELETE", "sys/retired-mounts/config", 405),
            ("GET", "sys/retired-mounts/x", 404), ("POST", "sys/retired-mounts/x/restore", 404),
            ("POST", "sys/retired-mounts/\(id)/restore", 404),
            ("GET", "sys/retired-mounts/\(id)/restore", 405),
            ("POST", "sys/retired-mountsx/\(id)/restore", 404),
        ] {
            #expect(try vault.send(method, path).status == status, "\(method) \(path)")
        }
    }

    @Test("records of retired mounts are read as they were written, also of the first format")
    func retiredRecords() throws {
        let mount = MountRecord(
            path: "a/",
            type: "kv",
            kind: .kvVersion1,
            accessor: "kv_00000000",
            created: Timestamp(nanoseconds: 1),
            tuning: MountRecord.Tuning()
        )
        let now = Timestamp(nanoseconds: 5)
        let record = RetiredMountRecord(mount, at: now, delaySeconds: 2)
        #expect(record.due.nanoseconds == 2_000_000_005)
        #expect(record.isRestorable(at: now) && !record.isRestorable(at: record.due))
        #expect(!RetiredMountRecord(mount, at: now, delaySeconds: 0).isRestorable(at: now))
        let bytes = record.encoded()
        #expect(try RetiredMountRecord(decoding: bytes) == record)
        let first = [1] + bytes[1..<9] + bytes[17...]
        let old = try RetiredMountRecord(decoding: Array(first))
        #expect(old.mount == mount && old.due.nanoseconds == 604_800_000_000_005)
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                try RetiredMountRecord(decoding: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: VaultError.self) { try RetiredMountRecord(decoding: bytes + [0]) }
        let retirement = RetirementRecord(delaySeconds: 9)
        #expect(try RetirementRecord(decoding: retirement.encoded()) == retirement)
        #expect(throws: VaultError.self) { try RetirementRecord(decoding: [1]) }
        #expect(throws: VaultError.self) {
            try RetirementRecord(decoding: RetirementRecord(delaySeconds: .max).encoded())
        }
    }
}
