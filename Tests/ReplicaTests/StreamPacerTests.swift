import Testing

@testable import Replica

@Suite("stream pacer")
struct StreamPacerTests {
    /// One leader's second after another, 100 commits in each.
    private struct Leader {
        var now = Moment.now
        var count: UInt64 = 0
        var nanoseconds: UInt64 = 0

        var commits: StreamPacer.Commits {
            StreamPacer.Commits(count: count, nanoseconds: nanoseconds)
        }

        mutating func run(
            _ pacer: inout StreamPacer,
            milliseconds: Int,
            commitMicroseconds: UInt64?,
            isStreaming: Bool
        ) -> Int {
            var sent = 0
            for _ in 0..<milliseconds / 10 {
                now += .milliseconds(10)
                if let commitMicroseconds {
                    count += 1
                    nanoseconds += commitMicroseconds * 1_000
                }
                pacer.refill(now, commits, isStreaming: isStreaming)
                guard isStreaming else { continue }
                while pacer.allowance > 0 {
                    pacer.spend(Limits.snapshotChunkBytes)
                    sent += Limits.snapshotChunkBytes
                }
            }
            return sent
        }
    }

    @Test("dearer commits slow the stream down to its floor, cheap ones speed it up again")
    func steers() {
        var leader = Leader()
        var pacer = StreamPacer(leader.now, leader.commits)
        func run(_ milliseconds: Int, _ cost: UInt64?, _ isStreaming: Bool = true) -> Int {
            leader.run(
                &pacer,
                milliseconds: milliseconds,
                commitMicroseconds: cost,
                isStreaming: isStreaming
            )
        }
        _ = run(3_000, 1_000, false)
        #expect(pacer.calmNanoseconds == 1_000_000)
        _ = run(10_000, 2_000)
        #expect(pacer.rate == Limits.snapshotRateMin)
        let slow = run(4_000, 2_000)
        #expect(slow <= 4 * Limits.snapshotRateMin + 2 * Limits.snapshotChunkBytes)
        #expect(slow >= 3 * Limits.snapshotRateMin)
        _ = run(20_000, 1_100)
        #expect(pacer.rate == Limits.snapshotRateBusyMax)
        // Nobody writes: as fast as may be, and no faster.
        _ = run(10_000, nil)
        #expect(pacer.rate == Limits.snapshotRateMax)
        // What commits cost beside a stream is not what they cost without one.
        #expect(pacer.calmNanoseconds == 1_000_000)
    }

    @Test("time without turns is not saved up")
    func noBurst() {
        var leader = Leader()
        var pacer = StreamPacer(leader.now, leader.commits)
        leader.now += .seconds(60)
        pacer.refill(leader.now, leader.commits, isStreaming: true)
        #expect(pacer.allowance > 0)
        #expect(pacer.allowance <= Limits.snapshotRateMax / 20)
    }
}
