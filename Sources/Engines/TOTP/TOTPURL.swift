import Wire

/// What an `otpauth://totp/` URL says: `otpauth://totp/<issuer>:<account>?secret=…&issuer=…`.
///
/// There is no standard for it; authenticator applications agree on the names.
struct TOTPURL {
    var issuer: String
    var account: String
    /// Base32.
    var key: String
    /// Seconds.
    var period: Int
    var digits: Int
    var algorithm: String

    /// Takes over what a URL says; what it does not name stays, but for the account and the key.
    mutating func read(_ text: String) throws(EngineError) {
        let bytes = Array(text.utf8)
        let scheme = Array("otpauth://".utf8)
        guard bytes.starts(with: scheme) else {
            throw .invalid("an error occurred while parsing url string")
        }
        let url = bytes[scheme.count...].prefix { $0 != 0x23 }
        let question = url.firstIndex(of: 0x3F) ?? url.endIndex
        let place = url[..<question]
        let slash = place.firstIndex(of: 0x2F) ?? place.endIndex
        // A counter's key would give codes that nobody accepts.
        guard String(decoding: place[..<slash], as: UTF8.self) == "totp" else {
            throw .invalid("the url is not an otpauth://totp/ url")
        }
        guard let label = Self.decoded(place[slash...].dropFirst(), isQuery: false) else {
            throw .invalid("an error occurred while parsing url string")
        }
        try read(label: label, Self.parameters(url[question...].dropFirst()))
    }

    private mutating func read(
        label: String,
        _ parameters: [(name: String, value: String)]
    ) throws(EngineError) {
        func parameter(_ name: String) -> String? {
            let value = parameters.first { utf8Equals($0.name, name) }?.value
            return value?.isEmpty ?? true ? nil : value
        }
        if let colon = label.utf8.firstIndex(of: 0x3A) {
            issuer = parameter("issuer") ?? String(label[..<colon])
            account = String(label[label.utf8.index(after: colon)...])
        } else {
            issuer = parameter("issuer") ?? issuer
            account = label
        }
        key = parameter("secret") ?? ""
        if let text = parameter("period") { period = try number(text, "period") }
        if let text = parameter("digits") { digits = try number(text, "digits") }
        algorithm = parameter("algorithm") ?? algorithm
    }

    private func number(_ text: String, _ name: String) throws(EngineError) -> Int {
        guard let number = Int(text) else {
            throw .invalid("an error occurred while parsing \(name) value in url")
        }
        return number
    }

    /// As text, with its parameters sorted by name.
    var text: String {
        let label = "\(Self.encoded(issuer)):\(Self.encoded(account))"
        return "otpauth://totp/\(label)?algorithm=\(algorithm)&digits=\(digits)"
            + "&issuer=\(Self.encoded(issuer))&period=\(period)&secret=\(key)"
    }

    /// Percent-encoded as a part of a path and of a query alike: unlike OpenBao's, an issuer with a
    /// `&` stays one parameter.
    private static func encoded(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x40:
                result.append(byte)
            default:
                result.append(0x25)
                result.append(
                    contentsOf: Hex.encode([byte]).utf8.map { byte in
                        (0x61...0x66).contains(byte) ? byte & 0xDF : byte
                    }
                )
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Pairs that do not decode are left out, as Go does.
    private static func parameters(
        _ query: ArraySlice<UInt8>
    ) -> [(name: String, value: String)] {
        query.split(separator: 0x26).compactMap { pair in
            let equals = pair.firstIndex(of: 0x3D) ?? pair.endIndex
            guard let name = decoded(pair[..<equals], isQuery: true),
                let value = decoded(pair[equals...].dropFirst(), isQuery: true)
            else { return nil }
            return (name, value)
        }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>, isQuery: Bool) -> String? {
        var result: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case 0x25:
                guard rest.count >= 2,
                    let escaped = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self))
                else { return nil }
                result += escaped
                rest = rest.dropFirst(2)
            case 0x2B where isQuery: result.append(0x20)
            default: result.append(byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }
}
