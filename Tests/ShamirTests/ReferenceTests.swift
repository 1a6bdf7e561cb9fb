import Cryptography
import Testing
import Wire

@testable import Shamir

@Suite("against the reference implementation")
struct ReferenceTests {
    @Test("its shares open here", arguments: ReferenceSet.all)
    func fixed(_ set: ReferenceSet) throws {
        #expect(try combined(set.smallest) == set.secret)
        #expect(try combined(Array(set.shares.reversed())) == set.secret)
    }

    @Test("its shares are written here as it writes them", arguments: ReferenceSet.all)
    func sameWords(_ set: ReferenceSet) throws {
        for text in set.shares {
            let share = try Share.parse(text)
            let words = share.words
            #expect(words == text)
            let hex = share.hex
            let base64 = share.base64
            #expect(try Share.parse(hex).words == text)
            #expect(try Share.parse(base64).words == text)
        }
    }

    @Test(
        "its shares of today open here",
        .enabled(
            if: Python.hasReference,
            "python3 cannot import shamir_mnemonic; only the fixed vectors were checked"
        ),
        arguments: ReferenceSet.all
    )
    func live(_ set: ReferenceSet) throws {
        let groups = set.groups.map { "(\($0.threshold), \($0.count))" }.joined(separator: ", ")
        let output = try #require(
            Python.run(
                """
                import shamir_mnemonic as s
                for g in s.generate_mnemonics(\(set.groupThreshold), [\(groups)],
                        bytes.fromhex("\(set.secret)"), b"", True, 0):
                    print("\\n".join(g))
                """
            )
        )
        let shares = output.split(separator: "\n").map(String.init)
        let fresh = ReferenceSet(
            testDescription: set.testDescription,
            groupThreshold: set.groupThreshold,
            groups: set.groups,
            secret: set.secret,
            shares: shares
        )
        #expect(shares.count == set.shares.count)
        #expect(try combined(fresh.smallest) == set.secret)
        #expect(try combined(shares) == set.secret)
    }

    @Test(
        "shares made here open there",
        .enabled(
            if: Python.hasReference,
            "python3 cannot import shamir_mnemonic; only the fixed vectors were checked"
        ),
        arguments: ReferenceSet.all
    )
    func back(_ set: ReferenceSet) throws {
        let layout = try ShareLayout(groupThreshold: set.groupThreshold, groups: set.groups)
        let secret = try #require(Hex.decode(set.secret))
        let fresh = ReferenceSet(
            testDescription: set.testDescription,
            groupThreshold: set.groupThreshold,
            groups: set.groups,
            secret: set.secret,
            shares: try words(secret, layout, identifier: 0x7abc, seed: 99)
        )
        let list = fresh.smallest.map { "\"\($0)\"" }.joined(separator: ",\n")
        let output = Python.run(
            """
            import shamir_mnemonic as s
            print(s.combine_mnemonics([\(list)], b"").hex())
            """
        )
        #expect(output == set.secret + "\n")
    }
}

extension ReferenceSet {
    /// Just enough shares: the last members of the last groups.
    var smallest: [String] {
        var chosen: [String] = []
        var start = 0
        for (position, group) in groups.enumerated() {
            let members = shares[start..<start + group.count]
            start += group.count
            if position >= groups.count - groupThreshold {
                chosen += members.suffix(group.threshold)
            }
        }
        return chosen
    }
}
