import Store
import TestSupport

/// Entries of a log and what they come to, computed without a store.
struct TrialHistory: Sendable {
    /// A record, as far as the trials tell records apart.
    struct Held: Equatable, Sendable {
        let index: UInt64
        let value: [UInt8]
    }

    struct Step: Sendable {
        /// Which request this is, perhaps not for the first time.
        let request: UInt64
        let batch: WriteBatch
        /// Where the request was carried out before, so that this entry changes nothing.
        let earlier: UInt64?
    }

    /// The entry at index 1 is the first.
    private(set) var steps: [Step] = []
    /// The records after each entry, from 0 on.
    private(set) var states: [[StorageKey: Held]] = [[:]]
    /// Where each request was carried out last, after each entry, from 0 on.
    private(set) var requests: [[UInt64: UInt64]] = [[:]]

    var last: UInt64 { UInt64(steps.count) }

    /// - Parameter count: of entries, above 0.
    init(_ random: inout Seeded, count: Int) {
        for _ in 0..<count { append(&random) }
    }

    /// The records of one bucket after an entry.
    func records(ofBucket number: Int, after index: UInt64) -> [StorageKey: Held] {
        states[Int(index)].filter { $0.key.bucket == number }
    }

    private mutating func append(_ random: inout Seeded) {
        let index = last + 1
        var state = states[steps.count]
        var known = requests[steps.count]
        let recent = max(1, index - min(index, 2 * Trial.options.requestsRetained))
        let isRepeat = index > 1 && random.chance(1, of: 3)
        let request = isRepeat ? recent + random.next() % (index - recent) : index
        let earlier = known[request].flatMap {
            index - $0 <= Trial.options.requestsRetained ? $0 : nil
        }
        var operations = [BatchOperation.once(requestID: Trial.requestID(request))]
        for _ in 0...random.below(3) {
            let key = Trial.key(1 + UInt8(random.below(4)), 1 + random.next() % 12)
            if random.chance(1, of: 4) {
                operations.append(.delete(key))
                if earlier == nil { state[key] = nil }
                continue
            }
            let value = random.bytes(24 + random.below(276))
            let record = Record(flags: 0, dataKeyID: 1, nameBox: [1, 2, 3], valueBox: value)
            operations.append(.put(key, record))
            if earlier == nil { state[key] = Held(index: index, value: value) }
        }
        if earlier == nil { known[request] = index }
        let batch = WriteBatch(
            requestID: Trial.requestID(index),
            baseIndex: index - 1,
            time: 1_700_000_000_000_000_000 + index,
            dataKeyIDs: [1],
            operations: operations
        )
        steps.append(Step(request: request, batch: batch, earlier: earlier))
        states.append(state)
        requests.append(known)
    }
}
