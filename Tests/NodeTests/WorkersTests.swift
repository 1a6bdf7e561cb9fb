import Dispatch
import TestSupport
import Testing

@testable import Node

@Suite("workers")
struct WorkersTests {
    @Test("what is submitted runs")
    func runs() async throws {
        let workers = Workers(threads: 2, waitingMax: 10)
        let ran = Collector<Bool>()
        for _ in 0..<5 { workers.submit { ran.add($0) } }
        try await eventually("all ran") { ran.count == 5 }
        #expect(ran.all == Array(repeating: true, count: 5))
        await workers.stop()
    }

    /// Found by reading: the limit was there, and nobody looked at it.
    @Test("at the bound it is refused at once, and taken again when there is room")
    func bound() async throws {
        let workers = Workers(threads: 1, waitingMax: 2)
        let gate = DispatchSemaphore(value: 0)
        let ran = Collector<Bool>()
        for _ in 0..<3 {
            workers.submit { isTaken in
                gate.wait()
                ran.add(isTaken)
            }
        }
        let refused = Collector<Bool>()
        workers.submit { refused.add($0) }
        #expect(refused.all == [false])
        for _ in 0..<3 { gate.signal() }
        try await eventually("all ran") { ran.count == 3 }
        #expect(ran.all == [true, true, true])
        try await eventually("there is room again") {
            workers.submit { refused.add($0) }
            return refused.all.contains(true)
        }
        await workers.stop()
        let late = Collector<Bool>()
        workers.submit { late.add($0) }
        try await eventually("the late one is told") { late.count == 1 }
        #expect(late.all == [false])
    }
}
