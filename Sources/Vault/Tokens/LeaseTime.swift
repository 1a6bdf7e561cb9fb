import Wire

/// How long a new or renewed lease lasts, from everything that has a say in it.
///
/// - Source: OpenBao 2.7.2's answers, compared with a running server.
struct LeaseTime: Sendable, Equatable {
    /// In seconds, 0 where it says nothing. What is asked for now.
    var increment: UInt64 = 0
    /// What the token or role was made with.
    var backend: UInt64 = 0
    var backendMax: UInt64 = 0
    var period: UInt64 = 0
    var explicitMax: UInt64 = 0
    /// Of the mount: never 0.
    var mountDefault = UInt64(VaultLimits.leaseSecondsDefault)
    var mountMax = UInt64(VaultLimits.leaseSecondsDefault)

    /// Takes what a mount allows.
    mutating func limit(by tuning: MountRecord.Tuning) {
        if tuning.leaseSeconds > 0 { mountDefault = UInt64(tuning.leaseSeconds) }
        if tuning.leaseSecondsMax > 0 { mountMax = UInt64(tuning.leaseSecondsMax) }
    }

    /// How long, and what the client should know about it.
    struct Decision: Equatable {
        let seconds: UInt64
        let warnings: [String]
    }

    /// - Parameter age: how long ago the lease began, in nanoseconds.
    /// - Returns: nil where the maximum is behind.
    func decide(age: UInt64 = 0) -> Decision? {
        var most = mountMax
        if backendMax > 0 { most = min(most, backendMax) }
        if explicitMax > 0 { most = min(most, explicitMax) }
        if period > 0 { return decidePeriod(most, age) }
        let wanted = increment > 0 ? increment : backend > 0 ? backend : mountDefault
        return capped(wanted, most, age, [])
    }

    private func decidePeriod(_ most: UInt64, _ age: UInt64) -> Decision? {
        var warnings: [String] = []
        if period > most {
            warnings.append(
                "period of \"\(Self.text(period))\" exceeded the effective max_ttl of "
                    + "\"\(Self.text(most))\"; period value is capped accordingly"
            )
        }
        let seconds = min(period, most)
        guard explicitMax > 0 else { return Decision(seconds: seconds, warnings: warnings) }
        return capped(seconds, explicitMax, age, warnings)
    }

    private func capped(
        _ wanted: UInt64,
        _ most: UInt64,
        _ age: UInt64,
        _ warnings: [String]
    ) -> Decision? {
        let passed = age / 1_000_000_000 + (age % 1_000_000_000 > 0 ? 1 : 0)
        guard passed < most else { return nil }
        let left = most - passed
        guard wanted > left else { return Decision(seconds: wanted, warnings: warnings) }
        // Told to the nearest second, as OpenBao does; granted is what is left for certain.
        let told = most - min(most, (age + 500_000_000) / 1_000_000_000)
        let warning =
            "TTL of \"\(Self.text(wanted))\" exceeded the effective max_ttl of "
            + "\"\(Self.text(told))\"; TTL value is capped accordingly"
        return Decision(seconds: left, warnings: warnings + [warning])
    }

    /// As Go prints a duration, without parts that are zero at its end: `768h`, `59m59s`.
    static func text(_ seconds: UInt64) -> String {
        let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60)
        var parts: [String] = []
        if hours > 0 { parts.append("\(hours)h") }
        if minutes > 0 || (hours > 0 && rest > 0) { parts.append("\(minutes)m") }
        if rest > 0 || parts.isEmpty { parts.append("\(rest)s") }
        return parts.joined()
    }
}
