import Engines
import Wire

/// `sys/decode-token`: takes the one-time password off a root token that was made with one. Needs
/// no token, and knows nothing: what comes out is what went in.
struct TokenDecoding {
    let call: VaultCall

    func answer() throws(VaultError) -> VaultAnswer {
        guard call.request.operation == .update else {
            throw .engine(.unsupportedOperation, isBare: true)
        }
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([("encoded_token", .text), ("otp", .text)])
        )
        let text = fields.text("encoded_token") ?? ""
        let password = Array((fields.text("otp") ?? "").utf8)
        guard !text.isEmpty, !password.isEmpty else {
            throw .invalid("provided 'encoded_token' or 'otp' is empty")
        }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard text.utf8.last != 0x3D, let bytes = Base64.decode(text + padding) else {
            let good = text.utf8.prefix { SystemBackend.isBase64($0) }.count
            let position = good < text.utf8.count ? good : good - good % 4
            throw .invalid(
                "error decoding base64'd token: illegal base64 data at input byte \(position)"
            )
        }
        guard bytes.count == password.count else {
            throw .invalid(
                "error xoring token: length of byte slices is not equivalent: \(bytes.count) "
                    + "!= \(password.count)"
            )
        }
        let token = String(decoding: zip(bytes, password).map { $0 ^ $1 }, as: UTF8.self)
        let data: JSONValue = ["token": .string(token)]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }
}
