import Store
import TestSupport

/// A bucket from which damage took a record, and what another member lends for it: the bucket as
/// it was at that moment, or at another one, in which it may have been the same.
struct RepairTrial {
    private let history: TrialHistory
    /// The entry after which the bucket is damaged.
    private let applied: UInt64
    /// The entry after which the lender lends first.
    private let other: UInt64
    private var node: TrialNode
    private let lender: TrialNode

    init(_ random: inout Seeded, in folder: String) throws {
        history = TrialHistory(&random, count: 60)
        applied = 20 + random.next() % 30
        other = applied - 10 + random.next() % 21
        node = try TrialNode(history, at: folder + "/node")
        lender = try TrialNode(history, at: folder + "/lender")
    }

    mutating func problem(_ random: inout Seeded) throws -> String? {
        if let problem = try node.carryOut(through: applied) { return problem }
        guard let key = history.states[Int(applied)].keys.sorted().randomElement(using: &random)
        else { return nil }
        let bucket = key.bucket
        var lent: [UInt64: LentBucket] = [:]
        for moment in [min(applied, other), max(applied, other)] {
            if let problem = try lender.carryOut(through: moment) { return problem }
            lent[moment] = try lender.live.lendBucket(bucket, from: nil, bytesMax: 1 << 20)
        }
        guard let fit = lent[applied], let unsure = lent[other] else { return "nothing was lent" }
        guard try node.damageRecord(ofBucket: bucket, after: applied, &random) else { return nil }
        if let problem = try repair(from: unsure, at: other, bucket) { return problem }
        if let left = fit.records.randomElement(using: &random) {
            let others = fit.records.filter { $0.key != left.key }
            if try refusal(of: others + [RepairedRecord(key: left.key, bytes: nil)], bucket) == nil
            {
                return try damage(bucket) ?? "a repair without record \(left.key.hex) was kept"
            }
        }
        if let problem = try repair(from: fit, at: applied, bucket) { return problem }
        try node.restart()
        return try damage(bucket)
    }

    /// Puts a lent bucket in the place of the node's own.
    private func repair(
        from lent: LentBucket,
        at moment: UInt64,
        _ bucket: Int
    ) throws -> String? {
        let whole = Set(lent.records.map(\.key))
        let own = try node.live.bucketIndex(bucket).keys.map(\.0)
        let surplus = own.filter { !whole.contains($0) }
        let changes = lent.records + surplus.map { RepairedRecord(key: $0, bytes: nil) }
        let isFit =
            history.records(ofBucket: bucket, after: moment)
            == history.records(ofBucket: bucket, after: applied)
        if let refusal = try refusal(of: changes, bucket) {
            return isFit ? "a repair from entry \(moment) fits, but: \(refusal.summary)" : nil
        }
        if let problem = try damage(bucket) {
            return "a repair from entry \(moment) is kept at entry \(applied): \(problem)"
        }
        return isFit ? nil : "a repair from entry \(moment) is kept at entry \(applied)"
    }

    /// Why the store does not keep a repair, or nil.
    private func refusal(of changes: [RepairedRecord], _ bucket: Int) throws -> StoreError? {
        do throws(StoreError) {
            try node.live.write { (t) throws(StoreError) in
                try t.repairRecords(changes, bucket: bucket)
            }
            return nil
        } catch {
            guard error.bucketToRepair == bucket else { throw error }
            return error
        }
    }

    /// What is wrong with the node's state, which should be whole.
    private func damage(_ bucket: Int) throws -> String? {
        if let problem = try node.difference(after: applied) { return problem }
        return try node.live.bucketDamage(bucket)
    }
}

extension TrialNode {
    /// Ends the process, damages a record of one bucket, and begins another one.
    ///
    /// - Parameter index: the entry after which the state is looked for one.
    /// - Returns: false when the tree itself is damaged by it, which the store said: then only a
    ///   rebuild helps.
    mutating func damageRecord(
        ofBucket bucket: Int,
        after index: UInt64,
        _ random: inout Seeded
    ) throws -> Bool {
        let records = history.records(ofBucket: bucket, after: index)
        let keys = records.keys.sorted()
        guard let last = keys.last, let key = keys.randomElement(using: &random),
            let value = records[key]?.value
        else { preconditionFailure("bucket \(bucket) has no record") }
        let isLost = random.chance(1, of: 2)
        let (bits, offset) = (UInt8(1) << random.below(8), random.below(24))
        try restart { file in
            if isLost {
                // The last key of its directory, made a higher one: the order stays, so mostly only
                // the digest knows. A branch may have the key of a record that is gone, between.
                try FileBytes.flip(bits, at: 29, from: last.bytes, in: file)
            } else {
                try FileBytes.flip(bits, at: offset, from: Array(value.prefix(24)), in: file)
            }
        }
        do throws(StoreError) {
            _ = try live.bucketDamage(bucket)
            return true
        } catch {
            guard isLost, case .corrupt = error else { throw error }
            return false
        }
    }
}
