/// Sizes of one store. The defaults are for production; tests make them small.
package struct StoreOptions: Sendable {
    /// Address space for the database, and so its largest size. Costs nothing until used.
    package var mapBytes: UInt64 = 64 << 30
    /// How far the file is extended at a time, ahead of need.
    package var preallocateStepBytes: UInt64 = 64 << 20
    /// Room at and below which client writes should be refused; kept for votes, truncation and
    /// deletes, with blocks that belong to the file already.
    package var reserveBytes: UInt64 = 128 << 20
    /// Read transactions at the same time.
    package var readersMax = 126
    /// A monotonic clock, for the ages of read transactions. Without one none ever grows old.
    package var nanoseconds: @Sendable () -> UInt64 = { 0 }
    /// How long a scan may keep one read transaction open; after that its next step fails.
    package var viewSecondsMax: UInt64 = 30
    /// How long the copy of a snapshot may. It is paced by the disk, not by a client.
    package var exportSecondsMax: UInt64 = 300
    /// For how many log indexes a request id is remembered. Part of what a batch means, so all
    /// members must have the same: only tests change it. A leader appends no repeat that is further
    /// than that from its request's beginning.
    package var requestsRetained: UInt64 = 65_536
    /// Evaluated but unapplied layers after which ``LocalStore/overlayIsFull`` says so.
    package var overlayLayersMax = 4_096
    /// Bytes in evaluated but unapplied layers after which ``LocalStore/overlayIsFull`` says so.
    package var overlayBytesMax = 64 << 20
    /// Told in words how a long opening goes on. Called on the opening thread.
    package var onProgress: @Sendable (String) -> Void = { _ in }

    /// The defaults.
    package init() {}
}

/// How much room is left.
package enum SpaceState: UInt8, Sendable {
    /// Enough.
    case ample = 0
    /// At or below ``StoreOptions/reserveBytes``: refuse client writes other than deletes, and hand
    /// leadership over.
    case reserved = 1
    /// At or below half of that: append nothing that another node could send again later. What is
    /// left is for votes, truncation, and for applying what is committed.
    case exhausted = 2
}
