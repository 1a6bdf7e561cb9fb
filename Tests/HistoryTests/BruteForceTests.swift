import TestSupport
import Testing

@testable import History

/// The definition, without any thought for speed: tries every order of every subset that contains
/// all answered operations.
struct BruteForce {
    let operations: [Operation]

    var isLinearizable: Bool {
        search(placed: [], value: nil, version: 0)
    }

    private func search(placed: Set<Int>, value: String?, version: UInt64) -> Bool {
        let left = operations.indices.filter { !placed.contains($0) }
        if left.allSatisfy({ isOptional(operations[$0]) }) { return true }
        for position in left {
            let operation = operations[position]
            if left.contains(where: { end(operations[$0]) < operation.call }) { continue }
            for next in successors(of: operation, value: value, version: version)
            where search(
                placed: placed.union([position]),
                value: next.value,
                version: next.version
            ) {
                return true
            }
        }
        return false
    }

    private func isOptional(_ operation: Operation) -> Bool {
        operation.outcome == .unknown || operation.outcome == .refused
    }

    private func end(_ operation: Operation) -> UInt64 {
        isOptional(operation) ? .max : operation.end ?? .max
    }

    /// Versions are small here, so a version nobody told can simply be tried.
    static let versionMax: UInt64 = 7

    private func successors(
        of operation: Operation,
        value: String?,
        version: UInt64
    ) -> [(value: String?, version: UInt64)] {
        switch (operation.action, operation.outcome) {
        case (_, .refused), (.get, .unknown), (.staleGet, _):
            return []
        case (.get, .found(let seen, let told)):
            let fits = seen == value && (told == nil || value == nil || told == version)
            return fits ? [(value, version)] : []
        case (.write(let new, let condition), let outcome):
            let holds = isMet(condition, value: value, version: version)
            if outcome == .mismatch { return holds ? [] : [(value, version)] }
            guard holds else { return [] }
            if case .written(let told?) = outcome {
                return told > version ? [(new, told)] : []
            }
            if new == nil && value == nil { return [(value, version)] }
            guard version < Self.versionMax else { return [] }
            return (version + 1...Self.versionMax).map { (new, $0) }
        case (.get, _):
            return []
        }
    }

    private func isMet(_ condition: Condition, value: String?, version: UInt64) -> Bool {
        switch condition {
        case .none: true
        case .version(0): value == nil
        case .version(let wanted): value != nil && version == wanted
        case .value(let wanted): value == wanted
        }
    }
}

@Suite("linearizability: against the definition")
struct BruteForceTests {
    /// Random answers: few of these histories are linearizable, many nearly are.
    private func history(_ random: inout Seeded, withHiddenVersions: Bool) -> [Operation] {
        let values = ["a", "b", nil]
        return (0..<2 + random.below(5)).map { _ in
            let call = UInt64(random.below(20))
            let end = call + UInt64(random.below(12))
            let version = UInt64(1 + random.below(4))
            let told = withHiddenVersions && random.below(2) == 0 ? nil : version
            let client = UInt64(random.below(3))
            if random.below(2) == 0 {
                let value = values[random.below(3)]
                return get(client, value, call, end, version: value == nil ? nil : told)
            }
            let condition: Condition =
                switch random.below(4) {
                case 0: .version(UInt64(random.below(4)))
                case 1: .value(values[random.below(3)])
                default: .none
                }
            let outcome: Outcome =
                switch random.below(8) {
                case 0: .unknown
                case 1 where condition != .none: .mismatch
                case 2: .refused
                default: .written(version: told)
                }
            return put(client, values[random.below(3)], call, end, if: condition, outcome)
        }
    }

    @Test("the same verdict when all versions are told", arguments: UInt64(0)..<8)
    func exact(seed: UInt64) throws {
        var random = Seeded(seed)
        var sound = 0
        var total = 0
        for _ in 0..<2_000 {
            let operations = history(&random, withHiddenVersions: false)
            // A mismatch against a version nobody was told may be explained by chance.
            guard !hasVagueMismatch(operations) else { continue }
            let expected = BruteForce(operations: operations).isLinearizable
            total += 1
            sound += expected ? 1 : 0
            let isEqual = (try verdict(operations) == .linearizable) == expected
            #expect(isEqual, "expected \(expected): \(operations)")
            guard isEqual else { return }
        }
        #expect(sound > 100 && total - sound > 100)
    }

    private func hasVagueMismatch(_ operations: [Operation]) -> Bool {
        operations.contains { $0.outcome == .mismatch }
            && operations.contains { $0.outcome == .unknown }
    }

    @Test("never blames a correct history, whatever is hidden", arguments: UInt64(100)..<108)
    func lenient(seed: UInt64) throws {
        var random = Seeded(seed)
        var caught = 0
        for _ in 0..<2_000 {
            let operations = history(&random, withHiddenVersions: true)
            let isAccepted = try verdict(operations) == .linearizable
            caught += isAccepted ? 0 : 1
            guard !isAccepted, BruteForce(operations: operations).isLinearizable else { continue }
            Issue.record("blamed: \(operations)")
            return
        }
        #expect(caught > 200)
    }

    @Test("histories of a real register hold; with one answer changed most do not")
    func sample() throws {
        var caught = 0
        for seed in UInt64(0)..<40 {
            var operations = SampleHistory(seed: seed).operations(count: 400, keyCount: 4)
            #expect(try verdict(operations) == .linearizable)
            let reads = operations.indices.filter {
                if case .found(_?, _) = operations[$0].outcome { true } else { false }
            }
            let position = reads[Int(seed) % reads.count]
            let read = operations[position]
            // The value it had five reads earlier: a stale read.
            let earlier = reads[max(0, Int(seed) % reads.count - 5)]
            operations[position] = Operation(
                client: read.client,
                key: read.key,
                call: read.call,
                end: read.end,
                action: .get,
                outcome: operations[earlier].outcome
            )
            if case .violated = try verdict(operations) { caught += 1 }
        }
        #expect(caught >= 20)
    }
}
