package import Engines

/// A client's address and port, read from the text that a connection has.
package struct ClientAddress: Sendable, Equatable {
    /// Without its port.
    package let ip: IPAddress
    /// 0 where it is not known.
    package let port: UInt16

    /// - Parameter text: `127.0.0.1:51234` or `[::1]:51234`. Nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.utf8.lastIndex(of: 0x3A),
            let port = UInt16(text[text.utf8.index(after: colon)...])
        else { return nil }
        var host = text.utf8[..<colon]
        if host.first == 0x5B, host.last == 0x5D { host = host.dropFirst().dropLast() }
        guard let host = String(host), let ip = IPAddress(host) else { return nil }
        self.ip = ip
        self.port = port
    }
}
