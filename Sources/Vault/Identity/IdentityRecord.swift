import Barrier
import Engines
import Wire

/// What entities and groups are alike in: an id, a record under it, a name that nothing else of the
/// kind has, and aliases that lead there.
protocol IdentityRecord: Sendable {
    var name: String { get set }

    init(decoding bytes: [UInt8]) throws(VaultError)

    func encoded() -> [UInt8]

    /// As texts call it: `entity`.
    static var kind: String { get }
    /// The refusal of an id that nobody has.
    static var unknownID: String { get }

    static func path(_ id: IdentityID) -> String
    static func namePath(_ name: String) -> String
    static func aliasPath(_ alias: IdentityID) -> String
    static func aliasNamePath(_ name: String, _ mountAccessor: String) -> String
}

extension EntityRecord: IdentityRecord {
    static let kind = "entity"
    static let unknownID = "entity not found from id"

    static func path(_ id: IdentityID) -> String { IdentityPaths.entity(id) }
    static func namePath(_ name: String) -> String { IdentityPaths.entityName(name) }
    static func aliasPath(_ alias: IdentityID) -> String { IdentityPaths.entityAlias(alias) }
    static func aliasNamePath(_ name: String, _ mountAccessor: String) -> String {
        IdentityPaths.entityAliasName(name, mountAccessor)
    }
}

extension GroupRecord: IdentityRecord {
    static let kind = "group"
    static let unknownID = "invalid group ID"

    static func path(_ id: IdentityID) -> String { IdentityPaths.group(id) }
    static func namePath(_ name: String) -> String { IdentityPaths.groupName(name) }
    static func aliasPath(_ alias: IdentityID) -> String { IdentityPaths.groupAlias(alias) }
    static func aliasNamePath(_ name: String, _ mountAccessor: String) -> String {
        IdentityPaths.groupAliasName(name, mountAccessor)
    }
}

/// How a request names an entity or a group.
enum IdentityKey {
    case id(String)
    case name(String)

    /// The parameter that the path supplies.
    var captured: String {
        switch self {
        case .id: "id"
        case .name: "name"
        }
    }
}

/// An entity or a group that is there.
struct FoundIdentity<Record: IdentityRecord> {
    let id: IdentityID
    var record: Record
}

extension IdentityRecords {
    mutating func record<Record: IdentityRecord>(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Record? {
        guard let bytes = try value(at: Record.path(id), view) else { return nil }
        return try Record(decoding: bytes)
    }

    /// One that another record names.
    mutating func existing<Record: IdentityRecord>(
        _ id: IdentityID,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Record {
        guard let record: Record = try record(id, view) else {
            throw .damaged("\(Record.kind) \(id.text) is named and not there")
        }
        return record
    }

    /// The one with this id or name.
    mutating func find<Record: IdentityRecord>(
        _ key: IdentityKey,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> FoundIdentity<Record>? {
        switch key {
        case .id(let text):
            guard let id = IdentityID(text: text), let record: Record = try record(id, view)
            else { return nil }
            return FoundIdentity(id: id, record: record)
        case .name(let name):
            guard let id = try pointer(Record.namePath(name), view) else { return nil }
            return FoundIdentity(id: id, record: try existing(id, view))
        }
    }

    /// Gives it a name that nothing else of its kind has.
    mutating func rename<Record: IdentityRecord>(
        _ found: inout FoundIdentity<Record>,
        to name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let name = try IdentityText.checkName(name)
        let holder = try pointer(Record.namePath(name), view)
        guard holder == nil || holder == found.id else {
            throw .invalid("\(Record.kind) name is already in use")
        }
        try setPointer(nil, at: Record.namePath(found.record.name), view)
        try setPointer(found.id, at: Record.namePath(name), view)
        found.record.name = name
    }

    /// A name nobody has, for what nobody named: `entity_1a2b3c4d.root`, in a namespace
    /// with its id.
    mutating func freshName<Record: IdentityRecord>(
        _: Record.Type,
        in draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String {
        // Eight hexadecimal digits, as clients know them; the more that are taken, the more digits.
        for byteCount in [4, 4, 4, 16] {
            let digits = Hex.encode(draft.randomBytes(byteCount))
            let name = "\(Record.kind)_\(digits).\(draft.namespaceID)"
            if try pointer(Record.namePath(name), view) == nil { return name }
        }
        throw .invalid("no free name was found; give one")
    }

    /// Both indexes of an alias; nil removes them.
    mutating func point<Record: IdentityRecord>(
        _ alias: AliasRecord,
        to id: IdentityID?,
        _: Record.Type,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        try setPointer(id, at: Record.aliasNamePath(alias.name, alias.mountAccessor), view)
        try setPointer(id, at: Record.aliasPath(alias.id), view)
    }
}

/// What a request writes: an entity or a group that is there, or one that it makes.
struct IdentityTarget<Record: IdentityRecord> {
    private let key: IdentityKey?
    /// As the body calls it.
    private let name: String?
    private let found: FoundIdentity<Record>?
    /// Of what is there, or drawn for what is made.
    let id: IdentityID

    /// - Parameter key: as the path names it; nil: as the body does, or nobody does.
    /// - Throws: ``VaultError/invalid(_:)`` for an id that nobody has.
    init(
        _ key: IdentityKey?,
        _ fields: Fields,
        in draft: inout BatchDraft,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        name = fields.text("name").flatMap { $0.isEmpty ? nil : $0 }
        let bodyID = fields.text("id").flatMap { $0.isEmpty ? nil : IdentityKey.id($0) }
        self.key = key ?? bodyID ?? name.map { .name($0) }
        found = try self.key.flatMap { key throws(VaultError) in try records.find(key, view) }
        if case .id = self.key, found == nil { throw .invalid(Record.unknownID) }
        id = found?.id ?? draft.identityID()
    }

    /// What is there before.
    var existing: Record? { found?.record }

    /// What is there, under its new name if the request gives it one; or what `make` makes of a
    /// name: the request's, or one that is drawn. Not written yet, only its name is.
    func record(
        in draft: inout BatchDraft,
        _ records: inout IdentityRecords,
        _ view: borrowing BarrierView,
        make: (_ name: String) -> Record
    ) throws(VaultError) -> Record {
        if var found {
            if case .id = key, let name { try records.rename(&found, to: name, view) }
            return found.record
        }
        let given =
            if case .name(let text) = key {
                try IdentityText.checkName(text)
            } else {
                try records.freshName(Record.self, in: &draft, view)
            }
        try records.setPointer(id, at: Record.namePath(given), view)
        return make(given)
    }
}
