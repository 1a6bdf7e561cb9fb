import NIOCore
import Raft
import TestSupport
import Testing
import Wire

@testable import Transport

extension NetworkTests {
    @Suite("peer damage")
    struct PeerDamageTests {
        /// A node that knows one member, whose key the test holds.
        private func withNode(
            _ body: (TestNode, NodeIdentity) async throws -> Void
        ) async throws {
            let folders = [TemporaryFolder(), TemporaryFolder()]
            var limits = PeerLimits()
            limits.helloTime = .seconds(2)
            let node = try await TestNode(1, folder: folders[0], limits: limits)
            let member = try NodeIdentity.loadOrCreate(folder: folders[1].path)
            let nowhere = NetworkAddress(host: "127.0.0.1", port: 1)
            node.transport.updatePeers([
                PeerEndpoint(id: NodeID(number: 2), address: nowhere, pin: member.pin)
            ])
            try await node.transport.eventLoop.submit {}.get()
            do {
                try await body(node, member)
            } catch {
                await node.transport.stop()
                throw error
            }
            await node.transport.stop()
        }

        private func hello(_ channel: PeerChannel = .control) -> [UInt8] {
            let hello = Hello(
                clusterID: [UInt8](repeating: 1, count: 32),
                sender: NodeID(number: 2),
                receiver: NodeID(number: 1),
                channel: channel,
                configurationText: "mine"
            )
            return bytes(FrameKind.hello, hello.encoded())
        }

        private func bytes(_ kind: UInt8, _ payload: [UInt8]) -> [UInt8] {
            Array(FrameCodec.encode(Frame(kind: kind, payload: payload)).readableBytesView)
        }

        @Test("frames before and after damage: the first arrive, the rest do not, the link ends")
        func corrupted() async throws {
            try await withNode { node, member in
                let client = try await rogue(member, at: node)
                try await client.send(hello() + bytes(1, [1, 2, 3]))
                try await eventually("the good frame arrives") { node.events.received.count == 1 }
                var damaged = bytes(2, [UInt8](repeating: 9, count: 100))
                damaged[60] ^= 0x10
                await client.sendAnyway(damaged + bytes(3, []))
                try await client.waitForClose()
                #expect(node.events.received.map(\.kind) == [1])
                #expect(node.seen.contains("warning", "node 2", "a frame is damaged", "checksum"))
                #expect(node.events.resets.isEmpty)
            }
        }

        @Test("a frame that announces too much is refused before it is waited for")
        func tooLong() async throws {
            try await withNode { node, member in
                let client = try await rogue(member, at: node)
                try await client.send(hello())
                await client.sendAnyway([0, 0x80, 0, 1, FrameCodec.version, 1, 0, 0, 0, 0])
                try await client.waitForClose()
                #expect(node.seen.contains("warning", "8388609 bytes", "8388608"))
            }
        }

        @Test("anything but a hello first is refused", arguments: [UInt8(1), 0xF1, 0xF3, 0xFF])
        func noHello(_ kind: UInt8) async throws {
            try await withNode { node, member in
                let client = try await rogue(member, at: node)
                await client.sendAnyway(bytes(kind, [1]) + hello())
                try await client.waitForClose()
                #expect(node.events.received.isEmpty)
                #expect(node.seen.contains("error", "not a hello"))
            }
        }

        @Test("a silent caller is let go")
        func silent() async throws {
            try await withNode { node, member in
                let plain = try await RawClient.connect(to: node.address)
                let secure = try await rogue(member, at: node)
                try await plain.waitForClose()
                try await secure.waitForClose()
            }
        }

        @Test("a newer connection of the same member takes the place of the older one")
        func replaced() async throws {
            try await withNode { node, member in
                let old = try await rogue(member, at: node)
                try await old.send(hello())
                try await eventually("accepted") { !old.received.isEmpty }
                let new = try await rogue(member, at: node)
                try await new.send(hello() + bytes(4, []))
                try await old.waitForClose()
                try await eventually("the new one carries frames") {
                    node.events.received.count == 1
                }
                #expect(node.events.resets.isEmpty)
                await new.close()
                try await eventually("its end is a reset") {
                    node.events.resets == [NodeID(number: 2)]
                }
            }
        }

        @Test("random bytes at the peer port, bare and inside TLS, never crash it")
        func randomBytes() async throws {
            try await withNode { node, member in
                var dice = Seeded(99)
                for round in 0..<300 {
                    let isSecure = !round.isMultiple(of: 3)
                    let client =
                        isSecure
                        ? try await rogue(member, at: node)
                        : try await RawClient.connect(to: node.address)
                    var noise =
                        hello(PeerChannel.allCases.randomElement(using: &dice) ?? .data)
                        + bytes(1, [1, 2, 3])
                    for _ in 0..<Int.random(in: 1...6, using: &dice) {
                        noise[Int.random(in: 0..<noise.count, using: &dice)] =
                            UInt8.random(in: 0...255, using: &dice)
                    }
                    if Bool.random(using: &dice) {
                        noise = noise.map { _ in UInt8.random(in: 0...255, using: &dice) }
                    }
                    if Bool.random(using: &dice) {
                        noise = Array(noise.prefix(Int.random(in: 0...noise.count, using: &dice)))
                    }
                    await client.sendAnyway(noise)
                    await client.close()
                }
                let good = try await rogue(member, at: node)
                try await good.send(hello(.data) + bytes(77, [5]))
                try await eventually("a good frame still arrives") {
                    node.events.received.last?.kind == 77
                }
            }
        }

