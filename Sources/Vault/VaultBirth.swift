package import Barrier
package import Cryptography
import Wire

/// The first records of a vault, written by the batch that creates it.
package enum VaultBirth {
    /// Writes an empty mount table and the root token's record.
    ///
    /// Meant as `populate` of ``VaultCreation/make(layout:facts:entropy:populate:)``.
    package static func populate(
        _ builder: inout BatchBuilder,
        _ rootToken: borrowing SecretBytes
    ) throws(BarrierError) {
        try builder.put(.system, SystemPaths.mountTable, MountTable.marker)
        var token = rootToken.withBytes { bytes in
            bytes.indices.map { bytes[$0] }
        }
        let path = SystemPaths.token(token, builder.keyring)
        // The array is a copy of a secret, which its next owner, the client, holds in the clear
        // anyway.
        token.removeAll()
        let accessor = builder.base62(24).withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        let now = Timestamp(nanoseconds: builder.time)
        let record = TokenRecord.root(accessor: accessor, created: now)
        try builder.put(.system, path, record.encoded())
        try builder.put(
            .system,
            SystemPaths.accessor(accessor, builder.keyring),
            Array(path.utf8)
        )
    }
}

extension MountTable {
    /// The record that is written with every change of any mount: format 1. Only when it was
    /// written matters.
    static let marker: [UInt8] = [1]
}
