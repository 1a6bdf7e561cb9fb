import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// The courier without its thread: streams that break in every way go on where they were, and
/// nothing but the right bytes is ever handed over.
@Suite("courier machine")
struct CourierMachineTests {
    /// Ten chunks and a bit.
    static let content = noise(10 * Limits.snapshotChunkBytes + 77, seed: 1)

    private struct Pair {
        let bench: CourierBench
        var sender: CourierBench.Node { bench.nodes[0] }
        var receiver: CourierBench.Node { bench.nodes[1] }

        init(_ more: TestShelf...) {
            let first = TestShelf(bytes: CourierMachineTests.content)
            bench = CourierBench([first, TestShelf(index: 1)] + more)
            bench.lead(bench.nodes[0], term: 3, to: bench.nodes[1])
        }

        /// Until so many bytes are there.
        func runUntilReceived(_ count: Int) {
            #expect(
                bench.run(seconds: 60) { receiver.shelf.received.count >= count },
                "\(receiver.shelf.received.count) of \(count)"
            )
        }

        func expectArrival(_ content: [UInt8] = CourierMachineTests.content, seconds: Int = 60) {
            #expect(bench.run(seconds: seconds) { !receiver.arrivals.isEmpty })
            #expect(receiver.arrivals.map { $0.bytes == content } == [true])
            #expect(bench.run(seconds: 60) { bench.nodes.contains { $0.isDelivered } })
        }

