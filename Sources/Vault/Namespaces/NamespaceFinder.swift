import Barrier

/// Finds namespaces: by the path of a request, and by what a token or a lease says of itself.
///
/// A namespace is named by its parent's table of mounts, because a mount and a namespace cannot
/// have the same path, and because that table is read for each request anyway: where there is no
/// namespace, none costs a read.
struct NamespaceFinder {
    let cache: VaultCache

    /// The namespace that a request is for, and the rest of its path.
    ///
    /// - Parameters:
    ///   - header: as the request's header names one: empty, or a path that ends in a slash.
    ///   - view: at home in the system mount.
    /// - Returns: nil where the header names none that is there. What a path begins with may be a
    ///   namespace or not.
    func find(
        header: String,
        path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (place: Place, path: String)? {
        let mounts = try cache.mounts(view)
        let root = Place(namespace: .root, mounts: mounts)
        guard !mounts.namespaces.isEmpty else { return header.isEmpty ? (root, path) : nil }
        let (place, rest) = try descend(header + path, from: root, view)
        guard place.namespace.path.utf8.starts(with: header.utf8) else { return nil }
        return (place, rest)
    }

    /// The namespace with this path, which is empty or ends in a slash; nil if there is none.
    func find(
        path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place? {
        let root = Place(namespace: .root, mounts: try cache.mounts(view.at(.system)))
        let (place, rest) = try descend(path, from: root, view)
        return rest.isEmpty ? place : nil
    }

    /// The namespace with this id; nil if there is none.
    func find(
        id: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place? {
        guard id.utf8.count == VaultLimits.namespaceIDCharacters,
            id.utf8.allSatisfy(Self.isCharacter)
        else { return nil }
        let system = view.at(.system)
        var path = cache.namespacePath(of: id)
        if path == nil {
            guard let opened = try system.systemRecord(SystemPaths.namespaceID(id)) else {
                return nil
            }
            path = try NamespacePointer.path(decoding: opened.value)
        }
        guard let path, let place = try find(path: path, system), place.namespace.id == id else {
            cache.forgetNamespacePath(of: id)
            return nil
        }
        cache.keep(namespacePath: path, of: id)
        return place
    }

    /// The namespace that a token belongs to by what it says; nil if there is none.
    func find(
        ofToken token: [UInt8],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Namespace? {
        // The last dot of a token of the root namespace is that of `s.`, or in a chosen one none.
        guard let dot = token.lastIndex(of: 0x2E), dot > 1 else { return .root }
        let id = String(decoding: token[(dot + 1)...], as: UTF8.self)
        return try find(id: id, view)?.namespace
    }

    /// One that another one's table names, with its own table.
    func place(
        of entry: NamespaceEntry,
        below parent: Namespace,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place {
        let mounts = try cache.mounts(view.at(entry.home))
        return Place(namespace: Namespace(entry, below: parent), mounts: mounts)
    }

    /// What is below a namespace, level by level; nil if there are more than one answer shows.
    func descendants(
        of top: Place,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [NamespacePlace]? {
        var found = top.children
        var position = 0
        while position < found.count {
            guard found.count <= VaultLimits.namespacesMax else { return nil }
            let next = found[position]
            position += 1
            // What is being removed has none below it.
            if next.entry.record.isEnding { continue }
            let below = try place(of: next.entry, below: next.parent, view).children
            found += below.map { $0.shown(behind: next.shown) }
        }
        return found
    }

    private static func isCharacter(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// Goes down as far as the path names namespaces.
    private func descend(
        _ path: String,
        from root: Place,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (place: Place, rest: String) {
        var place = root
        var rest = path
        while let (entry, below) = place.mounts.namespace(leading: rest), !entry.record.isEnding {
            place = try self.place(of: entry, below: place.namespace, view)
            rest = below
        }
        return (place, rest)
    }
}

extension BarrierView {
    /// The same moment, at home in a namespace. Nothing is made where it is at home there already.
    borrowing func inside<Value>(
        _ home: MountID,
        _ body: (borrowing BarrierView) throws(VaultError) -> Value
    ) throws(VaultError) -> Value {
        guard home != self.home else { return try body(self) }
        return try body(at(home))
    }
}
