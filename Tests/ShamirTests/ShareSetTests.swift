import Cryptography
import Testing
import Wire

@testable import Shamir

struct InsertCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable () -> Share
    let error: ShareError
}

@Suite("set of shares")
struct ShareSetTests {
    /// After member 0 of a flat 2 of n with identifier 7 was given.
    static let cases = [
        InsertCase(
            testDescription: "another set",
            make: { share(identifier: 8, member: 1) },
            error: .otherSet(want: 7, have: 8)
        ),
        InsertCase(
            testDescription: "another number of groups",
            make: { share(groupCount: 2, group: 1, member: 1) },
            error: .otherGroups(
                wantThreshold: 1,
                wantCount: 1,
                haveThreshold: 1,
                haveCount: 2
            )
        ),
        InsertCase(
            testDescription: "another member threshold",
            make: { share(memberThreshold: 3, member: 1) },
            error: .memberThreshold(group: 0, want: 2, have: 3)
        ),
        InsertCase(
            testDescription: "the same share again",
            make: { share() },
            error: .duplicate(Slot(group: 0, member: 0))
        ),
        InsertCase(
            testDescription: "the same slot with another value",
            make: { share(value: 2) },
            error: .conflictingValue(Slot(group: 0, member: 0))
        ),
    ]

    @Test("refuses what does not belong and keeps what does", arguments: cases)
    func refuses(_ row: InsertCase) throws {
        var set = ShareSet()
        try set.insert(share())
        let error = failure { () throws(ShareError) in try set.insert(row.make()) }
        #expect(error == row.error)
        let slots = set.slots
        #expect(slots == [Slot(group: 0, member: 0)])
        try set.insert(share(member: 1))
        let isComplete = set.isComplete
        #expect(isComplete)
    }

    @Test("of a known vault refuses the first share of another")
    func known() throws {
        let layout = try ShareLayout(threshold: 2, of: 3)
        func insertFailure(_ make: () -> Share) -> ShareError? {
            var set = ShareSet(identifier: 7, layout: layout)
            let error = failure { () throws(ShareError) in try set.insert(make()) }
            if error != nil, !set.isEmpty { Issue.record("a refused share was kept") }
            return error
        }
        #expect(insertFailure { share(identifier: 9) } == .otherSet(want: 7, have: 9))
        #expect(
            insertFailure { share(groupThreshold: 2, groupCount: 2) }
                == .otherGroups(wantThreshold: 1, wantCount: 1, haveThreshold: 2, haveCount: 2)
        )
        #expect(
            insertFailure { share(memberThreshold: 4) }
                == .memberThreshold(group: 0, want: 2, have: 4)
        )
        #expect(
            insertFailure { share(member: 3) } == .unknownSlot(Slot(group: 0, member: 3))
        )
        #expect(insertFailure { share(member: 2) } == nil)
    }

    @Test("knows how far it is")
    func progress() throws {
        let set = ReferenceSet.grouped
        var shares = ShareSet()
        var progress = shares.progress
        #expect(!progress.isComplete && progress.groupsNeeded == 0)
        let steps = [
            (0, [1, 0, 0]), (5, [1, 1, 0]), (1, [2, 1, 0]), (2, [3, 1, 0]), (10, [3, 1, 1]),
        ]
        for (position, have) in steps {
            try shares.insert(Share.parse(set.shares[position]))
            progress = shares.progress
            #expect(progress.groups.map(\.have) == have)
            #expect(!progress.isComplete)
        }
        #expect(progress.groups.map(\.need) == [3, 3, 2])
        #expect(progress.groupsComplete == 1 && progress.groupsNeeded == 2)
        let error = failure { () throws(ShareError) in _ = try shares.combine() }
        #expect(error == .incomplete(groups: 1, need: 2))
        try shares.insert(Share.parse(set.shares[12]))
        progress = shares.progress
        #expect(progress.isComplete && progress.have == 6)
        let secret = try shares.combine().exposedCopy()
        #expect(Hex.encode(secret) == set.secret)
    }

    @Test("shares that do not belong together are noticed, in the smallest set and in a larger one")
    func inconsistent() throws {
        for extra in [0, 1, 2] {
            var set = ShareSet()
            for position in 0..<2 + extra {
                try set.insert(Share.parse(ReferenceSet.flat.shares[position]))
            }
            let first = try Share.parse(ReferenceSet.flat.shares[0])
            try set.insert(
                share(
                    identifier: first.identifier,
                    memberThreshold: 3,
                    member: 4,
                    value: 0x77
                )
            )
            let error = failure { () throws(ShareError) in _ = try set.combine() }
            #expect(error == .inconsistentMembers(group: 0))
        }
    }

    @Test("groups that do not belong together are noticed")
    func inconsistentGroups() throws {
        var set = ShareSet()
        for group in 0..<2 {
            try set.insert(
                share(
                    groupThreshold: 2,
                    groupCount: 3,
                    memberThreshold: 1,
                    group: group,
                    value: UInt8(group + 1)
                )
            )
        }
        let error = failure { () throws(ShareError) in _ = try set.combine() }
        #expect(error == .inconsistentGroups)
    }

    @Test("the shares of two sets with one identifier do not mix")
    func sameIdentifier() throws {
        let layout = try ShareLayout(threshold: 2, of: 3)
        let secret = [UInt8](repeating: 9, count: 32)
        let old = try words(secret, layout, identifier: 5, seed: 1)
        let new = try words(secret, layout, identifier: 5, seed: 2)
        var set = ShareSet()
        try set.insert(Share.parse(old[0]))
        try set.insert(Share.parse(new[1]))
        let error = failure { () throws(ShareError) in _ = try set.combine() }
        #expect(error == .inconsistentMembers(group: 0))
    }

    static let errors: [ShareError] = [
        .empty, .tooLong(characters: 5000), .unknownWord(position: 3, nearest: "acid"),
        .wordCount(have: 32), .hexDigit(position: 4), .hexLength(have: 83),
        .base64Character(position: 1), .unrecognised(characters: 10), .trailingBits, .checksum,
        .notA256BitShare(bits: 128), .padding, .notExtendable, .iterationExponent(1),
        .groupNumbers(index: 1, threshold: 1, count: 1), .otherSet(want: 1, have: 2),
        .otherGroups(wantThreshold: 1, wantCount: 1, haveThreshold: 1, haveCount: 2),
        .memberThreshold(group: 0, want: 2, have: 3), .unknownSlot(Slot(group: 0, member: 9)),
        .duplicate(Slot(group: 0, member: 0)), .conflictingValue(Slot(group: 0, member: 0)),
        .incomplete(groups: 0, need: 1), .inconsistentMembers(group: 0), .inconsistentGroups,
    ]

    @Test("every error says what happened and what to do, in words of its own")
    func wording() {
        for error in Self.errors {
            #expect(!error.remedy.isEmpty && !error.remedy.hasSuffix("."))
            #expect(!error.summary.hasSuffix(".") && error.summary.first?.isUppercase == false)
        }
        #expect(Set(Self.errors.map(\.summary)).count == Self.errors.count)
    }
}
