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

    /// - Parameter damage: what a look at any bucket says.
    /// - Returns: the damaged bucket, and how many were looked at.
    private func look(
        _ doubts: ViewDoubts,
        isAlone: Bool = false,
        after seconds: Int = 0,
        damage: String? = nil
    ) -> (damaged: Int?, looks: Int, found: Int) {
        var (looks, found) = (0, 0)
        let damaged = trust.damagedBucket(
            under: doubts,
            isAlone: isAlone,
            start + .seconds(seconds),
            look: { (_) throws(StoreError) in
                looks += 1
                return damage
            },
            found: { _ in found += 1 }
        )
        return (damaged, looks, found)
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
        trust.doubt(BucketSet([bucket]))
        #expect(look(missed) == (nil, 1, 0))
        #expect(look(missed) == (nil, 1, 0))
        trust.doubt(BucketSet())
        #expect(look(missed) == (nil, 0, 0))
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
    func records() {
        var doubts = ViewDoubts()
        doubts.noteDamage(key)
        #expect(look(doubts) == (bucket, 0, 0))
    }
}
