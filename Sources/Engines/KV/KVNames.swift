/// Where KV keeps its records, relative to the mount.
///
/// Version 1: a secret is the record at its own name. Version 2: `config`; `m/<name>` is the
/// metadata of a key, so a listing below `m/` is a listing of keys; one record a version. A
/// version's record is never listed, so its path has no folders (NUL stands for the slash; names
/// of the API cannot contain it) and costs no folder markers.
enum KVNames {
    static let config = "config"

    static func metadata(_ name: String) -> String { "m/" + name }

    /// The folder of metadata for a folder of keys: empty for the root, else ending in `/`.
    static func metadataFolder(_ folder: String) -> String { "m/" + folder }

    static func version(_ number: UInt64, of name: String) -> String {
        var bytes: [UInt8] = [0x76, 0]
        bytes.append(contentsOf: String(number).utf8)
        bytes.append(0)
        for byte in name.utf8 {
            bytes.append(byte == 0x2F ? 0 : byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Refuses a name that no record can have.
    static func check(_ name: String) throws(EngineError) {
        guard name.utf8.count <= EngineLimits.nameBytesMax else {
            throw .invalid(
                "the name of a secret is \(name.utf8.count) bytes long, the limit is "
                    + "\(EngineLimits.nameBytesMax)"
            )
        }
    }

    /// Whether a record can exist under the name: not the root, not a folder, not too long.
    static func isKey(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.last != 0x2F && name.utf8.count <= EngineLimits.nameBytesMax
    }

    /// The folder that a list asks for, ending in `/` unless it is the root.
    static func folder(_ path: String) -> String {
        path.isEmpty || path.utf8.last == 0x2F ? path : path + "/"
    }
}
