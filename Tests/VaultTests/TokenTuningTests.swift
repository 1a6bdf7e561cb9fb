import Barrier
import Engines
import Store
import Testing
import Wire

@testable import Vault

/// The tuning of the auth method `token/`, and what it makes of the lives of tokens. Numbers and
/// texts were compared with OpenBao 2.7.2.
@Suite("tuning of auth/token/")
struct TokenTuningTests {
    @discardableResult
    private func tune(
        _ vault: TestVault,
        _ body: String,
        in namespace: String = ""
    ) throws -> TestVault.Answer {
        try vault.send(in: namespace, "POST", "sys/auth/token/tune", body)
    }

    private func shown(_ vault: TestVault, in namespace: String = "") throws -> JSONObject {
        let answer = try vault.send(in: namespace, "GET", "sys/auth/token/tune")
        return try #require(try answer.json().asObject?["data"]?.asObject)
    }

    private func config(_ vault: TestVault, in namespace: String = "") throws -> JSONObject {
        let answer = try vault.send(in: namespace, "GET", "sys/auth/token")
        return try #require(try answer.data("config")?.asObject)
    }

    private func leases(_ members: JSONObject) -> [Int?] {
        [members.number("default_lease_ttl"), members.number("max_lease_ttl")]
    }

    /// Seconds of an answer's token.
    private func seconds(_ answer: TestVault.Answer) throws -> Int? {
        try answer.json().asObject?["auth"]?.asObject?.number("lease_duration")
    }

    // MARK: the record

    @Test("what is tuned is kept and shown, whichever of its two paths is taken")
    func shows() throws {
        let vault = try TestVault()
        let untuned = try shown(vault)
        #expect(leases(untuned) == [2_764_800, 2_764_800])
        #expect(untuned.text("description") == "token based credentials")
        let body = """
            {"default_lease_ttl":"1h","max_lease_ttl":7200,"description":"d","options":{"a":"b"},
            "listing_visibility":"hidden","audit_non_hmac_request_keys":"x,y",
            "audit_non_hmac_response_keys":["z"],"passthrough_request_headers":["X-A"],
            "allowed_response_headers":"X-B","token_type":null,"user_lockout_config":{}}
            """
        #expect(try vault.send("POST", "sys/mounts/auth/token/tune", body).status == 204)
        for path in ["sys/auth/token/tune", "sys/mounts/auth/token/tune"] {
            let answer = try vault.send("GET", path)
            let expected: JSONValue = [
                "allowed_response_headers": ["X-B"], "audit_non_hmac_request_keys": ["x", "y"],
                "audit_non_hmac_response_keys": ["z"], "default_lease_ttl": 3_600,
                "description": "d", "force_no_cache": false, "listing_visibility": "hidden",
                "max_lease_ttl": 7_200, "options": ["a": "b"],
                "passthrough_request_headers": ["X-A"], "token_type": "default-service",
            ]
            #expect(try answer.json().asObject?["data"]?.asObject?.sorted() == expected.asObject)
        }
        let all = try vault.send("GET", "sys/auth").data("token/")?.asObject
        #expect(all?.text("description") == "d" && all?["options"] == ["a": "b"])
        #expect(all?["config"]?.asObject?.number("default_lease_ttl") == 3_600)
        #expect(try config(vault)["audit_non_hmac_response_keys"] == ["z"])
        // What is not named stays.
        #expect(try tune(vault, #"{"description":"e"}"#).status == 204)
        #expect(leases(try shown(vault)) == [3_600, 7_200])
        #expect(try tune(vault, #"{"default_lease_ttl":"0","max_lease_ttl":"0s"}"#).status == 204)
        #expect(leases(try config(vault)) == [0, 0])
        #expect(leases(try shown(vault)) == [2_764_800, 2_764_800])
        #expect(try shown(vault).text("description") == "e")
    }

