import Testing

@testable import Replica

@Suite("wake signal")
struct WakeSignalTests {
    @Test("signals that came before are not lost, and each ends one wait")
    func counts() {
        let signal = WakeSignal()
        signal.signal()
        signal.signal()
        signal.wait()
        #expect(signal.wait(until: .now))
        #expect(!signal.wait(until: .now))
    }

    @Test("a wait ends with its deadline, not before it", arguments: [0, 1, 30])
    func deadline(milliseconds: Int) {
        let signal = WakeSignal()
        let deadline = Moment.now + .milliseconds(milliseconds)
        #expect(!signal.wait(until: deadline))
        #expect(Moment.now >= deadline)
    }

    @Test("a signal ends a wait, however far its deadline")
    func wakes() {
        let (signal, answer) = (WakeSignal(), WakeSignal())
        WorkerThread.start(name: "test") {
            let isWoken = signal.wait(until: Moment(nanoseconds: .max))
            if isWoken { answer.signal() }
        }
        WakeSignal.pause(.milliseconds(20))
        signal.signal()
        #expect(answer.wait(until: .now + .seconds(60)))
    }
}
