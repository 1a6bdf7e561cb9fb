import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// What the cache keeps is trusted no more than what the view shows.
@Suite("The vault's cache")
struct VaultCacheTests {
    private let text = #"path "secret/*" { capabilities = ["read"] }"#

    /// The buckets that a step rests on, records that were found included.
    private func rested(_ vault: TestVault, _ token: String) throws -> BucketSet {
        let request = try vault.vaultRequest("GET", "secret/a", token: token)
        let environment = vault.environment()
        return vault.store.view { view in
            let step = VaultCore.step(request, in: environment, view: view)
            guard case .answer = step else {
                Issue.record("refused: \(step)")
                return BucketSet()
            }
            return view.doubts().restedBuckets(countingRecords: true)
        }
    }

    /// A token whose entity is in a group, so that all that is kept takes part.
    private func grouped(_ vault: TestVault) throws -> String {
        let entity = try vault.send("POST", "identity/entity", #"{"name":"one"}"#)
        guard let id = try entity.data("id")?.asString else { throw TestFailure(entity.text) }
        let group = try vault.send(
            "POST",
            "identity/group",
            #"{"name":"all","policies":["reader"],"member_entity_ids":["\#(id)"]}"#
        )
        guard group.status == 200 else { throw TestFailure(group.text) }
        return try vault.makeToken(["default"], entityID: id).token
    }

    @Test("a request that finds everything in the cache rests on the same buckets")
    func buckets() throws {
        let vault = try TestVault()
        _ = try vault.send("POST", "sys/mounts/secret", #"{"type":"kv"}"#)
        try vault.writePolicy("reader", text)
        _ = try vault.send("PUT", "secret/a", #"{"b":"c"}"#)
        let token = try grouped(vault)
        try vault.apply()
        vault.cache.wipe()
        let first = try rested(vault, token)
        #expect(first.all.count > 5)
        let second = try rested(vault, token)
        #expect(second == first, "\(second.all) is not \(first.all)")
    }

    @Test("a policy that was read before a repair decides nothing after it")
    func repair() throws {
        let vault = try TestVault()
        _ = try vault.send("POST", "sys/mounts/secret", #"{"type":"kv"}"#)
        _ = try vault.send("PUT", "secret/a", #"{"b":"c"}"#)
        try vault.writePolicy("reader", text)
        let token = try vault.makeToken(["reader"]).token
        try vault.apply()
        let old = try vault.lend()
        try vault.writePolicy("reader", #"path "secret/*" { capabilities = ["deny"] }"#)
        try vault.apply()
        let new = try vault.lend()
        #expect(try vault.send(as: token, "GET", "secret/a").status == 403)

        // As a disk does it that loses the write of one page: the policy alone is the old one.
        let table = try vault.bucket { view throws(VaultError) in
            _ = try view.systemIndex(SystemPaths.policyTable)
        }
        let policy = try vault.bucket { view throws(VaultError) in
            _ = try view.systemNames(in: SystemPaths.policies, limit: 1)
        }
        #expect(policy != table)
        try vault.put(old[policy], in: policy)
        #expect(try vault.send(as: token, "GET", "secret/a").status == 200, "the page is old")
        try vault.put(new[policy], in: policy)
        #expect(try vault.send(as: token, "GET", "secret/a").status == 403)
    }
}

extension TestVault {
    /// Puts everything that is evaluated into the database.
    fileprivate func apply() throws {
        let last = lastIndex
        try store.write { (transaction) throws(StoreError) in
            let point = transaction.point
            if point.term == 0 {
                try transaction.setHardState(term: 1, vote: nil, commit: 0)
            }
            let entries = (point.last.index + 1...last).map {
                StoredEntry(index: $0, term: 1, kind: 1, body: [1])
            }
            try transaction.appendEntries(entries)
            let layers = store.layers(after: point.appliedIndex, through: last)
            try transaction.apply(layers: layers, appliedIndex: last, appliedTerm: 1)
        }
        store.pruneOverlay(through: last)
    }

    /// Every bucket as it is in the database.
    fileprivate func lend() throws -> [LentBucket] {
        try (0..<StateBucket.countOfBuckets).map {
            try store.lendBucket($0, from: nil, bytesMax: 1 << 24)
        }
    }

    /// Makes a bucket what it was.
    fileprivate func put(_ lent: LentBucket, in bucket: Int) throws {
        let present = try store.lendBucket(bucket, from: nil, bytesMax: 1 << 24).records
        let gone = present.map(\.key).filter { key in !lent.records.contains { $0.key == key } }
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(
                gone.map { RepairedRecord(key: $0, bytes: nil) } + lent.records,
                bucket: bucket,
                expected: lent.bucket
            )
        }
    }

    /// The one bucket that `body` asks about, besides those of the mount's keys.
    fileprivate func bucket(
        _ body: (borrowing BarrierView) throws(VaultError) -> Void
    ) throws -> Int {
        try view { view in
            try view.loadKeys(.system)
            let rested = try view.recording(body).rested
            return try #require(rested.asked.all.first)
        }
    }
}
