import Wire

/// What a path below `identity/` is about.
enum IdentityRoute: Equatable {
    /// Aliases of entities, or of groups.
    enum Owner: Equatable {
        case entity
        case group
    }

    case entity
    case entityByID(String)
    case entityByName(String)
    case entities(byName: Bool)
    case entityMerge
    case entityBatchDelete
    case group
    case groupByID(String)
    case groupByName(String)
    case groups(byName: Bool)
    case alias(Owner)
    case aliasByID(Owner, String)
    case aliases(Owner)
    case lookup(Owner)

    /// - Parameter path: below `identity/`; a list ends in a slash.
    init?(_ path: String) {
        switch path {
        case "entity": self = .entity
        case "entity/merge": self = .entityMerge
        case "entity/batch-delete": self = .entityBatchDelete
        case "group": self = .group
        case "entity-alias", "alias", "persona": self = .alias(.entity)
        case "group-alias": self = .alias(.group)
        case "entity/id", "entity/id/": self = .entities(byName: false)
        case "entity/name", "entity/name/": self = .entities(byName: true)
        case "group/id", "group/id/": self = .groups(byName: false)
        case "group/name", "group/name/": self = .groups(byName: true)
        case "entity-alias/id", "entity-alias/id/", "alias/id", "alias/id/", "persona/id",
            "persona/id/":
            self = .aliases(.entity)
        case "group-alias/id", "group-alias/id/": self = .aliases(.group)
        case "lookup/entity": self = .lookup(.entity)
        case "lookup/group": self = .lookup(.group)
        default: self.init(single: path)
        }
    }

    /// One that is named by the path.
    private init?(single path: String) {
        if let name = path.below("entity/name/") {
            self = .entityByName(name)
        } else if let name = path.below("group/name/") {
            self = .groupByName(name)
        } else if let id = path.id(below: "entity/id/") {
            self = .entityByID(id)
        } else if let id = path.id(below: "group/id/") {
            self = .groupByID(id)
        } else if let id = path.id(below: "group-alias/id/") {
            self = .aliasByID(.group, id)
        } else if let id = path.id(below: "entity-alias/id/") ?? path.id(below: "alias/id/")
            ?? path.id(below: "persona/id/")
        {
            self = .aliasByID(.entity, id)
        } else {
            return nil
        }
    }
}

extension String {
    /// An id behind a prefix: no further slash.
    fileprivate func id(below prefix: String) -> String? {
        below(prefix).flatMap { $0.utf8.contains(0x2F) ? nil : $0 }
    }
}
