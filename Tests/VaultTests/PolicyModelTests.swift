import TestSupport
import Testing
import Wire

@testable import Vault

/// Policies against the simplest thing that could be them, and their records against damage.
@Suite("policies do what their model does")
struct PolicyModelTests {
    /// A policy: all texts it ever had, by number.
    private struct Model {
        var texts: [Int: String] = [:]
        var last = 0
        var isThere = false

        var present: String? { isThere ? texts[last] : nil }

        mutating func write(_ text: String) {
            last += 1
            texts[last] = text
            isThere = true
        }
    }

    private static let names = ["p", "team/q", "default"]

    @Test("whatever is done to them", arguments: UInt64(1)...8)
    func model(seed: UInt64) throws {
        var random = Seeded(seed)
        let vault = try TestVault(seed: seed)
        var models: [String: Model] = [:]
        models["default", default: Model()].write(BuiltInPolicy.standardText)
        // One policy is written often enough to have more versions than an answer shows.
        for step in 0..<160 {
            let name = random.chance(2, of: 3) ? "p" : Self.names[random.below(3)]
            let place: Comment = "seed \(seed), step \(step), policy \(name)"
            var model = models[name] ?? Model()
            switch random.below(16) {
            case 0: try delete(name, vault, &model, place)
            case 1, 2: try rollback(name, vault, &model, &random, place)
            case 3 where random.chance(1, of: 3): try purge(name, vault, &model, place)
            default: try write(name, vault, &model, &random, place)
            }
            models[name] = model
            try check(name, vault, model, place)
        }
        let listed = try vault.send("LIST", "sys/policies/acl").data("keys")?.asArray
        let expected = (models.filter(\.value.isThere).map(\.key) + ["root"]).sorted()
        #expect(listed?.compactMap(\.asString) == expected)
    }

    private func write(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        let text = "path \"a/\(random.below(1_000_000))\" { capabilities = [\"read\"] }\n"
        var body: JSONObject = ["policy": .string(text)]
        let present = model.isThere ? model.last : 0
        var isAllowed = true
        if random.chance(1, of: 3) {
            let cas = random.below(present + 3) - 1
            body["cas"] = .number(JSONNumber(cas))
            isAllowed = cas == present || cas == -1 && !model.isThere
        }
        let answer = try vault.send(
            TestVault.Call(
                method: "PUT",
                target: "/v1/sys/policies/acl/\(name)",
                body: JSONValue.object(body).encoded(sortingKeys: true)
            )
        )
        #expect(answer.status == (isAllowed ? 204 : 400), place)
        if isAllowed { model.write(text) }
    }

    private func delete(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ place: Comment
    ) throws {
        let answer = try vault.send("DELETE", "sys/policies/acl/\(name)")
        guard name != "default" else { return #expect(answer.status == 400, place) }
        #expect(answer.status == 204, place)
        model.isThere = false
    }

    private func purge(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ place: Comment
    ) throws {
        let answer = try vault.send("DELETE", "sys/policies/versions/acl/\(name)")
        #expect(answer.status == (model.isThere ? 400 : 204), place)
        if !model.isThere { model = Model() }
    }

    private func rollback(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        let version = random.below(model.last + 2)
        let body = #"{"version":\#(version)}"#
        let answer = try vault.send("PUT", "sys/policies/rollback/acl/\(name)", body)
        guard model.last > 0 else { return #expect(answer.status == 404, place) }
        guard let text = model.texts[version] else { return #expect(answer.status == 400, place) }
        #expect(answer.status == 200, place)
        model.write(text)
        #expect(try answer.data("version")?.asInt == model.last, place)
    }

    private func check(
        _ name: String,
        _ vault: TestVault,
        _ model: Model,
        _ place: Comment
    ) throws {
        let present = try vault.send("GET", "sys/policies/acl/\(name)").data("policy")?.asString
        #expect(present == model.present, place)
        let answer = try vault.send("GET", "sys/policies/versions/acl/\(name)")
        let numbers = try answer.data("versions")?.asArray?.compactMap {
            $0.asObject?["version"]?.asInt
        }
        let shown = model.texts.keys.sorted().suffix(VaultLimits.policyVersionsShownMax)
        #expect(numbers ?? [] == Array(shown), place)
    }

    // MARK: records

    @Test("records are read as they were written, and damaged ones are refused")
    func records() throws {
        var content = PolicyRecord.Content(text: "path \"é\" {}")
        content.needsCheckAndSet = true
        content.allowsWildcardsInTemplates = true
        content.expiration = Timestamp(nanoseconds: 7)
        content.cases = Array(#"[{"path":"a"}]"#.utf8)
        let policy = PolicyRecord(
            version: 3,
            modified: Timestamp(nanoseconds: 5),
            author: "accessor",
            restoredFrom: 1,
            content: content
        )
        #expect(try PolicyRecord(decoding: policy.encoded()) == policy)
        let deleted = DeletedPolicyRecord(
            lastVersion: 9,
            deleted: Timestamp(nanoseconds: 8),
            author: "a"
        )
        #expect(try DeletedPolicyRecord(decoding: deleted.encoded()) == deleted)
        let table = PolicyTableRecord(liveCount: 1, deletedCount: 2)
        #expect(try PolicyTableRecord(decoding: table.encoded()) == table)
        let all = [policy.encoded(), deleted.encoded(), table.encoded()]
        for (kind, bytes) in all.enumerated() {
            for count in 0..<bytes.count { try refuse(kind, Array(bytes.prefix(count))) }
            try refuse(kind, bytes + [0])
            try refuse(kind, [2] + bytes.dropFirst())
        }
        var random = Seeded(11)
        for _ in 0..<5_000 {
            let kind = random.below(all.count)
            var bytes = all[kind]
            bytes[random.below(bytes.count)] = UInt8(random.below(256))
            // Read or refused, never a trap.
            try? read(kind, bytes)
        }
    }

    private func read(_ kind: Int, _ bytes: [UInt8]) throws {
        switch kind {
        case 0: _ = try PolicyRecord(decoding: bytes)
        case 1: _ = try DeletedPolicyRecord(decoding: bytes)
        default: _ = try PolicyTableRecord(decoding: bytes)
        }
    }

    private func refuse(_ kind: Int, _ bytes: [UInt8]) throws {
        #expect(throws: VaultError.self) { try read(kind, bytes) }
    }
}
