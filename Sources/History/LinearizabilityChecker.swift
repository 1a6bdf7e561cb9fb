/// Decides whether a history is linearizable, each key for itself.
///
/// A history is linearizable if and only if the history of each record is (Herlihy, Wing, 1990),
/// so keys are searched one by one. Within a key the search is exponential at worst, in the
/// number of overlapping writes; `stepsPerKeyMax` bounds it and the verdict says so.
///
/// Writes of unknown outcome may take effect at any time after their call, or never.
package struct LinearizabilityChecker: Sendable {
    /// Moves tried for one key before it counts as undecided.
    package let stepsPerKeyMax: Int

    /// - Parameter stepsPerKeyMax: 1 or above. The default takes a few seconds and 200 MB at worst.
    package init(stepsPerKeyMax: Int = 2_000_000) {
        precondition(stepsPerKeyMax >= 1)
        self.stepsPerKeyMax = stepsPerKeyMax
    }

    /// - Returns: the first violation in order of keys; else whether all keys were decided.
    /// - Throws: ``HistoryError`` when the list is not a history.
    package func check(_ operations: [Operation]) throws(HistoryError) -> Verdict {
        var undecided: [String] = []
        for (key, positions) in try Self.partition(operations) {
            var search = KeySearch(KeyHistory(operations: operations, positions: positions))
            switch search.run(stepsMax: stepsPerKeyMax) {
            case .found:
                break
            case .undecided:
                undecided.append(key)
            case .impossible:
                return .violated(explain(key, positions, in: operations))
            }
        }
        return undecided.isEmpty ? .linearizable : .undecided(keys: undecided)
    }

    /// Positions by key, keys sorted, so that the verdict does not depend on hash order.
    static func partition(
        _ operations: [Operation]
    ) throws(HistoryError) -> [(key: String, positions: [Int])] {
        var numbers: [String: Int] = [:]
        var parts: [(key: String, positions: [Int])] = []
        for position in operations.indices {
            if let problem = operations[position].problem {
                throw .malformed(position: position, problem)
            }
            let key = operations[position].key
            if let number = numbers[key] {
                parts[number].positions.append(position)
            } else {
                numbers[key] = parts.count
                parts.append((key, [position]))
            }
        }
        return parts.sorted { $0.key < $1.key }
    }

    // MARK: Explaining

    /// Finds the answer that made it impossible. Every beginning of a linearizable history is
    /// linearizable, so the first impossible moment can be found by halving.
    private func explain(_ key: String, _ positions: [Int], in operations: [Operation])
        -> Explanation
    {
        let moments = positions.compactMap { operations[$0].end }.sorted()
        var low = 0
        var high = moments.count - 1
        while low < high {
            let middle = (low + high) / 2
            let part = KeyHistory(
                operations: operations,
                positions: positions,
                cut: moments[middle]
            )
            var search = KeySearch(part)
            if case .impossible = search.run(stepsMax: stepsPerKeyMax) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return story(key, positions, in: operations, until: moments[low])
    }

    private func story(
        _ key: String,
        _ positions: [Int],
        in operations: [Operation],
        until moment: UInt64
    ) -> Explanation {
        var search = KeySearch(
            KeyHistory(operations: operations, positions: positions, cut: moment)
        )
        if case .impossible(let placedMax) = search.run(stepsMax: stepsPerKeyMax) {
            _ = search.run(stepsMax: stepsPerKeyMax, target: placedMax)
        }
        let (moves, state) = search.placed
        let waiting = search.waiting
        let last = waiting.last { $0.end == moment } ?? waiting.first
        let culprit =
            last?.source ?? positions.last { operations[$0].end == moment } ?? positions[0]
        return Explanation(
            key: key,
            culprit: operations[culprit],
            prefix: moves.map { operations[$0.source] },
            state: Self.describe(state, after: moves, in: operations),
            waiting: waiting.map { operations[$0.source] }
        )
    }

    private static func describe(
        _ state: RegisterState,
        after moves: [Move],
        in operations: [Operation]
    ) -> String {
        guard state.value != RegisterState.absent,
            let last = moves.last(where: { $0.kind != .mismatch && $0.value == state.value })
        else { return "absent" }
        var value = ""
        switch (operations[last.source].action, operations[last.source].outcome) {
        case (.write(let written?, _), _): value = "\"\(written)\""
        case (_, let outcome): value = "\(outcome)"
        }
        return state.isExact
            ? "\(value) version \(state.version)" : "\(value) of a version above \(state.version)"
    }
}
