/// Makes histories of a correct register used by overlapping clients, to try and to measure
/// checkers with. One seed, one history.
package struct SampleHistory: Sendable {
    private struct Record {
        var value: String?
        var version: UInt64 = 0
    }

    private var state: UInt64
    /// Clients that use the same key at the same time.
    package var clientsPerKey = 6
    /// Out of 100 operations, so many get no answer.
    package var silentPercent = 1

    /// Equal seeds and settings give equal histories.
    package init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), below `bound`.
    private mutating func draw(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }

    /// - Returns: `count` operations, spread over the keys, each key's by call time.
    package consuming func operations(count: Int, keyCount: Int) -> [Operation] {
        precondition(count >= 0 && keyCount >= 1 && clientsPerKey >= 1)
        var operations: [Operation] = []
        operations.reserveCapacity(count)
        for number in 0..<keyCount {
            let share = count / keyCount + (number < count % keyCount ? 1 : 0)
            appendKey(number, count: share, to: &operations)
        }
        return operations
    }

    /// Operations take effect 10 apart, in the order drawn; calls and ends lie around that moment,
    /// so far that about `clientsPerKey` overlap.
    private mutating func appendKey(_ number: Int, count: Int, to operations: inout [Operation]) {
        let first = operations.count
        var record = Record()
        var version: UInt64 = 0
        let reach = 5 * clientsPerKey
        for step in 0..<count {
            let moment = UInt64(1_000 + step * 10)
            let call = moment - UInt64(draw(reach))
            let isSilent = draw(100) < silentPercent
            let isLost = isSilent && draw(2) == 0
            let (action, outcome) = perform(step, on: &record, version: &version, isLost: isLost)
            operations.append(
                Operation(
                    client: UInt64(step % clientsPerKey),
                    key: "k\(number)",
                    call: call,
                    end: isSilent ? nil : moment + UInt64(draw(reach)),
                    action: action,
                    outcome: isSilent ? .unknown : outcome
                )
            )
        }
        operations[first...].sort { $0.call < $1.call }
    }

    private mutating func perform(
        _ step: Int,
        on record: inout Record,
        version: inout UInt64,
        isLost: Bool
    ) -> (Action, Outcome) {
        let kind = draw(100)
        guard kind >= 50 else {
            let told = record.value == nil ? nil : record.version
            return (.get, .found(value: record.value, version: told))
        }
        let current = record.value == nil ? 0 : record.version
        let wanted = draw(4) == 0 && current > 0 ? current - 1 : current
        let condition = kind < 80 ? Condition.none : .version(wanted)
        let isMet = kind < 80 || wanted == current
        let value = kind >= 95 ? nil : "v\(step)"
        let action = Action.write(value, condition)
        guard isMet, !isLost else { return (action, .mismatch) }
        version += 1 + UInt64(draw(3))
        record = Record(value: value, version: version)
        return (action, .written(version: version))
    }
}
