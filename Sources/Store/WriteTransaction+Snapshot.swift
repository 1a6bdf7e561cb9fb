import CLMDB

extension WriteTransaction {
    /// Empties state, requests and log, lets `load` fill the first two, and stands the node at the
    /// snapshot's end.
    mutating func replace(
        with manifest: SnapshotManifest,
        load: (inout WriteTransaction) throws(StoreError) -> Void
    ) throws(StoreError) {
        guard var cluster = try cluster() else {
            throw .unsuitableSnapshot("this node was not told its cluster yet")
        }
        try requireSameCluster(manifest.clusterID, cluster.clusterID)
        guard manifest.index > point.appliedIndex else {
            throw .unsuitableSnapshot(
                "it ends at entry \(manifest.index), this node has applied \(point.appliedIndex)"
            )
        }
        guard manifest.term <= point.term else {
            throw .unsuitableSnapshot(
                "it is of term \(manifest.term), this node is in term \(point.term)"
            )
        }
        for table in [tables.state, tables.requests, tables.logHeaders, tables.logBodies] {
            try transaction.clear(table)
        }
        try DigestTable.write(all: StateSum().buckets, transaction, tables)
        try load(&self)
        cluster.configuration = manifest.configuration
        cluster.epoch = max(cluster.epoch, manifest.epoch)
        cluster.formatLevel = max(cluster.formatLevel, manifest.formatLevel)
        try setCluster(cluster)
        var next = HardPoint()
        next.term = point.term
        next.vote = point.vote
        next.commitIndex = manifest.index
        next.appliedIndex = manifest.index
        next.appliedTerm = manifest.term
        next.last = manifest.end
        next.base = manifest.end
        replacePoint(next)
    }

    /// A remembered request of a snapshot.
    borrowing func putImported(request id: [UInt8], at index: UInt64) throws(StoreError) {
        try RequestTable.insert(id, at: index, in: transaction, tables)
    }
}
