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
        let now = Timestamp(nanoseconds: builder.time)
        for first in firstRecords(at: now) {
            try builder.put(.system, first.path, first.value)
        }
        let hash = TokenPlace.hash(rootToken.exposedCopy(), builder.keyring)
        let characters = builder.base62(TokenLimits.tokenCharacters)
        let accessor = String(decoding: characters.exposedCopy(), as: UTF8.self)
        let record = TokenRecord.root(accessor: accessor, created: now)
        try builder.put(.system, SystemPaths.token(hash: hash), record.encoded())
        try builder.put(
            .system,
            SystemPaths.accessor(accessor),
            AccessorRecord.encoded(hash)
        )
    }

    /// What every namespace is born with, the root namespace as well.
    static func firstRecords(at now: Timestamp) -> [(path: String, value: [UInt8])] {
        guard let name = PolicyName(BuiltInPolicy.standard) else {
            preconditionFailure("the name of a built-in policy")
        }
        let record = PolicyRecord(
            version: 1,
            modified: now,
            author: "",
            content: PolicyRecord.Content(text: BuiltInPolicy.standardText)
        )
        let table = PolicyTableRecord(liveCount: 1, deletedCount: 0)
        return [
            (SystemPaths.mountTable, MountTable.marker),
            (SystemPaths.policy(name), record.encoded()),
            (SystemPaths.policyTable, table.encoded()),
            (SystemPaths.tokenFences, TokenFences.none.encoded()),
        ]
    }
}

extension MountTable {
    /// The record that is written with every change of any mount: format 1. Only when it was
    /// written matters.
    static let marker: [UInt8] = [1]
}
