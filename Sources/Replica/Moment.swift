/// A moment on this process's monotonic clock, which goes on while the machine sleeps.
///
/// One word, where `ContinuousClock.Instant` is a type whose size is known only at run time: all
/// that holds one of those is copied, compared and destroyed through tables, a seventh of a run
/// of the simulator.
package struct Moment: Comparable, Hashable, Sendable {
    /// Since the process first looked at the clock. Only differences mean anything.
    package let nanoseconds: Int64

    private static let origin = ContinuousClock.now

    /// The clock as it stands.
    package static var now: Moment {
        let origin = origin
        return Moment(nanoseconds: (ContinuousClock.now - origin).nanoseconds)
    }

    /// - Parameter nanoseconds: since the process first looked at the clock.
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Whether it comes first.
    package static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// So many nanoseconds later, or earlier. What is centuries away is the last or first moment.
    package func advanced(byNanoseconds count: Int64) -> Moment {
        let (sum, isBeyond) = nanoseconds.addingReportingOverflow(count)
        guard !isBeyond else { return Moment(nanoseconds: count > 0 ? .max : .min) }
        return Moment(nanoseconds: sum)
    }

    /// So many nanoseconds have passed since `earlier`.
    package func nanoseconds(since earlier: Moment) -> Int64 {
        let (difference, isBeyond) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        guard !isBeyond else { return nanoseconds > earlier.nanoseconds ? .max : .min }
        return difference
    }

    /// That much later.
    package static func + (moment: Moment, duration: Duration) -> Moment {
        moment.advanced(byNanoseconds: duration.nanoseconds)
    }

    /// Goes on by that much.
    package static func += (moment: inout Moment, duration: Duration) {
        moment = moment + duration
    }

    /// That much earlier.
    package static func - (moment: Moment, duration: Duration) -> Moment {
        moment + (.zero - duration)
    }

    /// What has passed from `earlier` to `moment`.
    package static func - (moment: Moment, earlier: Moment) -> Duration {
        .nanoseconds(moment.nanoseconds(since: earlier))
    }
}

extension Duration {
    /// Whole ones, as many as fit into the type.
    package var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
