import Barrier
import Policy
import Store
import Testing
import Wire

@testable import Engines
@testable import Vault

/// Endpoints of the system that show this cluster, and the caches behind all of them.
@Suite("system")
struct SystemTests {
    @Test("a root token looks itself up")
    func lookupSelf() throws {
        let vault = try TestVault()
        let answer = try vault.send("GET", "auth/token/lookup-self")
        let data = try #require(try answer.json().asObject?["data"]?.asObject)
        #expect(data["id"] == .string(vault.rootToken))
        #expect(data["accessor"]?.asString?.utf8.count == 24)
        #expect(data["creation_time"] == 1_795_387_396)
        let rest = data.members.filter { !["id", "accessor", "creation_time"].contains($0.name) }
        let expected: JSONObject = [
            "creation_ttl": 0, "display_name": "root", "entity_id": "", "expire_time": nil,
            "explicit_max_ttl": 0, "meta": nil, "num_uses": 0, "orphan": true,
            "path": "auth/token/root", "policies": ["root"], "ttl": 0, "type": "service",
        ]
        #expect(JSONObject(rest.map { ($0.name, $0.value) }) == expected)
        #expect(try vault.send("POST", "auth/token/lookup-self", "{}").data("ttl") == 0)
        let short = try vault.makeToken(["default"], lifetimeSeconds: 100).token
        let end = Timestamp(nanoseconds: vault.now + 100_000_000_000).rfc3339
        vault.now += 9_500_000_000
        let own = try vault.send(as: short, "GET", "auth/token/lookup-self")
        #expect(try own.data("ttl") == 90)
        #expect(try own.data("creation_ttl") == 100)
        #expect(try own.data("expire_time") == .string(end))
    }

    @Test("a new vault has no mounts but those that are built in")
    func newVault() throws {
        let vault = try TestVault()
        let mounts = try #require(try vault.send("GET", "sys/mounts").json().asObject?["data"])
        #expect(mounts.asObject?.members.map(\.name) == ["cubbyhole/", "identity/", "sys/"])
        let system = try #require(mounts.asObject?["sys/"]?.asObject)
        #expect(system["type"] == "system")
        #expect(system["options"] == .null)
        let auth = try #require(try vault.send("GET", "sys/auth").json().asObject?["data"])
        #expect(auth.asObject?.members.map(\.name) == ["token/"])
        #expect(auth.asObject?["token/"]?.asObject?["config"]?.asObject?["token_type"] != nil)
        let again = try vault.send("GET", "sys/mounts").json().asObject?["data"]
        #expect(again == mounts)
        let other = try TestVault(seed: 2).send("GET", "sys/mounts").data("sys/.accessor")
        #expect(other != system["accessor"])
    }

    @Test("members are shown as clients of raft storage read them")
    func members() throws {
        let vault = try TestVault()
        let status = try vault.send("GET", "sys/ha-status")
        let nodes = try #require(try status.data("nodes")?.asArray)
        #expect(try status.json().asObject?["nodes"]?.asArray == nodes)
        let leader: JSONValue = [
            "hostname": "eu-1", "api_address": "https://127.0.0.1:8200",
            "cluster_address": "https://127.0.0.1:8201", "active_node": true, "last_echo": nil,
            "version": "0.1.0", "upgrade_version": "0.1.0",
        ]
        #expect(nodes.first == leader)
        #expect(nodes.last?.asObject?["last_echo"] == "2026-11-22T22:43:16.5Z")
        let configuration = try vault.send("GET", "sys/storage/raft/configuration")
        let servers = try #require(try configuration.data("config.servers")?.asArray)
        #expect(try configuration.data("config.index") == 0)
        let server: JSONValue = [
            "node_id": "us-1", "address": "127.0.0.1:8301", "leader": false,
            "protocol_version": "3", "voter": true, "region": "us", "zone": "b",
            "api_address": "https://127.0.0.1:8300",
        ]
        #expect(servers.count == 2 && servers.last == server)
    }