        /// How much was sent over and above.
        var extra: Int { Int(sender.counters.sentBytes) - CourierMachineTests.content.count }
    }

    @Test("arrives, and is counted")
    func arrives() {
        let pair = Pair()
        pair.expectArrival()
        #expect(pair.extra == 0)
        #expect(pair.sender.counters.exported == 1 && pair.sender.counters.delivered == 1)
        #expect(pair.sender.counters.failed == 0 && pair.sender.counters.resumed == 0)
        #expect(pair.receiver.counters.arrived == 1)
        #expect(pair.receiver.counters.receivedBytes == UInt64(Self.content.count))
    }

    @Test("a broken connection costs what was on it, and no more")
    func brokenConnection() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count / 2)
        let had = pair.receiver.shelf.received.count
        pair.bench.breakLinks(pair.sender, pair.receiver)
        pair.expectArrival()
        #expect(pair.receiver.counters.sparedBytes == UInt64(had))
        #expect(pair.extra <= Limits.snapshotWindowBytes && pair.extra < Self.content.count / 2)
        #expect(pair.sender.shelf.exports == 1, "the file is the same one")
        #expect(pair.sender.counters.resumed == 1 && pair.sender.counters.failed == 1)
    }

    @Test("a receiver that restarts goes on with what was settled")
    func receiverRestarts() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count * 3 / 4)
        pair.bench.restart(pair.receiver)
        let kept = pair.receiver.shelf.received.count
        #expect(kept > Self.content.count / 2)
        pair.expectArrival()
        #expect(pair.receiver.counters.sparedBytes == UInt64(kept))
        #expect(pair.receiver.counters.receivedBytes == UInt64(Self.content.count - kept))
        #expect(pair.sender.shelf.exports == 1)
    }

    @Test("a sender that restarts, and leads again, goes on with its file")
    func senderRestarts() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count / 2)
        let had = pair.receiver.shelf.received.count
        pair.bench.restart(pair.sender)
        pair.bench.lead(pair.sender, term: 4, to: pair.receiver)
        pair.expectArrival()
        #expect(pair.receiver.counters.sparedBytes == UInt64(had))
        #expect(pair.sender.shelf.exports == 1)
    }

    @Test("another leader with the same file goes on with it", arguments: [true, false])
    func otherLeader(isSame: Bool) {
        let content = isSame ? Self.content : noise(Self.content.count, seed: 2)
        let pair = Pair(TestShelf(bytes: content))
        pair.runUntilReceived(Self.content.count / 2)
        let had = pair.receiver.shelf.received.count
        pair.bench.lead(pair.bench.nodes[2], term: 4, to: pair.receiver)
        pair.expectArrival(content)
        #expect(pair.receiver.counters.sparedBytes == (isSame ? UInt64(had) : 0))
        // The old leader's stream ends without a word, and its frames are not believed.
        #expect(!pair.sender.isDelivered)
    }

    @Test("a damaged chunk throws the stream away, and it begins anew", arguments: [0, 5, 10])
    func damagedChunk(number: Int) {
        let pair = Pair()
        var isDone = false
        pair.bench.change = { frame in
            guard case .chunk(let offset, var bytes, let checksum) = frame, !isDone,
                offset == UInt64(number * Limits.snapshotChunkBytes)
            else { return frame }
            isDone = true
            bytes[bytes.count / 2] ^= 0x10
            return .chunk(offset: offset, bytes: bytes, checksum: checksum)
        }
        pair.expectArrival()
        #expect(pair.receiver.counters.damaged == 1 && pair.sender.counters.damaged == 1)
        #expect(pair.receiver.counters.sparedBytes == 0)
        #expect(pair.sender.shelf.exports == 2, "perhaps it was the file")
    }

    @Test("a chunk at another offset than it was read from is damaged, too")
    func movedChunk() {
        let pair = Pair()
        var isDone = false
        pair.bench.change = { frame in
            guard case .chunk(_, let bytes, let checksum) = frame, !isDone else { return frame }
            isDone = true
            return .chunk(offset: 7, bytes: bytes, checksum: checksum)
        }
        pair.expectArrival()
        #expect(pair.receiver.counters.damaged == 1)
    }

    @Test("a file that is not what its digest says is thrown away at both ends")
    func damagedFile() {
        let pair = Pair()
        pair.runUntilReceived(1)
        pair.sender.shelf.damageExported(at: Self.content.count - 1)
        #expect(pair.bench.run(seconds: 60) { pair.receiver.counters.damaged == 1 })
        #expect(pair.receiver.arrivals.isEmpty)
        pair.expectArrival()
        #expect(pair.sender.shelf.exports == 2)
        #expect(pair.receiver.counters.damaged == 1)
    }

    @Test("a lost chunk is asked for once, and nothing is thrown away")
    func lostChunk() {
        let pair = Pair()
        var isDone = false
        pair.bench.change = { frame in
            guard case .chunk(let offset, _, _) = frame, offset > 600_000, !isDone else {
                return frame
            }
            isDone = true
            return nil
        }
        pair.expectArrival()
        let resumes = pair.bench.frames.filter { if case .resume = $0 { true } else { false } }
        #expect(resumes.count == 2, "one at the beginning, one for the loss")
        #expect(pair.sender.counters.failed == 0)
        #expect(pair.receiver.counters.receivedBytes == UInt64(Self.content.count))
    }

    @Test("a receiver that is slow gets a window, and no more")
    func window() {
        let big = noise(3 * Limits.snapshotWindowBytes, seed: 4)
        let bench = CourierBench([TestShelf(bytes: big), TestShelf(index: 1)])
        let (sender, receiver) = (bench.nodes[0], bench.nodes[1])
        bench.lead(sender, term: 3, to: receiver)
        #expect(bench.run(seconds: 5) { receiver.shelf.received.count > 0 })
        let had = receiver.shelf.received.count
        receiver.isAsleep = true
        bench.run(seconds: 10)
        let sent = Int(sender.counters.sentBytes)
        #expect(sent >= had + Limits.snapshotWindowBytes / 2)
        #expect(sent <= had + Limits.snapshotWindowBytes + 64 * Limits.snapshotChunkBytes)
        #expect(
            sent
                <= receiver.inbox.reduce(had) { sum, job in
                    guard case .frame(.chunk(_, let bytes, _), _) = job else { return sum }
                    return sum + bytes.count
                }
        )
        receiver.isAsleep = false
        #expect(bench.run(seconds: 60) { receiver.arrivals.count == 1 })
        #expect(receiver.arrivals[0].bytes == big)
    }

    @Test("a receiver without room keeps what it has, and goes on when there is room")
    func noRoom() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count / 2)
        let had = pair.receiver.shelf.received.count
        pair.receiver.shelf.appendError = .full
        pair.bench.run(seconds: 30)
        #expect(pair.receiver.shelf.received.count == had)
        pair.receiver.shelf.appendError = nil
        pair.expectArrival()
        #expect(pair.receiver.counters.receivedBytes == UInt64(Self.content.count))
    }

    @Test("connections that take one frame at a time lose no word")
    func narrow() {
        let pair = Pair()
        pair.receiver.roomInStep = 1
        pair.sender.roomInStep = 1
        pair.expectArrival()
        #expect(pair.extra == 0)
    }

    @Test("files that nobody asks for go")
    func ages() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count / 2)
        pair.sender.role = .follower
        pair.bench.breakLinks(pair.sender, pair.receiver)
        pair.bench.run(seconds: Limits.snapshotKeptSeconds - 10)
        #expect(pair.receiver.shelf.arriving != nil && pair.sender.shelf.exported != nil)
        pair.bench.run(seconds: 20)
        #expect(pair.receiver.shelf.arriving == nil && pair.sender.shelf.exported == nil)
    }

    @Test("what the log has brought meanwhile is not received any longer")
    func overtaken() {
        let pair = Pair()
        pair.runUntilReceived(Self.content.count / 2)
        pair.receiver.committed = 20
        pair.bench.run(seconds: 5)
        #expect(pair.receiver.shelf.arriving == nil && pair.receiver.arrivals.isEmpty)
    }

    @Test("a file after which too much was written is not streamed again")
    func stale() {
        let pair = Pair()
        pair.expectArrival()
        pair.sender.last = 21 + UInt64(Limits.snapshotReuseEntriesMax)
        pair.sender.shelf.state = (30, noise(1_000, seed: 5))
        pair.bench.ask(pair.sender, pair.receiver)
        #expect(pair.bench.run(seconds: 60) { pair.receiver.arrivals.count == 2 })
        #expect(pair.receiver.arrivals.last?.point.index == index(30))
        // One that does not reach far enough is not, either.
        pair.sender.shelf.state = (40, noise(1_000, seed: 6))
        pair.bench.ask(pair.sender, pair.receiver, atLeast: 35)
        #expect(pair.bench.run(seconds: 60) { pair.receiver.arrivals.count == 3 })
        #expect(pair.receiver.arrivals.last?.point.index == index(40))
    }

    @Test("waits for what is applied, but not for ever")
    func appliedLate() {
        let pair = Pair()
        pair.expectArrival()
        pair.bench.ask(pair.sender, pair.receiver, atLeast: 25)
        pair.bench.run(seconds: Limits.snapshotApplySeconds - 1)
        #expect(pair.sender.counters.failed == 0 && pair.sender.shelf.exports == 1)
        pair.bench.run(seconds: 3)
        #expect(pair.sender.counters.failed == 1 && pair.sender.shelf.exports == 1)
    }

    /// No peer's word trips anything, nor does it make more of a stream than there is.
    @Test("a receiver that says nonsense gets nothing out of it")
    func nonsense() {
        var random = Seeded(8)
        let pair = Pair()
        pair.bench.change = { frame in
            let number = random.next()
            switch frame {
            case .resume(let index, _) where number % 3 > 0:
                return .resume(index: index, offset: number)
            case .taken(let index, _) where number % 3 > 0:
                return .taken(index: index, offset: number % 4 == 0 ? 1 : number)
            default: return frame
            }
        }
        pair.bench.run(seconds: 30)
        pair.bench.change = { $0 }
        pair.expectArrival()
    }

    /// Loss, damage, broken connections, crashes of both ends, changes of leader; then peace.
    @Test(
        "through any weather only the right bytes arrive, and in the end they do",
        arguments: 1...40
    )
    func weather(seed: UInt64) {
        let contents = [noise(900_001, seed: seed), noise(700_000, seed: seed + 1_000)]
        var random = Seeded(seed)
        let isSame = random.chance(1, of: 2)
        let shelves = [
            TestShelf(bytes: contents[0]), TestShelf(index: 1),
            TestShelf(index: isSame ? 20 : 25, bytes: contents[isSame ? 0 : 1]),
        ]
        let bench = CourierBench(shelves)
        let (receiver, leaders) = (bench.nodes[1], [bench.nodes[0], bench.nodes[2]])
        bench.change = { frame in
            if random.chance(1, of: 30) { return nil }
            guard case .chunk(let offset, var bytes, let checksum) = frame,
                random.chance(1, of: 40)
            else { return frame }
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 4
            return .chunk(offset: offset, bytes: bytes, checksum: checksum)
        }
        var number: UInt64 = 3
        bench.lead(leaders[0], term: number, to: receiver)
        for _ in 0..<4_000 {
            bench.step()
            switch random.next() % 400 {
            case 0: bench.restart(receiver)
            case 1: bench.breakLinks(leaders[Int(random.next() % 2)], receiver)
            case 2:
                number += 1
                let next = leaders[Int(random.next() % 2)]
                bench.lead(next, term: number, to: receiver)
            case 3:
                number += 1
                bench.restart(leaders[0])
                bench.lead(leaders[1], term: number, to: receiver)
            default: break
            }
        }
        bench.change = { $0 }
        bench.lead(leaders[0], term: number + 1, to: receiver)
        let before = receiver.arrivals.count
        #expect(bench.run(seconds: 120) { receiver.arrivals.count > before })
        for (point, bytes) in receiver.arrivals {
            #expect(bytes == (point.index == index(25) ? contents[1] : contents[0]))
        }
    }
}
