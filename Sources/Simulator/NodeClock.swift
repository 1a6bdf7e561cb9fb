/// What one machine takes for the time: an own rate, and leaps. Monotonic, like the clock that
/// production reads. All in nanoseconds.
struct NodeClock {
    /// 2²⁰ is a second a second.
    static let trueRate: UInt64 = 1 << 20
    /// How far a rate may be off. Far beyond any oscillator; it is what leases are told to bear.
    static let rateErrorMost = trueRate / 10

    private var baseTrue: UInt64 = 0
    private var baseLocal: UInt64
    private(set) var rate = NodeClock.trueRate

    init(startingAt local: UInt64) {
        baseLocal = local
    }

    func local(at time: UInt64) -> UInt64 {
        baseLocal + ((time - baseTrue) &* rate) >> 20
    }

    /// The first true moment at which the clock shows at least `local`.
    func time(of local: UInt64, notBefore now: UInt64) -> UInt64 {
        guard local > self.local(at: now) else { return now }
        return max(now, baseTrue + ((local - baseLocal) << 20 + rate - 1) / rate)
    }

    mutating func setRate(_ rate: UInt64, at time: UInt64) {
        baseLocal = local(at: time)
        baseTrue = time
        self.rate = rate
    }

    mutating func leap(by nanoseconds: UInt64) {
        baseLocal += nanoseconds
    }
}
