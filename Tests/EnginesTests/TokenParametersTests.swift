import Testing
import Wire

@testable import Engines

/// The parameters that all auth methods share, as OpenBao 2.7.2 reads, refuses and shows them.
@Suite("token parameters")
struct TokenParametersTests {
    private func parse(_ json: String) throws -> TokenParameters {
        let raw = try #require(try JSONScanner.parse(Array(json.utf8)).asObject)
        var parameters = TokenParameters()
        let schema = FieldSchema(TokenParameters.schema, looksFirst: true)
        try parameters.apply(Fields(raw, schema))
        try parameters.check()
        return parameters
    }

    static let good = [
        (
            "{}",
            #"{"token_bound_cidrs":[],"token_explicit_max_ttl":0,"token_max_ttl":0,"#
                + #""token_no_default_policy":false,"token_num_uses":0,"token_period":0,"#
                + #""token_policies":[],"token_strictly_bind_ip":false,"token_ttl":0,"#
                + #""token_type":"default"}"#
        ),
        (
            #"{"token_policies":"a, B","token_ttl":"20m","token_max_ttl":3600,"token_num_uses":"5","#
                + #""token_bound_cidrs":"127.0.0.1,10.0.0.5/8","token_no_default_policy":"true","#
                + #""token_explicit_max_ttl":"2h","token_period":"90","token_type":"service"}"#,
            #"{"token_bound_cidrs":["127.0.0.1","10.0.0.5/8"],"token_explicit_max_ttl":7200,"#
                + #""token_max_ttl":3600,"token_no_default_policy":true,"token_num_uses":5,"#
                + #""token_period":90,"token_policies":["a","B"],"token_strictly_bind_ip":false,"#
                + #""token_ttl":1200,"token_type":"service"}"#
        ),
    ]

    @Test("what is good is shown as OpenBao shows it, and reads back", arguments: good)
    func accepts(_ json: String, _ shown: String) throws {
        let parameters = try parse(json)
        let text = JSONValue.object(parameters.members).encoded(sortingKeys: true)
        #expect(String(decoding: text, as: UTF8.self) == shown)
        var writer = ByteWriter()
        parameters.write(to: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try TokenParameters(reading: &reader) == parameters)
        try reader.finish()
    }

    static let bad = [
        (#""token_num_uses":-1"#, "'token_num_uses' cannot be negative"),
        (#""token_type":"zz""#, #"invalid 'token_type' value "zz""#),
        (#""token_type":"default-batch""#, #"invalid 'token_type' value "default-batch""#),
        (
            #""token_ttl":"2h","token_max_ttl":"1h""#,
            "'token_ttl' cannot be greater than 'token_max_ttl'"
        ),
        (
            #""token_type":"batch","token_period":5"#,
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens"
        ),
        (
            #""token_type":"batch","token_num_uses":5"#,
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with "
                + "limited use count"
        ),
        (
            #""token_strictly_bind_ip":true,"token_bound_cidrs":"::1""#,
            "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one"
        ),
        (
            #""token_bound_cidrs":"abc""#,
            #"error parsing address "abc": Unable to convert "abc" to an IPv4 or IPv6 address, or a "#
                + "UNIX Socket"
        ),
        (
            #""token_period":-5"#,
            #"error converting input for field "token_period": cannot provide negative value '-5'"#
        ),
    ]

    @Test("what is wrong is refused in OpenBao's words", arguments: bad)
    func refuses(_ json: String, _ text: String) {
        let error = #expect(throws: EngineError.self) { try parse("{\(json)}") }
        guard case .invalid(let have) = error else {
            Issue.record("\(json) was refused with \(String(describing: error))")
            return
        }
        #expect(have == text)
    }

    @Test("records that are cut or changed are refused or read as something within the limits")
    func damage() throws {
        var writer = ByteWriter()
        try parse(#"{"token_policies":"a,b","token_bound_cidrs":"10.0.0.0/8","token_ttl":60}"#)
            .write(to: &writer)
        let bytes = writer.bytes
        for count in 0..<bytes.count {
            var reader = ByteReader(Array(bytes[..<count]))
            #expect(throws: WireError.self) { try TokenParameters(reading: &reader) }
        }
        for position in bytes.indices {
            for flip in UInt8(1)...255 {
                var changed = bytes
                changed[position] ^= flip
                var reader = ByteReader(changed)
                guard let read = try? TokenParameters(reading: &reader) else { continue }
                #expect(read.boundCIDRs.allSatisfy { AddressBlock($0) != nil })
                #expect(read.policies.count <= EngineLimits.tokenPoliciesMax)
            }
        }
    }
}

/// Addresses of clients and the blocks that users and roles are bound to.
@Suite("addresses")
struct AddressBlockTests {
    static let addresses: [(String, String?)] = [
        ("1.2.3.4", "01020304"), ("0.0.0.0", "00000000"), ("255.255.255.255", "ffffffff"),
        ("::", "00000000000000000000000000000000"), ("::1", "00000000000000000000000000000001"),
        ("2001:DB8::ff", "20010db80000000000000000000000ff"),
        ("1:2:3:4:5:6:7:8", "00010002000300040005000600070008"),
        ("::ffff:1.2.3.4", "01020304"), ("64:ff9b::1.2.3.4", "0064ff9b000000000000000001020304"),
        ("", nil), ("1.2.3", nil), ("1.2.3.4.5", nil), ("01.2.3.4", nil), ("256.2.3.4", nil),
        ("+1.2.3.4", nil), (":", nil), (":::", nil), ("1::2::3", nil), ("12345::", nil),
        ("1:2:3:4:5:6:7", nil), ("1:2:3:4:5:6:7:8:9", nil), ("fe80::1%eth0", nil),
        ("1.2.3.4:80", nil), ("::+1", nil), ("1:2:3:4:5:6:7::8", nil), ("localhost", nil),
    ]

    @Test("an address has one form", arguments: addresses)
    func parses(_ text: String, _ bytes: String?) {
        #expect(IPAddress(text).map { Hex.encode($0.bytes) } == bytes)
    }

    static let blocks: [(String, String, Bool)] = [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.5/8", "10.9.9.9", true), ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "10.0.0.2", false), ("0.0.0.0/0", "9.9.9.9", true),
        ("0.0.0.0/0", "::1", false), ("10.0.0.128/25", "10.0.0.127", false),
        ("10.0.0.128/25", "10.0.0.128", true), ("fe80::/10", "febf::1", true),
        ("fe80::/10", "fec0::1", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("::ffff:10.0.0.0/104", "10.1.1.1", true), ("::/0", "::1", true),
    ]

    @Test("a block holds its addresses and no others", arguments: blocks)
    func contains(_ block: String, _ address: String, _ expected: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try #require(AddressBlock(block)).contains(address) == expected)
        #expect(AddressBlock.allow(address, in: [block]) == expected)
    }

    @Test(
        "what is no block is refused",
        arguments: ["", "/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "1.2.3.4/8/8", "/tmp/socket"]
    )
    func refuses(_ text: String) { #expect(AddressBlock(text) == nil) }

    @Test("an unknown address comes in only where nothing is bound")
    func unknown() {
        #expect(AddressBlock.allow(nil, in: []))
        #expect(!AddressBlock.allow(nil, in: ["0.0.0.0/0"]))
        #expect(!AddressBlock.allow(IPAddress("1.2.3.4"), in: ["damaged"]))
    }
}
