import Cryptography
import Wire

/// Public keys in PEM, as administrators give them.
enum PublicKeyText {
    /// Every key of a text, in its order.
    ///
    /// - Throws: ``EngineError/invalid(_:)`` where there is none, or one that cannot be used.
    static func keys(_ text: String) throws(EngineError) -> [VerificationKey] {
        let begin = "-----BEGIN PUBLIC KEY-----"
        let end = "-----END PUBLIC KEY-----"
        var keys: [VerificationKey] = []
        var body: String?
        for line in text.split(whereSeparator: \.isNewline).map({ trimmed(String($0)) }) {
            if line == begin {
                body = ""
            } else if line == end, let base64 = body {
                guard let info = Base64.decode(base64),
                    let key = VerificationKey(subjectPublicKeyInfo: info)
                else { throw refusal }
                keys.append(key)
                body = nil
            } else {
                body? += line
            }
        }
        guard !keys.isEmpty, body == nil else { throw refusal }
        return keys
    }

    /// Without white space before and behind.
    static func trimmed(_ text: String) -> String {
        var bytes = Substring(text).utf8
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return String(Substring(bytes))
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static let refusal = EngineError.invalid(
        "error parsing public key: data does not contain any valid public keys"
    )
}
