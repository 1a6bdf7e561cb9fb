import Wire

extension WriteTransaction {
    /// Stands a database that was filled from a snapshot where the snapshot ends, with the term,
    /// vote and identity that the node has in the database that this one is to replace.
    mutating func stand(
        at manifest: SnapshotManifest,
        as own: HardPoint,
        of ownCluster: ClusterRecord
    ) throws(StoreError) {
        var cluster = ownCluster
        cluster.configuration = manifest.configuration
        cluster.epoch = max(cluster.epoch, manifest.epoch)
        cluster.formatLevel = max(cluster.formatLevel, manifest.formatLevel)
        try setCluster(cluster)
        var next = HardPoint()
        next.term = own.term
        next.vote = own.vote
        next.commitIndex = manifest.index
        next.appliedIndex = manifest.index
        next.appliedTerm = manifest.term
        next.last = manifest.end
        next.base = manifest.end
        next.time = max(own.time, manifest.time)
        replacePoint(next)
    }

    /// A remembered request of a snapshot.
    mutating func putImported(request id: [UInt8], at index: UInt64) throws(StoreError) {
        if planted("snapshotForgetsRequests") { return }
        try remember(id, at: index)
    }
}
