import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// What the system keeps about itself, beyond what a transcript can say.
@Suite("self-knowledge")
struct SelfKnowledgeTests {
    @Test("versions are written down once, the newest last")
    func versions() throws {
        let vault = try TestVault()
        func note(_ version: String) throws -> Bool {
            let environment = vault.environment()
            let batch = try vault.store.view { view throws(VaultError) in
                try VersionHistory.batch(
                    noting: version,
                    built: "2026-11-23T00:00:00Z",
                    in: environment,
                    view: view
                )
            }
            guard let batch else { return false }
            guard case .applied = try vault.commit(batch) else { throw TestFailure("rejected") }
            return true
        }
        #expect(try note("0.1.0"))
        #expect(try !note("0.1.0"))
        #expect(try note("0.2.0"))
        let answer = try vault.send("LIST", "sys/version-history")
        #expect(try answer.data("keys") == ["0.1.0", "0.2.0"])
        let info = try #require(try answer.data("key_info")?.asObject)
        #expect(info["0.1.0"]?.asObject?["previous_version"] == .null)
        #expect(info["0.2.0"]?.asObject?["previous_version"] == "0.1.0")
        #expect(info["0.2.0"]?.asObject?["commit_date"] == "2026-11-23T00:00:00Z")
        #expect(try note("0.1.0"))
        #expect(
            try vault.send("LIST", "sys/version-history").data("keys") == ["0.2.0", "0.1.0"]
        )
    }

    @Test("two that lead at once write one version once")
    func versionRace() throws {
        let vault = try TestVault()
        func batch() throws -> WriteBatch? {
            let environment = vault.environment()
            return try vault.store.view { view throws(VaultError) in
                try VersionHistory.batch(noting: "1", built: "", in: environment, view: view)
            }
        }
        let (first, second) = (try #require(try batch()), try #require(try batch()))
        guard case .applied = try vault.commit(first) else { throw TestFailure("rejected") }
        if case .applied = try vault.commit(second) { Issue.record("both were applied") }
    }

    @Test("records come back as they were, and damage is found")
    func records() throws {
        var versions = VersionRecord()
        for number in 0..<200 {
            _ = versions.note("\(number)", built: "b", at: Timestamp(nanoseconds: UInt64(number)))
        }
        #expect(versions.entries.count == VaultLimits.versionsKept)
        #expect(versions.entries.last?.version == "199")
        let bytes = versions.encoded()
        #expect(try VersionRecord(decoding: bytes) == versions)
        let origins = CrossOriginRecord(origins: ["a"], headers: ["b"], allowsCredentials: true)
        let more = origins.encoded()
        #expect(try CrossOriginRecord(decoding: more) == origins)
        for count in 0..<more.count {
            #expect(throws: VaultError.self) {
                try CrossOriginRecord(decoding: Array(more[..<count]))
            }
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: VaultError.self) {
                try VersionRecord(decoding: Array(bytes[..<count]))
            }
        }
    }
}
