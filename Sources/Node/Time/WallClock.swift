import Glibc
package import Wire

/// The system's idea of the time of day.
package enum WallClock {
    /// Nanoseconds since 1970; never before it.
    package static func now() -> Timestamp {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0, time.tv_sec >= 0 else {
            return Timestamp(nanoseconds: 0)
        }
        return Timestamp(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        )
    }
}
