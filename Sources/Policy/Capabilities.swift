/// What may be done at a path.
package struct Capabilities: OptionSet, Hashable, Sendable {
    /// One bit for each.
    package let rawValue: UInt16

    /// - Parameter rawValue: bits of the capabilities below.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Nothing may be done, whatever other policies say of the same path.
    package static let deny = Capabilities(rawValue: 1 << 0)
    /// Write what was not there.
    package static let create = Capabilities(rawValue: 1 << 1)
    /// Read.
    package static let read = Capabilities(rawValue: 1 << 2)
    /// Write what was there, and everything that has no notion of "there".
    package static let update = Capabilities(rawValue: 1 << 3)
    /// Delete.
    package static let delete = Capabilities(rawValue: 1 << 4)
    /// List names.
    package static let list = Capabilities(rawValue: 1 << 5)
    /// In addition to the others where a path is for administrators.
    package static let sudo = Capabilities(rawValue: 1 << 6)
    /// Change a part of what was there.
    package static let patch = Capabilities(rawValue: 1 << 7)
    /// List names of a whole tree.
    package static let scan = Capabilities(rawValue: 1 << 8)

    /// Names as policies spell them, in the order of the bits.
    static let named: [(name: String, capability: Capabilities)] = [
        ("deny", .deny), ("create", .create), ("read", .read), ("update", .update),
        ("delete", .delete), ("list", .list), ("sudo", .sudo), ("patch", .patch),
        ("scan", .scan),
    ]

    /// - Parameter name: one capability as policies spell it.
    package init?(name: String) {
        guard let found = Self.named.first(where: { $0.name == name }) else { return nil }
        self = found.capability
    }

    /// The names in alphabetical order, as `sys/capabilities` answers; `deny` for none.
    package var names: [String] {
        guard !isEmpty, !contains(.deny) else { return ["deny"] }
        return Self.named.filter { contains($0.capability) }.map(\.name).sorted()
    }

    /// What one of several policies adds to another: a deny in either leaves nothing else.
    func merged(with other: Capabilities) -> Capabilities {
        let both = union(other)
        return both.contains(.deny) ? .deny : both
    }
}
