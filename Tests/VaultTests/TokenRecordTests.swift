import Barrier
import Engines
import Testing
import Wire

@testable import Vault

/// What tokens and leases are at rest.
@Suite("records of tokens")
struct TokenRecordTests {
    private static var full: TokenRecord {
        var grant = TokenGrant(
            displayName: "token-ü",
            path: "auth/token/create/r/s",
            policies: ["default", "p"]
        )
        grant.metadata = [.init(name: "a", value: "1"), .init(name: "b", value: "")]
        grant.entityID = "e"
        grant.parent = String(repeating: "0f", count: 32)
        grant.role = "r"
        grant.life = TokenLife(
            seconds: 60,
            secondsMax: 70,
            explicitSecondsMax: .max,
            periodSeconds: 5
        )
        grant.usesMax = 3
        grant.boundCIDRs = ["10.0.0.0/8", "::1"]
        var record = TokenRecord(
            grant,
            accessor: "acc",
            created: Timestamp(nanoseconds: 5),
            hasLease: true
        )
        record.renewed = Timestamp(nanoseconds: 6)
        record.isFreeing = true
        return record
    }

    private static var role: TokenRole {
        var role = TokenRole(named: "r")
        role.isOrphan = true
        role.isRenewable = false
        role.kind = .batch
        role.pathSuffix = "sfx"
        role.allowedPolicies = ["a"]
        role.disallowedPolicyGlobs = ["b*", "c"]
        role.allowedEntityAliases = ["e"]
        role.periodSeconds = 7
        role.usesMax = 9
        role.boundCIDRs = ["10.0.0.1"]
        role.old.boundCIDRs = true
        return role
    }

    private static let hash = String(repeating: "ab", count: 32)

    @Test("come back as they were written")
    func roundTrips() throws {
        let root = TokenRecord.root(accessor: "a", created: Timestamp(nanoseconds: 1))
        for record in [Self.full, root] {
            #expect(try TokenRecord(decoding: record.encoded()) == record)
        }
        let opened = Opened(value: Self.role.encoded(), modificationIndex: 0)
        #expect(try TokenRole(named: "r", decoding: opened) == Self.role)
        #expect(try AccessorRecord.hash(decoding: AccessorRecord.encoded(Self.hash)) == Self.hash)
        #expect(try CountRecord(decoding: CountRecord(7).encoded(), of: "uses").count == 7)
        let lease = LeaseRecord.token(Self.hash)
        #expect(try LeaseRecord(decoding: lease.encoded()) == lease)
        for scope in Self.scopes {
            #expect(try RevocationScope(decoding: scope.encoded()) == scope)
        }
        let fences = try Self.fences()
        let again = try TokenFences(
            decoding: Opened(value: fences.encoded(), modificationIndex: 0)
        )
        #expect(again == fences)
    }

    private static let scopes: [RevocationScope] = [
        .tree(hash: hash), .freeing(hash: hash), .tidy,
        .entities(["e", "f"], before: Timestamp(nanoseconds: 7)),
        .leases(
            prefix: "auth/a/",
            before: Timestamp(nanoseconds: 9),
            fence: [UInt8](repeating: 3, count: 16)
        ),
    ]

    private static func fences() throws -> TokenFences {
        var fences = TokenFences.none
        let id = [UInt8](repeating: 3, count: 16)
        try fences.add(.init(id: id, prefix: "auth/a/", before: Timestamp(nanoseconds: 9)))
        try fences.add(.init(id: id, prefix: "b/", before: Timestamp(nanoseconds: 1)))
        return fences
    }

    /// How each kind of record is read.
    private static func readers() throws -> [(bytes: [UInt8], read: ([UInt8]) throws -> Void)] {
        [
            (full.encoded(), { _ = try TokenRecord(decoding: $0) }),
            (
                role.encoded(),
                {
                    let opened = Opened(value: $0, modificationIndex: 1)
                    _ = try TokenRole(named: "r", decoding: opened)
                }
            ),
            (AccessorRecord.encoded(hash), { _ = try AccessorRecord.hash(decoding: $0) }),
            (CountRecord(7).encoded(), { _ = try CountRecord(decoding: $0, of: "uses") }),
            (LeaseRecord.token(hash).encoded(), { _ = try LeaseRecord(decoding: $0) }),
            (
                try fences().encoded(),
                { _ = try TokenFences(decoding: Opened(value: $0, modificationIndex: 1)) }
            ),
        ] + scopes.map { ($0.encoded(), { _ = try RevocationScope(decoding: $0) }) }
    }

