/// Everything that happened to one key, ready to be searched.
struct KeyHistory {
    /// Answered operations, by call time.
    let closed: [Move]
    /// Writes that may have been done at any time after their call, or never; by call time.
    let open: [Move]

    /// - Parameters:
    ///   - operations: the whole history.
    ///   - positions: those of this key.
    ///   - cut: nothing after this moment is known; `UInt64.max` for the whole history.
    init(operations: [Operation], positions: [Int], cut: UInt64 = .max) {
        var numbers = ValueNumbers()
        var closed: [Move] = []
        var open: [Move] = []
        closed.reserveCapacity(positions.count)
        for position in positions {
            let operation = operations[position]
            guard operation.call <= cut,
                let move = numbers.move(for: operation, source: position, cut: cut)
            else { continue }
            if move.end == .max && move.kind == .write && !operation.isAnswered(by: cut) {
                open.append(move)
            } else {
                closed.append(move)
            }
        }
        if !closed.isSorted { closed.sort { ($0.call, $0.source) < ($1.call, $1.source) } }
        if !open.isSorted { open.sort { ($0.call, $0.source) < ($1.call, $1.source) } }
        Self.rank(&closed)
        self.closed = closed
        self.open = open.isEmpty ? [] : Self.relevant(open, beside: closed)
    }

    /// Numbers the answered writes by version, deletes that told one as well.
    private static func rank(_ closed: inout [Move]) {
        let writes = closed.indices.filter {
            closed[$0].kind == .write && closed[$0].version > 0
        }
        let isInOrder = zip(writes, writes.dropFirst()).allSatisfy {
            closed[$0].version < closed[$1].version
        }
        let ordered =
            isInOrder ? writes : writes.sorted { closed[$0].version < closed[$1].version }
        for (rank, position) in ordered.enumerated() {
            closed[position].rank = Int32(rank)
        }
    }

    /// Drops writes without an answer that explain nothing: whose effect nobody can have seen.
    /// Each one kept doubles the orders to try, at worst.
    private static func relevant(_ open: [Move], beside closed: [Move]) -> [Move] {
        var seen: Set<Int32> = []
        var versions: Set<UInt64> = []
        for move in closed {
            switch move.kind {
            case .read: seen.insert(move.value)
            // Any hidden write can make a condition fail.
            case .mismatch: return open
            case .write: break
            }
            // The version of a delete is no record's.
            if move.version > 0 && move.value != RegisterState.absent {
                versions.insert(move.version)
            }
        }
        for move in closed + open {
            switch move.test {
            case .none: break
            case .value(let value): seen.insert(value)
            case .version(0): seen.insert(RegisterState.absent)
            // Somebody learned this version in a way that the history does not show.
            case .version(let wanted): if !versions.contains(wanted) { return open }
            }
        }
        return open.filter { seen.contains($0.value) }
    }
}

extension Operation {
    /// Whether its outcome is known at `cut`.
    fileprivate func isAnswered(by cut: UInt64) -> Bool {
        guard let end, end <= cut else { return false }
        return outcome != .unknown
    }
}

extension [Move] {
    fileprivate var isSorted: Bool {
        zip(self, dropFirst()).allSatisfy { $0.call <= $1.call }
    }
}

/// Small numbers for values, so that states are small and compare fast.
private struct ValueNumbers {
    private var numbers: [String: Int32] = [:]

    mutating func number(of value: String?) -> Int32 {
        guard let value else { return RegisterState.absent }
        if let known = numbers[value] { return known }
        let number = Int32(numbers.count)
        numbers[value] = number
        return number
    }

    /// `nil` when the operation says nothing: refused, a read without an answer, a stale read.
    mutating func move(for operation: Operation, source: Int, cut: UInt64) -> Move? {
        let isAnswered = operation.isAnswered(by: cut)
        let end = isAnswered ? operation.end ?? .max : .max
        switch (operation.action, operation.outcome) {
        case (_, .refused), (.staleGet, _):
            return nil
        case (.get, .found(let value, let version)):
            guard isAnswered else { return nil }
            return Move(
                kind: .read,
                call: operation.call,
                end: end,
                value: number(of: value),
                version: version ?? 0,
                test: .none,
                source: source
            )
        case (.get, _):
            return nil
        case (.write(let value, let condition), let outcome):
            var version: UInt64 = 0
            if isAnswered, case .written(let told) = outcome { version = told ?? 0 }
            return Move(
                kind: isAnswered && outcome == .mismatch ? .mismatch : .write,
                call: operation.call,
                end: end,
                value: number(of: value),
                version: version,
                test: test(condition),
                source: source
            )
        }
    }

    private mutating func test(_ condition: Condition) -> Move.Test {
        switch condition {
        case .none: .none
        case .version(let version): .version(version)
        case .value(let value): .value(number(of: value))
        }
    }
}
