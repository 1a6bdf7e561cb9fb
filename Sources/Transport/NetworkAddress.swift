/// Where to listen or whom to dial: a host name or an IP address, and a port.
///
/// Text form: `host:port`, `[ipv6]:port`; an empty host means every local address.
package struct NetworkAddress: Sendable, Hashable {
    /// Host name or IP address, without brackets.
    package let host: String
    /// 0...65535; 0 lets the system choose when listening.
    package let port: Int

    /// - Precondition: the port is within 0...65535.
    package init(host: String, port: Int) {
        precondition((0...65_535).contains(port), "a port has 16 bits")
        self.host = host
        self.port = port
    }

    /// Reads the text form.
    ///
    /// - Throws: ``TransportError/address(_:)`` for anything else, a missing port included.
    package init(parsing text: String) throws(TransportError) {
        guard let colon = text.lastIndex(of: ":"), text.utf8.count <= 300 else {
            throw .address(text)
        }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.count <= 5,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { throw .address(text) }
        var host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .address(text)
        }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5B && $0 != 0x5D }) else {
            throw .address(text)
        }
        self.init(host: String(host), port: Int(port))
    }

    /// The text form; reading it gives the same address.
    package var text: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
