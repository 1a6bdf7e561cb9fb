import Barrier

/// What the mark of a token's child is named: its hash, and where it is if it is of a namespace
/// below its parent's.
struct ChildName: Equatable {
    let hash: String
    /// Nil: where its parent is.
    let home: MountID?

    init(_ hash: String, in home: MountID, of record: TokenRecord) {
        self.hash = hash
        self.home = record.parentHome == nil ? nil : home
    }

    init(_ hash: String, in home: MountID, below parentHome: MountID) {
        self.hash = hash
        self.home = home == parentHome ? nil : home
    }

    /// - Throws: ``VaultError/damaged(_:)`` for a name that no child has.
    init(decoding name: String) throws(VaultError) {
        let parts = name.utf8.split(separator: 0x40, maxSplits: 1).map { String(Substring($0)) }
        guard let hash = parts.first, TokenPlace.isHash(hash) else { throw Self.misnamed }
        self.hash = hash
        guard parts.count > 1 else {
            home = nil
            return
        }
        guard let home = MountID(text: parts[1]) else { throw Self.misnamed }
        self.home = home
    }

    static func decode(_ names: some Sequence<String>) throws(VaultError) -> [ChildName] {
        var result: [ChildName] = []
        for name in names { result.append(try ChildName(decoding: name)) }
        return result
    }

    private static let misnamed = VaultError.damaged("a mark for what is no token")

    var text: String { home.map { "\(hash)@\($0.text)" } ?? hash }
}
