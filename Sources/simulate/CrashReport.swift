import Glibc

/// Tells the command that repeats a seed when a precondition of the product fails in it, because
/// that ends this process before it can report anything.
///
/// A trap is raised on the thread that ran into it, and a seed runs on one thread from its begin to
/// its end, so a thread's own value says which of several seeds it was.
enum CrashReport {
    /// Of the thread: a line for its seed, ready to be written, as a handler of signals may neither
    /// allocate nor lock.
    private static let line: pthread_key_t = {
        var key = pthread_key_t()
        precondition(unsafe pthread_key_create(&key) { unsafe free($0) } == 0, "no key is left")
        return key
    }()

    /// From here on this thread works on the seed that `command` repeats.
    static func begin(_ command: String) {
        unsafe free(pthread_getspecific(line))
        let text = unsafe strdup("simulate: a precondition failed\n  repeat: \(command)\n")
        _ = unsafe pthread_setspecific(line, text)
    }

    /// Catches the signals that a trap raises.
    static func install() {
        _ = line
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] {
            signal(number) { _ in CrashReport.tell() }
        }
    }

    private static func tell() -> Never {
        if let text = unsafe pthread_getspecific(line) {
            let bytes = unsafe text.assumingMemoryBound(to: CChar.self)
            _ = unsafe write(STDERR_FILENO, bytes, strlen(bytes))
        }
        _exit(1)
    }
}
