import Testing
import Wire

@testable import API
@testable import Engines

/// What is large, deep or strange, and still has to be right.
@Suite("limits and exactness")
struct LimitTests {
    private func vault() throws -> TestVault {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/m", #"{"type":"kv-v2"}"#)
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        return vault
    }

    @Test(
        "a value of the largest size is stored and read, one byte more is refused with both sizes"
    )
    func values() throws {
        let vault = try vault()
        let room = EngineLimits.valueBytesMax - #"{"v":""}"#.utf8.count
        for path in ["old/k", "m/data/k"] {
            let isVersioned = path.hasPrefix("m/")
            for extra in [0, 1] {
                let text = String(repeating: "x", count: room + extra)
                let value = #"{"v":"\#(text)"}"#
                let body = isVersioned ? #"{"data":\#(value)}"# : value
                let answer = try vault.send("PUT", path, body)
                guard extra == 0 else {
                    #expect(answer.status == 413)
                    #expect(answer.errors.first?.contains("\(EngineLimits.valueBytesMax)") == true)
                    continue
                }
                #expect(answer.status == (isVersioned ? 200 : 204), "\(answer.errors)")
                let read = try vault.send("GET", path)
                #expect(try read.data(isVersioned ? "data.v" : "v")?.asString == text)
            }
        }
    }

    @Test("a name of 4,096 bytes works, however many folders it has, and one more is refused")
    func names() throws {
        let vault = try vault()
        let deep = String(repeating: "a/", count: 2_047) + "bc"
        #expect(deep.utf8.count == EngineLimits.nameBytesMax)
        let flat = String(repeating: "n", count: EngineLimits.nameBytesMax)
        for name in [deep, flat] {
            for (path, body, status) in [
                ("old/\(name)", #"{"a":1}"#, 204), ("m/data/\(name)", #"{"data":{"a":1}}"#, 200),
            ] {
                let written = try vault.send("PUT", path, body)
                #expect(written.status == status, "\(written.errors)")
                #expect(try vault.send("GET", path).status == 200)
                #expect(try vault.send("PUT", path + "x", body).status == 400)
                #expect(try vault.send("GET", path + "x").status != 200)
            }
        }
        #expect(try vault.send("LIST", "m/metadata/a/a/a").data("keys") == ["a/"])
        #expect(try vault.send("DELETE", "m/metadata/\(deep)").status == 204)
        #expect(try vault.send("DELETE", "old/\(deep)").status == 204)
        #expect(try vault.send("LIST", "m/metadata").data("keys") == [.string(flat)])
        #expect(try vault.send("LIST", "old").data("keys") == [.string(flat)])
    }

    @Test("numbers come back as they were sent")
    func numbers() throws {
        let vault = try vault()
        let data = #"{"a":12345678901234567890,"b":1.0,"c":1e2,"d":-0,"e":[0.10,1E+5]}"#
        try vault.send("PUT", "m/data/k", #"{"data":\#(data)}"#)
        try vault.send("PUT", "old/k", data)
        #expect(try vault.send("GET", "m/data/k").text.contains(data))
        #expect(try vault.send("GET", "old/k").text.contains(data))
    }

    @Test("names that only look alike are different")
    func alike() throws {
        let vault = try vault()
        for (number, name) in ["%C3%A9", "e%CC%81", "a%20b", "a+b", "A", "a"].enumerated() {
            try vault.send("PUT", "old/\(name)", #"{"n":\#(number)}"#)
        }
        for (number, name) in ["%C3%A9", "e%CC%81", "a%20b", "a+b", "A", "a"].enumerated() {
            #expect(try vault.send("GET", "old/\(name)").data("n")?.asInt == number)
        }
        #expect(try vault.send("LIST", "old").data("keys")?.asArray?.count == 6)
    }

    @Test("many versions are trimmed in steps that fit one entry")
    func manyVersions() throws {
        var record = KVMetadataRecord(created: Timestamp(nanoseconds: 1))
        record.versionsMax = EngineLimits.versionsMax
        for _ in 0..<2_000 {
            let added = record.addVersion(at: Timestamp(nanoseconds: 2), KVConfigRecord())
            #expect(added.forgotten.isEmpty)
        }
        record.versionsMax = 1
        let first = record.addVersion(at: Timestamp(nanoseconds: 3), KVConfigRecord()).forgotten
        #expect(first.count == EngineLimits.planStepsMax)
        #expect(record.oldestVersion == UInt64(first.count) + 1)
        let second = record.addVersion(at: Timestamp(nanoseconds: 4), KVConfigRecord()).forgotten
        #expect(second.first?.number == record.oldestVersion - UInt64(second.count))
        #expect(record.versions.map(\.number) == [2_002])
        #expect(record.oldestVersion == 2_002)
    }

    @Test("documents that cost too much are refused")
    func complexity() throws {
        let vault = try vault()
        let strings = (0..<1_000).map { _ in #""x""# }.joined(separator: ",")
        let many = try vault.send("PUT", "m/data/k", #"{"data":{"a":[\#(strings)]}}"#)
        #expect(many.status == 400)
        #expect(
            many.errors == [
                "refused JSON input due to high complexity: exceeded maximum number of strings"
            ]
        )
        let deep = String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)
        #expect(try vault.send("PUT", "m/data/k", #"{"data":{"a":\#(deep)}}"#).status == 400)
    }

    @Test(
        "what is not there yet is refused, never ignored",
        arguments: [
            ("POST", "m/config", #"{"max_versions":-1}"#, "max_versions"),
            ("POST", "sys/mounts/x", #"{"type":"kv","local":true}"#, "local"),
            ("POST", "sys/mounts/x", #"{"type":"kv","seal_wrap":true}"#, "seal_wrap"),
            ("POST", "sys/mounts/x", #"{"type":"kv","plugin_version":"v1"}"#, "plugin_version"),
            (
                "POST", "sys/mounts/x", #"{"type":"kv","options":{"version":"3"}}"#,
                "versions 1 and 2"
            ),
            ("POST", "sys/mounts/x", #"{"type":"kv","config":{"max_lease_ttl":-5}}"#, "max TTL"),
            ("POST", "sys/mounts/old/tune", #"{"options":{"version":"3"}}"#, "invalid version"),
            ("POST", "sys/mounts/old/tune", #"{"max_lease_ttl":-5}"#, "invalid duration"),
            ("POST", "sys/mounts/old/tune", #"{"plugin_version":"v9"}"#, "plugin not found"),
            ("POST", "sys/mounts/auth/token/tune", #"{"token_type":"batch"}"#, "cannot be set"),
        ]
    )
    func refusals(_ method: String, _ path: String, _ body: String, _ words: String) throws {
        let vault = try vault()
        let answer = try vault.send(method, path, body)
        #expect(answer.status == 400)
        #expect(answer.errors.first?.contains(words) == true, "\(answer.errors)")
    }

    @Test("a mount at an old path starts empty")
    func mountsAreApart() throws {
        let vault = try vault()
        try vault.send("PUT", "old/k", #"{"a":1}"#)
        try vault.send("DELETE", "sys/mounts/old")
        #expect(try vault.send("GET", "old/k").status == 404)
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        #expect(try vault.send("GET", "old/k").errors == [])
        #expect(try vault.send("LIST", "old").status == 404)
        #expect(try vault.send("GET", "sys/mounts").data("old/") != nil)
    }
}
