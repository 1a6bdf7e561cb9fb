import History
import Store

/// What clients asked and were told, for the search for an order that explains it.
struct ClientHistory {
    enum Outcome {
        /// The record's writer and version; nil: there is none.
        case found((writer: UInt64, version: UInt64)?)
        case written(UInt64)
        /// A check failed.
        case rejected
        case unknown
    }

    private struct Told {
        let operation: Operation
        let outcome: Outcome
        let end: UInt64
    }

    private var told: [Told] = []

    mutating func add(_ operation: Operation, _ outcome: Outcome, at time: UInt64) {
        told.append(Told(operation: operation, outcome: outcome, end: time))
    }

    /// Tries to explain each key's answers by one order of the operations.
    ///
    /// Of a write whose client never learned what became of it, the log knows: it was done when it
    /// was committed, or never.
    ///
    /// - Parameters:
    ///   - commitOf: the index and the moment at which a request was committed, if it was.
    ///   - slowest: true time that passes while the slowest clock shows a stale read's bound.
    /// - Returns: how many keys were left undecided.
    /// - Throws: ``Violation`` where there is no such order, or a stale read is too old.
    func check(
        commitOf: ([UInt8]) -> (index: UInt64, time: UInt64)?,
        slowest: (UInt64) -> UInt64
    ) throws -> Int {
        var operations: [History.Operation] = []
        operations.reserveCapacity(told.count + told.count / 4)
        for told in told {
            let commit = commitOf(told.operation.requestID)
            for position in told.operation.keys.indices {
                if let operation = Self.operation(told, position, commit, slowest) {
                    operations.append(operation)
                }
            }
        }
        if let finding = try StaleReadChecker.findings(in: operations).first {
            throw Violation("stale read: \(finding)")
        }
        switch try LinearizabilityChecker(stepsPerKeyMax: 400_000).check(operations) {
        case .linearizable: return 0
        case .undecided(let keys): return keys.count
        case .violated(let explanation): throw Violation("\(explanation)")
        }
    }

    private static func operation(
        _ told: Told,
        _ position: Int,
        _ commit: (index: UInt64, time: UInt64)?,
        _ slowest: (UInt64) -> UInt64
    ) -> History.Operation? {
        let operation = told.operation
        let (action, outcome): (History.Action, History.Outcome)
        var last = told.end
        switch (operation.kind, told.outcome) {
        case (.read, .found(let found)):
            action = .get
            outcome = .found(value: found.map { "\($0.writer)" }, version: found?.version)
        case (.staleRead(let bound), .found(let found)):
            action = .staleGet(bound: slowest(bound))
            outcome = .found(value: found.map { "\($0.writer)" }, version: found?.version)
        case (_, .written(let version)):
            action = write(operation, position)
            outcome = .written(version: version)
        case (_, .rejected):
            // Of two checks nobody knows which one failed, nor of two attempts with different ones.
            guard operation.keys.count == 1, operation.proposals == 1, !operation.versions.isEmpty
            else { return nil }
            action = write(operation, position)
            outcome = .mismatch
        case (_, .unknown):
            guard let commit else { return nil }
            action = write(operation, position)
            outcome = .written(version: commit.index)
            last = commit.time
        case (_, .found): preconditionFailure("only reads find something")
        }
        return History.Operation(
            client: operation.serial,
            key: "key \(operation.keys[position])",
            call: operation.call,
            end: last,
            action: action,
            outcome: outcome
        )
    }

    /// What it checked is only known of one that was prepared once.
    private static func write(_ operation: Operation, _ position: Int) -> History.Action {
        let value = operation.kind == .delete ? nil : "\(operation.serial)"
        guard operation.proposals == 1, position < operation.versions.count else {
            return .write(value, .none)
        }
        return .write(value, .version(operation.versions[position]))
    }
}