    /// As OpenBao answers where it has no Raft storage: it does not read an archive as JSON either.
    @Test(
        "a snapshot is not taken for JSON, and there is no place for one",
        arguments: ["snapshot", "snapshot-force"]
    )
    func snapshots(_ name: String) throws {
        let vault = try TestVault()
        for method in ["POST", "PUT"] {
            let call = TestVault.Call(
                method: method,
                target: "/v1/sys/storage/raft/" + name,
                body: [0x1F, 0x8B, 0x08, 0x00]
            )
            let answer = try vault.send(call)
            #expect(answer.status == 404)
            #expect(answer.errors == ["1 error occurred:\n\t* unsupported path\n\n"])
            var stranger = call
            stranger.token = "s.nobody"
            #expect(try vault.send(stranger).status == 403)
        }
        // Only there.
        #expect(try vault.send("POST", "sys/storage/raft/\(name)s", "no JSON").status == 400)
    }

    @Test("the mounts that are for everybody are shown to everybody")
    func visibleToAll() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/hidden", #"{"type":"kv"}"#)
        try vault.send(
            "POST",
            "sys/mounts/open",
            #"{"type":"kv-v2","description":"d","config":{"listing_visibility":"unauth"}}"#
        )
        let call = TestVault.Call(
            method: "GET",
            target: "/v1/sys/internal/ui/mounts",
            token: ""
        )
        let expected: JSONValue = [
            "auth": [:],
            "secret": [
                "open/": ["description": "d", "options": ["version": "2"], "type": "kv"]
            ],
        ]
        #expect(try vault.send(call).json().asObject?["data"] == expected)
    }

    @Test("a cached mount table is never used for a view that has another one")
    func cache() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/a", #"{"type":"kv"}"#)
        let old = try vault.view { view in try vault.cache.mounts(view) }
        #expect(old.entries.map(\.record.path) == ["a/"])
        try vault.store.view { view throws(any Error) in
            // A request that started before the next mounts were made.
            let before = BarrierView(vault.keyring, over: view)
            try vault.send("POST", "sys/mounts/b", #"{"type":"kv"}"#)
            try vault.send("DELETE", "sys/mounts/a")
            #expect(try vault.cache.mounts(before).entries.map(\.record.path) == ["a/"])
        }
        let new = try vault.view { view in try vault.cache.mounts(view) }
        #expect(new.entries.map(\.record.path) == ["b/"])
        vault.cache.wipe()
        let loaded = try vault.view { view in try vault.cache.mounts(view) }
        #expect(loaded.entries.map(\.record.path) == ["b/"])
    }

    @Test("an unmounted mount leaves its record behind for shredding")
    func retired() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/a", #"{"type":"kv"}"#)
        let id = try #require(try vault.send("GET", "sys/mounts/a").data("uuid")?.asString)
        try vault.send("DELETE", "sys/mounts/a")
        let names = try vault.view { view in
            (
                active: try view.systemNames(SystemPaths.activeMounts),
                retired: try view.systemNames(SystemPaths.retiredMounts)
            )
        }
        #expect(names.active == [])
        #expect(names.retired == [id])
    }

    @Test("operators are let in by their token only")
    func authorize() throws {
        let vault = try TestVault()
        for (token, isAllowed) in [(vault.rootToken, true), ("s.nope", false), ("", false)] {
            let request = AccessRequest(.update, "sys/seal")
            #expect(vault.authorizes(token, request) == isAllowed)
        }
    }

    @Test("the longest path and its mount find each other, however long the path is")
    func matching() {
        let tuning = MountRecord.Tuning()
        let entries = ["a/", "b/c/d/", "e-f/"].map { path in
            MountEntry(
                id: .system,
                record: MountRecord(
                    path: path,
                    type: "kv",
                    kind: .kvVersion1,
                    accessor: "kv_00000000",
                    created: Timestamp(nanoseconds: 0),
                    tuning: tuning
                ),
                modificationIndex: 1
            )
        }
        let table = MountTable(modificationIndex: 1, entries: entries)
        for (path, mount, below) in [
            ("a", "a/", ""), ("a/", "a/", ""), ("a/x/y", "a/", "x/y"), ("b/c/d", "b/c/d/", ""),
            ("b/c/d/", "b/c/d/", ""), ("b/c/d/k", "b/c/d/", "k"), ("b/c", nil, ""),
            ("b/c/", nil, ""), ("b/c/dd/k", nil, ""), ("", nil, ""), ("/", nil, ""),
            ("e-f/k/", "e-f/", "k/"), ("e/k", nil, ""),
        ] as [(String, String?, String)] {
            let match = table.match(path)
            #expect(match?.entry.record.path == mount, "\(path)")
            if mount != nil { #expect(match?.below == below, "\(path)") }
        }
        let deep = "x/" + String(repeating: "y/", count: 2_000)
        #expect(table.match(deep) == nil)
    }
}
