/// Where a node listens for clients: the parts of `https://127.0.0.1:8200`.
package struct ServerAddress: Sendable, Hashable {
    /// Whether the scheme is https.
    package let usesTLS: Bool
    /// Name or IP address, an IPv6 address without its brackets.
    package let host: String
    /// 1...65535.
    package let port: Int

    /// Reads a URL with scheme http or https. Without a port it is 443 or 80, as in any URL. A
    /// final slash is ignored; a path, a user or a query is refused, since it would be ignored.
    ///
    /// - Throws: ``ClientError/badAddress(_:)``.
    package init(_ text: String) throws(ClientError) {
        let bytes = text.utf8
        var rest: Substring.UTF8View
        if bytes.starts(with: "https://".utf8) {
            usesTLS = true
            rest = Substring(text).utf8.dropFirst(8)
        } else if bytes.starts(with: "http://".utf8) {
            usesTLS = false
            rest = Substring(text).utf8.dropFirst(7)
        } else {
            throw .badAddress(text)
        }
        if rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        let (hostText, portText) = try Self.split(rest, of: text)
        guard !hostText.isEmpty, hostText.utf8.allSatisfy(Self.isHostByte) else {
            throw .badAddress(text)
        }
        host = hostText
        if let portText {
            guard let number = Int(portText), (1...65_535).contains(number) else {
                throw .badAddress(text)
            }
            port = number
        } else {
            port = usesTLS ? 443 : 80
        }
    }

    /// The URL, without a final slash, always with the port.
    package var text: String { "\(usesTLS ? "https" : "http")://\(authority)" }

    /// Host and port as the Host header wants them.
    package var authority: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether the host is an IP address, which has no place in TLS's server name.
    package var isIPAddress: Bool {
        host.utf8.contains(UInt8(ascii: ":"))
            || host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }

    private static func split(
        _ rest: Substring.UTF8View,
        of text: String
    ) throws(ClientError) -> (String, String?) {
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { throw .badAddress(text) }
            let host = String(Substring(rest[rest.index(after: rest.startIndex)..<end]))
            let after = rest[rest.index(after: end)...]
            if after.isEmpty { return (host, nil) }
            guard after.first == UInt8(ascii: ":") else { throw .badAddress(text) }
            return (host, String(Substring(after.dropFirst())))
        }
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else {
            return (String(Substring(rest)), nil)
        }
        let port = rest[rest.index(after: colon)...]
        return (String(Substring(rest[..<colon])), String(Substring(port)))
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
