import Glibc
import Wire

/// The file `LIVE`: which database file of a data folder is the live one.
///
/// A folder that never had a snapshot installed has no such file; its database is of generation 0.
/// A snapshot is installed into a database of a generation of its own, beside the live one. The
/// marker is what decides between the two, so replacing it is the moment of the switch.
///
/// Layout: four copies, 64 bytes each at a stride of 4 KiB: magic 8 · format u8 · copy u8 ·
/// generation u64 · zeros · CRC-32C u32 over all before it. The file is replaced as a whole, so all
/// copies say the same; any valid one will do.
enum LiveMarker {
    static let name = "LIVE"
    private static let copies = 4
    private static let copyBytes = 64
    private static let strideBytes = 4_096
    private static let formatVersion: UInt8 = 1
    private static let magic: [UInt8] = Array("HFLIVE\r\n".utf8)

    /// The live generation.
    ///
    /// A marker of which a copy is damaged is written anew.
    ///
    /// - Parameter generations: those that have a file in the folder.
    /// - Throws: ``StoreError/corrupt(_:)`` when the marker is damaged and more than one file
    ///   could be meant.
    static func generation(
        in folder: String,
        among generations: [UInt64]
    ) throws(StoreError) -> UInt64 {
        guard let file = try FileDescriptor.open(folder + "/" + name, O_RDONLY) else { return 0 }
        let bytes = try file.read(copies * strideBytes, at: 0)
        let found = (0..<copies).map { copy in
            decode(Array(bytes.dropFirst(copy * strideBytes).prefix(copyBytes)), copy: copy)
        }
        let known = found.compactMap { $0 }.first
        if let known, !found.contains(nil) { return known }
        guard known != nil || generations.count <= 1 else {
            throw .corrupt("\(name) is damaged, and there are \(generations.count) databases")
        }
        let generation = known ?? generations.first ?? 0
        try prepare(generation, in: folder)
        switchOver(in: folder)
        return generation
    }

    /// Makes the next marker durable under a name that means nothing yet.
    static func prepare(_ generation: UInt64, in folder: String) throws(StoreError) {
        let path = preparedPath(folder)
        try removeFile(path)
        guard let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL) else {
            throw .system(code: ENOENT, operation: "open", path: path)
        }
        var bytes = [UInt8](repeating: 0, count: copies * strideBytes)
        for copy in 0..<copies {
            let start = copy * strideBytes
            bytes.replaceSubrange(start..<start + copyBytes, with: encode(generation, copy: copy))
        }
        do throws(StoreError) {
            try file.write(bytes, at: 0)
        } catch .system(ENOSPC, _, _) {
            throw .full
        }
        file.sync()
    }

    /// Makes the prepared marker the one that counts. An error ends the process: whether the next
    /// start finds the old or the new one would not be known, and both are complete only now.
    static func switchOver(in folder: String) {
        do throws(StoreError) {
            try renameDurably(preparedPath(folder), to: folder + "/" + name, in: folder)
        } catch {
            endProcess("the live database could not be switched: \(error.summary)")
        }
    }

    private static func preparedPath(_ folder: String) -> String { folder + "/\(name).new" }

    private static func encode(_ generation: UInt64, copy: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: copyBytes)
        writer.writeBytes(magic)
        writer.writeUInt8(formatVersion)
        writer.writeUInt8(UInt8(copy))
        writer.writeUInt64(generation)
        writer.writeBytes([UInt8](repeating: 0, count: copyBytes - 4 - writer.count))
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    /// The generation that a copy names, or nil if the copy is damaged in any way.
    private static func decode(_ bytes: [UInt8], copy: Int) -> UInt64? {
        guard bytes.count == copyBytes else { return nil }
        let generation = bigEndianWord(bytes, at: 10)
        return encode(generation, copy: copy) == bytes ? generation : nil
    }
}

extension DataFolder {
    private static let databasePrefix = "holdfast-"
    private static let databaseSuffix = ".mdb"

    /// The database file of a generation.
    func databasePath(_ generation: UInt64) -> String {
        path + "/" + Self.databaseName(generation)
    }

    private static func databaseName(_ generation: UInt64) -> String {
        generation == 0 ? databaseName : "\(databasePrefix)\(generation)\(databaseSuffix)"
    }

    /// The generations that have a file in a folder.
    static func generations(in folder: String) throws(StoreError) -> [UInt64] {
        try fileNames(in: folder).compactMap { name in
            if name == databaseName { return 0 }
            guard name.hasPrefix(databasePrefix), name.hasSuffix(databaseSuffix) else { return nil }
            let digits = name.dropFirst(databasePrefix.count).dropLast(databaseSuffix.count)
            guard let generation = UInt64(digits), databaseName(generation) == name else {
                return nil
            }
            return generation
        }
    }

    /// Removes every database that is not the live one.
    func removeOtherDatabases() throws(StoreError) {
        for generation in try Self.generations(in: path)
        where databasePath(generation) != databasePath {
            try removeDatabase(databasePath(generation))
        }
    }

    /// Removes a database and its lock file. Whoever has it open keeps what it has.
    func removeDatabase(_ path: String) throws(StoreError) {
        try removeFile(path)
        try removeFile(path + "-lock")
    }
}
