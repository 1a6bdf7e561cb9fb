import Glibc
import NIOCore
import Raft
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Transport

extension NetworkTests {
    @Suite("peer transport")
    struct PeerTransportTests {
        @Test("frames of every size cross on every channel, in order")
        func exchange() async throws {
            try await withPair { a, b in
                let sizes = [0, 1, 100, 65_536, 1 << 20, TransportLimits.framePayloadMax]
                let payloads = sizes.map { size in
                    [UInt8](repeating: UInt8(truncatingIfNeeded: size &* 3 &+ 1), count: size)
                }
                for channel in PeerChannel.allCases {
                    for (number, payload) in payloads.enumerated() {
                        try await a.send(UInt8(number), payload, to: b.id, channel)
                    }
                    try await eventually("all frames of \(channel) arrive") {
                        b.events.received.filter { $0.channel == channel }.count == sizes.count
                    }
                    let received = b.events.received.filter { $0.channel == channel }
                    #expect(received.map(\.from) == sizes.map { _ in a.id })
                    #expect(received.map(\.kind) == sizes.indices.map { UInt8($0) })
                    #expect(received.map(\.payload.count) == sizes)
                    for (frame, payload) in zip(received, payloads) {
                        // Not within #expect, which would print eight megabytes.
                        let isSame = frame.payload == payload
                        #expect(isSame)
                    }
                }
                let tooLarge = [UInt8](repeating: 0, count: TransportLimits.framePayloadMax + 1)
                #expect(!a.transport.send(kind: 1, payload: tooLarge, to: b.id, channel: .data))
                #expect(a.seen.contains("error", "dropped a frame", "8388609 bytes"))
                try await b.send(7, [1, 2, 3], to: a.id)
                try await eventually("the other direction works") { a.events.received.count == 1 }
                #expect(a.events.resets.isEmpty && b.events.resets.isEmpty)
            }
        }

