import Barrier
import TestSupport
import Testing
import Wire

@testable import Vault

/// Random changes of entities, groups and aliases against a model of plain tables, and after each
/// few of them a look at every record that is stored: what names something names something that is
/// there, from both ends, and nothing else is stored.
@Suite("identity against a model")
struct IdentityModelTests {
    @Test("nothing dangles, whatever is made, merged and removed", arguments: UInt64(1)...6)
    func random(seed: UInt64) throws {
        var world = try IdentityWorld(seed: seed)
        for round in 0..<180 {
            try world.act()
            if round % 6 == 5 { try world.check() }
        }
        #expect(world.refused > 0, "a walk without a refusal tests less than it should")
        #expect(world.merges > 0, "a walk without a merge tests less than it should")
    }
}

/// The vault, and what should be in it.
private struct IdentityWorld {
    struct Entity {
        var name: String
        var isDisabled = false
        /// By mount accessor.
        var aliases: [String: (id: String, name: String)] = [:]
        var groups: Set<String> = []
        var merged: [String] = []
    }

    struct Group {
        var name: String
        var isExternal: Bool
        var children: Set<String> = []
        var alias: (id: String, name: String, accessor: String)?
    }

    let vault: TestVault
    let accessors: [String]
    var random: Seeded
    var entities: [String: Entity] = [:]
    var groups: [String: Group] = [:]
    var refused = 0
    var merges = 0

