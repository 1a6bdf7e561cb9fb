package import Barrier
package import Cryptography
import Wire

/// The first records of a vault, written by the batch that creates it.
package enum VaultBirth {
    /// Writes an empty mount table, the policy `default` and the root token's record.
    ///
    /// Meant as `populate` of ``VaultCreation/make(layout:facts:entropy:populate:)``.
    package static func populate(
        _ builder: inout BatchBuilder,
        _ rootToken: borrowing SecretBytes
    ) throws(BarrierError) {
        try builder.put(.system, SystemPaths.mountTable, MountTable.marker)
        let hash = TokenPlace.hash(rootToken.exposedCopy(), builder.keyring)
        let characters = builder.base62(TokenLimits.tokenCharacters)
        let accessor = String(decoding: characters.exposedCopy(), as: UTF8.self)
        let now = Timestamp(nanoseconds: builder.time)
        try populatePolicies(&builder, now)
        let record = TokenRecord.root(accessor: accessor, created: now)
        try builder.put(.system, SystemPaths.token(hash: hash), record.encoded())
        try builder.put(
            .system,
            SystemPaths.accessor(accessor),
            AccessorRecord.encoded(hash)
        )
        try builder.put(.system, SystemPaths.tokenFences, TokenFences.none.encoded())
    }

    private static func populatePolicies(
        _ builder: inout BatchBuilder,
        _ now: Timestamp
    ) throws(BarrierError) {
        guard let name = PolicyName(BuiltInPolicy.standard) else {
            preconditionFailure("the name of a built-in policy")
        }
        let record = PolicyRecord(
            version: 1,
            modified: now,
            author: "",
            content: PolicyRecord.Content(text: BuiltInPolicy.standardText)
        )
        try builder.put(.system, SystemPaths.policy(name), record.encoded())
        let table = PolicyTableRecord(liveCount: 1, deletedCount: 0)
        try builder.put(.system, SystemPaths.policyTable, table.encoded())
    }
}

extension MountTable {
    /// The record that is written with every change of any mount: format 1. Only when it was
    /// written matters.
    static let marker: [UInt8] = [1]
}
