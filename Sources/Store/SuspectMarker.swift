import Glibc
import Synchronization

/// The file `SUSPECT` in a data folder: the process before ended in a way that the database may
/// have caused, so the next start walks all of it in a child process before it is trusted.
///
/// LMDB 0.9 has no page checksums: a damaged page can end a process by a signal (an address beyond
/// the map, a page that the disk cannot read), and would end the next one again.
package enum SuspectMarker {
    static let name = "SUSPECT"

    /// Set once, before there are readers; a C string because a signal handler reads it.
    private static let path = Atomic<UInt>(0)

    private static let armed = Atomic(false)

    /// From now on a crash of this process leaves the marker: call it before the database is
    /// opened, because a damaged one can end the process by being opened.
    package static func watch(folder: String) {
        guard path.load(ordering: .acquiring) == 0,
            let text = unsafe strdup(folder + "/" + name)
        else { return }
        path.store(UInt(bitPattern: text), ordering: .releasing)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGABRT] {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { number in
                SuspectMarker.leave()
                // The default action ends the process with the signal's own status.
                _ = Glibc.signal(number, SIG_DFL)
                _ = raise(number)
            }
            unsafe sigemptyset(&action.sa_mask)
            _ = unsafe sigaction(signal, &action, nil)
        }
    }

    /// From now on damage that LMDB reports ends the process: no thread may go on answering from a
    /// database that is known to be damaged. Before, it is an error like others, so whoever opens
    /// a folder can act on it. Comes after ``watch(folder:)``.
    package static func arm() { armed.store(true, ordering: .releasing) }

    /// Whether damage ends the process.
    static var isArmed: Bool { armed.load(ordering: .acquiring) }

    /// Leaves the marker, with a reason why the next start need not walk to know.
    package static func leave(because reason: String) {
        leave()
        let number = path.load(ordering: .acquiring)
        guard let text = unsafe UnsafePointer<CChar>(bitPattern: number) else { return }
        let file = unsafe open(text, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { _ = close(file) }
        let bytes = Array(reason.utf8.prefix(reasonBytesMax))
        _ = unsafe Glibc.write(file, bytes, bytes.count)
        _ = fsync(file)
    }

    private static let reasonBytesMax = 1_024

    /// Why the last process left the marker, if it said so.
    package static func reason(in folder: String) throws(StoreError) -> String? {
        guard let file = try FileDescriptor.open(folder + "/" + name, O_RDONLY) else { return nil }
        let bytes = try file.read(reasonBytesMax, at: 0)
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Leaves the marker, if this process watches. Only calls that a signal handler may make.
    package static func leave() {
        let number = path.load(ordering: .acquiring)
        guard let text = unsafe UnsafePointer<CChar>(bitPattern: number) else { return }
        let file = unsafe open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if file >= 0 { _ = close(file) }
    }

    /// Whether the last process left the marker.
    package static func isThere(in folder: String) -> Bool {
        unsafe access(folder + "/" + name, F_OK) == 0
    }

    /// The database was walked and is sound, or was put aside.
    package static func clear(in folder: String) throws(StoreError) {
        try removeFile(folder + "/" + name)
    }
}
