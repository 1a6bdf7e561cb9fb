import Glibc
import Store
import TestSupport
import Testing

@Suite("Vote file")
struct VoteFileTests {
    static let copyOffsets = [0, 4_096, 8_192, 12_288]

    /// The vote file of a store that saved this ballot, and nothing in its database.
    private func image(term: UInt64, vote: UInt64?) throws -> [UInt8] {
        let folder = TemporaryFolder()
        try folder.open().saveVote(term: term, vote: vote)
        return readFile(folder.node + "/vote")
    }

    private func copy(_ number: Int, of image: [UInt8]) -> ArraySlice<UInt8> {
        image[Self.copyOffsets[number]..<Self.copyOffsets[number] + 4_096]
    }

    /// Four copies, each from the image with its number in `choice`.
    private func mixed(_ images: [[UInt8]], _ choice: [Int]) -> [UInt8] {
        choice.enumerated().flatMap { copy($0.offset, of: images[$0.element]) }
    }

    private func load(_ folder: TemporaryFolder, vote: [UInt8]) throws -> Ballot {
        writeFile(folder.node + "/vote", vote)
        return try folder.open().load().ballot
    }

    @Test("a flipped byte in one copy, two or three changes nothing and is repaired")
    func oneByte() throws {
        let good = try image(term: 6, vote: 3)
        let folder = TemporaryFolder()
        _ = try folder.open()
        let positions = [0, 7, 8, 9, 10, 17, 18, 19, 26, 27, 250, 507, 508, 511]
        for position in positions {
            for copies in [[0], [1], [2], [3], [0, 1], [2, 3], [0, 2], [1, 2, 3], [0, 1, 2]] {
                var damaged = good
                for copy in copies {
                    damaged[Self.copyOffsets[copy] + position] ^= 0x01
                }
                #expect(try load(folder, vote: damaged) == Ballot(term: 6, vote: 3))
                #expect(readFile(folder.node + "/vote") == good)
            }
        }
    }

    @Test("no valid copy is an error, never a fresh start", arguments: [0, 9, 12, 20, 300, 511])
    func allCopies(position: Int) throws {
        let folder = TemporaryFolder()
        _ = try folder.open()
        var damaged = try image(term: 6, vote: 3)
        for offset in Self.copyOffsets {
            damaged[offset + position] ^= 0x80
        }
        #expect(throws: StoreError.damagedVoteFile("none of its 4 copies is valid")) {
            try load(folder, vote: damaged)
        }
        for bytes in [0, 1, 511] {
            #expect(throws: StoreError.damagedVoteFile("none of its 4 copies is valid")) {
                try load(folder, vote: Array(damaged[..<bytes]))
            }
        }
    }

    @Test("a copy in another copy's place does not count")
    func misplaced() throws {
        let folder = TemporaryFolder()
        _ = try folder.open()
        let image = try image(term: 6, vote: 3)
        let shifted =
            Array(copy(1, of: image)) + copy(0, of: image) + copy(3, of: image)
            + copy(2, of: image)
        #expect(throws: StoreError.damagedVoteFile("none of its 4 copies is valid")) {
            try load(folder, vote: shifted)
        }
    }

    @Test("a save interrupted anywhere leaves the old ballot or the new")
    func interrupted() throws {
        let old = try image(term: 6, vote: 3)
        let new = try image(term: 7, vote: nil)
        let cast = try image(term: 7, vote: 1)
        let folder = TemporaryFolder()
        _ = try folder.open()
        for mask in 0..<16 {
            let choice = (0..<4).map { mask >> $0 & 1 }
            #expect(
                try load(folder, vote: mixed([old, new], choice))
                    == (mask == 0 ? Ballot(term: 6, vote: 3) : Ballot(term: 7, vote: nil))
            )
            #expect(
                try load(folder, vote: mixed([new, cast], choice))
                    == (mask == 0 ? Ballot(term: 7, vote: nil) : Ballot(term: 7, vote: 1))
            )
        }
    }

    @Test("two different votes in one term stop the node")
    func twoVotes() throws {
        let first = try image(term: 7, vote: 1)
        let second = try image(term: 7, vote: 2)
        let folder = TemporaryFolder()
        _ = try folder.open()
        #expect(throws: StoreError.twoVotes(term: 7, first: 1, second: 2)) {
            try load(folder, vote: mixed([first, second], [0, 0, 0, 1]))
        }
    }

    struct Merge: Sendable, CustomTestStringConvertible {
        let name: String
        let file: Ballot
        let stored: Ballot
        let result: Ballot?
        var testDescription: String { name }
    }

    @Test(
        "vote file and hard state are merged at the start",
        arguments: [
            Merge(
                name: "file ahead",
                file: Ballot(term: 9, vote: nil),
                stored: Ballot(term: 8, vote: 1),
                result: Ballot(term: 9, vote: nil)
            ),
            Merge(
                name: "hard state ahead",
                file: Ballot(term: 8, vote: 1),
                stored: Ballot(term: 9, vote: nil),
                result: Ballot(term: 9, vote: nil)
            ),
            Merge(
                name: "equal term, vote in the file",
                file: Ballot(term: 8, vote: 1),
                stored: Ballot(term: 8, vote: nil),
                result: Ballot(term: 8, vote: 1)
            ),
            Merge(
                name: "equal term, vote in the hard state",
                file: Ballot(term: 8, vote: nil),
                stored: Ballot(term: 8, vote: 2),
                result: Ballot(term: 8, vote: 2)
            ),
            Merge(
                name: "equal",
                file: Ballot(term: 8, vote: 2),
                stored: Ballot(term: 8, vote: 2),
                result: Ballot(term: 8, vote: 2)
            ),
            Merge(
                name: "two votes",
                file: Ballot(term: 8, vote: 1),
                stored: Ballot(term: 8, vote: 2),
                result: nil
            ),
        ]
    )
    func merge(example: Merge) throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.write { (transaction) throws(StoreError) in
                try transaction.setHardState(
                    term: example.stored.term,
                    vote: example.stored.vote,
                    commit: 0
                )
            }
        }
        let image = try image(term: example.file.term, vote: example.file.vote)
        if let result = example.result {
            #expect(try load(folder, vote: image) == result)
        } else {
            #expect(throws: StoreError.twoVotes(term: 8, first: 1, second: 2)) {
                try load(folder, vote: image)
            }
        }
    }

    @Test("a ballot never goes back")
    func neverBack() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.saveVote(term: 5, vote: 1)
        for (term, vote) in [(4, nil), (4, 1), (5, nil), (5, 2)] as [(UInt64, UInt64?)] {
            let error = #expect(throws: StoreError.self) {
                try store.saveVote(term: term, vote: vote)
            }
            guard case .misuse = error else {
                Issue.record("unexpected: \(String(describing: error))")
                continue
            }
        }
        try store.saveVote(term: 6, vote: nil)
        try store.saveVote(term: 6, vote: 2)
        #expect(try store.load().ballot == Ballot(term: 6, vote: 2))
    }
}
