/// One record as an outside observer can know it: a value and a version that only grows.
///
/// The version of a write nobody heard the answer of is not known, only that it is higher than
/// the one before; whoever sees it first settles it. So this describes a set of possible records,
/// and a step is allowed if it is for one of them. That never blames a correct history.
struct RegisterState: Hashable {
    /// Number of the value; ``absent`` when there is no record.
    var value: Int32
    /// The record's version if `isExact`; else, and for an absent record, a bound: every version
    /// given from now on is higher.
    var version: UInt64
    var isExact: Bool

    static let absent: Int32 = -1
    static let initial = RegisterState(value: absent, version: 0, isExact: false)

    /// The state after a move that is possible here; `nil` when it is not.
    func after(_ move: Move) -> RegisterState? {
        switch move.kind {
        case .read:
            guard value == move.value else { return nil }
            return value == Self.absent ? self : settled(move.version)
        case .write:
            guard let base = meeting(move.test) else { return nil }
            return base.written(move)
        case .mismatch:
            return mismatches(move.test) ? self : nil
        }
    }

    /// This state, once the version of its record is known to be `seen`; 0 says nothing.
    private func settled(_ seen: UInt64) -> RegisterState? {
        guard seen > 0 else { return self }
        guard isExact ? seen == version : seen > version else { return nil }
        return RegisterState(value: value, version: seen, isExact: true)
    }

    private func meeting(_ test: Move.Test) -> RegisterState? {
        switch test {
        case .none: self
        case .value(let wanted): value == wanted ? self : nil
        case .version(0): value == Self.absent ? self : nil
        case .version(let wanted): value == Self.absent ? nil : settled(wanted)
        }
    }

    private func mismatches(_ test: Move.Test) -> Bool {
        switch test {
        case .none: false
        case .value(let wanted): value != wanted
        case .version(0): value != Self.absent
        case .version(let wanted): value == Self.absent || !isExact || version != wanted
        }
    }

    private func written(_ move: Move) -> RegisterState? {
        // A delete of nothing may be no write at all; if it tells a version it took one.
        if move.value == Self.absent && value == Self.absent && move.version == 0 { return self }
        // The lowest version that the record can have now; the new one is higher.
        let lowest = isExact || value == Self.absent ? version : version + 1
        let isRecord = move.value != Self.absent
        guard move.version > 0 else {
            let bound = isRecord ? lowest : lowest + 1
            return RegisterState(value: move.value, version: bound, isExact: false)
        }
        guard move.version > lowest else { return nil }
        return RegisterState(value: move.value, version: move.version, isExact: isRecord)
    }
}

/// An operation in the terms of the model: values are numbers, times are comparable.
struct Move {
    enum Kind {
        case read, write, mismatch
    }

    enum Test: Equatable {
        case none
        case version(UInt64)
        case value(Int32)
    }

    let kind: Kind
    let call: UInt64
    /// `UInt64.max` for one that may happen at any time after its call, or never.
    let end: UInt64
    /// What was read or is written; ``RegisterState/absent`` for absence and deletes.
    let value: Int32
    /// As told by the answer; 0 when nothing was told.
    let version: UInt64
    let test: Test
    /// Where it stands in the whole history.
    let source: Int
    /// Among the key's answered writes with a version, by version; -1 for all others. Versions
    /// grow, so these can only be placed in this order.
    var rank: Int32 = -1
}
