import Glibc
import Synchronization

/// Large files that are not needed any more, and go a slice at a time.
///
/// Freeing a gigabyte at once is one long transaction of the file system, and with `discard` one
/// long order to the disk: a sync of the log beside it waited 90 ms for half a gigabyte here.
final class SpentFiles: Sendable {
    private struct State {
        var taken: UInt64 = 0
        var paths: [String] = []
    }

    /// Bytes that one step frees.
    static let sliceBytes: UInt64 = 16 << 20
    /// Begins like the files of snapshots, whose leftovers the next start removes.
    private static let prefix = "snapshot-spent-"

    private let folder: String
    private let state = Mutex(State())

    init(in folder: String) { self.folder = folder }

    /// Takes a file away from its name, at once; its bytes go later. None of that name is fine.
    func take(_ path: String) throws(StoreError) {
        let number = state.withLock { state in
            state.taken += 1
            return state.taken
        }
        let spent = "\(folder)/\(Self.prefix)\(number)"
        guard unsafe rename(path, spent) == 0 else {
            if errno == ENOENT { return }
            throw .system(code: errno, operation: "rename", path: path)
        }
        state.withLock { $0.paths.append(spent) }
    }

    /// Frees one slice, durably: what waited for the disk together would be freed together. What
    /// cannot be cut is removed whole. One thread at a time.
    ///
    /// - Returns: whether there is more to free.
    func freeSlice() -> Bool {
        guard let path = state.withLock({ $0.paths.first }) else { return false }
        if Self.cut(path) { return true }
        // What cannot be removed now is removed by the next start.
        _ = try? removeFile(path)
        return state.withLock { state in
            state.paths.removeFirst()
            return !state.paths.isEmpty
        }
    }

    /// - Returns: false when there is no more than a slice, or it could not be cut.
    private static func cut(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(path, O_WRONLY), let size = try? file.size(),
            size > sliceBytes
        else { return false }
        return ftruncate(file.number, off_t(size - sliceBytes)) == 0 && fdatasync(file.number) == 0
    }
}
