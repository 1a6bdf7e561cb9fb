import TestSupport
import Testing
import Wire

@testable import Raft
@testable import RaftLaboratory

struct MessageCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let body: MessageBody
    let channel: MessageChannel
}

@Suite("message codec")
struct MessageCodecTests {
    private static let request = VoteRequest(
        lastIndex: index(300),
        lastTerm: term(7),
        isTransfer: true
    )

    static let cases = [
        MessageCase(
            testDescription: "pre-vote request",
            body: .preVoteRequest(request),
            channel: .control
        ),
        MessageCase(
            testDescription: "pre-vote response",
            body: .preVoteResponse(PreVoteResponse(proposedTerm: term(9), isGranted: true)),
            channel: .control
        ),
        MessageCase(
            testDescription: "vote request",
            body: .voteRequest(request),
            channel: .control
        ),
        MessageCase(
            testDescription: "vote response",
            body: .voteResponse(isGranted: false),
            channel: .control
        ),
        MessageCase(
            testDescription: "append",
            body: .append(
                Append(
                    previousIndex: index(1_000),
                    previousTerm: term(3),
                    commit: index(998),
                    entries: entries(from: 1_001, terms: [3, 3, 5])
                )
            ),
            channel: .data
        ),
        MessageCase(
            testDescription: "empty append",
            body: .append(
                Append(previousIndex: .zero, previousTerm: .zero, commit: .zero, entries: [])
            ),
            channel: .data
        ),
        MessageCase(
            testDescription: "append with every kind of entry",
            body: .append(
                Append(
                    previousIndex: .zero,
                    previousTerm: .zero,
                    commit: .zero,
                    entries: [
                        LogEntry(index: index(1), term: term(1), kind: .noop, body: []),
                        LogEntry(index: index(2), term: term(1), kind: .batch, body: [1, 2, 3]),
                        LogEntry(
                            index: index(3),
                            term: term(2),
                            kind: .configuration,
                            body: cluster(3).encoded()
                        ),
                    ]
                )
            ),
            channel: .data
        ),
        MessageCase(
            testDescription: "accepted",
            body: .appendResponse(
                AppendResponse(outcome: .accepted(through: index(77)), isSealed: true)
            ),
            channel: .data
        ),
        MessageCase(
            testDescription: "rejected",
            body: .appendResponse(
                AppendResponse(
                    outcome: .rejected(
                        previous: index(70),
                        hintIndex: index(60),
                        hintTerm: term(4)
                    ),
                    isSealed: false
                )
            ),
            channel: .data
        ),
        MessageCase(
            testDescription: "heartbeat",
            body: .heartbeat(Heartbeat(commit: index(12), round: .max, promise: 400_000_000)),
            channel: .control
        ),
        MessageCase(
            testDescription: "heartbeat response",
            body: .heartbeatResponse(
                HeartbeatResponse(
                    round: 5,
                    received: index(20),
                    durable: index(18),
                    isSealed: true,
                    isPromised: true,
                    isDiskStalled: true,
                    isShortOfRoom: true,
                    formatLevel: 1
                )
            ),
            channel: .control
        ),
        MessageCase(
            testDescription: "commit notice",
            body: .commitNotice(index(1 << 40)),
            channel: .control
        ),
        MessageCase(testDescription: "timeout now", body: .timeoutNow, channel: .control),
        MessageCase(
            testDescription: "read request",
            body: .readIndexRequest(ReadBatch(number: .max)),
            channel: .control
        ),
        MessageCase(
            testDescription: "read response",
            body: .readIndexResponse(
                ReadIndexResponse(batch: ReadBatch(number: 3), index: index(9))
            ),
            channel: .control
        ),
        MessageCase(
            testDescription: "read refused",
            body: .readIndexResponse(ReadIndexResponse(batch: ReadBatch(number: 3), index: nil)),
            channel: .control
        ),
    ]

    private static func bytes(of message: Message) -> [UInt8] {
        var writer = ByteWriter()
        message.encode(into: &writer)
        return writer.bytes
    }

    private static func message(from bytes: [UInt8]) throws(WireError) -> Message {
        var reader = ByteReader(bytes)
        let message = try Message(from: &reader)
        try reader.finish()
        return message
    }

