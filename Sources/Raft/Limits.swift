/// Every bound of the consensus core that is not a setting. Relations are checked by a test.
package enum Limits {
    /// Most voters in a configuration: nine survive four losses, and quorum arrays stay small.
    package static let votersMax = 9
    /// Most members of any role in a configuration.
    package static let membersMax = 64
    /// Largest name, region, zone or address of a member, in UTF-8 bytes.
    package static let memberTextBytesMax = 512
    /// Largest encoded configuration; what the store keeps of it has the same bound.
    package static let configurationBytesMax = 64 << 10
    /// A learner becomes a voter only when its log is at most this many entries behind: what is
    /// written meanwhile waits for it. That is two seconds of a busy cluster; more would stall
    /// writers for as long, and less would keep out one that is merely far away.
    package static let promotionLagMax: UInt64 = 1_024
    /// Most join tokens that are out at one time.
    package static let joinTokensMax = 16
    /// Largest authorisation of a membership change.
    package static let authorisationBytesMax = 4 << 10
    /// Highest revision, format level and node id that are believed.
    package static let countMax: UInt64 = 1 << 62
    /// SHA-256 of a member's public key.
    package static let pinBytes = 32
    /// Largest body of one entry.
    package static let entryBodyBytesMax = 4 << 20
    /// Bytes an entry costs beside its body, in memory and on the wire (an upper bound).
    package static let entryOverheadBytes = 64
    /// What a relayed message counts for beside its entries: far more than it weighs, so that
    /// their number is bounded too.
    package static let relayedOverheadBytes = 1 << 10
    /// Most entries that one append may carry; a longer one is refused by the decoder.
    package static let appendEntriesDecodeMax = 4_096
    /// Highest term that is believed. A message above it is damaged or hostile; real clusters
    /// raise the term about once an election, so this is never reached honestly.
    package static let termMax = Term(number: 1 << 62)
    /// Highest index that is believed, for the same reason.
    package static let indexMax = LogIndex(number: 1 << 62)
    /// Rounds of heartbeats that a leader remembers for its lease; answers come within a few.
    package static let leaseRoundsMax = 64
    /// The worst clock that leases can be set to expect: ten per cent.
    package static let clockDriftPPMMax: UInt64 = 100_000
    /// The longest promise that leases can be set to.
    package static let leasePromiseNanosecondsMax: UInt64 = 3_600_000_000_000
}