    @Test(
        "what cannot be is refused, and changes nothing",
        arguments: [
            (#"{"max_lease_ttl":"30m"}"#, "backend max lease TTL of 1800 would be less than"),
            (#"{"default_lease_ttl":"3h"}"#, "default lease TTL of 10800"),
            (#"{"default_lease_ttl":"-1h"}"#, "invalid duration"),
            (#"{"max_lease_ttl":"x"}"#, "invalid duration"),
            (#"{"description":"x","token_type":"service"}"#, "cannot be set for 'token'"),
            (#"{"description":"x","token_type":""}"#, "cannot be set for 'token'"),
            (#"{"listing_visibility":"bogus"}"#, "invalid listing_visibility bogus"),
            (#"{"plugin_version":"v1.0.0"}"#, "catalog: token, version=v1.0.0"),
            (
                #"{"user_lockout_config":{"lockout_threshold":"3"}}"#,
                #"auth type "token" not allowed"#
            ),
        ]
    )
    func refusals(_ body: String, _ words: String) throws {
        let vault = try TestVault()
        try tune(vault, #"{"default_lease_ttl":"1h","max_lease_ttl":"2h"}"#)
        let before = try shown(vault)
        let answer = try tune(vault, body)
        #expect(answer.status == 400 && answer.errors.first?.contains(words) == true)
        #expect(try shown(vault) == before)
    }

    @Test("who has no token sees the method once it wants that")
    func visible() throws {
        let vault = try TestVault()
        func methods() throws -> JSONValue? {
            try vault.send(as: "", "GET", "sys/internal/ui/mounts").data("auth")
        }
        #expect(try methods() == [:])
        try tune(vault, #"{"listing_visibility":"unauth","description":"d"}"#)
        #expect(
            try methods()
                == ["token/": ["description": "d", "options": .null, "type": "token"]]
        )
    }

    @Test("keys that audit records show as they are come from the tuning")
    func auditKeys() throws {
        let vault = try TestVault()
        try tune(
            vault,
            #"{"audit_non_hmac_request_keys":"ttl","audit_non_hmac_response_keys":"path"}"#
        )
        let trace = VaultTrace()
        let request = try vault.vaultRequest("GET", "auth/token/lookup-self")
        let environment = vault.environment()
        vault.store.view { view in
            _ = VaultCore.step(request, in: environment, view: view, trace: trace)
        }
        #expect(trace.facts.mount?.clearRequestKeys == ["ttl"])
        #expect(trace.facts.mount?.clearResponseKeys == ["path"])
    }

    @Test("a record that is damaged is not taken for one that is missing")
    func damaged() throws {
        let tuning = MountRecord.Tuning(description: "d", leaseSeconds: 5)
        let bytes = TokenMethod.encoded(tuning)
        for value in [[], [2], Array(bytes.dropLast()), bytes + [0]] {
            let vault = try TestVault()
            try tune(vault, #"{"description":"d"}"#)
            try vault.change { builder in
                try builder.put(.system, SystemPaths.tokenMethod, value)
                try builder.put(.system, SystemPaths.mountTable, MountTable.marker)
            }
            #expect(try vault.send("GET", "sys/auth/token/tune").status == 500)
            #expect(try vault.send("POST", "auth/token/create", "{}").status == 500)
        }
    }

    // MARK: new tokens

    private static let newborns: [(body: String, seconds: Int, warnings: Int)] = [
        (#"{"policies":["default"]}"#, 3_600, 0),
        (#"{"policies":["default"],"ttl":"30m"}"#, 1_800, 0),
        (#"{"policies":["default"],"ttl":"3h"}"#, 7_200, 1),
        (#"{"policies":["default"],"explicit_max_ttl":"3h"}"#, 3_600, 0),
        (#"{"policies":["default"],"explicit_max_ttl":"3h","ttl":"4h"}"#, 7_200, 1),
        (#"{"policies":["default"],"explicit_max_ttl":"30m"}"#, 1_800, 1),
        (#"{"policies":["default"],"period":"3h"}"#, 7_200, 1),
        (#"{"policies":["default"],"type":"batch"}"#, 3_600, 0),
        (#"{"policies":["default"],"type":"batch","ttl":"3h"}"#, 7_200, 1),
        // A root token ends only where it is told to.
        ("{}", 0, 0), (#"{"ttl":"3h"}"#, 7_200, 1), (#"{"explicit_max_ttl":"3h"}"#, 10_800, 0),
    ]

    @Test("a new token lives as the tuning says", arguments: newborns)
    func births(_ body: String, _ seconds: Int, _ warnings: Int) throws {
        let vault = try TestVault()
        try tune(vault, #"{"default_lease_ttl":"1h","max_lease_ttl":"2h"}"#)
        for path in ["auth/token/create", "auth/token/create-orphan"] {
            let made = try vault.create(body, at: path)
            #expect(made.auth.number("lease_duration") == seconds)
            #expect(made.warnings.count == warnings, "\(made.warnings)")
            #expect(try vault.lookup(made.token).number("creation_ttl") == seconds)
        }
    }

    @Test("a maximum below the default of the system caps it, and a longer one is granted")
    func aroundSystem() throws {
        let vault = try TestVault()
        let body = #"{"policies":["default"]}"#
        try tune(vault, #"{"max_lease_ttl":"2h"}"#)
        #expect(leases(try shown(vault)) == [2_764_800, 7_200])
        let capped = try vault.create(body)
        #expect(capped.auth.number("lease_duration") == 7_200)
        #expect(
            capped.warnings == [
                #"TTL of "768h" exceeded the effective max_ttl of "2h"; TTL value is capped"#
                    + " accordingly"
            ]
        )
        try tune(vault, #"{"max_lease_ttl":"1000h","default_lease_ttl":"900h"}"#)
        #expect(try vault.create(body).auth.number("lease_duration") == 3_240_000)
        let long = try vault.create(#"{"policies":["default"],"ttl":"2000h"}"#)
        #expect(long.auth.number("lease_duration") == 3_600_000 && long.warnings.count == 1)
    }

    @Test("roles keep to the tuning, and are warned when they are written")
    func roles() throws {
        let vault = try TestVault()
        try tune(vault, #"{"default_lease_ttl":"1h","max_lease_ttl":"2h"}"#)
        let path = "auth/token/roles/"
        let role = try vault.send("POST", path + "a", #"{"token_explicit_max_ttl":"3h"}"#)
        #expect(role.status == 200)
        #expect(role.text.contains("10800 is greater than system/mount allowed value of 7200 sec"))
        #expect(try vault.send("POST", path + "b", #"{"token_period":"3h"}"#).status == 204)
        let body = #"{"policies":["default"]}"#
        let made = try vault.create(body, at: "auth/token/create/a")
        #expect(made.auth.number("lease_duration") == 3_600)
        let renew = #"{"token":"\#(made.token)","increment":"5h"}"#
        let renewed = try seconds(vault.send("POST", "auth/token/renew", renew)) ?? 0
        #expect(renewed > 7_100 && renewed <= 7_200)
        let periodic = try vault.create(body, at: "auth/token/create/b")
        #expect(periodic.auth.number("lease_duration") == 7_200 && periodic.warnings.count == 1)
    }

    // MARK: tokens that are there

    @Test("a renewal counts with the tuning of the day, not with that of the birth")
    func renewals() throws {
        let vault = try TestVault()
        let plain = try vault.create(#"{"policies":["default"],"ttl":"10h"}"#).token
        let periodic = try vault.create(#"{"policies":["default"],"period":"10h"}"#).token
        func renewed(_ token: String, _ increment: String = "0") throws -> TestVault.Answer {
            let body = #"{"token":"\#(token)","increment":"\#(increment)"}"#
            return try vault.send("POST", "auth/token/renew", body)
        }
        try tune(vault, #"{"default_lease_ttl":"10m","max_lease_ttl":"20m"}"#)
        // The old end stands until somebody renews.
        #expect(try vault.lookup(plain).number("ttl") ?? 0 > 35_000)
        let capped = try seconds(renewed(plain)) ?? 0
        #expect(capped > 1_100 && capped <= 1_200)
        #expect(try seconds(renewed(plain, "15m")) == 900)
        #expect(try seconds(renewed(periodic)) == 1_200)
        #expect(try vault.lookup(periodic).number("period") == 36_000)
        vault.now += 1_300_000_000_000
        #expect(try !vault.isAlive(plain))
        // Once the new maximum is behind a token, nothing renews it; a period starts anew.
        try tune(vault, #"{"default_lease_ttl":"system","max_lease_ttl":"system"}"#)
        let late = try vault.create(#"{"policies":["default"],"ttl":"10h"}"#).token
        vault.now += 60_000_000_000
        try tune(vault, #"{"default_lease_ttl":"10s","max_lease_ttl":"30s"}"#)
        let refused = try renewed(late)
        #expect(refused.status == 400 && refused.errors == ["past the max TTL, cannot renew"])
        #expect(try vault.isAlive(late))
        try tune(vault, #"{"default_lease_ttl":"0","max_lease_ttl":"2000h"}"#)
        #expect(try seconds(renewed(late, "1000h")) == 3_600_000)
    }

    @Test("what is on its way is not given a life that was taken back meanwhile")
    func race() throws {
        let vault = try TestVault()
        let token = try vault.create(#"{"policies":["default"]}"#).token
        for (path, body) in [
            ("auth/token/create", #"{"policies":["default"]}"#),
            ("auth/token/create-orphan", #"{"policies":["default"],"period":"1h"}"#),
            ("auth/token/renew", #"{"token":"\#(token)"}"#),
        ] {
            let request = try vault.vaultRequest("POST", path, body)
            guard case .commit(let late, _) = vault.step(request) else {
                throw TestFailure("\(path) must write")
            }
            try tune(vault, #"{"description":"\#(path)","max_lease_ttl":"20m"}"#)
            guard case .rejected = try vault.commit(late) else {
                throw TestFailure("\(path) was applied")
            }
            let again = try seconds(vault.send("POST", path, body)) ?? 0
            #expect(again > 1_100 && again <= 1_200)
            try tune(vault, #"{"max_lease_ttl":"system"}"#)
        }
        let other = try vault.vaultRequest("POST", "sys/auth/token/tune", #"{"description":"1"}"#)
        guard case .commit(let late, _) = vault.step(other) else {
            throw TestFailure("tuning must write")
        }
        try tune(vault, #"{"description":"2"}"#)
        guard case .rejected = try vault.commit(late) else {
            throw TestFailure("the older of two tunings was applied")
        }
    }

    // MARK: namespaces

    @Test("a namespace has its own tuning, and where that says nothing the root namespace's")
    func namespaces() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a/b")
        let body = #"{"policies":["default"]}"#
        func born(_ namespace: String) throws -> Int? {
            try seconds(vault.send(in: namespace, "POST", "auth/token/create", body))
        }
        try tune(vault, #"{"default_lease_ttl":"1h","max_lease_ttl":"2h","description":"r"}"#)
        for namespace in ["a", "a/b"] {
            #expect(leases(try config(vault, in: namespace)) == [0, 0])
            #expect(leases(try shown(vault, in: namespace)) == [3_600, 7_200])
            #expect(try shown(vault, in: namespace).text("token_type") == "default")
            let description = try shown(vault, in: namespace).text("description")
            #expect(description == "token based credentials")
            #expect(try born(namespace) == 3_600)
        }
        #expect(try tune(vault, #"{"default_lease_ttl":"10m"}"#, in: "a").status == 204)
        #expect(leases(try shown(vault, in: "a")) == [600, 7_200])
        #expect(try [born("a"), born("a/b"), born("")] == [600, 3_600, 3_600])
        try tune(vault, #"{"max_lease_ttl":"5m","default_lease_ttl":"4m"}"#, in: "a/b")
        #expect(try [born("a"), born("a/b"), born("")] == [600, 240, 3_600])
        let refused = try tune(vault, #"{"token_type":"batch"}"#, in: "a")
        #expect(refused.errors.first?.contains("'token' or 'ns_token'") == true)
        let lockout = #"{"user_lockout_config":{"lockout_disable":true}}"#
        #expect(try tune(vault, lockout, in: "a").text.contains("ns_token"))
        // What is on its way in a namespace rests on the root namespace's tuning as well.
        var request = try vault.vaultRequest("POST", "auth/token/create", body)
        request.namespace = "a/"
        guard case .commit(let late, _) = vault.step(request) else {
            throw TestFailure("a creation must write")
        }
        try tune(vault, #"{"default_lease_ttl":"system","max_lease_ttl":"system"}"#)
        guard case .rejected = try vault.commit(late) else {
            throw TestFailure("it was applied")
        }
        #expect(try [born("a"), born("a/b"), born("")] == [600, 240, 2_764_800])
    }

    @Test("tuning needs sudo, as that of every auth method")
    func rights() throws {
        let vault = try TestVault()
        try vault.writePolicy("p", #"path "sys/auth/*" { capabilities = ["read", "update"] }"#)
        let token = try vault.create(#"{"policies":["p"]}"#).token
        let path = "sys/auth/token/tune"
        #expect(try vault.send(as: token, "POST", path, #"{"description":"x"}"#).status == 403)
        #expect(try shown(vault).text("description") == "token based credentials")
    }
}
