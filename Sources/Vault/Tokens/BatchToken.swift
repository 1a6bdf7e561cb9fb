import Barrier
import Engines
import Wire

/// A token without a record: `b.` and, in base64url, what ``TokenRecord`` says, sealed. It cannot
/// be renewed or revoked; it is over when its time is, or when its parent is gone.
enum BatchToken {
    static let prefix = Array("b.".utf8)

    /// Makes one.
    ///
    /// - Throws: ``VaultError/invalid(_:)`` where it would be longer than a client may send.
    static func make(
        _ record: TokenRecord,
        in draft: inout BatchDraft
    ) throws(VaultError) -> String {
        precondition(record.isBatch, "only a batch token is its own record")
        let sealed = draft.sealToken(record.encoded())
        let token = "b." + Base64.encodeURL(sealed) + record.suffix
        guard token.utf8.count <= TokenLimits.batchBytesMax else {
            throw .invalid(
                "a batch token that says all of this has \(token.utf8.count) bytes, the limit is "
                    + "\(TokenLimits.batchBytesMax): give it fewer policies or less metadata, or "
                    + "create a service token"
            )
        }
        return token
    }

    /// What a token says; nil for one that this vault did not make.
    static func record(of token: [UInt8], _ keyring: Keyring) -> TokenRecord? {
        // What names the namespace is no part of what is sealed, where it is said again.
        let content = token.dropFirst(prefix.count).prefix { $0 != 0x2E }
        let ending = token.dropFirst(prefix.count + content.count)
        let text = String(decoding: content, as: UTF8.self)
        guard let sealed = Base64.decodeURL(text), let content = keyring.openToken(sealed),
            let record = try? TokenRecord(decoding: content), record.isBatch,
            ending.elementsEqual(record.suffix.utf8)
        else { return nil }
        return record
    }
}
