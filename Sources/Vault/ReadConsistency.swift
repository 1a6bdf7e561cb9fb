/// How fresh the state has to be that a read is answered from.
package struct ReadConsistency: Sendable, Equatable {
    /// The state may be this old, in nanoseconds; `nil`: it has to hold everything that was
    /// acknowledged before the request arrived.
    package var staleNanosecondsMax: Int64?
    /// The client named a consistency, so the answer says what it got.
    package var isReported: Bool

    /// - Parameters: as the properties.
    package init(staleNanosecondsMax: Int64? = nil, isReported: Bool = false) {
        self.staleNanosecondsMax = staleNanosecondsMax
        self.isReported = isReported
    }

    /// What a request gets that says nothing.
    package static let linearizable = ReadConsistency()
}
