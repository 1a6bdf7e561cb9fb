/// A path that cannot be wrong: names separated by single slashes, 1 to 4,160 bytes of UTF-8, at
/// most 2,048 folders deep.
///
/// Names are compared as bytes, never as Unicode: two spellings of "é" are two names.
struct BarrierPath {
    /// The whole path, for instance "a/b/c".
    let bytes: [UInt8]
    /// How many of the bytes are the directory, "a/b/"; 0 at the top.
    let directoryCount: Int

    /// - Throws: ``BarrierError/pathEmpty``, `pathTooLong`, `pathMalformed`.
    init(_ path: String) throws(BarrierError) {
        try self.init(bytes: Array(path.utf8))
        guard bytes.last != BarrierPath.slash else {
            throw .pathMalformed("it ends with a slash")
        }
    }

    /// A directory: "" or a path that ends in one slash.
    static func directory(_ text: String) throws(BarrierError) -> [UInt8] {
        guard !text.utf8.isEmpty else { return [] }
        let path = try BarrierPath(bytes: Array(text.utf8))
        guard path.bytes.last == slash else {
            throw .pathMalformed("a directory must end with a slash")
        }
        return path.bytes
    }

    private init(bytes: [UInt8]) throws(BarrierError) {
        guard !bytes.isEmpty else { throw .pathEmpty }
        guard bytes.count <= BarrierLimits.pathBytesMax else {
            throw .pathTooLong(have: bytes.count, limit: BarrierLimits.pathBytesMax)
        }
        guard bytes[0] != BarrierPath.slash else { throw .pathMalformed("it starts with a slash") }
        var folderCount = 0
        for position in 1..<bytes.count where bytes[position] == BarrierPath.slash {
            guard bytes[position - 1] != BarrierPath.slash else {
                throw .pathMalformed("it has two slashes in a row")
            }
            folderCount += 1
        }
        guard folderCount <= BarrierLimits.foldersMax else {
            throw .pathMalformed("it has \(folderCount) folders, above \(BarrierLimits.foldersMax)")
        }
        self.bytes = bytes
        directoryCount = (bytes.lastIndex(of: BarrierPath.slash) ?? -1) + 1
    }

    /// "a/b/" of "a/b/c".
    var directory: ArraySlice<UInt8> { bytes[..<directoryCount] }

    /// "c" of "a/b/c".
    var name: ArraySlice<UInt8> { bytes[directoryCount...] }

    /// The folders that must be listed for this path to be found, outermost first: "a/", "a/b/".
    var folders: [Folder] {
        var folders: [Folder] = []
        var parentCount = 0
        for position in 0..<directoryCount where bytes[position] == BarrierPath.slash {
            folders.append(Folder(path: bytes[...position], parentCount: parentCount))
            parentCount = position + 1
        }
        return folders
    }

    /// One folder on the way to a path.
    struct Folder {
        /// "a/b/".
        let path: ArraySlice<UInt8>
        /// How many of the bytes are the folder's own parent, "a/".
        let parentCount: Int

        /// "a/".
        var parent: ArraySlice<UInt8> { path.prefix(parentCount) }
        /// "b/".
        var name: ArraySlice<UInt8> { path.dropFirst(parentCount) }
    }

    private static let slash = UInt8(ascii: "/")
}
