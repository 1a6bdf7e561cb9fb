/// Looks for an order of one key's operations that a single record, asked one request at a time,
/// would have answered the same way, and that respects who was answered before whom asked.
///
/// A depth-first search that places one operation after another. What makes it fast enough:
/// a position in the search (which operations are placed, and the state) is never entered twice;
/// a read or mismatch that fits is placed before any write is tried, because it changes nothing
/// and so can only be in the way later; writes with known versions are placed in the order of
/// their versions; a write without an answer is placed only before something that can see it.
///
/// - Source: Wing, Gong, "Testing and verifying concurrent objects", JPDC 1993; Lowe, "Testing
///   for linearizability", CPE 2017 (remembering positions); Horn, Kroening, "Faster
///   linearizability checking via P-compositionality", FORTE 2015 (one key at a time).
struct KeySearch {
    enum Result: Equatable {
        /// All answered operations have a place.
        case found
        /// There is no such order. At most this many operations could be placed.
        case impossible(placedMax: Int)
        /// The work allowed was not enough to tell.
        case undecided
    }

    private struct Standing: Hashable {
        let closed: PositionSet
        let open: PositionSet
        let state: RegisterState
        let isUnseen: Bool
    }

    private struct Frame {
        var closed: PositionSet
        var open: PositionSet
        var state: RegisterState
        /// Of the next versioned write.
        var rank: Int32
        /// The next candidate: an answered operation, then the open writes.
        var next: Int
        /// The earliest end among operations not placed: what is called later must wait.
        var limit = UInt64.max
        /// What was placed to get here, in `history.closed`; -1 for an open write and the root.
        var placed: Int
        var openPlaced = -1

        /// An open write was placed last, so something that can see it must follow: an order in
        /// which nothing sees it is as good without it.
        var isUnseen: Bool { openPlaced >= 0 }

        func allows(_ move: Move) -> Bool {
            !isUnseen || move.kind != .write || move.test != .none
        }
    }

    let history: KeyHistory
    /// Moves tried.
    private(set) var steps = 0
    private var frames: [Frame] = []
    private var visited: Set<Standing> = []
    private var placedMax = 0

    init(_ history: KeyHistory) {
        self.history = history
    }

    /// - Parameters:
    ///   - stepsMax: moves to try before giving up. Memory is bounded by it as well: at most one
    ///     position of about 100 bytes is remembered for each.
    ///   - target: stops, as if found, once this many operations are placed.
    mutating func run(stepsMax: Int, target: Int = .max) -> Result {
        frames = [
            Frame(
                closed: PositionSet(),
                open: PositionSet(),
                state: .initial,
                rank: 0,
                next: 0,
                placed: -1
            )
        ]
        visited = []
        placedMax = 0
        steps = 0
        while let top = frames.last {
            if top.closed.prefix == history.closed.count { return .found }
            placedMax = max(placedMax, frames.count - 1)
            if placedMax >= target { return .found }
            guard steps < stepsMax else { return .undecided }
            if let child = nextChild(of: frames.count - 1) {
                frames.append(child)
            } else {
                frames.removeLast()
            }
        }
        return .impossible(placedMax: placedMax)
    }

    /// What is placed at the moment, in order, and the state it leaves.
    var placed: (moves: [Move], state: RegisterState) {
        let moves = frames.dropFirst().map { frame in
            frame.placed >= 0 ? history.closed[frame.placed] : history.open[frame.openPlaced]
        }
        return (moves, frames.last?.state ?? .initial)
    }

    /// Answered operations that could come next by time, fitting or not.
    var waiting: [Move] {
        guard let top = frames.last else { return [] }
        var limit = UInt64.max
        var moves: [Move] = []
        for position in top.closed.prefix..<history.closed.count
        where !top.closed.contains(position) {
            let move = history.closed[position]
            guard move.call <= limit else { break }
            limit = min(limit, move.end)
            moves.append(move)
        }
        return moves.filter { $0.call <= limit }
    }

    /// The next way on from a frame that was not tried yet.
    private mutating func nextChild(of depth: Int) -> Frame? {
        if frames[depth].next == frames[depth].closed.prefix, let child = freeChild(of: depth) {
            return child
        }
        while let position = nextClosed(of: depth) {
            steps += 1
            let move = history.closed[position]
            guard move.rank < 0 || move.rank == frames[depth].rank, frames[depth].allows(move),
                let state = frames[depth].state.after(move)
            else { continue }
            var child = frames[depth]
            child.closed.insert(position)
            child.state = state
            child.rank += move.rank >= 0 ? 1 : 0
            child.placed = position
            child.openPlaced = -1
            if isNew(child) { return begun(child) }
        }
        return nextOpenChild(of: depth)
    }

    /// The first operation that could come next and changes nothing. Whatever works without it
    /// works with it here, so nothing else is tried.
    private mutating func freeChild(of depth: Int) -> Frame? {
        var limit = UInt64.max
        for position in frames[depth].closed.prefix..<history.closed.count
        where !frames[depth].closed.contains(position) {
            let move = history.closed[position]
            guard move.call <= limit else { return nil }
            limit = min(limit, move.end)
            guard move.kind != .write else { continue }
            steps += 1
            guard frames[depth].state.after(move) == frames[depth].state else { continue }
            frames[depth].next = history.closed.count + history.open.count
            var child = frames[depth]
            child.closed.insert(position)
            child.placed = position
            child.openPlaced = -1
            return begun(child)
        }
        return nil
    }

    private mutating func nextOpenChild(of depth: Int) -> Frame? {
        while let position = nextOpen(of: depth) {
            steps += 1
            let move = history.open[position]
            guard frames[depth].allows(move), let state = frames[depth].state.after(move) else {
                continue
            }
            var child = frames[depth]
            child.open.insert(position)
            child.state = state
            child.placed = -1
            child.openPlaced = position
            if isNew(child) { return begun(child) }
        }
        return nil
    }

    private func begun(_ frame: Frame) -> Frame {
        var frame = frame
        frame.next = frame.closed.prefix
        frame.limit = .max
        return frame
    }

    private mutating func isNew(_ frame: Frame) -> Bool {
        let standing = Standing(
            closed: frame.closed,
            open: frame.open,
            state: frame.state,
            isUnseen: frame.isUnseen
        )
        return visited.insert(standing).inserted
    }

    /// Calls are in order, so the first one after the limit ends the list of candidates.
    private mutating func nextClosed(of depth: Int) -> Int? {
        while frames[depth].next < history.closed.count {
            let position = frames[depth].next
            if frames[depth].closed.contains(position) {
                frames[depth].next += 1
                continue
            }
            let move = history.closed[position]
            guard move.call <= frames[depth].limit else {
                frames[depth].next = history.closed.count
                return nil
            }
            frames[depth].limit = min(frames[depth].limit, move.end)
            frames[depth].next += 1
            return position
        }
        return nil
    }

    private mutating func nextOpen(of depth: Int) -> Int? {
        let count = history.closed.count
        while frames[depth].next < count + history.open.count {
            let position = frames[depth].next - count
            frames[depth].next += 1
            if frames[depth].open.contains(position) { continue }
            return history.open[position].call <= frames[depth].limit ? position : nil
        }
        return nil
    }
}
