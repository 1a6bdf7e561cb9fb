package import Wire

/// A secret of version 1 as the first version of a key of version 2.
package enum KVMigration {
    /// What a mount of version 2 gets for it.
    ///
    /// - Parameters:
    ///   - name: of the secret, which is that of the key.
    ///   - value: its record in the mount of version 1.
    ///   - now: version 1 does not know when it was written; the key begins now.
    /// - Throws: ``EngineError/damaged(_:)``
    package static func plan(
        _ name: String,
        _ value: [UInt8],
        at now: Timestamp
    ) throws(EngineError) -> BatchPlan {
        let secret = try KVSecretRecord(decoding: value)
        var record = KVMetadataRecord(created: now)
        let (added, _) = record.addVersion(at: now, KVConfigRecord())
        var plan = BatchPlan()
        plan.put(KVNames.metadata(name), record.encoded())
        plan.put(
            KVNames.version(added.number, of: name),
            KVVersionRecord(json: secret.json).encoded()
        )
        return plan
    }
}