        @Test("the frame decoder never traps and never makes up a frame")
        func decoder() throws {
            var dice = Seeded(4)
            let good = bytes(5, [UInt8](repeating: 1, count: 40)) + bytes(6, [])
            for _ in 0..<5_000 {
                var noise = good
                for _ in 0..<Int.random(in: 0...3, using: &dice) {
                    noise[Int.random(in: 0..<noise.count, using: &dice)] ^=
                        UInt8.random(in: 1...255, using: &dice)
                }
                noise.removeLast(Int.random(in: 0...noise.count, using: &dice))
                var inbox = FrameInbox()
                inbox.add(ByteBuffer(bytes: noise))
                var frames: [Frame] = []
                do throws(FrameError) {
                    while let frame = try inbox.next(payloadMax: 1_000) { frames.append(frame) }
                } catch {
                    #expect(error.blame == .peer)
                }
                let sent = [
                    Frame(kind: 5, payload: [UInt8](repeating: 1, count: 40)),
                    Frame(kind: 6, payload: []),
                ]
                #expect(frames.elementsEqual(sent.prefix(frames.count)))
            }
        }

        @Test("frames arrive whole however the bytes are cut")
        func cuts() throws {
            let stream = (0..<20).flatMap { bytes($0, [UInt8](repeating: $0, count: Int($0) * 7)) }
            for step in [1, 2, 9, 10, 11, 64, 1_000] {
                var inbox = FrameInbox()
                var kinds: [UInt8] = []
                for start in stride(from: 0, to: stream.count, by: step) {
                    inbox.add(ByteBuffer(bytes: stream[start..<min(start + step, stream.count)]))
                    while let frame = try inbox.next(payloadMax: 1_000) { kinds.append(frame.kind) }
                }
                #expect(kinds == Array(0..<20))
            }
        }

        @Test("a hello is read as it was written, and nothing else is")
        func helloBytes() throws {
            let hello = Hello(
                clusterID: Array(0..<32),
                sender: NodeID(number: 2),
                receiver: NodeID(number: .max),
                channel: .snapshot,
                configurationText: "a\nb \u{1F511}"
            )
            let encoded = hello.encoded()
            #expect(try Hello(decoding: encoded) == hello)
            for count in 0..<encoded.count {
                #expect(throws: HelloError.self) { try Hello(decoding: Array(encoded[..<count])) }
            }
            #expect(throws: HelloError.self) { try Hello(decoding: encoded + [0]) }
            var newer = encoded
            newer[0] = 2
            #expect(throws: HelloError.self) { try Hello(decoding: newer) }
        }
    }
}

extension NetworkTests {
    @Suite("loss ledger")
    struct LossLedgerTests {
        @Test("one loss is news once, however many connections it takes along")
        func once() {
            var ledger = LossLedger()
            let first = (0..<6).map { _ in ledger.established() }
            let news = first.map { ledger.isNews($0, isLast: false) }
            #expect(news == [true, false, false, false, false, false])
            let afterLoss = ledger.isNewsSinceLast()
            #expect(!afterLoss)
            let second = (0..<2).map { _ in ledger.established() }
            let more = [
                ledger.isNewsSinceLast(), ledger.isNews(second[1], isLast: false),
                ledger.isNews(first[0], isLast: false),
            ]
            #expect(more == [true, false, false])
        }

        /// Found by the failover benchmark: an append that the dead leader had still sent was read
        /// after the first reset, and two of four nodes believed in the leader for 400 ms more.
        @Test("the end of the last connection is news once more")
        func last() {
            var ledger = LossLedger()
            let numbers = (0..<3).map { _ in ledger.established() }
            let news = numbers.map { ledger.isNews($0, isLast: $0 == numbers.last) }
            #expect(news == [true, false, true])
        }

        @Test("the log throttle lets new lines pass, and repetitions after a minute")
        func throttle() {
            var throttle = LogThrottle()
            let start = NIODeadline.now()
            let steps: [(String, String, Int64)] = [
                ("a", "x", 0), ("a", "x", 59), ("a", "y", 0), ("b", "x", 0), ("a", "x", 60),
            ]
            let passed = steps.map { throttle.allows($0.0, $0.1, now: start + .seconds($0.2)) }
            #expect(passed == [true, false, true, true, true])
            let flood = (0..<100).filter {
                throttle.allows("\($0)", "z", now: start + .seconds(60))
            }
            #expect(flood.count == 19)
        }
    }
}
