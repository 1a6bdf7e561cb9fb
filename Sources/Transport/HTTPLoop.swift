import Glibc
import NIOCore

/// What the connections of one event loop share. Never leaves that loop.
///
/// Time-outs are counted in ticks of one repeated task, because a timer per request would cost
/// more than the request; so each is up to one tick late.
final class HTTPLoop {
    let eventLoop: any EventLoop
    /// Counts from 1, once per `tickTime`.
    private(set) var tick: UInt64 = 1
    /// The `Date` of answers, renewed at every tick.
    private(set) var date: [UInt8]
    /// Set once when the server stops: each connection closes after its last answer.
    private(set) var isStopping = false

    private let tickTime: TimeAmount
    private let tickNanoseconds: Int64
    private var connections: [HTTPConnection] = []
    private var scratch = ByteBuffer()
    private var timer: RepeatedTask?

    /// - Precondition: on `eventLoop`.
    init(eventLoop: any EventLoop, limits: HTTPLimits) {
        self.eventLoop = eventLoop
        let shortest =
            [
                limits.handshakeTime, limits.headerTime, limits.bodyTime, limits.idleTime,
                limits.writeTime, limits.lingerTime,
            ].map(\.nanosecondsClamped).min() ?? 0
        tickNanoseconds = min(max(shortest / 8, 5_000_000), 500_000_000)
        tickTime = .nanoseconds(tickNanoseconds)
        date = HTTPDate.text(seconds: max(0, time(nil)))
    }

    func start() {
        let loop = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleRepeatedTask(initialDelay: tickTime, delay: tickTime) { _ in
            loop.value.beat()
        }
    }

    /// Lets idle connections go and makes the others close after their last answer.
    func beginStop() {
        isStopping = true
        // Backward: a connection that closes takes itself out of the list.
        for connection in connections.reversed() { connection.serverStops() }
    }

    /// Ends everything that is still open.
    func finishStop() {
        timer?.cancel()
        for connection in connections.reversed() { connection.abandon() }
    }

    /// The tick at which something that starts now is late.
    func deadline(after time: Duration) -> UInt64 {
        tick + UInt64(time.nanosecondsClamped / tickNanoseconds) + 1
    }

    func add(_ connection: HTTPConnection) {
        connection.position = connections.count
        connections.append(connection)
    }

    func remove(_ connection: HTTPConnection) {
        let position = connection.position
        guard position < connections.count, connections[position] === connection else { return }
        let last = connections.removeLast()
        if last !== connection {
            connections[position] = last
            last.position = position
        }
    }

    /// An empty buffer that, as a rule, was used before and is not used any more.
    func takeScratch(capacity: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &scratch)
        buffer.clear(minimumCapacity: max(capacity, 1 << 10))
        return buffer
    }

    func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity <= TransportLimits.bufferKeptMax { scratch = buffer }
    }

    private func beat() {
        tick += 1
        date = HTTPDate.text(seconds: max(0, time(nil)))
        for connection in connections.reversed() { connection.beat() }
    }
}

extension Duration {
    /// Whole nanoseconds, from zero to a hundred years.
    var nanosecondsClamped: Int64 {
        let century: Int64 = 3_155_760_000
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return min(seconds, century) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
