import Wire

/// A certificate of X.509, taken apart as far as roles ask about it. Who made it is not looked at
/// here.
///
/// - Source: RFC 5280, sections 4.1 and 4.2.
struct ClientCertificate: Sendable, Equatable {
    struct Extension: Sendable, Equatable {
        /// `1.2.3.4`
        let identifier: String
        /// What is in its octet string.
        let value: ArraySlice<UInt8>
    }

    /// DER.
    let bytes: [UInt8]
    /// The number's bytes without zeros in front.
    let serial: [UInt8]
    /// Names as they are encoded. Certificates belong together only where these are the same bytes.
    let issuer: [UInt8]
    let subject: [UInt8]
    /// The last one, where there are several; empty without one.
    private(set) var commonName = ""
    private(set) var organizationalUnits: [String] = []
    private(set) var emails: [String] = []
    private(set) var dnsNames: [String] = []
    private(set) var uris: [String] = []
    /// Empty where the certificate does not say.
    private(set) var subjectKeyID: [UInt8] = []
    private(set) var authorityKeyID: [UInt8] = []
    private(set) var isAuthority = false
    /// Object identifiers of what the key is for; nil: for anything.
    private(set) var keyUsages: [String]?
    private(set) var extensions: [Extension] = []

    /// - Throws: for what is no certificate in DER, and for one that says a thing twice.
    init(_ bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= EngineLimits.certificateBytesMax else {
            throw .tooLong(limit: EngineLimits.certificateBytesMax, have: UInt64(bytes.count))
        }
        self.bytes = bytes
        var outer = DERReader(bytes)
        var parts = DERReader(try outer.read(0x30).content)
        try outer.finish()
        var fields = DERReader(try parts.read(0x30).content)
        _ = try parts.read(0x30)
        _ = try parts.read(0x03)
        try parts.finish()
        _ = try fields.readOptional(0xA0)
        serial = Array(try fields.read(0x02).magnitude())
        guard serial.count <= EngineLimits.serialBytesMax else {
            throw .tooLong(limit: EngineLimits.serialBytesMax, have: UInt64(serial.count))
        }
        _ = try fields.read(0x30)
        issuer = Array(try fields.read(0x30).whole)
        _ = try fields.read(0x30)
        let subject = try fields.read(0x30)
        self.subject = Array(subject.whole)
        _ = try fields.read(0x30)
        _ = try fields.readOptional(0x81)
        _ = try fields.readOptional(0x82)
        let list = try fields.readOptional(0xA3)
        try fields.finish()
        try readSubject(subject)
        if let list { try readExtensions(list) }
    }

    private mutating func readSubject(_ subject: DERElement) throws(WireError) {
        var sets = DERReader(subject.content)
        while !sets.isAtEnd {
            var pairs = DERReader(try sets.read(0x31).content)
            while !pairs.isAtEnd {
                var pair = DERReader(try pairs.read(0x30).content)
                let kind = try pair.read(0x06).objectIdentifier()
                let value = try pair.read().text
                try pair.finish()
                switch kind {
                case "2.5.4.3": commonName = value ?? commonName
                case "2.5.4.11": if let value { organizationalUnits.append(value) }
                default: break
                }
            }
        }
    }

    private mutating func readExtensions(_ list: DERElement) throws(WireError) {
        var outer = DERReader(list.content)
        var reader = DERReader(try outer.read(0x30).content)
        try outer.finish()
        while !reader.isAtEnd {
            var fields = DERReader(try reader.read(0x30).content)
            let identifier = try fields.read(0x06).objectIdentifier()
            _ = try fields.readOptional(0x01)
            let value = try fields.read(0x04).content
            try fields.finish()
            guard !extensions.contains(where: { $0.identifier == identifier }) else {
                throw .malformed("the extension \(identifier) twice")
            }
            extensions.append(Extension(identifier: identifier, value: value))
            try read(identifier, value)
        }
    }

    private mutating func read(
        _ identifier: String,
        _ value: ArraySlice<UInt8>
    ) throws(WireError) {
        var reader = DERReader(value)
        switch identifier {
        case "2.5.29.14": subjectKeyID = Array(try reader.read(0x04).content)
        case "2.5.29.35":
            var fields = DERReader(try reader.read(0x30).content)
            if let key = try fields.readOptional(0x80) { authorityKeyID = Array(key.content) }
        case "2.5.29.19":
            var fields = DERReader(try reader.read(0x30).content)
            isAuthority = try fields.readOptional(0x01)?.content.first == 0xFF
        case "2.5.29.37":
            var list = DERReader(try reader.read(0x30).content)
            var usages: [String] = []
            while !list.isAtEnd { usages.append(try list.read(0x06).objectIdentifier()) }
            keyUsages = usages
        case "2.5.29.17": try readNames(try reader.read(0x30))
        default: return
        }
        try reader.finish()
    }

    private mutating func readNames(_ names: DERElement) throws(WireError) {
        var reader = DERReader(names.content)
        while !reader.isAtEnd {
            let name = try reader.read()
            guard [0x81, 0x82, 0x86].contains(name.tag) else { continue }
            guard name.content.allSatisfy({ $0 < 0x80 }) else {
                throw .malformed("an alternative name that is not ASCII")
            }
            let text = String(decoding: name.content, as: UTF8.self)
            switch name.tag {
            case 0x81: emails.append(text)
            case 0x82: dnsNames.append(text)
            default: uris.append(text)
            }
        }
    }
}

// MARK: what is asked

extension ClientCertificate {
    /// Whether clients may show who they are with it, or it may stand above one that does.
    var isForClients: Bool {
        guard let keyUsages else { return true }
        return keyUsages.contains("1.3.6.1.5.5.7.3.2") || keyUsages.contains("2.5.29.37.0")
    }

    /// A number in decimal digits, from its bytes.
    static func decimal(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        var number = bytes
        while !number.isEmpty {
            var rest = 0
            for position in number.indices {
                let value = rest << 8 | Int(number[position])
                number[position] = UInt8(value / 10)
                rest = value % 10
            }
            digits.append(0x30 + UInt8(rest))
            number = Array(number.drop { $0 == 0 })
        }
        return digits.isEmpty ? "0" : String(decoding: digits.reversed(), as: UTF8.self)
    }

    /// `0a:1b`
    static func colons(_ bytes: [UInt8]) -> String {
        bytes.map { Hex.encode([$0]) }.joined(separator: ":")
    }
}

/// Blocks of PEM text.
///
/// - Source: RFC 7468, section 2; text between the blocks is for people.
enum PEMText {
    /// What is in the blocks with this label, in order. Other blocks are passed over.
    ///
    /// - Returns: nil where a block does not end, or is not base64.
    static func blocks(_ label: String, in text: String) -> [[UInt8]]? {
        let begin = "-----BEGIN \(label)-----"
        let end = "-----END \(label)-----"
        var blocks: [[UInt8]] = []
        var body: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = PublicKeyText.trimmed(String(line))
            if line == begin {
                body = ""
            } else if line == end {
                guard let base64 = body, let bytes = Base64.decode(base64) else { return nil }
                blocks.append(bytes)
                body = nil
            } else {
                body? += line
            }
        }
        return body == nil ? blocks : nil
    }
}
