import Barrier

/// Where a request is, or where a token is from: the root namespace, or one below it.
///
/// A namespace has everything that a vault has: mounts, policies, tokens, identity. Its records lie
/// under the same names as those of the root namespace, in a home of its own with keys of its own.
struct Namespace: Sendable {
    /// `root`, or six characters, which end the ids of its tokens, accessors and leases.
    let id: String
    /// Empty for the root namespace; else names with a slash behind each: `team/db/`.
    let path: String
    /// Where its records lie; the system mount for the root namespace.
    let home: MountID
    /// What says that it is there and not locked: its own record and those of all above it, each in
    /// its parent's home, the outermost first. The root namespace, which always is there, has none.
    /// Every batch that belongs to the namespace checks them: its end, or a lock, stops what is on
    /// its way.
    let grounds: [LiveToken.Ground]
    /// The outermost locked namespace on the way to it, itself included; nil: it can be reached.
    let lockedBy: String?

    /// The one that is always there.
    static let root = Namespace(id: "root", path: "", home: .system, grounds: [], lockedBy: nil)

    private init(
        id: String,
        path: String,
        home: MountID,
        grounds: [LiveToken.Ground],
        lockedBy: String?
    ) {
        self.id = id
        self.path = path
        self.home = home
        self.grounds = grounds
        self.lockedBy = lockedBy
    }

    /// One that another one's table names.
    init(_ entry: NamespaceEntry, below parent: Namespace) {
        let path = "\(parent.path)\(entry.record.name)/"
        let ground = LiveToken.Ground(
            home: parent.home,
            path: SystemPaths.namespace(entry.home),
            modificationIndex: entry.modificationIndex
        )
        self.init(
            id: entry.record.id,
            path: path,
            home: entry.home,
            grounds: parent.grounds + [ground],
            lockedBy: parent.lockedBy ?? (entry.record.isLocked ? path : nil)
        )
    }

    var isRoot: Bool { home == .system }

    /// What ids end with that belong to it.
    var suffix: String { isRoot ? "" : ".\(id)" }

    /// Lets pass what would be done here, unless its API or that of one above it is locked.
    func checkLock() throws(VaultError) {
        if let lockedBy { throw .namespaceLocked(path: lockedBy) }
    }

    /// Its path as one below the other one sees it; nil if it is neither that one nor below it.
    func path(below other: Namespace) -> String? { path.below(other.path) }

    /// What a token, an accessor or a lease says of its namespace: the text behind the last dot,
    /// if there is one and something behind it. Lies are possible; whoever believes it finds
    /// nothing then.
    static func id(in text: String) -> String? {
        guard let dot = text.utf8.lastIndex(of: 0x2E) else { return nil }
        let id = text[text.utf8.index(after: dot)...]
        return id.isEmpty || id.utf8.contains(0x2F) ? nil : String(id)
    }
}

/// A namespace and the table of its mounts, as one view has them.
struct Place: Sendable {
    let namespace: Namespace
    let mounts: MountTable

    /// Those directly below.
    var children: [NamespacePlace] {
        mounts.namespaces.map { entry in
            NamespacePlace(entry: entry, parent: namespace, shown: entry.record.name.withSlash)
        }
    }
}

/// A namespace in a list of another one.
struct NamespacePlace: Sendable {
    let entry: NamespaceEntry
    /// Directly above it.
    let parent: Namespace
    /// Its path from the namespace on that is asked.
    let shown: String

    /// The same in the list of a namespace further up.
    func shown(behind way: String) -> NamespacePlace {
        NamespacePlace(entry: entry, parent: parent, shown: way + shown)
    }
}
