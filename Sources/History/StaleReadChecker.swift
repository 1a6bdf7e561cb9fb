/// Checks what stale reads promise: a value that was the newest at most `bound` before the read
/// was sent, and no value from the future.
///
/// A stale read is not linearizable, so ``LinearizabilityChecker`` leaves it out. What is checked
/// here is necessary and, when writes of a key do not overlap or versions are told, sufficient;
/// it never blames a correct history.
package enum StaleReadChecker {
    /// A stale read that broke its promise.
    package struct Finding: Equatable, Sendable, CustomStringConvertible {
        /// The read.
        package let read: Operation
        /// What shows it: a later write that the bound covers, or the same session's earlier read;
        /// `nil` when nobody ever wrote such a value before the read ended.
        package let witness: Operation?

        package var description: String {
            guard let witness else { return "nobody wrote what this read found: \(read)" }
            return "too old: \(read)\n  against \(witness)"
        }
    }

    /// - Returns: reads older than their bound allows, or of values never written; by position.
    /// - Throws: ``HistoryError`` when the list is not a history.
    /// - Complexity: for each stale read, the writes of the same value, and the logarithm of all of
    ///   its key; all of its key where one was never told its version.
    package static func findings(in operations: [Operation]) throws(HistoryError) -> [Finding] {
        var findings: [(position: Int, finding: Finding)] = []
        for (_, positions) in try LinearizabilityChecker.partition(operations) {
            let writes = KeyWrites(operations: operations, positions: positions)
            for position in positions {
                guard case .staleGet(let bound) = operations[position].action,
                    case .found(let value, let version) = operations[position].outcome
                else { continue }
                let read = operations[position]
                switch writes.judge(read, value: value, version: version, bound: bound) {
                case .fresh:
                    break
                case .tooOld(let witness):
                    findings.append((position, Finding(read: read, witness: witness)))
                case .neverWritten:
                    findings.append((position, Finding(read: read, witness: nil)))
                }
            }
        }
        return findings.sorted { $0.position < $1.position }.map { $0.finding }
    }

    /// Reads that went back in time within a session: the same client, having read one version,
    /// later read a lower one. For stale reads that promise to be monotonic, and all others.
    ///
    /// - Throws: ``HistoryError`` when the list is not a history.
    package static func regressions(in operations: [Operation]) throws(HistoryError) -> [Finding] {
        var findings: [(position: Int, finding: Finding)] = []
        for (_, positions) in try LinearizabilityChecker.partition(operations) {
            var reads: [UInt64: [(position: Int, version: UInt64)]] = [:]
            for position in positions {
                if let version = operations[position].versionRead {
                    reads[operations[position].client, default: []].append((position, version))
                }
            }
            for client in reads.keys.sorted() {
                findings += regressions(among: reads[client] ?? [], in: operations)
            }
        }
        return findings.sorted { $0.position < $1.position }.map { $0.finding }
    }

    /// Goes through the reads by call and, beside them, by end: the highest version known from
    /// reads that ended before the call.
    private static func regressions(
        among reads: [(position: Int, version: UInt64)],
        in operations: [Operation]
    ) -> [(position: Int, finding: Finding)] {
        let byCall = reads.sorted { operations[$0.position].call < operations[$1.position].call }
        let byEnd = reads.sorted {
            (operations[$0.position].end ?? .max) < (operations[$1.position].end ?? .max)
        }
        var findings: [(position: Int, finding: Finding)] = []
        var next = 0
        var highest: (position: Int, version: UInt64)?
        for read in byCall {
            let call = operations[read.position].call
            while next < byEnd.count, operations[byEnd[next].position].end ?? .max < call {
                if byEnd[next].version > highest?.version ?? 0 { highest = byEnd[next] }
                next += 1
            }
            if let highest, read.version < highest.version {
                let finding = Finding(
                    read: operations[read.position],
                    witness: operations[highest.position]
                )
                findings.append((read.position, finding))
            }
        }
        return findings
    }
}

extension Operation {
    fileprivate var versionRead: UInt64? {
        if case .found(_?, let version?) = outcome, end != nil { version } else { nil }
    }
}

/// The writes of one key, arranged for "was there a later one that had ended by then?".
private struct KeyWrites {
    enum Judgement {
        case fresh
        case tooOld(Operation)
        case neverWritten
    }

    private struct Write {
        let operation: Operation
        let value: String?
        let version: UInt64?
    }

    /// Everything that may have been written, answered or not, by value.
    private var possible: [String?: [Write]] = [:]
    /// What was certainly written, by end.
    private var certain: [Write] = []
    /// At each position of `certain` the highest version up to there; empty when one of them
    /// has no version.
    private var highest: [UInt64] = []

    init(operations: [Operation], positions: [Int]) {
        for position in positions {
            guard case .write(let value, _) = operations[position].action else { continue }
            let operation = operations[position]
            switch operation.outcome {
            case .written(let version):
                let write = Write(operation: operation, value: value, version: version)
                possible[value, default: []].append(write)
                certain.append(write)
            case .unknown:
                possible[value, default: []].append(
                    Write(operation: operation, value: value, version: nil)
                )
            case .found, .mismatch, .refused:
                break
            }
        }
        certain.sort { ($0.operation.end ?? .max) < ($1.operation.end ?? .max) }
        guard certain.allSatisfy({ $0.version != nil }) else { return }
        highest.reserveCapacity(certain.count)
        for write in certain { highest.append(max(highest.last ?? 0, write.version ?? 0)) }
    }

    /// The read is fresh if some write of its value may still have been the newest at the oldest
    /// moment that the bound allows, or later.
    func judge(_ read: Operation, value: String?, version: UInt64?, bound: UInt64) -> Judgement {
        let moment = read.call > bound ? read.call - bound : 0
        let end = read.end ?? .max
        var witness: Operation?
        var isKnown = false
        if value == nil {
            // In the beginning there was nothing.
            guard let later = certain.first(where: { $0.value != nil && ends($0, by: moment) })
            else { return .fresh }
            witness = later.operation
            isKnown = true
        }
        for write in possible[value] ?? [] where write.operation.call <= end {
            if let told = write.version, let version, told != version { continue }
            isKnown = true
            guard let later = successor(of: write, version: version, by: moment) else {
                return .fresh
            }
            witness = later.operation
        }
        return isKnown ? witness.map { .tooOld($0) } ?? .neverWritten : .neverWritten
    }

    private func ends(_ write: Write, by moment: UInt64) -> Bool {
        (write.operation.end ?? .max) < moment
    }

    /// A write that certainly came after `write` and had ended by `moment`.
    private func successor(of write: Write, version: UInt64?, by moment: UInt64) -> Write? {
        if let known = version ?? write.version, !highest.isEmpty {
            let first = firstPosition(above: known)
            return first < certain.count && ends(certain[first], by: moment)
                ? certain[first] : nil
        }
        return certain.first { later in
            guard ends(later, by: moment) else { return false }
            if let known = version ?? write.version, let laterVersion = later.version {
                return laterVersion > known
            }
            guard write.operation.outcome != .unknown, let end = write.operation.end else {
                return false
            }
            return end < later.operation.call
        }
    }

    /// Of the first of `certain` with a later version, by halving: `highest` never falls.
    private func firstPosition(above version: UInt64) -> Int {
        var low = 0
        var high = highest.count
        while low < high {
            let middle = low + (high - low) / 2
            if highest[middle] <= version { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
