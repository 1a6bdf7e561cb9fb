import Barrier
import Wire

/// What allowed a request: the token, as the request's own view has it.
///
/// Every batch checks that it is still the same record when the batch is applied, so a token that
/// is revoked while a write is on its way stops that write.
struct Authority {
    /// As the client sent it. Only `lookup-self` shows it, to the client that sent it.
    let token: [UInt8]
    let record: TokenRecord
    /// The place of the record in the system mount.
    let path: String
    let modificationIndex: UInt64

    /// - Throws: ``VaultError/permissionDenied`` for no token and for one that is not known.
    ///   Which of the two it was, nobody is told.
    static func check(
        _ token: [UInt8],
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Authority {
        guard !token.isEmpty, token.count <= VaultLimits.tokenBytesMax else {
            throw .permissionDenied
        }
        let path = SystemPaths.token(token, environment.keyring)
        guard let found = try environment.cache.token(at: path, view) else {
            throw .permissionDenied
        }
        // Policies come with the policy engine. Until then a token may do everything or nothing.
        guard found.record.isRoot else { throw .permissionDenied }
        return Authority(
            token: token,
            record: found.record,
            path: path,
            modificationIndex: found.modificationIndex
        )
    }
}