    @Test("what is written is read, on the right channel", arguments: cases)
    func roundTrip(_ row: MessageCase) throws {
        let message = Message(
            term: term(1 << 33),
            epoch: 3,
            boot: 1 << 40,
            incarnation: NodeLife.forgotten,
            body: row.body
        )
        #expect(try Self.message(from: Self.bytes(of: message)) == message)
        #expect(message.channel == row.channel)
    }

    @Test("cut short anywhere, it is refused", arguments: cases)
    func truncated(_ row: MessageCase) {
        let bytes = Self.bytes(of: Message(term: term(5), body: row.body))
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) {
                try Self.message(from: Array(bytes[..<count]))
            }
        }
        #expect(throws: WireError.trailing(1)) {
            try Self.message(from: bytes + [0])
        }
    }

    @Test("20,000 random and damaged inputs are refused or read, never trapped on")
    func hostile() {
        var random = Seeded(20_000)
        let samples = Self.cases.map { Self.bytes(of: Message(term: term(5), body: $0.body)) }
        var refused = 0
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = (0..<random.below(64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if !bytes.isEmpty { bytes[0] = UInt8(random.below(14)) }
            } else {
                bytes = samples[random.below(samples.count)]
                for _ in 0...random.below(3) {
                    bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            do {
                let message = try Self.message(from: bytes)
                #expect(message.isInRange)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 5_000)
    }

    @Test(
        "numbers, counts and kinds out of range are refused",
        arguments: [
            ("unknown kind", [0, 1, 0, 1, 0]), ("unknown kind", [13, 1, 0, 1, 0]),
            ("term above the limit", [10, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]),
            ("boot 0", [10, 1, 0, 0, 0]),
            ("a flag that is no flag", [4, 1, 0, 1, 0, 2]),
            ("an entry of unknown kind", [5, 1, 0, 1, 0, 0, 0, 0, 1, 1, 3, 0]),
            ("more entries than allowed", [5, 1, 0, 1, 0, 0, 0, 0, 0x81, 0x20]),
            ("a body over the limit", [5, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0x81, 0x80, 0x80, 0x02]),
            ("a refused read with an index", [12, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 9]),
        ] as [(String, [UInt8])]
    )
    func outOfRange(name: String, bytes: [UInt8]) {
        #expect(throws: WireError.self, "\(name)") {
            try Self.message(from: bytes)
        }
    }

    @Test("configurations round-trip, canonically")
    func configurations() throws {
        let configuration = cluster(5, learners: 2)
        let bytes = configuration.encoded()
        #expect(try Configuration(decoding: bytes) == configuration)
        let shuffled = Configuration(members: configuration.members.reversed())
        #expect(shuffled.encoded() == bytes)
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) {
                try Configuration(decoding: Array(bytes[..<count]))
            }
        }
        #expect(throws: WireError.self) { try Configuration(decoding: bytes + [0]) }
        #expect(throws: WireError.self) { try Configuration(decoding: [2] + bytes.dropFirst()) }
    }

    @Test("what cannot be a configuration is told in words")
    func configurationProblems() {
        #expect(Configuration.problem(in: cluster(9).members) == nil)
        #expect(Configuration.problem(in: []) != nil)
        #expect(Configuration.problem(in: [member(1, role: .learner)]) != nil)
        #expect(Configuration.problem(in: [member(1), member(1)]) != nil)
        #expect(Configuration.problem(in: [member(0)]) != nil)
        #expect(Configuration.problem(in: (1...10).map { member($0) }) != nil)
    }
}

@Suite("limits")
struct LimitsTests {
    @Test("limits and default settings make sense together")
    func consistent() {
        let settings = RaftSettings()
        #expect(settings.problem == nil)
        #expect(settings.electionTicksMin >= 5 * settings.heartbeatTicks)
        #expect(settings.resendTicks >= 2 * settings.heartbeatTicks)
        #expect(settings.resendTicks < settings.electionTicksMin)
        #expect(settings.uncommittedBytesMax >= 2 * settings.inFlightBytesMax)
        #expect(settings.appendEntriesMax <= Limits.appendEntriesDecodeMax)
        #expect(settings.linkResetDelayTicksMax < settings.electionTicksMin)
        // One append, alone or with company, fits the transport's frame of 8 MiB.
        #expect(Limits.entryBodyBytesMax + settings.appendBytesMax < 8 << 20)
        #expect(RaftSettings.hectic.problem == nil)
    }
}
