/// Where requests go: scheme, host and port of `https://127.0.0.1:8200`.
package struct Endpoint: Sendable, Hashable {
    package let usesTLS: Bool
    package let host: String
    package let port: Int

    /// Nil unless `text` is `http://host:port` or `https://host:port`, with at most a final slash.
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("https://") {
            usesTLS = true
            rest = rest.dropFirst(8)
        } else if rest.hasPrefix("http://") {
            usesTLS = false
            rest = rest.dropFirst(7)
        } else {
            return nil
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let colon = rest.lastIndex(of: ":"), colon > rest.startIndex,
            let port = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(port)
        else { return nil }
        host = String(rest[..<colon])
        self.port = port
    }

    package var text: String { "\(usesTLS ? "https" : "http")://\(host):\(port)" }
}
