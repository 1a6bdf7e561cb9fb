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
        let path = SystemPaths.token(rootToken.exposedCopy(), builder.keyring)
        let accessor = String(decoding: builder.base62(24).exposedCopy(), as: UTF8.self)
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
