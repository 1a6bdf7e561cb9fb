import Testing
import Wire

@testable import Shamir

struct BadLayoutCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let groupThreshold: Int
    let groups: [(Int, Int)]
    let error: ShareLayoutError
}

@Suite("layout")
struct ShareLayoutTests {
    static let bad = [
        BadLayoutCase(
            testDescription: "no groups",
            groupThreshold: 1,
            groups: [],
            error: .noGroups
        ),
        BadLayoutCase(
            testDescription: "17 groups",
            groupThreshold: 1,
            groups: Array(repeating: (1, 1), count: 17),
            error: .tooManyGroups(17)
        ),
        BadLayoutCase(
            testDescription: "group threshold 0",
            groupThreshold: 0,
            groups: [(1, 1)],
            error: .groupThreshold(0, groups: 1)
        ),
        BadLayoutCase(
            testDescription: "more groups needed than there are",
            groupThreshold: 3,
            groups: [(1, 1), (2, 3)],
            error: .groupThreshold(3, groups: 2)
        ),
        BadLayoutCase(
            testDescription: "a group of nobody",
            groupThreshold: 1,
            groups: [(2, 3), (0, 0)],
            error: .noMembers(group: 2)
        ),
        BadLayoutCase(
            testDescription: "17 members",
            groupThreshold: 1,
            groups: [(2, 17)],
            error: .tooManyMembers(group: 1, count: 17)
        ),
        BadLayoutCase(
            testDescription: "threshold 0",
            groupThreshold: 1,
            groups: [(0, 3)],
            error: .memberThreshold(0, group: 1, count: 3)
        ),
        BadLayoutCase(
            testDescription: "threshold above the members",
            groupThreshold: 1,
            groups: [(4, 3)],
            error: .memberThreshold(4, group: 1, count: 3)
        ),
        BadLayoutCase(
            testDescription: "1 of 2, which would be two copies",
            groupThreshold: 1,
            groups: [(1, 2)],
            error: .thresholdOneOfMany(group: 1, count: 2)
        ),
        BadLayoutCase(
            testDescription: "negative numbers",
            groupThreshold: 1,
            groups: [(-1, -1)],
            error: .noMembers(group: 1)
        ),
    ]

    @Test("cannot be wrong", arguments: bad)
    func refuses(_ row: BadLayoutCase) {
        let groups = row.groups.map { GroupSpec(threshold: $0.0, count: $0.1) }
        #expect(throws: row.error) {
            try ShareLayout(groupThreshold: row.groupThreshold, groups: groups)
        }
        #expect(row.error.blame == .caller)
        #expect(!row.error.summary.hasSuffix(".") && !row.error.remedy.isEmpty)
    }

    @Test("more than 16 shares are answered with groups")
    func namesGroups() {
        #expect(throws: ShareLayoutError.tooManyMembers(group: 1, count: 20)) {
            try ShareLayout(threshold: 11, of: 20)
        }
        let error = ShareLayoutError.tooManyMembers(group: 1, count: 20)
        #expect(error.summary.contains("20") && error.summary.contains("16"))
        #expect(error.remedy.contains("groups"))
    }

    @Test("lists its slots by group and member")
    func slots() throws {
        let layout = try ShareLayout(
            groupThreshold: 2,
            groups: [GroupSpec(threshold: 2, count: 2), GroupSpec(threshold: 1, count: 1)]
        )
        #expect(layout.shareCount == 3)
        #expect(
            layout.slots == [
                Slot(group: 0, member: 0), Slot(group: 0, member: 1), Slot(group: 1, member: 0),
            ]
        )
        #expect(layout.slots[1].description == "share 2 of group 1")
    }
}
