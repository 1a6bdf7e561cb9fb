import Replica
import Store
import Testing

/// When a bucket is added up before an answer rests on it, and when not.
@Suite("trust in buckets")
struct BucketTrustTests {
    private let trust = BucketTrust()
    private let start = Moment.now
    private let key = StorageKey(words: (7 << 56, 0, 0, 1))
    private let bucket = 7

    private var missed: ViewDoubts {
        var doubts = ViewDoubts()
        doubts.noteMiss(key)
        return doubts
    }

    private var listed: ViewDoubts {
        var doubts = ViewDoubts()
        doubts.noteScan(key.directory)
        return doubts
    }

    private var found: ViewDoubts {
        var doubts = ViewDoubts()
        doubts.noteAsked(key)
        doubts.noteFound(key)
        return doubts
    }

    /// - Parameter damage: what a walk over any bucket says.
    /// - Returns: the damaged bucket, and how many were walked over.
    private func look(
        _ doubts: ViewDoubts,
        isAlone: Bool = false,
        hasOthers: Bool = true,
        after seconds: Int = 0,
        damage: String? = nil
    ) -> (damaged: Int?, looks: Int, found: Int) {
        var (looks, found) = (0, 0)
        let verdict = trust.verdict(
            on: doubts,
            .init(isAlone: isAlone, hasOthers: hasOthers),
            start + .seconds(seconds),
            walk: { (_) throws(StoreError) in
                looks += 1
                return damage
            },
            found: { _ in found += 1 }
        )
        if case .damaged(let bucket) = verdict { return (bucket, looks, found) }
        #expect(verdict == .whole)
        return (nil, looks, found)
    }

    @Test("a record that is found may be an older one: its bucket is looked into as for a miss")
    func records() {
        #expect(look(found, damage: "another sum") == (bucket, 1, 1))
        #expect(look(found) == (nil, 1, 0))
        #expect(look(found, isAlone: true, after: 119) == (nil, 0, 0))
        #expect(look(found, after: 120) == (nil, 1, 0))
        trust.doubt(BucketSet([bucket]), start + .seconds(120))
        #expect(look(found, after: 121, damage: "another sum") == (bucket, 1, 1))
    }

    @Test("who has the only copy reads what there is, and lists nothing that is short")
    func onlyMember() {
        #expect(look(found, hasOthers: false, damage: "another sum") == (nil, 0, 0))
        #expect(look(missed, hasOthers: false, damage: "short") == (bucket, 1, 1))
        #expect(look(listed, hasOthers: false, damage: "short") == (bucket, 1, 1))
    }

    @Test("where no walk may be made, what was not looked at lately is said to be unseen")
    func unseen() {
        func verdict(_ doubts: ViewDoubts) -> BucketTrust.Verdict {
            trust.verdict(
                on: doubts,
                .init(mayWalk: false),
                start,
                walk: { (_) throws(StoreError) in
                    Issue.record("walked")
                    return nil
                },
                found: { _ in }
            )
        }
        #expect(verdict(found) == .unseen && verdict(missed) == .unseen)
        #expect(trust.unseen(of: BucketSet([bucket, 9]), start) == [bucket, 9])
        trust.saw(bucket, start)
        #expect(verdict(found) == .whole && verdict(missed) == .whole)
        #expect(verdict(listed) == .unseen)
        #expect(trust.unseen(of: BucketSet([bucket, 9]), start) == [9])
        // An older look says nothing about what a newer one saw.
        trust.saw(bucket, start + .seconds(-119))
        #expect(trust.isWhole(bucket, start + .seconds(2)))
    }

    @Test("what was seen since a repair says nothing of a view from before it")
    func earlierViews() {
        var earlier = BucketTrust.Look()
        earlier.showsAllRepairs = false
        func verdict(_ doubts: ViewDoubts, damage: String?) -> BucketTrust.Verdict {
            trust.verdict(
                on: doubts,
                earlier,
                start,
                walk: { (_) throws(StoreError) in damage },
                found: { _ in }
            )
        }
        #expect(verdict(found, damage: nil) == .whole)
        #expect(!trust.isWhole(bucket, start), "and it says nothing of those that came after it")
        trust.saw(bucket, start)
        #expect(verdict(found, damage: "another sum") == .damaged(bucket))
        #expect(verdict(missed, damage: "short") == .damaged(bucket))
        #expect(look(found, damage: "not looked at") == (nil, 0, 0))
    }

