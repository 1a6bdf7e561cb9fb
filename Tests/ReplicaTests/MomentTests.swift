import Testing

@testable import Replica

@Suite("moments")
struct MomentTests {
    private let start = Moment(nanoseconds: 5)

    @Test("durations are added, subtracted and told apart to the nanosecond")
    func arithmetic() {
        let later = start + .milliseconds(3)
        #expect(later.nanoseconds == 3_000_005)
        #expect(later - start == .milliseconds(3))
        #expect(start.nanoseconds(since: later) == -3_000_000)
        #expect(later - .seconds(1) == Moment(nanoseconds: -996_999_995))
        #expect(start < later && later > start)
        var moving = start
        moving += .nanoseconds(7)
        #expect(moving == start.advanced(byNanoseconds: 7))
    }

    @Test("what a client asks for may be centuries away: that is the last moment, not a trap")
    func centuries() {
        let last = start + .seconds(Int64.max)
        #expect(last.nanoseconds == .max)
        #expect(start + .nanoseconds(Int64.max) == last)
        #expect(last.nanoseconds(since: Moment(nanoseconds: -1)) == .max)
        let first = start - .seconds(Int64.max)
        #expect(first.nanoseconds < -9_000_000_000_000_000_000)
        #expect(first.nanoseconds(since: last) == .min)
    }

    @Test("the clock goes on")
    func clock() {
        let first = Moment.now
        #expect(first <= Moment.now)
    }
}
