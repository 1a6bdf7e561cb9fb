import Testing

@testable import Wire

/// Where the vault may be told to connect to.
@Suite("web addresses")
struct WebAddressTests {
    static let sound: [(text: String, shown: String, target: String)] = [
        ("https://issuer.example", "https://issuer.example", "/"),
        ("https://issuer.example/", "https://issuer.example", "/"),
        ("HTTPS://Issuer.Example:443/Keys", "https://issuer.example", "/Keys"),
        ("https://issuer.example:8443/a/b?c=d/e", "https://issuer.example:8443", "/a/b?c=d/e"),
        ("https://issuer.example?x=1", "https://issuer.example", "/?x=1"),
        ("https://10.1.2.3:1/k", "https://10.1.2.3:1", "/k"),
        ("https://[2001:db8::1]/k", "https://[2001:db8::1]", "/k"),
        ("https://[::1]:65535/k", "https://[::1]:65535", "/k"),
        ("http://127.0.0.1:8000/k", "http://127.0.0.1:8000", "/k"),
        ("http://127.255.0.9/k", "http://127.255.0.9", "/k"),
        ("http://localhost:80", "http://localhost", "/"),
        ("http://LOCALHOST:81", "http://localhost:81", "/"),
        ("http://[::1]:8000/k", "http://[::1]:8000", "/k"),
        ("https://a_b-c.d/%2e", "https://a_b-c.d", "/%2e"),
    ]

    @Test("are read", arguments: sound.indices)
    func reads(_ row: Int) throws {
        let row = Self.sound[row]
        let address = try WebAddress(row.text)
        #expect(address.origin == row.shown)
        #expect(address.target == row.target)
        #expect(try WebAddress(address.text) == address)
    }

    @Test(
        "are refused",
        arguments: [
            "", "issuer.example", "//issuer.example", "ftp://issuer.example", "https:",
            "https://", "https:///k", "https://:443/", "https:/issuer.example/", "file:///etc/x",
            "https://user@issuer.example/", "https://user:word@issuer.example/",
            "https://issuer.example#part", "https://issuer.example:0/", "https://issuer.example:/",
            "https://issuer.example:65536/", "https://issuer.example:+1/",
            "https://issuer.example:123456/", "https://issuer.example:1x/",
            "https://issuer example/", "https://issuer.example/a b", "https://issuer.example/\r\n",
            "https://issuer.example/\u{0}", "https://issuer.example/ü", "https://ü.example/",
            "https://issuer.example\\@evil/", "https://[::1", "https://[::1]x/", "https://[]/",
            "https://[issuer]/", "https://::1/", "https://%31/", "http://issuer.example/",
            "http://10.0.0.1/", "http://127.0.0.1.example/", "http://127.0.0/", "http://127.1/",
            "http://127.0.0.256/", "http://127.0.0.1x/", "http://localhost.example/",
            "http://[::2]/", "http://[::ffff:127.0.0.1]/", "http://0/", "http://0.0.0.0/",
            "https://" + String(repeating: "a", count: 254) + "/",
            "https://a/" + String(repeating: "a", count: WebAddress.bytesMax),
        ]
    )
    func refuses(_ text: String) {
        #expect(throws: WebAddressError.self) { try WebAddress(text) }
    }

    static let redirects: [(from: String, to: String, expected: String?)] = [
        ("https://a/x", "/y?z", "https://a/y?z"), ("https://a/x", "https://b:1/y", "https://b:1/y"),
        ("https://a/x", "http://a/y", nil), ("https://a/x", "http://127.0.0.1/y", nil),
        ("https://a/x", "//b/y", nil), ("https://a/x", "y", nil), ("https://a/x", "", nil),
        ("https://a/x", "ftp://a/y", nil), ("http://localhost/x", "https://a/y", nil),
        ("http://localhost/x", "http://127.0.0.1:9/y", "http://127.0.0.1:9/y"),
        ("http://localhost/x", "http://a/y", nil), ("https://a:8/x", "/y", "https://a:8/y"),
    ]

    @Test("redirects stay with the scheme", arguments: redirects.indices)
    func follows(_ row: Int) throws {
        let row = Self.redirects[row]
        let next = try? WebAddress(row.from).following(row.to)
        #expect(next?.text == row.expected)
    }

    @Test("an IP address has no place in a server name")
    func ipAddresses() throws {
        #expect(try WebAddress("https://10.1.2.3").isIPAddress)
        #expect(try WebAddress("https://[::1]").isIPAddress)
        #expect(try !WebAddress("https://10.1.2.3.example").isIPAddress)
    }
}
