import Raft
import Replica

/// Connections between the nodes: a control and a data connection for each ordered pair, each in
/// order like TCP, unless a run wants worse.
struct Network {
    let count: Int
    /// Messages lost, sent twice and overtaking, of 1,024.
    var loss = 0
    var duplication = 0
    var reorder = 0
    /// Usual delay in nanoseconds; one in 64 takes up to eight times as long.
    var delay: ClosedRange<UInt64> = 50_000...500_000
    private var cuts: [Bool]
    private var generations: [UInt32]
    private var lastArrivals: [UInt64]
    /// Frames of snapshots on their way.
    private var underWay: [Int]

    /// Beside the two of consensus messages.
    static let snapshotChannel = 2
    static let appendChannel = Int(MessageChannel.data.rawValue)
    private static let channels = 3

    init(count: Int) {
        self.count = count
        cuts = [Bool](repeating: false, count: count * count)
        generations = [UInt32](repeating: 0, count: count * count)
        lastArrivals = [UInt64](repeating: 0, count: count * count * Self.channels)
        underWay = [Int](repeating: 0, count: count * count)
    }

    /// Whether nothing gets from `source` to `target`.
    func isCut(_ source: Int, _ target: Int) -> Bool { cuts[source * count + target] }

    mutating func cut(_ source: Int, _ target: Int) { cuts[source * count + target] = true }

    mutating func join(_ source: Int, _ target: Int) { cuts[source * count + target] = false }

    mutating func mend() { cuts = [Bool](repeating: false, count: count * count) }

    /// Whether something does not get through.
    var hasCuts: Bool { cuts.contains(true) }

    /// Both directions lose what is on its way.
    mutating func reset(_ one: Int, _ other: Int) {
        generations[one * count + other] &+= 1
        generations[other * count + one] &+= 1
    }

    func generation(_ source: Int, _ target: Int) -> UInt32 { generations[source * count + target] }

    func snapshotsUnderWay(_ source: Int, _ target: Int) -> Int {
        underWay[source * count + target]
    }

    mutating func beginSnapshot(_ source: Int, _ target: Int) {
        underWay[source * count + target] += 1
    }

    mutating func endSnapshot(_ source: Int, _ target: Int) {
        underWay[source * count + target] -= 1
    }

    mutating func drawDelay(_ dice: inout Dice) -> UInt64 {
        let usual = dice.draw(delay)
        return dice.chance(16) ? usual * UInt64(dice.draw(2...8)) : usual
    }

    /// When a message sent now arrives, behind those sent before it on the same connection.
    mutating func arrival(
        _ source: Int,
        _ target: Int,
        channel: Int,
        now: UInt64,
        _ dice: inout Dice
    ) -> UInt64 {
        let slot = (source * count + target) * Self.channels + channel
        let time = now + drawDelay(&dice)
        if channel != Self.snapshotChannel, dice.chance(reorder) { return time }
        lastArrivals[slot] = max(lastArrivals[slot] + 1, time)
        return lastArrivals[slot]
    }
}

/// A connection on which a packet was lost: what came behind it waits, in order.
struct Jam {
    let number: Int
    let source: Int
    let target: Int
    var messages: [(message: Message, generation: UInt32)] = []
}

extension World {
    /// All that waits arrives at once.
    func unjam(_ number: Int) {
        guard let held = jam, held.number == number else { return }
        jam = nil
        say("\(held.messages.count) messages from \(held.source + 1) to \(held.target + 1) go on")
        for (message, generation) in held.messages
        where generation == network.generation(held.source, held.target) {
            transmit(message, from: held.source, to: held.target)
        }
    }

    /// A snapshot is on its way past what waits: that comes before it, with it or behind it.
    func meet(_ source: Int, _ target: Int) {
        guard let held = jam, held.source == source, held.target == target else { return }
        let time = now + dice.draw(0...4 * network.delay.upperBound)
        queue.add(.unjam(held.number), at: time)
    }

    func send(_ message: Message, from source: Int, to target: Int) {
        counts.messages += 1
        hash.mix(
            UInt64(source) << 16 | UInt64(target) << 8 | UInt64(message.body.ordinal),
            message.term.number
        )
        guard source != target, target < nodes.count, !network.isCut(source, target) else { return }
        if dice.chance(network.loss) { return }
        transmit(message, from: source, to: target)
        if dice.chance(network.duplication) { transmit(message, from: source, to: target) }
    }

    private func transmit(_ message: Message, from source: Int, to target: Int) {
        if let held = jam, held.source == source, held.target == target, message.channel == .data {
            let generation = network.generation(source, target)
            jam?.messages.append((message, generation))
            return
        }
        let time = network.arrival(
            source,
            target,
            channel: Int(message.channel.rawValue),
            now: now,
            &dice
        )
        let delivery = Delivery(
            source: source,
            target: target,
            generation: network.generation(source, target),
            message: message
        )
        queue.add(.message(delivery), at: time)
    }

    func deliver(_ delivery: Delivery) {
        let (source, target) = (delivery.source, delivery.target)
        guard delivery.generation == network.generation(source, target),
            !network.isCut(source, target), let process = nodes[target].process
        else { return }
        say(
            "\(source + 1) > \(target + 1) term \(delivery.message.term.number) "
                + "\(delivery.message.body)"
        )
        let input = CoreInput.raft(.received(delivery.message, from: nodes[source].id))
        guard process.pausedUntil <= now else {
            process.deferred.append(.message(delivery))
            return
        }
        process.coreInbox.append(input)
        wakeCore(process)
    }
}

extension MessageBody {
    /// For the trace's hash.
    var ordinal: UInt8 {
        switch self {
        case .preVoteRequest: 1
        case .preVoteResponse: 2
        case .voteRequest: 3
        case .voteResponse: 4
        case .append: 5
        case .appendResponse: 6
        case .heartbeat: 7
        case .heartbeatResponse: 8
        case .commitNotice: 9
        case .timeoutNow: 10
        case .readIndexRequest: 11
        case .readIndexResponse: 12
        case .relayed: 13
        }
    }
}
