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
/// A heap of small keys, each with four below it; the events lie still in a pool beside it.
struct EventQueue {
    private struct Key {
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

        func isBefore(_ other: Key) -> Bool {
            time != other.time ? time < other.time : ordinal < other.ordinal
        }
    }

    private var heap: [Key] = []
    private var pool: [Event?] = []
    private var free: [Int] = []
    private var sequence: UInt64 = 0
    /// Keys below each: fewer levels, and those below one lie side by side.
    private static let width = 4

    /// The moment of the next event.
    var nextTime: UInt64? { heap.isEmpty ? nil : heap[0].time }

    mutating func add(_ event: Event, at time: UInt64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            pool[slot] = event
        } else {
            slot = pool.count
            precondition(slot < Key.slotsMost, "too much is planned at once")
            pool.append(event)
        }
        sequence += 1
        heap.append(Key(time: time, sequence: sequence, slot: slot))
        rise(heap.count - 1)
    }

    /// Removes the next event.
    mutating func next() -> (event: Event, time: UInt64)? {
        guard !heap.isEmpty else { return nil }
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        free.append(first.slot)
        guard let event = pool[first.slot].take() else {
            preconditionFailure("an event was taken twice")
        }
        return (event, first.time)
    }

    private mutating func rise(_ start: Int) {
        var position = start
        let key = heap[position]
        while position > 0 {
            let parent = (position - 1) / Self.width
            guard key.isBefore(heap[parent]) else { break }
            heap[position] = heap[parent]
            position = parent
        }
        heap[position] = key
    }

    private mutating func sink() {
        var position = 0
        let key = heap[0]
        while true {
            let first = Self.width * position + 1
            guard first < heap.count else { break }
            var least = first
            for child in first + 1..<min(first + Self.width, heap.count)
            where heap[child].isBefore(heap[least]) {
                least = child
            }
            guard heap[least].isBefore(key) else { break }
            heap[position] = heap[least]
            position = least
        }
        heap[position] = key
    }
}