    @Test("what is cut, longer or of another format is damage, never something else")
    func damage() throws {
        for (bytes, read) in try Self.readers() {
            for count in 0..<bytes.count {
                #expect(throws: VaultError.self) { try read(Array(bytes.prefix(count))) }
            }
            #expect(throws: VaultError.self) { try read(bytes + [0]) }
            #expect(throws: VaultError.self) { try read([9] + bytes.dropFirst()) }
            for position in bytes.indices {
                for bit in 0..<8 {
                    var other = bytes
                    other[position] ^= 1 << bit
                    // Some changes read; none traps.
                    _ = try? read(other)
                }
            }
        }
    }

    @Test("the number of fences is bounded")
    func fenceBound() throws {
        var fences = TokenFences.none
        for number in 0..<TokenLimits.fencesMax {
            let id = [UInt8](repeating: UInt8(number), count: 16)
            try fences.add(.init(id: id, prefix: "a/", before: Timestamp(nanoseconds: 1)))
        }
        let last = TokenFences.Fence(
            id: [UInt8](repeating: 0, count: 16),
            prefix: "b/",
            before: Timestamp(nanoseconds: 1)
        )
        #expect(throws: VaultError.self) { try fences.add(last) }
        fences.remove([UInt8](repeating: 0, count: 16))
        #expect(throws: Never.self) { try fences.add(last) }
    }

    @Test("a fence covers what was made under its prefix by then")
    func cover() throws {
        let fences = try Self.fences()
        func covers(_ path: String, _ created: UInt64, hasLease: Bool = true) -> Bool {
            let grant = TokenGrant(displayName: "t", path: path, policies: [])
            let moment = Timestamp(nanoseconds: created)
            return fences.cover(
                TokenRecord(grant, accessor: "a", created: moment, hasLease: hasLease)
            )
        }
        #expect(covers("auth/a", 9) && covers("auth/a/login/x", 1) && covers("b", 1))
        #expect(!covers("auth/a", 10) && !covers("auth/ab", 9) && !covers("auth", 1))
        #expect(!covers("b/c", 2) && !covers("auth/a", 9, hasLease: false))
    }

    @Test(
        "lengths of time",
        arguments: [
            (LeaseTime(), 0, 2_764_800, 0), (LeaseTime(increment: 60), 0, 60, 0),
            (LeaseTime(backend: 60), 0, 60, 0), (LeaseTime(increment: 5, backend: 60), 0, 5, 0),
            (LeaseTime(backend: 60, backendMax: 30), 0, 30, 1),
            (LeaseTime(backend: 60, explicitMax: 30), 10, 20, 1),
            (LeaseTime(backend: 60, explicitMax: 70), 9, 60, 0),
            (LeaseTime(increment: 99, period: 60), 1 << 30, 60, 0),
            (LeaseTime(period: 60, explicitMax: 100), 50, 50, 1),
            (LeaseTime(backend: 5, explicitMax: 30), 30, -1, 0),
            (LeaseTime(backend: 5, mountDefault: 7, mountMax: 3), 0, 3, 1),
        ]
    )
    func times(_ time: LeaseTime, _ age: UInt64, _ seconds: Int, _ warnings: Int) {
        let decision = time.decide(age: age * 1_000_000_000)
        #expect(decision.map { Int($0.seconds) } ?? -1 == seconds)
        #expect(decision?.warnings.count ?? 0 == warnings)
    }

    @Test(
        "durations as Go prints them",
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (3_600, "1h"), (3_661, "1h1m1s"), (3_601, "1h0m1s"),
            (2_764_800, "768h"), (2_764_799, "767h59m59s"),
        ]
    )
    func texts(_ seconds: UInt64, _ text: String) {
        #expect(LeaseTime.text(seconds) == text)
    }
}
