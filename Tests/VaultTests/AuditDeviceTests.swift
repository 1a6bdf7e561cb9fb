import Audit
import Cryptography
import Testing
import Wire

@testable import Vault

/// `sys/audit` and `sys/audit-hash`, and the record behind them.
@Suite("audit devices")
struct AuditDeviceTests {
    private func device(
        _ path: String,
        _ type: String,
        _ options: [(String, String)]
    ) throws -> AuditDevice {
        try AuditDevice(
            path: path,
            type: type,
            options: options.map { MountRecord.Option(name: $0.0, value: $0.1) },
            description: "of \(path)",
            isLocal: true,
            salt: [UInt8](repeating: 7, count: AuditDevice.saltBytes)
        )
    }

    @Test("the record is read back as it was, and damage never traps")
    func record() throws {
        var table = AuditDeviceTable()
        table.devices = [
            try device("file/", "file", [("file_path", "/var/log/audit.log"), ("mode", "0640")]),
            try device("far/", "syslog", [("address", "[2001:db8::1]:6514"), ("tag", "vault")]),
        ]
        let bytes = table.encoded()
        #expect(try AuditDeviceTable(decoding: bytes) == table)
        for length in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                _ = try AuditDeviceTable(decoding: Array(bytes.prefix(length)))
            }
        }
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x80
            _ = try? AuditDeviceTable(decoding: damaged)
        }
    }

    @Test("options mean what they mean to OpenBao")
    func options() throws {
        let file = try device("a/", "file", [("path", "/a"), ("hmac_accessor", "F")]).plan
        #expect(file.target == .file(path: "/a", mode: 0o600))
        #expect(!file.hashesAccessors && !file.elidesLists && file.prefix.isEmpty)
        let kept = try device(
            "a/",
            "file",
            [("file_path", "/a"), ("mode", "0000"), ("prefix", "x"), ("elide_list_responses", "1")]
        ).plan
        #expect(kept.target == .file(path: "/a", mode: nil))
        #expect(kept.hashesAccessors && kept.elidesLists && kept.prefix == "x")
        #expect(try device("a/", "file", [("file_path", "discard")]).plan.target == .discard)
        #expect(try device("a/", "file", [("file_path", "stdout")]).plan.target == .standardOutput)
        guard
            case .syslog(let far) = try device(
                "a/",
                "syslog",
                [
                    ("address", "[2001:db8::1]:6514"), ("facility", "local3"), ("tag", "v"),
                    ("write_timeout", "5s"), ("tls_server_name", "logs"),
                ]
            ).plan.target
        else {
            Issue.record("not a collector")
            return
        }
        #expect(far.host == "2001:db8::1" && far.port == 6_514 && far.isTLS)
        #expect(far.facility == .local3 && far.tag == "v" && far.timeoutSeconds == 5)
        #expect(far.serverName == "logs")
    }

    private static let refusals: [(String, String)] = [
        (#"{"type":"nope"}"#, #"unknown backend type: "nope""#),
        ("{}", #"unknown backend type: """#),
        (#"{"type":"file"}"#, "file_path is required"),
        (
            #"{"type":"file","options":{"file_path":"/a","format":"x"}}"#,
            #"unknown format type "x""#
        ),
        (
            #"{"type":"file","options":{"file_path":"/a","mode":"999"}}"#,
            #"strconv.ParseUint: parsing "999": invalid syntax"#
        ),
        (
            #"{"type":"file","options":{"file_path":"/a","hmac_accessor":"maybe"}}"#,
            #"strconv.ParseBool: parsing "maybe": invalid syntax"#
        ),
        (
            #"{"type":"syslog","options":{"facility":"nope"}}"#,
            "invalid syslog facility: NOPE"
        ),
        (#"{"type":"syslog"}"#, "address is required"),
    ]

    @Test("what is wrong is said as OpenBao says it", arguments: refusals)
    func refusal(_ body: String, _ text: String) throws {
        let vault = try TestVault()
        let answer = try vault.send("PUT", "sys/audit/x", body)
        #expect(answer.status == 400)
        let errors = try answer.json().asObject?["errors"]?.asArray?.compactMap(\.asString)
        #expect(errors == [text])
    }

    @Test(
        "what would be written in the clear, or not at all, is refused",
        arguments: [
            #"{"file_path":"/a","log_raw":"true"}"#, #"{"file_path":"relative"}"#,
            #"{"file_path":"/a","mode":"0755"}"#, #"{"file_path":"/a","prefix":"a\nb"}"#,
            #"{"file_path":"/a","prefix":"ssh-ed25519 AAAAC"}"#,
            #"{"file_path":"/a","filter":"x"}"#, #"{"file_path":"/a","mode":"7777"}"#,
        ]
    )
    func ours(_ options: String) throws {
        let vault = try TestVault()
        let body = #"{"type":"file","options":\#(options)}"#
        #expect(try vault.send("PUT", "sys/audit/x", body).status == 400)
    }

    @Test("a device is made, listed, hashes, and is taken away")
    func life() throws {
        let vault = try TestVault()
        let body = #"{"type":"file","description":"d","options":{"file_path":"/a"}}"#
        #expect(try vault.send("PUT", "sys/audit/file", body).status == 204)
        for path in ["file", "file/below"] {
            #expect(try vault.send("PUT", "sys/audit/\(path)", body).status == 400)
        }
        let list = try vault.send("GET", "sys/audit", "")
        let shown = try #require(try list.json().asObject?["file/"]?.asObject)
        #expect(shown["description"]?.asString == "d" && shown["local"]?.asBool == false)
        #expect(shown["options"]?.asObject?["file_path"]?.asString == "/a")
        let table = try vault.view { try $0.auditDevices() }
        let device = try #require(table.device(at: "file/"))
        #expect(Set(device.salt).count > 8)
        let hash = try vault.send("POST", "sys/audit-hash/file", #"{"input":"swordfish"}"#)
        let text = try hash.json().asObject?["hash"]?.asString
        #expect(text == device.hash.text("swordfish"))
        #expect(try vault.send("POST", "sys/audit-hash/nope", #"{"input":"x"}"#).status == 400)
        for _ in 1...2 { #expect(try vault.send("DELETE", "sys/audit/file", "").status == 204) }
        #expect(try vault.view { try $0.auditDevices() }.devices.isEmpty)
    }

    @Test("there are only so many")
    func bound() throws {
        let vault = try TestVault()
        let body = #"{"type":"file","options":{"file_path":"discard"}}"#
        for number in 0..<VaultLimits.auditDevicesMax {
            #expect(try vault.send("PUT", "sys/audit/d\(number)", body).status == 204)
        }
        #expect(try vault.send("PUT", "sys/audit/more", body).status == 400)
    }
}
