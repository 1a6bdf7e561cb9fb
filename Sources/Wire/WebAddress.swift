/// An address that something may be fetched from: `https://host:port/path?query`.
///
/// Strict, as it says where the vault connects to: no user, no fragment, no byte that is not
/// printable ASCII. Plain `http` is for this machine only, where nobody can be in between.
package struct WebAddress: Sendable, Hashable {
    /// Whether the scheme is https.
    package let usesTLS: Bool
    /// Name or IP address, an IPv6 address without its brackets; lower case.
    package let host: String
    /// 1...65535.
    package let port: Int
    /// Path and query as they are asked for; begins with a slash.
    package let target: String

    /// Bytes in the text of an address.
    package static let bytesMax = 2_048

    /// - Throws: ``WebAddressError``, whose text does not repeat the address.
    package init(_ text: String) throws(WebAddressError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw WebAddressError("it is longer than \(Self.bytesMax) bytes")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x5C }) else {
            throw WebAddressError("it has a byte that no URL has")
        }
        guard !text.utf8.contains(0x23) else { throw WebAddressError("it has a fragment (#)") }
        let bytes = Substring(text).utf8
        let rest: Substring.UTF8View
        (usesTLS, rest) = try Self.withoutScheme(bytes)
        let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains(0x40) else { throw WebAddressError("it has a user (@)") }
        let (hostText, portText) = try Self.split(authority)
        host = String(decoding: hostText.map(Self.lowered), as: UTF8.self)
        if let portText {
            guard (1...5).contains(portText.count),
                portText.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(String(Substring(portText))), (1...65_535).contains(number)
            else { throw WebAddressError("its port is none of 1 to 65535") }
            port = number
        } else {
            port = usesTLS ? 443 : 80
        }
        let path = String(Substring(rest[end...]))
        target = path.utf8.first == 0x2F ? path : "/" + path
        guard usesTLS || isLoopback else {
            throw WebAddressError("http:// is for addresses of this machine only, use https://")
        }
    }

    /// Host and port as the Host header wants them: a port that follows from the scheme is left
    /// out.
    package var authority: String {
        let name = host.utf8.contains(0x3A) ? "[\(host)]" : host
        return port == (usesTLS ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Scheme, host and port: what may be told of it. A path or query may be a secret.
    package var origin: String { "\(usesTLS ? "https" : "http")://\(authority)" }

    /// The whole address.
    package var text: String { origin + target }

    /// Whether the host is an IP address, which has no place in TLS's server name.
    package var isIPAddress: Bool {
        host.utf8.contains(0x3A)
            || host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
    }

    /// Whether it is this machine, by its text alone: a name that leads here counts for nothing.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0].elementsEqual("127".utf8)
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy { (0x30...0x39).contains($0) }
                    && (Int(String(Substring(part))) ?? 256) < 256
            }
    }

    /// Where a redirect leads to. The scheme stays the same.
    ///
    /// - Parameter location: absolute, or a path from the root.
    package func following(_ location: String) throws(WebAddressError) -> WebAddress {
        let isPath =
            location.utf8.first == 0x2F && location.utf8.dropFirst().first != 0x2F
        let next = try WebAddress(isPath ? origin + location : location)
        guard next.usesTLS == usesTLS else {
            throw WebAddressError("it leads to another scheme")
        }
        return next
    }

    private static func withoutScheme(
        _ bytes: Substring.UTF8View
    ) throws(WebAddressError) -> (Bool, Substring.UTF8View) {
        for (scheme, usesTLS) in [("https://", true), ("http://", false)]
        where bytes.prefix(scheme.utf8.count).map(lowered).elementsEqual(scheme.utf8) {
            return (usesTLS, bytes.dropFirst(scheme.utf8.count))
        }
        throw WebAddressError("it does not begin with https://")
    }

    private static func split(
        _ authority: Substring.UTF8View
    ) throws(WebAddressError) -> (Substring.UTF8View, Substring.UTF8View?) {
        let refusal = WebAddressError("its host is neither a name nor an IP address")
        if authority.first == 0x5B {
            guard let end = authority.firstIndex(of: 0x5D) else { throw refusal }
            let host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard host.contains(0x3A), host.allSatisfy({ isHex($0) || $0 == 0x3A || $0 == 0x2E }),
                rest.isEmpty || rest.first == 0x3A
            else { throw refusal }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        let colon = authority.firstIndex(of: 0x3A) ?? authority.endIndex
        let host = authority[..<colon]
        guard (1...253).contains(host.count), host.allSatisfy(isNameByte) else { throw refusal }
        let rest = authority[colon...]
        return (host, rest.isEmpty ? nil : rest.dropFirst())
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte + 32 : byte
    }
}

/// Why a text is no address that something is fetched from.
package struct WebAddressError: Error, Equatable {
    /// What is wrong with it, lower case; to be put behind what names the address.
    package let text: String

    init(_ text: String) { self.text = text }
}
