import TestSupport
import Testing
import Wire

/// KV version 2 against the simplest thing that could be it: arrays in memory.
@Suite("KV v2 does what its model does")
struct KVModelTests {
    @Test("whatever is done to it", arguments: UInt64(1)...8)
    func model(seed: UInt64) throws {
        var random = Seeded(seed)
        let vault = try TestVault(seed: seed)
        try vault.send("POST", "sys/mounts/m", #"{"type":"kv-v2"}"#)
        var model = Model()
        for step in 0..<120 {
            let name = Self.names[random.below(Self.names.count)]
            let place: Comment = "seed \(seed), step \(step), key \(name)"
            switch random.below(14) {
            case 0...4: try put(name, vault, &model, &random, place)
            case 5: try deleteLatest(name, vault, &model, place)
            case 11...12: try patch(name, vault, &model, &random, place)
            case 6...8: try change(name, vault, &model, &random, place)
            case 9: try settings(name, vault, &model, &random, place)
            case 10 where random.below(2) == 0:
                // Days go by: what deletes itself does so between two requests.
                vault.now += UInt64(random.below(90)) * 60_000_000_000
            case 10 where random.below(4) == 0:
                #expect(try vault.send("DELETE", "m/metadata/\(name)").status == 204, place)
                model.keys[name] = nil
            default: break
            }
            try check(name, vault, model, place)
        }
        for folder in ["", "a/", "a/b/", "x/"] {
            let listed = try vault.send("LIST", "m/metadata/\(folder)").data("keys")
            let expected = model.list(folder)
            #expect(listed?.asArray?.compactMap(\.asString) ?? [] == expected, "folder \(folder)")
            let scanned = try vault.send("SCAN", "m/metadata/\(folder)").data("keys")
            let names = scanned?.asArray?.compactMap(\.asString) ?? []
            #expect(names.sorted(by: utf8Precedes) == model.scan(folder), "folder \(folder)")
        }
    }

    static let names = ["k", "a/k", "a/b/k", "a/b", "x/é", "a/b/c/d/e/f/g"]

    private func put(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        let value = #"{"n":\#(random.below(1_000_000))}"#
        let current = model.keys[name]?.current ?? 0
        let cas = random.below(3) == 0 ? random.below(current + 2) : nil
        let options = cas.map { #","options":{"cas":\#($0)}"# } ?? ""
        let answer = try vault.send("PUT", "m/data/\(name)", #"{"data":\#(value)\#(options)}"#)
        let isCASRequired = model.keys[name]?.isCASRequired ?? false
        guard cas.map({ $0 == current }) ?? !isCASRequired else {
            #expect(answer.status == 400, place)
            return
        }
        #expect(answer.status == 200, place)
        model.keys[name, default: Key()].put(value, model, at: vault.now)
        #expect(try answer.data("version")?.asInt == model.keys[name]?.current, place)
    }

    private func patch(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        let value = random.below(3) == 0 ? "null" : String(random.below(1_000))
        let member = ["n", "p", "q"][random.below(3)]
        let answer = try vault.send(
            "PATCH",
            "m/data/\(name)",
            #"{"data":{"\#(member)":\#(value)}}"#,
            [("Content-Type", "application/merge-patch+json")]
        )
        guard var key = model.keys[name] else {
            #expect(answer.status == 404 && answer.body.isEmpty, place)
            return
        }
        guard !key.isCASRequired else {
            #expect(answer.status == 400, place)
            return
        }
        guard let latest = key.versions[key.current], latest.isReadable(at: vault.now) else {
            #expect(answer.status == 404, place)
            return
        }
        #expect(answer.status == 200, place)
        var object = try #require(try JSONScanner.parse(Array(latest.value.utf8)).asObject)
        let change = try JSONScanner.parse(Array(value.utf8))
        if change.isNull { object[member] = nil } else { object[member] = change }
        let merged = JSONValue.object(object).encoded(sortingKeys: true)
        key.put(String(decoding: merged, as: UTF8.self), model, at: vault.now)
        model.keys[name] = key
        #expect(try answer.data("version")?.asInt == key.current, place)
    }

    private func deleteLatest(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ place: Comment
    ) throws {
        #expect(try vault.send("DELETE", "m/data/\(name)").status == 204, place)
        guard var key = model.keys[name], let latest = key.versions[key.current] else { return }
        if latest.isReadable(at: vault.now) { key.versions[key.current]?.deletion = vault.now }
        model.keys[name] = key
    }

    private func change(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        let numbers = (0..<1 + random.below(3)).map { _ in random.below(16) }
        let verb = ["delete", "undelete", "destroy"][random.below(3)]
        let list = numbers.map(String.init).joined(separator: ",")
        let answer = try vault.send("POST", "m/\(verb)/\(name)", #"{"versions":[\#(list)]}"#)
        #expect(answer.status == 204, place)
        guard var key = model.keys[name] else { return }
        for number in numbers {
            guard var version = key.versions[number], !version.isDestroyed else { continue }
            switch verb {
            case "delete" where version.isReadable(at: vault.now): version.deletion = vault.now
            case "delete": break
            case "undelete": version.deletion = key.deletion(model, at: vault.now)
            default: version.isDestroyed = true
            }
            key.versions[number] = version
        }
        model.keys[name] = key
    }

    private func settings(
        _ name: String,
        _ vault: TestVault,
        _ model: inout Model,
        _ random: inout Seeded,
        _ place: Comment
    ) throws {
        if random.below(3) == 0 {
            model.versionsMax = random.below(8)
            let body = #"{"max_versions":\#(model.versionsMax)}"#
            #expect(try vault.send("POST", "m/config", body).status == 204, place)
            return
        }
        if random.below(3) == 0 {
            model.deleteAfterHours = random.below(4) - 1
            let body = #"{"delete_version_after":"\#(model.deleteAfterHours)h"}"#
            #expect(try vault.send("POST", "m/config", body).status == 204, place)
            return
        }
        let versionsMax = random.below(6)
        let isCASRequired = random.below(4) == 0
        let hours = random.below(3)
        let body = """
            {"max_versions":\(versionsMax),"cas_required":\(isCASRequired),\
            "delete_version_after":"\(hours)h"}
            """
        #expect(try vault.send("POST", "m/metadata/\(name)", body).status == 204, place)
        var key = model.keys[name, default: Key()]
        key.versionsMax = versionsMax
        key.isCASRequired = isCASRequired
        key.deleteAfterHours = hours
        model.keys[name] = key
    }

    private func check(
        _ name: String,
        _ vault: TestVault,
        _ model: Model,
        _ place: Comment
    ) throws {
        let metadata = try vault.send("GET", "m/metadata/\(name)")
        guard let key = model.keys[name] else {
            #expect(metadata.status == 404, place)
            #expect(try vault.send("GET", "m/data/\(name)").status == 404, place)
            return
        }
        #expect(try metadata.data("current_version")?.asInt == key.current, place)
        #expect(try metadata.data("oldest_version")?.asInt == key.oldest, place)
        let listed = try metadata.data("versions")?.asObject?.members.map(\.name) ?? []
        #expect(Set(listed) == Set(key.versions.keys.map(String.init)), place)
        for number in max(0, key.oldest - 1)...key.current + 1 {
            let answer = try vault.send("GET", "m/data/\(name)?version=\(number)")
            let version = key.versions[number == 0 ? key.current : number]
            guard let version else {
                #expect(answer.status == 404 && answer.errors == [], place)
                continue
            }
            let isReadable = version.isReadable(at: vault.now)
            #expect(answer.status == (isReadable ? 200 : 404), place)
            let expected: JSONValue =
                isReadable ? try JSONScanner.parse(Array(version.value.utf8)) : .null
            #expect(try answer.data("data") == expected, place)
            #expect(try answer.data("metadata.destroyed")?.asBool == version.isDestroyed, place)
        }
    }
}

/// A mount as arrays and dictionaries.
private struct Model {
    var keys: [String: Key] = [:]
    var versionsMax = 0
    /// -1: off.
    var deleteAfterHours = 0

    func scan(_ folder: String) -> [String] {
        keys.keys.filter { $0.hasPrefix(folder) }.map { String($0.dropFirst(folder.count)) }
            .sorted(by: utf8Precedes)
    }

    func list(_ folder: String) -> [String] {
        var names: Set<String> = []
        for name in keys.keys where name.hasPrefix(folder) {
            let rest = name.dropFirst(folder.count)
            if let slash = rest.firstIndex(of: "/") {
                names.insert(String(rest[...slash]))
            } else {
                names.insert(String(rest))
            }
        }
        return names.sorted(by: utf8Precedes)
    }
}

private struct Key {
    struct Version {
        let value: String
        var deletion: UInt64?
        var isDestroyed = false

        func isReadable(at now: UInt64) -> Bool {
            !isDestroyed && (deletion.map { now < $0 } ?? true)
        }
    }

    var current = 0
    var oldest = 0
    var versionsMax = 0
    var isCASRequired = false
    var deleteAfterHours = 0
    var versions: [Int: Version] = [:]

    func deletion(_ model: Model, at now: UInt64) -> UInt64? {
        let set = [deleteAfterHours, model.deleteAfterHours].filter { $0 > 0 }
        guard model.deleteAfterHours >= 0, let hours = set.min() else { return nil }
        return now + UInt64(hours) * 3_600_000_000_000
    }

    mutating func put(_ value: String, _ model: Model, at now: UInt64) {
        current += 1
        versions[current] = Version(value: value, deletion: deletion(model, at: now))
        let set = max(versionsMax, model.versionsMax)
        let kept = set > 0 ? set : 10
        guard current - oldest >= kept else { return }
        oldest = current - kept + 1
        for number in versions.keys where number < oldest { versions[number] = nil }
    }
}
