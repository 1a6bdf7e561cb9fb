import Cryptography
import Store
import Wire

/// One version of a mount's data key.
struct DataKey: Sendable {
    /// The version of the keyring under which it was made. So one number orders the data keys of
    /// all mounts, and one floor for the whole vault can retire old ones.
    let id: UInt32
    let key: XAESKey
}

/// The keys of one mount, opened: they live while the vault is unsealed and are wiped with it.
package final class MountKeys: Sendable {
    /// The mount that they belong to.
    package let mount: MountID
    /// The index that wrote the record they were opened from; 0 while the batch that makes them
    /// is not applied.
    package let modificationIndex: UInt64

    let vaultID: [UInt8]
    /// What new records are sealed with.
    let current: DataKey
    /// Older versions, newest first; almost always none.
    private let older: [DataKey]
    private let nameKey: HMACKey

    /// - Parameter dataKeys: ascending by id, at least one.
    init(
        vaultID: [UInt8],
        mount: MountID,
        modificationIndex: UInt64,
        nameKey: HMACKey,
        dataKeys: [DataKey]
    ) {
        guard let current = dataKeys.last else { preconditionFailure("a mount has a data key") }
        self.vaultID = vaultID
        self.mount = mount
        self.modificationIndex = modificationIndex
        self.nameKey = nameKey
        self.current = current
        older = dataKeys.dropLast().reversed()
    }

    /// The id of the data key that new records are sealed with.
    package var currentDataKeyID: UInt32 { current.id }

    /// The data key with this id.
    func dataKey(_ id: UInt32) -> DataKey? {
        id == current.id ? current : older.first { $0.id == id }
    }

    /// Where the record of a path is stored.
    func storageKey(of path: BarrierPath) -> StorageKey {
        storageKey(directory: path.directory, path: path.bytes[...])
    }

    /// Where the marker of a folder is stored: in the folder's parent.
    func storageKey(of folder: BarrierPath.Folder) -> StorageKey {
        storageKey(directory: folder.parent, path: folder.path)
    }

    /// The range that a directory's records lie in. `directory` is empty or ends in "/".
    func prefix(of directory: ArraySlice<UInt8>) -> DirectoryPrefix {
        guard let prefix = DirectoryPrefix(half(.directory, directory)) else {
            preconditionFailure("half a tag is 16 bytes")
        }
        return prefix
    }

    /// What names the timer of a path: 16 bytes that nobody can tell from its storage key.
    func timerID(of path: BarrierPath) -> [UInt8] { half(.timer, path.bytes[...]) }

    private enum Half: UInt8 {
        case directory = 1
        case path = 2
        case timer = 3
    }

    private func storageKey(
        directory: ArraySlice<UInt8>,
        path: ArraySlice<UInt8>
    ) -> StorageKey {
        guard let key = StorageKey(half(.directory, directory) + half(.path, path)) else {
            preconditionFailure("two halves of a tag are 32 bytes")
        }
        return key
    }

    /// The first 16 bytes of HMAC-SHA256(K_name, which half u8 ‖ mount id and text, each with its
    /// length).
    ///
    /// The first byte keeps a folder's marker apart from the range of its content: with the same
    /// input for both, who reads the disk would see which directory lies in which.
    private func half(_ half: Half, _ text: ArraySlice<UInt8>) -> [UInt8] {
        var writer = ByteWriter(capacity: text.count + 24)
        writer.writeUInt8(half.rawValue)
        writer.writeBlob(mount.bytes)
        writer.writeVarint(UInt64(text.count))
        writer.writeBytes(text)
        return Array(nameKey.tag(writer.bytes).prefix(16))
    }
}
