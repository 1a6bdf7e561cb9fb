import Testing
import Wire

@testable import Engines

/// Records of approle: read as they were written; damage is an error, or something sound.
@Suite("records of approle")
struct ApproleRecordTests {
    private func role() -> RoleRecord {
        var role = RoleRecord(id: Array(1...16), roleID: "my-role")
        role.echo = [.policies, .ttl]
        role.parameters.policies = ["a", "b"]
        role.parameters.ttlSeconds = 1_200
        role.parameters.boundCIDRs = ["10.0.0.0/8"]
        role.secretIDCIDRs = ["127.0.0.0/8", "::1/128"]
        role.secretIDUses = 300
        role.secretIDSeconds = 70_000
        role.isLocal = true
        return role
    }

    private func secretID(isEternal: Bool) -> SecretIDRecord {
        SecretIDRecord(
            accessor: "an-accessor",
            created: Timestamp(nanoseconds: 7),
            updated: Timestamp(nanoseconds: 8),
            expiration: isEternal ? nil : Timestamp(nanoseconds: 9),
            lifetimeSeconds: 600,
            usesLeft: 2,
            metadata: [LoginGrant.Metadata(name: "host", value: "build-7")],
            cidrs: ["127.0.0.0/8"],
            tokenCIDRs: ["10.0.0.0/8"]
        )
    }

    @Test("roles")
    func roles() throws {
        for role in [RoleRecord(id: Array(1...16), roleID: ""), role()] {
            let bytes = role.encoded()
            #expect(try RoleRecord(decoding: bytes) == role)
            try expectSound(bytes) { changed in
                let read = try RoleRecord(decoding: changed)
                #expect(try RoleRecord(decoding: read.encoded()) == read)
            }
        }
    }

    @Test("secret ids", arguments: [false, true])
    func secretIDs(_ isEternal: Bool) throws {
        let record = secretID(isEternal: isEternal)
        let bytes = record.encoded()
        #expect(try SecretIDRecord(decoding: bytes) == record)
        try expectSound(bytes) { changed in
            let read = try SecretIDRecord(decoding: changed)
            #expect(try SecretIDRecord(decoding: read.encoded()) == read)
        }
    }

    @Test("what leads from an id or an accessor to a record")
    func references() throws {
        let bytes = ApproleReference.encoded("secretid/00/ff")
        #expect(try ApproleReference.text(decoding: bytes, "id") == "secretid/00/ff")
        try expectSound(bytes) { changed in
            let read = try ApproleReference.text(decoding: changed, "id")
            let again = ApproleReference.encoded(read)
            #expect(try ApproleReference.text(decoding: again, "id") == read)
        }
    }
}
