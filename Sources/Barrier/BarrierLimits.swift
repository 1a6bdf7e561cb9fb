import Store

/// Every bound in `Barrier`. A number that is not here does not exist.
package enum BarrierLimits {
    /// Bytes of UTF-8 in a path, all folders and slashes counted: a name of 4 KiB as users see it,
    /// and what an engine puts in front.
    package static let pathBytesMax = 4_096 + 64
    /// Folders above a path: each costs one step of a prune.
    package static let foldersMax = StoreLimits.pruneStepsMax
    /// Bytes in a value before it is framed, padded and sealed.
    package static let valueBytesMax = 1 << 20
    /// A framed value below this is padded to it: short secrets all look alike.
    package static let valueClassBytesMin = 64
    /// A framed name is padded to a multiple of this.
    package static let nameStepBytes = 32
    /// Bytes that sealing adds to a box: nonce of 24, tag of 16.
    package static let boxOverheadBytes = 40
    /// Versions that a keyring, or one mount's data key, may hold at a time.
    package static let keyVersionsMax = 1_024
    /// Slots in a custody table: 16 groups of 16 members.
    package static let custodySlotsMax = 256
    /// Bytes in a clear record of the key hierarchy.
    static let clearRecordBytesMax = 256 << 10
    /// Anchors of audit logs that are kept, of all members together, besides the newest of each.
    package static let anchorsKept: UInt64 = 1_024
    /// Bytes in ids: vault, share set, keyring, mount, attempt, request.
    package static let idBytes = StoreLimits.requestIDBytes
    /// Characters after "s." in a root token.
    package static let tokenCharacters = 24
}