    init(seed: UInt64) throws {
        vault = try TestVault(seed: seed)
        random = Seeded(seed)
        var accessors: [String] = []
        for mount in ["m1", "m2", "m3"] {
            try vault.send("POST", "sys/mounts/\(mount)", #"{"type":"kv"}"#)
            let accessor = try vault.send("GET", "sys/mounts/\(mount)").data("accessor")
            accessors.append(try #require(accessor?.asString))
        }
        self.accessors = accessors
    }

    // MARK: changes

    mutating func act() throws {
        switch random.next() % 14 {
        case 0, 1, 2: try makeEntity()
        case 3: try makeGroup()
        case 4, 5: try writeAlias()
        case 6, 7: try setMembers()
        case 8: try setChildren()
        case 9: try mergeEntities()
        case 10: try removeEntity()
        case 11: try removeGroup()
        case 12: try writeGroupAlias()
        default: try renameEntity()
        }
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value? {
        values.isEmpty ? nil : values[Int(random.next() % UInt64(values.count))]
    }

    private mutating func anyEntity() -> String? { pick(entities.keys.sorted()) }

    private mutating func anyGroup() -> String? { pick(groups.keys.sorted()) }

    private mutating func some(_ ids: [String]) -> [String] {
        ids.sorted().filter { _ in random.next() % 3 == 0 }
    }

    private mutating func write(_ path: String, _ body: JSONValue) throws -> TestVault.Answer {
        let bytes = body.encoded(sortingKeys: true)
        let answer = try vault.send("POST", path, String(decoding: bytes, as: UTF8.self))
        if answer.status == 400 { refused += 1 }
        return answer
    }

    private mutating func makeEntity() throws {
        let name = "e\(random.next() % 12)"
        let answer = try write("identity/entity", ["name": .string(name)])
        if let id = try? answer.data("id")?.asString {
            #expect(!entities.values.contains { $0.name == name })
            entities[id] = Entity(name: name)
        } else {
            #expect(answer.status == 204, "\(answer.text)")
            #expect(entities.values.contains { $0.name == name })
        }
    }

    private mutating func renameEntity() throws {
        guard let id = anyEntity() else { return }
        let name = "e\(random.next() % 12)"
        let isTaken = entities.contains { $0.key != id && $0.value.name == name }
        let answer = try write("identity/entity/id/\(id)", ["name": .string(name)])
        #expect(answer.status == (isTaken ? 400 : 204), "\(answer.text)")
        if !isTaken { entities[id]?.name = name }
    }

    private mutating func makeGroup() throws {
        let name = "g\(random.next() % 8)"
        guard !groups.values.contains(where: { $0.name == name }) else { return }
        let isExternal = random.next() % 3 == 0
        let answer = try write(
            "identity/group",
            ["name": .string(name), "type": .string(isExternal ? "external" : "internal")]
        )
        let id = try #require(try answer.data("id")?.asString, "\(answer.text)")
        groups[id] = Group(name: name, isExternal: isExternal)
    }

    private mutating func writeAlias() throws {
        guard let id = anyEntity(), let accessor = pick(accessors) else { return }
        let name = "a\(random.next() % 10)"
        let answer = try write(
            "identity/entity-alias",
            [
                "name": .string(name), "mount_accessor": .string(accessor),
                "canonical_id": .string(id),
            ]
        )
        let holder = entities.first { $0.value.aliases[accessor]?.name == name }?.key
        if holder == id { return #expect(answer.status == 204, "\(answer.text)") }
        guard entities[id]?.aliases[accessor] == nil else {
            return #expect(answer.status == 400, "\(answer.text)")
        }
        let alias = try #require(try answer.data("id")?.asString, "\(answer.text)")
        if let holder {
            #expect(entities[holder]?.aliases[accessor]?.id == alias)
            entities[holder]?.aliases[accessor] = nil
        }
        entities[id]?.aliases[accessor] = (alias, name)
    }

    private mutating func setMembers() throws {
        guard let id = anyGroup() else { return }
        let wanted = some(Array(entities.keys))
        let answer = try write(
            "identity/group/id/\(id)",
            ["member_entity_ids": .array(wanted.map { .string($0) })]
        )
        guard groups[id]?.isExternal == false else {
            return #expect(answer.status == 400, "\(answer.text)")
        }
        #expect(answer.status == 204, "\(answer.text)")
        for entity in entities.keys {
            if wanted.contains(entity) {
                entities[entity]?.groups.insert(id)
            } else {
                entities[entity]?.groups.remove(id)
            }
        }
    }

    private mutating func setChildren() throws {
        guard let id = anyGroup(), groups[id]?.isExternal == false else { return }
        let wanted = some(Array(groups.keys))
        let answer = try write(
            "identity/group/id/\(id)",
            ["member_group_ids": .array(wanted.map { .string($0) })]
        )
        let isCyclic = wanted.contains { reaches(from: $0, to: id) }
        #expect(answer.status == (isCyclic ? 400 : 204), "\(answer.text)")
        if !isCyclic { groups[id]?.children = Set(wanted) }
    }

    /// Whether one group is the other or has it below itself.
    private func reaches(from upper: String, to lower: String) -> Bool {
        var waiting = [upper]
        var seen: Set<String> = []
        while let id = waiting.popLast() {
            if id == lower { return true }
            if seen.insert(id).inserted { waiting += groups[id]?.children ?? [] }
        }
        return false
    }

    private mutating func mergeEntities() throws {
        guard let target = anyEntity(), let source = anyEntity(), target != source else { return }
        guard let into = entities[target], let from = entities[source] else { return }
        let clashes = from.aliases.keys.filter { into.aliases[$0] != nil }.sorted()
        let keepsSource = random.next() % 2 == 0
        let kept = clashes.compactMap {
            keepsSource ? from.aliases[$0]?.id : into.aliases[$0]?.id
        }
        let saysWhich = random.next() % 3 > 0
        var body: JSONObject = [
            "from_entity_ids": [.string(source)], "to_entity_id": .string(target),
        ]
        if saysWhich {
            body["conflicting_alias_ids_to_keep"] = .array(kept.map { .string($0) })
        }
        let answer = try write("identity/entity/merge", .object(body))
        guard clashes.isEmpty || saysWhich else {
            return #expect(answer.status == 400, "\(answer.text)")
        }
        #expect(answer.status == 204, "\(answer.text)")
        merges += 1
        for (accessor, alias) in from.aliases where into.aliases[accessor] == nil || keepsSource {
            entities[target]?.aliases[accessor] = alias
        }
        entities[target]?.groups.formUnion(from.groups)
        entities[target]?.merged += from.merged + [source]
        entities[source] = nil
    }

    private mutating func removeEntity() throws {
        guard let id = anyEntity() else { return }
        let body: JSONValue = ["entity_ids": [.string(id), "00000000-0000-0000-0000-000000000000"]]
        let status =
            random.next() % 2 == 0
            ? try vault.send("DELETE", "identity/entity/id/\(id)").status
            : try write("identity/entity/batch-delete", body).status
        #expect(status == 204)
        entities[id] = nil
    }

    private mutating func removeGroup() throws {
        guard let id = anyGroup() else { return }
        #expect(try vault.send("DELETE", "identity/group/id/\(id)").status == 204)
        groups[id] = nil
        for other in groups.keys { groups[other]?.children.remove(id) }
        for entity in entities.keys { entities[entity]?.groups.remove(id) }
    }

    private mutating func writeGroupAlias() throws {
        guard let id = anyGroup(), let accessor = pick(accessors) else { return }
        let name = "x\(random.next() % 4)"
        let answer = try write(
            "identity/group-alias",
            [
                "name": .string(name), "mount_accessor": .string(accessor),
                "canonical_id": .string(id),
            ]
        )
        let isTaken = groups.values.contains {
            $0.alias?.name == name && $0.alias?.accessor == accessor
        }
        guard !isTaken, groups[id]?.isExternal == true else {
            return #expect(answer.status == 400, "\(answer.text)")
        }
        let alias = try #require(try answer.data("id")?.asString, "\(answer.text)")
        groups[id]?.alias = (alias, name, accessor)
    }
}

// MARK: looking

extension IdentityWorld {
    func check() throws {
        for (id, entity) in entities { try check(id, entity) }
        for (id, group) in groups { try check(id, group) }
        try checkRecords()
    }

    private func check(_ id: String, _ entity: Entity) throws {
        let answer = try vault.send("GET", "identity/entity/id/\(id)")
        let name: Comment = "\(entity.name): \(answer.text)"
        #expect(try answer.data("name")?.asString == entity.name, name)
        #expect(try texts(answer, "direct_group_ids") == entity.groups.sorted(), name)
        var all = entity.groups
        for group in groups.keys
        where entity.groups.contains(where: { reaches(from: group, to: $0) }) {
            all.insert(group)
        }
        #expect(try texts(answer, "group_ids").sorted() == all.sorted(), name)
        #expect(
            try texts(answer, "inherited_group_ids").sorted()
                == all.subtracting(entity.groups).sorted(),
            name
        )
        #expect(try texts(answer, "merged_entity_ids") == entity.merged, name)
        let aliases = try answer.data("aliases")?.asArray ?? []
        #expect(aliases.count == entity.aliases.count, name)
        for alias in aliases {
            let accessor = try #require(alias.asObject?["mount_accessor"]?.asString)
            #expect(alias.asObject?["id"]?.asString == entity.aliases[accessor]?.id, name)
            #expect(alias.asObject?["name"]?.asString == entity.aliases[accessor]?.name, name)
        }
    }

    private func check(_ id: String, _ group: Group) throws {
        let answer = try vault.send("GET", "identity/group/id/\(id)")
        let name: Comment = "\(group.name): \(answer.text)"
        let members = entities.filter { $0.value.groups.contains(id) }.keys.sorted()
        #expect(try texts(answer, "member_entity_ids") == members, name)
        #expect(try texts(answer, "member_group_ids") == group.children.sorted(), name)
        let parents = groups.filter { $0.value.children.contains(id) }.keys.sorted()
        #expect(try texts(answer, "parent_group_ids") == parents, name)
        #expect(try answer.data("alias.id")?.asString == group.alias?.id, name)
    }

    private func texts(_ answer: TestVault.Answer, _ member: String) throws -> [String] {
        try answer.data(member)?.asArray?.compactMap(\.asString) ?? []
    }

    /// What is stored, and not a record more.
    private func checkRecords() throws {
        let aliases = entities.values.flatMap { $0.aliases.values.map(\.id) }
        let groupAliases = groups.values.compactMap { $0.alias?.id }
        let expected = [
            ("entity", entities.keys.sorted()), ("group", groups.keys.sorted()),
            ("roster", groups.keys.sorted()), ("entity-alias", aliases.sorted()),
            ("group-alias", groupAliases.sorted()),
            ("merged", entities.values.flatMap(\.merged).sorted()),
        ]
        let owners = [
            ("entity-name", entities.keys.sorted()), ("group-name", groups.keys.sorted()),
            (
                "entity-alias-name",
                entities.flatMap { id, entity in entity.aliases.map { _ in id } }.sorted()
            ),
            (
                "group-alias-name",
                groups.filter { $0.value.alias != nil }.keys.sorted()
            ),
        ]
        try vault.view { view in
            for (folder, names) in expected {
                #expect(try view.systemNames("identity/\(folder)/") == names, "\(folder)")
            }
            for (folder, ids) in owners {
                var found: [String] = []
                for name in try view.systemNames("identity/\(folder)/") {
                    let opened = try view.systemRecord("identity/\(folder)/\(name)")
                    let record = try #require(opened)
                    found.append(try IdentityPointer(decoding: record.value).id.text)
                }
                #expect(found.sorted() == ids, "\(folder)")
            }
            for (id, entity) in entities {
                for merged in entity.merged {
                    let opened = try view.systemRecord("identity/merged/\(merged)")
                    let record = try #require(opened)
                    #expect(try MergedEntity(decoding: record.value).into.text == id)
                }
            }
            let mark = try view.systemRecord(IdentityPaths.groupMark)
            let count =
                try mark.map { try CountRecord(decoding: $0.value, of: "groups").count } ?? 0
            #expect(count == UInt64(groups.count))
        }
    }
}