        @Test("many senders on many threads, one order per sender")
        func manySenders() async throws {
            try await withPair { a, b in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for sender in UInt8(0)..<8 {
                        group.addTask {
                            for number in UInt8(0)..<200 {
                                try await a.send(sender, [number], to: b.id, .data)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("all frames arrive") { b.events.received.count == 1_600 }
                for sender in UInt8(0)..<8 {
                    let numbers = b.events.received.filter { $0.kind == sender }.flatMap(\.payload)
                    #expect(numbers == Array(0..<200))
                }
            }
        }

        @Test("a frame to nobody, to itself or after the end is refused")
        func nobody() async throws {
            let folder = TemporaryFolder()
            let node = try await TestNode(1, folder: folder)
            node.transport.updatePeers([node.endpoint])
            try await node.transport.eventLoop.submit {}.get()
            for id in [node.id, NodeID(number: 9)] {
                #expect(!node.transport.send(kind: 1, payload: [], to: id, channel: .control))
                #expect(!node.transport.canSend(to: id, channel: .control))
                #expect(!node.transport.isConnected(to: id))
            }
            await node.transport.stop()
            #expect(!node.transport.send(kind: 1, payload: [], to: node.id, channel: .control))
        }

        @Test("a queue takes no more than its bound, and says when there is room")
        func queueBound() {
            let outbox = Outbox(limit: QueueLimit(framesMax: 4, bytesMax: 1_000))
            func entry(_ size: Int) -> Outbox.Entry {
                Outbox.Entry(
                    frame: Frame(kind: 1, payload: [UInt8](repeating: 0, count: size)),
                    checksum: 0
                )
            }
            #expect(outbox.offer(entry(1)) == .refused)
            outbox.open()
            #expect(outbox.offer(entry(5_000)) == .takenWakeLink)
            #expect(outbox.offer(entry(1)) == .refused)
            #expect(outbox.take(bytesMax: 10)?.hasRoomAgain == true)
            #expect(outbox.offer(entry(1)) == .takenWakeLink)
            for _ in 0..<3 { #expect(outbox.offer(entry(1)) == .taken) }
            #expect(!outbox.canTake(bytes: 1))
            #expect(outbox.offer(entry(1)) == .refused)
            let first = outbox.take(bytesMax: 11)
            #expect(first?.entries.count == 1 && first?.isPartial == true)
            #expect(first?.hasRoomAgain == false)
            let second = outbox.take(bytesMax: 1_000)
            #expect(second?.entries.count == 3 && second?.hasRoomAgain == true)
            #expect(outbox.take(bytesMax: 1_000) == nil)
            outbox.close()
            #expect(outbox.offer(entry(1)) == .refused)
        }

        @Test("a peer that reads nothing fills the queue, not the memory; the word of room comes")
        func backPressure() async throws {
            var limits = PeerLimits()
            limits.snapshot = QueueLimit(framesMax: 64, bytesMax: 1 << 20)
            try await withPair(limits: limits) { a, b in
                // The receiving loop stands still until the gate opens.
                let gate = Atomic(false)
                b.transport.eventLoop.execute {
                    while !gate.load(ordering: .acquiring) { usleep(1_000) }
                }
                let piece = [UInt8](repeating: 7, count: 64 << 10)
                var taken = 0
                while a.transport.send(kind: 1, payload: piece, to: b.id, channel: .snapshot)
                    || taken < 16
                {
                    taken += 1
                    try await Task.sleep(for: .milliseconds(1))
                    guard taken < 4_096 else { break }
                }
                #expect(taken < 4_096)
                #expect(!a.transport.canSend(to: b.id, channel: .snapshot))
                #expect(a.transport.canSend(to: b.id, channel: .control))
                let before = a.events.writables.filter { $0 == .snapshot }.count
                gate.store(true, ordering: .releasing)
                try await eventually("there is room again") {
                    a.events.writables.filter { $0 == .snapshot }.count > before
                }
                try await a.send(2, [], to: b.id, .snapshot)
                try await eventually("what was taken arrives") { b.events.received.last?.kind == 2 }
            }
        }

        @Test("the other side restarts: two resets each time, then frames cross again")
        func restart() async throws {
            let folders = [TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0])
            var b = try await TestNode(2, folder: folders[1])
            let endpoints = [a.endpoint, b.endpoint]
            a.transport.updatePeers(endpoints)
            b.transport.updatePeers(endpoints)
            for round in 1...3 {
                try await eventually("connected") { a.isConnected(to: b) && b.isConnected(to: a) }
                await b.transport.stop()
                try await eventually("the loss is noticed") { a.events.resets.count == 2 * round }
                try await eventually("links are down") { !a.transport.isConnected(to: b.id) }
                #expect(!a.transport.send(kind: 1, payload: [], to: b.id, channel: .data))
                // Every connection's end and some refused dials have been seen by now.
                try await Task.sleep(for: .milliseconds(300))
                // Of the first connection that ended, and of the last.
                #expect(a.events.resets == [NodeID](repeating: b.id, count: 2 * round))
                // But the end of each connection, out and in, since something may
                // have been sent on the second between the ends of the first and the second.
                #expect(a.events.lost.filter { $0 == .data }.count == 2 * round)
                b = try await TestNode(2, folder: folders[1], port: endpoints[1].address.port)
                #expect(b.endpoint == endpoints[1])
                b.transport.updatePeers(endpoints)
                try await a.send(UInt8(round), [], to: b.id, .data)
                try await eventually("a frame arrives") {
                    b.events.received.last?.kind == UInt8(round)
                }
            }
            await a.transport.stop()
            await b.transport.stop()
        }

        @Test("who calls is dialed at once, and is heard on the channels that it has dialed")
        func calling() async throws {
            var limits = PeerLimits()
            // Longer than the test may last: only the call ends the pause.
            (limits.redialTimeMin, limits.redialTimeMax) = (.seconds(3_600), .seconds(3_600))
            let folders = [TemporaryFolder(), TemporaryFolder()]
            let a = try await TestNode(1, folder: folders[0], limits: limits)
            let b = try await TestNode(2, folder: folders[1])
            let endpoints = [a.endpoint, b.endpoint]
            await b.transport.stop()
            a.transport.updatePeers(endpoints)
            try await eventually("a's dialing failed") {
                a.seen.all.filter { $0.contains("cannot connect") }.count == 3
            }
            #expect(!a.transport.isHeard(from: b.id, channel: .data))
            let back = try await TestNode(2, folder: folders[1], port: b.address.port)
            back.transport.updatePeers(endpoints)
            try await eventually("both are connected") {
                a.isConnected(to: back) && back.isConnected(to: a)
            }
            for channel in PeerChannel.allCases {
                #expect(a.transport.isHeard(from: b.id, channel: channel))
                #expect(back.transport.isHeard(from: a.id, channel: channel))
            }
            #expect(!a.transport.isHeard(from: NodeID(number: 3), channel: .data))
            await back.transport.stop()
            try await eventually("its end is noticed") {
                !a.transport.isHeard(from: b.id, channel: .data)
            }
            await a.transport.stop()
        }

        @Test("a removed member is cut off in both directions, without a reset; it can come back")
        func removal() async throws {
            try await withPair { a, b in
                a.transport.updatePeers([a.endpoint])
                try await eventually("cut off") {
                    !a.transport.isConnected(to: b.id) && !b.transport.isConnected(to: a.id)
                }
                #expect(!a.transport.send(kind: 1, payload: [], to: b.id, channel: .control))
                try await eventually("the removed one is refused") {
                    a.seen.contains("error", "pin \(b.identity.pinText)")
                }
                #expect(a.events.resets.isEmpty && b.events.resets.isEmpty)
                a.transport.updatePeers([a.endpoint, b.endpoint])
                try await eventually("back again") { a.isConnected(to: b) && b.isConnected(to: a) }
            }
        }
    }
}