    @Test("a miss is looked into once in a while")
    func misses() {
        #expect(look(missed) == (nil, 1, 0))
        #expect(look(missed, after: 119) == (nil, 0, 0))
        #expect(look(missed, after: 120) == (nil, 1, 0))
    }

    @Test("a list is looked into each time")
    func lists() {
        #expect(look(listed) == (nil, 1, 0))
        #expect(look(listed) == (nil, 1, 0))
    }

    @Test("what nobody else confirms is looked into each time")
    func alone() {
        #expect(look(missed) == (nil, 1, 0))
        #expect(look(missed, isAlone: true) == (nil, 1, 0))
        #expect(look(missed, isAlone: true, damage: "short") == (bucket, 1, 1))
    }

    @Test("what does not add up is not trusted")
    func damage() {
        #expect(look(missed, damage: "short") == (bucket, 1, 1))
        #expect(look(missed, damage: "short") == (bucket, 1, 1))
        #expect(look(missed) == (nil, 1, 0))
    }

    @Test("a doubt ends the trust until the bucket was seen whole once more")
    func doubts() {
        #expect(look(missed) == (nil, 1, 0))
        trust.doubt(BucketSet([bucket]), start)
        #expect(look(missed, after: 1) == (nil, 1, 0))
        #expect(look(missed, after: 2) == (nil, 0, 0), "one damaged value hides no record")
        trust.doubt(BucketSet([bucket, 9]), start + .seconds(3))
        #expect(look(missed, after: 4) == (nil, 0, 0), "it was doubted already")
        trust.doubt(BucketSet(), start + .seconds(5))
        trust.doubt(BucketSet([bucket]), start + .seconds(6))
        #expect(look(missed, after: 7) == (nil, 1, 0))
    }

    @Test("what a batch rests on is looked at, lists as what is missed: it is judged once more")
    func batches() {
        func verdict(_ seconds: Int) -> BucketTrust.Verdict {
            trust.verdict(
                on: listed,
                .init(isJudgedAgain: true, mayWalk: false),
                start + .seconds(seconds),
                walk: { (_) throws(StoreError) in nil },
                found: { _ in }
            )
        }
        #expect(verdict(0) == .unseen)
        trust.saw(bucket, start)
        #expect(verdict(119) == .whole && verdict(120) == .unseen)
    }

    @Test("of another database nothing was seen yet")
    func otherDatabase() {
        trust.saw(bucket, start)
        trust.forget(start + .seconds(1))
        #expect(!trust.isWhole(bucket, start + .seconds(1)))
        trust.saw(bucket, start + .milliseconds(500))
        #expect(!trust.isWhole(bucket, start + .seconds(1)), "half of it was the old one")
        trust.saw(bucket, start + .seconds(2))
        #expect(trust.isWhole(bucket, start + .seconds(2)))
    }

    @Test("nothing is read from a bucket in which something was written in a lost record's place")
    func forks() {
        var asked = ViewDoubts()
        asked.noteAsked(key)
        var elsewhere = ViewDoubts()
        elsewhere.noteAsked(StorageKey(words: (8 << 56, 0, 0, 1)))
        trust.fork(bucket)
        #expect(look(asked) == (bucket, 0, 0))
        #expect(look(listed) == (bucket, 0, 0))
        #expect(look(elsewhere) == (nil, 0, 0))
        trust.settle(bucket)
        #expect(look(asked) == (nil, 0, 0))
    }

    @Test("a record that cannot be read needs no look")
    func unreadable() {
        var doubts = ViewDoubts()
        doubts.noteDamage(key)
        #expect(look(doubts) == (bucket, 0, 0))
    }
}
