import Raft

/// Something that happens at a moment. A process is named by its number, so that what was meant
/// for one that died finds nobody.
enum Event {
    /// A machine's turn.
    case core(process: Int)
    case storage(process: Int)
    case storageDone(process: Int)
    case evaluation(process: Int)
    case courier(process: Int)
    case repair(process: Int)
    /// Of a start that waits for bodies.
    case recovery(node: Int)
    case message(Delivery)
    indirect case frame(FrameDelivery)
    /// The next operation of the clients comes.
    case arrival
    indirect case client(ClientEvent)
    indirect case members(MemberEvent)
    /// The next fault is due.
    case fault
    case resume(process: Int)
    case start(node: Int)
    /// The end of a process that was just elected.
    case doom(process: Int)
    /// A connection goes on.
    case unjam(Int)
    /// A node's disk loses a record that nobody writes again.
    case loss(node: Int)
    case reset(of: Int, at: Int)
}

/// A message on its way.
struct Delivery {
    let source: Int
    let target: Int
    /// Of the link when it was sent: a reset loses what is on the way.
    let generation: UInt32
    let message: Message
}

/// What is to happen, soonest first; of two at the same moment the one that was planned first.
///
/// Most of what is planned is a few microseconds away, and most of what waits is somebody's
/// patience, seconds away. Those have a heap of their own, so that the others sink in a small one.
/// The events lie still in a pool beside both.
struct EventQueue {
    private var near = EventHeap()
    private var far = EventHeap()
    /// What is due before this is near.
    private var horizon: UInt64 = 0
    /// How far ahead the horizon is set, in nanoseconds.
    private static let reach: UInt64 = 2_000_000
    private var pool: [Event?] = []
    private var free: [Int] = []
    private var sequence: UInt64 = 0

    /// The moment of the next event.
    var nextTime: UInt64? { near.first?.time ?? far.first?.time }

    mutating func add(_ event: Event, at time: UInt64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            pool[slot] = event
        } else {
            slot = pool.count
            precondition(slot < EventKey.slotsMost, "too much is planned at once")
            pool.append(event)
        }
        sequence += 1
        let key = EventKey(time: time, sequence: sequence, slot: slot)
        if time < horizon { near.add(key) } else { far.add(key) }
    }

    /// Removes the next event.
    mutating func next() -> (event: Event, time: UInt64)? {
        if near.first == nil, let first = far.first {
            horizon = first.time + Self.reach
            while let key = far.first, key.time < horizon { near.add(far.removeFirst()) }
        }
        guard near.first != nil else { return nil }
        let key = near.removeFirst()
        free.append(key.slot)
        guard let event = pool[key.slot].take() else {
            preconditionFailure("an event was taken twice")
        }
        return (event, key.time)
    }
}

/// Where an event lies, in the order in which they come.
private struct EventKey {
    let time: UInt64
    /// Which one it was, and in the lowest bits where it lies.
    private let ordinal: UInt64
    private static let slotBits: UInt64 = 24
    static let slotsMost = 1 << slotBits

    init(time: UInt64, sequence: UInt64, slot: Int) {
        self.time = time
        ordinal = sequence << Self.slotBits | UInt64(slot)
    }

    var slot: Int { Int(ordinal & (1 << Self.slotBits - 1)) }

    func isBefore(_ other: EventKey) -> Bool {
        time != other.time ? time < other.time : ordinal < other.ordinal
    }
}

/// A heap of keys, the least on top.
private struct EventHeap {
    private var keys: [EventKey] = []
    /// Keys below each: fewer levels, and those below one lie side by side.
    private static let width = 4

    var first: EventKey? { keys.isEmpty ? nil : keys[0] }

    mutating func add(_ key: EventKey) {
        keys.append(key)
        var position = keys.count - 1
        while position > 0 {
            let parent = (position - 1) / Self.width
            guard key.isBefore(keys[parent]) else { break }
            keys[position] = keys[parent]
            position = parent
        }
        keys[position] = key
    }

    mutating func removeFirst() -> EventKey {
        let first = keys[0]
        let last = keys.removeLast()
        if !keys.isEmpty { sink(last) }
        return first
    }

    /// From the top to where it belongs.
    private mutating func sink(_ key: EventKey) {
        var position = 0
        while true {
            let first = Self.width * position + 1
            guard first < keys.count else { break }
            var least = first
            for child in first + 1..<min(first + Self.width, keys.count)
            where keys[child].isBefore(keys[least]) {
                least = child
            }
            guard keys[least].isBefore(key) else { break }
            keys[position] = keys[least]
            position = least
        }
        keys[position] = key
    }
}
