import Audit
import Raft
import Store
import TestSupport
import Testing
import Wire

@testable import Barrier
@testable import Node
@testable import Replica

/// An audit log is compared with the newest anchor that there is, not with what a disk has left.
@Suite("anchors on a disk that lost a write")
struct AnchorDoubtTests {
    private func head(_ origin: String, _ size: UInt64) throws -> AuditHead {
        let root = TreeHash.leaf([UInt8(size)])
        return .unsigned(Audit.Checkpoint(origin: origin, size: size, root: root))
    }

    @Test("a log that was cut down is no anchor because the disk has an older one")
    func agedAnchor() async throws {
        let vault = try await VaultBench()
        try await vault.unseal()
        let (one, workers) = (vault.one, Workers(threads: 1, waitingMax: 8))
        defer { one.stop() }
        let place = AuditPlace(data: "", name: "a", pin: [1, 2, 3, 4])
        let flow = AnchorFlow(
            place,
            parts: (one.store, one.replica, vault.keeper),
            workers: workers,
            forwarder: Forwarder(firstNumber: 1) { _, _ in false },
            clock: { Timestamp(nanoseconds: 1_000_000_000) },
            logger: quietLogger
        )
        let origin = place.origin(of: try #require(vault.keeper.unsealed).keyring.vaultID)
        func anchor() async throws -> Record {
            try await eventually("it is in the table") {
                one.store.view { $0.appliedIndex == $0.evaluatedIndex }
            }
            let found = try one.store.view { view throws(StoreError) in
                try view.record(ClearRecord.newestAnchor(of: origin))
            }
            return try #require(found)
        }
        flow.arrived(try head(origin, 5))
        try await eventually("the first is committed", seconds: 20) { flow.committed == 1 }
        let older = try await anchor()
        flow.arrived(try head(origin, 9))
        try await eventually("the second is committed", seconds: 20) { flow.committed == 2 }
        let newer = try await anchor()

        try await eventually("a first pass") { one.replica.status.scrub.passes > 0 }
        one.replica.membersChanged([NodeID(number: 2)])
        let file = one.folder.path + "/node/holdfast.mdb"
        try FileBytes.overwrite(newer.encoded(), with: older.encoded(), in: file)
        // As after a start, which is when a disk shows what it lost.
        one.replica.trust.forget(.now)
        let index = one.store.evaluatedIndex
        flow.arrived(try head(origin, 7))
        for _ in 0..<5 {
            flow.tick()
            await idle(workers)
        }
        #expect(one.store.evaluatedIndex == index && flow.committed == 2)
        try FileBytes.overwrite(older.encoded(), with: newer.encoded(), in: file)
        // It is refused, and that is all that becomes of it.
        for _ in 0..<5 {
            flow.tick()
            await idle(workers)
        }
        flow.arrived(try head(origin, 10))
        try await eventually("the next is committed", seconds: 20) {
            flow.tick()
            return flow.committed == 3
        }
        #expect(one.store.evaluatedIndex == index + 1)
        await workers.stop()
    }

    /// Until the only thread has done what it was given before.
    private func idle(_ workers: Workers) async {
        await withCheckedContinuation { continuation in
            workers.submit { _ in continuation.resume() }
        }
    }
}
