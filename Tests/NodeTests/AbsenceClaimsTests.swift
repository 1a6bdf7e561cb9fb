import Store
import TestSupport
import Testing

@testable import Node
@testable import Replica

@Suite("What a batch holds for absent")
struct AbsenceClaimsTests {
    private func key(_ number: UInt8) throws -> StorageKey {
        try #require(StorageKey([UInt8](repeating: number, count: 32)))
    }

    private func batch(_ operations: [BatchOperation]) -> WriteBatch {
        WriteBatch(
            requestID: [UInt8](repeating: 9, count: 16),
            baseIndex: 41,
            time: 1,
            dataKeyIDs: [1],
            operations: operations
        )
    }

    @Test("only checks for nothing are claims; a batch without any makes none")
    func keys() throws {
        let (one, two) = (try key(1), try key(2))
        #expect(AbsenceClaims(of: batch([.check(one, modificationIndex: 7)])) == nil)
        #expect(AbsenceClaims(of: batch([.delete(one)])) == nil)
        let claims = try #require(
            AbsenceClaims(
                of: batch([
                    .check(one, modificationIndex: 0), .delete(one),
                    .check(two, modificationIndex: 0),
                ])
            )
        )
        #expect(claims.keys == [one, two] && claims.index == 41)
    }

    @Test("whichever comes first, the verdict or who waits for it, it is told once")
    func order() throws {
        let verdicts = Collector<PresenceVerdict>()
        for isEarly in [true, false] {
            let operation = BatchOperation.check(try key(1), modificationIndex: 0)
            let claims = try #require(AbsenceClaims(of: batch([operation])))
            if isEarly { claims.settle(.contradicted) }
            claims.whenSettled { verdicts.add($0) }
            if !isEarly { claims.settle(.contradicted) }
        }
        #expect(verdicts.all == [.contradicted, .contradicted])
    }
}
