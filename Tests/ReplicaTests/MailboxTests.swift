import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Replica

@Suite("mailbox")
struct MailboxTests {
    static var past: Moment { .now }
    static var far: Moment { .now + .seconds(300) }

    @Test("gives elements in order, as many as asked for")
    func order() {
        let box = Mailbox<Int>(bound: 100)
        for number in 0..<10 { #expect(box.offer(number)) }
        #expect(box.take(most: 3, until: Self.past) == [0, 1, 2])
        #expect(box.take(most: 7, until: Self.past) == [3, 4, 5, 6, 7, 8, 9])
        #expect(box.take(most: 7, until: Self.past) == [])
    }

    @Test("refuses at the bound, except what matters more and our own answers")
    func bound() {
        let box = Mailbox<Int>(bound: 2)
        #expect(box.offer(1))
        #expect(box.offer(2))
        #expect(!box.offer(3))
        #expect(box.offer(4, extra: 1))
        #expect(!box.offer(5, extra: 1))
        box.post(6)
        #expect(box.count == 4)
        #expect(box.take(most: 10, until: Self.past) == [1, 2, 4, 6])
        #expect(box.offer(7))
    }

    @Test("is nil for ever once closed, and takes nothing more")
    func closed() {
        let box = Mailbox<Int>(bound: 2)
        #expect(box.offer(1))
        box.close()
        #expect(box.isClosed)
        #expect(!box.offer(2))
        box.post(3)
        #expect(box.count == 0)
        #expect(box.take(most: 1, until: Self.far) == nil)
        #expect(box.take(most: 1, until: Self.past) == nil)
    }

    @Test("closing wakes a receiver that sleeps")
    func closingWakes() async throws {
        let box = Mailbox<Int>(bound: 2)
        let ended = Collector<Bool>()
        WorkerThread.start(name: "receiver") {
            ended.add(box.take(most: 1, until: Self.far) == nil)
        }
        box.close()
        try await eventually("the receiver ends") { ended.count == 1 }
        #expect(ended.all == [true])
    }

    @Test("what is not urgent leaves a patient receiver asleep, and is taken with what comes next")
    func patience() async throws {
        let box = Mailbox<Int>(bound: 2)
        let taken = Collector<[Int]>()
        let isAsleep = { box.isReceiverAsleep }
        WorkerThread.start(name: "receiver") {
            while let some = box.take(most: 9, until: Self.far, isPatient: true) {
                taken.add(some)
            }
        }
        try await eventually("the receiver sleeps", isAsleep)
        #expect(box.offer(1, isUrgent: false))
        #expect(box.isReceiverAsleep && box.count == 1)
        #expect(box.offer(2))
        try await eventually("both are taken") { taken.count == 1 }
        #expect(taken.all == [[1, 2]])
        try await eventually("the receiver sleeps again", isAsleep)
        #expect(box.offer(3, isUrgent: false))
        #expect(box.offer(4, isUrgent: false))
        #expect(!box.offer(5, isUrgent: false))
        #expect(taken.count == 1)
        box.close()
    }

    @Test("what is not urgent wakes a receiver that is not patient")
    func impatience() async throws {
        let box = Mailbox<Int>(bound: 2)
        let taken = Collector<[Int]>()
        WorkerThread.start(name: "receiver") {
            while let some = box.take(most: 9, until: Self.far) { taken.add(some) }
        }
        try await eventually("the receiver sleeps") { box.isReceiverAsleep }
        #expect(box.offer(1, isUrgent: false))
        try await eventually("it is taken") { taken.count == 1 }
        box.close()
    }

    @Test("at its deadline a patient receiver takes what waited, and none is lost on the way")
    func patientDeadline() {
        let box = Mailbox<Int>(bound: 200_000)
        let count = 2_000
        WorkerThread.start(name: "sender") {
            for number in 0..<count {
                _ = box.offer(number, isUrgent: false)
                usleep(20)
            }
        }
        var got: [Int] = []
        let end = Moment.now + .seconds(300)
        while got.count < count, Moment.now < end {
            let deadline = Moment.now + .microseconds(100)
            got += box.take(most: 9, until: deadline, isPatient: true) ?? []
        }
        #expect(got == Array(0..<count))
    }

    /// A lost wake-up would leave one side asleep until its far deadline, and `take` empty.
    @Test("wakes the receiver every time")
    func pingPong() async throws {
        let there = Mailbox<Int>(bound: 1)
        let back = Mailbox<Int>(bound: 1)
        let rounds = 5_000
        let result = Collector<Int>()
        WorkerThread.start(name: "pong") {
            for _ in 0..<rounds {
                guard let got = there.take(most: 1, until: Self.far)?.first else { return }
                back.post(got + 1)
            }
        }
        WorkerThread.start(name: "ping") {
            var value = 0
            for _ in 0..<rounds {
                there.post(value)
                guard let got = back.take(most: 1, until: Self.far)?.first else { break }
                value = got
            }
            result.add(value)
        }
        try await eventually("\(rounds) rounds") { result.count == 1 }
        #expect(result.all == [rounds])
    }

    /// Deadlines that fall together with deliveries are where a signal can be lost or left over.
    @Test("loses, doubles and reorders nothing under contention", arguments: [1, 7, 1_000])
    func contention(most: Int) async throws {
        let senders = 4
        let each = 5_000
        let box = Mailbox<(sender: Int, number: Int)>(bound: 64)
        for sender in 0..<senders {
            WorkerThread.start(name: "sender") {
                var number = 0
                while number < each {
                    if number % 5 == 0 {
                        box.post((sender, number))
                    } else if !box.offer((sender, number)) {
                        usleep(10)
                        continue
                    }
                    number += 1
                }
            }
        }
        struct Outcome: Sendable {
            var next: [Int]
            var orderFaults = 0
            var tooLong = 0
            var early = 0
        }
        let outcome = Collector<Outcome>()
        WorkerThread.start(name: "receiver") {
            var result = Outcome(next: Array(repeating: 0, count: senders))
            var random = Seeded(UInt64(most))
            while result.next.reduce(0, +) < senders * each {
                // 0 to 60 µs: about as long as a delivery takes.
                let deadline = Moment.now + .microseconds(Int(random.next() % 60))
                guard let taken = box.take(most: most, until: deadline) else { break }
                if taken.isEmpty && Moment.now < deadline { result.early += 1 }
                if taken.count > most { result.tooLong += 1 }
                for (sender, number) in taken {
                    if number != result.next[sender] { result.orderFaults += 1 }
                    result.next[sender] += 1
                }
            }
            outcome.add(result)
        }
        try await eventually("everything arrives") { outcome.count == 1 }
        let result = try #require(outcome.all.first)
        #expect(result.next == Array(repeating: each, count: senders))
        #expect(result.orderFaults == 0)
        #expect(result.tooLong == 0)
        #expect(result.early == 0, "an empty answer comes with the deadline, never before")
        #expect(box.count == 0)
    }
}
