import Barrier
import Engines
import Wire

/// A mount and what is needed to check that it is still the same.
struct MountEntry: Sendable {
    let id: MountID
    let record: MountRecord
    /// Of its record. A batch that writes into the mount checks it, so nothing is written into a
    /// mount that is gone.
    let modificationIndex: UInt64

    /// What its engine gets to know.
    var engineMount: EngineMount {
        let seconds = record.tuning.leaseSeconds
        return EngineMount(
            id: id,
            kind: record.kind,
            leaseSeconds: seconds > 0 ? seconds : VaultLimits.leaseSecondsDefault
        )
    }
}

/// Every mount of a namespace, and every namespace directly below it, as one view showed them. A
/// value: sharing it is free, and it never changes.
struct MountTable: Sendable {
    /// What the paths of auth methods begin with, in requests, policies and records.
    static let authPrefix = "auth/"

    /// Of the record that is written with every change of any mount or namespace.
    let modificationIndex: UInt64
    /// Sorted by path.
    let entries: [MountEntry]
    /// Sorted by name.
    let namespaces: [NamespaceEntry]
    /// Which is no mount, and tuned like one.
    let tokenMethod: TokenMethod
    /// By name, a slash behind it. Only looked up.
    private let namespacePositions: [[UInt8]: Int]
    /// By path. Only looked up.
    private let positions: [[UInt8]: Int]
    /// Slashes in the path with the most of them.
    private let depthMax: Int

    init(
        modificationIndex: UInt64,
        entries: [MountEntry],
        namespaces: [NamespaceEntry] = [],
        tokenMethod: TokenMethod = .untuned
    ) {
        self.modificationIndex = modificationIndex
        self.tokenMethod = tokenMethod
        let named = namespaces.sorted { utf8Precedes($0.record.name, $1.record.name) }
        self.namespaces = named
        var namespacePositions: [[UInt8]: Int] = [:]
        for (position, entry) in named.enumerated() {
            namespacePositions[Array(entry.record.name.withSlash.utf8)] = position
        }
        self.namespacePositions = namespacePositions
        let sorted = entries.sorted { utf8Precedes($0.record.path, $1.record.path) }
        self.entries = sorted
        var positions: [[UInt8]: Int] = [:]
        var depthMax = 0
        for (position, entry) in sorted.enumerated() {
            let path = Array(entry.record.path.utf8)
            positions[path] = position
            depthMax = max(depthMax, path.count { $0 == 0x2F })
        }
        self.positions = positions
        self.depthMax = depthMax
    }

    /// The mount with exactly this path, its slash included.
    func entry(at path: String) -> MountEntry? {
        positions[Array(path.utf8)].map { entries[$0] }
    }

    /// The secrets engines, sorted by path.
    var engines: [MountEntry] { entries.filter { !$0.record.isAuthMethod } }

    /// The auth methods, sorted by path.
    var authMethods: [MountEntry] { entries.filter(\.record.isAuthMethod) }

    /// The mount that serves a path, and the path below it. A mount's path without its slash is
    /// served by it as well, as its root.
    func match(_ path: String) -> (entry: MountEntry, below: String)? {
        var prefix: [UInt8] = []
        var depth = 0
        for byte in path.utf8 {
            prefix.append(byte)
            guard byte == 0x2F else { continue }
            depth += 1
            // Mounts do not nest, so the first match is the only one.
            if let position = positions[prefix] {
                let below = path.utf8.dropFirst(prefix.count)
                return (entries[position], String(below) ?? "")
            }
            if depth >= depthMax { return nil }
        }
        prefix.append(0x2F)
        return positions[prefix].map { (entries[$0], "") }
    }

    /// The namespace that a path begins with, and the path inside.
    func namespace(leading path: String) -> (entry: NamespaceEntry, below: String)? {
        guard !namespaces.isEmpty, let slash = path.utf8.firstIndex(of: 0x2F) else { return nil }
        let name = Array(path.utf8[...slash])
        return namespacePositions[name].map { position in
            (namespaces[position], String(path.utf8.dropFirst(name.count)) ?? "")
        }
    }

    /// The namespace with this name, without a slash.
    func namespace(named name: String) -> NamespaceEntry? {
        namespacePositions[Array(name.withSlash.utf8)].map { namespaces[$0] }
    }

    /// The path of a mount or namespace that stands in the way of a new one at this path: the same,
    /// above it or below it.
    func conflict(with path: String) -> String? {
        let mount = entries.first { entry in
            entry.record.path.utf8.starts(with: path.utf8)
                || path.utf8.starts(with: entry.record.path.utf8)
        }
        return mount?.record.path ?? namespace(leading: path)?.entry.record.name.withSlash
    }

    /// Reads every mount. All of it belongs to the view's one moment.
    static func load(_ view: borrowing BarrierView) throws(VaultError) -> MountTable {
        guard let table = try view.systemRecord(SystemPaths.mountTable) else {
            throw .damaged("the mount table is missing")
        }
        var entries: [MountEntry] = []
        for name in try view.systemNames(SystemPaths.activeMounts) {
            guard let id = MountID(text: name),
                let opened = try view.systemRecord(SystemPaths.activeMount(id))
            else { throw .damaged("a mount's record is missing") }
            entries.append(
                MountEntry(
                    id: id,
                    record: try MountRecord(decoding: opened.value),
                    modificationIndex: opened.modificationIndex
                )
            )
        }
        return MountTable(
            modificationIndex: table.modificationIndex,
            entries: entries,
            namespaces: try namespaces(view),
            tokenMethod: try TokenMethod.load(view)
        )
    }

    private static func namespaces(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [NamespaceEntry] {
        var namespaces: [NamespaceEntry] = []
        for name in try view.systemNames(SystemPaths.namespaces) {
            guard let home = MountID(text: name),
                let opened = try view.systemRecord(SystemPaths.namespace(home))
            else { throw .damaged("a namespace's record is missing") }
            namespaces.append(
                NamespaceEntry(
                    home: home,
                    record: try NamespaceRecord(decoding: opened.value),
                    modificationIndex: opened.modificationIndex
                )
            )
        }
        return namespaces
    }
}
