import Cryptography
import Testing
import Wire

@testable import Shamir

struct SplitCase: Sendable, CustomTestStringConvertible {
    let groupThreshold: Int
    let groups: [(Int, Int)]

    var testDescription: String {
        "\(groupThreshold) of " + groups.map { "\($0.0)/\($0.1)" }.joined(separator: " ")
    }
}

@Suite("split")
struct SplitTests {
    static let cases = [
        SplitCase(groupThreshold: 1, groups: [(1, 1)]),
        SplitCase(groupThreshold: 1, groups: [(2, 2)]),
        SplitCase(groupThreshold: 1, groups: [(3, 5)]),
        SplitCase(groupThreshold: 1, groups: [(16, 16)]),
        SplitCase(groupThreshold: 1, groups: [(2, 16)]),
        SplitCase(groupThreshold: 2, groups: [(3, 5), (3, 5), (2, 3)]),
        SplitCase(groupThreshold: 1, groups: [(1, 1), (2, 3)]),
        SplitCase(groupThreshold: 3, groups: [(1, 1), (1, 1), (2, 2)]),
        SplitCase(groupThreshold: 16, groups: Array(repeating: (1, 1), count: 16)),
    ]

    /// Enough members of enough groups, all chosen at random.
    private static func chosen(_ row: SplitCase, _ entropy: inout SeededEntropy) -> [Slot] {
        var groups = Array(row.groups.indices)
        while groups.count > row.groupThreshold { groups.remove(at: entropy.below(groups.count)) }
        return groups.flatMap { group -> [Slot] in
            var members = Array(0..<row.groups[group].1)
            while members.count > row.groups[group].0 {
                members.remove(at: entropy.below(members.count))
            }
            return members.map { Slot(group: group, member: $0) }
        }
    }

    @Test("any sufficient choice rebuilds the secret, any smaller one does not", arguments: cases)
    func rebuilds(_ row: SplitCase) throws {
        let layout = try ShareLayout(
            groupThreshold: row.groupThreshold,
            groups: row.groups.map { GroupSpec(threshold: $0.0, count: $0.1) }
        )
        for seed in UInt64(1)...4 {
            var entropy = SeededEntropy(seed: seed)
            let bytes = entropy.bytes(32)
            let identifier = UInt16(entropy.below(1 << 15))
            let bundle = try split(
                secret(bytes),
                layout: layout,
                identifier: identifier,
                entropy: &entropy
            )
            let slots = bundle.map { $0.slot }
            #expect(slots == layout.slots)
            let texts = bundle.map { $0.words }
            let choice = Self.chosen(row, &entropy)
            var set = ShareSet(identifier: identifier, layout: layout)
            for (number, slot) in choice.enumerated() {
                let isEarly = set.isComplete
                #expect(!isEarly, "complete after \(number) of \(choice.count), seed \(seed)")
                let position = try #require(layout.slots.firstIndex(of: slot))
                try set.insert(Share.parse(texts[position]))
            }
            let rebuilt = try set.combine().exposedCopy()
            #expect(rebuilt == bytes, "seed \(seed)")
            #expect(try combined(texts) == Hex.encode(bytes), "all shares, seed \(seed)")
        }
    }

    @Test("one share too few, passed off as enough, does not rebuild")
    func tooFew() throws {
        var entropy = SeededEntropy(seed: 5)
        let points = try SecretSharing.split(
            secret(entropy.bytes(32)),
            threshold: 4,
            count: 6,
            entropy: &entropy
        )
        let isRebuilt = SecretSharing.combine(Array(points[1..<4]), threshold: 3) != nil
        #expect(!isRebuilt)
    }

    @Test("the same entropy gives the same shares, other entropy gives others")
    func determinism() throws {
        let layout = try ShareLayout(threshold: 3, of: 5)
        let bytes = [UInt8](repeating: 1, count: 32)
        let first = try words(bytes, layout, seed: 1)
        #expect(try words(bytes, layout, seed: 1) == first)
        #expect(Set(try words(bytes, layout, seed: 2)).isDisjoint(with: first))
    }

    @Test("no share holds the secret, even where one is enough")
    func encrypted() throws {
        let bytes = [UInt8](repeating: 0xab, count: 32)
        let share = try Share.parse(words(bytes, ShareLayout(threshold: 1, of: 1))[0])
        #expect(share.value.exposedCopy() != bytes)
    }

    @Test("a failing source of entropy is passed on")
    func entropyFails() throws {
        struct Broken: EntropySource {
            mutating func secret(count: Int) throws(CryptographyError) -> SecretBytes {
                throw .entropy(code: 5)
            }
        }
        let layout = try ShareLayout(threshold: 2, of: 3)
        #expect(throws: CryptographyError.entropy(code: 5)) {
            var broken = Broken()
            _ = try split(
                secret([UInt8](repeating: 1, count: 32)),
                layout: layout,
                identifier: 1,
                entropy: &broken
            )
        }
    }

    @Test("refuses an identifier of 16 bits")
    func identifier() async {
        await #expect(processExitsWith: .failure) {
            var entropy = SystemEntropy()
            let key = SecretBytes(count: 32) { _ in }
            let layout = try ShareLayout(threshold: 2, of: 3)
            _ = try split(key, layout: layout, identifier: 1 << 15, entropy: &entropy)
        }
    }

    @Test("refuses a secret that is not 32 bytes")
    func length() async {
        await #expect(processExitsWith: .failure) {
            var entropy = SystemEntropy()
            let key = SecretBytes(count: 16) { _ in }
            let layout = try ShareLayout(threshold: 2, of: 3)
            _ = try split(key, layout: layout, identifier: 1, entropy: &entropy)
        }
    }
}
