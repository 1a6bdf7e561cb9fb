/// A log entry that is present with its identity, while its body is lost: "maybe mine", never
/// "absent". The entry keeps its place in the log; the body can be asked for by what is here.
package struct DamagedBody: Sendable, Equatable {
    /// Its place in the log.
    package let index: UInt64
    /// The term of the leader that made it.
    package let term: UInt64
    /// Meaning belongs to the caller.
    package let kind: UInt8
    /// 32 bytes: what the body must hash to.
    package let digest: [UInt8]
    /// How long the body must be.
    package let bytes: Int
    /// What is wrong with what is stored.
    package let reason: String

    /// Of an entry whose body was this, before it was lost: for a simulated store.
    ///
    /// - Parameter digest: 32 bytes over the body.
    package init(_ entry: StoredEntry, digest: [UInt8], reason: String) {
        index = entry.index
        term = entry.term
        kind = entry.kind
        self.digest = digest
        bytes = entry.body.count
        self.reason = reason
    }

    init(_ header: LogHeader, reason: String) {
        index = header.index
        term = header.term
        kind = header.kind
        digest = header.bodyDigest
        bytes = header.bodyBytes
        self.reason = reason
    }

    /// The error for whoever cannot go on without the body.
    package var error: StoreError { .damagedLogBody(index: index, reason: reason) }
}
